"""Instants and spans as people write them."""

from __future__ import annotations

import pytest
import typer

from scripts.times import parse_end, parse_span, parse_start, show_micros, show_seconds

NOW = 1_760_000_000
DAY = 86_400


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30d", NOW + 30 * DAY),
        ("12h", NOW + DAY // 2),
        ("2w", NOW + 14 * DAY),
        ("2030-12-31", 1_924_991_999),  # its last second
        ("2030-12-31T12:00:00Z", 1_924_948_800),
        ("2030-12-31T20:00:00+08:00", 1_924_948_800),
    ],
)
def test_an_end_is_a_span_a_day_or_a_time(text: str, seconds: int) -> None:
    assert parse_end(text, NOW) == seconds


def test_a_day_starts_with_its_first_second() -> None:
    assert parse_start("2030-12-31") == 1_924_905_600
    assert show_seconds(parse_start("2030-12-31")) == "2030-12-31T00:00:00Z"


@pytest.mark.parametrize(
    "text", ["", "30", "d", "0d", "-1d", "1.5d", "30 d", "2030-13-01", "2030-12-31T12:00", "tomorrow", "30m", "٣d"]
)
def test_anything_else_is_wrong_use(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        parse_end(text, NOW)


def test_a_span_is_in_seconds() -> None:
    assert parse_span("24h") == DAY
    with pytest.raises(typer.BadParameter):
        parse_span("2030-12-31")


def test_microseconds_are_shown_in_full() -> None:
    assert show_micros(1_924_991_999_000_001) == "2030-12-31T23:59:59.000001Z"
