"""Sources: a folder while its ledger lives on, and a ledger behind functions."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ledger.audit import RemoteSource, Workers, audit, open_folder, unreadable
from ledger.audit.source import Row
from ledger.errors import Corrupt, Malformed, Unavailable
from ledger.store import Store, Table, sqlite
from ledger.store.files import Folder
from ledger.store.memory import MemoryStore
from ledger.store.sql import SqlStore
from tests.cast import life
from tests.ledger.written import resume, write, write_folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return write_folder(life(), tmp_path / "home").path


# ---- A folder ----------------------------------------------------------------------------------------------


def test_a_folder_is_audited_while_its_writer_goes_on(home: Path, workers: Workers) -> None:
    folder = Folder(home)
    store = SqlStore.open(folder.store)
    with folder.lock(), open_folder(home) as source:
        assert source.size == 31
        assert resume(store) == 34
        assert audit(source, workers).size == 31
        with open_folder(home) as later:
            assert audit(later, workers).size == 34  # under the checkpoint of 31
    store.close()


def test_an_audit_writes_nothing(home: Path, workers: Workers) -> None:
    store = SqlStore.open(Folder(home).store)
    resume(store)  # what it adds is still in SQLite's log beside the file
    crashed = Path(shutil.copytree(home, home.parent / "crashed"))
    store.close()
    before = {path.name: path.read_bytes() for path in crashed.iterdir() if path.is_file()}
    with open_folder(crashed) as source:
        assert audit(source, workers).size == 34
    after = {path.name: path.read_bytes() for path in crashed.iterdir() if path.is_file()}
    assert {name: after[name] for name in before if not name.endswith("-shm")} == {
        name: data for name, data in before.items() if not name.endswith("-shm")
    }


def test_a_folder_that_may_only_be_read(home: Path, workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite.os, "access", lambda path, mode: mode != os.W_OK)
    with open_folder(home) as source:
        assert audit(source, workers).word == "consistent"
    assert not [path for path in home.iterdir() if path.name.startswith("ledger.db-")]


def test_a_folder_without_a_checkpoint_says_so(home: Path, workers: Workers) -> None:
    Folder(home).checkpoint.unlink()
    with open_folder(home) as source:
        verdict = audit(source, workers)
    assert (verdict.word, verdict.reason) == ("consistent", "checkpoint_absent")


def test_a_store_older_than_its_checkpoint(home: Path, tmp_path: Path, workers: Workers) -> None:
    folder = Folder(home)
    older = folder.store.read_bytes()
    store = SqlStore.open(folder.store)
    resume(store, folder)
    store.close()
    folder.store.write_bytes(older)
    with open_folder(home) as source:
        verdict = audit(source, workers)
    assert (verdict.word, verdict.index, verdict.reason) == ("diverged", 31, "checkpoint_beyond")


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as missing, open_folder(tmp_path):
        pass
    assert missing.value.code == "store_missing"


def test_a_file_of_which_nothing_can_be_read_is_corrupt(home: Path) -> None:
    Folder(home).store.write_bytes(b"not at all a database" * 999)
    with pytest.raises(Corrupt) as damage, open_folder(home):
        pass
    assert unreadable(damage.value).line().endswith("reason=store_corrupt")


def test_progress_is_told_in_order_up_to_the_end(folder: Path, workers: Workers) -> None:
    told: list[tuple[int, int]] = []
    with open_folder(folder) as source:
        audit(source, workers, progress=lambda done, total: told.append((done, total)))
    assert told == sorted(told)
    assert told[-1] == (2_000, 2_000)


# ---- Behind functions --------------------------------------------------------------------------------------


class Service:
    """What a client of a service sees of a store, by the few."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def entries(self, start: int, stop: int) -> Sequence[bytes]:
        return list(self.store.entries(start, stop))

    def listing(self, after: int) -> Sequence[Row]:
        return [(s.no, s.id, s.type, s.index, s.last, s.state.encode()) for s in self.store.listing(after, 5)]

    def subject_at(self, subject_id: str, size: int) -> Row | None:
        s = self.store.subject_at(subject_id, size)
        return None if s is None else (s.no, s.id, s.type, s.index, s.last, s.state.encode())

    def source(self, checkpoint: bytes) -> RemoteSource:
        return RemoteSource(checkpoint, self.entries, self.listing, self.subject_at)


def test_a_ledger_behind_functions(workers: Workers) -> None:
    store = MemoryStore()
    source = Service(store).source(write(life(), store))
    verdict = audit(source, workers)
    assert (verdict.word, verdict.size) == ("consistent", 31)


def test_a_ledger_that_grows_meanwhile_is_taken_as_of_its_checkpoint(workers: Workers) -> None:
    store = MemoryStore()
    source = Service(store).source(write(life(), store))
    assert resume(store) == 34  # changes a subject and opens others
    verdict = audit(source, workers)
    assert (verdict.word, verdict.size) == ("consistent", 31)


def test_a_service_that_withholds_entries(workers: Workers) -> None:
    store = MemoryStore()
    service, checkpoint = Service(store), write(life(), store)
    given = service.entries
    service.entries = lambda start, stop: given(start, min(stop, 20))  # type: ignore[method-assign]
    verdict = audit(service.source(checkpoint), workers)
    assert (verdict.word, verdict.index, verdict.reason) == ("corrupt", 20, "entry_missing")


def test_a_service_that_shows_another_state(workers: Workers) -> None:
    store = MemoryStore()
    service, checkpoint = Service(store), write(life(), store)
    given = service.listing

    def lying(after: int) -> list[Row]:
        return [(*row[:5], bytes(row[5]).replace(b"Spindle", b"SPINDLE")) for row in given(after)]  # type: ignore[call-overload]

    service.listing = lying  # type: ignore[method-assign,assignment]
    verdict = audit(service.source(checkpoint), workers)
    assert (verdict.word, verdict.reason) == ("corrupt", "state_other")


def test_a_service_out_of_reach_is_no_verdict(workers: Workers) -> None:
    store = MemoryStore()
    service, checkpoint = Service(store), write(life(), store)

    def out_of_reach(start: int, stop: int) -> Sequence[bytes]:
        raise Unavailable("store_unreadable", "the line is dead")

    service.entries = out_of_reach  # type: ignore[method-assign]
    with pytest.raises(Unavailable):
        audit(service.source(checkpoint), workers)


def test_an_error_of_our_own_is_no_verdict(workers: Workers) -> None:
    store = MemoryStore()
    service, checkpoint = Service(store), write(life(), store)

    def broken(start: int, stop: int) -> Sequence[bytes]:
        raise ZeroDivisionError

    service.entries = broken  # type: ignore[method-assign]
    with pytest.raises(ZeroDivisionError):
        audit(service.source(checkpoint), workers)


def test_a_checkpoint_that_is_none() -> None:
    with pytest.raises(Malformed):
        Service(MemoryStore()).source(b"hello\n")


def test_indexes_that_cannot_be_looked_at_accuse_no_entry(home: Path, workers: Workers) -> None:
    with open_folder(home) as source:

        def unreadable_indexes() -> Iterator[tuple[Table, Row, str]]:
            raise Corrupt("store_corrupt", "a page is gone")

        source.astray = unreadable_indexes  # type: ignore[method-assign]
        verdict = audit(source, workers)
    assert (verdict.word, verdict.size, verdict.index, verdict.reason) == ("corrupt", 31, None, "store_corrupt")
