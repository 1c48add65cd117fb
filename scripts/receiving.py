"""Keys to receive sealed files with (``identity.recipient``), as commands make, open and show them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from identity.errors import Malformed
from identity.keyuri import is_key_uri
from identity.recipient import Opener, RecipientType, read_either, read_opener, write_opener
from identity.signer import StatementSigner
from scripts.session import ask_passphrase, opened_key

PLAIN_LETTERS = 200  # of a public key that people are shown in full


def check_receives(named: str) -> None:
    """The key is in a file. Raises ``Malformed`` (``recipient_type``): in a token keys sign only."""
    if is_key_uri(named):
        raise Malformed("recipient_type", "a key in a token signs only")


def load_opener(named: str | Path) -> Opener:
    """What the key in a file opens; asks for its passphrase if it has one. Raises ``Malformed``."""
    check_receives(str(named))
    return read_opener(Path(named), lambda: ask_passphrase(Path(named)))


@contextmanager
def opened_either(named: str) -> Iterator[StatementSigner | Opener]:
    """As ``opened_key``, and keys to receive with as well."""
    if is_key_uri(named):
        with opened_key(named) as key:
            yield key
    else:
        yield read_either(Path(named), lambda: ask_passphrase(Path(named)))


def make_opener(named: str, type_: RecipientType, passphrase: bytes | None) -> Opener:
    """A key to receive with, in a file. Raises ``Malformed``: one in a token is not possible."""
    check_receives(named)
    opener = Opener.generate(type_)
    write_opener(Path(named), opener, passphrase)
    return opener


def shown_opener(named: str, opener: Opener) -> dict[str, str]:
    return {"file": named, "type": opener.public.type, "publicKey": str(opener.public)}


def told_briefly(shown: dict[str, str]) -> dict[str, str]:
    """The same for people, who cannot compare a long public key: by its SHA-256, and how it is had in full."""
    key = shown.get("publicKey", "")
    if len(key) <= PLAIN_LETTERS:
        return shown
    whole = f"{len(key)} letters: cadastre key show {shown['file']} --public > {Path(shown['file']).stem}.pub"
    return {**shown, "publicKey": whole, "sha256": sha256(key.encode()).hexdigest()}
