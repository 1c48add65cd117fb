"""Credentials issued and opened, secured in one of two ways:

* a Data Integrity proof within, of the suite eddsa-jcs-2022 (``identity.proof``): a JSON object;
* the envelope of a JWT, signed with Ed25519 or ES256 (``envelope``): a text, or an object that stands for it.

What opening one takes, in this order; the last two are left to whoever relies on it:

1. it has the form of a credential, and so have its status entries;
2. it is secured in one of the two ways;
3. the key it names is one of the issuer: the DID before the ``#`` is the issuer's id;
4. that DID has the key, and for this purpose (``Resolve``);
5. the signature is that key's: of several proofs, every one of the suite;
6. the time is within ``validFrom`` and ``validUntil``;
7. it was not revoked or suspended (``identity.status``);
8. the issuer is one whose word counts for what the credential says.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from identity.credential.envelope import check_envelope, parse_envelope, seal, unwrap
from identity.credential.form import check_credential, check_offsets, issuer_of, objects_in, period_of
from identity.did import key_named, split
from identity.errors import Malformed, Problem, Unverifiable, declare
from identity.keys import PublicKey
from identity.proof import ASSERTION, SUITE, check_proof, read_proof, sign_proof
from identity.signer import StatementSigner
from identity.status import entries_of

Resolve = Callable[[str, str], PublicKey]
"""The key that a DID URL names, if its DID has it for this purpose. Raises ``Problem``: unknown, retired, unfit."""

PROOFS_MAX = 8

declare(
    "unverifiable",
    credential_unsecured=("nothing secures the credential", "ask the issuer for a signed one"),
    credential_key_other=(
        "it is signed with a key of somebody else than the issuer",
        "the DID before the # of the key is the id of the issuer",
    ),
    credential_early=("the credential is not valid yet", "wait until validFrom, and set the clock right"),
    credential_expired=("the credential has expired", "ask the issuer for another one"),
)


class Opened(NamedTuple):
    """A credential that its issuer signed, valid by time. Nothing is said of its status."""

    document: dict[str, Any]  # without proofs
    issuer: str
    method: str  # DID URL of the key


def issue(credential: dict[str, Any], key: StatementSigner, method: str, now: int) -> dict[str, Any]:
    """``credential`` with a proof by ``key``, an Ed25519 key that others find by the DID URL ``method``.

    A proof that it has stays beside the other. ``now`` in POSIX seconds. Raises ``Malformed`` and ``Unverifiable``.
    """
    _check_issuable(credential, method)
    return sign_proof(credential, key, method, now)


def issue_jwt(credential: dict[str, Any], key: StatementSigner, method: str) -> str:
    """``credential`` in the envelope of a JWT, signed by ``key``. Raises ``Malformed`` and ``Unverifiable``."""
    _check_issuable(credential, method)
    if "proof" in credential:
        raise Malformed("credential_malformed", "it has a proof within", pointer="/proof")
    return seal(credential, key, method, "vc")


def open_credential(secured: dict[str, Any] | str, resolve: Resolve, now: int) -> Opened:
    """The credential, if steps (1) to (6) of the module hold at ``now`` (POSIX seconds).

    Raises ``Malformed``, ``Unverifiable``, and what ``resolve`` raises. Cost: that of the signatures.
    """
    if isinstance(secured, str):
        opened = _open_sealed(secured, resolve, now)
    elif (jwt := unwrap(secured, "vc")) is not None:
        opened = _open_sealed(jwt, resolve, now)
    else:
        opened = _open_proven(secured, resolve, now)
    since, until = period_of(opened.document)  # (6)
    if since is not None and now < since:
        raise Unverifiable("credential_early", f"from {opened.document['validFrom']}", pointer="/validFrom")
    if until is not None and until < now:
        raise Unverifiable("credential_expired", f"at {opened.document['validUntil']}", pointer="/validUntil")
    return opened


def resolve_did_key(did_url: str, purpose: str) -> PublicKey:
    """``Resolve`` for did:key alone, whose one key serves every purpose. Raises ``Malformed`` and ``Unverifiable``."""
    did, _ = split(did_url)
    if not did.startswith("did:key:"):
        raise Malformed("did_method_unsupported", f"{did[:60]} has to be resolved for {purpose}")
    return key_named(did_url)


def check_owner(method: str, owner: str, pointer: str) -> None:
    """Step (3): return if ``method`` names a key of ``owner``. Raises ``Malformed`` and ``Unverifiable``."""
    if split(method)[0] != owner:
        raise Unverifiable("credential_key_other", f"{ascii(method)[:120]} is no key of {owner}", pointer=pointer)


def check_proofs(
    document: dict[str, Any], owner: str, purpose: str, resolve: Resolve, now: int
) -> list[dict[str, Any]]:
    """Steps (2) to (5): every proof of the suite that ``document`` has, if all are ``owner``'s; there is one at least.

    Proofs of other suites, which may stand beside them for others to check, are passed over.
    """
    proofs = list(objects_in(document, "proof"))
    ours = [(proof, at) for proof, at in proofs if proof.get("cryptosuite") == SUITE] or proofs[:1]
    if not ours:
        raise Unverifiable("credential_unsecured", pointer="/proof")
    if len(ours) > PROOFS_MAX:
        raise Malformed("credential_malformed", f"more than {PROOFS_MAX} proofs", pointer="/proof")
    for proof, at in ours:
        try:
            method = read_proof(proof).method
            check_owner(method, owner, "/verificationMethod")
            check_proof(document, proof, resolve(method, purpose), purpose=purpose, now=now)
        except (Malformed, Unverifiable) as wrong:
            raise type(wrong)(wrong.code, wrong.detail, pointer=at + (wrong.pointer or "")) from None
    return [proof for proof, _ in ours]


def _open_proven(document: dict[str, Any], resolve: Resolve, now: int) -> Opened:
    check_credential(document)  # (1)
    entries_of(document)
    issuer = issuer_of(document)
    proofs = check_proofs(document, issuer, ASSERTION, resolve, now)
    signed = document | {"@context": _contexts_of(proofs, document)}
    del signed["proof"]
    check_credential(signed)
    return Opened(signed, issuer, proofs[0]["verificationMethod"])


def _open_sealed(jwt: str, resolve: Resolve, now: int) -> Opened:
    envelope = parse_envelope(jwt, "vc")  # (2)
    document = envelope.document
    try:
        check_credential(document)  # (1)
        entries_of(document)
    except Problem as wrong:
        raise type(wrong)(wrong.code, wrong.detail, pointer="/payload" + (wrong.pointer or "")) from None
    issuer = issuer_of(document)
    check_owner(envelope.kid, issuer, "/header/kid")  # (3)
    check_envelope(envelope, resolve(envelope.kid, ASSERTION), issuer, now)  # (4), (5)
    return Opened(document, issuer, envelope.kid)


def _contexts_of(proofs: list[dict[str, Any]], document: dict[str, Any]) -> Any:
    """The contexts that were signed: whoever passes a document on may add others at the end of its own."""
    first, *others = (proof.get("@context", document["@context"]) for proof in proofs)
    if any(other != first for other in others):
        raise Malformed("credential_malformed", "its proofs are of different contexts", pointer="/proof")
    return first


def _check_issuable(credential: dict[str, Any], method: str) -> None:
    check_credential(credential)
    check_offsets(credential)
    entries_of(credential)
    check_owner(method, issuer_of(credential), "/issuer")
