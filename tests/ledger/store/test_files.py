"""The ledger's folder: made once, opened where it is, one writer at a time, a checkpoint that is never half there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ledger.errors import Unavailable
from ledger.store.files import Folder
from ledger.store.sql import SqlStore

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder.create(tmp_path / "ledger")


def test_create_makes_the_folder_and_its_keys_for_the_owner_alone(folder: Folder) -> None:
    assert sorted(folder.path.iterdir()) == [folder.keys]
    assert folder.path.stat().st_mode & 0o777 == 0o700
    assert folder.keys.stat().st_mode & 0o777 == 0o700
    assert folder.key("log") == folder.path / "keys" / "log.key"


def test_create_takes_an_empty_folder_and_missing_ones_above(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert Folder.create(tmp_path / "empty").keys.is_dir()
    assert Folder.create(tmp_path / "a" / "b").keys.is_dir()


def test_create_refuses_a_folder_that_has_a_ledger(folder: Folder) -> None:
    SqlStore.create(folder.store).close()
    with pytest.raises(Unavailable) as refused:
        Folder.create(folder.path)
    assert refused.value.code == "store_exists"


@pytest.mark.parametrize("what", ["a file", "other things in it"])
def test_create_refuses_what_is_not_an_empty_folder(tmp_path: Path, what: str) -> None:
    path = tmp_path / "ledger"
    if what == "a file":
        path.write_text("mine")
    else:
        path.mkdir()
        (path / "mine.txt").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(Unavailable) as refused:
        Folder.create(path)
    assert refused.value.code == "folder_not_empty"
    assert sorted(tmp_path.rglob("*")) == before


def test_open_refuses_a_folder_without_a_ledger(tmp_path: Path, folder: Folder) -> None:
    for path in (tmp_path / "nowhere", folder.path):
        with pytest.raises(Unavailable) as refused:
            Folder.open(path)
        assert refused.value.code == "store_missing"
    assert not (tmp_path / "nowhere").exists()


def test_open_finds_what_was_created(folder: Folder) -> None:
    SqlStore.create(folder.store).close()
    assert Folder.open(folder.path).store == folder.store


def test_one_writer_at_a_time_and_the_other_is_told_who(folder: Folder) -> None:
    with folder.lock():
        with pytest.raises(Unavailable) as refused, Folder(folder.path).lock():
            pytest.fail("two writers")
        assert refused.value.code == "store_locked"
        assert str(os.getpid()) in refused.value.detail
    with folder.lock():
        pass


def test_the_lock_ends_with_its_process(folder: Folder) -> None:
    script = (
        "import sys, pathlib\n"
        "from ledger.store.files import Folder\n"
        "with Folder(pathlib.Path(sys.argv[1])).lock():\n"
        "    print('locked', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    arguments = [sys.executable, "-c", script, str(folder.path)]
    with subprocess.Popen(arguments, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "locked\n"
        with pytest.raises(Unavailable) as refused, folder.lock():
            pytest.fail("two writers")
        assert str(writer.pid) in refused.value.detail
        writer.kill()
    with folder.lock():
        pass


def test_the_lock_of_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), Folder(tmp_path / "nowhere").lock():
        pytest.fail("locked nothing")


def test_a_checkpoint_comes_back_and_is_replaced_whole(folder: Folder) -> None:
    assert folder.read_checkpoint() is None
    folder.write_checkpoint(b"a longer checkpoint\n")
    assert folder.read_checkpoint() == b"a longer checkpoint\n"
    folder.write_checkpoint(b"short\n")
    assert folder.read_checkpoint() == b"short\n"
    assert sorted(folder.path.iterdir()) == [folder.checkpoint, folder.keys]


def test_a_crash_before_the_rename_leaves_the_checkpoint_that_was(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write_checkpoint(b"one\n")

    def crash(*_: object) -> None:
        raise OSError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", crash)
        with pytest.raises(OSError, match="power cut"):
            folder.write_checkpoint(b"two\n")
    assert folder.read_checkpoint() == b"one\n"
    folder.write_checkpoint(b"three\n")
    assert folder.read_checkpoint() == b"three\n"
