"""The service commits to its state: soon, beside its work, never for its own sake, and on after whatever kills it."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import api.committing
from api.committing import Committing, Turned, commit_now, service_key
from identity.keys import SigningKey, write_key
from ledger.audit import Workers, audit, open_folder
from ledger.circulation.state import Committed
from ledger.commitment import Stand
from ledger.errors import Problem, Unavailable
from ledger.store.files import Folder
from ledger.store.map import map_at
from ledger.store.sql import SqlStore
from tests.api.house import JOSE, House, TestClient
from tests.api.running import client_of, running
from tests.cast import CAST, actor, seed
from tests.waiting import eventually

SOON = 0.05


def with_key(house: House, name: str = "service", file: str = "service.key") -> House:
    write_key(house.folder.keys / file, SigningKey.from_seed("Ed25519", seed(name)))
    return house


def stand(house: House) -> Stand:
    with SqlStore.snapshot(house.folder.store) as store:
        return Stand.of(store)


def committed(house: House) -> Committed:
    return stand(house).committed


def check(house: House) -> None:
    """An audit recomputes every commitment, and there are some."""
    with open_folder(house.folder.path) as source, Workers(0) as workers:
        verdict = audit(source, workers)
    assert verdict.word == "consistent", verdict
    assert committed(house).size > 0


def metric(client: Any, name: str) -> float:
    line = next(line for line in client.get("/metrics").text.splitlines() if line.startswith(f"{name} "))
    return float(line.split()[1])


@pytest.mark.parametrize("workers", [0, 1])
def test_what_is_recorded_is_committed_to_soon_and_once(house: House, workers: int) -> None:
    with running(with_key(house), workers=workers, commit_seconds=SOON) as service, client_of(service) as client:
        eventually(lambda: committed(house).size == 1)
        size = stand(house).head.size
        time.sleep(20 * SOON)
        assert stand(house).head.size == size == 2, "an idle ledger stays idle"
        eventually(lambda: metric(client, "cadastre_committed_entries") == 1)
        assert metric(client, "cadastre_committing") == 1
        house.play.join("factory")
        house.tell(client)  # type: ignore[arg-type]
        eventually(lambda: committed(house).size == 3)
        assert service.stop() == 0
    assert stand(house).head.size == 4
    check(house)


def test_without_the_service_key_nothing_is_committed_to_and_all_else_goes_on(house: House) -> None:
    with house.served(commit_seconds=SOON) as client:
        eventually(lambda: metric(client, "cadastre_committing") == 0)
        house.play.join("factory")
        house.tell(client)
        assert client.get(f"/v1/subjects/{house.play.party('factory')}/proof").json()["code"] == "state_uncommitted"
        with_key(house)
        eventually(lambda: committed(house).size == 2)
        assert metric(client, "cadastre_committing") == 1
    check(house)


def test_it_can_be_left_out(house: House) -> None:
    with with_key(house).served(commit_seconds=0):
        time.sleep(5 * SOON)
    assert not map_at(house.folder.path).exists()


def test_a_service_key_that_governance_replaced_commits_no_more(house: House) -> None:
    house.play.cast["replacement"] = actor("replacement")
    with with_key(house).served(commit_seconds=SOON) as client:
        eventually(lambda: committed(house).size == 1)
        body = {"service": house.play.cast["replacement"].did}
        sent = house.play.sign("ledger.amended", by="governance", sub=house.play.world.ledger, body=body)
        assert client.post("/v1/statements", content=sent, headers=JOSE).status_code == 201
        eventually(lambda: metric(client, "cadastre_committing") == 0)
        assert committed(house).size == 1
        with_key(house, "replacement", "service-2.key")
        eventually(lambda: committed(house).size == 3)
    check(house)


def test_a_pass_says_what_is_wrong(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    absent = commit_now(house.folder.path)
    assert isinstance(absent, Problem)
    assert absent.code == "service_key_absent"
    with_key(house)
    assert service_key(house.folder, CAST["service"].did)
    with pytest.raises(Unavailable, match="service_key_absent"):
        service_key(house.folder, CAST["factory"].did)
    map_at(house.folder.path).mkdir()
    failed = commit_now(house.folder.path)
    assert isinstance(failed, Problem)
    assert failed.code == "map_failed"
    map_at(house.folder.path).rmdir()
    monkeypatch.setattr(api.committing, "bring_up", lambda _: 1 / 0)
    mistaken = commit_now(house.folder.path)
    assert isinstance(mistaken, Problem)
    assert mistaken.code == "internal_error"
    monkeypatch.undo()
    made = commit_now(house.folder.path)
    assert isinstance(made, Turned)
    assert made.sent
    assert commit_now(Path("/no/such/folder")).code == "store_missing"  # type: ignore[union-attr]


def test_killed_between_pages_and_statement_the_same_root_is_signed_later(house: House) -> None:
    """The pass has made the pages, and the service dies before it hands the commitment in."""
    made = commit_now(with_key(house).folder.path)
    assert isinstance(made, Turned)
    assert made.size == 1
    assert made.sent
    with house.served(commit_seconds=SOON):
        eventually(lambda: committed(house).size == 1)
    check(house)


def test_rounds_of_kill_leave_a_map_that_goes_on(tmp_path: Path) -> None:
    house = with_key(House.build(tmp_path / "ledger"))
    for round_ in range(4):
        names = [f"party {round_} {number}" for number in range(40)]
        house.play.cast.update({name: actor(name) for name in names})
        sent = [house.play.sign("party.joined", by=name, body={"name": name}) for name in names]
        before = committed(house).size
        with running(house, workers=1, commit_seconds=0.01 * round_ + 0.01) as service, client_of(service) as client:
            for one in sent:
                assert client.post("/v1/statements", content=one, headers=JOSE).status_code == 201
            if round_ % 2:
                eventually(lambda before=before: committed(house).size > before)  # type: ignore[misc]
            service.kill()
        house.play.seconds = int(time.time())
    with house.served(commit_seconds=SOON):
        eventually(lambda: committed(house).size > 120)
    check(house)


def test_a_process_that_dies_is_replaced(house: House) -> None:
    with with_key(house).served(workers=1, commit_seconds=SOON) as client:
        eventually(lambda: committed(house).size == 1)
        states = client.app.state.service.states  # type: ignore[attr-defined]
        os.kill(states._beside.pid, signal.SIGKILL)
        house.play.join("factory")
        house.tell(client)
        eventually(lambda: committed(house).size == 3)
        eventually(lambda: metric(client, "cadastre_committing") == 1)
    check(house)


def test_statements_that_find_no_room_are_tried_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with with_key(house).served(commit_seconds=SOON) as client:
        service = client.app.state.service  # type: ignore[attr-defined]
        full: list[Problem] = [Unavailable("queue_full")] * 2
        submit = service.intake.submit

        def refuse(sent: bytes, receipt: bool) -> Any:
            if full:
                raise full.pop()
            return submit(sent, receipt)

        monkeypatch.setattr(service.intake, "submit", refuse)
        eventually(lambda: committed(house).size == 1)
        assert not full
    assert Folder.open(house.folder.path)
    check(house)


def test_the_next_pass_waits_six_times_as_long_as_the_last_one_took(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[float] = []

    def slow(_: Path) -> Turned:
        begun.append(time.monotonic())
        time.sleep(0.05)
        return Turned(1, 0.05, b"")

    async def run() -> None:
        task = Committing(Path(), lambda _: asyncio.sleep(0, None), 0.01, apart=False)  # type: ignore[arg-type, return-value]
        task.start()
        while len(begun) < 4:
            await asyncio.sleep(0.01)
        await task.stop()

    monkeypatch.setattr(api.committing, "commit_now", slow)
    asyncio.run(run())
    assert all(later - before >= 7 * 0.05 for before, later in pairwise(begun))


def test_clients_may_not_commit(client: TestClient, house: House) -> None:
    house.play.join("factory")
    house.tell(client)
    state = house.play.entries[0].opened("state")
    sent = house.play.sign("state.committed", by="factory", sub=state, body={"size": 1, "root": "A" * 43})
    assert client.post("/v1/statements", content=sent, headers=JOSE).json()["code"] == "signer_not_service"
