"""The service publishes its log as files: soon, beside its work, again after a failure, and on after a restart."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import api.publishing
from api.publishing import Publishing, publish_now
from ledger.publish import Published
from ledger.publish.folder import FolderTarget
from tests.api.house import House
from tests.api.running import client_of, running
from tests.ledger.publish import outside
from tests.waiting import WAIT_S, eventually


def get_of(house: House) -> outside.Get:
    """What an outsider gets of the published folder."""

    def get(name: str) -> bytes | None:
        path = house.folder.path / "public" / name
        return path.read_bytes() if path.is_file() else None

    return get


def size_of(house: House) -> int:
    """The published size, whose files must all be there; 0 if nothing is published."""
    return outside.audit(get_of(house))[0] if get_of(house)("checkpoint") else 0


@pytest.mark.parametrize("workers", [0, 1])
def test_what_is_signed_is_published_soon_and_a_restart_goes_on(house: House, workers: int) -> None:
    with running(house, workers=workers, publish_seconds=0.05) as service:
        eventually(lambda: size_of(house) == 1)
        house.play.join("factory")
        with client_of(service) as client:
            house.tell(client)  # type: ignore[arg-type]
            eventually(lambda: size_of(house) == 2)
            metrics = client.get("/metrics").text
            assert "cadastre_published_entries 2.0" in metrics
            assert "cadastre_publishing 1.0" in metrics
            for number in range(10):
                house.play.register("factory", title=f"number {number}")
            house.tell(client)  # type: ignore[arg-type]
        service.kill()
    assert size_of(house) >= 2
    with running(house, workers=workers, publish_seconds=0.05) as service:
        eventually(lambda: size_of(house) == 12)
        house.play.register("factory", title="after the restart")
        with client_of(service) as client:
            house.tell(client)  # type: ignore[arg-type]
            assert client.get("/checkpoint").content.split(b"\n")[1] == b"13"
        assert service.stop() == 0
    assert size_of(house) == 13  # stopping publishes what was signed last


def test_the_files_are_those_the_service_answers_with(house: House) -> None:
    house.play.join("factory", "partner")
    with house.served() as client:
        house.tell(client)
    with house.served(publish_seconds=0) as client:
        for path in ("checkpoint", "tile/0/000.p/3", "tile/entries/000.p/3"):
            assert get_of(house)(path) == client.get(f"/{path}").content


def test_a_ledger_for_members_publishes_no_entries(tmp_path: Path) -> None:
    house = House.build(tmp_path / "ledger", readers="members")
    with house.served():
        pass
    assert outside.audit(get_of(house), entries=False)[0] == 1
    assert not (house.folder.path / "public" / "tile" / "entries").exists()


def test_publishing_can_be_left_to_others(house: House) -> None:
    with house.served(publish_seconds=0):
        pass
    assert not (house.folder.path / "public").exists()


def test_what_fails_is_shown_and_tried_again_and_stops_no_statement(house: House) -> None:
    public = house.folder.path / "public"
    public.write_text("a file where a folder should be")
    with house.served(publish_seconds=0.02) as client:
        eventually(lambda: "cadastre_publishing 0.0" in client.get("/metrics").text)
        house.play.join("factory")
        house.tell(client)
        public.unlink()
        eventually(lambda: size_of(house) == 2)
        eventually(lambda: "cadastre_publishing 1.0" in client.get("/metrics").text)
        target = FolderTarget(public)
        target.begin()  # somebody else at it
        house.play.join("partner")
        house.tell(client)
        eventually(lambda: "cadastre_publishing 0.0" in client.get("/metrics").text)
        target.end()
        eventually(lambda: size_of(house) == 3)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_process_that_dies_is_replaced(house: House, workers: int) -> None:
    """So is a thread's pass that ends in a mistake."""

    notes = [_signed(house), b"no checkpoint"]

    async def play() -> None:
        publishing = Publishing(house.folder.path, lambda: notes[0], 0.02, apart=bool(workers))
        publishing.start()
        await until(lambda: publishing.size == 1)
        if publishing._beside.pid is not None:
            os.kill(publishing._beside.pid, signal.SIGKILL)
        notes.reverse()
        await until(lambda: publishing.trouble is not None)
        notes.reverse()
        publishing._done = b""
        await until(lambda: publishing.trouble is None)
        await publishing.stop()
        assert publishing._beside.pid is None

    asyncio.run(play())


