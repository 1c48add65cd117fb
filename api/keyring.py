"""The keys in a ledger's folder that sign its log and its refusals. The governance key is never opened here.

A key that the charter comes to name may be put into the folder while the service runs: it is looked for when needed.

Each file of the log is two of its keys: the Ed25519 key in it, and an ML-DSA-44 key derived from its seed (decision
0011). Who computes the Ed25519 key from its public half, as a quantum computer may, does not learn the seed.
"""

from __future__ import annotations

import time
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from identity.keys import SigningKey, read_key
from identity.note import Signature, Signer, Verifier
from identity.signature import COSIGNATURE_MLDSA44
from ledger.log.cosignature import Cosigner
from ledger.log.refusal import refusal_key_name


class FolderKeyring:
    """A ``ledger.append.Keyring`` over ``log.key``, ``refusal.key``, ``log-NAME.key`` and ``refusal-NAME.key``.

    Whoever can read these files can sign checkpoints and refusals as the ledger; they cannot make entries.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._signers: dict[Verifier, Signer] = {}
        self._cosigners: dict[Verifier, Cosigner] = {}

    def __call__(self, verifier: Verifier) -> Signer | None:
        """The signer for a key the charter names, or None. Raises ``Malformed`` if a key file cannot be read."""
        if verifier not in self._signers:
            refuses = verifier.name.endswith(refusal_key_name(""))  # an origin may end so, too
            for key in [*self._keys("log"), *(self._keys("refusal") if refuses else ())]:
                signer = signer_with(verifier.name, key)
                self._signers[signer.verifier] = signer
        return self._signers.get(verifier)

    def verifiers(self, origin: str) -> list[Verifier]:
        """Those of all log keys that are held, in force or not. Raises ``Malformed`` if a key file cannot be read."""
        return [signer_with(origin, key).verifier for key in self._keys("log")]

    def cosigner(self, verifier: Verifier) -> Cosigner | None:
        """The same for an ML-DSA-44 key of the log."""
        if verifier not in self._cosigners:
            for key in self._keys("log"):
                cosigner = cosigner_with(verifier.name, key)
                self._cosigners[cosigner.verifier] = cosigner
        return self._cosigners.get(verifier)

    def cosign(self, verifier: Verifier, text: bytes) -> Signature | None:
        """The line of an ML-DSA-44 key of the log for a checkpoint's text, dated now; None if the key is not held."""
        cosigner = self.cosigner(verifier)
        return None if cosigner is None else cosigner.cosign(text, int(time.time()))

    def _keys(self, use: str) -> list[SigningKey]:
        paths = [*self._folder.glob(f"{use}.key"), *sorted(self._folder.glob(f"{use}-*.key"))]
        return [key for key in map(read_key, paths) if key.alg == "Ed25519"]


def signer_with(name: str, key: SigningKey) -> Signer:
    """The Ed25519 key as one that signs notes under this name."""
    private = serialization.load_pem_private_key(key.pkcs8(), None)
    assert isinstance(private, Ed25519PrivateKey)
    return Signer(name, private.private_bytes_raw())


def cosigner_with(name: str, key: SigningKey) -> Cosigner:
    """The ML-DSA-44 key that belongs to an Ed25519 key, as one that signs checkpoints under this name."""
    return Cosigner(name, COSIGNATURE_MLDSA44, key.derive(b"cadastre log key ML-DSA-44"))
