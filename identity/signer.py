"""Who signs statements: a key in a file (``keys.SigningKey``), or one that stays in a token (``pkcs11.TokenKey``).

Whoever signs asks for no more than this, so that the private half may be anywhere. (``note.Signer`` is another matter:
it signs the notes of a log.)
"""

from __future__ import annotations

from typing import Protocol

from identity.keys import Algorithm, PublicKey


class StatementSigner(Protocol):
    """A public key, and somebody who can sign for it."""

    @property
    def alg(self) -> Algorithm:
        """The algorithm of ``public``."""

    @property
    def public(self) -> PublicKey: ...

    def sign(self, message: bytes) -> bytes:
        """64 bytes that ``public`` verifies for ``message``; not always the same. Raises ``Problem`` if it cannot."""
