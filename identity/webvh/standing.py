"""What a did:webvh log says at one of its entries: all that judging the next one needs, and the DID document.

A ledger keeps ``to_state`` between entries, plain JSON without the document, under the names of the specification.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from identity.instant import parse_instant

TTL_S = 3600  # for how long a resolver may remember, if the log does not say


@dataclass(frozen=True, slots=True)
class Witness:
    """So many of these must approve an entry: ``threshold`` of distinct ``ids``, each a did:key."""

    threshold: int
    ids: tuple[str, ...]

    def to_parameter(self) -> dict[str, Any]:
        return {"threshold": self.threshold, "witnesses": [{"id": one} for one in self.ids]}


@dataclass(frozen=True, slots=True)
class Standing:
    """A log as of one entry. Lists as they hold from here on; ``update_keys`` are Multikeys, hashes are multihashes."""

    did: str  # the id of the document: moves with portability, its SCID never changes
    scid: str
    version_id: str  # <number>-<hash of the entry>
    version_time: str  # as the entry spells it
    update_keys: tuple[str, ...]
    next_key_hashes: tuple[str, ...]
    witness: Witness | None
    watchers: tuple[str, ...]
    portable: bool
    deactivated: bool
    ttl: int | None  # seconds; None if the log does not say (then 3600)
    document: dict[str, Any] = field(default_factory=dict)

    @property
    def number(self) -> int:
        """Of the version: 1 for the first entry."""
        return int(self.version_id.partition("-")[0])

    @property
    def instant(self) -> Decimal:
        """The versionTime in POSIX seconds, exactly."""
        return parse_instant(self.version_time)

    @property
    def time(self) -> int:
        """The versionTime in whole POSIX seconds."""
        return int(self.instant // 1)

    def to_state(self) -> dict[str, Any]:
        """Plain JSON without the document; ``from_state`` reads it."""
        return {
            "did": self.did,
            "scid": self.scid,
            "versionId": self.version_id,
            "versionTime": self.version_time,
            "updateKeys": list(self.update_keys),
            "nextKeyHashes": list(self.next_key_hashes),
            "witness": self.witness.to_parameter() if self.witness else {},
            "watchers": list(self.watchers),
            "portable": self.portable,
            "deactivated": self.deactivated,
            "ttl": self.ttl,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any], document: Mapping[str, Any] | None = None) -> Standing:
        """What ``to_state`` gave, with the document if it is at hand. Judges nothing."""
        witness = state["witness"]
        ids = tuple(one["id"] for one in witness.get("witnesses", ()))
        return cls(
            did=state["did"],
            scid=state["scid"],
            version_id=state["versionId"],
            version_time=state["versionTime"],
            update_keys=tuple(state["updateKeys"]),
            next_key_hashes=tuple(state["nextKeyHashes"]),
            witness=Witness(witness["threshold"], ids) if ids else None,
            watchers=tuple(state["watchers"]),
            portable=state["portable"],
            deactivated=state["deactivated"],
            ttl=state["ttl"],
            document=dict(document or {}),
        )
