"""Credentials that a ledger has on record: it is asked for each that is shown, however it is laid out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from identity.canonical import b64decode, b64encode
from identity.credential.envelope import wrap
from identity.did import did_of
from identity.keys import read_key, twin
from ledger.circulation.credential import digest_of
from tests.scripts.house import Hands, run

BODY: dict[str, Any] = {
    "@context": ["https://www.w3.org/ns/credentials/v2", "https://www.w3.org/ns/credentials/undefined-terms/v2"],
    "type": ["VerifiableCredential", "FactoryAccreditation"],
}
UNSEEN = "cannot learn that it was revoked"


@pytest.fixture(scope="module")
def joined(hands: Hands) -> Hands:
    for name in ("assessor", "works", "rival"):
        hands.join(name)
    made = run("key", "new", hands.room / "bureau.key", "--type", "p256", home=hands.home)
    assert made.exit_code == 0, made.output
    hands.join("bureau")
    return hands


def did(hands: Hands, name: str) -> str:
    return did_of(read_key(hands.key(name)).public)


def issued(hands: Hands, name: str, *more: str, by: str = "assessor", **changes: Any) -> Path:
    """A credential without a place in a status list, in a file."""
    body, out = hands.room / f"{name}.json", hands.room / f"{name}.vc"
    body.write_bytes(orjson.dumps(BODY | {"name": name, "credentialSubject": {"id": did(hands, "works")}} | changes))
    hands.done("credential", "issue", "--body", body, "--out", out, *more, by=by)
    return out


def recorded(hands: Hands, file: Path, by: str = "assessor") -> str:
    return str(hands.json("credential", "record", file, by=by)["subject"])


def asked(hands: Hands, file: Path) -> tuple[str | Path, ...]:
    return ("credential", "verify", file, "--ledger", hands.url)


def laid_out(file: Path, name: str, said: Any) -> Path:
    """The same credential, as somebody else may lay it out."""
    other = file.with_name(f"{file.stem}.{name}")
    other.write_bytes(said.encode() if isinstance(said, str) else orjson.dumps(said))
    return other


def test_one_that_no_list_names_is_known_by_the_ledger_to_be_revoked_or_suspended(joined: Hands) -> None:
    file = issued(joined, "alone")
    credential = recorded(joined, file)
    told = joined.done(*asked(joined, file))
    index = joined.json("show", credential)["index"]
    assert f"  on record  active at house.example/ledger: {credential}, entry {index}\n" in told
    assert "  checked    signature, whose key it is, time, record\n" in told
    assert "not checked" not in told
    joined.done("credential", "suspend", credential, "--reason", "audit", by="assessor")
    said = joined.refused("credential_suspended", *asked(joined, file))
    index = joined.json("show", credential)["index"]
    assert f"{credential} (FactoryAccreditation), by entry {index} of house.example/ledger: audit\n" in said
    joined.done("credential", "reinstate", credential, by="assessor")
    joined.done(*asked(joined, file))
    joined.done("credential", "revoke", credential, by="assessor")
    said = joined.refused("credential_revoked", *asked(joined, file))
    index = joined.json("show", credential)["index"]
    assert said.startswith(f"disproven: credential_revoked: {credential} (FactoryAccreditation), by entry {index} of ")


def test_offline_it_is_said_that_nobody_was_asked_whether_it_was_revoked(joined: Hands) -> None:
    file = issued(joined, "offline")
    credential = recorded(joined, file)
    joined.done("credential", "revoke", credential, by="assessor")
    told = joined.done("credential", "verify", file)
    assert "  checked      signature, whose key it is, time\n" in told
    assert "  not checked  whether it was revoked: it names no list of revocations; a ledger may" in told
    assert joined.json("credential", "verify", file)["credentials"][0]["revocationAsked"] is False
    told = joined.done(*asked(joined, file), "--no-status")
    assert "  not checked  whether it was revoked: --no-status\n" in told


def test_where_nothing_is_on_record_that_is_said_and_what_others_recorded_is_nothing(joined: Hands) -> None:
    file = issued(joined, "unknown")
    rival = {"issuer": joined.json("show", did(joined, "rival"))["id"]}
    shown = joined.json("credential", "record", file, by="assessor")
    other = issued(joined, "other")
    body = {"holder": joined.json("show", did(joined, "works"))["id"], "type": "FactoryAccreditation", "validFrom": 0}
    digest = joined.json("credential", "record", other, by="assessor")["digest"]
    third = issued(joined, "third", by="works")
    stated = joined.room / "stated.json"
    stated.write_bytes(orjson.dumps(body | rival | {"digest": digest}))
    by_rival = joined.json("act", "credential.recorded", "--body", stated, by="rival")["subject"]
    joined.done("credential", "revoke", by_rival, by="rival")
    (one,) = joined.json(*asked(joined, other))["credentials"]
    assert (one["record"]["status"], one["revocationAsked"]) == ("active", True)
    (one,) = joined.json(*asked(joined, file))["credentials"]
    assert one["record"]["credential"] == shown["subject"]
    told = joined.done(*asked(joined, third))
    assert "  on record    not at house.example/ledger, as far as it shows\n" in told
    assert "  not checked  whether it was revoked: it names no list of revocations, and this ledger has no" in told
    (one,) = joined.json(*asked(joined, third))["credentials"]
    assert (one["record"], one["revocationAsked"]) == (None, False)
    stranger = issued(joined, "stranger", by="nobody")
    assert joined.json(*asked(joined, stranger))["credentials"][0]["record"] is None


def test_whoever_lays_it_out_otherwise_does_not_hide_that_it_was_revoked(joined: Hands) -> None:
    file = issued(joined, "varied")
    joined.done("credential", "revoke", recorded(joined, file), by="assessor")
    said = orjson.loads(file.read_bytes())
    foreign = {"type": "DataIntegrityProof", "cryptosuite": "of-others", "proofValue": "z1"}
    variants = {
        "listed": said | {"proof": [said["proof"]]},
        "beside": said | {"proof": [foreign, said["proof"]]},
        "contexts": said | {"@context": [*said["@context"], "https://example.com/more"]},
    }
    for name, variant in variants.items():
        joined.done("credential", "verify", laid_out(file, name, variant))
        joined.refused("credential_revoked", *asked(joined, laid_out(file, name, variant)))
    sealed = issued(joined, "sealed", "--jwt", by="bureau")
    joined.done("credential", "revoke", recorded(joined, sealed, by="bureau"), by="bureau")
    jwt = sealed.read_text().strip()
    text, _, signature = jwt.rpartition(".")
    other = f"{text}.{b64encode(twin(b64decode(signature)))}"
    assert other != jwt
    for name, variant in {"twin": other, "wrapped": wrap(jwt, "vc"), "both": wrap(other, "vc")}.items():
        joined.done("credential", "verify", laid_out(sealed, name, variant))
        joined.refused("credential_revoked", *asked(joined, laid_out(sealed, name, variant)))


def test_what_could_be_shown_otherwise_than_it_is_on_record_is_not_put_there(joined: Hands) -> None:
    file = issued(joined, "loose")
    said = orjson.loads(file.read_bytes())
    twice = joined.room / "loose.twice"
    signed = joined.run("credential", "issue", "--body", file, "--out", twice, by="assessor")
    assert "it had a proof, which stays beside this one: a ledger takes no credential with several" in signed.stderr
    foreign = {"type": "DataIntegrityProof", "cryptosuite": "of-others", "proofValue": "z1"}
    beside = laid_out(file, "foreign", said | {"proof": [said["proof"], foreign]})
    for several in (twice, beside):
        joined.done("credential", "verify", several)
        told = joined.refused("credential_proofs_several", "credential", "record", several, by="assessor")
        assert "it has 2 proofs, of which a holder can leave one out" in told
    more = laid_out(file, "more", said | {"@context": [*said["@context"], "https://example.com/more"]})
    joined.done("credential", "verify", more)
    joined.refused("credential_not_as_signed", "credential", "record", more, by="assessor")
    credential = recorded(joined, laid_out(file, "list", said | {"proof": [said["proof"]]}))
    joined.done("credential", "revoke", credential, by="assessor")
    for shown in (file, twice, beside, more):
        joined.refused("credential_revoked", *asked(joined, shown))


@pytest.mark.parametrize("sort", [[], ["--jwt"]])
def test_each_credential_of_a_presentation_is_asked_for(joined: Hands, sort: list[str]) -> None:
    name = "-".join(["shown", *sort])
    files = [issued(joined, f"{name}-{number}", *sort) for number in range(2)]
    held = [recorded(joined, file) for file in files]
    out = joined.room / f"{name}.vp"
    mine = ("--challenge", "c1", "--domain", "buyer.example")
    joined.done("credential", "present", *files, *mine, *sort, "--out", out, by="works")
    found = joined.json(*asked(joined, out), *mine)["credentials"]
    assert [one["record"]["credential"] for one in found] == held
    assert "not checked" not in joined.done(*asked(joined, out), *mine)
    assert "  not checked  that it was made for you: no --challenge was given\n" in joined.done(*asked(joined, out))
    joined.done("credential", "revoke", held[1], by="assessor")
    assert held[1] in joined.refused("credential_revoked", *asked(joined, out), *mine)


def test_one_that_is_over_by_the_record_is_over(joined: Hands) -> None:
    file = issued(joined, "short")  # with no end of its own
    parties = {"issuer": joined.json("show", did(joined, "assessor"))["id"]}
    parties["holder"] = joined.json("show", did(joined, "works"))["id"]
    body = {"type": "FactoryAccreditation", "digest": digest_of(orjson.loads(file.read_bytes())), "validFrom": 0}
    stated = joined.room / "short-stated.json"
    stated.write_bytes(orjson.dumps(parties | body | {"validUntil": 2_000_000_000}))
    joined.done("act", "credential.recorded", "--body", stated, by="assessor")
    joined.done(*asked(joined, file))
    said = joined.refused("credential_expired", *asked(joined, file), "--at", "2035-01-01")
    assert "at 2033-05-18T03:33:20Z, by entry " in said


def test_its_issuer_is_told_who_cannot_learn_of_a_revocation(joined: Hands) -> None:
    body, out = joined.room / "told.json", joined.room / "told.vc"
    body.write_bytes(orjson.dumps(BODY | {"credentialSubject": {"id": did(joined, "works")}}))
    issuing = ("credential", "issue", "--body", body)
    assert UNSEEN in joined.run(*issuing, "--out", out, by="assessor").stderr
    noted = joined.run("credential", "record", out, "--json", by="assessor")
    assert UNSEEN in orjson.loads(noted.stderr)["note"]
    credential = orjson.loads(noted.stdout)["subject"]
    assert UNSEEN in joined.run("credential", "revoke", credential, by="assessor").stderr
    status = joined.json("credential", "place", by="assessor")["credentialStatus"]
    body.write_bytes(
        orjson.dumps(BODY | {"credentialSubject": {"id": did(joined, "works")}, "credentialStatus": status})
    )
    placed = joined.room / "placed.vc"
    assert joined.run(*issuing, "--out", placed, by="assessor").stderr == ""
    assert joined.run("credential", "record", placed, by="assessor").stderr == ""


def test_a_holder_who_has_not_joined_is_named(joined: Hands) -> None:
    stranger = did(joined, "stranger")
    file = issued(joined, "for-a-stranger", credentialSubject={"id": stranger})
    told = joined.refused("party_absent", "credential", "record", file, by="assessor")
    assert told.startswith(f"refused: party_absent: {stranger} has not joined ")
