"""Tiles: paths, which of them change, and a log written through an edge and read back from its files."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from identity.errors import Malformed
from ledger.log.checkpoint import parse_checkpoint
from ledger.log.merkle import (
    Frontier,
    Growth,
    check_consistency,
    check_inclusion,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_at,
    root_of,
)
from ledger.log.tile import (
    Edge,
    Tile,
    edge_of,
    format_bundle,
    format_entries_path,
    format_path,
    nodes_from_tiles,
    parse_bundle,
    parse_entries_path,
    parse_path,
    tiles_of,
)
from tests.shared import shared

Files = dict[tuple[int, int], bytes]  # (level, index) -> the widest tile stored


class Log:
    """A log that stores its tiles in a dict and everything it ever stored in another."""

    def __init__(self) -> None:
        self.leaves: list[bytes] = []
        self.files: Files = {}
        self.edge = Edge()
        self.frontier = Frontier()

    def read(self, tile: Tile) -> bytes:
        return self.files[tile.level, tile.index]

    def grow(self, count: int) -> list[Tile]:
        growth = Growth(self.frontier)
        for _ in range(count):
            leaf = leaf_hash(b"entry %d" % len(self.leaves))
            self.leaves.append(leaf)
            growth.append(leaf)
        changed = self.edge.grow(growth.size, growth.node)
        for tile, data in changed:
            before = self.files.get((tile.level, tile.index), b"")
            assert data.startswith(before)
            assert len(data) == 32 * tile.width > len(before)
            self.files[tile.level, tile.index] = data
        self.frontier = growth.frontier()
        return [tile for tile, _ in changed]


def definition(leaves: list[bytes]) -> dict[Tile, bytes]:
    """All tiles by C2SP tlog-tiles: hash i of tile n at level l is that of 256^l leaves from (256 n + i) 256^l."""
    tiles: dict[Tile, bytes] = {}
    level, span = 0, 1
    while span <= len(leaves):
        hashes = [root_of(leaves[start : start + span]) for start in range(0, len(leaves) // span * span, span)]
        for index in range(0, len(hashes), 256):
            row = hashes[index : index + 256]
            tiles[Tile(level, index // 256, len(row))] = b"".join(row)
        level, span = level + 1, span * 256
    return tiles


# ---- Paths


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0, 256), "tile/0/000"),
        (Tile(0, 999, 1), "tile/0/999.p/1"),
        (Tile(0, 1000, 255), "tile/0/x001/000.p/255"),
        (Tile(63, 1234067, 256), "tile/63/x001/x234/067"),
    ],
)
def test_paths_of_tiles(tile: Tile, path: str) -> None:
    assert format_path(tile) == path
    assert parse_path(path) == tile


@given(st.integers(0, 63), st.integers(0, 2**63 - 1), st.integers(1, 256))
def test_every_tile_comes_back_from_its_path(level: int, index: int, width: int) -> None:
    assert parse_path(format_path(Tile(level, index, width))) == Tile(level, index, width)
    assert parse_entries_path(format_entries_path(index, width)) == (index, width)


@pytest.mark.parametrize(
    "level", ["", "00", "01", "64", "100", "-1", "+1", " 1", "a", "\u0661", "data", "Entries", "0/0", "/0"]
)
def test_other_levels_are_refused(level: str) -> None:
    with pytest.raises(Malformed, match="tile_path_malformed"):
        parse_path(f"tile/{level}/000")


@pytest.mark.parametrize(
    "index",
    [
        "", "0", "00", "0000", "x000/001", "x000/x001/000", "X001/000", "x001/x002", "x001/", "001/002", "x001/-02",
        "000.p", "000.p/", "000.p/0", "000.p/256", "000.p/01", "000.p/-1", "000.p/1/", "000.P/1", "000/", "/000",
        "000\n", "\u0663\u0663\u0663", "x009/x223/x372/x036/x854/x775/808", "x001/x009/x223/x372/x036/x854/x775/808",
    ],
)  # fmt: skip
def test_other_indexes_are_refused(index: str) -> None:
    with pytest.raises(Malformed, match="tile_path_malformed"):
        parse_path(f"tile/0/{index}")
    with pytest.raises(Malformed, match="tile_path_malformed"):
        parse_entries_path(f"tile/entries/{index}")


def test_a_bundle_is_not_a_tile() -> None:
    with pytest.raises(Malformed, match="tile_path_malformed"):
        parse_path("tile/entries/000")
    with pytest.raises(Malformed, match="tile_path_malformed"):
        parse_entries_path("tile/0/000")


# ---- Which tiles


def test_tiles_of_a_log_of_70000_entries() -> None:
    tiles = [*tiles_of(0, 70_000)]
    assert [tile.width for tile in tiles if tile.level == 0] == [256] * 273 + [112]
    assert [tile.width for tile in tiles if tile.level == 1] == [256, 17]
    assert [tile.width for tile in tiles if tile.level == 2] == [1]
    assert len(tiles) == 277
    assert [*edge_of(70_000)] == [Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)]


def test_tiles_of_a_log_of_256_entries() -> None:
    assert [*tiles_of(0, 256)] == [Tile(0, 0, 256), Tile(1, 0, 1)]
    assert [*edge_of(256)] == [Tile(1, 0, 1)]


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        (0, 0, []),
        (5, 5, []),
        (256, 256, []),
        (0, 1, [Tile(0, 0, 1)]),
        (100, 101, [Tile(0, 0, 101)]),
        (255, 256, [Tile(0, 0, 256), Tile(1, 0, 1)]),
        (255, 257, [Tile(0, 0, 256), Tile(0, 1, 1), Tile(1, 0, 1)]),
        (256, 260, [Tile(0, 1, 4)]),
        (65_535, 65_536, [Tile(0, 255, 256), Tile(1, 0, 256), Tile(2, 0, 1)]),
        (65_536, 65_537, [Tile(0, 256, 1)]),
    ],
)
def test_tiles_that_change(old: int, new: int, changed: list[Tile]) -> None:
    assert [*tiles_of(old, new)] == changed


@pytest.mark.parametrize(("old", "new"), [(1, 0), (-1, 0)])
def test_logs_only_grow(old: int, new: int) -> None:
    with pytest.raises(ValueError, match="does not grow"):
        [*tiles_of(old, new)]


@given(st.integers(0, 2**18), st.integers(0, 2**12))
def test_tiles_that_change_are_those_that_the_old_log_does_not_have(old: int, more: int) -> None:
    new = old + more
    assert {*tiles_of(old, new)} == {*tiles_of(0, new)} - {*tiles_of(0, old)}
    assert [*edge_of(new)] == [tile for tile in tiles_of(0, new) if tile.width < 256]


# ---- Bundles


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=256))
def test_bundles_hold_their_entries_in_order(entries: list[bytes]) -> None:
    assert parse_bundle(format_bundle(entries)) == entries


def test_bundles_hold_1_to_256_entries_of_up_to_65535_bytes() -> None:
    longest = b"a" * 65_535
    assert format_bundle([longest, b""]) == b"\xff\xff" + longest + b"\0\0"
    assert parse_bundle(format_bundle([longest] * 256)) == [longest] * 256
    with pytest.raises(OverflowError):
        format_bundle([longest + b"a"])
    for count in (0, 257):
        with pytest.raises(Malformed, match="bundle_malformed"):
            parse_bundle(format_bundle([b"a"] * count))


def test_cut_bundles_are_refused() -> None:
    data = format_bundle([b"one", b"", b"three"])
    whole = {0, 5, 7, len(data)}
    for end in range(len(data)):
        if end not in whole:
            with pytest.raises(Malformed, match="bundle_malformed"):
                parse_bundle(data[:end])
    with pytest.raises(Malformed, match="bundle_malformed"):
        parse_bundle(data + b"\0")


# ---- Writing and reading


@pytest.mark.parametrize("batch", [1, 7, 255, 256, 257, 700])
def test_a_log_grown_in_batches_has_the_tiles_of_the_definition(batch: int) -> None:
    log = Log()
    while len(log.leaves) < 700:
        old = len(log.leaves)
        assert log.grow(batch) == [*tiles_of(old, old + batch)]
    expected = definition(log.leaves)
    assert {*expected} == {*tiles_of(0, len(log.leaves))}
    assert {(tile.level, tile.index): data for tile, data in expected.items()} == log.files


@settings(max_examples=12)
@given(st.lists(st.integers(0, 400), min_size=1, max_size=5))
def test_an_edge_read_from_the_store_goes_on_like_one_kept_in_memory(batches: list[int]) -> None:
    log = Log()
    for batch in batches:
        log.edge = Edge.at(len(log.leaves), log.read)
        log.frontier = Frontier.at(len(log.leaves), nodes_from_tiles(log.read, len(log.leaves)))
        log.grow(batch)
    assert {(tile.level, tile.index): data for tile, data in definition(log.leaves).items()} == log.files


def test_an_edge_takes_the_prefix_of_tiles_stored_further_than_the_size() -> None:
    ahead, log = Log(), Log()
    ahead.grow(600)
    log.grow(300)
    again = Edge.at(300, ahead.read)
    growth = Growth(log.frontier)
    for index in range(300, 310):
        growth.append(leaf_hash(b"entry %d" % index))
    assert again.grow(310, growth.node) == log.edge.grow(310, growth.node)


def test_proofs_from_tiles_hold_at_every_level_and_width() -> None:
    log = Log()
    log.grow(66_000)  # three levels
    size = len(log.leaves)
    nodes = nodes_from_tiles(log.read, size)
    root = root_at(size, nodes)
    assert root == root_of(log.leaves)
    for index in (0, 1, 255, 256, 1000, 65_535, 65_536, 65_791, 65_792, 65_999):
        check_inclusion(log.leaves[index], index, size, inclusion_proof(index, size, nodes), root)
        old_root = root_at(index, nodes)
        assert old_root == root_of(log.leaves[:index])
        check_consistency(index, size, old_root, root, consistency_proof(index, size, nodes))


def test_a_reader_for_a_smaller_size_asks_for_narrower_tiles_and_takes_wider_ones() -> None:
    log = Log()
    log.grow(600)
    asked: list[Tile] = []

    def read(tile: Tile) -> bytes:
        asked.append(tile)
        return log.read(tile)

    assert root_at(300, nodes_from_tiles(read, 300)) == root_of(log.leaves[:300])
    assert {*asked} == {Tile(1, 0, 1), Tile(0, 1, 44)}


def test_a_reader_keeps_tiles_it_has_read() -> None:
    log = Log()
    log.grow(600)
    asked: list[Tile] = []

    def read(tile: Tile) -> bytes:
        asked.append(tile)
        return log.read(tile)

    nodes = nodes_from_tiles(read, 600)
    for index in range(600):
        inclusion_proof(index, 600, nodes)
    assert len(asked) == 4


def test_a_node_beyond_the_size_is_not_read() -> None:
    log = Log()
    log.grow(300)
    nodes = nodes_from_tiles(log.read, 299)
    for level, index in [(0, 299), (1, 149), (8, 1), (9, 0), (0, -1)]:
        with pytest.raises(ValueError, match="no node"):
            nodes(level, index)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: b"",
        lambda data: data[:-32],
        lambda data: data[:-1],
        lambda data: data + b"\0",
        lambda data: data * 9,
    ],
)
def test_short_long_and_uneven_tiles_are_refused(spoil: Callable[[bytes], bytes]) -> None:
    log = Log()
    log.grow(40)
    with pytest.raises(Malformed, match="tile_malformed"):
        nodes_from_tiles(lambda tile: spoil(log.read(tile)), 40)(0, 0)
    with pytest.raises(Malformed, match="tile_malformed"):
        Edge.at(40, lambda tile: spoil(log.read(tile)))


# ---- Shared vectors


def load(path: str) -> Any:
    return json.loads(Path(shared(path)).read_text())


def test_every_path_vector() -> None:
    vectors = load("vectors/tlog/tessera/tile_paths.json")
    for case in vectors["tile_path"]:
        tile = Tile(case["level"], case["index"], case["partial"] or 256)
        assert (format_path(tile), parse_path(case["path"])) == (case["path"], tile)
    for case in vectors["entries_path"]:
        bundle = case["index"], case["partial"] or 256
        assert (format_entries_path(*bundle), parse_entries_path(case["path"])) == (case["path"], bundle)
    for case in vectors["entries_path_for_log_index"]:
        index, size = case["log_index"] // 256, case["log_size"]
        assert format_entries_path(index, min(256, size - 256 * index)) == case["path"]
    for case in vectors["parse_good"]:
        tile = Tile(case["level"], case["index"], case["partial"] or 256)
        assert parse_path(f"tile/{case['level_text']}/{case['index_text']}") == tile
    for case in vectors["parse_bad"]:
        with pytest.raises(Malformed, match="tile_path_malformed"):
            parse_path(f"tile/{case['level_text']}/{case['index_text']}")


def test_the_tessera_log_is_rebuilt_byte_by_byte_from_its_entries() -> None:
    folder = Path(shared("vectors/tlog/tessera/log"))
    keys = load("vectors/tlog/tessera/keys.json")
    entries = [word.encode() for word in keys["entries"]]
    edge, growth = Edge(), Growth(Frontier())
    for size in range(len(entries) + 1):
        if size:
            growth.append(leaf_hash(entries[size - 1]))
            for tile, data in edge.grow(size, growth.node):
                assert (folder / format_path(tile)).read_bytes() == data
            bundle = (folder / format_entries_path(0, size)).read_bytes()
            assert format_bundle(entries[:size]) == bundle
            assert parse_bundle(bundle) == entries[:size]
        text = (folder / f"checkpoint.{size}").read_bytes().partition(b"\n\n")[0] + b"\n"
        checkpoint = parse_checkpoint(text)
        nodes = nodes_from_tiles(lambda tile: (folder / format_path(tile)).read_bytes(), size)
        assert (checkpoint.size, checkpoint.root) == (size, growth.root())
        assert root_at(size, nodes) == checkpoint.root


def test_the_sunlight_mirror_is_rebuilt_and_read() -> None:
    folder = next(Path(shared("vectors/tlog/sunlight/mirror")).iterdir())
    checkpoint = parse_checkpoint((folder / "checkpoint").read_bytes().partition(b"\n\n")[0] + b"\n")
    growth = Growth(Frontier())
    for index in range(checkpoint.size):
        growth.append(leaf_hash(b"record %d" % index))
    assert growth.root() == checkpoint.root
    tiles = Edge().grow(checkpoint.size, growth.node)
    assert [format_path(tile) for tile, _ in tiles] == ["tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"]
    for tile, data in tiles:
        assert (folder / format_path(tile)).read_bytes() == data
    nodes = nodes_from_tiles(lambda tile: (folder / format_path(tile)).read_bytes(), checkpoint.size)
    assert root_at(checkpoint.size, nodes) == checkpoint.root
