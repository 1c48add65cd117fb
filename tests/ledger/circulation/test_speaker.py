"""Speakers: what is a key in a DID document, what is one place, whose witness counts, what a consent is over."""

from dataclasses import replace
from typing import Any

import pytest

import ledger.circulation.speaker
from identity.webvh import Standing, Witness, format_log, sign_witness_proof
from ledger.circulation.party import Party
from ledger.circulation.speaker import claimed, consent_message, keys_in, keys_named, location, speaking_keys
from ledger.errors import Malformed, Problem
from tests.cast import CAST, Play, charter
from tests.logs import HOST, Log, document, key_called, multikey

SCID = "QmfGEUAcMpzo25kF2Rhn8L5FAXysfGnkzjwdKoNPi615XQ"


@pytest.mark.parametrize(
    ("spelt", "place"),
    [
        ("acme.example", "acme.example"),
        ("ACME.example", "acme.example"),
        ("acme.example%3A8443", "acme.example%3A8443"),
        ("acme.example%3a8443", "acme.example%3A8443"),
        ("acme.example%3A443:org:acme", "acme.example:org:acme"),
        ("acme.example:%6Frg:acme", "acme.example:org:acme"),
        ("acme.example:org:Acme", "acme.example:org:Acme"),
    ],
)
def test_a_place_has_one_spelling(spelt: str, place: str) -> None:
    assert location(f"did:webvh:{SCID}:{spelt}") == place
    assert location(f"did:webvh:{SCID}:{place}") == place


@pytest.mark.parametrize(
    "lines",
    [
        *(None, [], [{}], [{"state": None}], [{"state": {}}], [{"state": {"id": 7}}]),
        *([{"state": {"id": did}}] for did in ("", "urn:x", "did:webvh", "did:webvh:x", "did:web:a.example")),
        [{"state": {"id": f"did:webvh:{SCID}:localhost"}}],
    ],
)
def test_lines_that_are_none_claim_nothing(lines: Any) -> None:
    assert claimed(lines) == []


def test_lines_claim_what_the_last_of_them_has() -> None:
    log = Log.begin("works", 1_760_000_000, portable=True).next(1_760_000_009, host="data.example")
    assert claimed(log.since(None)) == [
        ("did", log.did),
        ("scid", log.standing.scid),
        ("place", "data.example:org:works"),
    ]


def test_only_keys_that_are_named_by_themselves_under_the_did_are_keys() -> None:
    log = Log.begin("works", 1_760_000_000)
    did, key, other = log.did, multikey("works"), multikey("other")
    sound = {"id": f"{did}#{key}", "type": "Multikey", "controller": did, "publicKeyMultibase": key}
    odd: list[Any] = [
        sound | {"id": "#key-1"},
        sound | {"id": f"{did}#key-1"},
        sound | {"id": f"did:web:a.example#{key}"},
        sound | {"publicKeyMultibase": other},
        sound | {"type": "JsonWebKey2020"},
        {"id": f"{did}#{key}", "type": "Multikey"},
        "not a method",
        None,
    ]
    for method in odd:
        name = method["id"] if isinstance(method, dict) else method
        made = document(did, ["works"]) | {"verificationMethod": [method], "assertionMethod": [name]}
        assert keys_in(_with(log, made), "assertionMethod") == []
    for relation, methods in (([f"{did}#{key}"], [sound]), ([sound], [])):  # by its name, or in its place
        made = document(did, ["works"]) | {"verificationMethod": methods, "assertionMethod": relation}
        assert keys_in(_with(log, made), "assertionMethod") == [key]
    for relation in (None, "x", {}):
        assert keys_in(_with(log, document(did, ["works"]) | {"assertionMethod": relation}), "assertionMethod") == []


def test_a_key_for_sealing_signs_nothing_and_one_that_is_no_key_is_refused() -> None:
    log = Log.begin("works", 1_760_000_000)
    for key, sound in (("z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc", True), ("z6MkGarbage", False)):
        method = {"id": f"{log.did}#{key}", "type": "Multikey", "controller": log.did, "publicKeyMultibase": key}
        made = _with(log, document(log.did, []) | {"verificationMethod": [method], "assertionMethod": [method["id"]]})
        if sound:
            assert speaking_keys(made) == []
        else:
            with pytest.raises(Malformed):
                speaking_keys(made)


def _with(log: Log, made: dict[str, Any]) -> Standing:
    return replace(log.standing, document=made)


# -- witnesses ---------------------------------------------------------------------------------------------------


def test_admission_is_the_witness_proof_of_the_service_and_no_other_witness_is_spared() -> None:
    service, outside = CAST["service"], key_called("outside")
    play = Play()
    play.join_hosted("works", witness=Witness(1, (service.did,)))
    play.rotate("works", keys=["works-2"])
    both = Witness(2, (service.did, f"did:key:{multikey('outside')}"))
    draft = Log.begin("mill", play.seconds, witness=both)
    body = {"name": "Mill", **play.stated(draft)}
    no = play.refused("did_log_refused", "party.joined", by="mill", body=body, log=draft)
    assert no.detail is not None
    assert "webvh_unwitnessed" in no.detail
    version = draft.standing.version_id
    for proof in (sign_witness_proof(key_called("other"), version, play.seconds), {}):
        forged = body | {"witness": [{"versionId": version, "proof": [proof]}]}
        play.refused("did_log_refused", "party.joined", by="mill", body=forged, log=draft)
    proven = [{"versionId": version, "proof": [sign_witness_proof(outside, version, play.seconds)]}]
    for idle in ({"versionId": version, "proof": [{}]}, {"versionId": "9-z", "proof": proven[0]["proof"]}, proven[0]):
        no = play.refused(
            "did_log_refused", "party.joined", by="mill", body=body | {"witness": [*proven, idle]}, log=draft
        )
        assert "webvh_proof_idle" in (no.detail or "")
    play.act("party.joined", by="mill", body=body | {"witness": proven}, log=draft)
    further = draft.next(play.seconds, keys=["mill-2"])
    play.refused("did_log_refused", "party.rotated", by="mill", sub=play.party("mill"), body=play.stated(further))


