"""The envelope of a JWT around a credential or a presentation (W3C VC-JOSE-COSE 1.0, section 3.1).

    header   {"alg":"Ed25519","cty":"vc","kid":"did:key:z6Mk…#z6Mk…","typ":"vc+jwt"}
    payload  the credential itself, as JSON: written by RFC 8785, read in any spelling

``typ`` (``vc+jwt``, ``vp+jwt``) is asked for, so that no JWT made for something else passes for either (RFC 8725,
section 3.11). Algorithms have their names of RFC 9864; ``EdDSA``, which it deprecates, is read as Ed25519 and not
written. Keys come from nowhere but ``kid``: what else a header says of them (``jwk``, ``jku``, ``x5u``) is passed over.
Beside what is in the envelope the payload may have claims of the JWT's own (``_CLAIMS``).

In documents an envelope stands as an object with a data URL: ``wrap`` and ``unwrap`` (data model, section 4.13).
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from identity.canonical import b64decode, b64encode, encode
from identity.credential.form import BYTES_MAX, CONTEXT, objects_in, types_of
from identity.errors import Malformed, Unverifiable, declare
from identity.jcs import decode_any, encode_any
from identity.keys import SIGNATURE_BYTES, Algorithm, PublicKey
from identity.signer import StatementSigner

What = Literal["vc", "vp"]
SKEW_S = 60  # by so much another's clock may be ahead

declare(
    "malformed",
    envelope_malformed=(
        "this is not a credential or presentation in the envelope of a JWT",
        "send header.payload.signature with alg, kid and typ in the header, typ vc+jwt or vp+jwt",
    ),
    envelope_claim=(
        "a claim of the JWT contradicts what is in it",
        "leave out vc and vp, let iss be the issuer or holder, jti the id, sub the subject, and iat, nbf, exp numbers",
    ),
    envelope_alg=("this signature algorithm is not supported", "sign with Ed25519 or ES256"),
)
declare(
    "unverifiable",
    envelope_key_unfit=("the algorithm does not fit the key", "name in alg the algorithm of the key that kid names"),
    envelope_expired=("the signature holds no more, or not yet", "ask for another one; set the clock right"),
)

_ALGORITHMS: dict[str, Algorithm] = {"Ed25519": "Ed25519", "EdDSA": "Ed25519", "ES256": "ES256"}
_CLAIMS = frozenset({"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "nonce", "cnf"})  # RFC 7519, 7800, OpenID
_TYPES = {"vc": "EnvelopedVerifiableCredential", "vp": "EnvelopedVerifiablePresentation"}


class Envelope(NamedTuple):
    """A well-formed JWT. Nothing is known about its signature until ``check_envelope`` returns."""

    kid: str
    alg: Algorithm
    document: dict[str, Any]  # the credential or presentation
    claims: dict[str, Any]  # of the JWT, beside the document
    signing_input: bytes
    signature: bytes


def seal(claims: dict[str, Any], key: StatementSigner, kid: str, what: What) -> str:
    """The JWT of ``claims``, signed by ``key``, which others find by the DID URL ``kid``. Raises ``Malformed``."""
    header = encode({"alg": key.alg, "cty": what, "kid": kid, "typ": f"{what}+jwt"})
    text = f"{b64encode(header)}.{b64encode(encode_any(claims))}"
    return f"{text}.{b64encode(key.sign(text.encode()))}"


def parse_envelope(jwt: str, what: What) -> Envelope:
    """The parts of a JWT of this type. Raises ``Malformed``."""
    parts = jwt.split(".")
    if len(parts) != 3 or len(jwt) > 2 * BYTES_MAX or not jwt.isascii():
        raise Malformed("envelope_malformed", f"not three parts of ASCII, of at most {2 * BYTES_MAX} letters in all")
    header = decode_any(b64decode(parts[0], pointer="/header"), pointer="/header")
    if not isinstance(header, dict) or header.get("typ") != f"{what}+jwt" or header.get("cty", what) != what:
        raise Malformed("envelope_malformed", f"typ is not {what}+jwt", pointer="/header/typ")
    if "crit" in header:
        raise Malformed("envelope_malformed", "no extension is understood", pointer="/header/crit")
    if not isinstance(header.get("kid"), str):
        raise Malformed("envelope_malformed", "no DID URL of a key", pointer="/header/kid")
    alg = header.get("alg")
    if not isinstance(alg, str) or alg not in _ALGORITHMS:
        raise Malformed("envelope_alg", ascii(alg)[:80], pointer="/header/alg")
    payload = decode_any(b64decode(parts[1], pointer="/payload"), pointer="/payload")
    if not isinstance(payload, dict):
        raise Malformed("envelope_malformed", "the payload is no object", pointer="/payload")
    for name in ("vc", "vp"):
        if name in payload:
            raise Malformed("envelope_claim", f"{name} is of version 1.1", pointer=f"/payload/{name}")
    signature = b64decode(parts[2], pointer="/signature")
    if len(signature) != SIGNATURE_BYTES:
        raise Malformed("envelope_malformed", f"a signature of {len(signature)} bytes", pointer="/signature")
    document = {name: value for name, value in payload.items() if name not in _CLAIMS}
    claims = {name: value for name, value in payload.items() if name in _CLAIMS}
    return Envelope(header["kid"], _ALGORITHMS[alg], document, claims, jwt.rpartition(".")[0].encode(), signature)


def check_envelope(envelope: Envelope, key: PublicKey, who: str, now: int) -> None:
    """Return if ``key`` signed it, its claims say what the document says, and it holds at ``now`` (POSIX seconds).

    ``who``: the issuer or holder, which ``iss`` has to be. ``jti`` and ``sub`` have to be the id of the document and of
    a subject, where it has some: readers of the one and the other must not see two subjects.
    Raises ``Malformed`` and ``Unverifiable``.
    """
    if key.alg != envelope.alg:
        raise Unverifiable("envelope_key_unfit", f"{envelope.alg}, but the key is of {key.alg}", pointer="/header/alg")
    key.verify(envelope.signing_input, envelope.signature)
    claims = envelope.claims
    subjects = [subject["id"] for subject, _ in objects_in(envelope.document, "credentialSubject") if "id" in subject]
    ids = [envelope.document["id"]] if "id" in envelope.document else []
    for name, said in (("iss", [who]), ("jti", ids), ("sub", subjects)):
        if name in claims and said and claims[name] not in said:
            raise Malformed("envelope_claim", f"{name} is not {said[0]}", pointer=f"/payload/{name}")
    for name in ("iat", "nbf", "exp"):
        if name in claims and (isinstance(claims[name], bool) or not isinstance(claims[name], int | float)):
            raise Malformed("envelope_claim", f"{name} is no number", pointer=f"/payload/{name}")
    if claims.get("exp", now + 1) <= now:
        raise Unverifiable("envelope_expired", f"exp is {claims['exp']}, at {now}", pointer="/payload/exp")
    for name in ("iat", "nbf"):
        if claims.get(name, now) > now + SKEW_S:
            raise Unverifiable("envelope_expired", f"{name} is {claims[name]}, at {now}", pointer=f"/payload/{name}")


def wrap(jwt: str, what: What) -> dict[str, Any]:
    """The object that stands for a JWT in a document."""
    return {"@context": [CONTEXT], "type": [_TYPES[what]], "id": f"data:application/{what}+jwt,{jwt}"}


def unwrap(document: dict[str, Any], what: What) -> str | None:
    """The JWT that an object stands for; None if it stands for none. Raises ``Malformed``."""
    types = document.get("type")
    if _TYPES[what] not in (types if isinstance(types, list) else [types]):
        return None
    start = f"data:application/{what}+jwt,"
    url = document.get("id")
    if len(types_of(document)) != 1 or not isinstance(url, str) or not url.startswith(start):
        raise Malformed("envelope_malformed", f"an {_TYPES[what]} has no other type and an id {start}…", pointer="/id")
    return url.removeprefix(start)
