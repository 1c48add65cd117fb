"""Where a ledger is kept: the Store protocol, whose promises are in prose, and the rows that pass through it.

A store keeps bytes and gives them back. It knows no rule, no key and no clock; what it holds beside the entries
(subjects, look-ups, words, mentions, tiles) can all be computed again from them, and the audit does so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Literal, Protocol

from ledger.errors import Corrupt, declare
from ledger.log.tile import Tile
from ledger.world import Change, Subject

declare(
    "corrupt",
    store_corrupt=(
        "the store contradicts itself",
        "stop the service, keep the folder, and make the store again from another copy (the published log, a mirror, a "
        "bundle): cadastre restore DIR --from SOURCE",
    ),
)
declare(
    "service",
    store_missing=(
        "there is no ledger here",
        "check the path; where keys or heads are in the folder, its store was lost: cadastre restore DIR --from SOURCE;"
        " only to begin another ledger: cadastre init DIR --origin NAME",
    ),
    store_exists=("there is a ledger here already", "choose another folder; nothing was changed"),
    store_schema_other=("the store's schema is not the one this software reads", "run: cadastre migrate DIR"),
    store_locked=("another process writes this ledger", "stop it first; one ledger has one writer"),
    store_failed=("the store could not be written", "send the same bytes again; see the log of the service"),
    store_conflict=(
        "the batch does not continue what is stored",
        "send the same bytes again; see who else writes here",
    ),
    erasing_delayed=(
        "somebody reads the store as it was before the erasure",
        "wait for the audit, backup or export that does, or end it; the service tries again by itself",
    ),
    store_unreadable=("the store could not be read", "try again; see the log of the service"),
)

Table = Literal["entry", "subject", "past", "lookup", "naming", "word", "mention", "tile", "disclosure"]
"""What can be scanned for an audit; ``Store.scan`` gives the columns of each."""


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a ledger: ``size`` entries, ``count`` subjects, the bytes of the first and the last entry."""

    size: int
    count: int
    first: bytes
    last: bytes


@dataclass(slots=True)
class Batch:
    """All that one commit writes. Lists run in step: entry i of the batch has ids[i] and changes[i]."""

    size: int  # entries in the ledger before this batch
    entries: list[bytes] = field(default_factory=list)  # entry bytes
    ids: list[bytes] = field(default_factory=list)  # statement ids, 32 bytes
    links: list[bytes] = field(default_factory=list)  # the link each entry carries, 32 bytes
    changes: list[Change] = field(default_factory=list)
    tiles: list[tuple[int, int, bytes]] = field(default_factory=list)  # (level, number, hashes), whole rows
    disclosures: list[tuple[int, str]] = field(default_factory=list)  # (entry index, disclosure)


