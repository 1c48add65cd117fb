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

# SQLite: a key of several columns is the tree that the rows live in, not an index beside them which could differ.
_KEYED = {"sqlite_with_rowid": False}


def _key(type_: Any) -> Any:
    return Field(sa_type=type_, primary_key=True, sa_column_kwargs={"autoincrement": False})


def _held(type_: Any) -> Any:
    return Field(sa_type=type_, nullable=False)


class Row(SQLModel):
    """Base of the tables; they stand apart from any other SQLModel tables of the process."""

    metadata = METADATA


class EntryRow(Row, table=True):
    """One entry. Three unique keys stand behind the writer: no index, statement or link is ever written twice.

    The statement id is kept in two halves. The first names the subjects which the statement opens, so that it being
    unique also keeps subject ids unique, and makes half as long an index.
    """

    __tablename__ = "entry"
    __table_args__ = (UniqueConstraint("key", name="entry_key"), UniqueConstraint("link", name="entry_link"))

    index: int = _key(_NUMBER)
    key: bytes = _held(Raw)  # statement id, first 16 bytes
    rest: bytes = _held(Raw)  # statement id, last 16 bytes
    link: bytes = _held(Raw)  # SHA-256 of the entry before, 32 bytes
    data: bytes = _held(Raw)  # the entry's bytes


class SubjectRow(Row, table=True):
    """A subject as it stands. Its id follows from its type and the entry which opened it; entries are named by index.

    An index of the texts of ids, which are random, would cost more than the row itself: two pages for each subject.
    """

    __tablename__ = "subject"
    __table_args__ = (UniqueConstraint("opened", "type", name="subject_opened"), Index("subject_type", "type", "no"))

    no: int = _key(_NUMBER)  # subjects in the order they were opened, from 0
    type: str = _held(Text)
    opened: int = _held(_NUMBER)  # entry which opened it
    index: int = _held(_NUMBER)  # entry which last changed it
    advanced: int = _held(_NUMBER)  # entry whose statement last advanced it
    state: bytes = _held(Raw)  # canonical JSON


class PastRow(Row, table=True):
    """A subject as it stood from entry ``index`` on, until a later entry changed it."""

    __tablename__ = "past"
    __table_args__ = _KEYED

    no: int = _key(_NUMBER)
    index: int = _key(_NUMBER)
    advanced: int = _held(_NUMBER)
    state: bytes = _held(Raw)


class LookupRow(Row, table=True):
    """Subjects listed under (name, value), by chapters (``postings``): ``State.lookups`` of their states."""

    __tablename__ = "lookup"
    __table_args__ = _KEYED

    chapter: int = _key(_NUMBER)
    name: str = _key(Text)
    value: str = _key(Text)
    numbers: bytes = _held(Raw)


class NamingRow(Row, table=True):
    """The one subject listed under a unique look-up (``State.UNIQUE``), whatever its chapter."""

    __tablename__ = "naming"
    __table_args__ = _KEYED

    name: str = _key(Text)
    value: str = _key(Text)
    no: int = _held(_NUMBER)


class WordRow(Row, table=True):
    """Subjects of a type that have a word, by chapters (``postings``): ``State.words`` of their states."""

    __tablename__ = "word"
    __table_args__ = _KEYED

    chapter: int = _key(_NUMBER)
    type: str = _key(Text)
    word: str = _key(Text)
    numbers: bytes = _held(Raw)


class MentionRow(Row, table=True):
    """Entries that touched a subject after the one that opened it, by chapters of entries (``postings``)."""

    __tablename__ = "mention"
    __table_args__ = _KEYED

    chapter: int = _key(_NUMBER)
    no: int = _key(_NUMBER)
    numbers: bytes = _held(Raw)


class TileRow(Row, table=True):
    """The hashes of a tile of the Merkle tree, 32 bytes each, up to 256 (C2SP tlog-tiles)."""

    __tablename__ = "tile"
    __table_args__ = _KEYED

    level: int = _key(_NUMBER)
    number: int = _key(_NUMBER)
    hashes: bytes = _held(Raw)


class DisclosureRow(Row, table=True):
    """A disclosure kept beside an entry (RFC 9901): the ``place``-th that was sent along with its statement."""

    __tablename__ = "disclosure"
    __table_args__ = _KEYED

    index: int = _key(_NUMBER)
    place: int = _key(_NUMBER)
    disclosure: str = _held(Text)


ENTRY = METADATA.tables["entry"]
SUBJECT = METADATA.tables["subject"]
PAST = METADATA.tables["past"]
LOOKUP = METADATA.tables["lookup"]
NAMING = METADATA.tables["naming"]
WORD = METADATA.tables["word"]
MENTION = METADATA.tables["mention"]
TILE = METADATA.tables["tile"]
DISCLOSURE = METADATA.tables["disclosure"]
