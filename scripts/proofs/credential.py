"""Credentials and presentations (W3C VC 2.0), in JSON or as JWTs: these are not judged by a ledger's keys but by their
issuers', so whoever brings one here is told where it is verified."""

from __future__ import annotations

import orjson

from identity.canonical import b64decode
from identity.credential.form import BYTES_MAX
from identity.errors import Problem, declare
from scripts.command import Halted
from scripts.proofs import Asked

declare(
    "halted",
    form_credential=(
        "the file holds a credential or a presentation, not a proof by a ledger",
        "verify it with: cadastre credential verify FILE",
    ),
)

_TYPES = frozenset({"VerifiableCredential", "VerifiablePresentation"})
_TYPES_IN_ENVELOPES = frozenset({"EnvelopedVerifiableCredential", "EnvelopedVerifiablePresentation"})


def recognises(data: bytes) -> bool:
    found = _object_in(data)
    if not isinstance(found, dict):
        return False
    types = found.get("type")
    named = types if isinstance(types, list) else [types]
    return found.get("typ") in ("vc+jwt", "vp+jwt") or any(
        one in _TYPES | _TYPES_IN_ENVELOPES for one in named if isinstance(one, str)
    )


def judge(data: bytes, asked: Asked) -> None:  # noqa: ARG001 - as every form has it
    said = f"{asked.file} holds a credential or a presentation, signed by whom it names and not by a ledger"
    raise Halted("form_credential", said, f"verify it with: cadastre credential verify {asked.file}")


def _object_in(data: bytes) -> object:
    """What JSON the file holds; of a JWT, its header. None if neither, or if it is too large to be shown to anybody."""
    if len(data) > 2 * BYTES_MAX:
        return None
    text = data.strip()
    try:
        return orjson.loads(text if text.startswith(b"{") else b64decode(text.partition(b".")[0].decode()))
    except (Problem, ValueError):  # JSONDecodeError and UnicodeDecodeError are such
        return None
