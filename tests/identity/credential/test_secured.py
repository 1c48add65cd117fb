"""Credentials issued and opened, with a proof within or as a JWT, and everybody who tries without being the issuer."""

from __future__ import annotations

from typing import Any

import pytest

from identity.credential.envelope import wrap
from identity.credential.form import read
from identity.credential.secured import (
    PROOFS_MAX,
    Opened,
    issue,
    issue_jwt,
    open_credential,
    resolve_did_key,
)
from identity.did import did_of
from identity.errors import Unverifiable
from identity.keys import PublicKey, SigningKey
from identity.proof import make_proof, sign_proof
from tests.identity.credential.house import ASSESSOR, FACTORY, HARDWARE, NOW, credential, method, refusal
from tests.shared import shared


def opening(secured: Any, now: int = NOW) -> Opened:
    return open_credential(secured, resolve_did_key, now)


def test_what_is_issued_opens_to_what_was_said_by_whom_with_which_key() -> None:
    said = credential()
    proven = issue(said, ASSESSOR, method(ASSESSOR), NOW)
    assert opening(proven) == Opened(said, did_of(ASSESSOR.public), method(ASSESSOR))
    assert {name: value for name, value in proven.items() if name != "proof"} == said
    assert proven["proof"]["created"] == "2026-09-21T14:13:20Z"


@pytest.mark.parametrize("key", [ASSESSOR, HARDWARE], ids=["Ed25519", "ES256"])
def test_in_an_envelope_and_as_the_object_that_stands_for_it(key: SigningKey) -> None:
    said = credential(key)
    jwt = issue_jwt(said, key, method(key))
    assert opening(jwt) == opening(wrap(jwt, "vc")) == Opened(said, did_of(key.public), method(key))


def test_an_issuer_may_be_an_object() -> None:
    said = credential(issuer={"id": did_of(ASSESSOR.public), "name": "Assessor"})
    assert opening(issue(said, ASSESSOR, method(ASSESSOR), NOW)).issuer == did_of(ASSESSOR.public)


def test_only_what_is_well_formed_and_one_s_own_is_issued() -> None:
    mine = method(ASSESSOR)
    assert refusal(issue, credential(FACTORY), ASSESSOR, mine, NOW) == "credential_key_other at /issuer"
    assert refusal(issue, credential(type="x"), ASSESSOR, mine, NOW) == "credential_malformed at /type"
    late = credential(validFrom="2026-09-01T00:00:00")
    assert refusal(issue_jwt, late, ASSESSOR, mine) == "credential_malformed at /validFrom"
    wrong = credential(credentialStatus={"type": "BitstringStatusListEntry"})
    assert refusal(issue_jwt, wrong, ASSESSOR, mine) == (
        "credential_malformed at /credentialStatus/statusListCredential"
    )
    assert refusal(issue, credential(HARDWARE), HARDWARE, method(HARDWARE), NOW) == "proof_key_unfit"
    proven = issue(credential(), ASSESSOR, mine, NOW)
    assert refusal(issue_jwt, proven, ASSESSOR, mine) == "credential_malformed at /proof"


@pytest.mark.parametrize(
    ("changes", "at", "code"),
    [
        ({"validFrom": "2026-09-21T14:13:20Z"}, NOW - 1, "credential_early at /validFrom"),
        ({"validFrom": "2026-09-21T14:13:20Z"}, NOW, None),
        ({"validUntil": "2026-09-21T14:13:20Z"}, NOW, None),
        ({"validUntil": "2026-09-21T14:13:20Z"}, NOW + 1, "credential_expired at /validUntil"),
        ({"validFrom": ...}, 0, None),
    ],
)
def test_a_credential_holds_from_its_first_second_to_its_last(changes: dict[str, Any], at: int, code: str) -> None:
    for secured in (
        issue(credential(**changes), ASSESSOR, method(ASSESSOR), NOW),
        issue_jwt(credential(**changes), ASSESSOR, method(ASSESSOR)),
    ):
        if code is None:
            opening(secured, at)
        else:
            assert refusal(opening, secured, at) == code


def changed(**changes: Any) -> dict[str, Any]:
    return issue(credential(), ASSESSOR, method(ASSESSOR), NOW) | changes


def with_proof(**changes: Any) -> dict[str, Any]:
    proven = changed()
    return proven | {"proof": {k: v for k, v in (proven["proof"] | changes).items() if v is not ...}}


def forged() -> dict[str, Any]:
    """Said in the assessor's name, signed by the factory with its own key."""
    said = credential()
    return said | {"proof": make_proof(said, FACTORY, method(FACTORY), NOW)}


def borrowed() -> dict[str, Any]:
    """Signed by the factory, under the assessor's key."""
    said = credential()
    return said | {"proof": make_proof(said, FACTORY, method(ASSESSOR), NOW)}


