"""What can be judged of entries without knowing the ledger's state: spelling, order, links, forms, signatures.

A pure function of bytes, so that any process may run it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from identity.jws import parse, verify
from ledger import circulation
from ledger.audit.source import Chunk
from ledger.errors import Problem
from ledger.log.chain import LINK_OF_FIRST, Entry, check_follows, link_of, parse_entry
from ledger.log.merkle import leaf_hash
from ledger.statement import read

assert circulation  # imported for its kinds, which every process needs


@dataclass(slots=True)
class Examined:
    """What came of a chunk: the leaf hashes of the entries that hold, up to the first where something is wrong."""

    start: int
    leaves: list[bytes] = field(default_factory=list)
    wrong: Problem | None = None  # with the entry at ``stop``; nothing beyond it was looked at

    @property
    def stop(self) -> int:
        return self.start + len(self.leaves)


def examine(chunk: Chunk, before: bytes | None) -> Examined:
    """Examine entries; ``before`` is the entry before the first of them, None before entry 0.

    Cost: a signature verification for each entry, and about 50 µs.
    """
    found = Examined(chunk.start)
    previous, link = _previous(before)
    for data in chunk.entries:
        try:
            entry = parse_entry(data)
            if previous is not None or before is None:
                check_follows(entry, previous, link)
            signed = parse(entry.statement)
            read(signed)
            verify(signed)
        except Problem as wrong:
            found.wrong = wrong
            break
        previous, link = entry, link_of(data)
        found.leaves.append(leaf_hash(data))
    return found


def _previous(before: bytes | None) -> tuple[Entry | None, bytes]:
    """The entry before a chunk. Where it is no entry at all, its own chunk says so, and comes first."""
    try:
        return (parse_entry(before), link_of(before)) if before is not None else (None, LINK_OF_FIRST)
    except Problem:
        return None, b""