def test_a_log_grows_no_longer_than_resolvers_read(monkeypatch: pytest.MonkeyPatch) -> None:
    play = Play()
    party = play.join_hosted("works")
    state = play.state(Party, party).log
    assert state is not None
    assert state["size"] == len(format_log(play.logs["works"].since(None)))
    play.rotate("works")
    further = play.logs["works"].next(play.seconds)
    size = len(format_log(further.since(None)))
    for most, outcome in ((size - 1, "did_log_too_long"), (size, None)):
        monkeypatch.setattr(ledger.circulation.speaker, "LOG_BYTES_MAX", most)
        ended = play.attempt("party.rotated", by="works", sub=party, body=play.stated(further), log=further)
        assert (ended.code if isinstance(ended, Problem) else None) == outcome


# -- one log, one party ------------------------------------------------------------------------------------------


def test_a_log_speaks_for_one_party_whatever_host_it_is_moved_to() -> None:
    """Whoever had the first keys could fork the log and join with it elsewhere."""
    play = Play()
    play.join_hosted("works", portable=True)
    forked = play.logs["works"].next(play.seconds, host="thief.example")
    body = {"name": "Works", "log": forked.since(None)}
    no = play.refused("did_taken", "party.joined", by="thief", body=body, log=forked, key="works")
    assert no.pointer == "/payload/body/log"
    play.rotate("works", keys=["works-2"])
    assert play.state(Party, play.party("works")).did == play.logs["works"].did


def test_several_lines_at_once_are_one_change_of_keys() -> None:
    play = Play()
    party = play.join_hosted("works")
    draft = play.logs["works"].next(play.seconds, keys=["desk"]).next(play.seconds, keys=["works-2"])
    play.act("party.rotated", by="works", sub=party, body=play.stated(draft), key="works-2")
    keys = [one["key"] for one in play.state(Party, party).keys]
    assert keys == [multikey("works"), multikey("works-2")]  # nobody ever signed with the one in between


def test_the_same_lines_are_not_taken_twice() -> None:
    play = Play()
    party = play.join_hosted("works")
    rotated = play.rotate("works", keys=["works", "works-2"])
    body = rotated.statement.claims.body
    no = play.refused("did_log_refused", "party.rotated", by="works", sub=party, body=body)
    assert no.detail is not None
    assert "webvh_version_gap" in no.detail


def test_a_document_says_to_which_keys_data_is_sealed() -> None:
    play = Play()
    party = play.join_hosted("works")
    assert play.state(Party, party).log is not None
    did, key = play.did("works"), "z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc"
    method = {"id": f"{did}#{key}", "type": "Multikey", "controller": did, "publicKeyMultibase": key}
    play.rotate("works", keyAgreement=[method])
    log = play.state(Party, party).log
    assert log is not None
    assert (log["keyAgreement"], log["entry"], log["before"], log["place"]) == ([key], 2, 1, None)


def test_a_place_under_the_ledgers_host_is_told_and_kept() -> None:
    play = Play(charter(didHost=HOST))
    party = play.join_hosted("works", portable=True)
    place = f"{HOST}:org:works"
    assert ("place", place) in set(play.state(Party, party).lookups())
    play.rotate("works", host="data.example")
    state = play.state(Party, party)
    assert state.log is not None
    assert (state.log["place"], state.places) == (None, [place])
    assert play.world.found("place", place) == party


# -- consent -----------------------------------------------------------------------------------------------------


def test_a_consent_is_for_one_party_one_did_and_one_ledger() -> None:
    play = Play()
    party, other = play.join("factory", "second")
    did = CAST["spare"].did
    assert consent_message("a", "b", "c") == b"cadastre/consent\na\nb\nc\n"
    sound = play.turned_to(party, "spare")
    wrong = [play.turned_to(other, "spare")["consent"], play.consent(party, CAST["stranger"].did, "spare")["consent"]]
    play.world.audience, audience = "elsewhere", play.world.audience
    wrong.append(play.consent(party, did, "spare")["consent"])
    play.world.audience = audience
    for consent in wrong:
        play.refused("consent_missing", "party.succeeded", by="factory", sub=party, body=sound | {"consent": consent})
    with pytest.raises(Problem, match="body_malformed"):
        play.act("party.succeeded", by="factory", sub=party, body={"did": did})
    play.act("party.succeeded", by="factory", sub=party, body=sound)


@pytest.mark.parametrize(
    "relation", [None, {}, [], 7, {"id": None}, {"type": "Multikey", "publicKeyMultibase": "z6Mk"}]
)
@pytest.mark.parametrize("purpose", ["assertionMethod", "keyAgreement"])
def test_a_method_without_a_name_is_nobodys_key(purpose: str, relation: Any) -> None:
    key = multikey("works")
    odd = {"type": "Multikey", "publicKeyMultibase": key}
    for methods in ([odd], [odd | {"id": None}], [odd | {"id": [key]}], [relation]):
        document = {"verificationMethod": methods, purpose: [relation, odd, None]}
        assert keys_named("did:webvh:x:y", document, purpose) == []