@pytest.mark.parametrize(
    ("secured", "code"),
    [
        (credential(), "credential_unsecured at /proof"),
        (changed(proof=[]), "credential_malformed at /proof"),
        (changed(proof=None), "credential_malformed at /proof"),
        (changed(proof=["x"]), "credential_malformed at /proof/0"),
        (changed(name="renamed"), "proof_invalid at /proof/proofValue"),
        (changed(issuer=did_of(FACTORY.public)), "credential_key_other at /proof/verificationMethod"),
        (forged(), "credential_key_other at /proof/verificationMethod"),
        (borrowed(), "proof_invalid at /proof/proofValue"),
        (with_proof(proofPurpose="authentication"), "proof_purpose_other at /proof/proofPurpose"),
        (with_proof(cryptosuite="eddsa-rdfc-2022"), "proof_suite_unsupported at /proof"),
        (with_proof(previousProof="urn:uuid:1"), "proof_suite_unsupported at /proof"),
        (with_proof(verificationMethod="did:key:z6Mk"), "did_url_malformed at /proof"),
        (with_proof(verificationMethod=did_of(ASSESSOR.public) + "#x"), "did_key_unknown at /proof"),
        (with_proof(verificationMethod=...), "data_proof_malformed at /proof/verificationMethod"),
        (with_proof(proofValue="z1"), "data_proof_malformed at /proof/proofValue"),
        (with_proof(expires="2026-01-01T00:00:00Z"), "proof_expired at /proof/expires"),
    ],
)
def test_what_the_issuer_did_not_sign_does_not_open(secured: dict[str, Any], code: str) -> None:
    assert refusal(opening, secured) == code


def test_every_proof_of_the_suite_counts_and_others_are_passed_over() -> None:
    once = changed()
    other = {"type": "DataIntegrityProof", "cryptosuite": "eddsa-rdfc-2022", "proofValue": "z1"}
    twice = sign_proof(once, ASSESSOR, method(ASSESSOR), NOW + 1)
    assert opening(twice | {"proof": [other, *twice["proof"]]}).document == credential()
    by_another = sign_proof(once, FACTORY, method(FACTORY), NOW)
    assert refusal(opening, by_another) == "credential_key_other at /proof/1/verificationMethod"
    many = once | {"proof": [once["proof"]] * (PROOFS_MAX + 1)}
    assert refusal(opening, many) == "credential_malformed at /proof"


def test_contexts_that_were_added_after_signing_are_not_what_was_said() -> None:
    """The cryptosuite lets them pass (section 3.3.2, step 4); they are taken off again."""
    more = [*credential()["@context"], "https://evil.example/terms/v1"]
    assert opening(changed(**{"@context": more})).document == credential()
    added = sign_proof(changed(**{"@context": more}), ASSESSOR, method(ASSESSOR), NOW)
    assert refusal(opening, added) == "credential_malformed at /proof"
    assert refusal(opening, changed(**{"@context": more[:1]})) == "credential_term at /type"
    fewer = issue(credential(**{"@context": more}), ASSESSOR, method(ASSESSOR), NOW) | {"@context": more[:2]}
    assert refusal(opening, fewer) == "proof_context_other at /proof/@context"


def test_keys_are_found_by_whoever_opens_and_for_a_purpose() -> None:
    """A did:web says nothing here of its keys: that is the resolver's, which may also know that one was retired."""
    named = "did:web:works.example#2026"
    proven = issue(credential(issuer="did:web:works.example"), ASSESSOR, named, NOW)
    assert refusal(opening, proven) == "did_method_unsupported at /proof"

    asked = []

    def resolve(did_url: str, purpose: str) -> PublicKey:
        asked.append((did_url, purpose))
        if len(asked) > 1:
            raise Unverifiable("did_key_unknown", did_url)
        return ASSESSOR.public

    assert open_credential(proven, resolve, NOW).method == named
    assert asked == [(named, "assertionMethod")]
    assert refusal(open_credential, proven, resolve, NOW) == "did_key_unknown at /proof"


def test_the_signed_example_of_the_cryptosuite_is_not_by_the_issuer_it_names() -> None:
    """Its proof is right (tests/identity/test_proof.py); but its key is no key of https://vc.example/issuers/5678."""
    example = read((shared("vectors/identity/eddsa-jcs-2022") / "signedJCS.json").read_bytes())
    assert refusal(opening, example) == "credential_key_other at /proof/verificationMethod"
    assert opening(resigned(example)).document["name"] == "Alumni Credential"


def resigned(example: dict[str, Any]) -> dict[str, Any]:
    said = {name: value for name, value in example.items() if name != "proof"}
    return issue(said | {"issuer": did_of(ASSESSOR.public)}, ASSESSOR, method(ASSESSOR), NOW)
