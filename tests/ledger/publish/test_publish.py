"""Publishing: what is planned, what an outsider reads from the files, and what stops a pass."""

from __future__ import annotations

import random
from base64 import b64encode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.note import Signer, parse_note
from identity.signature import COSIGNATURE_ED25519
from ledger.errors import Corrupt, Malformed, Problem, Unavailable, Unverifiable
from ledger.log.checkpoint import Checkpoint, sign_checkpoint
from ledger.log.cosignature import Cosigner, with_cosignatures
from ledger.log.tile import format_entries_path, tiles_of
from ledger.publish import Published, last_bundle, plan, publish, target_at
from ledger.publish.bucket import BucketTarget
from ledger.publish.folder import FolderTarget
from tests.cast import seed
from tests.ledger.publish import outside
from tests.ledger.publish.disks import ROOT, CrashDisk
from tests.ledger.publish.logs import ORIGIN, SIGNER, SyntheticLog

KEYS = [SIGNER.verifier]


def put(log: SyntheticLog, disk: CrashDisk, size: int | None = None, **how: bool) -> Published:
    """Publish what a log signed, by default last."""
    note = log.notes[len(log.data) if size is None else size]
    return publish(log, note, KEYS, FolderTarget(ROOT, disk), **how)


def expected(sizes: list[int], entries: bool = True) -> set[str]:
    """The files that are there after these sizes were published, one after the other."""
    names, old = {"checkpoint"}, 0
    for size in sizes:
        for tile in tiles_of(old, size):
            names.add(outside.path_of(str(tile.level), tile.index, tile.width))
            if tile.level == 0 and entries:
                names.add(outside.path_of("entries", tile.index, tile.width))
        old = size
    return names


# -- what an outsider reads --------------------------------------------------------------------------------------


