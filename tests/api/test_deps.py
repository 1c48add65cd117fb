"""Who may use which route: every route names its policy, and what names none is closed."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts

from api.app import create_app
from api.deps import ASKERS, PUBLIC, READERS, SIGNERS, policy_of
from identity.canonical import b64encode
from identity.did import multibase_of
from ledger.log.cose import thumbprint
from tests.api.house import JOSE, House, TestClient, code_of
from tests.cast import CAST, LOG

ASK = {"/v1/entries/{index}/disclosures"}
WRITE = {"/v1/statements", "/v1/statements/batch"}
OPEN = {
    "/.well-known/scitt-keys",
    "/.well-known/scitt-keys/{kid}",
    "/1.0/identifiers/{did}",
    "/checkpoint",
    "/health",
    "/metrics",
    "/openapi.json",
    "/org/{name}/did-witness.json",
    "/org/{name}/did.json",
    "/org/{name}/did.jsonl",
    "/ready",
    "/tile/{place}",
    "/v1/credentials/status/{issuer}/{purpose}/{number}",
    "/v1/kinds",
    "/v1/kinds/{name}",
    "/v1/ledger",
    "/v1/refusals",
    "/v1/refusals/{code}",
    "/webvh/log",
    "/webvh/witness",
}
READ = {
    "/tile/entries/{place}",
    "/v1/consistency",
    "/v1/credentials/{id}",
    "/v1/entries",
    "/v1/entries/{index}",
    "/v1/entries/{index}/receipt",
    "/v1/entries/{index}/receipt.cose",
    "/v1/erasures/{digest}",
    "/v1/keys/{key}",
    "/v1/search",
    "/v1/statements/{id}",
    "/v1/subjects",
    "/v1/subjects/{name}",
    "/v1/subjects/{name}/history",
    "/v1/subjects/{name}/proof",
}

NOT_THERE = {
    "/org/{name}/did-witness.json",
    "/org/{name}/did.json",
    "/org/{name}/did.jsonl",
    "/v1/credentials/status/{issuer}/{purpose}/{number}",
    "/v1/kinds/{name}",
    "/webvh/log",
    "/webvh/witness",
}
"""Open, and asked below for what no ledger has."""


def routes_of(app: FastAPI) -> list[APIRoute]:
    """Every route; one that is not FastAPI's would not be guarded, and fails here."""
    routes = [context.route for context in iter_route_contexts(app.routes)]
    assert all(isinstance(route, APIRoute) for route in routes)
    return [route for route in routes if isinstance(route, APIRoute)]


def test_every_route_names_one_policy(house: House) -> None:
    routes = routes_of(create_app(house.settings()))
    named = {
        policy: {route.path_format for route in routes if policy_of(route) is policy} for policy in (PUBLIC, READERS)
    }
    assert named == {PUBLIC: OPEN, READERS: READ}
    assert {route.path_format for route in routes if policy_of(route) is SIGNERS} == WRITE
    assert {route.path_format for route in routes if policy_of(route) is ASKERS} == ASK
    assert {route.path_format for route in routes} == OPEN | READ | ASK | WRITE


def test_a_route_that_names_no_policy_or_two_is_closed(house: House) -> None:
    app = create_app(house.settings())

    @app.get("/none")
    @app.get("/two", dependencies=[PUBLIC, READERS])
    @app.get("/one", dependencies=[PUBLIC])
    def page() -> str:
        return "seen"

    with TestClient(app) as client:
        for path in ("/none", "/two"):
            answer = client.get(path)
            assert (answer.status_code, code_of(answer)) == (403, "route_closed")
        assert client.get("/one").json() == "seen"


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> House:
    """A ledger that its charter opens to members only."""
    return House.build(tmp_path_factory.mktemp("members") / "ledger", readers="members")


def test_a_ledger_for_members_shows_nobody_its_entries(members: House) -> None:
    app = create_app(members.settings())
    with TestClient(app) as client:
        for route in routes_of(app):
            named = {
                "index": 0,
                "digest": "A" * 43,
                "id": "A" * 43,
                "name": "ledger_" + "0" * 26,
                "code": "pin_stale",
                "place": "0/000.p/1",
                "kid": b64encode(thumbprint(LOG.verifier)),
                "issuer": "party_" + "0" * 26,
                "purpose": "revocation",
                "number": 0,
                "did": CAST["factory"].did,
                "key": multibase_of(CAST["factory"].key.public),
            }
            path = route.path_format.format(**named)
            answer = client.get(path + "?old=0&new=1") if "GET" in route.methods else None
            if route.path_format in READ:
                assert answer is not None
                assert (answer.status_code, code_of(answer)) == (401, "readers_members"), path
            elif route.path_format in ASK:
                assert answer is not None
                assert (answer.status_code, code_of(answer)) == (401, "token_wanted"), path
            elif answer is not None and route.path_format not in NOT_THERE:
                assert answer.status_code == 200, path


def test_a_ledger_for_members_still_takes_statements(members: House) -> None:
    members.play.join("factory")
    with members.served() as client:
        assert client.post("/v1/statements", content=members.play.entries[-1].sent, headers=JOSE).status_code == 201


def test_opening_the_ledger_to_everybody_takes_effect_at_once(tmp_path: Path) -> None:
    house = House.build(tmp_path / "ledger", readers="members")
    with house.served() as client:
        assert client.get("/v1/entries/0").status_code == 401
        house.play.act("ledger.amended", by="governance", sub=house.play.world.ledger, body={"readers": "public"})
        house.tell(client)
        assert client.get("/v1/entries/0").status_code == 200
        assert client.get("/v1/entries/0/receipt").status_code == 200
