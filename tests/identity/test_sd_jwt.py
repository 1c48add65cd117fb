"""An implementation of SD-JWT (RFC 9901) that is not ours reads what we hide, and refuses what was tampered with.

It is the reference implementation of the working group (``sd-jwt``), which verifies signatures by ``jwcrypto``.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jwcrypto.jwk import JWK
from jwcrypto.jws import InvalidJWSSignature
from sd_jwt.verifier import SDJWTVerifier

from identity.canonical import b64decode, b64encode
from identity.disclosure import hide, join, show, split
from identity.errors import Malformed
from identity.keys import PublicKey
from tests.cast import CAST, Play, money
from tests.shared import shared

VALUES = {"name": CAST["factory"].legal, "contact": {"email": "hello@factory.example", "phone": "+49 711 0000000"}}
SIGNERS = ["factory", "partner"]  # Ed25519, ES256


def verified(sent: bytes, key: PublicKey) -> Any:
    """What the other implementation takes a statement and its disclosures to say."""
    if key.alg == "Ed25519":
        known: Any = Ed25519PublicKey.from_public_bytes(key.raw)
    else:
        known = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), key.raw)
    return SDJWTVerifier(sent.decode(), lambda *_, **__: JWK.from_pyca(known)).get_verified_payload()


def joined(by: str) -> bytes:
    return Play().sign("party.joined", by=by, body=VALUES, private=["name", "contact"])


@pytest.mark.parametrize("by", SIGNERS)
def test_it_verifies_a_statement_and_shows_its_values(by: str) -> None:
    claims = verified(joined(by), CAST[by].key.public)
    assert claims["body"] == {"name": {"value": VALUES["name"]}, "contact": {"value": VALUES["contact"]}}
    assert claims["iss"] == CAST[by].did


def test_it_finds_values_in_the_depth_of_a_body() -> None:
    play = Play()
    play.join("factory", "partner")
    offer = play.offer("factory", play.register("factory"))
    play.request("partner", offer, price=money(1_250_000), private=["terms.price"])
    claims = verified(play.entries[-1].sent, CAST["partner"].key.public)
    assert claims["body"]["terms"]["price"] == {"value": money(1_250_000)}
    assert claims["body"]["terms"]["policy"] == play.entries[-1].statement.claims.body["terms"]["policy"]


@pytest.mark.parametrize("by", SIGNERS)
def test_what_is_withheld_stays_so_and_the_signature_holds(by: str) -> None:
    compact, (first, _) = split(joined(by))
    assert verified(join(compact, [first]), CAST[by].key.public)["body"] == {
        "name": {"value": VALUES["name"]},
        "contact": {},
    }
    assert verified(compact + b"~", CAST[by].key.public)["body"] == {"name": {}, "contact": {}}


@pytest.mark.parametrize("by", SIGNERS)
def test_a_forged_value_is_not_shown(by: str) -> None:
    compact, (first, second) = split(joined(by))
    forged = hide("Somebody Else", b"\7" * 16)[1]
    assert show(forged) == "Somebody Else"
    claims = verified(join(compact, [forged, second]), CAST[by].key.public)  # it leaves out what fits no digest
    assert claims["body"] == {"name": {}, "contact": {"value": VALUES["contact"]}}
    with pytest.raises(Exception, match="Duplicate"):
        verified(join(compact, [first, first]), CAST[by].key.public)


@pytest.mark.parametrize("by", SIGNERS)
def test_a_forged_statement_is_refused(by: str) -> None:
    sent = joined(by)
    header, payload, rest = sent.split(b".", 2)
    renamed = b64decode(payload.decode()).replace(b"party.joined", b"party.failed")
    forged = b".".join((header, b64encode(renamed).encode(), rest))
    with pytest.raises(InvalidJWSSignature):
        verified(forged, CAST[by].key.public)


def test_a_statement_of_another_key_is_refused() -> None:
    with pytest.raises(InvalidJWSSignature):
        verified(joined("factory"), CAST["second"].key.public)


def test_the_sd_jwts_of_rfc_9901_come_apart_as_it_says() -> None:
    known = json.loads(shared("vectors/identity/sd-jwt/rfc9901_examples.json").read_bytes())
    issued = [one for one in known["examples"] if "issued_sd_jwt" in one]
    assert len(issued) == 3
    for one in issued:
        compact, texts = split(one["issued_sd_jwt"].encode())
        assert sorted(texts) == sorted(each["disclosure"] for each in one["disclosures"])
        assert compact.decode() == one.get("issuer_signed_jwt", one["issued_sd_jwt"].partition("~")[0])
        assert join(compact, texts).decode() == one["issued_sd_jwt"]


def test_presentations_of_rfc_9901_that_are_bound_to_a_key_are_none_of_ours() -> None:
    known = json.loads(shared("vectors/identity/sd-jwt/rfc9901_examples.json").read_bytes())
    shown = [one["presentation"].encode() for one in known["examples"] if "presentation" in one]
    bound = [one for one in shown if not one.endswith(b"~")]
    assert len(shown) == 5
    assert len(bound) == 3
    for one in bound:
        with pytest.raises(Malformed) as refused:
            split(one)
        assert refused.value.code == "disclosures_malformed"
    for one in shown:
        compact, texts = split(one[: one.rindex(b"~") + 1])
        assert join(compact, texts) == one[: one.rindex(b"~") + 1]
