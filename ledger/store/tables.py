"""The tables of a ledger. Revision 0001 of the migrations creates exactly these; a test compares the two.

Numbers are assigned by the writer, never by the engine: no sequence, no default, no autoincrement. What proofs and
rules rest on is kept as bytes. ``entry`` is the ledger; every other table but ``disclosure`` follows from it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Index, Integer, LargeBinary, MetaData, Text, UniqueConstraint
from sqlalchemy.engine import Dialect
from sqlmodel import Field, SQLModel

REVISION = "0001"
"""The schema this software reads and writes: the head of the migrations (alembic)."""

METADATA = MetaData()


class Raw(LargeBinary):
    """Bytes as the driver gives them. A damaged row may hold another type; it is not converted but seen as it is."""

    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> None:  # noqa: ARG002 - SQLAlchemy's signature
        return None


# SQLite: only the exact type INTEGER is the row's own number; BIGINT would be a second key beside it.
_NUMBER = BigInteger().with_variant(Integer(), "sqlite")

# SQLite: narrow rows live in the tree of their key alone, instead of in a table and an index.
_NARROW = {"sqlite_with_rowid": False}


def _key(type_: Any) -> Any:
    return Field(sa_type=type_, primary_key=True, sa_column_kwargs={"autoincrement": False})


def _held(type_: Any) -> Any:
    return Field(sa_type=type_, nullable=False)


class Row(SQLModel):
    """Base of the tables; they stand apart from any other SQLModel tables of the process."""

    metadata = METADATA


class EntryRow(Row, table=True):
    """One entry. Three unique keys stand behind the writer: no index, statement or link is ever written twice."""

    __tablename__ = "entry"
    __table_args__ = (UniqueConstraint("id", name="entry_id"), UniqueConstraint("link", name="entry_link"))

    index: int = _key(_NUMBER)
    id: bytes = _held(Raw)  # statement id, 32 bytes
    link: bytes = _held(Raw)  # SHA-256 of the entry before, 32 bytes
    data: bytes = _held(Raw)  # the entry's bytes


class SubjectRow(Row, table=True):
    """A subject as it stands. ``index`` is the entry which last changed it, ``last`` the act which last advanced it."""

    __tablename__ = "subject"
    __table_args__ = (UniqueConstraint("id", name="subject_id"), Index("subject_type", "type", "no"))

    no: int = _key(_NUMBER)  # subjects in the order they were opened, from 0
    id: str = _held(Text)
    type: str = _held(Text)
    index: int = _held(_NUMBER)
    last: str = _held(Text)  # statement id, base64url
    state: bytes = _held(Raw)  # canonical JSON


class PastRow(Row, table=True):
    """A subject as it stood from entry ``index`` on, until a later entry changed it."""

    __tablename__ = "past"

    no: int = _key(_NUMBER)
    index: int = _key(_NUMBER)
    last: str = _held(Text)
    state: bytes = _held(Raw)


class LookupRow(Row, table=True):
    """A subject is listed under (name, value): ``State.lookups`` of its state as it stands."""

    __tablename__ = "lookup"
    __table_args__ = _NARROW

    name: str = _key(Text)
    value: str = _key(Text)
    no: int = _key(_NUMBER)


class WordRow(Row, table=True):
    """A subject is found by a word: ``State.words`` of its state as it stands. By type: asset searches read assets."""

    __tablename__ = "word"
    __table_args__ = _NARROW

    type: str = _key(Text)
    word: str = _key(Text)
    no: int = _key(_NUMBER)


class MentionRow(Row, table=True):
    """An entry touched a subject."""

    __tablename__ = "mention"
    __table_args__ = _NARROW

    no: int = _key(_NUMBER)
    index: int = _key(_NUMBER)


class TileRow(Row, table=True):
    """The hashes of a tile of the Merkle tree, 32 bytes each, up to 256 (C2SP tlog-tiles)."""

    __tablename__ = "tile"

    level: int = _key(_NUMBER)
    number: int = _key(_NUMBER)
    hashes: bytes = _held(Raw)


class DisclosureRow(Row, table=True):
    """A disclosure kept beside an entry (RFC 9901): the ``place``-th that was sent along with its statement."""

    __tablename__ = "disclosure"

    index: int = _key(_NUMBER)
    place: int = _key(_NUMBER)
    disclosure: str = _held(Text)


ENTRY = METADATA.tables["entry"]
SUBJECT = METADATA.tables["subject"]
PAST = METADATA.tables["past"]
LOOKUP = METADATA.tables["lookup"]
WORD = METADATA.tables["word"]
MENTION = METADATA.tables["mention"]
TILE = METADATA.tables["tile"]
DISCLOSURE = METADATA.tables["disclosure"]
