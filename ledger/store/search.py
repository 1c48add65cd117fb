"""Search over words and look-ups, and history: numbers that satisfy every condition, latest first.

Each condition is a list of chapters (``postings``), the latest first, which can skip ahead. All lists are moved on to
a chapter that all of them have, and there their numbers are intersected; reading stops as soon as enough are found.
In 200,000 subjects a word that none has costs some 2 ms, and ten frequent words that hardly ever meet some 20 ms.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import CTE, ColumnElement, Integer, Select, Table, bindparam, func, select
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPICursor

from ledger.store.postings import chapter_of, check_posting, numbers_of
from ledger.store.tables import ENTRY, LOOKUP, MENTION, SUBJECT, WORD
from ledger.words import range_of

CHAPTERS_FIRST = 4
"""Chapters a list reads at first. Each further read is four times as long, so that a short search reads little."""
CHAPTERS_MAX = 256
NONE = -1  # there is no such chapter


class Search:
    """The statements of a search, prepared once for the engine at hand. Raises what the driver raises."""

    def __init__(self, dialect: Dialect) -> None:
        self._word = _Prepared(_posted(WORD), dialect)
        self._range = _Prepared(_posted(WORD, ranges=True), dialect)
        self._lookup = _Prepared(_posted(LOOKUP), dialect)
        self._type = _Prepared(_OF_TYPE, dialect)
        self._last = _Prepared(select(func.max(SUBJECT.c.no)), dialect)
        self._life = _Prepared(_LIFE, dialect)
        self._touching = _Prepared(_TOUCHING, dialect)

    def find(
        self,
        cursor: DBAPICursor,
        types: Iterable[str],
        words: Iterable[str],
        keys: Iterable[tuple[str, str]],
        before: int,
        limit: int,
    ) -> list[int]:
        """Numbers of the subjects found, latest first; the meaning of the arguments is that of ``Store.search``.

        Raises ``Corrupt`` where a list cannot be read.
        """
        words, keys = sorted(set(words)), sorted(set(keys))
        last: int | None = self._last.rows(cursor)[0][0]
        before = 0 if last is None else min(before, last + 1)
        found: list[int] = []
        for type_ in set(types):
            lists: list[_List] = [self._worded(cursor, type_, word) for word in words]
            lists += [_Posted(cursor, self._lookup, *key) for key in keys]
            if not words:
                lists.append(_Typed(cursor, self._type, type_))  # last: the longest one, and often not needed
            found += _intersect(lists, before, limit)
        return sorted(found, reverse=True)[:limit]

    def _worded(self, cursor: DBAPICursor, type_: str, word: str) -> _List:
        between = range_of(word)
        if between is None:
            return _Posted(cursor, self._word, type_, word)
        return _Posted(cursor, self._range, type_, *between)

    def touching(self, cursor: DBAPICursor, no: int, before: int, limit: int) -> list[int]:
        """Up to ``limit`` indexes below ``before`` of entries that touched a subject, latest first."""
        ((opened, last),) = self._life.rows(cursor, no=no)
        start, after = chapter_of(min(before - 1, last)), chapter_of(opened) - 1
        found: list[int] = []
        # Of the first chapter, no entry may be below ``before``.
        for chapter, numbers in self._touching.rows(cursor, no=no, start=start, after=after, limit=limit + 1):
            check_posting(("mention", no), chapter, numbers)
            found += [index for index in numbers_of(chapter, numbers[::-1]) if index < before]
        if opened < before:
            found.append(opened)
        return found[:limit]


class _Prepared:
    """A statement in the driver's own words."""

    def __init__(self, query: Select[Any], dialect: Dialect) -> None:
        compiled: Any = query.compile(dialect=dialect)
        self._sql = str(compiled)
        self._places: list[str] = compiled.positiontup or []
        self._given: dict[str, Any] = compiled.params

    def rows(self, cursor: DBAPICursor, **values: object) -> Sequence[tuple[Any, ...]]:
        values = self._given | values
        cursor.execute(self._sql, tuple([values[place] for place in self._places]))
        return cursor.fetchall()


class _List(ABC):
    """Numbers of the subjects that satisfy one condition, by chapters; those read ahead in ``_ahead``, ascending."""

    def __init__(self, cursor: DBAPICursor, query: _Prepared) -> None:
        self._cursor = cursor
        self._query = query
        self._ahead: list[tuple[int, list[tuple[Any, ...]]]] = []
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
            after = max(start - self._step, NONE)
            self._ahead = [(at, list(rows)) for at, rows in groupby(self._read(start, after), self._chapter)]
            self._beyond = after
            self._step = min(4 * self._step, CHAPTERS_MAX)

    @abstractmethod
    def numbers(self) -> frozenset[int]:
        """Low bytes of the numbers in the chapter that ``seek`` found."""

    @abstractmethod
    def _read(self, start: int, after: int) -> Iterable[tuple[Any, ...]]:
        """Rows of the chapters from ``start`` down to before ``after``, ascending by chapter."""

    @abstractmethod
    def _chapter(self, row: Any) -> int:
        """The chapter that a row is of."""


