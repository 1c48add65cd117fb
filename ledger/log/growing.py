"""A state map (``ledger.log.map``) in memory that tells its root as it grows: for who needs roots, and no proofs.

An auditor computes every root that a service has committed to, one after the other. Changes go in sorted, and all at
once: each inner node above any of them is met once, and hashed on the way back.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from hashlib import sha256

from ledger.log.map import BITS, map_leaf_hash
from ledger.log.merkle import EMPTY_ROOT

_INNER = [bytes([3, BITS - 1 - shift]) for shift in range(BITS)]

_Inner = tuple[int, "_Node", "_Node", bytes]
"""Places of the key to the right of the bit at which it parts; left, right, hash."""

_Node = bytes | _Inner
"""64 bytes: key and hash of a leaf."""

_Items = tuple[list[int], list[bytes]]
"""Keys, ascending, and their leaves; an empty one takes the key out."""


class GrowingMap:
    """A map from 32 bytes to 32 bytes. Some 250 bytes a key."""

    __slots__ = ("_top",)

    def __init__(self) -> None:
        self._top: _Node | None = None

    def update(self, changes: Mapping[bytes, bytes | None]) -> None:
        """Give keys these values, or take them out. 5 to 10 microseconds each, the less the more there are."""
        if len(changes) == 1:  # as most lists change
            ((key, value),) = changes.items()
            leaf = b"" if value is None else key + map_leaf_hash(key, value)
            self._top = _changed_one(self._top, int.from_bytes(key), leaf)
        elif changes:
            keys = sorted(changes)
            leaves = [b"" if (value := changes[key]) is None else key + map_leaf_hash(key, value) for key in keys]
            self._top = _changed(self._top, ([int.from_bytes(key) for key in keys], leaves), 0, len(keys))

    def root(self) -> bytes:
        """The root of what was put in."""
        return EMPTY_ROOT if self._top is None else _hash_of(self._top)


def _hash_of(node: _Node) -> bytes:
    return node[32:] if isinstance(node, bytes) else node[3]


def _inner(shift: int, left: _Node | None, right: _Node | None) -> _Node | None:
    if left is None or right is None:
        return left or right
    return shift, left, right, sha256(_INNER[shift] + _hash_of(left) + _hash_of(right)).digest()


def _changed(node: _Node | None, items: _Items, start: int, stop: int) -> _Node | None:
    """The node with items start..stop-1 in it, of which there is one at least."""
    places, leaves = items
    if stop - start == 1:
        return _changed_one(node, places[start], leaves[start])
    if node is None or isinstance(node, bytes):
        return _built(*_merged(node, items, start, stop))
    shift, left, right, _ = node
    below = _place_in(node)
    parted = max(below ^ places[start], below ^ places[stop - 1]).bit_length() - 1
    middle = _middle(places, start, stop, below, max(parted, shift))
    if parted <= shift:
        return _inner(
            shift,
            _changed(left, items, start, middle) if start < middle else left,
            _changed(right, items, middle, stop) if middle < stop else right,
        )
    if below >> parted & 1:  # some stand to the left of all that there is
        return _inner(
            parted,
            _built(*_merged(None, items, start, middle)),
            _changed(node, items, middle, stop) if middle < stop else node,
        )
    return _inner(
        parted,
        _changed(node, items, start, middle) if start < middle else node,
        _built(*_merged(None, items, middle, stop)),
    )


def _changed_one(node: _Node | None, place: int, leaf: bytes) -> _Node | None:
    """The same for one item: the way down to where it stands, and back."""
    way: list[_Inner] = []
    while isinstance(node, tuple):
        way.append(node)
        node = node[2] if place >> node[0] & 1 else node[1]
    parted = -1 if node is None else (place ^ int.from_bytes(node[:32])).bit_length() - 1
    if parted >= 0:  # another key stands where this one would
        while way and way[-1][0] < parted:
            node = way.pop()
    if parted < 0:
        node = leaf or None
    elif leaf:
        node = _inner(parted, node, leaf) if place >> parted & 1 else _inner(parted, leaf, node)
    for shift, left, right, _ in reversed(way):
        node = _inner(shift, left, node) if place >> shift & 1 else _inner(shift, node, right)
    return node


def _place_in(node: _Node) -> int:
    """A key below a node."""
    while not isinstance(node, bytes):
        node = node[1]
    return int.from_bytes(node[:32])


def _middle(places: list[int], start: int, stop: int, below: int, shift: int) -> int:
    """Where, of keys that share all bits above this one with ``below``, those begin that have it."""
    return bisect_left(places, (below >> shift | 1) << shift, start, stop)


def _merged(leaf: bytes | None, items: _Items, start: int, stop: int) -> _Items:
    """The items that put something in, with a leaf that was there before unless one of them is of its key."""
    places, leaves = items[0][start:stop], items[1][start:stop]
    if leaf is not None:
        place = int.from_bytes(leaf[:32])
        at = bisect_left(places, place)
        if at == len(places) or places[at] != place:
            places.insert(at, place)
            leaves.insert(at, leaf)
    if b"" in leaves:
        places = [place for place, one in zip(places, leaves, strict=True) if one]
        leaves = [one for one in leaves if one]
    return places, leaves


def _built(places: list[int], leaves: list[bytes]) -> _Node | None:
    return _built_of(places, leaves, 0, len(leaves)) if leaves else None


def _built_of(places: list[int], leaves: list[bytes], start: int, stop: int) -> _Node | None:
    if stop - start == 1:
        return leaves[start]
    first = places[start]
    shift = (first ^ places[stop - 1]).bit_length() - 1
    middle = _middle(places, start, stop, first, shift)
    return _inner(shift, _built_of(places, leaves, start, middle), _built_of(places, leaves, middle, stop))
