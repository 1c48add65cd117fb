"""A ledger's answers made of a play, without a service: honest, or told to lie in one particular way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import httpx

from api.client import Client
from identity.note import Signer, format_vkey
from ledger.circulation.charter import Ledger
from ledger.log.checkpoint import Checkpoint, sign_checkpoint
from ledger.log.merkle import leaf_hash, root_of
from tests.cast import LOG, ORIGIN, Play, charter, seed

NEXT = Signer(ORIGIN, seed("next log"))
THIRD = Signer(ORIGIN, seed("third log"))
OTHER = Signer(ORIGIN, seed("other log"))


def ledger_play(**changes: Any) -> Play:
    """A ledger that has only its charter."""
    return Play(founding=charter(**changes))


def rotate(play: Play, signer: Signer, by: str = "governance") -> None:
    """Governance replaces the log key."""
    play.act("ledger.amended", by=by, sub=play.world.ledger, body={"logKey": format_vkey(signer.verifier)})


@dataclass
class Fake:
    """Answers what ``trust`` asks. ``lies`` replaces members of /v1/ledger; ``signer`` signs the checkpoint."""

    play: Play
    signer: Signer = LOG
    lies: dict[str, Any] = field(default_factory=dict)
    hidden: frozenset[int] = frozenset()  # entries left out of histories
    asked: list[str] = field(default_factory=list)

    def client(self) -> Client:
        return Client("http://ledger.example", transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.asked.append(path)
        if path == "/v1/ledger":
            return httpx.Response(200, json={**self._about(), **self.lies})
        if path == "/checkpoint":
            return httpx.Response(200, content=self.checkpoint())
        if path.startswith("/v1/entries/"):
            return httpx.Response(200, content=self.play.entries[int(path.rpartition("/")[2])].entry)
        assert path.endswith("/history")
        before = int(request.url.params.get("before", len(self.play.entries)))
        found = [one for one in self.play.entries[:before] if one.index not in self.hidden and self._is_of_charter(one)]
        return httpx.Response(200, json=[self._summary(one) for one in reversed(found)])

    def _is_of_charter(self, played: Any) -> bool:
        return bool(played.statement.claims.kind.startswith("ledger."))

    def _about(self) -> dict[str, Any]:
        charter = self.play.state(Ledger, str(self.play.world.ledger))
        return {
            "origin": ORIGIN,
            "audience": self.play.world.audience,
            "size": len(self.play.entries),
            "vkey": charter.logKey,
            "charter": dict(charter.__dict__),
        }

    def leaves(self) -> list[bytes]:
        return [leaf_hash(one.entry) for one in self.play.entries]

    def checkpoint(self) -> bytes:
        """The play's size and root, signed."""
        root = root_of(self.leaves())
        return sign_checkpoint(Checkpoint(self.signer.name, len(self.play.entries), root), self.signer)

    def _summary(self, played: Any) -> dict[str, Any]:
        claims = played.statement.claims
        return {
            "index": played.index,
            "time": played.time,
            "id": played.id,
            "kind": claims.kind,
            "subject": played.subject,
            "issuer": claims.iss,
            "signer": played.statement.key[0],
            "key": played.statement.key[1],
        }
