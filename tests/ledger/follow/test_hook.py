"""Handing alerts on: all of them, in order, at least once, whatever the receiver and the process do."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from ledger.errors import Corrupt
from ledger.follow.alerts import Alert, AlertFile
from ledger.follow.hook import Hook
from tests.waiting import WAIT_S


class Receiver:
    """Takes what it is sent while it is ``up``."""

    def __init__(self, up: bool = True) -> None:
        self.up = up
        self.taken: list[bytes] = []
        self.asked = threading.Semaphore(0)

    def send(self, line: bytes) -> str | None:
        if self.up:
            self.taken.append(line)
        self.asked.release()
        return None if self.up else "it is down"


def hook(room: Path, receiver: Receiver, failed: list[str]) -> Hook:
    return Hook(room / "alerts", room / "sent", receiver.send, failed.append, pause=0.01)


def write(room: Path, *keys: str) -> list[bytes]:
    file = AlertFile(room / "alerts")
    lines = [file.write(Alert("watched", "log.example", key), 1) for key in keys]
    file.close()
    return [line for line in lines if line is not None]


def test_alerts_are_taken_in_order_and_once(tmp_path: Path) -> None:
    receiver = Receiver()
    with hook(tmp_path, receiver, []) as telling:
        lines = write(tmp_path, "1", "2", "3")
        telling.poke()
        assert telling.drain(WAIT_S)
    with hook(tmp_path, receiver, []) as telling:
        lines += write(tmp_path, "4")
        telling.poke()
        assert telling.drain(WAIT_S)
    assert receiver.taken == lines


def test_a_receiver_that_was_down_is_told_when_it_is_up(tmp_path: Path) -> None:
    receiver, failed = Receiver(up=False), list[str]()
    lines = write(tmp_path, "1", "2")
    with hook(tmp_path, receiver, failed) as telling:
        for _ in range(4):
            assert receiver.asked.acquire(timeout=WAIT_S)
        assert not telling.drain(0.01)
        receiver.up = True
        assert telling.drain(WAIT_S)
    assert receiver.taken == lines
    assert failed == ["it is down"], "said once"


def test_what_nobody_took_is_told_by_the_next_process(tmp_path: Path) -> None:
    lines = write(tmp_path, "1", "2")
    with hook(tmp_path, Receiver(up=False), []):
        pass
    receiver = Receiver()
    with hook(tmp_path, receiver, []) as telling:
        assert telling.drain(WAIT_S)
    assert receiver.taken == lines


def test_an_alert_taken_just_before_a_death_is_told_again(tmp_path: Path) -> None:
    """Who took it was not written down; the id tells the receiver."""
    lines = write(tmp_path, "1", "2")
    (tmp_path / "sent").write_bytes(b"%d\n" % len(lines[0]))
    receiver = Receiver()
    with hook(tmp_path, receiver, []) as telling:
        assert telling.drain(WAIT_S)
    assert receiver.taken == lines[1:]


def test_a_line_that_is_not_whole_is_not_told(tmp_path: Path) -> None:
    lines = write(tmp_path, "1")
    with (tmp_path / "alerts").open("ab") as file:
        file.write(b'{"id":"cut')
    receiver = Receiver()
    with hook(tmp_path, receiver, []) as telling:
        assert telling.drain(WAIT_S)
    assert receiver.taken == lines


def test_whatever_goes_wrong_in_handing_on_is_told_and_tried_again(tmp_path: Path) -> None:
    receiver, failed = Receiver(), list[str]()
    wrongs: list[Exception] = [UnicodeError("label too long"), OSError(28, "No space left on device")]

    def send(line: bytes) -> str | None:
        if wrongs:
            raise wrongs.pop()
        return receiver.send(line)

    def failing(why: str) -> None:
        failed.append(why)
        raise BrokenPipeError

    lines = write(tmp_path, "1", "2")
    with Hook(tmp_path / "alerts", tmp_path / "sent", send, failing, pause=0.01) as telling:
        assert telling.drain(WAIT_S)
    assert receiver.taken == lines
    assert failed == ["OSError [Errno 28] No space left on device"]


def test_a_mark_that_is_no_number_is_told_by_its_name(tmp_path: Path) -> None:
    for mark in (b"x", b"-1", b"\xff", b""):
        (tmp_path / "sent").write_bytes(mark)
        with pytest.raises(Corrupt, match=r"follower_corrupt: .*/sent is not"):
            hook(tmp_path, Receiver(), [])
