"""Private values over HTTP: shown to those who may see them, once for each look, and gone when they are erased."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from identity.disclosure import digest as digest_of
from identity.disclosure import reveal
from identity.token import sign_token
from ledger.audit import audit, open_folder
from ledger.audit.workers import Workers
from ledger.errors import Unavailable
from ledger.store.sql import SqlStore
from tests.api.house import JOSE, House, TestClient, code_of
from tests.cast import CAST
from tests.waiting import eventually

numbers = count(1)


def bearer(house: House, client: TestClient, who: str) -> dict[str, str]:
    nonce = client.get("/v1/ledger").json()["tokenNonce"]
    number = next(numbers).to_bytes(16)
    token = sign_token(CAST[who].key, house.play.world.audience, nonce, int(time.time()), number)
    return {"Authorization": f"Bearer {token}"}


def shown(house: House, client: TestClient, who: str, index: int, look: str | None = None) -> Any:
    query = "" if look is None else f"?inspection={look}"
    return client.get(f"/v1/entries/{index}/disclosures{query}", headers=bearer(house, client, who))


def built(path: Path) -> House:
    """The factory joined in private, by entry 1; the lender is an authority that may look."""
    authority = {"did": CAST["lender"].did, "roles": ["regulator"]}
    house = House.build(path / "ledger", authorities=[authority], inspectors=["regulator"])
    body = {"name": CAST["factory"].legal, "contact": {"email": "private@factory.example"}}
    house.play.act("party.joined", by="factory", body=body, private=["name", "contact"])
    house.play.join("partner", "lender")
    return house


@pytest.fixture
def house(tmp_path: Path) -> House:
    return built(tmp_path)


@pytest.fixture
def client(house: House) -> Iterator[TestClient]:
    with house.served() as client:
        house.tell(client)
        yield client


def named(house: House, **more: Any) -> dict[str, Any]:
    party = house.play.party("factory")
    return {"entry": 1, "party": party, "subject": party, "code": "case-4711", "ground": "as the law has it", **more}


def erase(house: House, *fields: str) -> None:
    digests = {pointer: digest for digest, pointer in house.play.entries[1].statement.private().items()}
    body = named(house, digests=[digests[field] for field in fields])
    house.play.act("disclosure.erased", by="factory", body=body)


def texts(house: House) -> list[str]:
    """The disclosures of name and contact as they were sent."""
    return list(house.play.entries[1].statement.disclosures)


def files_have(house: House, text: str) -> bool:
    """Whether any file of the ledger's folder holds this."""
    return any(text.encode() in _content(path) for path in house.folder.path.rglob("*"))


