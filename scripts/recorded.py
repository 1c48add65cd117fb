"""What a ledger has on record of a credential that somebody shows: whether it holds, whatever the credential says.

It is on record by its digest, and whoever shows one can lay it out otherwise without touching what was signed: as
letters or in the object around them, its proof in a list or not, with proofs of other suites beside it, with contexts
behind those that were signed; a signature of P-256 has a twin. So the ledger is asked for all of these, and each that
it finds has to hold.

Nobody who sees a part can compute the digest of a whole: of two proofs, or of one with a proof of another suite beside
it, one can be left out. So only what all its layouts lead back to is put on record (:func:`check_recordable`). The same
words that were signed twice are two credentials, each of which has to be on record for itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from api.client import Subject
from identity.canonical import b64decode, b64encode
from identity.credential.envelope import parse_envelope, unwrap, wrap
from identity.credential.form import objects_in
from identity.credential.presentation import Secured
from identity.credential.secured import Opened
from identity.errors import Unverifiable, declare
from identity.keys import twin
from identity.proof import SUITE
from ledger.circulation.credential import digest_of
from ledger.errors import Absent
from scripts.command import Halted
from scripts.session import Session
from scripts.times import show_seconds

declare(
    "halted",
    credential_proofs_several=(
        "the credential has several proofs, so it could be shown without one and not be found",
        "issue it anew with one proof, from a body without any, and record that: cadastre credential issue",
    ),
    credential_not_as_signed=(
        "the credential has parts that were not signed, so it could be shown without them and not be found",
        "record it as it was issued: cadastre credential issue",
    ),
)


def shown_in(presentation: Secured) -> list[Secured]:
    """The credentials of a presentation that was opened, in its order, each as it is shown."""
    jwt = presentation if isinstance(presentation, str) else unwrap(presentation, "vp")
    document = presentation if jwt is None else parse_envelope(jwt, "vp").document
    assert isinstance(document, dict)
    return [one for one, _ in objects_in(document, "verifiableCredential")]


def check_recordable(secured: Secured, opened: Opened) -> None:
    """Whoever is shown this credential finds its record, however it is laid out. Raises ``Halted``."""
    proofs = [] if isinstance(secured, str) else [proof for proof, _ in objects_in(secured, "proof")]
    if len(proofs) > 1:
        raise Halted("credential_proofs_several", f"it has {len(proofs)} proofs, of which a holder can leave one out")
    if digest_of(secured) not in {digest_of(one) for one in _spelled(secured, opened.document)}:
        raise Halted("credential_not_as_signed", "its @context, or the envelope around it, has more than was signed")


def check_recorded(at: Session, shown: Secured, opened: Opened, now: int) -> Subject | None:
    """What the ledger has on record of it, by its issuer's own act; None where it has nothing.

    Raises ``Unverifiable``: ``credential_revoked``, ``credential_suspended``, ``credential_expired``.
    """
    origin = at.client.ledger().origin
    found = list(_found(at, {digest_of(one) for one in _spellings(shown, opened.document)}, opened.issuer))
    for one in found:
        what = f"{one.id} ({one.state['type']})"
        why = f"{what}, by entry {one.index} of {origin}"
        if one.state["reason"]:
            why += f": {one.state['reason']}"
        if one.state["status"] == "revoked":
            raise Unverifiable("credential_revoked", why, index=one.index, subject=one.id)
        if one.state["status"] != "active":
            raise Unverifiable("credential_suspended", why, index=one.index, subject=one.id)
        if (until := one.state["validUntil"]) is not None and until < now:
            over = f"{what}, at {show_seconds(until)}, by entry {one.index} of {origin}"
            raise Unverifiable("credential_expired", over, index=one.index, subject=one.id)
    return found[0] if found else None


def _found(at: Session, digests: Iterable[str], issuer: str) -> Iterator[Subject]:
    """Those with one of these digests that the party of this DID put on record: anybody could, but for others."""
    try:
        for digest in digests:
            yield from at.client.search(type="credential", sha256=digest, issuer=issuer)
    except Absent:  # no party of this ledger speaks through this DID
        return


def _spellings(shown: Secured, signed: dict[str, Any]) -> Iterator[Secured]:
    """In which a credential may be on record whose signed part is ``signed``: as it is shown, and otherwise."""
    yield shown
    yield from _spelled(shown, signed)


def _spelled(shown: Secured, signed: dict[str, Any]) -> Iterator[Secured]:
    """In which a credential can be put on record: with nothing that was not signed, whatever stands in ``shown``."""
    jwt = shown if isinstance(shown, str) else unwrap(shown, "vc")
    if jwt is not None:
        text, _, signature = jwt.rpartition(".")
        other = f"{text}.{b64encode(twin(b64decode(signature)))}"
        for one in (jwt, other) if parse_envelope(jwt, "vc").alg == "ES256" else (jwt,):
            yield one
            yield wrap(one, "vc")
        return
    assert isinstance(shown, dict)
    proofs = [proof for proof, _ in objects_in(shown, "proof") if proof.get("cryptosuite") == SUITE]
    yield {**signed, "proof": proofs}
    for proof in proofs:
        yield {**signed, "proof": proof}
        yield {**signed, "proof": [proof]}
