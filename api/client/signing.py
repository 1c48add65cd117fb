"""Putting a statement together: claims, private fields, pins and signature, from arguments alone.

Nothing here asks a ledger or a clock, so the same function serves the client and those who sign offline and submit
later. What comes out has passed the very check the ledger's door makes first.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Any, NamedTuple

from identity import disclosure, jws
from identity.canonical import b64encode
from identity.did import did_of, multibase_of
from identity.errors import Malformed, declare
from identity.signer import StatementSigner
from ledger import circulation
from ledger.statement import KINDS, receive

LIFETIME_S = 3600  # from iat to exp, where the charter allows as much
JTI_BYTES = 16

assert circulation.__path__, "importing the package declares the kinds"

declare(
    "malformed",
    pointer_astray=(
        "the pointer leads to no field of the body",
        "name a private field by its JSON pointer, for example /price",
    ),
)

Randomness = Callable[[int], bytes]


def conceal(
    body: Mapping[str, Any], pointers: Iterable[str], randomness: Randomness
) -> tuple[dict[str, Any], list[str]]:
    """A copy of ``body`` with the fields at these JSON pointers hidden, and the disclosures that prove them.

    Pointers are relative to the body (``/price``). Raises ``Malformed`` (``pointer_astray``).
    """
    hidden, disclosures = copy.deepcopy(dict(body)), []
    for pointer in pointers:
        holder, step = _parent(hidden, pointer)
        holder[step], text = disclosure.hide(holder[step], randomness(disclosure.MIN_SALT))
        disclosures.append(text)
    return hidden, disclosures


def pins_of(kind: str, body: Mapping[str, Any], sub: str | None) -> list[str]:
    """Ids of the subjects that a statement of this kind pins in ``prev``. Raises ``Malformed`` for a body unfit."""
    declared = KINDS.get(kind)
    if declared is None:
        raise Malformed("kind_unknown", f"{kind!r} is not a kind this software knows")
    try:
        return list(declared.model_validate(body).pins(sub))
    except ValueError:
        return []  # the check of the whole statement says what is wrong, and where


def touched_by(kind: str, body: Mapping[str, Any], sub: str | None) -> Set[str]:
    """Ids of the subjects that a statement of this kind touches, the signer's party aside; none for a body unfit."""
    try:
        act = KINDS[kind].model_validate(body)
    except (KeyError, ValueError):
        return frozenset()
    return {*act.touches(sub), *act.pins(sub), *(() if sub is None else (sub,))}


class Speaker(NamedTuple):
    """As whom a key signs: whose act it is, the DID under which the key is named, the delegation that links the two."""

    iss: str
    did: str
    via: str | None = None


def itself(key: StatementSigner) -> Speaker:
    """A key that signs as the did:key that it is."""
    did = did_of(key.public)
    return Speaker(did, did)


def sign_statement(
    key: StatementSigner,
    *,
    speaker: Speaker | None = None,
    audience: str,
    kind: str,
    body: Mapping[str, Any],
    sub: str | None = None,
    prev: Mapping[str, str] | None = None,
    seen: str | None = None,
    now: int,
    lifetime: int = LIFETIME_S,
    disclosures: Sequence[str] = (),
    randomness: Randomness,
) -> bytes:
    """What is sent to the ledger: a compact JWS, followed by its disclosures if there are any.

    ``now`` and ``lifetime`` are seconds; without a ``speaker`` the key signs as its did:key. Raises ``Malformed`` with
    a pointer where the ledger's door would.
    """
    speaker = speaker or itself(key)
    claims: dict[str, Any] = {
        "iss": speaker.iss,
        "aud": audience,
        "iat": now,
        "exp": now + lifetime,
        "jti": b64encode(randomness(JTI_BYTES)),
        "kind": kind,
        "body": dict(body),
        "sub": sub,
        "prev": dict(prev or {}),
    }
    if seen is not None:
        claims["seen"] = seen
    if speaker.via is not None:
        claims["via"] = speaker.via
    kid = f"{speaker.did}#{multibase_of(key.public)}"
    sent = disclosure.join(jws.sign(claims, key, kid=kid), disclosures)
    receive(sent)
    return sent


def _parent(body: dict[str, Any], pointer: str) -> tuple[Any, Any]:
    """The container and the step under which ``pointer`` (RFC 6901) leads to a value."""
    if not pointer.startswith("/"):
        raise Malformed("pointer_astray", pointer, pointer=pointer)
    *way, last = (step.replace("~1", "/").replace("~0", "~") for step in pointer[1:].split("/"))
    try:
        holder: Any = body
        for step in way:
            holder = holder[int(step) if isinstance(holder, list) else step]
        place = int(last) if isinstance(holder, list) else last
        holder[place]
    except (KeyError, IndexError, ValueError, TypeError):
        raise Malformed("pointer_astray", pointer, pointer=pointer) from None
    return holder, place
