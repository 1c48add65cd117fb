"""DIDs over HTTP: logs where resolvers look, a watcher's copy, a resolver, and whose a key is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

import ledger.sight
from api.client import Client
from identity import jws, webvh
from identity.did import multibase_of
from identity.documents import draft_document
from identity.keys import SigningKey, write_key
from identity.webvh import first_line, format_log, key_hash, next_line
from tests.api.house import House, TestClient, code_of
from tests.cast import CAST, seed
from tests.logs import multikey

HOST = "registry.example"
UPDATE = [SigningKey.from_seed("Ed25519", seed(f"update {turn}")) for turn in range(3)]


def line(place: str, name: str, *, witness: webvh.Witness | None = None) -> dict[str, object]:
    """The first line of a log whose document has the key of an actor."""
    document = draft_document(webvh.draft_did(HOST, ["org", place]), [CAST[name].key.public])
    hashes = [key_hash(multibase_of(UPDATE[1].public))]
    made = first_line(document, UPDATE[0], int(time.time()) - 10, next_key_hashes=hashes, witness=witness)
    return dict(made)


class Told:
    """A party whose log the ledger hosts, names the service as its witness, and has two lines."""

    def __init__(self, house: House, client: TestClient) -> None:
        self.house, self.client, play = house, client, house.play
        rule = webvh.Witness(1, (CAST["service"].did,))
        self.lines = [line("acme", "factory", witness=rule)]
        standing = webvh.advance(None, self.lines[0], int(time.time()))
        self.did = standing.did
        joined = play.sign("party.joined", by="factory", body={"name": "Acme", "log": self.lines}, iss=self.did)
        self.party = play.admit(rename(joined, self.did)).subject
        play.join("partner")
        self.lines.append(dict(next_line(standing, UPDATE[1], int(time.time()) - 5, next_key_hashes=[])))
        rotated = play.sign("party.rotated", by="factory", sub=self.party, body={"log": self.lines[1:]}, iss=self.did)
        play.admit(rename(rotated, self.did))
        house.tell(client)


def rename(sent: bytes, did: str) -> bytes:
    """The same statement, signed anew with the key named under a DID."""
    key = CAST["factory"].key
    return jws.sign(jws.parse(sent).claims, key, kid=f"{did}#{multibase_of(key.public)}")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    house = House.build(tmp_path_factory.mktemp("dids") / "ledger", didHost=HOST)
    write_key(house.folder.key("service"), CAST["service"].key)
    with house.served() as client:
        yield Told(house, client)


def test_the_log_and_its_witness_proofs_are_where_resolvers_look(told: Told) -> None:
    log = told.client.get("/org/acme/did.jsonl")
    assert (log.content, log.headers["content-type"].split(";")[0]) == (format_log(told.lines), "text/jsonl")
    assert log.headers["access-control-allow-origin"] == "*"
    proofs = told.client.get("/org/acme/did-witness.json")
    found = webvh.resolve(log.content, told.did, int(time.time()), witness=proofs.content)
    assert found.document is not None
    assert found.document["id"] == told.did
    assert found.metadata["versionId"].startswith("2-")


def test_without_the_service_key_the_log_is_served_and_its_proofs_are_not(tmp_path: Path) -> None:
    house = House.build(tmp_path / "ledger", didHost=HOST)
    with house.served() as client:
        Told(house, client)
        assert client.get("/org/acme/did.jsonl").status_code == 200
        assert code_of(client.get("/org/acme/did-witness.json")) == "did_log_absent"


def test_a_parallel_did_web_says_the_same_of_its_keys(told: Told) -> None:
    document = told.client.get("/org/acme/did.json").json()
    assert document["id"] == f"did:web:{HOST}:org:acme"
    assert told.did in document["alsoKnownAs"]
    assert [one["publicKeyMultibase"] for one in document["verificationMethod"]] == [
        multibase_of(CAST["factory"].key.public)
    ]


def test_a_watcher_finds_the_log_by_its_scid(told: Told) -> None:
    scid = told.did.split(":")[2]
    assert told.client.get("/webvh/log", params={"scid": scid}).content == format_log(told.lines)
    assert told.client.get("/webvh/witness", params={"scid": scid}).status_code == 200
    assert code_of(told.client.get("/webvh/log", params={"scid": "Qm" + "1" * 44})) == "did_log_absent"


@pytest.mark.parametrize("name", ["nobody", "..%2Facme", "ACME", "acme%2F"])
def test_a_log_that_is_not_hosted_here_is_absent(told: Told, name: str) -> None:
    assert told.client.get(f"/org/{name}/did.jsonl").status_code == 404


def test_a_resolver_answers_as_did_resolution_has_it(told: Told) -> None:
    def ask(did: str, **query: str) -> tuple[int, dict[str, object]]:
        answer = told.client.get(f"/1.0/identifiers/{quote(did, safe='')}", params=query)
        assert answer.headers["content-type"].startswith("application/ld+json")
        return answer.status_code, answer.json()

    status, found = ask(told.did)
    assert (status, found["didDocument"]["id"]) == (200, told.did)  # type: ignore[index]
    version = told.lines[0]["versionId"]
    assert ask(told.did, versionId=str(version))[1]["didDocumentMetadata"]["versionId"] == version  # type: ignore[index]
    partner = CAST["partner"].did
    assert ask(partner)[1]["didDocument"]["id"] == partner  # type: ignore[index]
    for did, wanted, error in (
        (f"did:webvh:Qm{'1' * 44}:{HOST}:org:acme", 404, "notFound"),
        ("did:example:x", 501, "methodNotSupported"),
        ("nonsense", 400, "invalidDid"),
        (f"did:web:{HOST}:org:acme", 404, "notFound"),
    ):
        status, found = ask(did)
        assert (status, found["didResolutionMetadata"]["error"]) == (wanted, error), did  # type: ignore[index]


def test_whose_a_key_is(told: Told) -> None:
    def ask(name: str) -> dict[str, object]:
        return told.client.get(f"/v1/keys/{multibase_of(CAST[name].key.public)}").json()  # type: ignore[no-any-return]

    assert ask("factory")["parties"] == [{"party": told.party, "name": "Acme", "did": told.did, "left": False}]
    assert ask("stranger") == {
        "key": multibase_of(CAST["stranger"].key.public),
        "parties": [],
        "delegations": [],
        "former": [],
    }
    assert told.client.get("/v1/keys/z6Mk").status_code == 400


def test_what_others_put_on_record_hides_nothing_from_whoever_says_for_whom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody can list a key in a document, and delegate to any DID."""
    for name in ("PARTIES_MAX", "GIVEN_MAX"):
        monkeypatch.setattr(ledger.sight, name, 2)
    house = House.build(tmp_path / "ledger")
    play = house.play
    play.join("factory", "second")
    works = play.join_hosted("works")
    given, revoked = play.delegate("factory", "stranger"), play.delegate("factory", "stranger")
    play.act("delegation.revoked", by="factory", sub=revoked, body={})
    for name in ("mill", "spare", "agent"):
        play.delegate("second", "stranger")
        play.join_hosted(name, keys=[name, "works"])
    factory, stranger = play.party("factory"), multibase_of(CAST["stranger"].key.public)
    with house.served() as served:
        house.tell(served)

        def ask(key: str, for_: str | None = None) -> dict[str, list[str]]:
            said = served.get(f"/v1/keys/{key}", params={} if for_ is None else {"for": for_}).json()
            return {
                "parties": [one["party"] for one in said["parties"]],
                "delegations": [one["delegation"] for one in said["delegations"]],
                "former": [one["delegation"] for one in said["former"]],
            }

        assert given not in ask(stranger)["delegations"]
        for principal in (factory, CAST["factory"].did, given):
            assert ask(stranger, principal)["delegations"] == [given]
        assert ask(stranger, revoked) == {"parties": [], "delegations": [], "former": [revoked]}
        assert works not in ask(multikey("works"))["parties"]
        for principal in (works, play.did("works")):
            assert ask(multikey("works"), principal)["parties"] == [works]
        nothing = {"parties": [], "delegations": [], "former": []}
        for key, principal in ((stranger, works), (multikey("works"), given), (stranger, "x"), (stranger, "party_x")):
            assert ask(key, principal) == nothing
        with Client("http://testserver", key=CAST["stranger"].key, principal=given, transport=served._transport) as one:
            assert one.speaker().via == next(entry.id for entry in play.entries if entry.subject == given)
