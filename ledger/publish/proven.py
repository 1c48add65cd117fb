"""What is published is proven first: tiles and entries read from a log, each against the root it has signed.

A published file can never be taken back, so none is written on the store's word alone. The partial tiles at the end
hash up to the root; each full tile hashes up to one place of the tile above it; the entries hash to the tile beside
them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Protocol

from ledger.errors import Corrupt, declare
from ledger.log.merkle import consistency_proof, inclusion_proof, leaf_hash, root_at
from ledger.log.tile import WIDTH_MAX, Rows, Tile, format_path, hashed, nodes_from_rows

CACHE = 64  # tiles kept hashed up, 35 kB each

declare(
    "corrupt",
    publish_unproven=(
        "what is stored is not what the log has signed",
        "nothing wrong was published; stop, keep the folder, and run: cadastre audit DIR",
    ),
)


class Log(Protocol):
    """What is read of a log; a ``Store`` is one."""

    def tile(self, level: int, number: int) -> bytes | None:
        """The hashes of a tile, at least as many as the signed size gives it."""

    def entries(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes of entries start..stop-1, in order."""


class Proven:
    """The tiles and entries of a log of a size, under a root it has signed. Whatever does not fit raises ``Corrupt``.

    Cost: 0.2 ms a full tile, a microsecond or two an entry, besides reading them.
    """

    def __init__(self, log: Log, size: int, root: bytes) -> None:
        self._log = log
        self._size = size
        self._rows = hashed(self._read, CACHE)
        self._nodes = nodes_from_rows(self._rows, size)
        self._fit = lru_cache(CACHE)(self._prove)
        if self.root_at(size) != root:
            raise Corrupt("publish_unproven", f"the tiles make another root at size {size}")

    def root_at(self, size: int) -> bytes:
        """The root at this size or a smaller one, as the tiles make it."""
        return root_at(size, self._nodes)

    def consistency(self, old: int) -> list[bytes]:
        """The proof that the signed size extends this one, as the tiles make it: to be checked."""
        return consistency_proof(old, self._size, self._nodes)

    def inclusion(self, index: int) -> list[bytes]:
        """The proof of an entry under the signed root."""
        return inclusion_proof(index, self._size, self._nodes)

    def hashes(self, tile: Tile) -> bytes:
        """The hashes of a tile that is as wide as the size gives it."""
        return b"".join(self._fit(tile)[0])

    def entries(self, tile: Tile) -> list[bytes]:
        """The entries under a tile of level 0."""
        start = tile.index * WIDTH_MAX
        entries = list(self._log.entries(start, start + tile.width))
        leaves = self._fit(tile)[0]
        for place in range(tile.width):
            if place >= len(entries) or leaf_hash(entries[place]) != leaves[place]:
                what = "is missing" if place >= len(entries) else "has other bytes"
                raise Corrupt("publish_unproven", f"entry {start + place} {what}", index=start + place)
        return entries

    def _prove(self, tile: Tile) -> Rows:
        rows = self._rows(tile)
        if tile.width == WIDTH_MAX:  # a partial one is at the end, and hashed up to the root in the beginning
            level, index = tile.level + 1, tile.index // WIDTH_MAX
            width = min(WIDTH_MAX, (self._size >> 8 * level) - index * WIDTH_MAX)
            above = self._fit(Tile(level, index, width))
            if above[0][tile.index % WIDTH_MAX] != rows[-1][0]:
                raise Corrupt("publish_unproven", f"{format_path(tile)} is not under the tile above it")
        return rows

    def _read(self, tile: Tile) -> bytes:
        found = self._log.tile(tile.level, tile.index)
        if found is None or len(found) < 32 * tile.width or len(found) % 32:
            raise Corrupt("publish_unproven", f"{format_path(tile)} is missing or cut")
        return found
