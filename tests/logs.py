"""Logs of did:webvh for the cast, made line by line: keys follow from names, times are told.

    log = Log.begin("works", START)                       its keys: "works"; the key that may write on is announced
    log = log.next(START + DAY, keys=["works-2"])         others speak from here on
    log = log.next(START + 2 * DAY, host="data.example")  it moves, if it is portable

Each step is a log of its own, so what is refused is not gone on with.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from typing import Any

from identity.did import multibase_of
from identity.keys import SigningKey
from identity.webvh import Standing, Witness, advance, draft_did, first_line, key_hash, next_line

HOST = "registry.example"  # of the ledger, where its charter says so
PURPOSES = ("assertionMethod", "authentication")


def seed(name: str) -> bytes:
    """32 bytes that only this name has."""
    return sha256(f"cast:{name}".encode()).digest()


@cache
def key_called(name: str, alg: Any = "Ed25519") -> SigningKey:
    """The key that follows from a name."""
    return SigningKey.from_seed(alg, seed(name))


def multikey(name: str) -> str:
    return multibase_of(key_called(name).public)


def document(did: str, keys: Iterable[str], **more: Any) -> dict[str, Any]:
    """A DID document whose keys, by their names, are named by themselves."""
    methods = [(f"{did}#{multikey(name)}", multikey(name)) for name in keys]
    ids = [id_ for id_, _ in methods]
    return {
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
        "id": did,
        "verificationMethod": [
            {"id": id_, "type": "Multikey", "controller": did, "publicKeyMultibase": key} for id_, key in methods
        ],
        **dict.fromkeys(PURPOSES, ids),
        **more,
    }


@dataclass(frozen=True)
class Log:
    """A log as far as it is made. ``keys`` are names of those that speak, ``writer`` of the one that may write on."""

    name: str
    keys: tuple[str, ...]
    writer: str
    standing: Standing
    lines: tuple[dict[str, Any], ...]

    @property
    def did(self) -> str:
        return self.standing.did

    @classmethod
    def begin(
        cls,
        name: str,
        time: int,
        *,
        host: str = HOST,
        path: Sequence[str] | None = None,
        keys: Sequence[str] | None = None,
        portable: bool = False,
        witness: Witness | None = None,
    ) -> Log:
        """The first line, at ``time`` (POSIX seconds)."""
        speaking, spare = (name,) if keys is None else tuple(keys), f"{name} writer 2"
        host, _, port = host.partition("%3A")
        did = draft_did(host, ("org", name) if path is None else path, int(port) if port else None)
        line = first_line(
            document(did, speaking),
            key_called(f"{name} writer 1"),
            time,
            next_key_hashes=[key_hash(multikey(spare))],
            portable=portable,
            witness=witness,
        )
        return cls(name, speaking, spare, advance(None, line, time), (line,))

    def next(
        self,
        time: int,
        *,
        keys: Sequence[str] | None = None,
        host: str | None = None,
        heir: str | None = None,
        deactivated: bool | None = None,
        **document_more: Any,
    ) -> Log:
        """One line more, a second after the last at least. ``heir`` shall have the key that may write on."""
        time = max(time, self.standing.time + 1)
        number = self.standing.number + 2
        speaking, spare = (
            self.keys if keys is None else tuple(keys),
            f"{heir or self.writer.split()[0]} writer {number}",
        )
        did, more = self.did, dict(document_more)
        if host is not None:
            did = f"did:webvh:{self.standing.scid}:{host}:org:{self.name}"
            more["alsoKnownAs"] = [self.did]
        line = next_line(
            self.standing,
            key_called(self.writer),
            time,
            document=document(did, speaking, **more),
            next_key_hashes=[key_hash(multikey(spare))],
            deactivated=deactivated,
        )
        after = advance(self.standing, line, time)
        return replace(self, keys=speaking, writer=spare, standing=after, lines=(*self.lines, line))

    def since(self, before: Log | None) -> list[dict[str, Any]]:
        """The lines that were not there ``before``: what an act has to state."""
        return [dict(line) for line in self.lines[0 if before is None else len(before.lines) :]]
