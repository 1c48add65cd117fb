"""The tree of an audit against the plain definition, and its tiles against those a writer stores."""

from hashlib import sha256

import pytest

from ledger.audit.tree import Tree
from ledger.log.merkle import Frontier, Growth, root_of
from ledger.log.tile import Edge

LEAVES = [sha256(b"%d" % number).digest() for number in range(66_000)]


@pytest.mark.parametrize("size", [*range(34), 255, 256, 257, 511, 512, 513, 1_000])
def test_every_root_up_to_the_size(size: int) -> None:
    tree = Tree(LEAVES[:size])
    assert tree.size == size
    assert [tree.root(prefix) for prefix in range(0, size + 1, 7)] == [
        root_of(LEAVES[:prefix]) for prefix in range(0, size + 1, 7)
    ]
    assert tree.root(size) == root_of(LEAVES[:size])


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 65_535, 65_536, 65_537, 66_000])
def test_tiles_are_those_a_writer_stores(size: int) -> None:
    growth = Growth(Frontier())
    for leaf in LEAVES[:size]:
        growth.append(leaf)
    stored = [(tile.level, tile.index, hashes) for tile, hashes in Edge().grow(size, growth.node)]
    assert list(Tree(LEAVES[:size]).rows()) == sorted(stored)
