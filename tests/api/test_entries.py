"""Entries: as JSON for people and programs, as bytes for whoever checks them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from identity.canonical import b64encode
from ledger.log.chain import link_of, parse_entry
from ledger.log.receipt import open_receipt
from ledger.log.tile import parse_bundle
from tests.api.house import House, TestClient, code_of
from tests.cast import LOG

BYTES = {"Accept": "application/octet-stream"}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, TestClient]]:
    """A ledger of six entries, served."""
    house = House.build(tmp_path_factory.mktemp("entries") / "ledger")
    house.play.join("factory", "partner")
    asset = house.play.register("factory", title="主轴振动数据")
    house.play.offer("factory", asset)
    house.play.act("asset.retired", by="factory", sub=asset, body={"reason": "worn out"})
    with house.served() as client:
        house.tell(client)
        yield house, client


def stored(client: TestClient) -> list[bytes]:
    found = client.get("/v1/entries", headers=BYTES)
    assert found.headers["content-type"] == "application/octet-stream"
    return parse_bundle(found.content)


def test_the_bytes_are_those_that_are_hashed(told: tuple[House, TestClient]) -> None:
    house, client = told
    entries = stored(client)
    assert [parse_entry(data).statement for data in entries[1:]] == [
        played.statement.signed.compact for played in house.play.entries[1:]
    ]
    for index, data in enumerate(entries):
        assert client.get(f"/v1/entries/{index}", headers=BYTES).content == data


def test_a_summary_says_what_the_entry_says(told: tuple[House, TestClient]) -> None:
    house, client = told
    entries = stored(client)
    summaries = client.get("/v1/entries").json()
    assert len(summaries) == len(entries) == 6
    for index, (summary, data) in enumerate(zip(summaries, entries, strict=True)):
        entry, played = parse_entry(data), house.play.entries[index]
        assert summary == {
            "index": index,
            "time": entry.time,
            "hash": b64encode(link_of(data)),
            "link": b64encode(entry.link),
            "id": played.id,
            "kind": played.statement.claims.kind,
            "subject": played.change.subject,
            "issuer": played.statement.claims.iss,
            "signer": played.statement.claims.iss,
            "key": played.statement.signed.kid.partition("#")[2],
            "via": None,
        }


def test_an_entry_in_full_holds_header_claims_and_statement(told: tuple[House, TestClient]) -> None:
    house, client = told
    signed = house.play.entries[2].statement.signed
    full = client.get("/v1/entries/2").json()
    assert full["header"] == {"alg": "ES256", "kid": signed.kid, "typ": "cadastre+jwt"}
    assert full["claims"] == signed.claims
    assert full["statement"] == signed.compact.decode()
    assert {name: full[name] for name in client.get("/v1/entries?start=2&count=1").json()[0]} == (
        client.get("/v1/entries?start=2&count=1").json()[0]
    )


@pytest.mark.parametrize(("start", "count", "indexes"), [(0, 2, [0, 1]), (4, 100, [4, 5]), (6, 1, []), (1_000, 1, [])])
def test_a_range_ends_with_the_ledger(
    told: tuple[House, TestClient], start: int, count: int, indexes: list[int]
) -> None:
    _, client = told
    query = {"start": start, "count": count}
    assert [one["index"] for one in client.get("/v1/entries", params=query).json()] == indexes
    answer = client.get("/v1/entries", params=query, headers=BYTES)
    if indexes:
        assert [parse_entry(data).index for data in parse_bundle(answer.content)] == indexes
    else:
        assert (answer.status_code, code_of(answer)) == (404, "entry_absent")


@pytest.mark.parametrize("index", range(6))
def test_every_receipt_opens(told: tuple[House, TestClient], index: int) -> None:
    _, client = told
    answer = client.get(f"/v1/entries/{index}/receipt")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    entry, checkpoint = open_receipt(answer.content, [LOG.verifier])
    assert (entry.index, checkpoint.size) == (index, 6)


@pytest.mark.parametrize("page", ["/v1/entries/6", "/v1/entries/6/receipt", f"/v1/entries/{2**53 - 1}/receipt"])
def test_an_entry_that_is_not_there(told: tuple[House, TestClient], page: str) -> None:
    answer = told[1].get(page)
    assert (answer.status_code, code_of(answer)) == (404, "entry_absent")


@pytest.mark.parametrize(
    ("page", "pointer"),
    [
        ("/v1/entries?start=-1", "/query/start"),
        ("/v1/entries?start=x", "/query/start"),
        ("/v1/entries?count=0", "/query/count"),
        ("/v1/entries?count=1025", "/query/count"),
        (f"/v1/entries?start={2**53}", "/query/start"),
        ("/v1/entries/x", "/path/index"),
        ("/v1/entries/-1", "/path/index"),
        ("/v1/entries/-1/receipt", "/path/index"),
        (f"/v1/entries/{10**30}/receipt", "/path/index"),
        ("/v1/entries/01x/receipt", "/path/index"),
        ("/v1/entries/00", "/path/index"),
        ("/v1/entries/%2B1", "/path/index"),
        ("/v1/entries/1.0", "/path/index"),
        ("/v1/entries/00/receipt", "/path/index"),
        ("/v1/entries?start=01", "/query/start"),
        ("/v1/entries?start=-0", "/query/start"),
        ("/v1/entries?start=1_0", "/query/start"),
        ("/v1/entries?start=%201", "/query/start"),
        ("/v1/entries?start=%D9%A1", "/query/start"),
        ("/v1/entries?count=1.0", "/query/count"),
    ],
)
def test_parameters_out_of_form_are_named(told: tuple[House, TestClient], page: str, pointer: str) -> None:
    answer = told[1].get(page)
    assert (answer.status_code, code_of(answer), answer.json()["pointer"]) == (400, "query_malformed", pointer)
