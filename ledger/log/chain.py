"""Entries and the chain: the bytes of one entry, and what makes it the next after another.

An entry is six lines, each ended by a newline, at most 65,535 bytes in all (what an entry bundle can hold):

    cadastre/1
    example.com/registry                            origin: the name of this ledger
    41                                              index, decimal
    1767139200000000                                admission time, Unix microseconds, strictly increasing
    TszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb0=    link: SHA-256 of the bytes of entry 40
    eyJhbGciOiJFZDI1NTE5Iiwia2lk...                 statement: a compact JWS

The link chains the entries by their own bytes; the Merkle tree hashes the very same bytes. What a statement says
is not looked at here: the chain holds for entries of any kind.
"""

from __future__ import annotations

import re
from binascii import a2b_base64, b2a_base64
from dataclasses import dataclass
from hashlib import sha256

from identity.canonical import b64encode
from identity.errors import Malformed, Unverifiable, declare

ENTRY_BYTES_MAX = 65_535
LINK_OF_FIRST = bytes(32)

declare(
    "malformed",
    entry_malformed=("the entry is malformed", "fetch the entry again; every byte of it is hashed"),
    origin_malformed=("not the name of a ledger", "use a host and path, such as example.com/registry"),
)
declare(
    "unverifiable",
    entry_origin_wrong=("the entry belongs to another ledger", "entries of two ledgers were mixed up"),
    entry_index_wrong=("the entry is out of place", "an entry is missing, doubled or moved"),
    entry_time_wrong=("the entry is not later than the one before", "the writer's clock stood or ran backwards"),
    entry_link_wrong=("the entry does not link to the one before", "the entry before is not what was linked to"),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A statement admitted to the ledger. ``time`` in Unix microseconds, ``link`` 32 bytes."""

    origin: str
    index: int
    time: int
    link: bytes
    statement: bytes


_ORIGIN = re.compile(r"[!-*,-~]{1,255}")  # printable ASCII without space and plus


def check_origin(origin: str) -> None:
    """An origin is a C2SP key name in printable ASCII: no space, no plus sign, 1 to 255 bytes.

    ASCII, so that no two origins look alike; 255, because cosignatures count its bytes in one.
    Raises ``origin_malformed``.
    """
    if not _ORIGIN.fullmatch(origin):
        raise Malformed("origin_malformed", f"{origin[:300]!r}")


def format_entry(entry: Entry) -> bytes:
    """The bytes of an entry. Checks nothing: :func:`parse_entry` does."""
    return b"cadastre/1\n%b\n%d\n%d\n%b%b\n" % (
        entry.origin.encode(),
        entry.index,
        entry.time,
        b2a_base64(entry.link),  # ends with a newline
        entry.statement,
    )


def parse_entry(data: bytes) -> Entry:
    """The reverse of :func:`format_entry`. Raises ``entry_malformed`` or ``origin_malformed``."""
    if len(data) > ENTRY_BYTES_MAX:
        raise Malformed("entry_malformed", f"more than {ENTRY_BYTES_MAX} bytes")
    try:
        _, origin, index, time, link, statement, _ = data.split(b"\n")
        entry = Entry(origin.decode("ascii"), int(index), int(time), a2b_base64(link), statement)
    except ValueError:
        raise Malformed("entry_malformed", "it is not six lines of the right form") from None
    if not (0 <= entry.index < 2**63 and 0 <= entry.time < 2**63):
        raise Malformed("entry_malformed", "index or time out of range")
    if len(entry.link) != 32:
        raise Malformed("entry_malformed", "the link does not have 32 bytes")
    if not statement or not statement.isascii():
        raise Malformed("entry_malformed", "the statement is not a compact JWS")
    if format_entry(entry) != data:
        raise Malformed("entry_malformed", "another spelling of the same entry")
    check_origin(entry.origin)
    return entry


def link_of(data: bytes) -> bytes:
    """The link that the next entry carries: SHA-256 of the bytes of this one."""
    return sha256(data).digest()


def audience_of(origin: str, first: bytes) -> str:
    """What statements are addressed to: ``<origin>#<base64url SHA-256 of entry 0>``, this ledger and no namesake."""
    return f"{origin}#{b64encode(link_of(first))}"


def check_follows(entry: Entry, previous: Entry | None, link: bytes) -> None:
    """The entry is the next after ``previous``, whose bytes hash to ``link`` (:func:`link_of`).

    Entry 0 follows None and :data:`LINK_OF_FIRST`. Raises, looked at in this order: ``entry_origin_wrong``,
    ``entry_index_wrong``, ``entry_time_wrong``, ``entry_link_wrong``.
    """
    index = previous.index + 1 if previous else 0
    if previous and entry.origin != previous.origin:
        raise Unverifiable("entry_origin_wrong", f"{entry.origin} after {previous.origin}", index=index)
    if entry.index != index:
        raise Unverifiable("entry_index_wrong", f"index {entry.index} stands at {index}", index=index)
    if previous and entry.time <= previous.time:
        raise Unverifiable("entry_time_wrong", f"{entry.time} after {previous.time}", index=index)
    if entry.link != link:
        raise Unverifiable("entry_link_wrong", f"{entry.link.hex()} instead of {link.hex()}", index=index)
