"""Parties that sign: claims, signature, and nothing looked up. (docs/format.md, "Statement")"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from identity import jws
from identity.canonical import b64encode
from identity.did import did_of
from identity.keys import SigningKey

LIFETIME_S = 86_400  # from iat to exp: statements signed ahead are still good at the end of a long run


@dataclass(frozen=True)
class Signatory:
    """A key and the ledger it signs for; ``audience`` is what ``GET /v1/ledger`` says."""

    key: SigningKey
    audience: str

    @property
    def did(self) -> str:
        return did_of(self.key.public)

    def sign(
        self,
        kind: str,
        body: Mapping[str, Any],
        *,
        sub: str | None = None,
        prev: Mapping[str, str] | None = None,
        now: int,
        nonce: bytes,
        principal: str | None = None,
        via: str | None = None,
    ) -> bytes:
        """A statement as it is sent. ``prev`` names the last act of each pinned subject, ``nonce`` has 16 bytes.

        ``principal`` is the DID whose act it is where the key acts for another, ``via`` the delegation.
        Raises ``Malformed`` where the claims cannot be spelled; whether the ledger takes them is not looked at.
        """
        claims = {
            "iss": principal or self.did,
            "aud": self.audience,
            "iat": now,
            "exp": now + LIFETIME_S,
            "jti": b64encode(nonce),
            "kind": kind,
            "body": dict(body),
            "sub": sub,
            "prev": dict(prev or {}),
        }
        if via is not None:
            claims["via"] = via
        return jws.sign(claims, self.key)
