"""Refusals over HTTP: signed for whoever asks, and lawful by the folder, the address, a bundle and published tiles."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import orjson
import pytest
import structlog

from api.client import Client, ServerProblem
from api.client.wire import problem_of
from api.keyring import FolderKeyring
from api.problems import members_of
from api.writing import Apart, Asked
from identity.keys import SigningKey, write_key
from identity.note import format_vkey
from ledger.audit import Source, Workers, open_folder
from ledger.audit.refusal import Lawful, check_lawful
from ledger.bundle import export, open_bundle
from ledger.errors import Refused
from ledger.log.refusal import parse_refusal_file
from ledger.mirror import open_published
from scripts.audit import open_source
from tests.api.house import JOSE, House, code_of
from tests.api.running import client_of, running
from tests.cast import LOG, REFUSING, description, seed

NDJSON = {"Content-Type": "application/x-ndjson"}


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A ledger whose charter names a refusal key that the service holds."""
    house = House.build(tmp_path / "ledger", refusalKey=format_vkey(REFUSING.verifier))
    write_key(house.folder.key("refusal"), SigningKey.from_seed("Ed25519", seed("refusal")))
    return house


def join(house: House, name: str = "factory") -> bytes:
    return house.play.sign("party.joined", by=name, body={"name": name})


def judged(refusal: bytes, source: Source) -> Lawful:
    with Workers(0) as none:
        return check_lawful(parse_refusal_file(refusal), source, none, 2**62)


