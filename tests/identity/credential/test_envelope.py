"""JWTs around credentials: one header, a few claims beside the document, and everything else that a JWT can say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from joserfc import jws as independent
from joserfc.jwk import ECKey, OKPKey

from identity.canonical import b64decode, b64encode
from identity.credential.envelope import SKEW_S, unwrap, wrap
from identity.credential.secured import issue_jwt, open_credential, resolve_did_key
from identity.did import did_of, multibase_of
from identity.keys import SigningKey
from tests.identity.credential.house import ASSESSOR, FACTORY, HARDWARE, NOW, credential, method, refusal


def jwt(key: SigningKey = ASSESSOR, header: dict[str, Any] | None = None, **changes: Any) -> str:
    """A JWT signed by ``key`` whose header and claims are changed; ``...`` leaves a member out."""
    head = {"alg": key.alg, "cty": "vc", "kid": method(ASSESSOR), "typ": "vc+jwt"} | (header or {})
    claims = credential() | changes
    parts = ({name: value for name, value in part.items() if value is not ...} for part in (head, claims))
    text = ".".join(b64encode(json.dumps(part).encode()) for part in parts)
    return f"{text}.{b64encode(key.sign(text.encode()))}"


def opened(sealed: str) -> dict[str, Any]:
    return open_credential(sealed, resolve_did_key, NOW).document


def code(sealed: str) -> str:
    return refusal(opened, sealed)


def test_the_header_is_that_of_the_recommendation() -> None:
    header, payload, _ = issue_jwt(credential(), ASSESSOR, method(ASSESSOR)).split(".")
    assert json.loads(b64decode(header)) == {
        "alg": "Ed25519",
        "cty": "vc",
        "kid": method(ASSESSOR),
        "typ": "vc+jwt",
    }
    assert json.loads(b64decode(payload)) == credential()


@pytest.mark.parametrize("key", [ASSESSOR, HARDWARE], ids=["Ed25519", "ES256"])
def test_a_library_that_is_not_ours_verifies_it(key: SigningKey) -> None:
    if key.alg == "Ed25519":
        public: Any = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": b64encode(key.public.raw)})
    else:
        public = ECKey.import_key(_jwk(key))
    sealed = issue_jwt(credential(key), key, method(key))
    assert json.loads(independent.deserialize_compact(sealed, public, algorithms=[key.alg]).payload) == credential(key)


def test_any_spelling_is_read_and_claims_of_the_jwt_are_no_part_of_the_document() -> None:
    assert opened(jwt(header={"cty": ..., "jku": "https://evil.example", "jwk": {}})) == credential()
    assert opened(jwt(header={"alg": "EdDSA"})) == credential()
    beside = {
        "iss": did_of(ASSESSOR.public),
        "sub": did_of(FACTORY.public),
        "jti": "y",
        "iat": NOW + SKEW_S,
        "exp": NOW + 1,
        "aud": [],
    }
    assert opened(jwt(**beside)) == credential()


@pytest.mark.parametrize(
    ("header", "refused"),
    [
        ({"typ": ...}, "envelope_malformed at /header/typ"),
        ({"typ": "JWT"}, "envelope_malformed at /header/typ"),
        ({"typ": "vp+jwt"}, "envelope_malformed at /header/typ"),
        ({"typ": "cadastre+jwt"}, "envelope_malformed at /header/typ"),
        ({"cty": "vp"}, "envelope_malformed at /header/typ"),
        ({"crit": ["b64"], "b64": False}, "envelope_malformed at /header/crit"),
        ({"kid": ...}, "envelope_malformed at /header/kid"),
        ({"kid": "#z6Mk"}, "did_malformed"),
        ({"kid": method(FACTORY)}, "credential_key_other at /header/kid"),
        ({"alg": "none"}, "envelope_alg at /header/alg"),
        ({"alg": "HS256"}, "envelope_alg at /header/alg"),
        ({"alg": ["Ed25519"]}, "envelope_alg at /header/alg"),
        ({"alg": "ES256"}, "envelope_key_unfit at /header/alg"),
    ],
)
def test_other_headers_are_refused(header: dict[str, Any], refused: str) -> None:
    assert code(jwt(header=header)) == refused


@pytest.mark.parametrize(
    ("claims", "refused"),
    [
        ({"vc": {}}, "envelope_claim at /payload/vc"),
        ({"vp": None}, "envelope_claim at /payload/vp"),
        ({"iss": did_of(FACTORY.public)}, "envelope_claim at /payload/iss"),
        ({"sub": "did:example:another"}, "envelope_claim at /payload/sub"),
        ({"sub": [did_of(FACTORY.public)]}, "envelope_claim at /payload/sub"),
        ({"id": "urn:uuid:1", "jti": "urn:uuid:2"}, "envelope_claim at /payload/jti"),
        ({"exp": "tomorrow"}, "envelope_claim at /payload/exp"),
        ({"iat": True}, "envelope_claim at /payload/iat"),
        ({"exp": NOW}, "envelope_expired at /payload/exp"),
        ({"nbf": NOW + SKEW_S + 1}, "envelope_expired at /payload/nbf"),
        ({"iat": NOW + SKEW_S + 0.5}, "envelope_expired at /payload/iat"),
        ({"type": "Assessment"}, "credential_malformed at /payload/type"),
        ({"issuanceDate": "2026-09-01T00:00:00Z"}, "credential_old at /payload/issuanceDate"),
    ],
)
def test_claims_that_contradict_the_document_or_the_time_are_refused(claims: dict[str, Any], refused: str) -> None:
    assert code(jwt(**claims)) == refused


def test_claims_stand_alone_where_the_document_says_nothing_of_it() -> None:
    several = [{"id": "urn:uuid:3"}, {"id": did_of(FACTORY.public)}]
    for said in ({"credentialSubject": {"name": "x"}}, {"credentialSubject": several}, {"id": "urn:y"}):
        assert opened(jwt(**said, sub=did_of(FACTORY.public), jti="urn:y")) == credential(**said)


def test_half_of_a_surrogate_pair_is_refused_in_an_envelope_too() -> None:
    assert code(jwt(name="\ud800")) == "json_malformed at /payload"


def test_what_is_no_jwt_of_the_issuer_is_refused() -> None:
    whole = jwt()
    header, payload, signature = whole.split(".")
    assert code(f"{header}.{payload}") == "envelope_malformed"
    assert code(whole + "é") == "envelope_malformed"
    assert code(f"{header}.{payload}.{b64encode(bytes(63))}") == "envelope_malformed at /signature"
    assert code(f"{header}.{payload}=.{signature}") == "base64url_malformed at /payload"
    assert code(f"{header}.{b64encode(b'[]')}.{signature}") == "envelope_malformed at /payload"
    assert code(f"{b64encode(b'1')}.{payload}.{signature}") == "envelope_malformed at /header/typ"
    assert code(f"{header}.{b64encode(json.dumps(credential(name='x')).encode())}.{signature}") == "signature_invalid"
    assert code(jwt(FACTORY)) == "signature_invalid"


def test_an_object_stands_for_a_jwt_by_a_data_url() -> None:
    wrapped = wrap("a.b.c", "vc")
    assert unwrap(wrapped, "vc") == "a.b.c"
    assert unwrap(wrapped, "vp") is None
    assert unwrap(credential(), "vc") is None
    assert refusal(unwrap, wrapped | {"id": "data:application/vp+jwt,a.b.c"}, "vc") == "envelope_malformed at /id"
    more = wrapped | {"type": [*wrapped["type"], "VerifiableCredential"]}
    assert refusal(unwrap, more, "vc") == "envelope_malformed at /id"


def _jwk(key: SigningKey) -> dict[str, Any]:
    """The public key of P-256 with both coordinates, as JOSE has it (RFC 7518, section 6.2.1)."""
    from cryptography.hazmat.primitives.asymmetric import ec

    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key.public.raw).public_numbers()
    x, y = (b64encode(part.to_bytes(32, "big")) for part in (point.x, point.y))
    return {"kty": "EC", "crv": "P-256", "kid": multibase_of(key.public), "x": x, "y": y}
