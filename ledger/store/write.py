"""Writing a batch: the statements of one commit, in SQL prepared once for the engine at hand.

A commit of 1,000 entries writes some 10,000 narrow rows. They go to the driver as plain tuples, and 500 in a statement:
that takes a quarter less time, and the driver gives way to other threads once a statement, each time for as long as
one of them computes. All of it runs in the transaction that the caller began and ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from sqlalchemy import LargeBinary, Table, and_, bindparam, delete, func, insert, select, tuple_, update
from sqlalchemy.engine import Connection, Dialect

from ledger.errors import Unavailable
from ledger.store.postings import Key, Postings, Row, check_posting
from ledger.store.rows import Rows
from ledger.store.tables import DISCLOSURE, ENTRY, LOOKUP, MENTION, PAST, SUBJECT, TILE, WORD

_MANY = 500  # rows in a statement; of 6 values each, within the bounds of SQLite (32,766) and PostgreSQL (65,535)


class Writing:
    """The prepared statements. Raises what the engine raises, and ``Unavailable`` (``store_conflict``)."""

    def __init__(self, dialect: Dialect) -> None:
        tables = (ENTRY, SUBJECT, LOOKUP, WORD, MENTION, TILE, DISCLOSURE)
        self._insert = {table.name: str(insert(table).compile(dialect=dialect)) for table in tables}
        self._insert_many = {name: _widen(statement) for name, statement in self._insert.items()}
        for table in (LOOKUP, WORD):
            self._insert_many[table.name] += _append(table, dialect)
            self._insert[table.name] += _append(table, dialect)
        self._delete = {table.name: _delete(table, dialect) for table in (LOOKUP, WORD, TILE)}
        self._supersede = _supersede(dialect)
        self._change = _change(dialect)

    def write(self, connection: Connection, size: int, rows: Rows) -> None:
        """Write all rows of a batch that continues a store of ``size`` entries."""
        _check_size(connection, size)
        _check_numbers(connection, rows.opened)
        self._add(connection, ENTRY, rows.entries)
        self._add(connection, SUBJECT, rows.opened)
        if rows.past:  # before the rows they supersede are changed
            connection.exec_driver_sql(self._supersede, rows.past)
        self._replace(connection, rows.changed)
        self._post(connection, LOOKUP, rows.lookups)
        self._post(connection, WORD, rows.words)
        self._add(connection, MENTION, rows.mentions)
        self._remove(connection, TILE, [(level, number) for level, number, _ in rows.tiles])
        self._add(connection, TILE, rows.tiles)
        self._add(connection, DISCLOSURE, rows.disclosures)

    def _add(self, connection: Connection, table: Table, rows: Sequence[Row]) -> None:
        whole = len(rows) - len(rows) % _MANY
        for start in range(0, whole, _MANY):
            values = tuple(chain.from_iterable(rows[start : start + _MANY]))
            connection.exec_driver_sql(self._insert_many[table.name], values)
        if whole < len(rows):
            connection.exec_driver_sql(self._insert[table.name], list(rows[whole:]))

    def _remove(self, connection: Connection, table: Table, keys: Sequence[Row]) -> None:
        if keys:
            connection.exec_driver_sql(self._delete[table.name], list(keys))

    def _replace(self, connection: Connection, rows: Sequence[Row]) -> None:
        if rows and connection.exec_driver_sql(self._change, list(rows)).rowcount != len(rows):
            raise Unavailable("store_conflict", "the batch changes a subject otherwise than from how it stands")

    def _post(self, connection: Connection, table: Table, postings: Postings) -> None:
        """Rows of subjects that stood before are replaced; subjects that are opened go behind all of their chapter."""
        if postings.amended:
            stored = _stored(connection, table, sorted(postings.amended))
            amended = []
            for key, (come, gone) in sorted(postings.amended.items()):
                numbers = (set(stored.get(key, b"")) - gone) | come
                if numbers:
                    amended.append((*key, bytes(sorted(numbers))))
            self._remove(connection, table, list(stored))
            self._add(connection, table, amended)
        self._add(connection, table, postings.appended())


def _stored(connection: Connection, table: Table, keys: Sequence[Key]) -> dict[Key, bytes]:
    """The numbers stored under these keys. Raises ``Corrupt`` if they cannot be read."""
    first, second, chapter = table.primary_key.columns
    query = select(first, second, chapter, table.c.numbers)
    found = {}
    for start in range(0, len(keys), _MANY):
        some = tuple_(first, second, chapter).in_(keys[start : start + _MANY])
        for one, other, at, numbers in connection.execute(query.where(some)):
            check_posting((one, other), at, numbers)
            found[one, other, at] = numbers
    return found


def _check_size(connection: Connection, size: int) -> None:
    """Lock the last entry, where the engine locks rows, so that no second writer continues from the same one."""
    last = select(ENTRY.c.index).order_by(ENTRY.c.index.desc()).limit(1).with_for_update()
    index = connection.execute(last).scalar_one_or_none()
    stored = 0 if index is None else index + 1
    if stored != size:
        raise Unavailable("store_conflict", f"the batch continues {size} entries, the store holds {stored}")


def _check_numbers(connection: Connection, opened: Sequence[Row]) -> None:
    """Subjects are numbered without gaps: the last number tells how many there are."""
    last = connection.execute(select(func.max(SUBJECT.c.no))).scalar_one()
    count = 0 if last is None else last + 1
    if [row[0] for row in opened] != list(range(count, count + len(opened))):
        raise Unavailable("store_conflict", f"the batch numbers subjects out of turn; the store holds {count}")


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


def _delete(table: Table, dialect: Dialect) -> str:
    """Delete by the whole key; a tile's is (level, number)."""
    keys = list(table.primary_key.columns)
    return str(delete(table).where(and_(*(key == bindparam(f"_{key.name}") for key in keys))).compile(dialect=dialect))
