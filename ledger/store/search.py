"""Search over words and look-ups: subjects of a type that satisfy every condition, latest first.

Each condition is a list of chapters (``postings``), the latest first, which can skip ahead. All lists are moved on to
a chapter that all of them have, and there their numbers are intersected; reading stops as soon as enough are found.
Two lists of 50,000 subjects each that share none are walked in some 20 ms.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Select, Table, bindparam, select
from sqlalchemy.engine import Connection

from ledger.store.postings import chapter_of, check_posting, numbers_of
from ledger.store.tables import LOOKUP, SUBJECT, WORD

CHAPTERS_FIRST = 4
"""Chapters a list reads at first. Each further read is four times as long, so that a short search reads little."""
CHAPTERS_MAX = 256
NONE = -1  # there is no such chapter


class _List:
    """Numbers of the subjects that satisfy one condition, by chapters. Those read ahead lie in ``_ahead``, reversed."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._ahead: list[tuple[int, frozenset[int]]] = []
        self._beyond: int | None = None  # chapters above this one were read; None before the first read
        self._step = CHAPTERS_FIRST

    def seek(self, chapter: int) -> int:
        """The latest chapter, not after this one, in which any subject satisfies the condition; or ``NONE``.

        Chapters asked for never ascend.
        """
        while True:
            while self._ahead:
                if self._ahead[-1][0] <= chapter:
                    return self._ahead[-1][0]
                self._ahead.pop()
            if self._beyond == NONE:
                return NONE
            start = chapter if self._beyond is None else min(chapter, self._beyond)
            found, self._beyond = self._read(start, self._step)
            self._ahead = found[::-1]
            self._step = min(4 * self._step, CHAPTERS_MAX)

    def numbers(self) -> frozenset[int]:
        """Low bytes of the numbers in the chapter that ``seek`` found."""
        return self._ahead[-1][1]

    def _read(self, chapter: int, count: int) -> tuple[list[tuple[int, frozenset[int]]], int]:
        """Up to ``count`` chapters from this one downwards, and the chapter to go on with, or ``NONE``."""
        raise NotImplementedError


class _Posted(_List):
    """Subjects with a word, or under a look-up."""

    def __init__(self, connection: Connection, query: Select[Any], first: str, second: str) -> None:
        super().__init__(connection)
        self._query = query
        self._key = first, second

    def _read(self, chapter: int, count: int) -> tuple[list[tuple[int, frozenset[int]]], int]:
        first, second = self._key
        asked = {"first": first, "second": second, "at_most": chapter, "count": count}
        found = []
        for at, numbers in self._connection.execute(self._query, asked):
            check_posting(self._key, at, numbers)
            found.append((at, frozenset(numbers)))
        return found, found[-1][0] - 1 if len(found) == count else NONE


class _Typed(_List):
    """All subjects of a type."""

    def __init__(self, connection: Connection, type_: str) -> None:
        super().__init__(connection)
        self._type = type_

    def _read(self, chapter: int, count: int) -> tuple[list[tuple[int, frozenset[int]]], int]:
        room = 256 * (count + 1)
        asked = {"type_": self._type, "before": chapter + 1 << 8, "count": room}
        chapters: dict[int, list[int]] = {}
        for no in (numbers := self._connection.execute(_OF_TYPE, asked).scalars().all()):
            chapters.setdefault(chapter_of(no), []).append(no & 255)
        if len(numbers) == room:
            chapters.popitem()  # the last one may go on
        found = [(at, frozenset(low)) for at, low in chapters.items()]
        return found, found[-1][0] - 1 if len(numbers) == room else NONE


def _posted(table: Table) -> Select[Any]:
    first, second, chapter = table.primary_key.columns
    return (
        select(chapter, table.c.numbers)
        .where(first == bindparam("first"), second == bindparam("second"), chapter <= bindparam("at_most"))
        .order_by(chapter.desc())
        .limit(bindparam("count"))
    )


_WITH_WORD, _UNDER_KEY = _posted(WORD), _posted(LOOKUP)
_OF_TYPE = (
    select(SUBJECT.c.no)
    .where(SUBJECT.c.type == bindparam("type_"), SUBJECT.c.no < bindparam("before"))
    .order_by(SUBJECT.c.no.desc())
    .limit(bindparam("count"))
)


def find(
    connection: Connection,
    types: Iterable[str],
    words: Iterable[str],
    keys: Iterable[tuple[str, str]],
    before: int,
    limit: int,
) -> list[int]:
    """Numbers of the subjects found, latest first; the meaning of the arguments is that of ``Store.search``."""
    words, keys = sorted(set(words)), sorted(set(keys))
    found: list[int] = []
    for type_ in set(types):
        lists: list[_List] = [_Posted(connection, _WITH_WORD, type_, word) for word in words]
        lists += [_Posted(connection, _UNDER_KEY, *key) for key in keys]
        if not words:
            lists.append(_Typed(connection, type_))  # last: the longest one, and often not needed
        found += _intersect(lists, before, limit)
    return sorted(found, reverse=True)[:limit]


def _intersect(lists: Sequence[_List], before: int, limit: int) -> list[int]:
    """Up to ``limit`` numbers below ``before`` that all lists have, latest first."""
    found: list[int] = []
    chapter = chapter_of(before)
    while chapter >= 0 and len(found) < limit:
        numbers = frozenset(range(256))
        for one in lists:
            there = one.seek(chapter)
            if there < chapter:
                chapter = there
                break
            numbers &= one.numbers()
            if not numbers:
                chapter -= 1
                break
        else:
            found += [no for no in numbers_of(chapter, sorted(numbers, reverse=True)) if no < before]
            chapter -= 1
    return found[:limit]
