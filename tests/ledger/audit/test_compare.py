"""Two tables side by side: equal or not, and which row is named."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.audit.compare import difference
from ledger.audit.source import Row
from ledger.errors import Corrupt, Unavailable

KEYS = st.tuples(st.sampled_from("abc"), st.integers(0, 5))
TABLES = st.dictionaries(KEYS, st.binary(max_size=2), max_size=12).map(
    lambda rows: [(*key, value) for key, value in sorted(rows.items())]
)


@given(TABLES, TABLES)
def test_there_is_a_difference_exactly_where_tables_differ(due: list[Row], found: list[Row]) -> None:
    assert (difference(due, found, 2) is None) == (due == found)


@given(TABLES.filter(bool), st.data())
def test_a_row_left_out_is_named(due: list[Row], data: st.DataObject) -> None:
    row = data.draw(st.sampled_from(due))
    result = difference(due, [other for other in due if other != row], 2)
    assert result is not None
    assert (result.due, result.found) == (row, None)


@given(TABLES, KEYS)
def test_a_row_too_many_is_named(due: list[Row], key: Row) -> None:
    found = sorted({*due, (*key, b"!!!")})
    result = difference(
        [row for row in due if row[:2] != key], [row for row in found if row not in due or row[:2] != key], 2
    )
    assert result is not None
    assert (result.due, result.found) == (None, (*key, b"!!!"))


@given(TABLES.filter(bool), st.data())
def test_a_row_whose_value_is_another_is_named_with_both(due: list[Row], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(due) - 1))
    found = [*due[:place], (*due[place][:2], b"!!!"), *due[place + 1 :]]
    result = difference(due, found, 2)
    assert result is not None
    assert (result.due, result.found) == (due[place], found[place])


ODD = st.one_of(st.none(), st.integers(), st.text(max_size=2), st.binary(max_size=2), st.floats(allow_nan=False))


@given(TABLES.filter(bool), st.data())
def test_a_row_damaged_into_anything_is_named_as_the_one_that_is_missing(due: list[Row], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(due) - 1))
    odd = (data.draw(ODD), data.draw(ODD), data.draw(ODD))
    if odd in due:
        return
    result = difference(due, [*due[:place], odd, *due[place + 1 :]], 2)
    assert result is not None
    assert result.due == due[place]


@given(TABLES, st.data())
def test_rows_that_cannot_be_read_are_missing(due: list[Row], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(due)))

    def found() -> Iterator[Row]:
        yield from due[:place]
        raise Corrupt("store_corrupt", "a page is gone")

    result = difference(due, found(), 2)
    assert result is not None
    assert result.due == (due[place] if place < len(due) else None)
    assert result.problem is not None


def test_rows_that_are_out_of_reach_are_no_difference() -> None:
    def silent() -> Iterator[Row]:
        yield ("a", 0, b"")
        raise Unavailable("store_unreadable")

    with pytest.raises(Unavailable):
        difference([("a", 0, b""), ("a", 1, b"")], silent(), 2)


def test_long_tables_differ_wherever_they_do() -> None:
    due: list[Row] = [(number, "x") for number in range(5_000)]
    for place in (0, 999, 1_000, 1_001, 4_999):
        result = difference(due, due[:place] + due[place + 1 :], 1)
        assert result is not None
        assert result.due == (place, "x")
    assert difference(due, iter(due), 1) is None
    assert difference(due, [*due, (5_000, "x")], 1) is not None