def test_every_size_to_600_is_rebuilt_by_an_outsider_from_the_files_alone() -> None:
    log, disk = SyntheticLog(), CrashDisk()
    leaves: list[bytes] = []
    for size in range(1, 601):
        log.grow(size)
        leaves.append(outside.leaf(log.data[-1]))
        put(log, disk)
    files = disk.files()
    assert files.keys() == expected([*range(1, 601)])
    for size in range(1, 601):  # every size that was ever published, from what is there in the end
        _, signed, root = outside.checkpoint_of(log.notes[size])
        reader = outside.Reader(files.get, signed)
        assert reader.entries() == log.data[:size]
        assert reader.root() == root == outside.mth(leaves[:size])
        for index in range(size) if size < 40 or size in (256, 257, 512, 600) else (0, size // 2, size - 1):
            assert outside.root_by(reader.inclusion(index), leaves[index], index, size) == root


@pytest.mark.parametrize("size", [65_536, *random.Random(3).sample(range(601, 70_001), 3)])
def test_great_sizes_are_rebuilt_by_an_outsider(size: int) -> None:
    log, disk = SyntheticLog(size=size), CrashDisk()
    put(log, disk)
    files = disk.files()
    assert outside.audit(files.get, proofs=True) == (size, outside.checkpoint_of(log.notes[size])[2])
    assert files.keys() == expected([size])


@given(st.lists(st.integers(1, 2_000), min_size=1, max_size=5, unique=True).map(sorted))
def test_however_it_grows_each_published_size_is_whole(sizes: list[int]) -> None:
    log, disk = SyntheticLog(), CrashDisk()
    for size in sizes:
        log.grow(size)
        put(log, disk)
    files = disk.files()
    assert files.keys() == expected(sizes)
    for size in sizes:
        note = log.notes[size]
        assert outside.audit(lambda name, note=note: note if name == "checkpoint" else files.get(name))[0] == size


# -- the plan ------------------------------------------------------------------------------------------------------


@given(st.integers(0, 70_000), st.integers(0, 70_000))
def test_a_plan_has_what_the_growth_brings_once_and_bundles_first(one: int, other: int) -> None:
    old, new = sorted((one, other))
    names = [file.name for file in plan(old, new, old)]
    assert len(names) == len(set(names))
    assert {*names, "checkpoint"} == expected([old, new]) - expected([old]) | {"checkpoint"}
    kinds = [file.entries for file in plan(old, new, old)]
    assert kinds == sorted(kinds, reverse=True)
    assert not any(file.entries for file in plan(old, new, None))


def test_the_last_bundle_of_a_size() -> None:
    assert last_bundle(0) is None
    found = [last_bundle(size) for size in (1, 255, 256, 257, 512)]
    assert found == [format_entries_path(*one) for one in ((0, 1), (0, 255), (0, 256), (1, 1), (1, 256))]


# -- again, more, less -----------------------------------------------------------------------------------------------


def test_publishing_again_writes_and_reads_next_to_nothing() -> None:
    log, disk = SyntheticLog(size=5_000), CrashDisk()
    assert put(log, disk).files == 20 + 20 + 1
    log.read = 0
    assert put(log, disk) == Published(5_000, outside.checkpoint_of(log.notes[5_000])[2], 0, 0)
    assert log.read <= 3  # the partial tiles
    log.grow(5_010)
    log.read = 0
    assert put(log, disk).files == 2
    assert log.read <= 140 + 10


def test_a_look_at_the_whole_brings_back_what_was_taken_away() -> None:
    log, disk = SyntheticLog(size=600), CrashDisk()
    put(log, disk)
    before = disk.files()
    for name in ("tile/0/000", "tile/entries/001", "tile/1/000.p/2"):
        del disk.names[ROOT / name]
    assert put(log, disk).files == 0
    assert put(log, disk, whole=True).files == 3
    assert disk.files() == before


def test_bundles_stay_behind_where_they_are_not_for_everybody() -> None:
    log, disk = SyntheticLog(size=300), CrashDisk()
    put(log, disk, entries=False)
    assert disk.files().keys() == expected([300], entries=False)
    outside.audit(disk.get, entries=False)


def test_bundles_asked_for_later_come_from_the_beginning() -> None:
    for old, new in ((300, 300), (300, 700), (256, 256), (256, 300), (512, 513)):
        log, disk = SyntheticLog(size=old), CrashDisk()
        put(log, disk, entries=False)
        log.grow(new)
        put(log, disk)
        assert expected([new]) <= disk.files().keys()
        outside.audit(disk.get)
        assert put(log, disk).files == 0


def test_cosignatures_that_are_published_stay_with_their_size_and_new_ones_come_along() -> None:
    log, disk = SyntheticLog(size=3), CrashDisk()
    note = log.notes[3]
    one, two = (Cosigner(f"{name}.example", COSIGNATURE_ED25519, seed(name)) for name in ("one", "two"))
    text = parse_note(note).text
    log.notes[3] = with_cosignatures(note, [one.cosign(text, 1_700_000_000)])
    put(log, disk)
    log.notes[3] = with_cosignatures(note, [two.cosign(text, 1_700_000_001)])
    put(log, disk)
    names = [line.name for line in parse_note(disk.files()["checkpoint"]).signatures]
    assert names == [ORIGIN, "two.example", "one.example"]
    log.notes[3] = note
    put(log, disk)
    assert len(parse_note(disk.files()["checkpoint"]).signatures) == 3
    log.grow(4)
    put(log, disk)
    assert disk.files()["checkpoint"] == log.notes[4]


# -- what stops a pass -----------------------------------------------------------------------------------------------


def refused(log: SyntheticLog, disk: CrashDisk, note: bytes | None = None) -> str:
    """The code that a pass ends in; it must leave what is published as it is."""
    before = disk.files()
    with pytest.raises(Problem) as stopped:
        publish(log, note or log.notes[len(log.data)], KEYS, FolderTarget(ROOT, disk))
    assert {name: disk.files().get(name) for name in before} == before
    assert not disk.locked
    return stopped.value.code


def test_an_older_copy_of_the_ledger_publishes_nothing() -> None:
    log, disk = SyntheticLog(size=400), CrashDisk()
    put(log, disk)
    before = disk.files()
    assert refused(SyntheticLog(size=399), disk) == "publish_older"
    assert disk.files() == before


def test_another_history_of_the_same_origin_publishes_nothing() -> None:
    for size in (400, 401, 1_000):
        log, disk = SyntheticLog(size=400), CrashDisk()
        put(log, disk)
        before = disk.files()
        assert refused(SyntheticLog("forked", size), disk) == "published_diverged"
        assert disk.files() == before


def test_another_log_is_not_published_over() -> None:
    log, disk = SyntheticLog(size=5), CrashDisk()
    put(log, disk)
    other = Signer("other.example/log", seed("log"))
    disk.names[ROOT / "checkpoint"].data = sign_checkpoint(Checkpoint("other.example/log", 5, bytes(32)), other)  # type: ignore[union-attr]
    assert refused(log, disk) == "publish_other"


@pytest.mark.parametrize("data", [b"", b"\n", b"checkpoint", b"a\n5\nAAAA\n\n\xe2\x80\x94 a AAAAAAA=\n"])
def test_a_published_checkpoint_that_is_none_is_named(data: bytes) -> None:
    log, disk = SyntheticLog(size=5), CrashDisk()
    put(log, disk)
    disk.names[ROOT / "checkpoint"].data = data  # type: ignore[union-attr]
    assert refused(log, disk) == "published_malformed"


def test_a_checkpoint_that_the_log_did_not_sign_is_not_published() -> None:
    log, disk = SyntheticLog(size=5), CrashDisk()
    forged = sign_checkpoint(Checkpoint(ORIGIN, 5, bytes(32)), Signer(ORIGIN, seed("other log")))
    with pytest.raises(Unverifiable):
        publish(log, forged, KEYS, FolderTarget(ROOT, disk))
    with pytest.raises(Malformed):
        publish(log, b"checkpoint", KEYS, FolderTarget(ROOT, disk))
    assert disk.files() == {}


def test_a_file_with_other_bytes_is_never_overwritten() -> None:
    for name in ("tile/0/000", "tile/entries/000", "tile/0/001.p/44", "tile/entries/001.p/44", "tile/1/000.p/1"):
        log, disk = SyntheticLog(size=300), CrashDisk()
        target = FolderTarget(ROOT, disk)
        target.begin()
        target.create(name, b"other bytes")
        target.end()
        assert refused(log, disk) == "published_other_bytes"
        assert disk.files()[name] == b"other bytes"
        assert "checkpoint" not in disk.files()


@pytest.mark.parametrize("place", [(0, 0), (0, 1), (0, 272), (0, 273), (1, 0), (1, 1), (2, 0)])
@pytest.mark.parametrize("damage", ["flipped", "cut", "gone"])
def test_a_tile_that_was_not_signed_is_not_published(place: tuple[int, int], damage: str) -> None:
    log, disk = damaged_tile(place, damage), CrashDisk()
    assert refused(log, disk) == "publish_unproven"
    assert "checkpoint" not in disk.files()
    assert outside.path_of(str(place[0]), place[1], 256) not in disk.files()


BIG = SyntheticLog(size=70_000)


def damaged_tile(place: tuple[int, int], damage: str) -> SyntheticLog:
    log = SyntheticLog()
    log.data, log.notes, log.tiles = BIG.data, BIG.notes, dict(BIG.tiles)
    whole = log.tiles[place]
    middle = len(whole) // 2
    if damage == "flipped":
        log.tiles[place] = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    elif damage == "cut":
        log.tiles[place] = whole[:-32]
    else:
        del log.tiles[place]
    return log


def test_entries_that_were_not_signed_are_not_published() -> None:
    for index in (0, 255, 256, 299):
        log, disk = SyntheticLog(size=300), CrashDisk()
        log.data[index] += b"!"
        with pytest.raises(Corrupt, match=f"entry {index} has other bytes") as stopped:
            put(log, disk)
        assert (stopped.value.code, stopped.value.index) == ("publish_unproven", index)
    log, disk = SyntheticLog(size=300), CrashDisk()
    log.data.pop()
    with pytest.raises(Corrupt, match="entry 299 is missing"):
        put(log, disk, 300)


def test_what_the_caller_stops_goes_on_later() -> None:
    log, disk = SyntheticLog(size=600), CrashDisk()

    def stop(done: int, total: int) -> None:
        assert total == 3 + 3 + 1
        if done == 4:
            raise Unavailable("publish_raced")

    with pytest.raises(Unavailable):
        publish(log, log.notes[600], KEYS, FolderTarget(ROOT, disk), progress=stop)
    assert len(disk.files()) == 4
    assert put(log, disk).files == 3
    outside.audit(disk.get)


# -- names of targets ------------------------------------------------------------------------------------------------


def test_a_target_is_a_bucket_or_a_folder_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    assert isinstance(target_at("s3://bucket/logs/one"), BucketTarget)
    folder = target_at("some/folder")
    assert isinstance(folder, FolderTarget)
    assert folder.path == Path("some/folder")


@pytest.mark.parametrize("name", ["s3://", "s3:///prefix", "s3://bucket//x", "s3://bucket/a//b", "https://x/y", "://"])
def test_what_names_no_target_is_refused(name: str) -> None:
    with pytest.raises(Malformed, match="target_malformed"):
        target_at(name)


def test_the_root_in_the_answer_is_the_published_one() -> None:
    log, disk = SyntheticLog(size=7), CrashDisk()
    assert b64encode(put(log, disk).root).decode() == disk.files()["checkpoint"].decode().split("\n")[2]
