"""Resolving: all three methods, every vector, and every error by the name that the specifications have for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest

from identity import webvh
from identity.did import did_of, kid_of, multibase_of
from identity.documents import key_document
from identity.errors import CATALOGUE, Absent, Malformed, Problem, Unavailable, Unverifiable
from identity.fetch import Fetcher
from identity.keys import SigningKey
from identity.resolve import Asked, error_of, failure, resolve, resolve_log, resolver
from identity.webvh import Witness, first_line, format_log, key_hash, next_line
from tests.identity.outside import reply, serving
from tests.shared import shared

NOW = 1_780_000_000
ONE, TWO, SEER = (SigningKey.from_seed("Ed25519", bytes(31) + bytes([n])) for n in (1, 2, 3))


def nothing(url: str, most: int) -> bytes | None:
    raise AssertionError(f"{url} is fetched")


class Web:
    """Files by their addresses, and which were asked for."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.asked: list[str] = []

    def __call__(self, url: str, most: int) -> bytes | None:
        self.asked.append(url)
        found = self.files.get(url)
        assert found is None or len(found) <= most
        return found


def log_of(
    host: str = "acme.example", *, port: int | None = None, witness: Witness | None = None
) -> list[dict[str, Any]]:
    """A log of two entries: the second has another key in its document."""
    did = webvh.draft_did(host, ["org", "a"], port)

    def document(did: str, key: SigningKey) -> dict[str, Any]:
        name = multibase_of(key.public)
        method = {"id": f"{did}#{name}", "type": "Multikey", "controller": did, "publicKeyMultibase": name}
        return {"id": did, "verificationMethod": [method], "assertionMethod": [method["id"]]}

    hashes = [key_hash(multibase_of(TWO.public))]
    first = first_line(document(did, ONE), ONE, NOW - 100, next_key_hashes=hashes, witness=witness)
    standing = webvh.advance(None, first, NOW)
    second = next_line(standing, TWO, NOW - 50, document=document(standing.did, TWO), next_key_hashes=[])
    return [first, second]


LOG = log_of()
DID = str(LOG[0]["state"]["id"])
AT = "https://acme.example/org/a/"
WEB = {f"{AT}did.jsonl": format_log(LOG)}


def refused(problem: type[Problem], code: str, name: str, call: Any) -> dict[str, Any]:
    with pytest.raises(problem) as raised:
        call()
    assert (raised.value.code, error_of(raised.value)) == (code, name)
    told = failure(raised.value)
    assert told["didDocument"] is None
    assert told["didResolutionMetadata"]["error"] == name
    assert told["didResolutionMetadata"]["problemDetails"]["code"] == code
    return told


# -- did:key -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [ONE, SigningKey.from_seed("ES256", bytes(31) + b"\1")])
def test_a_did_key_is_resolved_from_itself(key: SigningKey) -> None:
    did = did_of(key.public)
    found = resolve(did, nothing, NOW)
    assert found.document == key_document(did)
    assert resolve(kid_of(key.public), nothing, NOW, encryption=True).document == key_document(did, encryption=True)
    assert found.result() == {
        "@context": "https://w3id.org/did-resolution/v1",
        "didDocument": found.document,
        "didResolutionMetadata": {"contentType": "application/did"},
        "didDocumentMetadata": {},
    }
    assert resolver(nothing, NOW)(kid_of(key.public), "assertionMethod") == key.public


def test_every_error_of_the_did_key_suite_is_told_by_its_name() -> None:
    cases = json.loads(shared("vectors/identity/did-key/did_key_errors.json").read_text())["cases"]
    for case in cases:
        with pytest.raises(Malformed) as raised:
            resolve(case["input"], nothing, NOW)
        assert error_of(raised.value) == case["error"], case["why"]
    assert len(cases) == 7


def test_keys_of_other_types_are_told_by_name() -> None:
    answers = json.loads(shared("vectors/identity/did-key/did_key_known_answers.json").read_text())
    others = [one["did"] for one in answers["dids"] if one["key_type"] not in ("Ed25519", "P-256")]
    assert len(others) == 5
    for did in others:
        refused(
            Malformed,
            "did_key_type_unsupported",
            "unsupportedPublicKeyType",
            lambda did=did: resolve(did, nothing, NOW),
        )


