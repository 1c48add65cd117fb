"""Rows as the Store protocol shows them, out of the rows that the tables keep.

The tables keep a statement id once, with its entry. Where else one is shown, in the id of a subject and as ``last``,
the row keeps the index of the entry. Damage never makes a row vanish: what does not lead to an entry shows as None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.sql import FromClause

from identity.canonical import b64encode
from ledger.store import Table
from ledger.store.postings import Row, expand
from ledger.store.tables import ENTRY, METADATA, NAMING, PAST, SUBJECT
from ledger.values import subject_id

OPENER = ENTRY.alias("opener")
ADVANCER = ENTRY.alias("advancer")
_OPENED = (SUBJECT.c.type, SUBJECT.c.opened, OPENER.c.key)


def _advanced(table: FromClause) -> tuple[Any, ...]:
    return table.c.advanced, ADVANCER.c.key, ADVANCER.c.rest


SUBJECTS: Select[Any] = (
    select(SUBJECT.c.no, *_OPENED, SUBJECT.c.index, *_advanced(SUBJECT), SUBJECT.c.state)
    .outerjoin_from(SUBJECT, OPENER, OPENER.c.index == SUBJECT.c.opened)
    .outerjoin(ADVANCER, ADVANCER.c.index == SUBJECT.c.advanced)
)
"""Subjects as they stand: rows for ``subject_row``."""

PASTS: Select[Any] = select(PAST.c.no, PAST.c.index, *_advanced(PAST), PAST.c.state).outerjoin_from(
    PAST, ADVANCER, ADVANCER.c.index == PAST.c.advanced
)
"""Superseded states: rows for ``past_row``."""

NAMED: Select[Any] = (
    select(NAMING.c.name, NAMING.c.value, *_OPENED)
    .outerjoin_from(NAMING, SUBJECT, SUBJECT.c.no == NAMING.c.no)
    .outerjoin(OPENER, OPENER.c.index == SUBJECT.c.opened)
)
"""Unique look-ups: rows for ``named_row``."""


def entry_row(row: Sequence[Any]) -> Row:
    """(index, id, link, data); a statement id that is not stored as bytes is shown as what is stored of it."""
    index, key, rest, link, data = row
    whole = isinstance(key, bytes) and isinstance(rest, bytes) and len(key) == 16
    return index, key + rest if whole else (key, rest), link, data


def subject_row(row: Sequence[Any]) -> Row:
    """(no, id, type, index, last, state)."""
    no, type_, opened, key, index, advanced, head, tail, state = row
    return no, _id(type_, opened, key), type_, index, _last(advanced, head, tail), state


def past_row(row: Sequence[Any]) -> Row:
    """(no, index, last, state)."""
    no, index, advanced, head, tail, state = row
    return no, index, _last(advanced, head, tail), state


def named_row(row: Sequence[Any]) -> tuple[str, str, str | None]:
    """(name, value, id)."""
    name, value, type_, opened, key = row
    return name, value, _id(type_, opened, key)


def view(table: Table) -> tuple[Select[Any], Callable[[Sequence[Any]], Iterable[Row]]]:
    """All rows of a table in the order of its key, and what the protocol shows of each."""
    source = METADATA.tables[table]
    order = source.primary_key.columns
    if table == "subject":
        return SUBJECTS.order_by(*order), lambda row: (subject_row(row),)
    if table == "past":
        return PASTS.order_by(*order), lambda row: (past_row(row),)
    if table == "entry":
        return select(source).order_by(*order), lambda row: (entry_row(row),)
    if table in ("lookup", "word", "mention"):
        return select(source).order_by(*order), lambda row: expand(tuple(row))
    return select(source).order_by(*order), lambda row: (tuple(row),)


def _id(type_: object, opened: object, key: object) -> str | None:
    # SQLite finds a row by a number that damage has turned into text or a fraction; no such number is right.
    if not isinstance(type_, str) or not isinstance(opened, int) or not isinstance(key, bytes):
        return None
    return subject_id(type_, key)


def _last(advanced: object, head: object, tail: object) -> str | None:
    if not isinstance(advanced, int) or not isinstance(head, bytes) or not isinstance(tail, bytes):
        return None
    return b64encode(head + tail)
