"""The writer at work: in a thread or a process, and what happens when that dies."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from api import writing
from api.writing import Admitting, Apart, Appending, Asked, Here, Recorded, opened
from ledger.circulation.party import PartyJoined
from ledger.errors import Problem, Unavailable
from ledger.log.receipt import open_receipt
from ledger.store.files import Folder
from ledger.store.sql import SqlStore
from tests.api.house import House
from tests.cast import LOG

Open = Callable[[Path], Appending]


def apart(path: Path) -> Apart:
    writer = Apart(path, "error")
    try:
        writer.ready()
    except BaseException:
        writer.close()
        raise
    return writer


def append(writer: Appending, *sent: bytes, receipt: bool = False) -> list[Any]:
    return asyncio.run(writer.append([Asked(one, receipt) for one in sent]))


def joins(house: House, *names: str) -> list[bytes]:
    return [house.play.sign("party.joined", by=name, body={"name": name}) for name in names]


def codes(outcomes: list[Any]) -> list[str]:
    return [outcome.code if isinstance(outcome, Problem) else "recorded" for outcome in outcomes]


@pytest.mark.parametrize("open_", [Here, apart])
def test_both_append_and_say_where_the_ledger_stands(house: House, open_: Open) -> None:
    writer = open_(house.folder.path)
    try:
        assert (writer.head.size, writer.charter.readers, writer.trouble) == (1, "public", None)
        factory, again, partner = *joins(house, "factory"), *joins(house, "factory"), *joins(house, "partner")
        outcomes = append(writer, factory, again, partner, factory, receipt=True)
        assert codes(outcomes) == ["recorded", "party_known", "recorded", "recorded"]
        assert [outcome.again for outcome in outcomes if isinstance(outcome, Recorded)] == [False, False, True]
        entry, checkpoint = open_receipt(outcomes[2].receipt, [LOG.verifier])
        assert (entry.statement, checkpoint.size) == (partner, 3)
        assert writer.head.size == 3
        assert append(writer, partner)[0].receipt == b""
    finally:
        writer.close()
    assert SqlStore.open(house.folder.store).head().size == 3  # type: ignore[union-attr]


@pytest.mark.parametrize("open_", [Here, apart])
def test_a_folder_has_one_writer(house: House, open_: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "LOCK_SECONDS", 0.1)
    writer = open_(house.folder.path)
    with pytest.raises(Unavailable) as caught, opened(house.folder.path):
        pass
    assert caught.value.code == "store_locked"
    assert f"kill {os.getpid()}" in caught.value.detail  # the service, which would replace a writer that is killed
    writer.close()
    with opened(house.folder.path):
        pass


@pytest.mark.parametrize("open_", [Here, apart])
def test_a_folder_that_cannot_be_opened_is_refused_by_name(tmp_path: Path, house: House, open_: Open) -> None:
    with pytest.raises(Unavailable) as caught:
        open_(tmp_path)
    assert caught.value.code == "store_missing"
    house.folder.key("log").unlink()
    with pytest.raises(Unavailable) as caught:
        open_(house.folder.path)
    assert caught.value.code == "log_key_absent"


@pytest.mark.parametrize("open_", [Here, apart])
def test_a_ledger_without_a_charter_is_not_served(tmp_path: Path, open_: Open) -> None:
    folder = Folder.create(tmp_path / "empty")
    SqlStore.create(folder.store).close()
    with pytest.raises(Unavailable) as caught:
        open_(folder.path)
    assert caught.value.code == "ledger_empty"


def kill(writer: Apart) -> None:
    assert writer.process is not None
    assert writer.process.pid is not None
    os.kill(writer.process.pid, signal.SIGKILL)


def test_a_writer_process_that_was_killed_is_replaced(house: House) -> None:
    writer = apart(house.folder.path)
    first, second = joins(house, "factory", "partner")
    assert codes(append(writer, first)) == ["recorded"]
    kill(writer)
    outcomes = append(writer, first, second)
    assert [(outcome.index, outcome.again) for outcome in outcomes] == [(1, True), (2, False)]
    assert (writer.head.size, writer.trouble) == (3, None)
    writer.close()


def test_a_batch_that_kills_the_writer_is_given_up_and_the_next_is_not(house: House) -> None:
    writer = apart(house.folder.path)
    writer._start = deadly_then(writer._start)  # type: ignore[method-assign]
    kill(writer)
    (sent,) = joins(house, "factory")
    assert codes(append(writer, sent)) == ["writer_failed"]
    assert writer.trouble is not None
    assert codes(append(writer, sent)) == ["recorded"]
    assert writer.trouble is None
    writer.close()


def deadly_then(start: Callable[[bytes | None], Any]) -> Callable[[bytes | None], Any]:
    """The first process dies as soon as it is there."""
    started: list[Any] = []

    def starting(published: bytes | None) -> Any:
        started.append(process := start(published))
        if len(started) == 1:
            os.kill(process.pid, signal.SIGKILL)
        return process

    return starting


def test_a_store_that_fell_behind_what_was_signed_is_not_taken_up_again(house: House) -> None:
    before = house.folder.store.read_bytes()
    writer = apart(house.folder.path)
    (sent,) = joins(house, "factory")
    assert codes(append(writer, sent)) == ["recorded"]
    kill(writer)
    for path in house.folder.path.glob("ledger.db*"):
        path.unlink()
    house.folder.store.write_bytes(before)
    assert codes(append(writer, sent)) == ["store_older"]
    assert writer.trouble is not None
    assert writer.trouble.code == "store_older"
    assert writer.head.size == 2
    writer.close()


def test_a_mistake_in_a_rule_hits_the_one_statement_that_meets_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    fold = PartyJoined.fold

    def broken(self: PartyJoined, world: Any, act: Any) -> None:
        fold(self, world, act)
        if self.name == "partner":
            raise ZeroDivisionError

    monkeypatch.setattr(PartyJoined, "fold", broken)
    with opened(house.folder.path) as writer:
        sent = joins(house, "factory", "partner", "lender")
        answer = Admitting(writer)([Asked(one, False) for one in sent])
        assert codes(answer.outcomes) == ["recorded", "internal_error", "recorded"]
        assert answer.trouble is None
        assert answer.head.size == 3


def test_trouble_is_told_and_passes(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    now = {"offset": 0}
    wall = writing.SystemClock.wall
    monkeypatch.setattr(writing.SystemClock, "wall", lambda self: wall(self) + now["offset"])
    with opened(house.folder.path) as writer:
        admitting = Admitting(writer)
        (sent,) = joins(house, "factory")
        now["offset"] = -3_600_000_000
        answer = admitting([Asked(sent, False)])
        assert codes(answer.outcomes) == ["clock_behind"]
        assert answer.trouble is not None
        assert answer.head.size == 1
        now["offset"] = 0
        assert admitting([]).trouble is None
        assert codes(admitting([Asked(sent, False)]).outcomes) == ["recorded"]


def test_the_system_clock_counts_microseconds() -> None:
    clock = writing.SystemClock()
    assert abs(clock.wall() / 1e6 - time.time()) < 1
    before = clock.steady()
    time.sleep(0.01)
    assert 10_000 <= clock.steady() - before < 5_000_000