# -- did:web -----------------------------------------------------------------------------------------------------------


def test_a_did_web_is_what_its_host_says() -> None:
    did = "did:web:acme.example%3A8443:org:a"
    published = {"id": did, "verificationMethod": [], "extra": 1.5}
    web = Web({"https://acme.example:8443/org/a/did.json": orjson.dumps(published)})
    assert resolve(did, web, NOW).document == published
    assert resolve(f"{did}#key", web, NOW).document == published
    assert len(web.asked) == 2


def test_a_did_web_that_is_not_there_or_of_another_is_refused() -> None:
    did, at = "did:web:acme.example", "https://acme.example/.well-known/did.json"
    refused(Absent, "did_absent", "notFound", lambda: resolve(did, Web({}), NOW))
    for data, kind, code, name in [
        (b'{"id":"did:web:evil.example"}', Unverifiable, "did_document_other", "invalidDidDocument"),
        (b"[]", Malformed, "did_document_malformed", "invalidDidDocument"),
        (b"<html>", Malformed, "json_malformed", "invalidDid"),
    ]:
        refused(kind, code, name, lambda data=data: resolve(did, Web({at: data}), NOW))
    query = f"{did}?versionId=1"
    refused(Malformed, "did_query_unsupported", "featureNotSupported", lambda: resolve(query, Web({}), NOW))


def test_a_key_of_a_did_web_serves_what_it_is_listed_for() -> None:
    did = "did:web:acme.example"
    method = {"id": "#k", "type": "Multikey", "controller": did, "publicKeyMultibase": multibase_of(ONE.public)}
    document = {"id": did, "verificationMethod": [method], "assertionMethod": ["#k"]}
    keys = resolver(Web({"https://acme.example/.well-known/did.json": orjson.dumps(document)}), NOW)
    assert keys(f"{did}#k", "assertionMethod") == ONE.public
    refused(Unverifiable, "did_key_purpose", "notFound", lambda: keys(f"{did}#k", "authentication"))
    refused(Unverifiable, "did_key_unknown", "notFound", lambda: keys(f"{did}#other", "assertionMethod"))
    refused(Malformed, "did_url_malformed", "invalidDidUrl", lambda: keys(did, "assertionMethod"))


# -- did:webvh ---------------------------------------------------------------------------------------------------------


def logs() -> list[Path]:
    return sorted(shared("vectors/identity/did-webvh").glob("*/*/did.jsonl"))


def test_every_log_of_the_suite_resolves_as_its_maker_says() -> None:
    for path in logs():
        expected = json.loads((path.parent / "resolutionResult.json").read_text())
        document, metadata = expected["didDocument"], expected["didDocumentMetadata"]
        found = resolve_log(path.read_bytes(), NOW)
        place = webvh.location(document["id"])
        fetched = resolve(document["id"], Web({place.log: path.read_bytes()}), NOW)
        assert found == fetched
        assert found.document is not None
        assert found.document["id"] == document["id"]
        for name in ("verificationMethod", "authentication", "assertionMethod", "alsoKnownAs"):
            assert found.document.get(name) == document.get(name), path
        for name in ("versionId", "versionTime", "created", "updated", "scid", "portable", "deactivated"):
            assert name not in metadata or found.metadata[name] == metadata[name], path
    assert len(logs()) == 15


def test_a_version_is_asked_for_by_id_number_or_time() -> None:
    first, second = (line["versionId"] for line in LOG)
    for query, version in [
        ("", second),
        (f"?versionId={first}", first),
        (f"?versionId={second}", second),
        ("?versionNumber=1", first),
        ("?versionTime=" + LOG[0]["versionTime"], first),
        ("?versionTime=2200-01-01T00%3A00%3A00Z#x", second),
    ]:
        web = Web(WEB)
        assert resolve(DID + query, web, NOW).metadata["versionId"] == version
        assert web.asked == [f"{AT}did.jsonl"], "no witness file is asked for where no witness is named"
    assert resolve(DID, Web(WEB), NOW, Asked(version_number=1)).metadata["versionId"] == first
    assert resolve_log(WEB[f"{AT}did.jsonl"], NOW, Asked(version_number=1)).metadata["versionId"] == first


