"""Recovery: a party whose keys are lost or stolen gets another DID by the word of trustees it named before.

A party names trustees, how many of them it takes, and how long everybody has to object. Later the trustees ask, in the
open, that another DID speak for it; once enough of them do, the wait begins. The party's present keys can object once:
then the same number of trustees must say again, knowing it, that they mean it, and the wait begins anew. So neither a
thief who has the keys, who can always object, nor trustees alone, who can always ask, decides unseen.

Naming other trustees is subject to the wait of those named before, and the first naming to a week at least: a thief
who has one key cannot name his friends and be done. A naming by a key that is declared compromised before it is in
force falls. Whom a recovery was opened by stays trusted once it is completed, whatever was named meanwhile: the thief
cannot have the next one. That the party moves on to other keys or DIDs does not end a recovery, another one does; and
each lapses, so that trustees who were named no more cannot come back to it years later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

from pydantic import Field

from identity.instant import format_instant
from ledger.circulation.key import Compromises, check_compromises, check_present, check_renewal
from ledger.circulation.party import Party, TrustState
from ledger.circulation.speaker import Consent, LogLines, Speaker, WitnessProofs, check_consent, claimed, speaker_of
from ledger.errors import Refused, declare
from ledger.statement import Kind
from ledger.values import Did, PartyId, Text
from ledger.world import Act, State, World

declare(
    "rule",
    trustees_unfit=("these cannot be the trustees", "name other parties of this ledger that are there, each once"),
    threshold_unfit=("so many trustees there are not", "ask for at most as many as are named"),
    recovery_not_arranged=("the party has named no trustees, or its naming waits yet", "ask governance for help"),
    not_a_trustee=("only a trustee of the party may do this", "sign as a trustee: cadastre show PARTY"),
    recovery_over=("the recovery is completed, or has lapsed", "a trustee may open another"),
    recovery_supported_already=("this trustee supports it already", "nothing is left to do"),
    recovery_not_supported=("this trustee does not support it", "nothing is there to take back"),
    recovery_contested_already=("the party has objected once", "ask the trustees not to uphold it"),
    recovery_waits=("the time to object is not over, or too few trustees support it", "see: cadastre show RECOVERY"),
    recovery_of_another=("the recovery is for another DID", "complete it with a key of the DID it names"),
    recovery_outrun=("the party was recovered since this was opened", "a trustee may open another"),
    place_not_held=(
        "a recovery takes no place under the ledger's host but one that the party has had",
        "recover to a did:key, then let the DID at that place succeed it",
    ),
)

WAIT_MIN_S, WAIT_MAX_S = 60, 31_622_400
WAIT_FIRST_S = 604_800  # until the first trustees are in force, at least: by then their naming has been seen
LAPSE_S = 2_592_000  # in which trustees have to find together, beside the wait; anew after the party's objection


@dataclass(frozen=True)
class Recovery(State, of="recovery"):
    """A recovery as everybody sees it. ``due``: when it can be completed, POSIX seconds; None while too few support it.

    ``before`` is the DID that spoke for the party when it was opened, by the entry ``opened``, ``did`` the one that is
    to; ``until`` when it lapses.
    """

    PROVEN: ClassVar[Mapping[str, str]] = {"party": "party"}

    party: str
    before: str
    did: str
    reason: str
    trustees: list[str]
    threshold: int
    wait: int
    supporters: list[str]
    due: int | None
    opened: int
    until: int
    status: str = "open"  # open, contested, completed
    objection: str | None = None

    def lookups(self) -> Iterable[tuple[str, str]]:
        return [("party", self.party), ("recovering", self.did), *(("trustee", one) for one in self.trustees)]

    def supported(self, supporters: list[str], seconds: int) -> Recovery:
        """With these supporters, as of a time: where they become enough, the wait begins."""
        if len(supporters) < self.threshold:
            return replace(self, supporters=supporters, due=None)
        return replace(self, supporters=supporters, due=seconds + self.wait if self.due is None else self.due)


class RecoveryArranged(Kind, name="recovery.arranged", on="party", personal=True):
    """Names the trustees who can give the party another DID; an empty list takes that back."""

    trustees: Annotated[list[PartyId], Field(max_length=32, description="parties of this ledger")]
    threshold: Annotated[int, Field(ge=1, le=32, description="how many of them it takes")] = 1
    wait: Annotated[
        int, Field(ge=WAIT_MIN_S, le=WAIT_MAX_S, description="seconds in which anybody can see it and object")
    ] = 604_800

    def touches(self, sub: str | None) -> Iterable[str]:
        return self.trustees

    def check(self, world: World, act: Act[RecoveryArranged]) -> None:
        if act.sub != act.party:
            raise Refused("party_of_another", f"{act.iss} speaks for {act.party}", pointer="/payload/sub")
        if len(set(self.trustees)) < len(self.trustees) or act.party in self.trustees:
            raise Refused("trustees_unfit", pointer="/payload/body/trustees")
        for place, trustee in enumerate(self.trustees):
            if world.get(Party, trustee).left:
                raise Refused("trustees_unfit", f"{trustee} has left", pointer=f"/payload/body/trustees/{place}")
        if self.trustees and self.threshold > len(self.trustees):
            raise Refused("threshold_unfit", f"{self.threshold} of {len(self.trustees)}")

    def fold(self, world: World, act: Act[RecoveryArranged]) -> None:
        party = world.get(Party, act.sub)
        present = party.trust_at(act.seconds)
        first = present is None or not present["trustees"]
        trust: TrustState = {
            "trustees": list(self.trustees),
            "threshold": self.threshold,
            "wait": self.wait,
            "since": act.seconds + (max(self.wait, WAIT_FIRST_S) if first or present is None else present["wait"]),
            "key": act.statement.key[1],
        }
        world.put(act.sub, replace(party, trust=[*([] if present is None else [present]), trust]))


class RecoveryOpened(Kind, name="recovery.opened", opens=("recovery",), personal=True):
    """A trustee asks that another DID speak for the party. It consents; the others support it, or do not."""

    party: PartyId
    did: Did
    log: LogLines | None = None
    witness: WitnessProofs | None = None
    consent: Consent
    reason: Annotated[str, Text(1, 400, "what happened, for the other trustees and whoever watches")]

    def touches(self, sub: str | None) -> Iterable[str]:
        return [self.party]

    def finds(self, sub: str | None) -> Iterable[tuple[str, str]]:
        return [("did", self.did), *claimed(self.log)]

    def check(self, world: World, act: Act[RecoveryOpened]) -> None:
        party = world.get(Party, self.party)
        trust = party.trust_at(act.seconds)
        if trust is None or not trust["trustees"]:
            raise Refused("recovery_not_arranged", pointer="/payload/body/party")
        if act.party not in trust["trustees"]:
            raise Refused("not_a_trustee", f"{act.party} is none of {self.party}")
        if world.found("did", self.did) is not None:
            raise Refused("did_taken", self.did, pointer="/payload/body/did")
        speaker = speaker_of(world, act, self.party, self.did, self.log, self.witness)
        _check_place_held(party, speaker)
        check_renewal(party.keys, speaker.keys, (), act.index)
        check_consent(world, self.party, speaker, self.consent)

    def fold(self, world: World, act: Act[RecoveryOpened]) -> None:
        party = world.get(Party, self.party)
        trust = party.trust_at(act.seconds)
        assert trust is not None
        opened = Recovery(
            party=self.party,
            before=party.did,
            did=self.did,
            reason=self.reason,
            trustees=trust["trustees"],
            threshold=trust["threshold"],
            wait=trust["wait"],
            supporters=[],
            due=None,
            opened=act.index,
            until=act.seconds + trust["wait"] + LAPSE_S,
        )
        world.put(act.sub, opened.supported([act.party], act.seconds))


class RecoverySupported(Kind, name="recovery.supported", on="recovery", personal=True):
    """A trustee supports it; after an objection, once more."""

    def pins(self, sub: str | None) -> Iterable[str]:
        return ()  # nobody's word shall lose a race against another's

    def check(self, world: World, act: Act[RecoverySupported]) -> None:
        state = _going_on(world, act)
        if act.party not in state.trustees:
            raise Refused("not_a_trustee", f"{act.party} is none of {state.party}")
        if act.party in state.supporters:
            raise Refused("recovery_supported_already")

    def fold(self, world: World, act: Act[RecoverySupported]) -> None:
        state = world.get(Recovery, act.sub)
        world.put(act.sub, state.supported([*state.supporters, act.party], act.seconds))


class RecoveryContested(Kind, name="recovery.contested", on="recovery", personal=True):
    """Objects: the party itself by its present keys, once; or a trustee, who takes the support back."""

    reason: Annotated[str, Text(1, 400, "why")]

    def pins(self, sub: str | None) -> Iterable[str]:
        return ()

    def check(self, world: World, act: Act[RecoveryContested]) -> None:
        state = _going_on(world, act)
        if act.party == state.party:
            if state.status == "contested":
                raise Refused("recovery_contested_already")
        elif act.party not in state.trustees:
            raise Refused("not_a_trustee", f"{act.party} is none of {state.party}")
        elif act.party not in state.supporters:
            raise Refused("recovery_not_supported")

    def fold(self, world: World, act: Act[RecoveryContested]) -> None:
        state = world.get(Recovery, act.sub)
        if act.party == state.party:
            after = replace(state, status="contested", objection=self.reason, supporters=[], due=None)
            after = replace(after, until=act.seconds + state.wait + LAPSE_S)
        else:
            after = state.supported([one for one in state.supporters if one != act.party], act.seconds)
        world.put(act.sub, after)


class RecoveryCompleted(Kind, name="recovery.completed", on="recovery", signer="newcomer"):
    """The DID takes over, by a key of its own, once enough trustees support it and the wait is over.

    Its log is stated as it stands by then. What the party's former keys may have signed for others is named in
    ``compromised``.
    """

    party: PartyId
    log: LogLines | None = None
    witness: WitnessProofs | None = None
    compromised: Compromises

    def touches(self, sub: str | None) -> Iterable[str]:
        return [self.party]

    def pins(self, sub: str | None) -> Iterable[str]:
        return ()  # a trustee who comes and goes must not be able to put it off

    def finds(self, sub: str | None) -> Iterable[tuple[str, str]]:
        return claimed(self.log)

    def check(self, world: World, act: Act[RecoveryCompleted]) -> None:
        state = _going_on(world, act)
        if act.iss != state.did or self.party != state.party:
            raise Refused("recovery_of_another", f"it is for {state.did} of {state.party}")
        party = world.get(Party, self.party)
        if party.recovered is not None and party.recovered > state.opened:
            raise Refused("recovery_outrun", f"by entry {party.recovered}, it was opened by entry {state.opened}")
        if state.due is None or act.seconds < state.due:
            until = "too few support it" if state.due is None else f"until {format_instant(state.due)}"
            raise Refused("recovery_waits", until)
        speaker = speaker_of(world, act, self.party, act.iss, self.log, self.witness)
        _check_place_held(party, speaker)
        check_compromises(party.keys, self.compromised, act.index)
        check_present(speaker.keys, {one.key for one in self.compromised})  # whatever a thief says of them
        if act.statement.key[1] not in speaker.keys:
            raise Refused("key_not_of_issuer", f"the document of {act.iss} has no such key", pointer="/header/kid")

    def fold(self, world: World, act: Act[RecoveryCompleted]) -> None:
        state = world.get(Recovery, act.sub)
        speaker = speaker_of(world, act, self.party, act.iss, self.log, self.witness)
        party = world.get(Party, self.party).speaks(speaker, self.compromised, act.index, act.seconds)
        trust: TrustState = {
            "trustees": state.trustees,
            "threshold": state.threshold,
            "wait": state.wait,
            "since": act.seconds,
            "key": act.statement.key[1],
        }
        world.put(self.party, replace(party, status="active", leaving=None, trust=[trust], recovered=act.index))
        world.put(act.sub, replace(state, status="completed"))


def _check_place_held(party: Party, speaker: Speaker) -> None:
    """Whoever reads what is asked in the open could take any other place before it is done. Raises ``Refused``."""
    place = None if speaker.log is None else speaker.log["place"]
    if place is not None and place not in party.places:
        raise Refused("place_not_held", place)


def _going_on(world: World, act: Act[Any]) -> Recovery:
    state = world.get(Recovery, act.sub)
    if state.status == "completed" or act.seconds > state.until:
        raise Refused("recovery_over")
    return state
