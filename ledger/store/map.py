"""The pages of the state map (``ledger.log.page``) and the sizes it was made for, in a file of SQLite of their own.

    DIR/map.db            the map as it is, and as it was at the last 16 sizes it was brought up to
    DIR/map-SIZE.db       the map at an older size, made by: cadastre rebuild DIR --at SIZE

All of it follows from the entries: who loses the file, or damages it, loses no more than the time to make it again. It
lies beside the store and not in it, so that whoever makes pages never holds the lock that the writer waits for, and so
that a store says nothing which the audit of it does not compare.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from sqlalchemy import Engine
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from ledger.errors import Absent, Corrupt, Problem, Unavailable, declare
from ledger.log.page import MapTree, Update
from ledger.store import sqlite

T = TypeVar("T")

NAME = "map.db"
KEPT = 16  # sizes whose pages are all there
_SCHEMA = 1
_MANY = 500  # pages asked for, or put, in a statement
_CACHE = 4_096  # pages a shelf keeps in memory: some 8 MB

declare(
    "service",
    map_failed=("the state map could not be written or read", "see the log of the service; DIR/map.db can be deleted"),
    map_made_failed=(
        "the map that was made again of an older size could not be read",
        "delete the file that the detail names, and make it again: cadastre rebuild DIR --at SIZE",
    ),
)

DISCARDED = frozenset({"map_page_corrupt", "commitment_other"})
"""Reasons to make the map anew."""

_TABLES = (
    "CREATE TABLE head (number INTEGER PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, link BLOB NOT NULL)",
    "CREATE TABLE page (hash BLOB PRIMARY KEY, data BLOB NOT NULL, stale INTEGER) WITHOUT ROWID",
    "CREATE INDEX page_stale ON page (stale) WHERE stale IS NOT NULL",
    f"PRAGMA user_version={_SCHEMA}",
)
_PUT = "INSERT INTO page VALUES (?, ?, NULL) ON CONFLICT (hash) DO UPDATE SET stale = NULL"


def map_at(folder: Path, size: int | None = None) -> Path:
    """Where the map of a ledger's folder lies; with a size, the one that was made again for it."""
    return folder / (NAME if size is None else f"map-{size}.db")


@dataclass(frozen=True, slots=True)
class MapHead:
    """What the map was brought up to: the first ``size`` entries. ``link`` is the SHA-256 of the last of them."""

    size: int
    root: bytes
    link: bytes


