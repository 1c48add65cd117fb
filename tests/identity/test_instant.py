"""Instants: read exactly, written in one spelling, everything else refused."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.errors import Malformed
from identity.instant import format_instant, parse_instant


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:00Z", "0"),
        ("2026-05-28T18:58:18Z", "1779994698"),
        ("2026-05-28T20:58:18.5+02:00", "1779994698.5"),
        ("2026-05-28T13:28:18.000000001-05:30", "1779994698.000000001"),
        ("1969-12-31T23:59:59.25Z", "-0.75"),
        ("2024-02-29T00:00:00+00:00", "1709164800"),
        ("0001-01-01T00:00:00+01:00", "-62135600400"),
    ],
)
def test_instants_are_read_exactly(text: str, seconds: str) -> None:
    assert parse_instant(text) == Decimal(seconds)


@given(st.integers(-62_135_596_800, 253_402_300_799))
def test_what_is_written_is_read(seconds: int) -> None:
    text = format_instant(seconds)
    assert len(text) == 20
    assert parse_instant(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-05-28",
        "2026-05-28T18:58:18",
        "2026-05-28T18:58Z",
        "2026-05-28t18:58:18z",
        "2026-05-28 18:58:18Z",
        "2026-02-30T18:58:18Z",
        "2026-05-28T24:00:00Z",
        "2016-12-31T23:59:60Z",
        "2026-05-28T18:58:18.Z",
        "2026-05-28T18:58:18.0000000001Z",
        "2026-05-28T18:58:18,5Z",
        "2026-05-28T18:58:18+0000",
        "2026-05-28T18:58:18+24:00",
        "2026-05-28T18:58:18+01:60",
        "20260528T185818Z",
        "0000-01-01T00:00:00Z",
        "12026-05-28T18:58:18Z",
        "2026-05-28T18:58:18Z\n",
        "２026-05-28T18:58:18Z",
    ],
)
def test_what_is_no_instant(text: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_instant(text, pointer="/created")
    assert (caught.value.code, caught.value.pointer) == ("instant_malformed", "/created")
