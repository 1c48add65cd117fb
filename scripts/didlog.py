"""A did.jsonl on this machine, as whoever has the DID keeps it: read and verified, and extended by one entry.

The keys of a did:webvh are of two sorts, and may be the same. *Update keys* sign the log's entries: they are Ed25519,
and each is announced by its hash in the entry before (pre-rotation), so the next one lies unused until it is needed.
The keys *in the document* sign statements; each is named by its Multikey.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import typer

from identity import webvh
from identity.did import key_of, key_spelled, multibase_of
from identity.documents import keys_of, with_keys
from identity.errors import Malformed
from identity.keys import PublicKey, SigningKey, write_key
from identity.keyuri import is_key_uri
from identity.place import parse_place
from identity.webvh.log import LOG_BYTES_MAX
from identity.webvh.resolution import read_standings
from scripts.command import check_free
from scripts.files import replace
from scripts.session import opened_key

LOG, WITNESS = "did.jsonl", "did-witness.json"


class LogFile:
    """A log whose entries all hold; whether witnesses approved them is not asked, for they do so after it is made."""

    def __init__(self, path: Path) -> None:
        """Raises ``Malformed``, ``Unverifiable`` and ``OSError``."""
        self.path = path
        self.data = read_bytes(path, LOG_BYTES_MAX)
        self.standings, broken = read_standings(self.data, int(time.time()))
        if broken is not None:
            raise broken
        self.standing = self.standings[-1]

    @property
    def time(self) -> int:
        """Now, or the first second after the last entry."""
        return max(int(time.time()), self.standing.time + 1)

    def add(self, line: dict[str, Any], spare: Spare | None = None) -> webvh.Standing:
        """Extend the file by an entry, once the key that may follow is kept."""
        standing = webvh.advance(self.standing, line, self.time)
        if spare is not None:
            spare.keep()
        end = b"" if self.data.endswith(b"\n") else b"\n"
        replace(self.path, self.data + end + webvh.format_log([line]))
        return standing


class Spare(NamedTuple):
    """The key that may sign the next entry: ``made`` is one that is not in a file yet."""

    named: str
    public: PublicKey
    made: SigningKey | None = None

    @property
    def hashes(self) -> list[str]:
        return [webvh.key_hash(multibase_of(self.public))]

    def keep(self) -> None:
        """Write it to its file, if it was made here. Raises ``Malformed`` (``key_file_exists``)."""
        if self.made is not None:
            write_key(Path(self.named), self.made)


def spare_key(named: str | None, none: bool, key: PublicKey) -> Spare | None:
    """The key named by --next, made if it is the name of no file yet; None for --no-next.

    ``key`` signs the entry that announces it. Raises ``typer.BadParameter``, and what reading it raises.
    """
    if (named is None) != none:
        raise typer.BadParameter("give --next FILE, where the next update key is made and kept, or --no-next")
    if named is None:
        return None
    if _is_public(named) or is_key_uri(named) or os.path.lexists(named):
        spare = Spare(named, public_key(named))
    else:
        check_free(Path(named))
        made = SigningKey.generate("Ed25519")
        spare = Spare(named, made.public, made)
    if spare.public.alg != "Ed25519":  # its hash would not tell, and the log could not go on
        raise Malformed("webvh_key_malformed", f"{named} is of type {spare.public.alg}")
    if spare.public == key:
        raise typer.BadParameter("the next key is to be another than the one that signs", param_hint="--next")
    return spare


def public_key(named: str) -> PublicKey:
    """Of a did:key, of a Multikey, or of the private key in a file or token. Raises as ``opened_key`` does."""
    if _is_public(named):
        return key_of(named) if named.startswith("did:") else key_spelled(named)
    with opened_key(named) as key:
        return key.public


def _is_public(named: str) -> bool:
    return named.startswith(("did:key:", "z6Mk", "zDn")) and not os.path.lexists(named)


def turned(standing: webvh.Standing, key: PublicKey, named: Sequence[str]) -> dict[str, Any]:
    """The document of the next entry: with the keys that are named; with none, ``key`` stands where the update keys
    before it stood, and all others stay.
    """
    if named:
        return with_keys(standing.document, [public_key(one) for one in named])
    had = keys_of(standing.document)
    keys = [key if multibase_of(one) in standing.update_keys else one for one in had]
    return standing.document if keys == had else with_keys(standing.document, list(dict.fromkeys(keys)))


def draft_at(location: str) -> str:
    """The DID of a log to be made for this place: ``host[:port][/path]``, with or without ``https://`` before it."""
    text = location.removeprefix("https://").removesuffix(LOG).removesuffix("/").removesuffix("/.well-known")
    authority, *path = text.split("/")
    host, colon, port = authority.partition(":")
    if colon and not (port.isascii() and port.isdecimal() and len(port) < 6):
        raise typer.BadParameter(f"{location!r} is no place: write host[:port][/path]", param_hint="LOCATION")
    return webvh.draft_did(parse_place(quote(host)).host, path, int(port) if colon else None)


def moved(document: dict[str, Any], did: str, to: str) -> dict[str, Any]:
    """The document under another DID, which says which one it had."""
    renamed: dict[str, Any] = _renamed(document, did, to)
    known_as = [*document.get("alsoKnownAs", []), did]
    return {**renamed, "alsoKnownAs": list(dict.fromkeys(one for one in known_as if one != to))}


def _renamed(value: Any, did: str, to: str) -> Any:
    if isinstance(value, dict):
        return {name: _renamed(one, did, to) for name, one in value.items()}
    if isinstance(value, list):
        return [_renamed(one, did, to) for one in value]
    return to + value[len(did) :] if isinstance(value, str) and value.partition("#")[0] == did else value


def witness_file(path: Path) -> list[dict[str, Any]]:
    """What did-witness.json beside a log holds; nothing if there is none."""
    return webvh.parse_witness_file(path.read_bytes()) if path.exists() else []


def read_bytes(path: Path, most: int) -> bytes:
    """The bytes of a file that has no more. Raises ``Malformed`` (``webvh_log_too_large``), ``OSError``."""
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise Malformed("webvh_log_too_large", f"{path}: more than {most} bytes")
    return data
