"""Presentations: credentials that a holder shows to one verifier, who asked for them with one challenge.

Secured as credentials are, by the holder: with a proof whose purpose is ``authentication`` and which has ``challenge``
and ``domain``, or in the envelope of a JWT (``vp+jwt``) with the claims ``nonce`` and ``aud``. A JWT holds credentials
in envelopes only (VC-JOSE-COSE, section 3.1.2). Either holds for minutes.

Opening one says that its holder signed it for this domain and challenge, and opens every credential in it. Whether the
holder is whom the credentials are about is not asked: a carrier may show those of a factory. ``Shown.holder`` and
``credentialSubject.id`` tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from identity.credential.envelope import check_envelope, parse_envelope, seal, unwrap, wrap
from identity.credential.form import CONTEXT, PRESENTATION, check_presentation, holder_of, objects_in
from identity.credential.secured import Opened, Resolve, check_owner, check_proofs, open_credential
from identity.did import split
from identity.errors import Malformed, Problem, Unverifiable, declare
from identity.instant import format_instant
from identity.proof import sign_proof
from identity.signer import StatementSigner

AUTHENTICATION = "authentication"
LIFETIME_S = 300
CREDENTIALS_MAX = 64

declare(
    "malformed",
    presentation_malformed=(
        "the presentation cannot be shown in this way",
        "a presentation in a JWT holds credentials in JWTs; one with a proof within holds either",
    ),
)
declare(
    "unverifiable",
    presentation_challenge=(
        "the presentation does not answer this challenge",
        "ask for one that does: an answer to another challenge may have been seen before",
    ),
    presentation_domain=("the presentation is for another domain", "ask for one made for this domain"),
)

Secured = dict[str, Any] | str


class Shown(NamedTuple):
    """A presentation that its holder signed, and the credentials in it, all opened."""

    holder: str
    method: str  # DID URL of the key
    credentials: tuple[Opened, ...]


def present(
    credentials: Sequence[Secured], key: StatementSigner, method: str, now: int, challenge: str, domain: str
) -> dict[str, Any]:
    """A presentation with a proof by ``key``, an Ed25519 key that others find by the DID URL ``method``.

    Its holder is the DID of ``method``. ``now`` in POSIX seconds. Raises ``Malformed``.
    """
    document = _presentation([wrap(one, "vc") if isinstance(one, str) else one for one in credentials], method)
    expires = format_instant(now + LIFETIME_S)
    return sign_proof(document, key, method, now, AUTHENTICATION, expires=expires, challenge=challenge, domain=domain)


def present_jwt(
    credentials: Sequence[Secured], key: StatementSigner, method: str, now: int, challenge: str, domain: str
) -> str:
    """A presentation in the envelope of a JWT, of credentials that are in envelopes, too. Raises ``Malformed``."""
    wrapped = [wrap(one, "vc") if isinstance(one, str) else one for one in credentials]
    _check_wrapped(wrapped)
    claims = _presentation(wrapped, method)
    claims |= {"iss": claims["holder"], "aud": domain, "nonce": challenge, "iat": now, "exp": now + LIFETIME_S}
    return seal(claims, key, method, "vp")


def open_presentation(
    secured: Secured, resolve: Resolve, now: int, challenge: str | None = None, domain: str | None = None
) -> Shown:
    """The presentation, if its holder signed it in answer to ``challenge`` for ``domain``, and all credentials open.

    None does not ask: without a challenge anybody may show what was shown before. Raises ``Malformed``,
    ``Unverifiable``, and what ``resolve`` raises; of a credential, with a pointer to it.
    """
    if isinstance(secured, str):
        document, method, answered, meant = _open_sealed(secured, resolve, now)
    elif (jwt := unwrap(secured, "vp")) is not None:
        document, method, answered, meant = _open_sealed(jwt, resolve, now)
    else:
        document, method, answered, meant = _open_proven(secured, resolve, now)
    if challenge is not None and any(one != challenge for one in answered):
        raise Unverifiable("presentation_challenge", f"{ascii(answered)[:120]}, not {challenge!a}")
    if domain is not None and meant != {domain}:
        raise Unverifiable("presentation_domain", f"{ascii(sorted(meant))[:120]}, not {domain!a}")
    opened = []
    for credential, at in _credentials(document):
        try:
            opened.append(open_credential(credential, resolve, now))
        except (Malformed, Unverifiable) as wrong:
            raise type(wrong)(wrong.code, wrong.detail, pointer=at + (wrong.pointer or "")) from None
    return Shown(_holder(document, method), method, tuple(opened))


def _open_proven(
    document: dict[str, Any], resolve: Resolve, now: int
) -> tuple[dict[str, Any], str, list[Any], set[str]]:
    """The document, the key, the challenges and the domains of its proofs."""
    check_presentation(document)
    first = next((proof for proof, _ in objects_in(document, "proof")), {})
    holder = _holder(document, str(first.get("verificationMethod")))
    proofs = check_proofs(document, holder, AUTHENTICATION, resolve, now)
    challenges = [proof.get("challenge") for proof in proofs]
    domains = {text for proof in proofs for text in _texts(proof.get("domain", []), "/proof/domain")}
    return document, proofs[0]["verificationMethod"], challenges, domains


def _open_sealed(jwt: str, resolve: Resolve, now: int) -> tuple[dict[str, Any], str, list[Any], set[str]]:
    envelope = parse_envelope(jwt, "vp")
    document, claims = envelope.document, envelope.claims
    try:
        check_presentation(document)
        _check_wrapped([one for one, _ in objects_in(document, "verifiableCredential")])
    except Problem as wrong:
        raise type(wrong)(wrong.code, wrong.detail, pointer="/payload" + (wrong.pointer or "")) from None
    holder = _holder(document, envelope.kid)
    check_owner(envelope.kid, holder, "/header/kid")
    check_envelope(envelope, resolve(envelope.kid, AUTHENTICATION), holder, now)
    return document, envelope.kid, [claims.get("nonce")], set(_texts(claims.get("aud", []), "/payload/aud"))


def _presentation(credentials: list[dict[str, Any]], method: str) -> dict[str, Any]:
    document = {"@context": [CONTEXT], "type": [PRESENTATION], "holder": split(method)[0]}
    if not credentials or len(credentials) > CREDENTIALS_MAX:
        raise Malformed("presentation_malformed", f"it shows 1 to {CREDENTIALS_MAX} credentials")
    return document | {"verifiableCredential": credentials}


def _credentials(document: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    found = list(objects_in(document, "verifiableCredential"))
    if len(found) > CREDENTIALS_MAX:
        raise Malformed("presentation_malformed", f"more than {CREDENTIALS_MAX}", pointer="/verifiableCredential")
    return found


def _check_wrapped(credentials: list[dict[str, Any]]) -> None:
    for place, one in enumerate(credentials):
        if unwrap(one, "vc") is None:
            at = f"/verifiableCredential/{place}"
            raise Malformed("presentation_malformed", "a credential that is in no envelope", pointer=at)


def _holder(document: dict[str, Any], method: str) -> str:
    """Whoever it names; else whose key signed it."""
    return holder_of(document) if "holder" in document else split(method)[0]


def _texts(value: Any, pointer: str) -> list[str]:
    texts = value if isinstance(value, list) else [value]
    if not all(isinstance(one, str) for one in texts):
        raise Malformed("presentation_malformed", "neither a text nor a list of texts", pointer=pointer)
    return texts