@pytest.mark.parametrize(
    ("url", "code", "name"),
    [
        ("{did}?versionId=9-none", "webvh_version_absent", "notFound"),
        ("{did}?versionTime=1999-01-01T00:00:00Z", "webvh_version_absent", "notFound"),
        ("{did}?versionNumber=3", "webvh_version_absent", "notFound"),
        ("{did}?versionNumber=1&versionId=1-a", "webvh_asked_twice", "invalidOptions"),
        ("{did}?versionNumber=1&versionNumber=1", "webvh_asked_twice", "invalidOptions"),
        ("{did}?versionNumber=one", "did_query_unsupported", "featureNotSupported"),
        ("{did}?versionNumber=", "did_query_unsupported", "featureNotSupported"),
        ("{did}?service=files", "did_query_unsupported", "featureNotSupported"),
        ("{did}?versionTime=yesterday", "instant_malformed", "invalidDid"),
        ("{did}/whois", "did_url_malformed", "invalidDidUrl"),
        ("{did}#", "did_url_malformed", "invalidDidUrl"),
        ("{did}#a b", "did_url_malformed", "invalidDidUrl"),
        ("{did}#a#b", "did_url_malformed", "invalidDidUrl"),
        ("{did}?a b", "did_url_malformed", "invalidDidUrl"),
        ("{did}" + "?versionId=" + "a" * 1_000, "did_url_malformed", "invalidDidUrl"),
        ("{did}:..", "did_place_malformed", "invalidDid"),
        ("did:webvh:Qm:acme.example", "did_scid_malformed", "invalidDid"),
        ("did:tdw:Qm:acme.example", "did_method_unsupported", "methodNotSupported"),
        ("did:webvh:" + DID.split(":")[2] + ":10.0.0.1", "did_place_malformed", "invalidDid"),
        ("https://acme.example", "did_url_malformed", "invalidDidUrl"),
        ("", "did_malformed", "invalidDid"),
        ("{did}\n", "did_malformed", "invalidDid"),
    ],
)
def test_what_is_asked_wrongly_is_told_by_name(url: str, code: str, name: str) -> None:
    refused(Problem, code, name, lambda: resolve(url.format(did=DID), Web(WEB), NOW))


def test_a_log_that_is_not_there_altered_or_of_another_does_not_resolve() -> None:
    other = format_log(log_of("evil.example"))
    at = f"{AT}did.jsonl"
    refused(Absent, "did_absent", "notFound", lambda: resolve(DID, Web({}), NOW))
    for data, code in [
        (WEB[at].replace(b'assertionMethod":[', b'assertionMethod":["x",'), "webvh_scid_invalid"),
        (other, "webvh_other_did"),
        (b"", "webvh_log_malformed"),
        (b"<html>", "json_malformed"),
        (format_log(LOG[1:]), "webvh_parameter_missing"),
    ]:
        told = refused(Problem, code, "invalidDid", lambda data=data: resolve(DID, Web({at: data}), NOW))
        assert told["didResolutionMetadata"]["problemDetails"]["type"] == "https://www.w3.org/ns/did#INVALID_DID"
        if code != "webvh_other_did":
            with pytest.raises(Problem) as raised:
                resolve_log(data, NOW)
            assert raised.value.code == code
    assert resolve_log(other, NOW).document is not None


def test_the_witness_file_is_fetched_where_witnesses_are_named() -> None:
    log = log_of(witness=Witness(1, (did_of(SEER.public),)))
    did, last = str(log[0]["state"]["id"]), str(log[1]["versionId"])
    at = webvh.location(did)
    data = format_log(log)
    approved = webvh.format_witness_file([{"versionId": last, "proof": [webvh.sign_witness_proof(SEER, last, NOW)]}])
    web = Web({at.log: data, at.witness: approved})
    assert resolve(did, web, NOW).metadata["versionId"] == last
    assert web.asked == [at.log, at.witness]
    assert resolve_log(data, NOW, witness=approved).metadata["versionId"] == last
    del web.files[at.witness]
    refused(Unverifiable, "webvh_witness_file_missing", "invalidDid", lambda: resolve(did, web, NOW))
    web.files[at.witness] = b"[]"
    refused(Unverifiable, "webvh_unwitnessed", "invalidDid", lambda: resolve(did, web, NOW))