class _Posted(_List):
    """Subjects with a word, or under a look-up."""

    def __init__(self, cursor: DBAPICursor, query: _Prepared, first: str, second: str, beyond: str = "") -> None:
        """``beyond``: any of the keys from ``second`` to before this one will do; the query is one for ranges."""
        super().__init__(cursor, query)
        self._key = {"first": first, "second": second, "beyond": beyond}

    def numbers(self) -> frozenset[int]:
        found: list[bytes] = []
        for chapter, second, numbers in self._ahead[-1][1]:
            check_posting((self._key["first"], second), chapter, numbers)
            found.append(numbers)
        return frozenset(b"".join(found))

    def _read(self, start: int, after: int) -> Iterable[tuple[Any, ...]]:
        return self._query.rows(self._cursor, **self._key, start=start, after=after)

    def _chapter(self, row: Any) -> int:
        chapter: int = row[0]
        return chapter


class _Typed(_List):
    """All subjects of a type."""

    def __init__(self, cursor: DBAPICursor, query: _Prepared, type_: str) -> None:
        super().__init__(cursor, query)
        self._type = type_

    def numbers(self) -> frozenset[int]:
        return frozenset([no & 255 for (no,) in self._ahead[-1][1]])

    def _read(self, start: int, after: int) -> Iterable[tuple[Any, ...]]:
        return self._query.rows(self._cursor, type_=self._type, first=after + 1 << 8, before=start + 1 << 8)

    def _chapter(self, row: Any) -> int:
        return chapter_of(row[0])


def _intersect(lists: list[_List], before: int, limit: int) -> list[int]:
    """Up to ``limit`` numbers below ``before`` that all lists have, latest first."""
    found: list[int] = []
    chapter = chapter_of(before)
    while chapter >= 0 and len(found) < limit:
        numbers = frozenset(range(256))
        for place, one in enumerate(lists):
            there = one.seek(chapter)
            if there == chapter:
                numbers &= one.numbers()
            if there < chapter or not numbers:
                chapter = min(there, chapter - 1)
                lists.insert(0, lists.pop(place))  # what ruled out one chapter is likely to rule out the next
                break
        else:
            found += [no for no in numbers_of(chapter, sorted(numbers, reverse=True)) if no < before]
            chapter -= 1
    return found[:limit]


def _chapters() -> CTE:
    """The chapters from ``start`` down to before ``after``, so that each is asked for by itself."""
    asked = select(bindparam("start", type_=Integer).label("chapter")).cte("asked", recursive=True)
    return asked.union_all(select(asked.c.chapter - 1).where(asked.c.chapter - 1 > bindparam("after")))


def _posted(table: Table, *, ranges: bool = False) -> Select[Any]:
    """(chapter, second, numbers) in the chapters asked for, ascending."""
    chapter, first, second = table.primary_key.columns
    asked = _chapters()
    wanted: ColumnElement[bool] = second == bindparam("second")
    if ranges:
        wanted = (second >= bindparam("second")) & (second < bindparam("beyond"))
    return (
        select(chapter, second, table.c.numbers)
        .join_from(asked, table, (chapter == asked.c.chapter) & (first == bindparam("first")))
        .where(wanted)
        .order_by(chapter)
    )


_MENTIONED = _chapters()
_TOUCHING = (
    select(MENTION.c.chapter, MENTION.c.numbers)
    .join_from(_MENTIONED, MENTION, MENTION.c.chapter == _MENTIONED.c.chapter)
    .where(MENTION.c.no == bindparam("no"))
    .order_by(MENTION.c.chapter.desc())
    .limit(bindparam("limit"))
)
_LIFE = (
    select(SUBJECT.c.opened, select(func.max(ENTRY.c.index)).scalar_subquery())  # and the last entry there is
    .where(SUBJECT.c.no == bindparam("no"))
)  # fmt: skip
_OF_TYPE = (
    select(SUBJECT.c.no)
    .where(SUBJECT.c.type == bindparam("type_"))
    .where(SUBJECT.c.no >= bindparam("first"), SUBJECT.c.no < bindparam("before"))
    .order_by(SUBJECT.c.no)
)