class Store(Protocol):
    """A ledger's storage.

    **Commit.** ``commit`` writes a whole batch or nothing. When it returns, the batch survives the death of the
    process and of the machine. A batch whose ``size`` is not the store's size, which repeats an index, a link or a
    statement id, which numbers subjects out of turn, which changes one otherwise than from how it stands, or after
    which two would be listed under one unique look-up, is never written: ``Unavailable`` (``store_conflict``). That is
    what stops a second writer. After any other error (``store_failed``, ``Corrupt``) the batch may or may not be there:
    the caller must open the store again and look; this one takes no further batch.

    **Reads** see all batches whose commit returned before the read began, each wholly or not at all, and never block
    a commit. They may run in any thread. They raise ``Unavailable`` (``store_unreadable``) or, where what is stored
    contradicts itself, ``Corrupt`` (``store_corrupt``) naming the entry or subject where one is known.

    **Opening** creates, repairs and migrates nothing.
    """

    def head(self) -> Head | None:
        """The end of the ledger, or None before its first entry."""

    def commit(self, batch: Batch) -> None:
        """Write a batch; see above. One caller at a time."""

    def erase(self, gone: Set[tuple[int, str]]) -> None:
        """Delete the disclosures with these digests beside these entries, where there are any; for the writer.

        When it returns, no file of the store has a byte of them: not in what was freed, not in a log beside it. Raises
        ``Unavailable``: ``store_failed``, and ``erasing_delayed`` while somebody reads the store as it was before; then
        nobody who begins to read sees them any more, and it has to be called again. Cost: every disclosure is written
        anew where one is deleted.
        """

    def entry(self, index: int) -> bytes | None:
        """The bytes of one entry."""

    def entries(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes of entries start..stop-1 in order, fewer if the ledger ends before; one consistent read."""

    def indexes(self, ids: Sequence[bytes]) -> Mapping[bytes, int]:
        """The index of each statement id (32 bytes) that is in the ledger."""

    def subjects(self, ids: Sequence[str]) -> Mapping[str, Subject]:
        """The subjects that exist among these ids, as they stand."""

    def subject_at(self, subject_id: str, size: int) -> Subject | None:
        """The subject as it stood when the ledger had ``size`` entries. ``last`` included."""

    def lookup(self, keys: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
        """For each unique (name, value) the id of the one subject listed under it, where there is one."""

    def listing(self, after: int, limit: int) -> list[Subject]:
        """Up to ``limit`` subjects whose number is greater than ``after``, in order of number."""

    def history(self, subject_id: str, before: int, limit: int) -> list[int]:
        """Indexes below ``before`` of entries that touched the subject, latest first."""

    def search(
        self, types: Sequence[str], words: Sequence[str], keys: Sequence[tuple[str, str]], before: int, limit: int
    ) -> list[Subject]:
        """Subjects of these types, numbered below ``before``, that are listed under all keys and have all words.

        Latest first. With no words and no keys: all of the types. What it is to have a word: ``words.has_word``.
        """

    def changes(self, start: int) -> Iterator[tuple[Subject | None, Subject]]:
        """Each subject that entries from ``start`` on opened or changed, in order of number; one consistent read.

        How it stood when the ledger had ``start`` entries, None if it was not there, and how it stands.
        """

    def tile(self, level: int, number: int) -> bytes | None:
        """The hashes of a tile, 32 bytes each, as many as it has so far (C2SP tlog-tiles)."""

    def disclosures(self, index: int) -> list[str]:
        """The disclosures kept beside an entry, in the order they were sent."""

    def scan(self, table: Table) -> Iterator[tuple[object, ...]]:
        """Every row of a table in the order of its key, for the audit. Columns:

        entry (index, id, link, data) · subject (no, id, type, index, last, state) · past (no, index, last, state) ·
        lookup (name, value, no) · naming (name, value, no), those under unique look-ups once more · word (type, word,
        no) · mention (no, index), but not by the entry that opened the subject · tile (level, number, hashes) ·
        disclosure (index, place, disclosure). A damaged row is given as it is, whatever types it holds. Look-ups, words
        and mentions come by chapters, see ``kept``.
        """

    def kept(self, table: Table) -> Iterator[tuple[object, ...]]:
        """The same in short, as a database keeps it: where ids are names of entries, and numbers go by chapters.

        entry (index, first and second half of id, link, data) · subject (no, type, opened, index, advanced, state) ·
        past (no, index, advanced, state), where opened and advanced are the indexes of the entries whose statements
        the id and ``last`` come from · lookup (chapter, name, value, numbers) · word (chapter, type, word, numbers),
        one row for every 256 subjects of which any is listed: chapter is no >> 8, numbers the low bytes, ascending ·
        mention (chapter, no, numbers), likewise one row for every 256 entries of which any touched the subject.
        The other tables as ``scan`` shows them.
        """

    def astray(self) -> Iterator[tuple[Table, tuple[object, ...], str]]:
        """Rows that the database's own indexes do not lead to: table, key of the row, and what is wrong.

        Whole tables are read without an index; everything else needs them. The key is () where it is not known.
        """

    def close(self) -> None:
        """Let go of files and connections."""


def read_entry(store: Store, index: int) -> bytes:
    """The bytes of an entry that must be there. Raises ``Corrupt`` (``store_corrupt``)."""
    found = store.entry(index)
    if found is None:
        raise Corrupt("store_corrupt", f"entry {index} is missing", index=index)
    return found


def read_tile(store: Store, wanted: Tile) -> bytes:
    """The hashes of a tile that must be there. Raises ``Corrupt`` (``store_corrupt``)."""
    found = store.tile(wanted.level, wanted.index)
    if found is None:
        raise Corrupt("store_corrupt", f"tile {wanted.level}/{wanted.index} is missing")
    return found
