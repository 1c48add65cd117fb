"""SQLite, the embedded engine: how its file is opened, and what its errors mean. All that is SQLite's own is here.

Readers and the writer have connections of their own. In WAL mode a reader sees the store as of the moment its
transaction began and neither waits for the writer nor makes it wait; with synchronous=FULL a commit is on the disk
when it returns, which NORMAL does not promise.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from errno import EIO
from pathlib import Path
from sqlite3 import Error, IntegrityError
from typing import cast

from sqlalchemy import Engine, Table, create_engine, event, select, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

__all__ = [
    "DIALECT",
    "Error",
    "IntegrityError",
    "alone",
    "astray",
    "copy",
    "delete_for_good",
    "forget_log",
    "is_damage",
    "reader",
    "settle",
    "writer",
]

DIALECT = sqlite.dialect()
FORGET_MS = 200  # how long readers of what was before are waited for, with the one writer
BUSY_MS = 10_000  # how long a connection waits for another process to let go of the file
READERS_MAX = 40  # connections; more readers wait for one of them
WRITER_CACHE_KIB = 65_536  # the keys of statements, links and subjects are random: their pages stay at hand
READER_CACHE_KIB = 4_096
WAL_PAGES = 16_000  # pages (62 MiB) after which a commit moves the write-ahead log into the file

_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

# Not set: mmap_size. A damaged disk or a truncated file would end the process by a signal instead of an error.
_SHARED = (f"PRAGMA busy_timeout={BUSY_MS}", "PRAGMA temp_store=MEMORY", "PRAGMA trusted_schema=OFF")
_WRITER = (*_SHARED, "PRAGMA synchronous=FULL", f"PRAGMA cache_size=-{WRITER_CACHE_KIB}")
_READER = (*_SHARED, "PRAGMA query_only=ON", f"PRAGMA cache_size=-{READER_CACHE_KIB}")


def writer(path: Path) -> Engine:
    """An engine of one connection whose transactions take the write lock when they begin. Never creates the file."""
    engine = _engine(path, 1)

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: object) -> None:
        for pragma in _WRITER:
            connection.execute(pragma)
        (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
        if mode != "wal":  # some network file systems cannot; there a reader would stop the writer
            raise sqlite3.OperationalError(f"journal_mode is {mode}, not wal: put the ledger on a local disk")
        connection.execute(f"PRAGMA wal_autocheckpoint={WAL_PAGES}")

    # A transaction that begins by reading and then writes fails if another wrote in between; this one cannot.
    event.listen(engine, "begin", _begin_immediate)
    return engine


def reader(path: Path, *, aloof: bool = False) -> Engine:
    """An engine whose connections cannot write, for any number of threads. Never creates the file.

    ``aloof``: nor do they tidy up when they close, as the last connection to a file otherwise does; and where they may
    not even write beside the file, they read it without heeding others.
    """
    mode = "rw" if not aloof else "ro" if os.access(path.parent, os.W_OK) else "ro&immutable=1"
    engine = _engine(path, READERS_MAX, mode)

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: object) -> None:
        for pragma in _READER:
            connection.execute(pragma)
        connection.text_factory = _text

    event.listen(engine, "begin", _begin)
    return engine


def settle(path: Path) -> bool:
    """Bring what a database's write-ahead log holds into its file, which then is whole without any other.

    False if the file is too damaged for that. Raises ``sqlite3.OperationalError`` while others use it. Call it only
    where nobody writes.
    """
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None)
        try:
            connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
            connection.execute("PRAGMA synchronous=FULL")
            (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        if is_damage(error):
            return False
        raise
    if busy:
        raise sqlite3.OperationalError("database is locked")
    return True


def copy(path: Path, to: Path) -> None:
    """Copy a database as it is now into a file that is not there yet, and onto the disk, while others use it.

    Raises ``OSError``, also for what SQLite says.
    """
    to.touch(mode=0o600, exist_ok=False)
    try:
        source = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        target = sqlite3.connect(to)
        try:
            source.execute(f"PRAGMA busy_timeout={BUSY_MS}")
            source.backup(target)
        finally:
            target.close()
            source.close()
    except sqlite3.Error as error:
        raise OSError(EIO, str(error), str(path)) from error
    with to.open("rb") as file:
        os.fsync(file.fileno())


@contextmanager
def alone(engine: Engine) -> Iterator[sqlite3.Connection]:
    """The driver's own connection of a writer, outside any transaction."""
    pooled = engine.raw_connection()
    try:
        yield cast(sqlite3.Connection, pooled.driver_connection)
    finally:
        pooled.close()


