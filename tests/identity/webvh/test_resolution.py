"""Logs of five other implementations resolve as they say; versions, broken tails, deactivation, services, locations."""

import json
from typing import Any

import pytest

from identity.errors import Malformed, Problem, Unverifiable
from identity.webvh import location, parse_log, resolve, web_twin
from tests.identity.webvh.forge import (
    NAMES,
    NOW,
    PLACE,
    START,
    Line,
    did_of,
    document,
    first,
    hash_of,
    instant,
    scid_of,
    text,
    then,
)
from tests.shared import shared

SCENARIOS = ("basic-create", "basic-update", "key-rotation")
MAKERS = ("java", "java-eecc", "python", "rust", "ts")


def code_of(log: list[Line] | bytes, did: str, now: int = NOW, **asked: Any) -> str:
    with pytest.raises(Problem) as caught:
        resolve(log if isinstance(log, bytes) else text(log), did, now, **asked)
    return caught.value.code


# -- known answers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_log_of_another_implementation_resolves_as_it_says(scenario: str, maker: str) -> None:
    folder = shared(f"vectors/identity/did-webvh/{scenario}/{maker}")
    data, known = (folder / "did.jsonl").read_bytes(), json.loads((folder / "resolutionResult.json").read_bytes())
    document, metadata = known["didDocument"], known["didDocumentMetadata"]
    found = resolve(data, document["id"], NOW)
    assert found.document is not None
    assert {**found.document, "service": []} == {**document, "service": []}
    names = {one["id"].rpartition("#")[2] for one in found.document["service"]}
    assert names == {one["id"].rpartition("#")[2] for one in document.get("service", ())} | {"files", "whois"}
    same = {"versionId", "versionTime", "created", "updated", "scid", "portable", "deactivated"} & metadata.keys()
    assert {name: found.metadata[name] for name in same} == {name: metadata[name] for name in same}
    assert "versionId" in same
    seeds = {"basic-create": 0, "basic-update": 0, "key-rotation": 1}
    keys = ["z6MkjchhfUsD6mmvni8mCdXHw216Xrm9bQe2mBH1P5RDjVJG", "z6MknGc3ocHs3zdPiJbnaaqDi58NGb4pk1Sp9WxWufuXSdxf"]
    assert found.standings[-1].update_keys == (keys[seeds[scenario]],)
    assert [line["versionId"] for line in parse_log(data)] == [one.version_id for one in found.standings]


@pytest.mark.parametrize("maker", ["java", "python"])
def test_the_implied_services_are_those_of_others_to_the_letter(maker: str) -> None:
    folder = shared(f"vectors/identity/did-webvh/key-rotation/{maker}")
    known = json.loads((folder / "resolutionResult.json").read_bytes())["didDocument"]
    assert resolve((folder / "did.jsonl").read_bytes(), known["id"], NOW).document == known


def test_every_changed_letter_of_a_log_is_noticed() -> None:
    log = then(first({"ttl": 60}), {"updateKeys": [NAMES[1]]})
    data, did = text(log), did_of(log)
    whole = resolve(data, did, NOW)
    for at in range(0, len(data), 7):
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        try:
            found = resolve(changed, did, NOW)
        except Problem:
            continue
        assert found == whole, f"byte {at}"  # white space, or an escape of the same letter


# -- versions ----------------------------------------------------------------------------------------------------------


def history() -> list[Line]:
    log = first({"portable": False})
    for number in (2, 3):
        log = then(log, state=document(did_of(log), alsoKnownAs=[f"urn:{number}"]))
    return log


def test_each_version_is_found_by_id_number_and_time() -> None:
    log = history()
    for place, line in enumerate(log):
        state = line["state"]
        for asked in (
            {"version_id": line["versionId"]},
            {"version_number": place + 1},
            {"version_time": line["versionTime"]},
            {"version_time": instant(START + 60 * place + 59)},
        ):
            found = resolve(text(log), did_of(log), NOW, **asked)  # type: ignore[arg-type]
            assert found.document is not None
            assert {**state, "service": found.document["service"]} == found.document
            assert found.metadata["versionId"] == line["versionId"]
            assert (found.metadata["created"], found.metadata["updated"]) == (instant(START), instant(START + 120))


