r"""The Merkle tree over the entries (RFC 6962, section 2; RFC 9162, section 2): roots, proofs, and their checks.

A tree is a row of perfect subtrees, one for each binary digit 1 of its size, the largest first; the root folds
them from the right. Size 7 = 4 + 2 + 1, with nodes named (level, index):

               root
              /    \
             /     edge
            /      /  \
        (2,0)     /    \          (level, index) covers the leaves from index * 2^level
        /   \    /      \         up to, not including, (index + 1) * 2^level
    (1,0) (1,1) (1,2)  (0,6)
     0 1   2 3   4 5     6

A named node never changes, so it can be stored, cached and served for ever; edge and root change with every leaf.
Functions that read a tree take its named nodes as :data:`Nodes`: ``ledger.log.tile`` reads them from stored tiles,
:class:`Growth` knows them while a batch is appended. Hashes have 32 bytes everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256

from identity.errors import Malformed, Unverifiable, declare

Nodes = Callable[[int, int], bytes]
"""(level, index) -> hash of that perfect subtree."""

EMPTY_ROOT = sha256().digest()

declare(
    "malformed",
    proof_malformed=("the proof has the wrong shape", "ask for a proof of this index and these sizes"),
)
declare(
    "unverifiable",
    proof_wrong=("the proof does not lead to the root", "keep both: a signed root that fails is evidence"),
)


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 || data)."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


# ---- Shape -------------------------------------------------------------------------------------------------


def subtrees(size: int) -> Iterator[tuple[int, int]]:
    """The perfect subtrees of a tree, left to right, as (level, index)."""
    for level in reversed(range(size.bit_length())):
        if size >> level & 1:
            yield level, (size >> level) - 1


def _edges(size: int, nodes: Nodes, beyond: int = -1) -> dict[int, bytes]:
    """Everything from a leaf to the end, hashed, for the first leaf of each perfect subtree beyond some leaf."""
    edges: dict[int, bytes] = {}
    edge = b""
    for level, index in reversed([*subtrees(size)]):
        if index << level <= beyond:
            break
        node = nodes(level, index)
        edges[index << level] = edge = node_hash(node, edge) if edge else node
    return edges


def _path(leaf: int, level: int, size: int, nodes: Nodes, edges: dict[int, bytes]) -> list[bytes]:
    """The siblings on the way from the node at ``level`` above a leaf up to the root, the lowest first."""
    top = (leaf ^ size).bit_length() - 1  # level of the perfect subtree that holds the leaf
    path = [nodes(height, leaf >> height ^ 1) for height in range(level, top)]
    end = size >> top << top
    if end < size:
        path.append(edges[end])
    for height in range(top + 1, size.bit_length()):
        if leaf >> height & 1:
            path.append(nodes(height, (leaf >> height) - 1))
    return path


# ---- Roots and proofs --------------------------------------------------------------------------------------


def root_of(leaf_hashes: Iterable[bytes]) -> bytes:
    """The root of these leaves: MTH of RFC 6962, section 2.1."""
    frontier = Frontier()
    for leaf in leaf_hashes:
        frontier.append(leaf)
    return frontier.root()


def root_at(size: int, nodes: Nodes) -> bytes:
    """The root of the first ``size`` leaves. Reads one node for each binary digit 1 of the size."""
    return _edges(size, nodes)[0] if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, nodes: Nodes) -> list[bytes]:
    """PATH(index, D[size]) of RFC 6962, section 2.1.1: the leaf's sibling first, at most log2(size) + 1 hashes.

    Raises ``ValueError`` unless 0 <= index < size.
    """
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of size {size}")
    return _path(index, 0, size, nodes, _edges(size, nodes, beyond=index))


def consistency_proof(old: int, new: int, nodes: Nodes) -> list[bytes]:
    """PROOF(old, D[new]) of RFC 6962, section 2.1.2; empty from size 0 and between equal sizes.

    Raises ``ValueError`` unless 0 <= old <= new.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of size {new} does not extend one of size {old}")
    if old in (0, new):
        return []
    last, level = _last_subtree(old)
    path = _path(last, level, new, nodes, _edges(new, nodes, beyond=last))
    return [nodes(level, last >> level), *path] if last >> level else path


def _last_subtree(size: int) -> tuple[int, int]:
    """The last leaf of a tree, and the level of the last perfect subtree, which ends there."""
    return size - 1, (size & -size).bit_length() - 1


# ---- Checks ------------------------------------------------------------------------------------------------


def check_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """The leaf with this hash stands at ``index`` in the tree of this size and root (RFC 9162, section 2.1.3.2).

    Raises ``proof_malformed`` or ``proof_wrong``.
    """
    if root_from(leaf, index, size, proof) != root:
        raise Unverifiable("proof_wrong", f"leaf {index} of the tree of size {size} is another one")