def _content(path: Path) -> bytes:
    """Nothing, where it is no file, or none any more: the service renames its checkpoint into place meanwhile."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        return b""


def test_the_partys_own_values_fit_its_statement_and_are_not_kept_by_caches(house: House, client: TestClient) -> None:
    answer = shown(house, client, "factory", 1)
    assert answer.json() == {"index": 1, "disclosures": texts(house)}
    assert answer.headers["Cache-Control"] == "no-store"
    claims = client.get("/v1/entries/1").json()["claims"]
    assert reveal(claims["body"], answer.json()["disclosures"])["name"] == CAST["factory"].legal


def test_who_asks_says_so_by_a_token_also_where_everybody_may_read(house: House, client: TestClient) -> None:
    path = "/v1/entries/1/disclosures"
    nobody = client.get(path)
    assert (nobody.status_code, code_of(nobody)) == (401, "token_wanted")
    assert nobody.headers["WWW-Authenticate"] == "Bearer"
    once = bearer(house, client, "factory")
    assert client.get(path, headers=once).status_code == 200
    assert code_of(client.get(path, headers=once)) == "token_spent"
    stranger = shown(house, client, "stranger", 1)
    assert (stranger.status_code, code_of(stranger)) == (403, "reader_unknown")


def test_others_learn_nothing_not_even_whether_there_is_anything(house: House, client: TestClient) -> None:
    answers = [shown(house, client, "partner", index) for index in (0, 1, 2, 99, 2**53 - 1)]
    answers += [shown(house, client, "factory", index) for index in (0, 2, 99)]
    answers += [shown(house, client, "lender", 1), shown(house, client, "lender", 1, "inspection_" + "0" * 26)]
    assert {(answer.status_code, answer.content) for answer in answers} == {(403, answers[0].content)}
    assert code_of(answers[0]) == "disclosure_denied"
    assert answers[0].json().keys() == {"type", "title", "status", "code", "advice"}


def test_a_grant_holds_from_its_entry_on_and_until_it_is_withdrawn(house: House, client: TestClient) -> None:
    play = house.play
    body = {"subject": play.party("factory"), "fields": ["/name"], "to": [play.party("partner")]}
    grant = play.act("disclosure.granted", by="factory", body=body).subject
    house.tell(client)
    assert shown(house, client, "partner", 1).json() == {"index": 1, "disclosures": texts(house)[:1]}
    play.act("disclosure.withdrawn", by="factory", sub=grant, body={})
    house.tell(client)
    assert code_of(shown(house, client, "partner", 1)) == "disclosure_denied"


def test_an_authority_looks_once_for_each_entry_that_says_so(house: House, client: TestClient) -> None:
    for _ in range(2):
        look = house.play.act("disclosure.inspected", by="lender", body=named(house, fields=["/contact"])).subject
        house.tell(client)
        assert code_of(shown(house, client, "partner", 1, look)) == "disclosure_denied"
        assert shown(house, client, "lender", 1, look).json()["disclosures"] == texts(house)[1:]
        assert code_of(shown(house, client, "lender", 1, look)) == "disclosure_denied"
    path = f"/v1/subjects/{house.play.party('factory')}/history"
    assert [one["kind"] for one in client.get(path).json()][:2] == ["disclosure.inspected"] * 2


def test_a_look_from_before_the_service_began_is_not_good(house: House) -> None:
    with house.served() as client:
        look = house.play.act("disclosure.inspected", by="lender", body=named(house)).subject
        house.tell(client)
    with house.served() as client:
        assert code_of(shown(house, client, "lender", 1, look)) == "disclosure_denied"
        look = house.play.act("disclosure.inspected", by="lender", body=named(house)).subject
        house.tell(client)
        assert shown(house, client, "lender", 1, look).json()["disclosures"] == texts(house)


@pytest.mark.parametrize("workers", [0, 1])
def test_what_is_erased_leaves_no_byte_and_the_rest_stays(tmp_path: Path, workers: int) -> None:
    house = built(tmp_path)
    with house.served(workers=workers) as client:
        house.tell(client)
        assert files_have(house, texts(house)[0])
        erase(house, "/name")
        house.tell(client)
        assert not files_have(house, texts(house)[0])
        assert shown(house, client, "factory", 1).json()["disclosures"] == texts(house)[1:]
        digest = digest_of(texts(house)[0])
        (tombstone,) = client.get(f"/v1/erasures/{digest}").json()
        assert tombstone["by"] == tombstone["party"] == tombstone["subject"] == house.play.party("factory")
        assert (tombstone["entry"], tombstone["fields"], tombstone["digests"]) == (1, ["/name"], [digest])
        assert (tombstone["code"], tombstone["index"]) == ("case-4711", house.play.entries[-1].index)
        assert client.get("/v1/erasures/" + "A" * 43).json() == []
    assert not files_have(house, texts(house)[0])
    with Workers(0) as beside, open_folder(house.folder.path) as source:
        assert audit(source, beside).word == "consistent"


def test_what_was_erased_does_not_come_back_to_its_entry(house: House, client: TestClient) -> None:
    erase(house, "/name", "/contact")
    house.tell(client)
    again = client.post("/v1/statements", content=house.play.entries[1].sent, headers=JOSE)
    assert (again.status_code, again.json()["index"]) == (200, 1)  # the entry is there; what came along is dropped
    body = {"name": CAST["factory"].legal, "contact": None}
    anew = house.play.sign("party.joined", by="second", body={"name": body["name"]}, private=["name"])
    answer = client.post("/v1/statements", content=anew, headers=JOSE)
    assert answer.status_code == 201  # another statement of it, by whoever signs that
    assert shown(house, client, "factory", 1).json() == {"index": 1, "disclosures": []}


def test_an_erasure_that_was_cut_off_is_carried_out_when_the_service_begins(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise Unavailable("store_failed", "the machine went down")

    monkeypatch.setattr(SqlStore, "erase", fails)
    with house.served() as client:
        house.tell(client)
        erase(house, "/name")
        house.tell(client)
        assert files_have(house, texts(house)[0])
        assert shown(house, client, "factory", 1).json()["disclosures"] == texts(house)[1:]  # from the entry on
    monkeypatch.undo()
    assert files_have(house, texts(house)[0])
    with house.served():
        assert not files_have(house, texts(house)[0])


def test_an_erasure_waits_for_whoever_reads_what_was_before_and_then_happens_by_itself(
    house: House, client: TestClient
) -> None:
    with SqlStore.snapshot(house.folder.store) as before:
        assert before.disclosures(1) == texts(house)
        erase(house, "/name")
        house.tell(client)
        assert shown(house, client, "factory", 1).json()["disclosures"] == texts(house)[1:]
        house.play.register("partner")
        house.tell(client)  # appending goes on
        assert files_have(house, texts(house)[0])
        assert client.get("/ready").status_code == 200
    eventually(lambda: not files_have(house, texts(house)[0]), "the value stays")
