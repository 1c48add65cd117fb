"""However many processes help, and whatever becomes of them, the same comes out."""

from __future__ import annotations

import os
import signal

import pytest

from ledger.audit import Workers, audit
from ledger.audit import workers as module
from ledger.audit.source import Chunk
from ledger.audit.workers import Crew, Examining
from tests.cast import Play
from tests.ledger.audit.forged import Shown


@pytest.fixture(scope="module")
def entries(play: Play) -> list[bytes]:
    return [played.entry for played in play.entries]


def chunks(entries: list[bytes]) -> list[Chunk]:
    return [Chunk(start, entries[start : start + 100]) for start in range(0, len(entries), 100)]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_any_number_of_processes_finds_the_same(count: int, entries: list[bytes]) -> None:
    harmed = [*entries[:1_234], entries[1_234].replace(b".", b"..", 1), *entries[1_235:]]
    with Workers(count) as workers:
        sound, broken = audit(Shown(entries), workers), audit(Shown(harmed), workers)
    assert (sound.word, sound.size) == ("consistent", 2_000)
    assert (broken.word, broken.size, broken.index) == ("corrupt", 1_234, 1_234)


def test_the_first_of_two_faults_is_named(entries: list[bytes], workers: Workers) -> None:
    harmed = [entry.replace(b".", b"..", 1) if index in (700, 1_900) else entry for index, entry in enumerate(entries)]
    for few in (0, 256, 512):
        assert audit(Shown(harmed[: 2_000 - few]), workers).index == 700


def test_a_process_that_dies_takes_nothing_along(entries: list[bytes]) -> None:
    with Workers(1) as workers:
        assert workers.pool is not None
        workers.pool.submit(os.getpid).result()
        (helper,) = workers.pool._processes
        examining = Examining(Crew(workers), lambda done: None)
        for chunk in chunks(entries):
            examining.add(chunk)
        os.kill(helper, signal.SIGKILL)
        found = examining.finish()
        assert sum(len(one.leaves) for one in found) == 2_000
        assert audit(Shown(entries), workers).word == "consistent"  # and goes on alone from there


def test_a_full_backlog_is_worked_off_here(entries: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BACKLOG_MAX", 200_000)
    through: list[int] = []
    with Workers(0) as workers:
        examining = Examining(Crew(workers), through.append)
        for chunk in chunks(entries):
            assert examining.add(chunk)
        assert sum(len(one.leaves) for one in examining.finish()) == 2_000
    assert through == list(range(100, 2_001, 100))


def test_nothing_more_need_be_added_once_something_is_wrong(
    entries: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BACKLOG_MAX", 0)
    with Workers(0) as workers:
        examining = Examining(Crew(workers), lambda done: None)
        assert examining.add(Chunk(0, entries[:100]))
        assert not examining.add(Chunk(100, [b"garbage", *entries[101:200]]))
        assert [one.stop for one in examining.finish()] == [100, 100]
