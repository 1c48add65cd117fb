"""Who is who on a ledger: the parties and delegations that states and entries name, asked for once each.

Names are what parties and those who delegate call themselves and others; ids stand beside them, and are what counts.
"""

from __future__ import annotations

import time
from functools import cache, cached_property
from typing import Any

from api.client import Client, Subject
from ledger.circulation.key import doubts
from ledger.errors import Absent
from scripts.private import marked, tombstones
from scripts.times import show_seconds


class Known:
    """What a ledger shows of subjects as they stand. ``now``: POSIX seconds, by which they are judged to be over."""

    def __init__(self, client: Client, now: int | None = None) -> None:
        self._client = client
        self._subject = cache(self._ask)
        self._tombstones = tombstones(client)
        self.now = int(time.time()) if now is None else now

    def state(self, id_: str) -> dict[str, Any]:
        """The state of a subject, or of the party of a DID; empty where there is none."""
        found = self._subject(id_)
        return {} if found is None else found.state

    def changed(self, id_: str) -> int:
        """The index of the entry that last changed a subject; -1 where there is none."""
        found = self._subject(id_)
        return -1 if found is None else found.index

    def named(self, id_: str) -> str:
        """A party's id or DID, with its name beside it if that is shown."""
        name = self.state(id_).get("name") if id_.startswith(("party_", "did:")) else None
        return f"{id_} ({name})" if isinstance(name, str) else id_

    def speaker(self, did: str) -> str:
        """The party whose DID this is, by its id and name; for those who are no party, what they are."""
        found = self._subject(did)
        return self._offices.get(did, did) if found is None else self.named(found.id)

    def called(self, subject: Subject) -> Any:
        """A subject's name or title: ``erased`` if it was, hidden yet where it is only withheld."""
        name = subject.state.get("name") or subject.state.get("title")
        return marked(name, lambda digest: any(one.subject == subject.id for one in self._tombstones(digest)))

    def delegate(self, state: dict[str, Any], did: str | None = None) -> str:
        """Whom a delegation was given to, by the name that it says or, of a party, its own. ``did``: if not known."""
        name, to = state.get("name"), str(state.get("to", did))
        return f"{to} ({name})" if isinstance(name, str) else self.named(to)

    def doubts(self, signer: str, key: str, index: int) -> bool:
        """Whether a party, by its id or DID, said of a key of its own that others may have had it at an index."""
        return doubts(self.state(signer).get("keys", ()), key, index)

    def given_in_doubt(self, state: dict[str, Any]) -> bool:
        """Whether somebody else may have given a delegation, or one that it goes back to."""
        chain = [*map(self.state, state.get("chain", ())), state]
        return any(self.doubts(one["giver"], one["key"], one["opened"]) for one in chain if one.get("giver"))

    def standing(self, state: dict[str, Any]) -> str:
        """Whether a delegation or credential holds: what was recorded, and what time or those above it make of it."""
        if (status := state.get("status", "unknown")) != "active":
            doubt = state.get("compromised")
            return str(status) + (f", doubtful from entry {doubt} on" if doubt is not None else "")
        if "opened" in state and self.given_in_doubt(state):
            return "doubtful: given with a key that others may have had"
        for above in state.get("chain", ()):
            if not (standing := self.standing(self.state(above))).startswith("active"):
                return f"ends with {above}: {standing}"
        return self._at_this_time(state) or "active"

    def offering(self, state: dict[str, Any]) -> str:
        """Whether an offer can be taken up: what was recorded of it, and what time makes of it; not of its assets."""
        return str(state["status"]) if state["status"] != "open" else self._at_this_time(state) or "open"

    def lapsed(self, state: dict[str, Any]) -> str | None:
        """Why nobody can take up an offer any more, of its assets. Cost: a request for each of them."""
        for offered in state["assets"]:
            asset = self.state(offered["asset"])
            if asset.get("heldSince") != offered["heldSince"]:
                return f"lapsed: {offered['asset']} is held by {self.named(asset.get('holder', 'another'))}"
            if asset["status"] == "retired":
                return f"lapsed: {offered['asset']} is retired"
        return None

    def _at_this_time(self, state: dict[str, Any]) -> str | None:
        """What keeps something from being in force now, where times do."""
        since, until = state.get("since", state.get("validFrom")), state.get("until", state.get("validUntil"))
        if since is not None and self.now < since:
            return f"not yet, from {show_seconds(since)}"
        return f"over since {show_seconds(until)}" if until is not None and until < self.now else None

    def _ask(self, id_: str) -> Subject | None:
        try:
            return self._client.subject(id_)
        except Absent:
            return None

    @cached_property
    def _offices(self) -> dict[str, str]:
        charter = self._client.ledger().charter
        return {str(charter[name]): f"{charter[name]} ({name})" for name in ("governance", "service")}
