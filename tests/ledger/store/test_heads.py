"""The record of signed heads: what is written is there again, whatever a crash left of the write after it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from ledger.errors import Corrupt, Unavailable
from ledger.log.checkpoint import Checkpoint, sign_checkpoint
from ledger.store.files import Folder
from ledger.store.heads import NOTE_MAX, SLOT, Heads, last_head, last_signed
from tests.cast import LOG, ORIGIN

NOTES = [sign_checkpoint(Checkpoint(ORIGIN, size, bytes([size]) * 32), LOG) for size in range(8)]


def last_in(path: Path) -> bytes | None:
    with closing(Heads(path)) as heads:
        return heads.last


def test_a_record_begins_empty_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    with closing(Heads(tmp_path / "heads")) as heads:
        assert heads.is_new
        assert heads.last is None
    assert (tmp_path / "heads").stat().st_mode & 0o777 == 0o600
    with closing(Heads(tmp_path / "heads")) as heads:
        assert not heads.is_new


def test_what_was_recorded_last_is_found_again(tmp_path: Path) -> None:
    for note in NOTES:
        with closing(Heads(tmp_path / "heads")) as heads:
            heads.record(note)
            assert heads.last == note
        assert last_in(tmp_path / "heads") == note
    assert (tmp_path / "heads").stat().st_size == 2 * SLOT


def test_the_same_head_may_be_recorded_again(tmp_path: Path) -> None:
    with closing(Heads(tmp_path / "heads")) as heads:
        for note in (NOTES[3], NOTES[3], NOTES[3]):
            heads.record(note)
    assert last_in(tmp_path / "heads") == NOTES[3]


TORN: list[Callable[[bytes, bytes], bytes]] = [
    lambda before, after: before,  # lost
    lambda before, after: after[: SLOT // 4] + before[SLOT // 4 :],
    lambda before, after: after[:20] + before[20:],
    lambda before, after: before[:20] + after[20:],
    lambda before, after: after[:300] + bytes(SLOT - 300),
    lambda before, after: bytes(SLOT),
    lambda before, after: b"\xff" * SLOT,
]


@pytest.mark.parametrize("torn", TORN)
@pytest.mark.parametrize("count", range(1, 6))
def test_a_torn_write_leaves_the_head_before_it(
    tmp_path: Path, torn: Callable[[bytes, bytes], bytes], count: int
) -> None:
    path = tmp_path / "heads"
    with closing(Heads(path)) as heads:
        for note in NOTES[:count]:
            heads.record(note)
        before = path.read_bytes()
        heads.record(NOTES[count])
    after = path.read_bytes()
    slots = [
        old if old == new else torn(old, new)
        for old, new in ((before[at : at + SLOT], after[at : at + SLOT]) for at in (0, SLOT))
    ]
    path.write_bytes(b"".join(slots))
    assert last_in(path) in NOTES[count - 1 : count + 1]
    with closing(Heads(path)) as heads:
        heads.record(NOTES[count + 1])
    assert last_in(path) == NOTES[count + 1]


@pytest.mark.parametrize("count", range(6))
def test_a_file_cut_off_before_anything_was_written_is_a_record_without_a_head(tmp_path: Path, count: int) -> None:
    (tmp_path / "heads").write_bytes(bytes(count))
    assert last_in(tmp_path / "heads") is None
    with closing(Heads(tmp_path / "heads")) as heads:
        heads.record(NOTES[1])
    assert last_in(tmp_path / "heads") == NOTES[1]


@pytest.mark.parametrize("data", [b"x", b"x" * 2 * SLOT, b"cadastre/head\n" + b"\xff" * 100, NOTES[1]])
def test_a_file_that_is_something_else_is_not_taken_for_an_empty_record(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "heads").write_bytes(data)
    with pytest.raises(Corrupt, match="heads_corrupt"):
        Heads(tmp_path / "heads")
    assert (tmp_path / "heads").read_bytes() == data


def test_a_place_where_nothing_can_be_recorded_is_named(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "no" / "folder" / "heads"):
        with pytest.raises(Unavailable, match="head_unrecorded"):
            Heads(path)


def test_a_checkpoint_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    with closing(Heads(tmp_path / "heads")) as heads, pytest.raises(Unavailable, match="head_unrecorded"):
        heads.record(NOTES[1] + b"x" * NOTE_MAX)


def test_a_record_is_of_one_writer(tmp_path: Path) -> None:
    with closing(Heads(tmp_path / "heads")) as heads:
        heads.record(NOTES[1])
        with pytest.raises(Unavailable) as raised:
            Heads(tmp_path / "heads")
        assert raised.value.code == "store_locked"
        assert last_head(tmp_path / "heads") == NOTES[1]
    assert last_head(tmp_path / "no heads") is None
    assert last_in(tmp_path / "heads") == NOTES[1]


@pytest.mark.parametrize(
    ("file", "record", "last"), [(None, None, None), (2, None, 2), (None, 3, 3), (2, 3, 3), (3, 2, 3)]
)
def test_the_last_signed_checkpoint_is_the_greater_of_file_and_record(
    file: int | None, record: int | None, last: int | None, tmp_path: Path
) -> None:
    folder = Folder(tmp_path)
    if file is not None:
        folder.write_checkpoint(NOTES[file])
    if record is not None:
        with closing(Heads(folder.heads)) as heads:
            heads.record(NOTES[record])
    assert last_signed(folder) == (None if last is None else NOTES[last])
