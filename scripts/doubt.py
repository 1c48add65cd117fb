"""Which acts are doubtful: signed with a key, or under a delegation, that was declared compromised as of then.

They stay valid, as they were admitted. What is said of them here is what the party said of its own keys.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from api.client import Client, Summary
from identity.canonical import b64decode
from ledger.errors import Absent
from ledger.values import subject_id


class Doubts:
    """Asks a ledger for the parties and delegations that acts name, once each."""

    def __init__(self, client: Client) -> None:
        self._state = cache(lambda id_: _state(client, id_))

    def cast_on(self, entry: Summary) -> bool:
        """Whether an act is doubtful."""
        signer = entry.signer if entry.via else entry.issuer
        keys = self._state(signer).get("keys", ())
        if any(one["key"] == entry.key and one.get("compromised", entry.index + 1) <= entry.index for one in keys):
            return True
        if entry.via is None:
            return False
        leaf = self._state(subject_id("delegation", b64decode(entry.via)))
        chain = [leaf, *map(self._state, leaf.get("chain", ()))]
        return any(one.get("compromised") is not None and one["compromised"] <= entry.index for one in chain)


def _state(client: Client, id_: str) -> dict[str, Any]:
    try:
        return client.subject(id_).state
    except Absent:
        return {}
