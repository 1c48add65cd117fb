"""Instants as people write them: a span from now (``30d``), a day (``2030-12-31``) or a time with its zone.

A day alone is a day of UTC: its first second where something starts, its last where something ends.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import typer

_SPAN = re.compile(r"([1-9][0-9]{0,5})([hdw])", re.ASCII)
_HOURS = {"h": 1, "d": 24, "w": 168}
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def parse_end(text: str, now: int) -> int:
    """POSIX seconds of the last second meant; a span counts from ``now``. Raises ``typer.BadParameter``."""
    span = _SPAN.fullmatch(text)
    if span:
        return now + int(span[1]) * _HOURS[span[2]] * 3600
    return _instant(text, last=True)


def parse_start(text: str) -> int:
    """POSIX seconds of the first second meant. Raises ``typer.BadParameter``."""
    return _instant(text, last=False)


def parse_span(text: str) -> int:
    """Seconds of a span such as ``12h``. Raises ``typer.BadParameter``."""
    span = _SPAN.fullmatch(text)
    if not span:
        raise typer.BadParameter(f"{text!r} is not a span such as 12h, 30d or 4w")
    return int(span[1]) * _HOURS[span[2]] * 3600


def show_seconds(seconds: int) -> str:
    """``2030-12-31T23:59:59Z``."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return str(seconds)


def show_micros(micros: int) -> str:
    """``2030-12-31T23:59:59.123456Z``."""
    whole, part = divmod(micros, 1_000_000)
    return f"{show_seconds(whole).removesuffix('Z')}.{part:06}Z"


def _instant(text: str, *, last: bool) -> int:
    try:
        if _DAY.fullmatch(text):
            day = datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
            return int((day + timedelta(days=1)).timestamp()) - 1 if last else int(day.timestamp())
        instant = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"{text!r} is not a date, a time, or a span such as 30d") from None
    if instant.tzinfo is None:
        raise typer.BadParameter(f"{text!r} needs its zone: {text}Z is UTC")
    return int(instant.timestamp())
