"""What a witness must not forget, in one SQLite file: of each log what it cosigned last; and evidence against logs.

*A turn* is one transaction that has the file's write lock from its beginning: what is read in it is true until it
ends, in all threads and processes, and what was put is on the disk when it has ended (``ledger.store.sqlite``). So
compare and persist are one step, as the specification demands.

Losing this file is losing the promise of the keys beside it, and so is going back to an older copy of it: a witness
that does not remember cosigns a second history. There is no repair but to make another witness.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    delete,
    func,
    insert,
    select,
)
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.exc import SQLAlchemyError

from ledger.errors import Unavailable, declare
from ledger.store import sqlite
from ledger.store.files import sync

SCHEMA = 1
PROVEN_MAX = 16  # kept of each log: the first
UNPROVEN_MAX = 16  # and the last

declare(
    "service",
    witness_memory_missing=(
        "the witness's memory is not there",
        "never sign again with these keys: make another witness, in another folder and under another name",
    ),
    witness_memory_other=(
        "this memory is not that of this witness",
        "put back key and memory that belong together, or run the release that wrote the memory",
    ),
    witness_memory_failed=(
        "the witness cannot remember",
        "send the same bytes again; its operator looks after the disk",
    ),
    witness_exists=("there is a witness here already", "leave --name out to run it; nothing was changed"),
)

_TABLES = MetaData()
_WITNESS = Table("witness", _TABLES, Column("place", Integer, primary_key=True), Column("vkey", Text, nullable=False))
_COSIGNED = Table(
    "cosigned",
    _TABLES,
    Column("log", Text, primary_key=True),  # SHA-256 of the origin, in hex
    Column("origin", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("checkpoint", LargeBinary, nullable=False),
)
_EVIDENCE = Table(
    "evidence",
    _TABLES,
    Column("number", Integer, primary_key=True),
    Column("origin", Text, nullable=False),
    Column("proven", Boolean, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("request", LargeBinary, nullable=False),
    Column("checkpoint", LargeBinary, nullable=False),
    Column("against", LargeBinary),
    UniqueConstraint("origin", "proven", "size", "root"),
    sqlite_autoincrement=True,  # a number that was told to somebody stands for nothing else later
)


def log_id(origin: str) -> str:
    """How a log is named in addresses: lower-case hex SHA-256 of its origin."""
    return sha256(origin.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Last:
    """What was cosigned last of a log, in short. ``time``: POSIX seconds, as signed."""

    origin: str
    size: int
    root: bytes
    time: int


@dataclass(frozen=True, slots=True)
class Cosigned(Last):
    """The same with the note: the log's lines, and the witness's own."""

    checkpoint: bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """Evidence in short: a checkpoint that a log signed and that was not cosigned, or contradicts one signed before.

    ``proven``: the log signed another root for the same size, or a root of an empty tree that is none: the signatures
    alone convict it. Not proven: the proof that came with it does not hold. Anybody can bring that about, so it
    convicts nobody. ``number`` is 0 until it is kept.
    """

    number: int
    origin: str
    proven: bool
    size: int
    root: bytes
    time: int


@dataclass(frozen=True, slots=True)
class Evidence(Kept):
    """Evidence in full. ``checkpoint``: the note, less signatures of others, and ``request`` as it came with it
    (``parse_request``). ``against``: the note that contradicts it; where it is not proven, what was cosigned by then.
    """

    request: bytes
    checkpoint: bytes
    against: bytes | None


class Turn:
    """One transaction; see above."""

    def __init__(self, connection: Connection, origin: str) -> None:
        self._connection = connection
        self._origin = origin

    def last(self) -> Cosigned | None:
        """What was cosigned last of the log whose turn it is."""
        row = _read(self._connection, _COSIGNED, Cosigned, _COSIGNED.c.log == log_id(self._origin))
        return row[0] if row else None

    def put(self, cosigned: Cosigned) -> None:
        """Remember this in the place of what was cosigned last."""
        values = asdict(cosigned)
        row = upsert(_COSIGNED).values(log=log_id(cosigned.origin), **values)
        self._connection.execute(row.on_conflict_do_update(index_elements=["log"], set_=values))

    def contrary(self, size: int, root: bytes) -> bytes | None:
        """A checkpoint known to be signed by the log, of this size and another root."""
        for table in (_COSIGNED, _EVIDENCE):
            same = (table.c.origin == self._origin) & (table.c.size == size) & (table.c.root != root)
            found = self._connection.execute(select(table.c.checkpoint).where(same).limit(1)).scalar()
            if found is not None:
                return bytes(found)
        return None

    def keep(self, evidence: Evidence) -> bool:
        """Keep it, unless the like was kept before or there is enough of it. Whether it was kept."""
        rows = (_EVIDENCE.c.origin == evidence.origin) & (_EVIDENCE.c.proven == evidence.proven)
        alike = rows & (_EVIDENCE.c.size == evidence.size) & (_EVIDENCE.c.root == evidence.root)
        if self._connection.execute(select(_EVIDENCE.c.number).where(alike)).first() is not None:
            return False
        count: int = self._connection.execute(select(func.count()).where(rows)).scalar_one()
        if evidence.proven and count >= PROVEN_MAX:
            return False
        if not evidence.proven and count >= UNPROVEN_MAX:
            first = select(func.min(_EVIDENCE.c.number)).where(rows).scalar_subquery()
            self._connection.execute(delete(_EVIDENCE).where(_EVIDENCE.c.number == first))
        values = asdict(evidence)
        del values["number"]
        self._connection.execute(insert(_EVIDENCE).values(values))
        return True

    def prove(self, cosigned: Cosigned) -> list[Evidence]:
        """What was not proven until this contradicted it, at the same size; kept as proven."""
        same = (_EVIDENCE.c.origin == cosigned.origin) & (_EVIDENCE.c.size == cosigned.size)
        rows = same & (_EVIDENCE.c.root != cosigned.root) & _EVIDENCE.c.proven.is_(False)
        found = _read(self._connection, _EVIDENCE, Evidence, rows)
        self._connection.execute(delete(_EVIDENCE).where(rows))
        proven = [replace(one, proven=True, against=cosigned.checkpoint) for one in found]
        return [one for one in proven if self.keep(one)]


class Memory:
    """The open file. For any number of threads."""

    def __init__(self, path: Path) -> None:
        """For ``open``."""
        self._writer = sqlite.writer(path)
        self._readers = sqlite.reader(path)

    @classmethod
    def create(cls, path: Path, vkeys: Sequence[str]) -> None:
        """A memory that holds nothing but whose it is. It has its name only once it is whole.

        Raises ``Unavailable``: ``witness_exists``.
        """
        if path.exists():
            raise Unavailable("witness_exists", f"{path} is there already")
        temporary = path.with_name(f"{path.name}.tmp")
        temporary.touch(mode=0o600, exist_ok=False)
        file = sqlite.writer(temporary)
        try:
            with _told(), file.begin() as connection:
                _TABLES.create_all(connection)
                rows = [{"place": place, "vkey": vkey} for place, vkey in enumerate(vkeys)]
                connection.execute(insert(_WITNESS), rows)
                connection.exec_driver_sql(f"PRAGMA user_version={SCHEMA}")
        finally:
            file.dispose()
        temporary.rename(path)
        sync(path.parent)

    @classmethod
    def open(cls, path: Path) -> Memory:
        """Raises ``Unavailable``: ``witness_memory_missing``, ``witness_memory_other``, ``witness_memory_failed``."""
        if not path.is_file():
            raise Unavailable("witness_memory_missing", f"{path} is not there")
        memory = cls(path)
        try:
            with _told(), memory._readers.begin() as connection:
                version = connection.exec_driver_sql("PRAGMA user_version").scalar()
            if version != SCHEMA:
                raise Unavailable("witness_memory_other", f"{path} has version {version} where {SCHEMA} is known")
        except BaseException:
            memory.close()
            raise
        return memory

    @contextmanager
    def turn(self, origin: str) -> Iterator[Turn]:
        """The turn of one log. What was put is durable after it; nothing is changed if an error leaves it.

        Raises ``witness_memory_failed``; then nobody knows whether what was put is there, and nothing may be signed.
        """
        with _told(), self._writer.begin() as connection:
            yield Turn(connection, origin)

    def vkeys(self) -> list[str]:
        """Whose memory this is."""
        with _told(), self._readers.begin() as connection:
            return list(connection.execute(select(_WITNESS.c.vkey).order_by(_WITNESS.c.place)).scalars())

    def checkpoint(self, log: str) -> bytes | None:
        """The checkpoint cosigned last of a log, by its ``log_id``."""
        with _told(), self._readers.begin() as connection:
            found = _read(connection, _COSIGNED, Cosigned, _COSIGNED.c.log == log)
        return found[0].checkpoint if found else None

    def last(self) -> list[Last]:
        """What was cosigned last of every log."""
        with _told(), self._readers.begin() as connection:
            return _read(connection, _COSIGNED, Last)

    def kept(self) -> list[Kept]:
        """All evidence, in the order in which it came."""
        with _told(), self._readers.begin() as connection:
            return sorted(_read(connection, _EVIDENCE, Kept), key=lambda one: one.number)

    def evidence(self, number: int) -> Evidence | None:
        """One piece of evidence."""
        with _told(), self._readers.begin() as connection:
            found = _read(connection, _EVIDENCE, Evidence, _EVIDENCE.c.number == number)
        return found[0] if found else None

    def close(self) -> None:
        """Let go of the file."""
        self._readers.dispose()
        self._writer.dispose()


T = TypeVar("T", Last, Cosigned, Kept, Evidence)


def _read(connection: Connection, table: Table, wanted: type[T], *where: ColumnElement[bool]) -> list[T]:
    """The rows as what is wanted: its fields are the columns that are read."""
    rows = select(*(table.c[field.name] for field in fields(wanted))).where(*where)
    return [wanted(**row) for row in connection.execute(rows).mappings()]


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise Unavailable("witness_memory_failed", type(error.__cause__ or error).__name__) from error
