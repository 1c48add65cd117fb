"""Stored rows against the rows that are due: equal, or which of them is damaged.

Both come in the order of the table's key and are walked side by side, a thousand at a time. Damage turns a right row
into a wrong one, so the first row that is due and missing is named; only if none is missing, the first that is there
without being due. Rows that cannot be read are missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

from ledger.audit.source import Row
from ledger.errors import Problem, Unavailable

_STEP = 1_000  # rows compared at a time


@dataclass(frozen=True, slots=True)
class Difference:
    """``due`` is missing, or stored as ``found`` under the same key; without ``due``, ``found`` is one too many."""

    due: Row | None
    found: Row | None
    problem: Problem | None  # why the rows from some place on could not be read


def difference(due: Iterable[Row], found: Iterable[Row], key: int) -> Difference | None:
    """The first difference between two tables whose first ``key`` columns are their key; None if they are equal."""
    wanted, stored = iter(due), _Readable(iter(found))
    rows = iter(stored)
    while True:
        some, others = list(islice(wanted, _STEP)), list(islice(rows, _STEP))
        if some != others:
            return _first(chain(some, wanted), chain(others, rows), key, stored)
        if not some:
            return Difference(None, None, stored.problem) if stored.problem else None


class _Readable:
    """Rows up to the first that cannot be read."""

    def __init__(self, rows: Iterator[Row]) -> None:
        self._rows = rows
        self.problem: Problem | None = None

    def __iter__(self) -> Iterator[Row]:
        try:
            yield from self._rows
        except Unavailable:  # not there to be read: no sign of damage
            raise
        except Problem as problem:
            self.problem = problem


def _first(due: Iterator[Row], found: Iterator[Row], key: int, stored: _Readable) -> Difference:
    extra: Row | None = None
    other = next(found, None)
    for row in due:
        while other is not None and (_types(other[:key]) != _types(row[:key]) or other[:key] < row[:key]):
            extra = extra or other
            other = next(found, None)
        if other != row:
            same = other if other is not None and other[:key] == row[:key] else None
            return Difference(row, same, stored.problem)
        other = next(found, None)
    return Difference(None, extra or other, stored.problem)


def _types(key: Row) -> list[type]:
    """Damage may turn a number into text, or text into bytes that are none. What is of other types is not due."""
    return [type(part) for part in key]
