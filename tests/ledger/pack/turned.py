"""A play in which whoever signs is not who joined: keys that rotate, logs that move, DIDs that are succeeded, parties
that are recovered, machines that act for others. What is done by each of them has a name.

    turned().pack("by the key after it")                     the pack of that act
    crowded().pack("by a party", room=20)                    the same, where no pack may hold more than so many entries
    turned().forged("by the key after it", "asset.registered", by="works", log=…, key="works", body=…)
                                                             the same, in a log that has another act there
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any
from unittest.mock import patch

from identity.did import multibase_of
from ledger.log.chain import parse_entry
from ledger.pack.data import PIECES_MAX, Pack
from ledger.pack.evidence import ScanEvidence
from ledger.pack.gather import gather
from tests.cast import CAST, LOG, Play, charter, description
from tests.ledger.pack.pressed import Listed, checkpoint, pressed, rewritten
from tests.logs import HOST, Log, multikey


@dataclass
class Turned:
    """``at``: what was done -> index; ``logs``: the logs of parties as they were by then."""

    play: Play
    at: dict[str, int] = field(default_factory=dict)
    logs: dict[str, dict[str, Log]] = field(default_factory=dict)
    delegations: dict[str, str] = field(default_factory=dict)

    def mark(self, name: str) -> None:
        self.at[name] = len(self.play.entries) - 1
        self.logs[name] = dict(self.play.logs)

    def register(self, name: str, by: str, **given: Any) -> None:
        self.play.act("asset.registered", by=by, body=description(name), **given)
        self.mark(name)

    @property
    def entries(self) -> list[bytes]:
        return [played.entry for played in self.play.entries]

    def pack(self, name: str, *left_out: str, room: int = PIECES_MAX, size: int | None = None) -> Pack:
        """The pack of an act, without the entries of these names. ``size``: of the checkpoint, if not the last."""
        entries, gone = self.entries[:size], {self.at[one] for one in left_out}
        with patch("ledger.pack.gather.PIECES_MAX", room):
            made = gather(ScanEvidence(Listed(entries, checkpoint(entries, LOG))), self.at[name])
        return replace(made, pieces=tuple(one for one in made.pieces if parse_entry(one.entry).index not in gone))

    def forged(self, name: str, kind: str, *, about: str = "", **given: Any) -> Pack:
        """The pack of the act ``name`` (or ``about``), in a log where another is there in its place.

        It claims no history of any subject, so that nothing but whose act it is can be wrong.
        """
        at, sent = self.at[name], self.play.sign(kind, **given)
        swapped = rewritten(self.entries, lambda entry: replace(entry, statement=sent) if entry.index == at else entry)
        return pressed(replace(self.pack(about or name), subjects=()), swapped, LOG)


@cache
def turned() -> Turned:
    play = Play(charter(didHost=HOST), {**CAST, "mill of old": CAST["mill"]})
    made = Turned(play)
    play.join("partner", "second")
    play.join_hosted("lender")
    play.join_hosted("works", portable=True)
    made.mark("the joining")
    play.rotate("works", keys=["works-2"])
    made.mark("the rotation")
    made.register("by the key after it", "works")
    _delegate(made)
    _go_on(made)
    _succeed(made)
    return made


def _delegate(made: Turned) -> None:
    play, given = made.play, made.delegations
    given["first"] = play.delegate("works", "machine", depth=2, name="Milling machine 7")
    made.mark("the delegation")
    made.register("by a machine", "machine", via=given["first"])
    given["second"] = play.delegate("machine", "agent", via=given["first"], depth=1)
    made.mark("the delegation given on")
    given["third"] = play.delegate("agent", "partner", via=given["second"])
    made.mark("the delegation given on again")
    made.register("by a party at the end of a chain", "partner", via=given["third"])  # signs with P-256
    play.act("delegation.revoked", by="works", sub=given["second"], body={"reason": "compromised"})
    made.mark("the revocation")
    made.register("after the revocation", "machine", via=given["first"])


def _go_on(made: Turned) -> None:
    play = made.play
    did, keys = play.logs["works"].did, [multikey("works-2"), multibase_of(play.key("partner").public)]
    methods = [{"id": f"{did}#{key}", "type": "Multikey", "controller": did, "publicKeyMultibase": key} for key in keys]
    ids = [method["id"] for method in methods]
    play.rotate("works", verificationMethod=methods, assertionMethod=ids)
    made.mark("the rotation to P-256")
    made.register("by a key of P-256", "works", key="partner")
    play.rotate("works", host="data.example", keys=["works-3"], compromised=[("works-2", len(play.entries) - 2)])
    made.mark("the move")
    made.register("after the move", "works")
    play.rotate("works", host=HOST, keys=["works-4"])
    made.mark("the move back")
    made.register("after the move back", "works")


def _succeed(made: Turned) -> None:
    play = made.play
    play.join("mill")
    made.mark("the joining by did:key")
    play.succeed("mill", "mill", Log.begin("mill", play.seconds, keys=["mill desk"]))
    made.mark("the succession")
    made.register("after the succession", "mill")
    play.arrange("mill", "partner", "second")
    play.tick(days=7)
    play.recover("mill", "spare", "partner", "second", **{"mill desk": made.at["after the succession"]})
    made.mark("the recovery")
    made.at["the opening"] = made.at["the recovery"] - 2
    made.register("after the recovery", "spare")


@cache
def crowded() -> Turned:
    """A party goes on with its log more often than anybody wants to read: after what it did, and before it is
    recovered. The first of these lines that changes its keys says that others had the former.
    """
    play = Play(charter(didHost=HOST))
    made = Turned(play)
    play.join("partner", "second")
    play.join_hosted("works")
    made.mark("the joining")
    for name in ("the first line more", "the second line more"):
        play.rotate("works")
        made.mark(name)
    play.arrange("works", "partner", "second")
    made.mark("the naming of trustees")
    play.tick(days=7)
    made.register("by a party", "works")
    play.rotate("works", keys=["works-2"], compromised=[("works", made.at["by a party"])])
    made.mark("the alarm")
    for _ in range(200):
        play.tick(seconds=1)
        play.rotate("works")
    made.mark("the last line")
    play.recover("works", "spare", "partner", "second", **{"works-2": made.at["the last line"]})
    made.mark("the recovery")
    made.register("after the recovery of the crowded", "spare")
    return made


@cache
def doubted() -> Turned:
    """Delegations: one that was compromised, one given with a key that was, and one given with the key after that."""
    play = Play(charter(didHost=HOST))
    made = Turned(play)
    given = made.delegations
    play.join_hosted("works")
    play.join("partner")
    given["before"] = play.delegate("works", "machine", depth=1)
    made.register("under one given before", "machine", via=given["before"])
    given["further"] = play.delegate("machine", "agent", via=given["before"])
    made.register("under one that is not compromised yet", "agent", via=given["further"])
    made.register("under one that was compromised", "agent", via=given["further"])
    since = made.at["under one that was compromised"]
    play.act("delegation.revoked", by="works", sub=given["further"], body={"reason": "compromised", "since": since})
    made.mark("the end of the one given on")
    given["doubtful"] = play.delegate("works", "agent")
    made.register("under one given with a key that was compromised", "agent", via=given["doubtful"])
    play.rotate("works", keys=["works-2"], compromised=[("works", made.at["the end of the one given on"] + 1)])
    given["after"] = play.delegate("works", "agent", depth=1)
    made.register("under one given after", "agent", via=given["after"])
    given["party's"] = play.delegate("works", "partner", depth=1)
    given["on"] = play.delegate("partner", "machine", via=given["party's"])
    made.register("under one that a party gave on", "machine", via=given["on"])
    play.act("delegation.revoked", by="works", sub=given["after"], body={})
    return made