async def until(holds: Callable[[], bool]) -> None:
    """``eventually``, on a loop that goes on."""
    end = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


def test_a_process_that_is_still_being_started_is_given_up_as_well(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.publishing, "STOP_SECONDS", 0.0)
    monkeypatch.setattr(api.publishing, "_publishing", _sleeping)

    async def play() -> None:
        publishing = Publishing(house.folder.path, lambda: b"note", 0.02, apart=True)
        publishing.start()
        began = time.monotonic()
        await publishing.stop()
        assert time.monotonic() - began < 20
        assert publishing._beside.pid is None

    asyncio.run(play())


def test_witnesses_that_make_us_err_do_not_end_the_publishing(house: House) -> None:
    notes = [_signed(house)]
    asked: list[int] = []

    async def erring() -> bytes | None:
        asked.append(1)
        raise RuntimeError("a mistake of ours")

    async def play() -> None:
        publishing = Publishing(house.folder.path, lambda: notes[0], 0.02, apart=False, witnessed=erring)
        publishing.start()
        await until(lambda: len(asked) >= 3)
        assert (publishing.size, publishing.trouble) == (1, None)
        notes[0] = b"no checkpoint"
        await until(lambda: publishing.trouble is not None)
        await publishing.stop()

    asyncio.run(play())


def test_witnesses_that_do_not_answer_hold_up_no_stop(house: House) -> None:
    asked: list[int] = []

    async def silent() -> bytes | None:
        asked.append(1)
        await asyncio.sleep(3_600)
        return None

    async def play() -> None:
        publishing = Publishing(house.folder.path, lambda: _signed(house), 0.02, apart=False, witnessed=silent)
        publishing.start()
        await until(lambda: asked != [])
        began = time.monotonic()
        await publishing.stop()
        assert time.monotonic() - began < api.publishing.STOP_SECONDS
        assert publishing.size == 1

    asyncio.run(play())


@pytest.mark.parametrize("workers", [0, 1])
def test_a_long_pass_is_given_up_when_the_service_stops(
    house: House, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.publishing, "STOP_SECONDS", 0.05)
    slow: Any = _slow
    monkeypatch.setattr(api.publishing, "publish_folder", slow)
    monkeypatch.setattr(api.publishing, "_publishing", _sleeping)

    async def play() -> None:
        publishing = Publishing(house.folder.path, lambda: b"note", 0.02, apart=bool(workers))
        publishing.start()
        await until(lambda: publishing._beside.pid is not None or not workers)
        await asyncio.sleep(0.1)
        began = time.monotonic()
        await publishing.stop()
        assert time.monotonic() - began < 20
        assert publishing.trouble is not None
        assert publishing.trouble.code == "publish_failed"

    asyncio.run(play())


def _slow(*_: object, progress: Callable[[int, int], None], **__: object) -> None:
    for done in range(1_000_000):
        time.sleep(0.01)
        progress(done, 1_000_000)


def _sleeping(_: Path) -> Callable[[object], None]:
    return lambda _asked: time.sleep(60)


def test_a_pass_answers_and_never_raises(house: House, tmp_path: Path) -> None:
    note = _signed(house)
    assert isinstance(publish_now(house.folder.path, (note, True)), Published)
    codes = [publish_now(*given) for given in ((house.folder.path, (b"x", False)), (tmp_path, (note, False)))]
    assert [getattr(one, "code", None) for one in codes] == ["publish_unproven", "store_missing"]


def _signed(house: House) -> bytes:
    with house.served(publish_seconds=0) as client:
        return client.get("/checkpoint").content


def test_partial_tiles_that_grew_full_are_pruned_now_and_then(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    note = _signed(house)
    asked: list[bool] = []

    def seen(_directory: Path, what: tuple[bytes, bool], _gone_on: object) -> Published:
        asked.append(what[1])
        return Published(len(asked), bytes(32), 0, 0)

    monkeypatch.setattr(api.publishing, "publish_now", seen)

    async def play() -> None:
        count = 0

        def signed() -> bytes:
            nonlocal count
            count += 1
            return note + bytes(count)

        publishing = Publishing(house.folder.path, signed, 0.01, apart=False)
        publishing.start()
        await until(lambda: len(asked) == 3)
        monkeypatch.setattr(api.publishing, "PRUNE_SECONDS", 0.0)
        await until(lambda: len(asked) >= 6)
        await publishing.stop()

    asyncio.run(play())
    assert asked[:3] == [True, False, False]
    assert asked[5]
