"""Instants and spans as people write them."""

from __future__ import annotations

from collections.abc import Callable

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
        ("90s", NOW + 90),
        ("15m", NOW + 900),
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
    "text",
    ["", "30", "d", "0d", "-1d", "1.5d", "30 d", "2030-13-01", "2030-12-31T12:00", "tomorrow", "30y", "30M", "٣d"],
)
def test_anything_else_is_wrong_use(text: str) -> None:
    for parse in (parse_end, parse_start):
        with pytest.raises(typer.BadParameter):
            parse(text, NOW)


def test_a_start_may_be_a_span_from_now_as_well() -> None:
    assert parse_start("15m", NOW) == NOW + 900


@pytest.mark.parametrize("parse", [parse_end, parse_start])
def test_what_is_understood_is_told(parse: Callable[..., int]) -> None:
    spans, dates = "90s, 15m, 12h, 30d or 4w", "a date such as 2030-12-31, or a time with its zone such as "
    with pytest.raises(typer.BadParameter, match=f"is not a span such as {spans}, {dates}"):
        parse("soon", NOW)
    for text in ("soon", "30d"):  # where only dates make sense
        with pytest.raises(typer.BadParameter, match=f"is not {dates}"):
            parse(text)
    with pytest.raises(typer.BadParameter, match=f"is not a span such as {spans}"):
        parse_span("soon")


def test_a_span_is_in_seconds() -> None:
    assert [parse_span(text) for text in ("1s", "90s", "15m", "24h", "1w")] == [1, 90, 900, DAY, 7 * DAY]
    with pytest.raises(typer.BadParameter):
        parse_span("2030-12-31")


def test_microseconds_are_shown_in_full() -> None:
    assert show_micros(1_924_991_999_000_001) == "2030-12-31T23:59:59.000001Z"
