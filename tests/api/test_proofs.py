"""Proofs of state over HTTP: one file each, for those who may read, and a name for what cannot be proven."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import structlog

import api.proofs
from api import front
from identity.keys import SigningKey, write_key
from ledger.log.stateproof import Listing, Missing, Standing, parse_state_proof
from tests.api.house import House, TestClient, code_of
from tests.api.test_front import comparable
from tests.cast import CAST, seed
from tests.waiting import eventually

NOBODY = "asset_00000000000000000000000000"


def committed(house: House, client: TestClient) -> None:
    """Wait until all that was told is committed to."""
    line = f"cadastre_committed_entries {float(house.told)}"
    eventually(lambda: line in client.get("/metrics").text)


def shown(client: TestClient, path: str) -> Any:
    answer = client.get(f"/v1/subjects/{path}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    return parse_state_proof(answer.content).shown


def test_subjects_absences_and_lists(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    write_key(house.folder.key("service"), SigningKey.from_seed("Ed25519", seed("service")))
    house.play.join("factory")
    asset = house.play.register("factory", title="主轴振动数据")
    offer = house.play.offer("factory", asset)
    with house.served() as client:
        assert code_of(client.get(f"/v1/subjects/{asset}/proof")) == "state_uncommitted"
        house.tell(client)
    with house.served(commit_seconds=0.05) as client:
        committed(house, client)
        found = client.get(f"/v1/subjects/{asset}").json()
        standing = shown(client, f"{asset}/proof")
        assert isinstance(standing, Standing)
        assert (standing.id, standing.index, standing.last) == (asset, found["index"], found["last"])
        assert shown(client, f"{NOBODY}/proof") == Missing(NOBODY)
        assert shown(client, f"{asset}/proof?lookup=offer.asset") == Listing("offer", "asset", asset, (offer,))
        assert shown(client, f"{asset}/proof?at={house.told}") == standing
        did = CAST["factory"].did
        assert shown(client, f"{did}/proof").id == house.play.party("factory")
        assert shown(client, f"{did}/proof?lookup=party.did").ids == (house.play.party("factory"),)
        assert shown(client, f"{did}/proof?lookup=asset.holder").ids == (asset,)
        for path, code in {
            f"{NOBODY}/proof?at=2": "size_uncommitted",
            "nobody/proof": "subject_id_malformed",
            f"{asset}/proof?lookup=asset.title": "lookup_unproven",
            f"{house.play.party('factory')}%20/proof?lookup=asset.holder": "lookup_value_malformed",
            f"{CAST['lender'].did}/proof?lookup=asset.holder": "subject_absent",
            f"{asset}/proof?at=0": "query_malformed",
            f"{CAST['lender'].did}/proof": "subject_absent",
        }.items():
            assert code_of(client.get(f"/v1/subjects/{path}")) == code, path
        pages = [f"/v1/subjects/{one}/proof" for one in (asset, NOBODY, NOBODY.upper())]
        hot = [comparable(client.get(page)) for page in pages]
        with monkeypatch.context() as framework:
            framework.setattr(front, "hot_reply", lambda *_: None)
            assert [comparable(client.get(page)) for page in pages] == hot
        monkeypatch.setattr(api.proofs, "MEMBERS_MAX", 0)
        answer = client.get(f"/v1/subjects/{asset}/proof?lookup=offer.asset")
        assert (answer.status_code, code_of(answer)) == (400, "list_too_long")
        (house.folder.path / "map.db").unlink()
        assert code_of(client.get(f"/v1/subjects/{asset}/proof")) == "map_root_absent"


def test_of_a_bad_map_the_log_tells_more_than_the_answer(house: House) -> None:
    write_key(house.folder.key("service"), SigningKey.from_seed("Ed25519", seed("service")))
    with house.served(commit_seconds=0.05) as client:
        committed(house, client)
    (house.folder.path / "map.db").write_bytes(b"not a database" * 100)
    with structlog.testing.capture_logs() as logs, house.served() as client:
        answer = client.get(f"/v1/subjects/{NOBODY}/proof")
    assert (answer.status_code, answer.json()["detail"]) == (503, "map.db: file is not a database")
    assert not [told for told in ("sqlalche", "SELECT", str(house.folder.path)) if told in answer.text]
    (line,) = [line for line in logs if line["event"] == "refused"]
    assert (line["code"], line["path"]) == ("map_failed", f"/v1/subjects/{NOBODY}/proof")
    assert "sqlite3.DatabaseError" in line["cause"]


def test_a_ledger_for_members_proves_to_members_only(tmp_path: Path) -> None:
    house = House.build(tmp_path / "ledger", readers="members")
    with house.served() as client:
        assert code_of(client.get(f"/v1/subjects/{NOBODY}/proof")) == "readers_members"
