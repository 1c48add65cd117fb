"""An issuer, a holder and their keys; credentials of theirs, changed at will."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from identity.credential.form import CONTEXT, UNDEFINED_TERMS
from identity.did import did_of, kid_of
from identity.errors import Malformed, Problem, Unverifiable
from identity.keys import SigningKey

NOW = 1_790_000_000  # 2026-09-21T14:13:20Z
ASSESSOR = SigningKey.from_seed("Ed25519", bytes([1]) * 32)
HARDWARE = SigningKey.from_seed("ES256", bytes([2]) * 32)
FACTORY = SigningKey.from_seed("Ed25519", bytes([3]) * 32)


def credential(by: SigningKey = ASSESSOR, **changes: Any) -> dict[str, Any]:
    """What an assessor says of a factory, with these properties changed; ``...`` leaves one out."""
    said: dict[str, Any] = {
        "@context": [CONTEXT, UNDEFINED_TERMS],
        "type": ["VerifiableCredential", "Assessment"],
        "issuer": did_of(by.public),
        "validFrom": "2026-09-01T00:00:00Z",
        "credentialSubject": {"id": did_of(FACTORY.public), "name": "沈阳叶片厂", "quality": 0.98},
    } | changes
    return {name: value for name, value in said.items() if value is not ...}


def method(key: SigningKey) -> str:
    return kid_of(key.public)


def refusal(function: Callable[..., Any], *arguments: Any, **named: Any) -> str:
    """The code of the refusal, and where: ``code at /pointer``."""
    with pytest.raises(Problem) as refused:
        function(*arguments, **named)
    assert isinstance(refused.value, Malformed | Unverifiable)
    return refused.value.code + (f" at {refused.value.pointer}" if refused.value.pointer else "")
