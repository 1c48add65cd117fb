"""Search over words and look-ups: subjects of a type that satisfy every condition, latest first.

Each condition (a word, a look-up key) is a list of subject numbers in the order of an index. The shortest list is
read backwards, and each number in it is looked up in the others; reading stops as soon as enough are found. Which
list is shortest is found by counting each, up to a bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, FromClause, Select, and_, exists, func, literal, select
from sqlalchemy.engine import Connection

from ledger.store.tables import LOOKUP, SUBJECT, WORD

COUNT_MAX = 10_000  # rows counted of one condition, about 0.3 ms; longer lists count as equally long


@dataclass(frozen=True, slots=True)
class _Condition:
    """Rows of ``source`` for which ``holds``; their column ``no`` says which subjects satisfy the condition."""

    source: FromClause
    holds: ColumnElement[bool]

    def numbers(self, before: int) -> Select[int]:
        no = self.source.c.no
        return select(no).where(self.holds, no < before)

    def count(self, connection: Connection, before: int) -> int:
        """How many subjects below ``before`` satisfy the condition, at most ``COUNT_MAX``."""
        some = self.numbers(before).with_only_columns(literal(1).label("one")).limit(COUNT_MAX).subquery()
        return connection.execute(select(func.count()).select_from(some)).scalar_one()

    def met_by(self, no: ColumnElement[int]) -> ColumnElement[bool]:
        return exists(select(literal(1)).select_from(self.source).where(self.holds, self.source.c.no == no))


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
    found = [no for type_ in set(types) for no in _find_type(connection, type_, words, keys, before, limit)]
    return sorted(found, reverse=True)[:limit]


def _find_type(
    connection: Connection, type_: str, words: Sequence[str], keys: Sequence[tuple[str, str]], before: int, limit: int
) -> list[int]:
    conditions = [*(_word(type_, word) for word in words), *(_key(*key) for key in keys)]
    if not words:
        conditions.append(_type(type_))
    first, *others = conditions
    if others:
        counts = [condition.count(connection, before) for condition in conditions]
        if not all(counts):
            return []
        first = conditions.pop(counts.index(min(counts)))
        others = conditions
    no = first.source.c.no
    query = first.numbers(before).where(*(other.met_by(no) for other in others)).order_by(no.desc()).limit(limit)
    return list(connection.execute(query).scalars())


def _word(type_: str, word: str) -> _Condition:
    word_ = WORD.alias()
    return _Condition(word_, and_(word_.c.type == type_, word_.c.word == word))


def _key(name: str, value: str) -> _Condition:
    lookup = LOOKUP.alias()
    return _Condition(lookup, and_(lookup.c.name == name, lookup.c.value == value))


def _type(type_: str) -> _Condition:
    subject = SUBJECT.alias()
    return _Condition(subject, subject.c.type == type_)
