"""The memory: durable, one turn at a time, of one witness; and a commit that fails is no commit to rely on."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.errors import Unavailable
from ledger.witness.memory import Cosigned, Evidence, Last, Memory, log_id
from tests.ledger.witness.room import FORK, ORIGIN, START, TRUE, Room

LAST = Cosigned(ORIGIN, 5, bytes(32), START, b"note")


def fail_after(_: None) -> None:
    raise ZeroDivisionError


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    Memory.create(tmp_path / "witness.db", ["one", "two"])
    opened = Memory.open(tmp_path / "witness.db")
    yield opened
    opened.close()


def test_what_was_put_is_there_after_the_turn_and_not_before(memory: Memory) -> None:
    with memory.turn(ORIGIN) as turn:
        assert turn.last() is None
        turn.put(LAST)
        assert turn.last() == LAST
        assert memory.checkpoint(log_id(ORIGIN)) is None
    assert memory.checkpoint(log_id(ORIGIN)) == b"note"
    assert memory.last() == [Last(ORIGIN, 5, bytes(32), START)]
    assert memory.vkeys() == ["one", "two"]


def test_the_largest_size_is_kept(memory: Memory) -> None:
    with memory.turn(ORIGIN) as turn:
        turn.put(replace(LAST, size=2**63 - 1, time=2**63 - 1))
    assert memory.last() == [Last(ORIGIN, 2**63 - 1, bytes(32), 2**63 - 1)]


def test_an_error_in_a_turn_leaves_all_as_it_was(memory: Memory) -> None:
    with pytest.raises(ZeroDivisionError), memory.turn(ORIGIN) as turn:
        fail_after(turn.put(LAST))
    assert memory.last() == []


def test_a_commit_is_on_the_disk_when_it_returns(memory: Memory) -> None:
    """synchronous=FULL (2) with a write-ahead log: SQLite syncs it at each commit."""
    with memory._writer.begin() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def test_where_the_commit_fails_no_signature_leaves_and_the_next_turn_goes_on(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    room.ask(TRUE.request(0, 3))
    monkeypatch.setattr(room.witness._memory._writer.dialect, "do_commit", fail)
    assert room.ask(TRUE.request(3, 9)) == "witness_memory_failed"
    monkeypatch.undo()
    assert room.last() == (3, TRUE.root(3))
    room.times(TRUE.request(3, 5))


def test_a_full_disk_is_told_by_name(room: Room) -> None:
    engine = room.witness._memory._writer
    room.ask(TRUE.request(0, 5))
    with engine.begin() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
    assert "witness_memory_failed" in [room.ask(FORK.request(5, size)) for size in range(6, 20)]
    assert room.last() == (5, TRUE.root(5))
    with engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=1000000")
    room.times(TRUE.request(5, 20))


def test_a_memory_is_never_made_in_the_place_of_another(tmp_path: Path, memory: Memory) -> None:
    before = (tmp_path / "witness.db").read_bytes()
    with pytest.raises(Unavailable, match="witness_exists"):
        Memory.create(tmp_path / "witness.db", ["other"])
    assert (tmp_path / "witness.db").read_bytes() == before
    assert stat.S_IMODE((tmp_path / "witness.db").stat().st_mode) == 0o600


@pytest.mark.parametrize("version", [0, 2])
def test_a_memory_of_another_release_is_refused(tmp_path: Path, version: int) -> None:
    path = tmp_path / "witness.db"
    Memory.create(path, ["one"])
    with sqlite3.connect(path) as file:
        file.execute(f"PRAGMA user_version={version}")
    file.close()
    with pytest.raises(Unavailable, match="witness_memory_other"):
        Memory.open(path)


def test_what_is_no_memory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="witness_memory_missing"):
        Memory.open(tmp_path / "witness.db")
    (tmp_path / "witness.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(Unavailable, match="witness_memory_failed"):
        Memory.open(tmp_path / "witness.db")


def test_evidence_has_numbers_that_stand_for_nothing_else_later(memory: Memory) -> None:
    one = Evidence(0, ORIGIN, False, 7, bytes(32), START, b"request", b"note", None)
    with memory.turn(ORIGIN) as turn:
        assert turn.keep(one)
        assert not turn.keep(one)
        assert turn.prove(replace(LAST, size=7, root=b"\1" * 32)) == [
            replace(one, proven=True, against=b"note", number=1)
        ]
    assert [kept.number for kept in memory.kept()] == [2]
    assert memory.evidence(1) is None
