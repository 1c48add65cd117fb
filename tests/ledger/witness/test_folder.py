"""A witness's folder: whole or not there, never remade in the place of what was lost."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from identity.errors import Malformed, Problem
from identity.note import format_vkey
from ledger.errors import Unavailable
from ledger.witness import folder as making
from ledger.witness.folder import WitnessFolder
from tests.ledger.witness.room import NAME, ORIGIN, START, TRUE, Room, numbers


def code_of(folder: WitnessFolder) -> str:
    with pytest.raises(Problem) as problem:
        folder.open(lambda: START, lambda _: None)
    return problem.value.code


def test_a_witness_knows_what_it_knew_when_it_is_opened_again(room: Room) -> None:
    room.ask(TRUE.request(0, 5))
    vkeys = [format_vkey(verifier) for verifier in room.witness.verifiers]
    room.witness.close()
    again = Room.open(room.folder)
    assert again.witness.name == NAME
    assert [format_vkey(verifier) for verifier in again.witness.verifiers] == vkeys
    assert again.last() == (5, TRUE.root(5))
    assert again.ask(TRUE.request(0, 6)) == "old is 5"
    assert [sight.origin for sight in again.witness.seen()] == [ORIGIN]


def test_a_witness_without_its_memory_never_signs_again(room: Room) -> None:
    room.witness.close()
    room.folder.memory.unlink()
    assert code_of(room.folder) == "witness_memory_missing"
    with pytest.raises(Unavailable, match="folder_not_empty"):
        room.folder.create(NAME, numbers())


def test_the_memory_of_another_witness_is_refused(room: Room, tmp_path: Path) -> None:
    room.witness.close()
    other = WitnessFolder(tmp_path / "other")
    other.create("other.example", lambda length: b"o" * length)
    shutil.copy(other.memory, room.folder.memory)
    assert code_of(room.folder) == "witness_memory_other"


def test_keys_of_another_witness_of_the_same_name_are_refused(room: Room, tmp_path: Path) -> None:
    room.witness.close()
    other = WitnessFolder(tmp_path / "other")
    other.create(NAME, lambda length: b"o" * length)
    room.folder.key.write_bytes(other.key.read_bytes())
    assert code_of(room.folder) == "witness_memory_other"


def test_a_folder_without_a_witness_is_refused(tmp_path: Path) -> None:
    assert code_of(WitnessFolder(tmp_path)) == "witness_missing"
    assert code_of(WitnessFolder(tmp_path / "nowhere")) == "witness_missing"


def test_nothing_is_made_where_something_is(room: Room, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="witness_exists"):
        room.folder.create(NAME, numbers())
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "file").touch()
    with pytest.raises(Unavailable, match="folder_not_empty"):
        WitnessFolder(tmp_path / "used").create(NAME, numbers())
    with pytest.raises(Unavailable, match="folder_not_empty"):
        WitnessFolder(tmp_path / "used" / "file").create(NAME, numbers())
    assert [path.name for path in (tmp_path / "used").iterdir()] == ["file"]


@pytest.mark.parametrize("name", ["", "two words", "a+b", "a\nb", "w" * 256, "ü" * 128])
def test_a_name_that_cannot_stand_on_a_note_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Malformed, match="witness_name_malformed"):
        WitnessFolder(tmp_path / "witness").create(name, numbers())
    assert not (tmp_path / "witness").exists()


def test_what_cannot_be_made_whole_is_taken_away_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    folder = WitnessFolder(tmp_path / "witness")
    monkeypatch.setattr(making.Memory, "create", fail)
    with pytest.raises(OSError, match="No space"):
        folder.create(NAME, numbers())
    assert list(folder.path.iterdir()) == []
    monkeypatch.undo()
    folder.create(NAME, numbers())
    folder.open(lambda: START, lambda _: None).close()
