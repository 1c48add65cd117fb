"""Where an audit takes its bytes from: the Source protocol, a store, and a ledger behind three functions.

A source is a picture of a ledger at one size, whatever happens to the ledger meanwhile. It hands over bytes as they
are, damaged or not, and judges nothing; what it cannot read at all it says by ``Problem``, naming the entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol

from identity.note import parse_note
from ledger.errors import Corrupt
from ledger.log.checkpoint import parse_checkpoint
from ledger.log.tile import WIDTH_MAX
from ledger.store import Store, Table
from ledger.store.files import Folder

Row = tuple[object, ...]

TABLES: tuple[Table, ...] = ("subject", "past", "lookup", "naming", "word", "mention", "tile", "disclosure")
"""What a whole store shows beside its entries."""

CALL_MAX = 1_024  # entries or subjects asked for in one call


@dataclass(frozen=True, slots=True)
class Chunk:
    """Up to 256 entries in order, as the source has them.

    A store keeps the statement id of each entry, in halves, and its link in columns beside it: ``beside``.
    """

    start: int
    entries: Sequence[bytes]
    beside: Sequence[Row] | None = None


class Source(Protocol):
    """A ledger to be audited, as it is at one size. What is answered here suits one that shows no more than it must."""

    size: int
    """How many entries it says to have; for progress only."""

    checkpoint: bytes | None
    """What its log signed last, for this size or a smaller one; None if it has nothing signed."""

    tables: Sequence[Table] = ()
    """What it can show of a store beside the entries."""

    def chunks(self) -> Iterator[Chunk]:
        """All entries. Raises ``Problem`` where one cannot be read, after all before it."""

    def entry(self, index: int) -> bytes | None:
        """One entry again, None if there is none. Raises ``Problem`` if it cannot be read."""

    def rows(self, table: Table) -> Iterator[Row]:  # noqa: ARG002 - it shows none
        """Every row of one of ``tables``, as ``Store.kept`` gives it."""
        return iter(())

    def subjects(self) -> Iterator[Row] | None:
        """Every subject as (no, id, type, index, last, state), in order of number; None if it does not tell."""

    def astray(self) -> Iterator[tuple[Table, Row, str]]:
        """Rows that its own indexes do not lead to, as ``Store.astray`` gives them."""
        return iter(())

    def leaf(self, index: int) -> bytes | None:  # noqa: ARG002 - it shows no tree
        """The hash that its own tree has for an entry, where it keeps a tree."""
        return None


# ---- A store -----------------------------------------------------------------------------------------------


class StoreSource(Source):
    """A store that does not change meanwhile: one in memory, or ``SqlStore.snapshot``."""

    tables = TABLES

    def __init__(self, store: Store, checkpoint: bytes | None) -> None:
        self.store = store
        self.checkpoint = checkpoint
        try:
            head = store.head()
        except Corrupt:  # the audit will find out what is wrong
            head = None
        self.size = head.size if head else 0

    def chunks(self) -> Iterator[Chunk]:
        start, rows, broken = 0, self.store.kept("entry"), None
        while broken is None:
            taken: list[Row] = []
            broken = _take(rows, WIDTH_MAX, taken)
            for index, row in enumerate(taken, start):
                if row[0] != index or not isinstance(row[4], bytes):
                    broken = Corrupt("entry_missing", f"its row begins with {row[0]!r}", index=index)
                    del taken[index - start :]
                    break
            if taken:
                yield Chunk(start, [row[4] for row in taken], [row[1:4] for row in taken])  # type: ignore[misc]
            elif broken is None:
                return
            start += len(taken)
        raise Corrupt(broken.code, broken.detail, index=start) from broken

    def entry(self, index: int) -> bytes | None:
        return self.store.entry(index)

    def rows(self, table: Table) -> Iterator[Row]:
        return self.store.kept(table)

    def subjects(self) -> Iterator[Row]:
        return self.store.scan("subject")

    def astray(self) -> Iterator[tuple[Table, Row, str]]:
        return self.store.astray()

    def leaf(self, index: int) -> bytes | None:
        number, place = divmod(index, WIDTH_MAX)
        hashes = self.store.tile(0, number)
        return hashes[32 * place : 32 * place + 32] if hashes else None


def _take(rows: Iterator[Row], count: int, taken: list[Row]) -> Corrupt | None:
    """Move up to ``count`` rows into ``taken``; returns what stopped it before, if that is damage."""
    try:
        for row in islice(rows, count):
            taken.append(row)  # one by one: what was read before the damage counts
    except Corrupt as damage:
        return damage
    return None


@contextmanager
def open_folder(path: Path) -> Iterator[StoreSource]:
    """A ledger's folder, read as it is now. Needs no lock, writes nothing, and minds no writer at work.

    Raises ``Unavailable`` (``store_missing``, ``store_schema_other``) or, where not even the schema can be read,
    ``Corrupt``.
    """
    from ledger.store.sql import SqlStore  # imported here: a process that helps, and one that reads bundles, needs none

    folder = Folder.open(path)
    checkpoint = folder.read_checkpoint()  # before the store: so the store is never the older one
    with SqlStore.snapshot(folder.store) as store:
        yield StoreSource(store, checkpoint)


# ---- Behind functions --------------------------------------------------------------------------------------


class RemoteSource(Source):
    """A ledger behind three functions, which a client of its service provides.

    ``entries(start, stop)`` gives entry bytes; ``listing(after)`` some subject rows in order of their number, those
    numbered above ``after``; ``subject_at(id, size)`` one subject row as of a size, None if there was none. All is
    taken as of the size of ``checkpoint``, however the ledger grows meanwhile.
    """

    def __init__(
        self,
        checkpoint: bytes,
        entries: Callable[[int, int], Sequence[bytes]],
        listing: Callable[[int], Sequence[Row]],
        subject_at: Callable[[str, int], Row | None],
    ) -> None:
        """Raises ``Malformed`` if the checkpoint is none; whether its signature holds is the audit's question."""
        self.checkpoint = checkpoint
        self.size = parse_checkpoint(parse_note(checkpoint).text).size
        self._entries = entries
        self._listing = listing
        self._subject_at = subject_at

    def chunks(self) -> Iterator[Chunk]:
        for start in range(0, self.size, CALL_MAX):
            stop = min(start + CALL_MAX, self.size)
            found = self._entries(start, stop)
            for first in range(0, len(found), WIDTH_MAX):
                yield Chunk(start + first, found[first : first + WIDTH_MAX])
            if len(found) != stop - start:
                raise Corrupt("entry_missing", f"{len(found)} of {stop - start} came", index=start + len(found))

    def entry(self, index: int) -> bytes | None:
        return next(iter(self._entries(index, index + 1)), None) if index < self.size else None

    def subjects(self) -> Iterator[Row]:
        last = -1
        while rows := self._listing(last):
            for row in rows:
                last = row[0] if isinstance(row[0], int) and row[0] > last else last + 1
                if isinstance(row[3], int) and row[3] >= self.size:  # changed since: as it was then
                    then = self._subject_at(str(row[1]), self.size)
                    if then is not None:
                        yield then
                else:
                    yield row
