"""Parties: who takes part. A party id carries everything else, so that keys and DIDs may change under it.

Whoever joins signs with the key that shall speak for the party, and thereby shows that they hold it. A party speaks
through one DID at a time, the last of ``dids``: a did:key, which is its own only key, or a did:webvh, whose log says
by which keys (``circulation.speaker``). What speaks for it changes by its own act: ``party.rotated`` goes on with the
log, ``party.succeeded`` passes from a did:key to another DID; where its keys are lost, by ``circulation.recovery``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, ClassVar, Literal, cast

from pydantic import Field
from typing_extensions import TypedDict  # pydantic reads no other below Python 3.12

from ledger.circulation.alias import AliasState, alias_lookups
from ledger.circulation.charter import Ledger
from ledger.circulation.demand import HeldState
from ledger.circulation.key import Compromises, KeyState, check_renewal, denies, doubts, first_keys, renewed
from ledger.circulation.speaker import (
    Consent,
    LogLines,
    LogState,
    Speaker,
    WitnessProofs,
    check_consent,
    claimed,
    follow,
    speaker_of,
)
from ledger.errors import Refused, declare
from ledger.form import Form
from ledger.statement import Kind
from ledger.values import Did, Private, Text, Uri, is_hidden
from ledger.words import words_of
from ledger.world import Act, State, World

declare(
    "rule",
    joining_closed=("only those the charter lists may join this ledger", "ask governance to be listed"),
    role_reserved=("this role belongs to authorities the charter recognises", "leave the role out"),
    name_must_be_plain=("this ledger wants names and contacts in the open", "join without private fields"),
    name_must_be_private=("this ledger wants names and contacts as private fields", "join with --private"),
    log_goes_on=(
        "a party that speaks through a did:webvh goes on with its log",
        "state the next line: cadastre rotate; another host is a move of the log",
    ),
    party_of_another=("this is another party's to do", "name in sub the party that iss speaks for"),
    dids_too_many=("the party spoke through too many DIDs", "stay with the DID; a recovery still gives it another"),
    log_absent=("the party speaks through a did:key, which cannot change", "pass to another DID: cadastre succeed"),
)

LegalName = Annotated[str, Text(1, 200, "legal name")]
DIDS_MAX = 64  # through which a party spoke; recoveries aside, which nobody has alone

Nature = Literal["organisation", "person", "device", "agent"]


class Contact(Form):
    """Where a person or machine can be reached about the party's data."""

    email: Annotated[str, Field(pattern=r"^[^\s@]{1,64}@[^\s@]{1,190}$")] | None = None
    phone: Annotated[str, Field(pattern=r"^\+[0-9 ()-]{5,30}$", description="with country code")] | None = None
    url: Uri | None = None
    address: Annotated[str, Text(1, 400, "postal address")] | None = None


class TrustState(TypedDict):
    """Who can give the party another DID (``circulation.recovery``): from ``since`` on (POSIX seconds)."""

    trustees: list[str]
    threshold: int
    wait: int
    since: int
    key: str


class LeaveState(TypedDict):
    """By which key, and by which entry, a party left."""

    key: str
    index: int