class Turn:
    """One transaction on the file: all of it or nothing is there afterwards."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._number, self.head = _last(connection)

    def read(self, addresses: Sequence[bytes]) -> Mapping[bytes, bytes]:
        """Pages by their hashes: a ``ledger.log.page.Read``."""
        return _read(self._connection, addresses)

    def put(self, update: Update) -> None:
        """Keep the pages of an update, and let those it left behind go once no size that is kept needs them.

        Of a map that is made from nothing, nobody needs them.
        """
        cursor = self._cursor()
        cursor.executemany(_PUT, list(update.pages.items()))
        stale = [(address,) for address in update.stale]
        if self.head is None:
            cursor.executemany("DELETE FROM page WHERE hash = ?", stale)
        else:
            marked = f"UPDATE page SET stale = {self._number + 1:d} WHERE hash = ?"  # noqa: S608 - a number of ours
            cursor.executemany(marked, stale)

    def finish(self, head: MapHead) -> None:
        """Say what the map is brought up to, and forget the oldest size."""
        cursor, number = self._cursor(), self._number + 1
        cursor.execute("INSERT INTO head VALUES (?, ?, ?, ?)", (number, head.size, head.root, head.link))
        cursor.execute("DELETE FROM head WHERE number <= ?", (number - KEPT,))
        cursor.execute("DELETE FROM page WHERE stale <= ?", (number - KEPT + 1,))
        self._number, self.head = number, head

    def clear(self) -> None:
        """Forget everything."""
        cursor = self._cursor()
        cursor.execute("DELETE FROM page")
        cursor.execute("DELETE FROM head")
        self._number, self.head = 0, None

    def keeps(self, size: int, root: bytes) -> bool:
        """Whether all pages of this root, of this size, are there."""
        return _root_at(self._connection, size) == root

    def _cursor(self) -> Any:
        return self._connection.connection.cursor()


@contextmanager
def turn(path: Path) -> Iterator[Turn]:
    """Take a turn on the file, which is made where it is not there, or cannot be read. One process at a time.

    Raises ``Unavailable`` (``map_failed``), and ``Corrupt`` (``map_page_corrupt``) for a damaged page or file, which is
    then deleted: the next turn makes another.
    """
    engine = _prepared(path)
    try:
        with engine.begin() as connection:
            yield Turn(connection)
    except Corrupt as wrong:
        if wrong.code in DISCARDED:
            discard(path)
        raise
    except (SQLAlchemyError, sqlite.Error) as error:
        if sqlite.is_damage(error):
            discard(path)
            raise Corrupt("map_page_corrupt", f"{path}: {error}") from error
        raise Unavailable("map_failed", f"{path}: {error}") from error
    finally:
        engine.dispose()


def discard(path: Path) -> None:
    """Delete the file, and what SQLite keeps beside it."""
    for suffix in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).unlink()


def _prepared(path: Path) -> Engine:
    """An engine on a file with these tables."""
    for _ in range(2):
        if not path.exists():
            path.touch(mode=0o600)
        engine = sqlite.writer(path)
        try:
            with engine.begin() as connection:
                found = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
                if found == 0:
                    for statement in _TABLES:
                        connection.exec_driver_sql(statement)
            if found in (0, _SCHEMA):
                return engine
        except (SQLAlchemyError, sqlite.Error) as error:
            if not sqlite.is_damage(error):
                engine.dispose()
                raise Unavailable("map_failed", f"{path}: {error}") from error
        engine.dispose()
        discard(path)  # damaged, or of another release: it is made again sooner than understood
    raise Unavailable("map_failed", str(path))


def _last(connection: Connection) -> tuple[int, MapHead | None]:
    row = connection.exec_driver_sql("SELECT * FROM head ORDER BY number DESC LIMIT 1").one_or_none()
    return (0, None) if row is None else (row[0], MapHead(*row[1:]))


def _root_at(connection: Connection, size: int) -> bytes | None:
    query = "SELECT root FROM head WHERE size = ? ORDER BY number DESC LIMIT 1"
    return connection.exec_driver_sql(query, (size,)).scalar_one_or_none()


def _read(connection: Connection, addresses: Sequence[bytes]) -> Mapping[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    cursor = connection.connection.cursor()
    for start in range(0, len(addresses), _MANY):
        some = addresses[start : start + _MANY]
        places = ", ".join("?" * len(some))
        cursor.execute(f"SELECT hash, data FROM page WHERE hash IN ({places})", tuple(some))  # noqa: S608 - places
        found.update(row for row in cursor.fetchall() if isinstance(row[1], bytes))  # else it is missing, or no page
    return found


# ---- For those who prove -----------------------------------------------------------------------------------


class Shelf:
    """Maps of one folder to be read, by any thread: the present one, and those of older sizes that were made again.

    A file that is put in the place of another is noticed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = Lock()  # a tree is not for two threads at a time
        self._open: dict[Path, _Shelved] = {}

    def close(self) -> None:
        """Let go of the files."""
        with self._lock:
            for known in self._open.values():
                known.close()
            self._open.clear()

    def use(self, size: int, root: bytes, what: Callable[[MapTree], T]) -> T:
        """What this makes of the tree whose pages of that root are kept, in whichever file they can be read.

        Raises ``Absent`` (``map_root_absent``), ``Corrupt`` (``map_page_corrupt``), ``Unavailable`` (``map_failed``,
        ``map_made_failed``). Details tell the file's name and no more of where it lies: they go to whoever asked.
        """
        failed: Problem = Absent("map_root_absent", f"size {size}")
        for path, code in ((map_at(self._folder), "map_failed"), (map_at(self._folder, size), "map_made_failed")):
            with suppress(FileNotFoundError), self._lock:
                try:
                    with self._shelved(path).reading() as (connection, tree):
                        if _root_at(connection, size) == root:
                            return what(tree)
                except (Absent, Corrupt) as error:  # absent: a root that the file says it keeps
                    failed = Corrupt("map_page_corrupt", f"{path.name}: {error.detail}")
                    failed.__cause__ = error
                except (SQLAlchemyError, sqlite.Error) as error:
                    failed = Unavailable(code, f"{path.name}: {getattr(error, 'orig', None) or error}")
                    failed.__cause__ = error  # for who logs it: with the SQL
        raise failed

    def _shelved(self, path: Path) -> _Shelved:
        number = path.stat().st_ino
        known = self._open.get(path)
        if known is None or known.number != number:
            if known is not None:
                known.close()
            known = self._open[path] = _Shelved(path, number)
        return known


class _Shelved:
    """A file that is open to be read. ``number`` is the file's on the disk."""

    def __init__(self, path: Path, number: int) -> None:
        self.number = number
        self._engine = sqlite.reader(path)
        self._connection: Connection | None = None  # while it is read
        self._tree = MapTree(self._read, _CACHE)

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[tuple[Connection, MapTree]]:
        """One consistent read of the file."""
        with self._engine.connect() as connection:
            self._connection = connection
            yield connection, self._tree

    def _read(self, addresses: Sequence[bytes]) -> Mapping[bytes, bytes]:
        assert self._connection is not None
        return _read(self._connection, addresses)
