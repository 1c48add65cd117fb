"""Writing a batch: the statements of one commit, in SQL prepared once for the engine at hand.

A commit of 1,000 entries writes some 10,000 narrow rows. They go to the driver's own cursor as plain tuples, and 500 in
a statement: that takes a quarter less time, and the driver gives way to other threads once a statement, each time for
as long as one of them computes. All of it runs in the transaction that the caller began and ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from sqlalchemy import (
    ColumnElement,
    LargeBinary,
    Table,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPICursor

from ledger.errors import Unavailable
from ledger.store.postings import Key, Postings, Row, check_posting
from ledger.store.rows import Rows
from ledger.store.tables import DISCLOSURE, ENTRY, LOOKUP, MENTION, NAMING, PAST, SUBJECT, TILE, WORD

_MANY = 500  # rows in a statement; of 6 values each, within the bounds of SQLite (32,766) and PostgreSQL (65,535)


class Writing:
    """The prepared statements. Raises what the driver raises, and ``Unavailable`` (``store_conflict``)."""

    def __init__(self, dialect: Dialect) -> None:
        tables = (ENTRY, SUBJECT, LOOKUP, NAMING, WORD, MENTION, TILE, DISCLOSURE)
        self._insert = {table.name: str(insert(table).compile(dialect=dialect)) for table in tables}
        self._insert_many = {name: _widen(statement) for name, statement in self._insert.items()}
        for table in (LOOKUP, WORD, MENTION):
            self._insert_many[table.name] += _append(table, dialect)
            self._insert[table.name] += _append(table, dialect)
        self._delete = {table.name: _delete(table, dialect) for table in (LOOKUP, NAMING, WORD, TILE)}
        self._stored = {table.name: _stored(table, dialect) for table in (LOOKUP, WORD)}
        self._supersede = _supersede(dialect)
        self._change = _change(dialect)
        self._last_entry, self._last_subject = _last_entry(dialect), _last_subject(dialect)

    def write(self, cursor: DBAPICursor, size: int, rows: Rows) -> None:
        """Write all rows of a batch that continues a store of ``size`` entries."""
        self._check_size(cursor, size)
        self._check_numbers(cursor, rows.opened)
        self._add(cursor, ENTRY, rows.entries)
        self._add(cursor, SUBJECT, rows.opened)
        if rows.past:  # before the rows they supersede are changed
            cursor.executemany(self._supersede, rows.past)
        self._replace(cursor, rows.changed)
        self._post(cursor, LOOKUP, rows.lookups)
        self._post(cursor, WORD, rows.words)
        self._remove(cursor, NAMING, [(name, value) for name, value, _ in rows.unnamed])
        self._add(cursor, NAMING, rows.named)
        self._add(cursor, MENTION, rows.mentions)
        self._remove(cursor, TILE, [(level, number) for level, number, _ in rows.tiles])
        self._add(cursor, TILE, rows.tiles)
        self._add(cursor, DISCLOSURE, rows.disclosures)

    def _check_size(self, cursor: DBAPICursor, size: int) -> None:
        cursor.execute(self._last_entry)
        stored = _next(cursor)
        if stored != size:
            raise Unavailable("store_conflict", f"the batch continues {size} entries, the store holds {stored}")

    def _check_numbers(self, cursor: DBAPICursor, opened: Sequence[Row]) -> None:
        """Subjects are numbered without gaps: the last number tells how many there are."""
        cursor.execute(self._last_subject)
        count = _next(cursor)
        if [row[0] for row in opened] != list(range(count, count + len(opened))):
            raise Unavailable("store_conflict", f"the batch numbers subjects out of turn; the store holds {count}")

    def _add(self, cursor: DBAPICursor, table: Table, rows: Sequence[Row]) -> None:
        whole = len(rows) - len(rows) % _MANY
        for start in range(0, whole, _MANY):
            values = tuple(chain.from_iterable(rows[start : start + _MANY]))
            cursor.execute(self._insert_many[table.name], values)
        if whole < len(rows):
            cursor.executemany(self._insert[table.name], rows[whole:])

    def _remove(self, cursor: DBAPICursor, table: Table, keys: Sequence[Row]) -> None:
        if keys:
            cursor.executemany(self._delete[table.name], keys)

    def _replace(self, cursor: DBAPICursor, rows: Sequence[Row]) -> None:
        if rows:
            cursor.executemany(self._change, rows)
            if cursor.rowcount != len(rows):
                raise Unavailable("store_conflict", "the batch changes a subject otherwise than from how it stands")

    def _post(self, cursor: DBAPICursor, table: Table, postings: Postings) -> None:
        """Rows of subjects that stood before are replaced; subjects that are opened go behind all of their chapter."""
        if postings.amended:
            there, amended = [], []
            for key, (come, gone) in sorted(postings.amended.items()):
                stored = self._numbers(cursor, table, key)
                if stored:
                    there.append(key)
                if numbers := (set(stored) - gone) | come:
                    amended.append((*key, bytes(sorted(numbers))))
            self._remove(cursor, table, there)
            self._add(cursor, table, amended)
        self._add(cursor, table, postings.appended())

    def _numbers(self, cursor: DBAPICursor, table: Table, key: Key) -> bytes:
        """The numbers stored under a key, if any. Raises ``Corrupt`` if they cannot be read."""
        cursor.execute(self._stored[table.name], key)
        row = cursor.fetchone()
        if row is None:
            return b""
        check_posting(key[1:], key[0], row[0])
        numbers: bytes = row[0]
        return numbers


def _next(cursor: DBAPICursor) -> int:
    """One more than the number that was asked for, 0 if there is none."""
    row = cursor.fetchone()
    return 0 if row is None or row[0] is None else int(row[0]) + 1


def _last_entry(dialect: Dialect) -> str:
    """Locks the last entry, where the engine locks rows, so that no second writer continues from the same one."""
    last = select(func.max(ENTRY.c.index)).scalar_subquery()
    return str(select(ENTRY.c.index).where(ENTRY.c.index == last).with_for_update().compile(dialect=dialect))


def _last_subject(dialect: Dialect) -> str:
    return str(select(func.max(SUBJECT.c.no)).compile(dialect=dialect))


def _widen(statement: str) -> str:
    """``INSERT ... VALUES (?, ?)`` for ``_MANY`` rows at once."""
    head, values = statement.split(" VALUES ")
    return f"{head} VALUES {', '.join([values] * _MANY)}"


def _append(table: Table, dialect: Dialect) -> str:
    """What makes an insert append to the numbers of a row that is there; SQLite and PostgreSQL spell it alike.

    SQLite takes bytes joined by ``||`` for text, without touching them, until they are cast back.
    """
    keys = ", ".join(key.name for key in table.primary_key.columns)
    bytes_ = dialect.type_compiler_instance.process(LargeBinary())
    joined = f"CAST({table.name}.numbers || excluded.numbers AS {bytes_})"
    return f" ON CONFLICT ({keys}) DO UPDATE SET numbers = {joined}"


def _supersede(dialect: Dialect) -> str:
    """Keep a state as past; its places in their order are those of ``Rows.past``."""
    stored = select(SUBJECT.c.advanced).where(SUBJECT.c.no == bindparam("_no")).scalar_subquery()
    advanced: Any = func.coalesce(bindparam("_advanced"), stored)
    return str(insert(PAST).values(no=None, index=None, advanced=advanced, state=None).compile(dialect=dialect))


def _change(dialect: Dialect) -> str:
    """Change a subject as it stands; its places in their order are those of ``Rows.changed``."""
    change = update(SUBJECT).where(SUBJECT.c.no == bindparam("_no"), SUBJECT.c.index == bindparam("_index"))
    advanced: Any = func.coalesce(bindparam("_advanced"), SUBJECT.c.advanced)
    return str(change.values(index=None, advanced=advanced, state=None).compile(dialect=dialect))


def _stored(table: Table, dialect: Dialect) -> str:
    """The numbers under a key."""
    return str(select(table.c.numbers).where(_by_key(table)).compile(dialect=dialect))


def _delete(table: Table, dialect: Dialect) -> str:
    """Delete by the whole key; a tile's is (level, number)."""
    return str(delete(table).where(_by_key(table)).compile(dialect=dialect))


def _by_key(table: Table) -> ColumnElement[bool]:
    return and_(*(key == bindparam(f"_{key.name}") for key in table.primary_key.columns))
