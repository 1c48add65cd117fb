"""Which ledger this is."""

from __future__ import annotations

import time

from identity.keys import SigningKey, write_key
from identity.note import Signer, format_vkey
from ledger.log.checkpoint import open_checkpoint
from tests.api.house import House, TestClient
from tests.cast import LOG, ORIGIN, seed


def test_the_ledger_says_what_signers_and_verifiers_need(house: House, client: TestClient) -> None:
    about = client.get("/v1/ledger").json()
    assert about["origin"] == ORIGIN
    assert about["audience"] == house.play.world.audience
    assert about["vkey"] == format_vkey(LOG.verifier)
    assert about["formerVkeys"] == []
    assert about["subject"] == house.play.world.ledger
    assert about["charter"] == house.play.subjects[about["subject"]].state.__dict__
    assert abs(about["charter"]["logKeySince"] - time.time()) < 60
    assert about["mldsaVkey"] is None
    assert (about["size"], about["rules"]) == (1, 1)
    assert abs(about["time"] / 1e6 - time.time()) < 60
    assert about["software"]


def test_a_change_of_the_log_key_shows_at_once_and_the_former_key_is_named(house: House, client: TestClient) -> None:
    other = Signer(ORIGIN, seed("other log"))
    write_key(house.folder.keys / "log-2.key", SigningKey.from_seed("Ed25519", seed("other log")))
    amended = {"logKey": format_vkey(other.verifier)}
    house.play.act("ledger.amended", by="governance", sub=house.play.world.ledger, body=amended)
    house.tell(client)
    about = client.get("/v1/ledger").json()
    assert about["vkey"] == format_vkey(other.verifier)
    assert about["formerVkeys"] == [format_vkey(LOG.verifier)]
    assert open_checkpoint(client.get("/checkpoint").content, [other.verifier]).size == 2