@dataclass(frozen=True)
class Party(State, of="party"):
    """A party as everybody sees it; ``name`` and ``contact`` may be withheld (``{"_sd": [digest]}``).

    ``dids`` are those through which it spoke, the one through which it speaks last; ``keys`` its keys, those of the
    past included; ``log`` where the log of its did:webvh stands; ``places`` those that its logs ever had under the
    ledger's host, so that nobody follows it there; ``trust`` whom it trusts to recover it, at most those in force and
    those who will be; ``recovered`` the entry by which it was last; ``credentials`` what it holds that counted when it
    was put on record, and was not revoked or suspended since (``circulation.credential``); ``aliases`` by which names
    others know it (``circulation.alias``).
    """

    UNIQUE: ClassVar[tuple[str, ...]] = ("attested", "did", "place", "scid")
    PROVEN: ClassVar[Mapping[str, str]] = {"alias": "alias", "attested": "alias", "did": "did"}

    dids: list[str]
    name: str | dict[str, Any]
    contact: dict[str, Any] | None
    roles: list[str]
    keys: list[KeyState]
    status: str = "active"
    nature: str = "organisation"
    log: LogState | None = None
    places: list[str] = field(default_factory=list)
    trust: list[TrustState] = field(default_factory=list)
    recovered: int | None = None
    leaving: LeaveState | None = None
    credentials: list[HeldState] = field(default_factory=list)
    aliases: list[AliasState] = field(default_factory=list)

    @property
    def did(self) -> str:
        """The DID through which it speaks."""
        return self.dids[-1]

    @property
    def left(self) -> bool:
        return self.status == "left"

    def returns(self, compromises: Compromises) -> bool:
        """Whether it was somebody else who left, as these show: by then the key was not the party's alone."""
        leaving = self.leaving
        return leaving is not None and any(
            one.key == leaving["key"] and one.since <= leaving["index"] for one in compromises
        )

    def denies(self, did: str, key: str) -> str | None:
        """The code of the reason why a key, named so under this DID, does not speak for the party; None if it does."""
        if did != self.dids[-1]:
            return "key_compromised" if denies(self.keys, key) == "key_compromised" else "did_succeeded"
        return denies(self.keys, key)

    def doubts(self, key: str, index: int) -> bool:
        """Whether somebody else may have signed with a key of the party what stands at an index."""
        return doubts(self.keys, key, index)

    def trust_at(self, seconds: int) -> TrustState | None:
        """Whom it trusts at a time; None where nobody is named yet."""
        return next((one for one in reversed(self.trust) if one["since"] <= seconds), None)

    def speaks(self, speaker: Speaker, compromises: Compromises, index: int, seconds: int) -> Party:
        """The party as it speaks from an index on.

        What a compromised key arranged and is not in force yet, falls; so does its leaving.
        """
        dids = self.dids if speaker.did == self.did else [*self.dids, speaker.did]
        keys = renewed(self.keys, speaker.keys, compromises, index)
        gone = {one.key for one in compromises}
        trust = [one for one in self.trust if one["since"] <= seconds or one["key"] not in gone]
        places = with_place(self.places, speaker)
        after = replace(self, dids=dids, keys=keys, log=speaker.log, places=places, trust=trust)
        return replace(after, status="active", leaving=None) if self.returns(compromises) else after

    def lookups(self) -> Iterable[tuple[str, str]]:
        found = [("did", did) for did in self.dids] + [("role", role) for role in self.roles]
        found += [("key", one["key"]) for one in self.keys if "ended" not in one and "compromised" not in one]
        found += [("former", one) for one in {one["key"]: None for one in self.keys if "ended" in one}]
        if self.log is not None:
            found.append(("scid", self.log["standing"]["scid"]))
        return found + [("place", place) for place in self.places] + alias_lookups(self.aliases)

    def words(self) -> Iterable[str]:
        return words_of(self.name) if isinstance(self.name, str) else ()