def test_a_deactivated_did_has_no_document_and_no_keys() -> None:
    standing = webvh.resolve(format_log(LOG), DID, NOW).standings[-1]
    log = [*LOG, next_line(standing, TWO, NOW, deactivated=True, update_keys=[])]
    web = Web({f"{AT}did.jsonl": format_log(log)})
    found = resolve(DID, web, NOW)
    assert found.document is None
    assert found.metadata["deactivated"] is True
    assert found.result()["didDocument"] is None
    kid = f"{DID}#{multibase_of(TWO.public)}"
    told = refused(Unverifiable, "did_deactivated", "invalidDid", lambda: resolver(web, NOW)(kid, "assertionMethod"))
    assert told["didDocumentMetadata"] == {"deactivated": True}
    assert resolve(f"{DID}?versionNumber=2", web, NOW).document is not None


def test_a_key_that_was_rotated_away_is_no_longer_found() -> None:
    keys = resolver(Web(WEB), NOW)
    assert keys(f"{DID}#{multibase_of(TWO.public)}", "assertionMethod") == TWO.public
    gone = f"{DID}#{multibase_of(ONE.public)}"
    refused(Unverifiable, "did_key_unknown", "notFound", lambda: keys(gone, "assertionMethod"))


def test_whoever_looks_up_many_keys_of_one_did_fetches_it_once() -> None:
    keys = resolver(web := Web(WEB), NOW)
    for _ in range(3):
        assert keys(f"{DID}#{multibase_of(TWO.public)}", "assertionMethod") == TWO.public
    assert len(web.asked) == len(set(web.asked))


def test_what_cannot_be_fetched_is_told_as_it_is() -> None:
    with serving(reply(b"", "500 Oops")) as server:
        did = f"did:web:outside.test%3A{server.port}"
        fetch = Fetcher(server.allowed(), look_up=server.look_up)
        refused(Unavailable, "fetch_failed", "internalError", lambda: resolve(did, fetch, NOW))
        refused(
            Malformed,
            "fetch_address_denied",
            "internalError",
            lambda: resolve(did, Fetcher(look_up=server.look_up), NOW),
        )
    refused(
        Malformed, "fetch_url_malformed", "internalError", lambda: resolve("did:web:a.example%3A22", Fetcher(), NOW)
    )


def test_a_did_is_resolved_from_a_server_the_operator_allows() -> None:
    files: dict[str, bytes] = {}
    with serving(files) as server:
        log = log_of("outside.test", port=server.port, witness=Witness(1, (did_of(SEER.public),)))
        did, last = str(log[0]["state"]["id"]), str(log[1]["versionId"])
        files["/org/a/did.jsonl"] = format_log(log)
        proof = webvh.sign_witness_proof(SEER, last, NOW)
        files["/org/a/did-witness.json"] = webvh.format_witness_file([{"versionId": last, "proof": [proof]}])
        fetch = Fetcher(server.allowed(), look_up=server.look_up)
        assert resolve(did, fetch, NOW).metadata["versionId"] == last
        kid = f"{did}#{multibase_of(TWO.public)}"
        assert resolver(fetch, NOW)(kid, "assertionMethod") == TWO.public
    assert len(server.requests) == 4


def test_every_code_has_a_name() -> None:
    names = {"invalidDid", "invalidDidDocument", "invalidDidUrl", "invalidOptions", "notFound", "methodNotSupported"}
    names |= {
        "featureNotSupported",
        "internalError",
        "unsupportedPublicKeyType",
        "invalidPublicKey",
        "invalidPublicKeyLength",
    }
    kinds: dict[str, type[Problem]] = {one.family: one for one in (Malformed, Unverifiable, Absent, Unavailable)}
    told = {error_of(kinds[one.family](one.code)) for one in CATALOGUE.values() if one.family in kinds}
    assert told == names
