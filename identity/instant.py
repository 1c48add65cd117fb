"""Instants as documents of others spell them (RFC 3339), read exactly, in one spelling written.

parse_instant("2026-05-28T18:58:18Z")       == Decimal(1779994698)       POSIX seconds
parse_instant("2026-05-28T20:58:18.5+02:00") == Decimal("1779994698.5")
format_instant(1779994698)                  == "2026-05-28T18:58:18Z"
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from functools import lru_cache

from identity.errors import Malformed, declare

declare(
    "malformed",
    instant_malformed=(
        "this is not an instant",
        "write RFC 3339 with seconds and a zone: 2026-05-28T18:58:18Z; at most nine digits after the point",
    ),
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = 253_402_300_799  # 9999-12-31T23:59:59Z
_INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):([0-5]\d))", re.ASCII
)


@lru_cache(maxsize=4096)
def parse_instant(text: str, *, pointer: str | None = None) -> Decimal:
    """POSIX seconds, with the digits after the point. Raises ``Malformed``, for leap seconds and hour 24, too."""
    found = _INSTANT.fullmatch(text)
    if found is None:
        raise Malformed("instant_malformed", ascii(text)[:60], pointer=pointer)
    *day, digits, sign, hours, minutes = found.groups()
    try:
        offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
        there = datetime(*map(int, day), tzinfo=timezone(-offset if sign == "-" else offset))  # type: ignore[arg-type, misc]
        seconds = (there - _EPOCH) // timedelta(seconds=1)
    except ValueError:
        raise Malformed("instant_malformed", ascii(text)[:60], pointer=pointer) from None
    return seconds + Decimal(f"0.{digits or 0}")


def format_instant(seconds: int) -> str:
    """RFC 3339 in UTC, to the second, for years 1 to 9999; what is later, as the last second of these."""
    return (_EPOCH + timedelta(seconds=min(seconds, _LAST))).isoformat().removesuffix("+00:00") + "Z"