def test_a_version_that_there_is_not() -> None:
    log = history()
    for asked in (
        {"version_id": f"4{log[2]['versionId'][1:]}"},
        {"version_number": 4},
        {"version_number": 0},
        {"version_time": instant(START - 1)},
    ):
        assert code_of(log, did_of(log), **asked) == "webvh_version_absent"
    assert code_of(log, did_of(log), version_number=1, version_id=log[0]["versionId"]) == "webvh_asked_twice"
    assert code_of(log, did_of(log), version_time="yesterday") == "instant_malformed"


def test_what_stands_before_a_broken_entry_resolves_if_it_is_asked_for() -> None:
    log = history()
    tails = {
        "webvh_key_unauthorised": text(then(log, keys=[1])),
        "json_malformed": text(log) + b"{\n",
        "webvh_log_malformed": text(log) + b"[]\n",
    }
    for code, broken in tails.items():
        assert code_of(broken, did_of(log)) == code
        for place, line in enumerate(log):
            found = resolve(broken, did_of(log), NOW, version_id=line["versionId"])
            assert found.metadata["versionId"] == line["versionId"]
            assert found.metadata["updated"] == instant(START + 120)
            assert resolve(broken, did_of(log), NOW, version_number=place + 1).standings == found.standings
        assert code_of(broken, did_of(log), version_number=4) == code


def test_a_first_entry_that_is_broken_leaves_nothing() -> None:
    assert code_of(first(keys=[1]), "did:webvh:QmPEQVM1JPTyrvEgBcDXwjK4TeyLGSX1PxjgyeAisdWM1p:a.example") == (
        "webvh_key_unauthorised"
    )
    assert code_of(b"", did_of(first()), version_number=1) == "webvh_log_malformed"


def test_a_log_of_another_did_is_refused() -> None:
    log, other = first(), first({"ttl": 1})
    assert code_of(log, did_of(other)) == "webvh_other_did"
    assert code_of(log, did_of(log).replace("acme", "emca")) == "webvh_other_did"
    assert code_of(log, "did:web:ledger.example") == "did_method_unsupported"
    assert code_of(log, f"did:key:{NAMES[0]}") == "did_method_unsupported"
    assert code_of(log, "did:webvh:Qm:ledger.example") == "did_scid_malformed"


def test_a_did_that_moved_resolves_by_either_name() -> None:
    log = first({"portable": True})
    old = did_of(log)
    log = then(log, state=document(f"did:webvh:{scid_of(log)}:other.example", alsoKnownAs=[old]))
    for did in (old, did_of(log)):
        found = resolve(text(log), did, NOW)
        assert found.document is not None
        assert found.document["id"] == did_of(log)
        assert found.document["service"][0]["serviceEndpoint"] == "https://other.example/"
        assert found.metadata["portable"] is True


def test_a_deactivated_did_shows_its_document_only_as_a_version() -> None:
    log = then(first(), {"deactivated": True, "updateKeys": []})
    found = resolve(text(log), did_of(log), NOW)
    assert found.document is None
    assert found.metadata["deactivated"] is True
    for number in (1, 2):
        found = resolve(text(log), did_of(log), NOW, version_number=number)
        assert found.document is not None
        assert found.metadata["deactivated"] is True


def test_metadata_holds_no_numbers() -> None:
    log = first({"ttl": 60, "watchers": ["https://watcher.example/"], "nextKeyHashes": [hash_of(NAMES[1])]})
    found = resolve(text(log), did_of(log), NOW)
    assert found.metadata == {
        "versionId": log[0]["versionId"],
        "versionTime": instant(START),
        "created": instant(START),
        "updated": instant(START),
        "scid": scid_of(log),
        "portable": False,
        "deactivated": False,
        "ttl": "60",
        "witness": {},
        "watchers": ["https://watcher.example/"],
    }
    assert resolve(text(first()), did_of(first()), NOW).metadata["ttl"] == "3600"


