"""Instants as people write them: a span from now (``30d``), a day (``2030-12-31``) or a time with its zone.

A span counts seconds, minutes, hours, days or weeks: ``90s``, ``15m``, ``12h``, ``30d``, ``4w``. A day alone is a day
of UTC: its first second where something starts, its last where something ends.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import typer

_SPAN = re.compile(r"([1-9][0-9]{0,8})([smhdw])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
SPANS = "90s, 15m, 12h, 30d or 4w"
_TIMES = "a date such as 2030-12-31, or a time with its zone such as 2030-12-31T18:00:00Z"


def parse_end(text: str, now: int | None = None) -> int:
    """POSIX seconds of the last second meant; a span counts from ``now``, and is none without it.

    Raises ``typer.BadParameter``.
    """
    return _parse(text, now, last=True)


def parse_start(text: str, now: int | None = None) -> int:
    """POSIX seconds of the first second meant; otherwise as :func:`parse_end`."""
    return _parse(text, now, last=False)


def parse_span(text: str) -> int:
    """Seconds of a span such as ``12h``. Raises ``typer.BadParameter``."""
    seconds = _span(text)
    if seconds is None:
        raise typer.BadParameter(f"{text!r} is not a span such as {SPANS}")
    return seconds


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


def _parse(text: str, now: int | None, *, last: bool) -> int:
    span = None if now is None else _span(text)
    if now is not None and span is not None:
        return now + span
    try:
        if _DAY.fullmatch(text):
            day = datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
            return int((day + timedelta(days=1)).timestamp()) - 1 if last else int(day.timestamp())
        instant = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        understood = _TIMES if now is None else f"a span such as {SPANS}, {_TIMES}"
        raise typer.BadParameter(f"{text!r} is not {understood}") from None
    if instant.tzinfo is None:
        raise typer.BadParameter(f"{text!r} needs its zone: {text}Z is UTC")
    return int(instant.timestamp())


def _span(text: str) -> int | None:
    found = _SPAN.fullmatch(text)
    return int(found[1]) * _SECONDS[found[2]] if found else None
