"""An outside reader of a published log: C2SP tlog-tiles, tlog-checkpoint and RFC 6962, with nothing but hashlib.

It imports nothing of ours, so that what it accepts is accepted by anyone who reads the specifications.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from hashlib import sha256

Get = Callable[[str], bytes | None]


def leaf(entry: bytes) -> bytes:
    return sha256(b"\x00" + entry).digest()


def node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def mth(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, over leaf hashes."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return node(mth(leaves[:half]), mth(leaves[half:]))


def path_of(level: str, index: int, width: int) -> str:
    digits = f"{index:03}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    spelt = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
    return f"tile/{level}/{spelt}" + ("" if width == 256 else f".p/{width}")


def checkpoint_of(note: bytes) -> tuple[str, int, bytes]:
    """Origin, size and root; the signature is for a reader who has a key."""
    origin, size, root, empty, *_ = note.decode().split("\n")
    assert empty == ""
    return origin, int(size), base64.b64decode(root)


class Reader:
    """Reads the log of one size. ``get`` gives the bytes of a path, None where nothing is."""

    def __init__(self, get: Get, size: int) -> None:
        self.get = get
        self.size = size
        self._tiles: dict[tuple[int, int], bytes] = {}
        self._subtrees: dict[tuple[int, int], bytes] = {}

    def tile(self, level: int, index: int) -> bytes:
        """A tile just as wide as the size gives it."""
        if (level, index) not in self._tiles:
            width = min(256, (self.size >> 8 * level) - 256 * index)
            path = path_of(str(level), index, width)
            data = self.get(path)
            assert data is not None, f"{path} is missing at size {self.size}"
            assert len(data) == 32 * width, path
            self._tiles[level, index] = data
        return self._tiles[level, index]

    def entries(self) -> list[bytes]:
        found = []
        for index in range(-(-self.size // 256)):
            width = min(256, self.size - 256 * index)
            path = path_of("entries", index, width)
            data = self.get(path)
            assert data is not None, f"{path} is missing at size {self.size}"
            before, at = len(found), 0
            while at < len(data):
                length = int.from_bytes(data[at : at + 2])
                found.append(data[at + 2 : at + 2 + length])
                assert len(found[-1]) == length, path
                at += 2 + length
            assert len(found) - before == width, path
        return found

    def subtree(self, start: int, end: int) -> bytes:
        """MTH(D[start:end]), from as few tiles as need be; a subtree of the log, as RFC 6962 cuts it."""
        if (start, end) not in self._subtrees:
            self._subtrees[start, end] = self._subtree(start, end)
        return self._subtrees[start, end]

    def _subtree(self, start: int, end: int) -> bytes:
        count = end - start
        if count & (count - 1) == 0:
            height = count.bit_length() - 1
            level, above = divmod(height, 8)
            first = start >> 8 * level
            hashes = self.tile(level, first // 256)
            place = 32 * (first % 256)
            assert start % count == 0
            return mth([hashes[at : at + 32] for at in range(place, place + (32 << above), 32)])
        half = 1 << (count - 1).bit_length() - 1
        return node(self.subtree(start, start + half), self.subtree(start + half, end))

    def root(self) -> bytes:
        return self.subtree(0, self.size) if self.size else mth([])

    def inclusion(self, index: int) -> list[bytes]:
        """PATH(index, D[size]) of RFC 6962, section 2.1.1."""

        def path(start: int, end: int) -> list[bytes]:
            if end - start == 1:
                return []
            half = start + (1 << (end - start - 1).bit_length() - 1)
            if index < half:
                return [*path(start, half), self.subtree(half, end)]
            return [*path(half, end), self.subtree(start, half)]

        return path(0, self.size)


def root_by(proof: list[bytes], leaf_hash: bytes, index: int, size: int) -> bytes:
    """The root that an inclusion proof leads to (RFC 9162, section 2.1.3.2)."""
    fn, sn, found = index, size - 1, leaf_hash
    for sibling in proof:
        assert sn
        if fn & 1 or fn == sn:
            found = node(sibling, found)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            found = node(found, sibling)
        fn, sn = fn >> 1, sn >> 1
    assert sn == 0
    return found


def audit(get: Get, *, entries: bool = True, proofs: bool = False) -> tuple[int, bytes]:
    """Everything that the published checkpoint stands for is there and hashes to its root. Size and root."""
    note = get("checkpoint")
    assert note is not None
    _, size, root = checkpoint_of(note)
    reader = Reader(get, size)
    assert reader.root() == root
    level, count = 0, size
    hashes: list[bytes] = []
    while count:
        below = hashes
        data = b"".join(reader.tile(level, index) for index in range(-(-count // 256)))
        hashes = [data[at : at + 32] for at in range(0, len(data), 32)]
        assert len(hashes) == count
        if level:
            assert hashes == [mth(below[256 * at : 256 * at + 256]) for at in range(count)]
        elif entries:
            found = reader.entries()
            assert [leaf(entry) for entry in found] == hashes
            assert mth(hashes) == root
        if proofs and not level:
            for index in {0, count // 2, count - 1, (count - 1) // 256 * 256}:
                assert root_by(reader.inclusion(index), hashes[index], index, count) == root
        level, count = level + 1, count // 256
    return size, root
