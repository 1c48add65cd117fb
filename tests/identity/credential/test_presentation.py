"""Presentations: a holder shows credentials to one verifier, once; and what others try with what they have seen."""

from __future__ import annotations

from typing import Any

import pytest

from identity.credential.envelope import wrap
from identity.credential.presentation import (
    CREDENTIALS_MAX,
    LIFETIME_S,
    Shown,
    open_presentation,
    present,
    present_jwt,
)
from identity.credential.secured import Opened, issue, issue_jwt, resolve_did_key
from identity.did import did_of
from identity.proof import sign_proof
from tests.identity.credential.house import ASSESSOR, FACTORY, HARDWARE, NOW, credential, method, refusal

CHALLENGE, DOMAIN = "7f1c0a52", "bank.example"
PROVEN = issue(credential(), ASSESSOR, method(ASSESSOR), NOW)
SEALED = issue_jwt(credential(), ASSESSOR, method(ASSESSOR))
WHAT = Opened(credential(), did_of(ASSESSOR.public), method(ASSESSOR))
HOLDER = method(FACTORY)


def opening(secured: Any, challenge: str | None = CHALLENGE, domain: str | None = DOMAIN, now: int = NOW) -> Shown:
    return open_presentation(secured, resolve_did_key, now, challenge, domain)


def by_proof(*credentials: Any, **changes: Any) -> dict[str, Any]:
    said = {"challenge": CHALLENGE, "domain": DOMAIN} | changes
    return present(credentials or (PROVEN, SEALED), FACTORY, HOLDER, NOW, **said)


def test_with_a_proof_within_it_shows_credentials_of_either_sort() -> None:
    assert opening(by_proof()) == Shown(did_of(FACTORY.public), HOLDER, (WHAT, WHAT))


@pytest.mark.parametrize("key", [FACTORY, HARDWARE], ids=["Ed25519", "ES256"])
def test_as_a_jwt_it_shows_credentials_in_envelopes(key: Any) -> None:
    sealed = present_jwt([SEALED, wrap(SEALED, "vc")], key, method(key), NOW, CHALLENGE, DOMAIN)
    expected = Shown(did_of(key.public), method(key), (WHAT, WHAT))
    assert opening(sealed) == opening(wrap(sealed, "vp")) == expected


def test_a_jwt_holds_no_credential_with_a_proof_within() -> None:
    assert refusal(present_jwt, [PROVEN], FACTORY, HOLDER, NOW, CHALLENGE, DOMAIN) == (
        "presentation_malformed at /verifiableCredential/0"
    )


def test_it_answers_one_challenge_of_one_verifier_for_minutes() -> None:
    for shown in (by_proof(), present_jwt([SEALED], FACTORY, HOLDER, NOW, CHALLENGE, DOMAIN)):
        opening(shown, None, None)
        opening(shown, now=NOW + LIFETIME_S - 1)
        assert refusal(opening, shown, "other") == "presentation_challenge"
        assert refusal(opening, shown, CHALLENGE, "thief.example") == "presentation_domain"
        late = refusal(opening, shown, now=NOW + LIFETIME_S + 1)
        assert late in ("proof_expired at /proof/expires", "envelope_expired at /payload/exp")


def test_no_second_proof_answers_for_another() -> None:
    """Of two proofs by the holder, one made for somebody else lets nothing through that was not asked."""
    twice = sign_proof(by_proof(), FACTORY, HOLDER, NOW, "authentication", challenge="other", domain=DOMAIN)
    assert refusal(opening, twice) == "presentation_challenge"
    same = sign_proof(by_proof(), FACTORY, HOLDER, NOW + 1, "authentication", challenge=CHALLENGE, domain=DOMAIN)
    assert opening(same) == opening(by_proof())


def without(document: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in names}


@pytest.mark.parametrize(
    ("secured", "code"),
    [
        (without(by_proof(), "proof"), "credential_unsecured at /proof"),
        (by_proof() | {"holder": did_of(ASSESSOR.public)}, "credential_key_other at /proof/verificationMethod"),
        (by_proof() | {"verifiableCredential": [SEALED]}, "credential_malformed at /verifiableCredential/0"),
        (by_proof() | {"verifiableCredential": [PROVEN]}, "proof_invalid at /proof/proofValue"),
        (by_proof(credential()), "credential_unsecured at /verifiableCredential/0/proof"),
        (
            by_proof(PROVEN, PROVEN | {"name": "x"}),
            "proof_invalid at /verifiableCredential/1/proof/proofValue",
        ),
        (by_proof(domain=["a", 1]), "presentation_malformed at /proof/domain"),
        (by_proof(domain=[DOMAIN, "thief.example"]), "presentation_domain"),
        (PROVEN, "credential_malformed at /type"),
        (SEALED, "envelope_malformed at /header/typ"),
    ],
)
def test_what_the_holder_did_not_sign_does_not_open(secured: Any, code: str) -> None:
    assert refusal(opening, secured) == code


def test_a_credential_s_own_proof_is_none_of_a_presentation() -> None:
    """Purposes differ: what was signed to assert cannot be shown as signed to authenticate."""
    document = without(by_proof(), "proof")
    asserted = sign_proof(document, FACTORY, HOLDER, NOW, challenge=CHALLENGE, domain=DOMAIN)
    assert refusal(opening, asserted) == "proof_purpose_other at /proof/proofPurpose"


def test_who_signs_holds_it_where_no_holder_is_named() -> None:
    document = without(by_proof(), "proof", "holder")
    shown = sign_proof(document, FACTORY, HOLDER, NOW, "authentication", challenge=CHALLENGE, domain=DOMAIN)
    assert opening(shown).holder == did_of(FACTORY.public)


def test_so_many_credentials_and_no_more() -> None:
    assert refusal(by_proof, *[SEALED] * (CREDENTIALS_MAX + 1)) == "presentation_malformed"
    document = without(by_proof(), "proof") | {"verifiableCredential": [wrap(SEALED, "vc")] * (CREDENTIALS_MAX + 1)}
    many = sign_proof(document, FACTORY, HOLDER, NOW, "authentication", challenge=CHALLENGE, domain=DOMAIN)
    assert refusal(opening, many) == "presentation_malformed at /verifiableCredential"
