"""A hostile operator: entries put together at will, each linked to the one before, under checkpoints at will."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from identity.note import Signer
from ledger.audit.source import Chunk, Source
from ledger.log.chain import LINK_OF_FIRST, Entry, format_entry, link_of, parse_entry
from ledger.log.checkpoint import Checkpoint, sign_checkpoint
from ledger.log.merkle import leaf_hash, root_of
from tests.cast import LOG, ORIGIN


class Shown(Source):
    """A source that shows entries and a checkpoint, and nothing derived from them."""

    def __init__(self, entries: Sequence[bytes], checkpoint: bytes | None = None) -> None:
        """Without a checkpoint the log signs whatever the entries are."""
        self._entries = list(entries)
        self.size = len(self._entries)
        self.checkpoint = signed(entries) if checkpoint is None else checkpoint

    def chunks(self) -> Iterator[Chunk]:
        for start in range(0, self.size, 256):
            yield Chunk(start, self._entries[start : start + 256])

    def entry(self, index: int) -> bytes | None:
        return self._entries[index] if index < self.size else None


def signed(entries: Iterable[bytes], by: Signer = LOG) -> bytes:
    """A checkpoint over these entries."""
    leaves = [leaf_hash(entry) for entry in entries]
    return sign_checkpoint(Checkpoint(by.name, len(leaves), root_of(leaves)), by)


def linked(acts: Iterable[tuple[int, bytes]], origin: str = ORIGIN) -> list[bytes]:
    """Entries of (time, statement) pairs, in this order, each properly linked to the one before."""
    entries: list[bytes] = []
    link = LINK_OF_FIRST
    for index, (time, statement) in enumerate(acts):
        entries.append(format_entry(Entry(origin, index, time, link, statement)))
        link = link_of(entries[-1])
    return entries


def acts(entries: Iterable[bytes]) -> list[tuple[int, bytes]]:
    """The reverse of :func:`linked`, to be rearranged."""
    return [(entry.time, entry.statement) for entry in map(parse_entry, entries)]