def root_from(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """The root that an inclusion proof leads to, whatever root there is. Raises ``proof_malformed``."""
    if not 0 <= index < size:
        raise Malformed("proof_malformed", f"no leaf {index} in a tree of size {size}")
    if len(leaf) != 32:
        raise Malformed("proof_malformed", "the leaf hash does not have 32 bytes")
    inner = _levels_below_parting(index, size)
    _check_length(proof, inner + (index >> inner).bit_count())
    node = leaf
    for level, sibling in enumerate(proof):
        on_the_right = level < inner and not index >> level & 1
        node = node_hash(node, sibling) if on_the_right else node_hash(sibling, node)
    return node


def check_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """The tree of the new size and root begins with all the leaves of the old one (RFC 9162, section 2.1.4.2).

    Every tree extends the empty one, by an empty proof, which says nothing about ``new_root``.
    Raises ``proof_malformed`` or ``proof_wrong``.
    """
    if not 0 <= old <= new:
        raise Malformed("proof_malformed", f"a tree of size {new} does not extend one of size {old}")
    if old == 0 and old_root != EMPTY_ROOT:
        raise Unverifiable("proof_wrong", "the empty tree has another root")
    if old == new and old_root != new_root:
        raise Unverifiable("proof_wrong", f"two roots of size {old}")
    if old != new and len(new_root) != 32:
        raise Malformed("proof_malformed", "the root does not have 32 bytes")
    if old in (0, new):
        return _check_length(proof, 0)
    last, level = _last_subtree(old)
    inner = _levels_below_parting(last, new)
    alone = last >> level == 0  # the old tree is one perfect subtree: its root is known and left out
    _check_length(proof, (not alone) + (inner - level) + (last >> inner).bit_count())
    seed, *path = [old_root, *proof] if alone else proof
    older = newer = seed
    for height, sibling in enumerate(path, level):
        if height < inner and not last >> height & 1:
            newer = node_hash(newer, sibling)
        else:
            older, newer = node_hash(sibling, older), node_hash(sibling, newer)
    if (older, newer) != (old_root, new_root):
        raise Unverifiable("proof_wrong", f"size {new} does not extend size {old} with these roots")
    return None


def _levels_below_parting(leaf: int, size: int) -> int:
    """How many siblings a leaf has below the node where the way to the last leaf parts; above, all are left."""
    return (leaf ^ size - 1).bit_length()


def _check_length(proof: Sequence[bytes], length: int) -> None:
    if len(proof) != length:
        raise Malformed("proof_malformed", f"{len(proof)} hashes where {length} are due")
    if any(len(sibling) != 32 for sibling in proof):
        raise Malformed("proof_malformed", "a hash does not have 32 bytes")


# ---- Growing -----------------------------------------------------------------------------------------------


class Frontier:
    """The roots of the perfect subtrees of a tree: all that is needed to append to it. At most 64 hashes."""

    __slots__ = ("hashes", "size")

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        """``hashes`` in the order of :func:`subtrees`. Raises ``ValueError`` if there are too many or too few."""
        self.size = size
        self.hashes = [*hashes]
        if len(self.hashes) != size.bit_count():
            raise ValueError(f"{len(self.hashes)} subtrees do not make a tree of size {size}")

    @classmethod
    def at(cls, size: int, nodes: Nodes) -> Frontier:
        """The frontier of the first ``size`` leaves of a tree that can be read."""
        return cls(size, [nodes(level, index) for level, index in subtrees(size)])

    def append(self, leaf: bytes) -> None:
        """Add a leaf hash at the end."""
        index = self.size
        while index & 1:
            leaf = node_hash(self.hashes.pop(), leaf)
            index >>= 1
        self.hashes.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """The root at the present size."""
        hashes = iter(reversed(self.hashes))
        edge = next(hashes, EMPTY_ROOT)
        for node in hashes:
            edge = node_hash(node, edge)
        return edge

    def copy(self) -> Frontier:
        """Another one that grows on its own."""
        return Frontier(self.size, self.hashes)


class Growth:
    """A tree while a batch is appended: the frontier it starts from, and every node made since.

    That is enough to prove each leaf of the batch: its way to the root meets, on the left of the batch, only
    members of the frontier. Memory: about two hashes a leaf; take another ``Growth`` for the next batch.
    """

    __slots__ = ("_edges", "_nodes", "first", "size")

    def __init__(self, frontier: Frontier) -> None:
        self.first = self.size = frontier.size
        self._nodes = dict(zip(subtrees(frontier.size), frontier.hashes, strict=True))
        self._edges: dict[int, bytes] | None = None  # of the present size, once somebody has asked

    def append(self, leaf: bytes) -> int:
        """Add a leaf hash at the end; returns its index."""
        nodes = self._nodes
        level, index = 0, self.size
        nodes[0, index] = leaf
        while index & 1:
            leaf = node_hash(nodes[level, index - 1], leaf)
            level += 1
            index >>= 1
            nodes[level, index] = leaf
        self._edges = None
        self.size += 1
        return self.size - 1

    def node(self, level: int, index: int) -> bytes:
        """:data:`Nodes` of this tree. Raises ``KeyError`` for what lies before the batch and off the frontier."""
        return self._nodes[level, index]

    def root(self) -> bytes:
        """The root at the present size."""
        return self._fold()[0] if self.size else EMPTY_ROOT

    def inclusion_proof(self, index: int) -> list[bytes]:
        """As :func:`inclusion_proof`, of a leaf of this batch at the present size.

        Raises ``ValueError`` for any other leaf.
        """
        if not self.first <= index < self.size:
            raise ValueError(f"leaf {index} is not among {self.first} to {self.size}, the leaves of this batch")
        return _path(index, 0, self.size, self.node, self._fold())

    def frontier(self) -> Frontier:
        """The frontier at the present size, from which the next batch starts."""
        return Frontier.at(self.size, self.node)

    def _fold(self) -> dict[int, bytes]:
        if self._edges is None:
            self._edges = _edges(self.size, self.node)
        return self._edges