def delete_for_good(connection: sqlite3.Connection, table: Table, keys: Iterable[tuple[int, ...]]) -> None:
    """Delete rows so that the file has nothing left of them once the write-ahead log is gone (:func:`forget_log`).

    With secure_delete SQLite fills with zeros what it frees, but not what it leaves behind where it moves rows from
    page to page. So every row that stays is put aside and back, and every page that the table had is freed in between.
    """
    names = [column.name for column in table.primary_key.columns]
    where = " AND ".join(f'"{name}" = ?' for name in names)
    (before,) = connection.execute("PRAGMA secure_delete").fetchone()
    connection.execute("PRAGMA secure_delete=ON")
    try:
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.executemany(f"DELETE FROM {table.name} WHERE {where}", keys)  # noqa: S608 - names are ours
            connection.execute(f"CREATE TEMP TABLE kept AS SELECT * FROM {table.name}")  # noqa: S608
            connection.execute(f"DELETE FROM {table.name}")  # noqa: S608
            connection.execute(f"INSERT INTO {table.name} SELECT * FROM kept")  # noqa: S608
            connection.execute("DROP TABLE kept")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    finally:
        connection.execute(f"PRAGMA secure_delete={('OFF', 'ON', 'FAST')[before]}")


def forget_log(connection: sqlite3.Connection) -> bool:
    """Bring all that the write-ahead log holds into the file, and make it empty.

    False while somebody reads what was before; nobody is waited for longer than a moment.
    """
    connection.execute(f"PRAGMA busy_timeout={FORGET_MS}")
    try:
        (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    return not busy


def is_damage(error: BaseException) -> bool:
    """Whether an error says that the file itself is damaged, rather than busy, full or out of reach."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return getattr(cause, "sqlite_errorcode", 0) & 0xFF in _DAMAGE


def astray(connection: Connection, table: Table) -> Iterator[tuple[tuple[object, ...], str]]:
    """What SQLite finds wrong with a table and its indexes: key of the row, () if it names none, and what."""
    for (line,) in connection.exec_driver_sql(f"PRAGMA integrity_check({table.name})").all():
        if line != "ok":
            row = _MISSING.match(line)
            yield _key_of(connection, table, int(row[1]) - 1) if row else (), line


_MISSING = re.compile(r"row (\d+) missing from index")


def _key_of(connection: Connection, table: Table, place: int) -> tuple[object, ...]:
    """The key of a row by its place in the file."""
    rows = select(*table.primary_key.columns).order_by(text("rowid")).limit(1).offset(place)
    return next(iter(map(tuple, connection.execute(rows))), ())


def _engine(path: Path, connections: int, mode: str = "rw") -> Engine:
    uri = f"{path.absolute().as_uri()}?mode={mode}"

    def connect() -> sqlite3.Connection:
        # isolation_level=None: the driver leaves BEGIN to us.
        return sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)

    return create_engine(
        "sqlite+pysqlite://", creator=connect, poolclass=QueuePool, pool_size=connections, max_overflow=0
    )


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _text(data: bytes) -> str | bytes:
    """Text as it is, even where damage has left bytes that are no UTF-8: an audit must see the row to name it."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data