def test_a_stale_pin_is_signed_for_and_lawful_by_every_copy_of_the_log(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CADASTRE_HOME", str(tmp_path / "home"))
    house.play.join("factory")
    asset = house.play.register("factory")
    stale = house.play.sign("asset.revised", by="factory", sub=asset, body=description("Too late"))
    house.play.act("asset.revised", by="factory", sub=asset, body=description("In time"))
    with running(house, publish_seconds=0.1) as service, client_of(service) as client:
        house.tell(client)  # type: ignore[arg-type]
        answer = client.post("/v1/statements", content=stale, headers=JOSE)
        assert code_of(answer) == "pin_stale"
        refusal = answer.json()["refusal"].encode()
        with open_source(service.url) as remote:
            assert judged(refusal, remote).log.size == 4
        assert service.stop() == 0
    bundle = tmp_path / "ledger.bundle"
    with open_folder(house.folder.path) as folder:
        export(folder, bundle)
    with ExitStack() as held:
        copies = (
            held.enter_context(open_folder(house.folder.path)),
            held.enter_context(open_bundle(bundle)),
            open_published(house.folder.path / "public"),
        )
        for source in copies:
            lawful = judged(refusal, source)
            assert (lawful.why.code, lawful.refusal.size, lawful.why.subject) == ("pin_stale", 4, asset)


def test_each_line_of_a_batch_has_its_own_and_what_is_no_rule_has_none(house: House) -> None:
    lines = [join(house), join(house), b"nonsense", join(house, "partner"), join(house)]
    body = b"".join(orjson.dumps({"statement": line.decode()}) + b"\n" for line in lines)
    with house.served() as client:
        answers = [
            orjson.loads(line)
            for line in client.post("/v1/statements/batch", content=body, headers=NDJSON).iter_lines()
        ]
    told = ["recorded", "party_known", "statement_malformed", "recorded", "party_known"]
    assert [answer.get("code", "recorded") for answer in answers] == told
    assert [place for place, answer in enumerate(answers) if "refusal" in answer] == [1, 4]
    with open_folder(house.folder.path) as folder:
        for place in (1, 4):
            lawful = judged(answers[place]["refusal"].encode(), folder)
            assert lawful.statement.signed.compact == lines[place]


def test_disclosures_stay_out_of_the_file(house: House) -> None:
    body = {"name": "Quiet Works"}
    sent = [house.play.sign("party.joined", by="factory", body=body, private=["name"]) for _ in range(2)]
    with house.served() as client:
        first, second = (client.post("/v1/statements", content=one, headers=JOSE) for one in sent)
    assert first.status_code == 201
    file = parse_refusal_file(second.json()["refusal"].encode())
    assert file.statement == sent[1].partition(b"~")[0]
    assert b"~" not in second.json()["refusal"].encode()


def test_the_client_hands_the_file_on(house: House) -> None:
    with running(house, workers=0) as service, Client(service.url) as client:
        client.submit(join(house))
        with pytest.raises(Refused) as told:
            client.submit(join(house))
        assert parse_refusal_file(told.value.refusal).refusal.code == "party_known"
        (verdict,) = client.submit_batch([join(house)])
        assert isinstance(verdict.outcome, Refused)
        assert parse_refusal_file(verdict.outcome.refusal).refusal.size == 2


def test_the_file_goes_along_from_process_to_process_and_into_the_problem() -> None:
    refused = Refused("pin_stale", "by X")
    refused.refusal = b"signed\n"
    again = pickle.loads(pickle.dumps(refused))
    assert (again.code, again.detail, again.refusal) == ("pin_stale", "by X", b"signed\n")
    members = members_of(again)
    assert members["refusal"] == "signed\n"
    assert problem_of(members).refusal == b"signed\n"  # type: ignore[attr-defined]
    later = problem_of(members | {"code": "asset_haunted"})
    assert isinstance(later, ServerProblem)
    assert pickle.loads(pickle.dumps(later)).refusal == b"signed\n"
    assert problem_of(members | {"refusal": 7}).refusal == b""  # type: ignore[attr-defined]


def append(writer: Apart, *sent: bytes) -> list[Any]:
    return asyncio.run(writer.append([Asked(one, False) for one in sent]))


def test_a_writer_that_was_killed_is_replaced_and_judges_by_what_became_durable(house: House) -> None:
    first, twice, third = join(house), join(house), join(house, "partner")
    writer = Apart(house.folder.path, "error")
    try:
        writer.ready()
        assert writer.process is not None
        assert writer.process.pid is not None
        append(writer, first)
        os.kill(writer.process.pid, signal.SIGKILL)
        refused, recorded = append(writer, twice, third)
    finally:
        writer.close()
    assert recorded.index == 2
    with open_folder(house.folder.path) as folder:
        folder.checkpoint = writer.head.checkpoint
        assert judged(refused.refusal, folder).refusal.size == 2


def test_a_service_without_the_key_says_so_once_and_refuses_as_before(house: House) -> None:
    house.folder.key("refusal").unlink()
    with structlog.testing.capture_logs() as logs, house.served() as client:
        client.post("/v1/statements", content=join(house), headers=JOSE)
        for _ in range(2):
            answer = client.post("/v1/statements", content=join(house), headers=JOSE)
            assert code_of(answer) == "party_known"
            assert "refusal" not in answer.json()
    warned = [entry for entry in logs if "unsigned" in entry["event"]]
    assert [entry["vkey"] for entry in warned] == [format_vkey(REFUSING.verifier)]


def test_refusal_keys_are_looked_for_among_their_own_files_alone(tmp_path: Path) -> None:
    write_key(tmp_path / "refusal-2.key", SigningKey.from_seed("Ed25519", seed("refusal")))
    write_key(tmp_path / "refusal.key", SigningKey.from_seed("Ed25519", seed("log")))
    found = FolderKeyring(tmp_path)
    signer = found(REFUSING.verifier)
    assert signer is not None
    assert signer.verifier == REFUSING.verifier
    assert found(LOG.verifier) is None  # it lies there as a refusal key, and signs no checkpoint
    (tmp_path / "refusal-3.key").write_text("broken")
    assert FolderKeyring(tmp_path)(LOG.verifier) is None  # and what is wrong with those keeps no log from signing
