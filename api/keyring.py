"""The log keys of a ledger's folder. The governance key lies beside them perhaps, and is never opened here.

A key that the charter comes to name may be put into the folder while the service runs: it is looked for when needed.
"""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from identity.keys import SigningKey, read_key
from identity.note import Signer, Verifier


class FolderKeyring:
    """A ``ledger.append.Keyring`` over ``log.key`` and ``log-NAME.key`` in a folder.

    Whoever can read these files can sign checkpoints as the ledger; they cannot make entries.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._signers: dict[Verifier, Signer] = {}

    def __call__(self, verifier: Verifier) -> Signer | None:
        """The signer for a log key, or None. Raises ``Malformed`` if a key file cannot be read."""
        if verifier not in self._signers:
            for path in [*self._folder.glob("log.key"), *sorted(self._folder.glob("log-*.key"))]:
                key = read_key(path)
                if key.alg == "Ed25519":
                    signer = signer_with(verifier.name, key)
                    self._signers[signer.verifier] = signer
        return self._signers.get(verifier)


def signer_with(name: str, key: SigningKey) -> Signer:
    """The Ed25519 key as one that signs notes under this name."""
    private = serialization.load_pem_private_key(key.pkcs8(), None)
    assert isinstance(private, Ed25519PrivateKey)
    return Signer(name, private.private_bytes_raw())
