"""The write door: one statement, and many; what becomes of each."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from api.statements import _Batch, statement_in
from identity import disclosure, jws
from ledger.errors import Malformed
from ledger.log.receipt import open_receipt
from tests.api.house import JOSE, House, TestClient, code_of
from tests.cast import CAST, LOG, description, money

NDJSON = {"Content-Type": "application/x-ndjson"}


def lines_of(*sent: bytes) -> bytes:
    return b"".join(orjson.dumps({"statement": one.decode()}) + b"\n" for one in sent)


def batch(client: TestClient, body: bytes, **query: Any) -> list[dict[str, Any]]:
    answer = client.post("/v1/statements/batch", content=body, headers=NDJSON, params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [orjson.loads(line) for line in answer.content.splitlines()]


# -- one statement -----------------------------------------------------------------------------------------------


def test_a_statement_is_recorded_and_its_receipt_opens(house: House, client: TestClient) -> None:
    house.play.join("factory")
    sent = house.play.entries[-1].sent
    answer = client.post("/v1/statements", content=sent, headers=JOSE)
    assert answer.status_code == 201
    assert answer.headers["location"] == "/v1/entries/1"
    members = answer.json()
    assert members.keys() == {"index", "time", "id", "subject", "receipt"}
    assert members["index"] == 1
    assert members["id"] == jws.statement_id(sent)
    assert members["subject"] == house.play.party("factory")
    entry, checkpoint = open_receipt(members["receipt"].encode(), [LOG.verifier])
    assert entry.statement == sent
    assert entry.time == members["time"]
    assert checkpoint.size == 2


def test_the_same_again_is_the_same_entry_against_the_present_head(house: House, client: TestClient) -> None:
    house.play.join("factory", "partner")
    first, _ = house.tell(client)
    again = client.post("/v1/statements", content=house.play.entries[1].sent, headers=JOSE)
    assert again.status_code == 200
    members = again.json()
    assert {**members, "receipt": ""} == {**first, "receipt": ""}
    entry, checkpoint = open_receipt(members["receipt"].encode(), [LOG.verifier])
    assert (entry.index, checkpoint.size) == (1, 3)


@pytest.mark.parametrize("media_type", ["application/jose", "application/sd-jwt", "text/plain; charset=utf-8", None])
def test_media_types_that_are_taken(house: House, client: TestClient, media_type: str | None) -> None:
    house.play.join("factory")
    headers = {} if media_type is None else {"Content-Type": media_type}
    assert client.post("/v1/statements", content=house.play.entries[-1].sent, headers=headers).status_code == 201


@pytest.mark.parametrize("media_type", ["application/json", "application/x-www-form-urlencoded", "text/html", "jose"])
def test_other_media_types_are_refused(client: TestClient, media_type: str) -> None:
    answer = client.post("/v1/statements", content=b"x", headers={"Content-Type": media_type})
    assert answer.status_code == 415
    assert code_of(answer) == "media_type_unsupported"


def flipped(sent: bytes) -> bytes:
    """Another signature of the right form."""
    head, _, signature = sent.rpartition(b".")
    return head + b"." + (b"B" if signature[:1] == b"A" else b"A") + signature[1:]


def test_each_family_of_refusal_has_its_status_and_place(house: House, client: TestClient) -> None:
    play = house.play
    play.join("factory", "partner")
    house.tell(client)
    asset = play.register("factory")
    house.tell(client)
    good = play.sign("asset.retired", by="factory", sub=asset, body={"reason": "worn"})
    cases = [
        (b"", 400, "statement_malformed", None),
        (b"a.b", 400, "statement_malformed", None),
        (b"\xff\xfe", 400, "statement_malformed", None),
        (good + b"\n", 400, "base64url_malformed", "/signature"),
        (b"." * 70_000, 413, "statement_too_large", None),
        (play.sign("asset.burnt", by="factory"), 400, "kind_unknown", "/payload/kind"),
        (play.sign("asset.retired", by="factory", sub=asset), 400, "body_malformed", "/payload/body/reason"),
        (good + b"~x~", 400, "disclosure_unknown", None),
        (flipped(good), 403, "signature_invalid", "/signature"),
        (
            play.sign("asset.retired", by="partner", sub=asset, body={"reason": "mine"}),
            409,
            "asset_not_yours",
            None,
        ),
        (
            play.sign("asset.retired", by="factory", sub=asset, body={"reason": "x"}, prev={asset: "A" * 43}),
            409,
            "pin_stale",
            f"/payload/prev/{asset}",
        ),
        (play.sign("asset.registered", by="lender", body=description()), 409, "party_unknown", "/payload/iss"),
    ]
    for sent, status, code, pointer in cases:
        answer = client.post("/v1/statements", content=sent, headers=JOSE)
        assert (answer.status_code, code_of(answer), answer.json().get("pointer")) == (status, code, pointer)
    assert client.get("/v1/ledger").json()["size"] == 4
    assert client.post("/v1/statements", content=good, headers=JOSE).status_code == 201


def test_a_body_beyond_the_limit_is_refused_unread(house: House) -> None:
    with house.served(statement_bytes=2_000) as client:
        answer = client.post("/v1/statements", content=b"x" * 2_001, headers=JOSE)
        assert answer.status_code == 413
        assert code_of(answer) == "body_too_large"
        assert answer.headers["connection"] == "close"


# -- private fields ----------------------------------------------------------------------------------------------


def test_disclosures_are_stored_and_no_route_shows_them(house: House, client: TestClient) -> None:
    play = house.play
    play.join("factory")
    asset = play.register("factory")
    offer = play.offer("factory", asset, price=money(1_234_567), private=["price"])
    (*_, answer) = house.tell(client)
    sent = play.entries[-1].sent
    compact, (disclosed,) = disclosure.split(sent)
    secrets = (disclosed, "1234567")
    pages = [
        "/v1/ledger",
        "/v1/entries",
        f"/v1/entries/{answer['index']}",
        f"/v1/entries/{answer['index']}/receipt",
        f"/v1/statements/{answer['id']}",
        "/v1/subjects",
        f"/v1/subjects/{offer}",
        f"/v1/subjects/{offer}?at=4",
        f"/v1/subjects/{offer}/history",
        "/v1/search?type=offer",
        "/v1/search?q=1234567",
        "/metrics",
    ]
    for page in pages:
        for accept in ("application/json", "application/octet-stream"):
            found = client.get(page, headers={"Accept": accept})
            assert found.status_code == 200
            assert not any(secret.encode() in found.content for secret in secrets), page
    assert client.get(f"/v1/entries/{answer['index']}").json()["statement"] == compact.decode()
    assert "_sd" in client.get(f"/v1/subjects/{offer}").json()["state"]["price"]
    assert client.app.state.service.reader.store.disclosures(answer["index"]) == [disclosed]


# -- many statements ---------------------------------------------------------------------------------------------


def test_one_verdict_a_line_in_order_and_a_bad_line_sinks_no_other(house: House, client: TestClient) -> None:
    play = house.play
    play.join("factory")
    joined = play.entries[-1].sent
    bad = flipped(play.sign("asset.registered", by="factory", body=description("bad")))
    stranger = play.sign("asset.registered", by="stranger", body=description())
    play.register("factory", title="good")
    good = play.entries[-1].sent
    body = lines_of(joined, bad) + b"{}\n" + lines_of(stranger, good, joined)
    verdicts = batch(client, body)
    assert [verdict["line"] for verdict in verdicts] == [1, 2, 3, 4, 5, 6]
    assert [verdict["status"] for verdict in verdicts] == [201, 403, 400, 409, 201, 200]
    assert [verdict.get("code") for verdict in verdicts[1:4]] == [
        "signature_invalid",
        "line_malformed",
        "party_unknown",
    ]
    assert verdicts[0].keys() == {"line", "status", "index", "time", "id", "subject"}
    assert [verdict.get("index") for verdict in verdicts] == [1, None, None, None, 2, 1]
    assert verdicts[1]["type"] == "/v1/refusals/signature_invalid"
    assert verdicts[1]["advice"]


def test_receipts_come_if_they_are_asked_for(house: House, client: TestClient) -> None:
    house.play.join("factory", "partner")
    verdicts = batch(client, lines_of(*(one.sent for one in house.play.entries[1:])), receipts="true")
    for verdict in verdicts:
        entry, _ = open_receipt(verdict["receipt"].encode(), [LOG.verifier])
        assert entry.index == verdict["index"]


def test_acts_that_build_on_each_other_may_come_in_one_batch(house: House, client: TestClient) -> None:
    play = house.play
    play.join("factory", "partner")
    asset = play.register("factory")
    offer = play.offer("factory", asset, price=money(100))
    play.license("partner", offer, price=money(100))
    play.transfer("factory", asset, "partner")
    verdicts = batch(client, lines_of(*(one.sent for one in play.entries[1:])))
    assert {verdict["status"] for verdict in verdicts} == {201}
    assert client.get(f"/v1/subjects/{asset}").json()["state"]["holder"] == play.party("partner")


def test_a_batch_larger_than_queue_and_window_goes_through_in_order(house: House) -> None:
    play = house.play
    play.join("factory")
    for number in range(40):
        play.register("factory", title=f"number {number}")
    sent = [one.sent for one in play.entries[1:]]
    with house.served(queue=8, batch=4) as client:
        verdicts = batch(client, lines_of(*sent))
        assert [verdict["status"] for verdict in verdicts] == [201] * 41
        assert [verdict["index"] for verdict in verdicts] == list(range(1, 42))


def test_others_have_their_turn_while_every_line_of_a_batch_is_malformed() -> None:
    service: Any = SimpleNamespace(settings=SimpleNamespace(statement_bytes=100), intake=SimpleNamespace(full=False))
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async def judged() -> int:
        waiting = asyncio.create_task(others())
        verdicts = b"".join([some async for some in _Batch(service, "here", False).verdicts([b"x"] * 1_000)])
        waiting.cancel()
        return len(verdicts.splitlines())

    assert asyncio.run(judged()) == 1_000
    assert turns >= 10


def test_a_batch_that_goes_faster_than_the_limits_is_slowed_down_not_refused(house: House) -> None:
    play = house.play
    play.join("factory")
    for number in range(9):
        play.register("factory", title=f"number {number}")
    sent = [one.sent for one in play.entries[1:]]
    with house.served(address_rate=100, address_burst=4, signer_rate=100, signer_burst=4) as client:
        assert [verdict["status"] for verdict in batch(client, lines_of(*sent))] == [201] * 10


def test_patience_with_a_batch_ends(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.statements.PATIENCE", 0.2)
    sent = [house.play.sign("party.joined", by=name, body={"name": name}) for name in list(CAST)[2:6]]
    with house.served(address_rate=0.01, address_burst=2) as client:
        codes = [verdict.get("code") for verdict in batch(client, lines_of(*sent))]
    assert codes == [None, "address_too_fast", "address_too_fast", "address_too_fast"]


@pytest.mark.parametrize(
    ("line", "pointer"),
    [
        (b"", None),
        (b"[]", None),
        (b'"a.b.c"', None),
        (b'{"statement":"a.b.c"', None),
        (b'{"statement":"a.b.c","more":1}', None),
        (b'{"Statement":"a.b.c"}', None),
        (b'{"statement":1}', "/statement"),
        (b'{"statement":null}', "/statement"),
        ('{"statement":"ä"}'.encode(), "/statement"),
        (b'{"statement":"\xff"}', None),
    ],
)
def test_lines_that_are_no_statements(line: bytes, pointer: str | None) -> None:
    with pytest.raises(Malformed) as caught:
        statement_in(line, 100)
    assert (caught.value.code, caught.value.pointer) == ("line_malformed", pointer)


def test_a_line_beyond_the_limit_is_refused_alone() -> None:
    assert statement_in(b'{"statement":"aaaa"}', 4) == b"aaaa"
    with pytest.raises(Malformed, match="body_too_large"):
        statement_in(b'{"statement":"aaaaa"}', 4)


def test_an_empty_batch_has_no_verdicts_and_an_empty_line_has_one(client: TestClient) -> None:
    assert batch(client, b"") == []
    assert [verdict["code"] for verdict in batch(client, b"\n")] == ["line_malformed"]


def test_a_batch_beyond_the_limits_is_refused_whole(house: House) -> None:
    house.play.join("factory")
    sent = lines_of(house.play.entries[-1].sent)
    with house.served(request_lines=2, request_bytes=5_000) as client:
        answer = client.post("/v1/statements/batch", content=sent + b"{}\n{}\n", headers=NDJSON)
        assert (answer.status_code, code_of(answer)) == (413, "batch_too_long")
        answer = client.post("/v1/statements/batch", content=b"x" * 5_001, headers=NDJSON)
        assert (answer.status_code, code_of(answer)) == (413, "body_too_large")
        answer = client.post("/v1/statements/batch", content=sent, headers=JOSE)
        assert (answer.status_code, code_of(answer)) == (415, "media_type_unsupported")
        assert client.get("/v1/ledger").json()["size"] == 1


def test_only_so_many_batches_are_held_at_a_time(house: House) -> None:
    (sent,) = [house.play.sign("party.joined", by="factory", body={"name": "factory"})]
    with house.served(requests=2) as client:
        batches = client.app.state.service.batches
        for _ in range(4):  # each gives its place back, whatever it ends in
            assert client.post("/v1/statements/batch", content=b"x" * 2**25, headers=NDJSON).status_code == 413
            assert len(batch(client, lines_of(sent))) == 1
        batches.take("one client")
        batches.take("another")
        answer = client.post("/v1/statements/batch", content=lines_of(sent), headers=NDJSON)
        assert (answer.status_code, code_of(answer)) == (503, "queue_full")
        batches.give_back("another")
        assert batch(client, lines_of(sent))[0]["status"] == 200


# -- finding one again -------------------------------------------------------------------------------------------


def test_an_entry_is_found_by_its_statement(house: House, client: TestClient) -> None:
    house.play.join("factory")
    (answer,) = house.tell(client)
    assert client.get(f"/v1/statements/{answer['id']}").json()["index"] == 1


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("A" * 43, 404, "statement_absent"),
        ("AAAA", 404, "statement_absent"),
        ("A" * 42 + "B", 400, "base64url_malformed"),
    ],
)
def test_statements_that_are_not_there(client: TestClient, name: str, status: int, code: str) -> None:
    answer = client.get(f"/v1/statements/{name}")
    assert (answer.status_code, code_of(answer)) == (status, code)


def test_what_was_recorded_is_there_after_a_restart(house: House, tmp_path: Path) -> None:
    house.play.join("factory", "partner")
    with house.served() as client:
        house.tell(client)
        before = client.get("/checkpoint").content
    assert (house.folder.path / "checkpoint").read_bytes() == before
    with house.served() as client:
        assert client.get("/checkpoint").content == before
        again = client.post("/v1/statements", content=house.play.entries[1].sent, headers=JOSE)
        assert (again.status_code, again.json()["index"]) == (200, 1)
