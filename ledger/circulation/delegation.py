"""Delegations: a party lets the key of a person, a machine, an agent or another party act for it, within bounds.

A statement made under one names it in ``via``: ``iss`` stays the party whose act it is, ``kid`` belongs to whom it was
given to. A delegation may allow to be given on; what is given on goes back to it, and an act has to be within the
bounds of each in that chain: so whatever is said further down can narrow, and never widen. One that is revoked takes
with it all that go back to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field
from typing_extensions import TypedDict  # pydantic reads no other below Python 3.12

from identity.instant import format_instant
from ledger.circulation.party import Nature
from ledger.circulation.policy import may_ask_payment
from ledger.errors import Refused, declare
from ledger.form import Form
from ledger.statement import KINDS, Kind, Statement, covers
from ledger.values import Did, Money, Private, Seconds, Text, is_hidden, is_of, type_of
from ledger.words import words_of
from ledger.world import Act, State, World

declare(
    "rule",
    delegation_not_yet=("the delegation does not hold yet", "wait for the time it names: cadastre show DELEGATION"),
    delegation_over=("the delegation has ended", "ask the party that gave it for another"),
    delegation_revoked=("the delegation was revoked", "ask the party that gave it for another"),
    kind_not_delegated=("the delegation does not cover acts of this kind", "see its kinds: cadastre show DELEGATION"),
    subject_not_delegated=("the delegation does not cover this subject", "see its subjects: cadastre show DELEGATION"),
    amount_not_delegated=("the delegation does not cover such an amount", "see its amounts: cadastre show DELEGATION"),
    amount_unseen=(
        "the delegation bounds amounts, and one is withheld, or may be asked by a duty or obligation of the policy",
        "state it as a price, in the open, or sign with a key of the party itself",
    ),
    delegate_unusable=("nobody can act as this DID", "give a did:key, or the DID through which a party speaks here"),
    delegation_to_itself=("a party needs no delegation to act for itself", "name whom it is given to"),
    delegation_ends_early=("the delegation would be over before it holds", "name a later until"),
    delegation_too_deep=("the delegation may not be given on", "ask the party for one that may: depth"),
    kind_unknown_here=("no kind of statement fits", "list them with: cadastre kinds"),
    revoker_not_above=("the delegation is not theirs to revoke", "the party that gave it, or who gave it on, may"),
    reason_unfit=(
        "since names where a compromise began, and none is the reason",
        "leave since out, or say compromised",
    ),
    delegation_over_already=("the delegation was revoked before", "nothing is left to do"),
)

DEPTH_MAX = 3
"""So many times a delegation may be given on: a chain has at most four."""

GIVING = frozenset({"party.delegated", "delegation.revoked"})


class Delegated(Form):
    """Bounds on what may be done under a delegation; what is not named is not bounded, but for the kinds."""

    kinds: Annotated[
        list[Annotated[str, Field(pattern=r"^(\*|[a-z]+\.(\*|[a-z]+))$", examples=["asset.registered", "asset.*"])]],
        Field(min_length=1, max_length=32, description="kinds of acts; asset.* is all of a noun, * all"),
    ]
    subjects: (
        Annotated[
            list[Annotated[str, Field(pattern=r"^[a-z]+_[0-7][0-9a-hjkmnp-tv-z]{25}$", description="subject id")]],
            Field(
                min_length=1,
                max_length=64,
                description="of the types of these an act may concern no others, and has to concern one",
            ),
        ]
        | None
    ) = None
    amounts: (
        Annotated[
            list[Money],
            Field(min_length=1, max_length=8, description="no act may name more, nor another currency"),
        ]
        | None
    ) = None


def mandate(party: str, to: str) -> str:
    """What the look-up ``mandate`` names by: whose acts, and the DID that may do them.

    Anybody can delegate to any DID; under this name only the party itself puts what it gave. The DID alone is the name
    of all that was given to it and not revoked.
    """
    return f"{party}/{to}"


class AmountState(TypedDict):
    amount: int
    currency: str


@dataclass(frozen=True)
class Delegation(State, of="delegation"):
    """A delegation as everybody sees it.

    ``act`` is what ``via`` names, ``opened`` its entry, ``key`` what signed it, ``giver`` the party that the key spoke
    for, None if it was no party's; ``chain`` what it goes back to, the party's own first; ``since`` and ``until`` are
    POSIX seconds; ``compromised`` is the index from which acts under it are doubtful.
    """

    PROVEN: ClassVar[Mapping[str, str]] = {"delegator": "party", "delegate": "did"}

    act: str
    opened: int
    key: str
    giver: str | None
    party: str
    to: str
    nature: str
    name: str | dict[str, Any] | None
    kinds: list[str]
    subjects: list[str] | None
    amounts: list[AmountState] | None
    since: int
    until: int
    depth: int
    chain: list[str]
    status: str = "active"
    compromised: int | None = None

    def lookups(self) -> Iterable[tuple[str, str]]:
        found = [("delegator", self.party), ("delegate", self.to), *(("above", one) for one in self.chain)]
        found.append(("mandate", mandate(self.party, self.to)))
        return [*found, ("mandate", self.to)] if self.status == "active" else found

    def words(self) -> Iterable[str]:
        return words_of(self.name) if isinstance(self.name, str) else ()

    def holds(self, seconds: int) -> bool:
        """Whether it is in force at a time, whatever it covers and goes back to."""
        return self.status == "active" and self.since <= seconds <= self.until

    def denies(self, statement: Statement, on: State | None, seconds: int) -> tuple[str, str] | None:
        """Code and detail of the reason why it does not cover an act at a time; None if it does.

        ``on`` is the state of what the act goes on with: to accept a price is to name it.
        """
        if self.status != "active":
            return "delegation_revoked", self.to
        if seconds < self.since:
            return "delegation_not_yet", f"from {format_instant(self.since)}, it is {format_instant(seconds)}"
        if seconds > self.until:
            return "delegation_over", f"until {format_instant(self.until)}, it is {format_instant(seconds)}"
        kind = statement.claims.kind
        if kind in GIVING:  # whether it may be given on is said by its depth, and what may be revoked by its chain
            return None
        if kind not in self.kinds and not any(covers(one, kind) for one in self.kinds):
            return "kind_not_delegated", f"{kind} is not among {', '.join(self.kinds)}"
        before = {} if on is None else on.__dict__
        if self.subjects is not None:
            concerned = self._concerned(statement.touched().union(subjects_in(before)))
            if not concerned or not concerned.issubset(self.subjects):
                return "subject_not_delegated", ", ".join(sorted(concerned.difference(self.subjects))) or "none of them"
        return None if self.amounts is None else self._denies_amount([statement.claims.body, before])

    def _concerned(self, subjects: Iterable[str]) -> set[str]:
        """Those that bounds on subjects say something of: of the types that are named, but for the party itself."""
        types = {type_of(one) for one in self.subjects or ()}
        return {one for one in subjects if type_of(one) in types and one != self.party}

    def _denies_amount(self, stated: list[dict[str, Any]]) -> tuple[str, str] | None:
        most = {one["currency"]: one["amount"] for one in self.amounts or ()}
        for amount in amounts_in(stated):
            if amount is None:
                return "amount_unseen", ""
            if amount["amount"] > most.get(amount["currency"], -1):
                return "amount_not_delegated", f"{amount['amount']} {amount['currency']}, in minor units"
        return None


def subjects_in(value: Any) -> Iterable[str]:
    """The ids of subjects anywhere in a state: an offer names its assets, a licence its offer and its assets."""
    if isinstance(value, str):
        if type_of(value):
            yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from subjects_in(inner)


def amounts_in(value: Any) -> Iterable[dict[str, Any] | None]:
    """The amounts of money anywhere in bodies and states.

    None for what may be one and cannot be compared: a value that is withheld, a policy that may ask for a payment.
    """
    if isinstance(value, dict):
        if is_hidden(value) or value.get("paymentAsked") is True or may_ask_payment(value.get("policy")):
            yield None
        elif type(value.get("amount")) is int and type(value.get("currency")) is str:
            yield value
        else:
            for inner in value.values():
                yield from amounts_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from amounts_in(inner)


class PartyDelegated(Kind, name="party.delegated", opens=("delegation",)):
    """Lets a DID act for the party, within bounds. Under a delegation with depth left, it is given on."""

    to: Did
    nature: Annotated[Nature, Field(description="what acts under it")]
    name: Private[Annotated[str, Text(1, 200, "what it is called")]] | None = None
    powers: Delegated
    since: Annotated[Seconds, Field(description="from when it holds; from its entry on if left out")] | None = None
    until: Annotated[Seconds, Field(description="the last second in which it holds")]
    depth: Annotated[int, Field(ge=0, le=DEPTH_MAX, description="how many times it may be given on")] = 0

    def finds(self, sub: str | None) -> Iterable[tuple[str, str]]:
        return [("did", self.to)]

    def check(self, world: World, act: Act[PartyDelegated]) -> None:
        if not is_of("did", self.to) or (not self.to.startswith("did:key:") and world.found("did", self.to) is None):
            raise Refused("delegate_unusable", self.to, pointer="/payload/body/to")
        if world.found("did", self.to) == act.party:
            raise Refused("delegation_to_itself", self.to, pointer="/payload/body/to")
        given = [name for name, kind in KINDS.items() if not kind.PERSONAL and world.charter.rules >= kind.SINCE]
        for place, pattern in enumerate(self.powers.kinds):
            if not any(covers(pattern, name) for name in given):
                raise Refused("kind_unknown_here", pattern, pointer=f"/payload/body/powers/kinds/{place}")
        if self.until < max(act.seconds, self.since or 0):
            raise Refused("delegation_ends_early", pointer="/payload/body/until")
        if act.via is not None and self.depth >= (depth := world.get(Delegation, act.via).depth):
            raise Refused("delegation_too_deep", f"its depth is {depth}", pointer="/payload/body/depth")

    def fold(self, world: World, act: Act[PartyDelegated]) -> None:
        body, powers = act.statement.claims.body, self.powers
        chain = [] if act.via is None else [*world.get(Delegation, act.via).chain, act.via]
        world.put(
            act.sub,
            Delegation(
                act=act.id,
                opened=act.index,
                key=act.statement.key[1],
                giver=world.party(act.statement.key[0]),
                party=act.party,
                to=self.to,
                nature=self.nature,
                name=body.get("name"),
                kinds=list(powers.kinds),
                subjects=None if powers.subjects is None else list(powers.subjects),
                amounts=None
                if powers.amounts is None
                else [{"amount": one.amount, "currency": one.currency} for one in powers.amounts],
                since=act.seconds if self.since is None else self.since,
                until=self.until,
                depth=self.depth,
                chain=chain,
            ),
        )


class DelegationRevoked(Kind, name="delegation.revoked", on="delegation"):
    """Ends a delegation, and all that go back to it. The party may, who gave it on, and to whom it was given."""

    reason: Annotated[Literal["retired", "compromised"], Field(description="why")] = "retired"
    since: (
        Annotated[
            int, Field(ge=0, lt=2**53, description="where compromised: index of the first entry that is doubtful")
        ]
        | None
    ) = None

    def pins(self, sub: str | None) -> Iterable[str]:
        return ()  # whoever revokes must not lose a race against another who does

    def check(self, world: World, act: Act[DelegationRevoked]) -> None:
        state = world.get(Delegation, act.sub)
        if state.party != act.party or act.via not in (None, act.sub, *state.chain):
            raise Refused("revoker_not_above", f"it goes back to {', '.join((state.party, *state.chain))}")
        if state.status != "active":
            raise Refused("delegation_over_already")
        if self.since is not None and self.reason != "compromised":
            raise Refused("reason_unfit", pointer="/payload/body/since")
        if self.since is not None and not state.opened <= self.since <= act.index:
            raise Refused("compromise_misdated", f"it was given by entry {state.opened}", pointer="/payload/body/since")

    def fold(self, world: World, act: Act[DelegationRevoked]) -> None:
        state = world.get(Delegation, act.sub)
        world.put(act.sub, replace(state, status="revoked", compromised=self.doubtful_from(act.index)))

    def doubtful_from(self, index: int) -> int | None:
        """Where this stands at an index: the first whose acts under the delegation are doubtful; None if none is."""
        if self.reason == "retired":
            return None
        return index if self.since is None else self.since
