"""An agreement that is old: its provider has rotated its keys three times since, and had its name erased."""

from __future__ import annotations

from pathlib import Path

from ledger.audit import Workers, audit, open_folder
from ledger.circulation.agreement import Agreement
from ledger.log.chain import parse_entry
from ledger.log.receipt import open_receipt
from ledger.pack.data import format_data
from ledger.pack.evidence import StoreEvidence
from ledger.pack.gather import gather
from ledger.pack.judge import judge
from ledger.store.sql import SqlStore
from tests.api.house import House, code_of
from tests.api.test_disclosures import bearer
from tests.cast import CAST, LOG, money
from tests.logs import Log

NAME = CAST["works"].legal


def lived(house: House) -> tuple[int, int]:
    """The life of it; returns the indexes of the provider's joining and of what finalized the agreement."""
    play = house.play
    draft = Log.begin("works", play.seconds)
    joined = play.act(
        "party.joined", by="works", body={"name": NAME, **play.stated(draft)}, private=["name"], log=draft
    ).index
    play.join("partner")
    offer = play.offer("works", play.register("works"), price=money(100_00))
    agreement = play.license("partner", offer, price=money(100_00))
    finalized = len(play.entries) - 1
    assert play.state(Agreement, agreement).state == "FINALIZED"
    for turn in (2, 3, 4):
        play.rotate("works", keys=[f"works-{turn}"])
    digests = list(play.entries[joined].statement.private())
    party = play.party("works")
    body = {"entry": joined, "party": party, "subject": party, "digests": digests, "code": "gdpr-17", "ground": "asked"}
    play.act("disclosure.erased", by="works", body=body)
    return joined, finalized


def test_it_is_verified_by_the_keys_of_its_time_and_the_name_is_gone(tmp_path: Path) -> None:
    house = House.build(tmp_path / "ledger")
    with house.served() as client:
        joined, finalized = lived(house)
        house.tell(client)
        entry, checkpoint = open_receipt(client.get(f"/v1/entries/{finalized}/receipt").content, [LOG.verifier])
        assert (entry.index, checkpoint.size) == (finalized, len(house.play.entries))
        party = client.get(f"/v1/subjects/{house.play.party('works')}").json()["state"]
        assert [set(one) for one in party["keys"]] == [{"key", "index", "ended"}] * 3 + [{"key", "index"}]
        (digest,) = party["name"]["_sd"]
        assert [one["entry"] for one in client.get(f"/v1/erasures/{digest}").json()] == [joined]
        denied = client.get(f"/v1/entries/{joined}/disclosures", headers=bearer(house, client, "partner"))
        assert code_of(denied) == "disclosure_denied"
    with open_folder(house.folder.path) as source:
        assert audit(source, Workers(0)).word == "consistent"
    store = SqlStore.open(house.folder.store)
    data = format_data(gather(StoreEvidence(store, house.folder.read_checkpoint() or b""), finalized))
    store.close()
    judged = judge(data)
    assert (judged.word, judged.index) == ("consistent", finalized), judged.detail
    kept = [path.read_bytes() for path in house.folder.path.rglob("*") if path.is_file()]
    assert not any(NAME.encode() in content for content in (data, *kept))
    assert parse_entry(house.play.entries[joined].entry).index == joined