class PartyJoined(Kind, name="party.joined", opens=("party",), signer="newcomer"):
    """A party joins the ledger; from here on its DID speaks for it."""

    name: Private[LegalName]
    contact: Private[Contact] | None = None
    roles: Annotated[
        list[Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$", description="role tag", examples=["factory"])]],
        Field(max_length=16, default_factory=list),
    ]
    nature: Annotated[Nature, Field(description="what the party is")] = "organisation"
    log: LogLines | None = None
    witness: WitnessProofs | None = None

    def finds(self, sub: str | None) -> Iterable[tuple[str, str]]:
        return claimed(self.log)

    def check(self, world: World, act: Act[PartyJoined]) -> None:
        charter = cast(Ledger, world.charter)
        if charter.joiners == "listed" and act.iss not in charter.listed:
            raise Refused("joining_closed", f"{act.iss} is not listed in the charter")
        for place, role in enumerate(self.roles):
            if role in charter.reserved() - charter.roles_of(act.iss):
                raise Refused("role_reserved", f"the role {role} is reserved", pointer=f"/payload/body/roles/{place}")
        for named, value in (("name", self.name), ("contact", self.contact)):
            if value is None or charter.names == "either":
                continue
            if is_hidden(value) != (charter.names == "private"):
                raise Refused(f"name_must_be_{charter.names}", pointer=f"/payload/body/{named}")
        speaker = speaker_of(world, act, act.sub, act.iss, self.log, self.witness)
        check_renewal([], speaker.keys, (), act.index)
        if act.statement.key[1] not in speaker.keys:
            raise Refused("key_not_of_issuer", f"the document of {act.iss} has no such key", pointer="/header/kid")

    def fold(self, world: World, act: Act[PartyJoined]) -> None:
        body = act.statement.claims.body
        speaker = speaker_of(world, act, act.sub, act.iss, self.log, self.witness)
        keys = first_keys(speaker.keys, act.index)
        party = Party([act.iss], body["name"], body.get("contact"), list(self.roles), keys)
        world.put(act.sub, replace(party, nature=self.nature, log=speaker.log, places=with_place([], speaker)))


class PartyRotated(Kind, name="party.rotated", on="party", signer="controller"):
    """Goes on with the log of the party's did:webvh: other keys, another host, another document.

    A party that left comes back by it, if the key that left for it is compromised since then or earlier.
    Signed by a key of the party, or by one that these lines give it: whoever can go on with the log shows by its
    proofs to control the DID.
    """

    log: LogLines
    witness: WitnessProofs | None = None
    compromised: Compromises

    def finds(self, sub: str | None) -> Iterable[tuple[str, str]]:
        return claimed(self.log)

    def pins(self, sub: str | None) -> Iterable[str]:
        return ()  # the log says what it goes on with; a thief of one key must not be able to outrun its replacement

    def check(self, world: World, act: Act[PartyRotated]) -> None:
        party = _own(world, act)
        if party.log is None:
            raise Refused("log_absent", party.did)
        if party.left and not party.returns(self.compromised):
            raise Refused("party_left", f"{act.sub} has left", subject=act.sub, pointer="/payload/iss")
        if act.iss != party.did:
            raise Refused("did_succeeded", f"it speaks through {party.did}", pointer="/payload/iss")
        speaker = follow(world, act, act.sub, party.log, None, self.log, self.witness)
        check_renewal(party.keys, speaker.keys, self.compromised, act.index)
        if speaker.did != party.did:
            _check_room(party)
        key = act.statement.key[1]
        if key not in speaker.keys and (code := denies(party.keys, key)) is not None:
            raise Refused(code, f"{key} speaks neither before nor after", pointer="/header/kid")

    def fold(self, world: World, act: Act[PartyRotated]) -> None:
        party = world.get(Party, act.sub)
        speaker = follow(world, act, act.sub, party.log, None, self.log, self.witness)
        world.put(act.sub, party.speaks(speaker, self.compromised, act.index, act.seconds))


class PartySucceeded(Kind, name="party.succeeded", on="party", personal=True):
    """Lets another DID speak for the party, in place of a did:key. The party's id stays, and all that it holds."""

    did: Did
    log: LogLines | None = None
    witness: WitnessProofs | None = None
    consent: Consent
    compromised: Compromises

    def finds(self, sub: str | None) -> Iterable[tuple[str, str]]:
        return [("did", self.did), *claimed(self.log)]

    def check(self, world: World, act: Act[PartySucceeded]) -> None:
        party = _own(world, act)
        if party.log is not None:
            raise Refused("log_goes_on", party.did)
        if world.found("did", self.did) is not None:
            raise Refused("did_taken", self.did, pointer="/payload/body/did")
        _check_room(party)
        speaker = speaker_of(world, act, act.sub, self.did, self.log, self.witness)
        check_renewal(party.keys, speaker.keys, self.compromised, act.index)
        check_consent(world, act.sub, speaker, self.consent)

    def fold(self, world: World, act: Act[PartySucceeded]) -> None:
        speaker = speaker_of(world, act, act.sub, self.did, self.log, self.witness)
        world.put(act.sub, world.get(Party, act.sub).speaks(speaker, self.compromised, act.index, act.seconds))


class PartyLeft(Kind, name="party.left", on="party", personal=True):
    """The party leaves: nobody acts for it any more. What it owes and what it signed stays as it is."""

    reason: Annotated[str, Text(1, 400, "why")] | None = None

    def check(self, world: World, act: Act[PartyLeft]) -> None:
        _own(world, act)

    def fold(self, world: World, act: Act[PartyLeft]) -> None:
        leaving: LeaveState = {"key": act.statement.key[1], "index": act.index}
        world.put(act.sub, replace(world.get(Party, act.sub), status="left", leaving=leaving))


def _own(world: World, act: Act[Any]) -> Party:
    """The party that the act is about, which is the signer's own. Raises ``Refused``."""
    if act.sub != act.party:
        raise Refused("party_of_another", f"{act.iss} speaks for {act.party}", pointer="/payload/sub")
    return world.get(Party, act.sub)


def _check_room(party: Party) -> None:
    """The party may take another DID. Raises ``Refused``."""
    if len(party.dids) >= DIDS_MAX:
        raise Refused("dids_too_many", f"{len(party.dids)}")


def with_place(places: list[str], speaker: Speaker) -> list[str]:
    """The places that a party has had when this speaks for it."""
    place = None if speaker.log is None else speaker.log["place"]
    return places if place is None or place in places else [*places, place]