# -- services and places -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("relative", [True, False])
def test_a_service_of_its_own_stands_for_the_implied_one(relative: bool) -> None:
    prefix = "" if relative else f"did:webvh:{{SCID}}:{PLACE}"
    own = {"id": f"{prefix}#files", "type": "relativeRef", "serviceEndpoint": "https://files.example/"}
    log = first(state=document(f"did:webvh:{{SCID}}:{PLACE}", service=[own]))
    found = resolve(text(log), did_of(log), NOW).document
    assert found is not None
    assert found["service"] == [
        log[0]["state"]["service"][0],
        {
            "@context": "https://identity.foundation/linked-vp/contexts/v1",
            "id": f"{did_of(log)}#whois",
            "type": "LinkedVerifiablePresentation",
            "serviceEndpoint": "https://ledger.example/org/acme/whois.vp",
        },
    ]


def test_a_service_may_have_any_id_or_none() -> None:
    odd = [{"id": ["#files"]}, {"id": {}}, {"type": "x"}]
    log = first(state=document(f"did:webvh:{{SCID}}:{PLACE}", service=odd))
    found = resolve(text(log), did_of(log), NOW).document
    assert found is not None
    assert found["service"][:3] == odd
    assert len(found["service"]) == 5


SCID = "QmPEQVM1JPTyrvEgBcDXwjK4TeyLGSX1PxjgyeAisdWM1p"
LOCATIONS = {  # the examples of the specification
    "example.com": "https://example.com/.well-known/",
    "issuer.example.com": "https://issuer.example.com/.well-known/",
    "example.com:dids:issuer": "https://example.com/dids/issuer/",
    "example.com%3A3000:dids:issuer": "https://example.com:3000/dids/issuer/",
    "jp%E7%B4%8D%E8%B1%86.%E4%BE%8B.jp:%E7%94%A8%E6%88%B7": "https://xn--jp-cd2fp15c.xn--fsq.jp/%E7%94%A8%E6%88%B7/",
}


@pytest.mark.parametrize(("place", "folder"), LOCATIONS.items())
def test_where_a_log_is_and_its_did_web(place: str, folder: str) -> None:
    found = location(f"did:webvh:{SCID}:{place}")
    assert found == (f"{folder}did.jsonl", f"{folder}did-witness.json", f"did:web:{place}")


def test_a_location_is_of_a_did_webvh() -> None:
    with pytest.raises(Malformed, match="did_method_unsupported"):
        location(f"did:key:{NAMES[0]}")


def test_the_did_web_of_the_same_place() -> None:
    did = f"did:webvh:{{SCID}}:{PLACE}"
    web = f"did:web:{PLACE}"
    log = first(state=document(did, alsoKnownAs=[web, "urn:x"], controller=did, assertionMethod=[{"id": f"{did}#k"}]))
    twin = web_twin(log[0]["state"])
    assert (twin["id"], twin["controller"]) == (web, web)
    assert twin["alsoKnownAs"] == ["urn:x", did_of(log)]
    assert twin["assertionMethod"] == [{"id": f"{web}#k"}]
    assert [one["id"] for one in twin["service"]] == [f"{web}#files", f"{web}#whois"]
    plain = web_twin(first()[0]["state"])
    assert plain["alsoKnownAs"] == [did_of(first())]


def test_errors_are_of_one_tree() -> None:
    for data in (b"", b"\xff", b"[]", b"{}", b"null\n", b"{}\n{}", b"[" * 100_000):
        with pytest.raises((Malformed, Unverifiable)):
            resolve(data, did_of(first()), NOW)
