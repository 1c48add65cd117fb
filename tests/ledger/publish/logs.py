"""A log to be published: short synthetic entries, their tiles, and a key that signs its checkpoints."""

from __future__ import annotations

from collections.abc import Iterator

from identity.note import Signer
from ledger.log.checkpoint import Checkpoint, sign_checkpoint
from ledger.log.merkle import Frontier, Growth, leaf_hash
from ledger.log.tile import Edge
from tests.cast import seed

ORIGIN = "published.example/log"
SIGNER = Signer(ORIGIN, seed("log"))


class SyntheticLog:
    """A log in memory, as ``ledger.publish.Log`` reads it. Counts what is read."""

    def __init__(self, name: str = "entry", size: int = 0) -> None:
        self.name = name
        self.data: list[bytes] = []
        self.tiles: dict[tuple[int, int], bytes] = {}
        self.notes: dict[int, bytes] = {}
        self.read = 0
        self._edge = Edge()
        self._frontier = Frontier()
        self.grow(size)

    def grow(self, size: int) -> bytes:
        """Grow to a size, and sign it; the note. What was signed before stays known."""
        growth = Growth(self._frontier)
        for index in range(len(self.data), size):
            self.data.append(f"{self.name} {index}".encode() * (index % 3))
            growth.append(leaf_hash(self.data[-1]))
        for tile, hashes in self._edge.grow(size, growth.node):
            self.tiles[tile.level, tile.index] = hashes
        self._frontier = growth.frontier()
        self.notes[size] = sign_checkpoint(Checkpoint(ORIGIN, size, growth.root()), SIGNER)
        return self.notes[size]

    def tile(self, level: int, number: int) -> bytes | None:
        self.read += 1
        return self.tiles.get((level, number))

    def entries(self, start: int, stop: int) -> Iterator[bytes]:
        self.read += max(0, min(stop, len(self.data)) - start)
        return iter(self.data[start:stop])
