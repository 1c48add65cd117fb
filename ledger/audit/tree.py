"""The Merkle tree over the replayed entries, and the tiles a store must hold of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ledger.audit.source import Row
from ledger.log.merkle import consistency_proof, node_hash, root_at
from ledger.log.tile import WIDTH_MAX, Tile, nodes_from_tiles, tiles_of

_HASH = 32  # bytes
_TILE = WIDTH_MAX * _HASH


class Tree:
    """A finished tree, held as its tiles. Cost: a hash and 32 bytes an entry."""

    def __init__(self, leaves: Iterable[bytes]) -> None:
        """``leaves``: the leaf hash of every entry (``merkle.leaf_hash``)."""
        level = b"".join(leaves)
        self.size = len(level) // _HASH
        self._levels = []
        while level:
            self._levels.append(level)
            full = range(0, len(level) - _TILE + 1, _TILE)
            level = b"".join(_top(level[start : start + _TILE]) for start in full)
        self.nodes = nodes_from_tiles(self._read, self.size)

    def root(self, size: int) -> bytes:
        """The root of the first ``size`` entries."""
        return root_at(size, self.nodes)

    def consistency(self, old: int, new: int) -> list[bytes]:
        """The proof that one size extends another (RFC 6962, section 2.1.2)."""
        return consistency_proof(old, new, self.nodes)

    def rows(self) -> Iterator[Row]:
        """(level, number, hashes) of each tile, in this order."""
        return ((tile.level, tile.index, self._read(tile)) for tile in tiles_of(0, self.size))

    def _read(self, tile: Tile) -> bytes:
        start = tile.index * _TILE
        return self._levels[tile.level][start : start + tile.width * _HASH]


def _top(hashes: bytes) -> bytes:
    """The node above a full tile."""
    row = [hashes[start : start + _HASH] for start in range(0, _TILE, _HASH)]
    while len(row) > 1:
        row = [node_hash(left, right) for left, right in zip(row[::2], row[1::2], strict=True)]
    return row[0]
