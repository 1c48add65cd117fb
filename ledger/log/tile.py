"""Tiles (C2SP tlog-tiles): the tree and the entries cut into files that never change once they are full.

Tile n of level l holds the hashes of up to 256 nodes of the tree, those at level 8 * l from 256 * n on. A partial
tile, fewer than 256 wide, is a prefix of the tile it grows into. Bundle n holds the entries under tile n of level 0.
For a log of 70,000 entries:

    tile/0/000 .. tile/0/272    tile/0/273.p/112    hashes of entries     tile/entries/273.p/112  the entries
    tile/1/000                  tile/1/001.p/17     one for each full tile of level 0
                                tile/2/000.p/1      one for each full tile of level 1

Data only: what is read and stored goes through the caller's hands. :class:`Edge` makes the tiles to store when the
log grows, :func:`nodes_from_tiles` reads the tree back from them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from identity.errors import Malformed, declare
from ledger.log.merkle import Nodes, node_hash

WIDTH_MAX = 256

declare(
    "malformed",
    tile_path_malformed=("not the path of a tile", "paths are spelt as C2SP tlog-tiles says"),
    tile_malformed=("the tile is malformed", "fetch the tile again, or from a mirror"),
    bundle_malformed=("the entry bundle is malformed", "fetch the bundle again, or from a mirror"),
)


@dataclass(frozen=True, slots=True)
class Tile:
    """Where a tile stands. ``width`` counts its hashes, 1 to 256; 256 is a full tile."""

    level: int
    index: int
    width: int


# ---- Paths -------------------------------------------------------------------------------------------------

_PATH = re.compile(r"tile/([0-9]{1,2}|entries)/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([0-9]{1,3}))?")


def _format(level: str, index: int, width: int) -> str:
    groups = f"{index % 1000:03}"
    while index := index // 1000:
        groups = f"x{index % 1000:03}/{groups}"
    return f"tile/{level}/{groups}" + (f".p/{width}" if width < WIDTH_MAX else "")


def _parse(path: str) -> tuple[str, int, int]:
    match = _PATH.fullmatch(path)
    if match:
        level, groups, partial = match.groups()
        index = int(groups.replace("x", "").replace("/", ""))
        width = int(partial or WIDTH_MAX)
        if index < 2**63 and 0 < width <= WIDTH_MAX and _format(level, index, width) == path:
            return level, index, width
    raise Malformed("tile_path_malformed", f"{path[:100]!r}")


def format_path(tile: Tile) -> str:
    """``tile/<level>/<index>[.p/<width>]``, the index in groups of three digits: 1234067 is x001/x234/067."""
    return _format(str(tile.level), tile.index, tile.width)


def parse_path(path: str) -> Tile:
    """The reverse of :func:`format_path`. Levels 0 to 63. Raises ``tile_path_malformed``."""
    level, index, width = _parse(path)
    if level == "entries" or int(level) > 63 or str(int(level)) != level:
        raise Malformed("tile_path_malformed", f"no level: {path[:100]!r}")
    return Tile(int(level), index, width)


def format_entries_path(index: int, width: int) -> str:
    """``tile/entries/<index>[.p/<width>]`` of the bundle beside tile ``index`` of level 0."""
    return _format("entries", index, width)


def parse_entries_path(path: str) -> tuple[int, int]:
    """The reverse of :func:`format_entries_path`: index and width. Raises ``tile_path_malformed``."""
    level, index, width = _parse(path)
    if level != "entries":
        raise Malformed("tile_path_malformed", f"not of a bundle: {path[:100]!r}")
    return index, width


# ---- Which tiles -------------------------------------------------------------------------------------------


def tiles_of(old: int, new: int) -> Iterator[Tile]:
    """The tiles that change when the log grows from one size to another, as wide as the greater one has them.

    Level by level, left to right. ``tiles_of(0, size)`` are all tiles of a log. An entry bundle changes with its
    tile of level 0. Raises ``ValueError`` unless 0 <= old <= new.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a log does not grow from {old} to {new}")
    level = 0
    while old < new:
        for index in range(old // WIDTH_MAX, -(-new // WIDTH_MAX)):
            yield Tile(level, index, min(WIDTH_MAX, new - index * WIDTH_MAX))
        old, new, level = old // WIDTH_MAX, new // WIDTH_MAX, level + 1


def edge_of(size: int) -> Iterator[Tile]:
    """The partial tiles of a log of this size, lowest level first; at most one a level."""
    level = 0
    while size:
        if size % WIDTH_MAX:
            yield Tile(level, size // WIDTH_MAX, size % WIDTH_MAX)
        size, level = size // WIDTH_MAX, level + 1


# ---- Entry bundles -----------------------------------------------------------------------------------------


def format_bundle(entries: Iterable[bytes]) -> bytes:
    """Each entry after its length in two bytes, big-endian. Raises ``OverflowError`` beyond 65,535 bytes."""
    return b"".join([len(entry).to_bytes(2) + entry for entry in entries])


def parse_bundle(data: bytes) -> list[bytes]:
    """The reverse of :func:`format_bundle`: 1 to 256 entries. Raises ``bundle_malformed``."""
    entries = []
    start = 0
    while start < len(data):
        end = start + 2 + int.from_bytes(data[start : start + 2])
        entries.append(data[start + 2 : end])
        start = end
    if start != len(data):
        raise Malformed("bundle_malformed", "it ends in the middle of an entry")
    if not 1 <= len(entries) <= WIDTH_MAX:
        raise Malformed("bundle_malformed", f"{len(entries)} entries")
    return entries


# ---- Writing and reading -----------------------------------------------------------------------------------


class Edge:
    """The partial tile of each level, kept in memory so that growing a log reads nothing. At most 64 kB."""

    __slots__ = ("_partial", "size")

    def __init__(self) -> None:
        """The edge of an empty log."""
        self.size = 0
        self._partial: dict[int, bytes] = {}

    @classmethod
    def at(cls, size: int, read: Callable[[Tile], bytes]) -> Edge:
        """The edge of a stored log. Raises ``tile_malformed`` if a tile is shorter than the size says."""
        edge = cls()
        edge.size = size
        edge._partial = {tile.level: _prefix(tile, read(tile)) for tile in edge_of(size)}
        return edge

    def grow(self, size: int, nodes: Nodes) -> list[tuple[Tile, bytes]]:
        """Move on to a greater size; returns the tiles that have changed, with their bytes, to be stored.

        ``nodes`` must know the nodes made since the last size, as ``Growth.node`` does. About 0.3 us a leaf.
        """
        changed = []
        for tile in tiles_of(self.size, size):
            start = tile.index * WIDTH_MAX
            known = self._partial.pop(tile.level, b"")
            first = start + len(known) // 32
            level = 8 * tile.level
            data = known + b"".join([nodes(level, index) for index in range(first, start + tile.width)])
            changed.append((tile, data))
            if tile.width < WIDTH_MAX:
                self._partial[tile.level] = data
        self.size = size
        return changed


Rows = list[list[bytes]]
"""A tile hashed up: its own hashes, and above them row for row those of the subtrees it holds."""


def hashed(read: Callable[[Tile], bytes], cache: int = 64) -> Callable[[Tile], Rows]:
    """Tiles hashed up once each, about 0.2 ms, and the last ``cache`` of them kept, at most 35 kB each.

    ``read`` is asked for a tile of this very width, and may answer with a wider one. Raises ``tile_malformed``.
    """

    @lru_cache(cache)
    def rows(tile: Tile) -> Rows:
        data = _prefix(tile, read(tile))
        row = [data[start : start + 32] for start in range(0, len(data), 32)]
        found = [row]
        while len(row) > 1:
            row = [node_hash(left, right) for left, right in zip(row[::2], row[1::2], strict=False)]
            found.append(row)
        return found

    return rows


def nodes_from_rows(rows: Callable[[Tile], Rows], size: int) -> Nodes:
    """The nodes of a log of this size, from its tiles: for roots and proofs at this or any smaller size.

    One ``rows`` may serve any number of sizes: full tiles are the same in all of them. The reader raises
    ``ValueError`` for a node that a log of this size does not have, and ``tile_malformed``. Tiles are taken at their
    word: a proof made from them holds only if they are what the log signed, which checking it shows.
    """

    def nodes(level: int, index: int) -> bytes:
        if index < 0 or (index + 1) << level > size:
            raise ValueError(f"no node ({level}, {index}) in a log of size {size}")
        height, above = divmod(level, 8)  # above: rows above the lowest of the tile
        number, place = divmod(index, WIDTH_MAX >> above)
        width = min(WIDTH_MAX, (size >> 8 * height) - number * WIDTH_MAX)
        return rows(Tile(height, number, width))[above][place]

    return nodes


def nodes_from_tiles(read: Callable[[Tile], bytes], size: int, cache: int = 64) -> Nodes:
    """:func:`nodes_from_rows` of tiles that are :func:`hashed` for this size alone."""
    return nodes_from_rows(hashed(read, cache), size)


def _prefix(tile: Tile, data: bytes) -> bytes:
    """As many bytes as the tile's width asks for."""
    if not 32 * tile.width <= len(data) <= 32 * WIDTH_MAX or len(data) % 32:
        raise Malformed("tile_malformed", f"{format_path(tile)} has {len(data)} bytes")
    return data[: 32 * tile.width]
