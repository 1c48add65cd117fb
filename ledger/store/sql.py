"""The store in an SQL database: one file of SQLite in the ledger's folder.

Nothing is kept in memory between calls: what a call returns was read from the database by that call. SQL is built by
SQLAlchemy Core from ``tables``; what only SQLite knows is in ``sqlite``, what a commit writes in ``write``, what is
asked for by name in ``asked``, and how the rows of the tables are shown in ``views``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Select, func, inspect, select, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from identity.disclosure import digest
from ledger.errors import Corrupt, Unavailable
from ledger.store import Batch, Head, Store, Table, sqlite
from ledger.store.asked import Asked
from ledger.store.changes import changed_since, opened_since, stood_at
from ledger.store.files import sync
from ledger.store.postings import Row
from ledger.store.rows import rows_of
from ledger.store.search import Search
from ledger.store.tables import DISCLOSURE, ENTRY, METADATA, PAST, REVISION, SUBJECT, TILE
from ledger.store.views import PASTS, SUBJECTS, past_row, subject_row, view
from ledger.store.write import Writing
from ledger.world import Subject, decode_state

_CHUNK = 1_000  # rows fetched, or values asked for, at a time
_ENTRY = select(ENTRY.c.index, ENTRY.c.data)

_Item = TypeVar("_Item")


class SqlStore(Store):
    """A ``Store`` in one file of SQLite. A read of one row takes about 0.1 ms, a commit one fsync and up."""

    def __init__(self, path: Path, *, aloof: bool = False) -> None:
        """For ``create``, ``open`` and ``snapshot``, which look at what is there; this opens nothing."""
        self._readers = sqlite.reader(path, aloof=aloof)
        self._writer = sqlite.writer(path)
        self._writing, self._asked, self._search = _statements()
        self._stopped = False  # a commit ended neither with a yes nor with a no
        self._moment: Connection | None = None  # all reads are part of its one transaction, if there is one

    @classmethod
    def create(cls, path: Path) -> SqlStore:
        """A store without entries, in a file that is not there yet. Raises ``Unavailable``: ``store_exists``."""
        try:
            path.touch(mode=0o600, exist_ok=False)
        except FileExistsError:
            raise Unavailable("store_exists", f"{path} is there already") from None
        migrate(path)
        sync(path.parent)
        return cls.open(path)

    @classmethod
    def open(cls, path: Path) -> SqlStore:
        """The store in a file. Raises ``Unavailable``: ``store_missing``, ``store_schema_other``; or ``Corrupt``."""
        if not path.is_file():
            raise Unavailable("store_missing", f"{path} is not there")
        store = cls(path)
        try:
            store._check_schema()
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    @contextmanager
    def snapshot(cls, path: Path) -> Iterator[SqlStore]:
        """The store in a file as it is now, for one thread, while others may go on writing. Changes nothing.

        Raises what ``open`` raises.
        """
        if not path.is_file():
            raise Unavailable("store_missing", f"{path} is not there")
        store = cls(path, aloof=True)
        try:
            try:
                store._moment = store._readers.connect()  # its transaction begins with what is read first
            except SQLAlchemyError as error:
                raise _problem("store_unreadable", error) from error
            store._check_schema()
            yield store
            store._moment.close()
        finally:
            store.close()

    def close(self) -> None:
        self._readers.dispose()
        self._writer.dispose()

    # -- writing ---------------------------------------------------------------------------------------------

    def commit(self, batch: Batch) -> None:
        if self._stopped:
            raise Unavailable("store_failed", "an earlier commit failed: the store must be opened again")
        rows = rows_of(batch)
        self._stopped = True  # until it is known how this one ends
        try:
            with self._writer.begin() as connection:
                self._writing.write(connection.connection.cursor(), batch.size, rows)
        except sqlite.IntegrityError as error:
            self._stopped = False
            raise Unavailable("store_conflict", f"the batch after {batch.size} entries: {error}") from error
        except Unavailable:
            self._stopped = False
            raise
        except (SQLAlchemyError, sqlite.Error) as error:
            raise _problem("store_failed", error) from error
        self._stopped = False

    def erase(self, gone: Set[tuple[int, str]]) -> None:
        if not gone:
            return
        places = [
            (index, place)
            for index in {index for index, _ in gone}
            for place, text in self._placed(index)
            if (index, digest(text)) in gone
        ]
        try:
            with sqlite.alone(self._writer) as connection:
                if places:
                    sqlite.delete_for_good(connection, DISCLOSURE, places)
                settled = sqlite.forget_log(connection)
        except (SQLAlchemyError, sqlite.Error) as error:
            raise _problem("store_failed", error) from error
        if not settled:
            raise Unavailable("erasing_delayed")

    # -- reading entries and what lies beside them -----------------------------------------------------------

    def head(self) -> Head | None:
        with self._read() as connection:
            last = connection.execute(_ENTRY.order_by(ENTRY.c.index.desc()).limit(1)).one_or_none()
            if last is None:
                return None
            first = connection.execute(_ENTRY.order_by(ENTRY.c.index).limit(1)).one()
            no = connection.execute(select(func.max(SUBJECT.c.no))).scalar_one()
        size, count = last[0] + 1, 0 if no is None else no + 1
        return Head(size, count, _data(first, 0), _data(last, size - 1))

    def entry(self, index: int) -> bytes | None:
        with self._read() as connection:
            row = connection.execute(_ENTRY.where(ENTRY.c.index == index)).one_or_none()
        return None if row is None else _data(row, index)

    def entries(self, start: int, stop: int) -> Iterator[bytes]:
        while start < stop:  # entries never change: pages read one after the other are of one ledger
            page = _ENTRY.where(ENTRY.c.index >= start, ENTRY.c.index < stop).order_by(ENTRY.c.index).limit(_CHUNK)
            with self._read() as connection:
                rows = connection.execute(page).all()
            for row in rows:
                yield _data(row, start)
                start += 1
            if len(rows) < _CHUNK:
                return

    def indexes(self, ids: Sequence[bytes]) -> Mapping[bytes, int]:
        with self._read() as connection:
            return self._asked.indexes(connection.connection.cursor(), ids)

    def tile(self, level: int, number: int) -> bytes | None:
        query = select(TILE.c.hashes).where(TILE.c.level == level, TILE.c.number == number)
        with self._read() as connection:
            hashes: object = connection.execute(query).scalar_one_or_none()
        if hashes is None or isinstance(hashes, bytes):
            return hashes
        raise Corrupt("store_corrupt", f"tile {number} of level {level} is not stored as bytes")

    def disclosures(self, index: int) -> list[str]:
        query = select(DISCLOSURE.c.disclosure).where(DISCLOSURE.c.index == index).order_by(DISCLOSURE.c.place)
        with self._read() as connection:
            found = list(connection.execute(query).scalars())
        if all(isinstance(disclosure, str) for disclosure in found):
            return found
        raise Corrupt("store_corrupt", f"a disclosure beside entry {index} is not text", index=index)

    def _placed(self, index: int) -> list[tuple[int, str]]:
        """The disclosures beside an entry, each with its place."""
        query = select(DISCLOSURE.c.place, DISCLOSURE.c.disclosure).where(DISCLOSURE.c.index == index)
        with self._read() as connection:
            return [(place, text) for place, text in connection.execute(query) if isinstance(text, str)]

    # -- reading subjects ------------------------------------------------------------------------------------

    def subjects(self, ids: Sequence[str]) -> Mapping[str, Subject]:
        with self._read() as connection:
            return {id_: _subject(row) for id_, row in self._found(connection, ids).items()}

    def subject_at(self, subject_id: str, size: int) -> Subject | None:
        with self._read() as connection:
            found = self._found(connection, [subject_id])
            if not found:
                return None
            subject = _subject(found[subject_id])
            if subject.index < size:
                return subject
            past = PASTS.where(PAST.c.no == subject.no, PAST.c.index < size).order_by(PAST.c.index.desc()).limit(1)
            row = connection.execute(past).one_or_none()
        if row is None:
            return None
        no, index, last, state = past_row(row)
        return _subject((no, subject_id, subject.type, index, last, state))

    def lookup(self, keys: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
        with self._read() as connection:
            return self._asked.named(connection.connection.cursor(), keys)

    def listing(self, after: int, limit: int) -> list[Subject]:
        with self._read() as connection:
            query = SUBJECTS.where(SUBJECT.c.no > after).order_by(SUBJECT.c.no).limit(limit)
            rows = connection.execute(query).all()
        return [_subject(subject_row(row)) for row in rows]

    def history(self, subject_id: str, before: int, limit: int) -> list[int]:
        with self._read() as connection:
            found = self._found(connection, [subject_id])
            numbers: list[Any] = [row[0] for row in found.values()]
            cursor = connection.connection.cursor()
            return self._search.touching(cursor, numbers[0], before, limit) if numbers else []

    def search(
        self, types: Sequence[str], words: Sequence[str], keys: Sequence[tuple[str, str]], before: int, limit: int
    ) -> list[Subject]:
        with self._read() as connection:
            numbers = self._search.find(connection.connection.cursor(), types, words, keys, before, limit)
            chunks = _chunks(numbers)
            rows = [row for some in chunks for row in connection.execute(SUBJECTS.where(SUBJECT.c.no.in_(some)))]
        found = [_subject(subject_row(row)) for row in rows]
        return sorted(found, key=lambda subject: subject.no, reverse=True)

    def changes(self, start: int) -> Iterator[tuple[Subject | None, Subject]]:
        with self._read() as connection:
            cursor: Any = connection.execute(changed_since(start)).cursor
            while rows := cursor.fetchmany(_CHUNK):
                befores = self._stood_at(connection, [row[0] for row in rows], start)
                for after in map(_subject, map(subject_row, rows)):
                    if after.no not in befores:
                        raise Corrupt("store_corrupt", f"how it stood at size {start} is missing", subject=after.id)
                    no, index, last, state = befores[after.no]
                    yield _subject((no, after.id, after.type, index, last, state)), after
            cursor = connection.execute(opened_since(start)).cursor
            while rows := cursor.fetchmany(_CHUNK):
                yield from ((None, _subject(subject_row(row))) for row in rows)

    def _stood_at(self, connection: Connection, numbers: Sequence[int], start: int) -> dict[Any, Row]:
        rows = map(past_row, connection.execute(stood_at(numbers, start)))
        return {row[0]: row for row in rows}

    def _found(self, connection: Connection, ids: Sequence[str]) -> dict[str, Row]:
        return self._asked.subjects(connection.connection.cursor(), ids)

    # -- for the audit ---------------------------------------------------------------------------------------

    def scan(self, table: Table) -> Iterator[Row]:
        query, shown = view(table)
        for row in self._driven(query):
            yield from shown(row)

    def kept(self, table: Table) -> Iterator[Row]:
        source = METADATA.tables[table]
        return self._driven(select(source).order_by(*source.primary_key.columns))

    def astray(self) -> Iterator[tuple[Table, Row, str]]:
        indexed: tuple[Table, ...] = ("entry", "subject")  # the others are their key's tree
        for table in indexed:
            with self._read() as connection:
                found = list(sqlite.astray(connection, METADATA.tables[table]))
            yield from ((table, key, what) for key, what in found)

    def _driven(self, query: Select[Any]) -> Iterator[Row]:
        """Rows of a whole table as the driver makes them, for there may be millions; up to the first damaged one."""
        with self._read() as connection:
            cursor: Any = connection.execute(query).cursor
            given = 0
            try:
                while rows := cursor.fetchmany(_CHUNK):
                    yield from rows
                    given += len(rows)
            except sqlite.Error as error:
                yield from _up_to_damage(connection, query, given)
                raise _problem("store_unreadable", error) from error

    # -- how reads run ---------------------------------------------------------------------------------------

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        """A transaction that sees the store as it is when it first reads."""
        try:
            if self._moment is not None:
                yield self._moment
                return
            with self._readers.begin() as connection:
                yield connection
        except (SQLAlchemyError, sqlite.Error) as error:
            raise _problem("store_unreadable", error) from error

    def _check_schema(self) -> None:
        with self._read() as connection:
            there = inspect(connection).has_table("alembic_version")
            found = connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() if there else []
        if found != [REVISION]:
            detail = f"it is at revision {', '.join(map(str, found)) or 'none'}, this software reads {REVISION}"
            raise Unavailable("store_schema_other", detail)


@cache
def _statements() -> tuple[Writing, Asked, Search]:
    """What is said to the engine, put into its words once: that takes longer than opening a file."""
    dialect = sqlite.DIALECT
    return Writing(dialect), Asked(dialect), Search(dialect)


def migrate(path: Path) -> None:
    """Bring the schema of an existing store to ``REVISION``, in one transaction. Stop the ledger's writer first.

    Raises ``Unavailable``: ``store_missing``, ``store_schema_other`` where the store is of a later release,
    ``store_failed``; or ``Corrupt``.
    """
    from alembic import command  # takes longer to import than everything else here, and is seldom needed
    from alembic.config import Config
    from alembic.util import CommandError

    if not path.is_file():
        raise Unavailable("store_missing", f"{path} is not there")
    config = Config()
    config.set_main_option("script_location", "ledger.store:migrations")
    engine = sqlite.writer(path)
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, REVISION)
    except CommandError as error:
        raise Unavailable("store_schema_other", str(error)) from error
    except SQLAlchemyError as error:
        raise _problem("store_failed", error) from error
    finally:
        engine.dispose()


def _up_to_damage(connection: Connection, query: Select[Any], given: int) -> Iterator[Row]:
    """The rows from number ``given`` on, before the first that cannot be read."""
    cursor: Any = connection.execute(query.offset(given)).cursor
    try:
        for row in cursor:
            yield row
            given += 1
    except sqlite.Error:  # SQLite's driver reads one row ahead: what it stumbled over was not the row it was asked for
        yield from map(tuple, connection.execute(query.offset(given).limit(1)))


def _problem(code: str, error: Exception) -> Corrupt | Unavailable:
    """What an error of the engine means to the caller."""
    cause = getattr(error, "orig", None) or error
    if sqlite.is_damage(cause):
        return Corrupt("store_corrupt", f"{type(cause).__name__}: {cause}")
    return Unavailable(code, f"{type(cause).__name__}: {cause}")


def _data(row: Sequence[Any], index: int) -> bytes:
    """The entry's bytes. Raises ``Corrupt`` if another entry stands where ``index`` should, or none that is bytes."""
    found, data = row
    if found != index:
        raise Corrupt("store_corrupt", f"entry {index} is missing", index=index)
    if not isinstance(data, bytes):
        raise Corrupt("store_corrupt", f"entry {index} is not stored as bytes", index=index)
    return data


def _subject(row: Sequence[Any]) -> Subject:
    """The subject that a row of ``scan("subject")`` describes. Raises ``Corrupt`` if it describes none."""
    no, id_, type_, index, last, state = row
    try:
        if (*map(type, row),) != (int, str, str, int, str, bytes):
            raise TypeError("its row holds values of other types, or leads to no entry")
        return Subject(id_, no, index, last, decode_state(type_, state))
    except (LookupError, TypeError, ValueError) as error:
        named = f"subject {no}" if id_ is None else repr(id_)
        raise Corrupt("store_corrupt", f"{named} cannot be read: {error!r}", subject=id_) from error


def _chunks(items: Sequence[_Item]) -> Iterator[Sequence[_Item]]:
    """Engines bound the number of values in one statement (SQLite: 32,766)."""
    return (items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK))
