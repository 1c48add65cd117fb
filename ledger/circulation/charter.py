"""The charter: entry 0 says what this ledger is, who may join and read, its limits and its keys.

Only the governance key amends it. The service key signs what the service itself states, the log key the checkpoints,
the refusal key what the rules refused; governance replaces these by an amendment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict  # pydantic reads no other below Python 3.12

from identity import did
from identity.errors import Problem
from identity.note import parse_vkey
from identity.signature import COSIGNATURE_MLDSA44, ED25519
from ledger.circulation.demand import (
    Demand,
    DemandState,
    HeldState,
    Issuers,
    IssuersState,
    check_demands,
    counts,
    demands_state,
    issuers_state,
    meets,
    told,
)
from ledger.circulation.state import Committed
from ledger.errors import Refused, declare
from ledger.form import Form
from ledger.log.refusal import refusal_key_name
from ledger.statement import Kind, covers
from ledger.values import Count, Did, Digest, Text
from ledger.world import RULES, Act, State, World

declare(
    "rule",
    ledger_open_already=("a ledger has one charter, its first entry", "change it with: cadastre act ledger.amended"),
    charter_keys_alike=("two keys of the charter are one", "make a key for each: cadastre key new FILE"),
    charter_key_unusable=("a key of the charter cannot be used", "give did:key DIDs and a vkey (cadastre key show)"),
    log_key_spent=("this log key was replaced before", "make another: cadastre key new FILE"),
    log_key_misnamed=("the log key's name is not the ledger's origin", "name the log key like the origin (C2SP)"),
    refusal_key_misnamed=("the refusal key's name is not ORIGIN/refusals", "name it after the origin"),
    successor_of_itself=("a ledger does not succeed one of its own name", "choose another origin for the successor"),
    rules_unknown=("this software does not know that rules version", "run a release that knows it"),
    rules_lowered=("the rules version never goes back", "leave rules out or raise it"),
    amendment_empty=("the amendment changes nothing", "name at least one thing that differs"),
)

Joiners = Literal["anyone", "listed"]
Readers = Literal["public", "members"]
Names = Literal["plain", "private", "either"]
Vkey = Annotated[str, Field(min_length=1, max_length=2400, description="C2SP verifier key (signed-note)")]

RoleTag = Annotated[str, Text(1, 40, "role tag")]

REFUSAL_KEY = Field(description="verifier key of what signs refusals, of type 0x01, named ORIGIN/refusals")
DID_HOST = Field(
    pattern=r"^[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63}){1,8}(%3A[0-9]{1,5})?(:[A-Za-z0-9._-]{1,63}){0,4}$",
    description="host, as a did:webvh spells it, under which the service serves the logs of parties' DIDs",
    examples=["registry.example", "data.example%3A8443"],
)
ISSUERS = Field(max_length=64, description="whose credentials count, and of which types")
INSPECTORS = Field(max_length=16, description="role tags of authorities who may look at private fields, if they say so")
ERASERS = Field(max_length=16, description="role tags of authorities who may have private fields of others erased")
DEMANDS = Field(max_length=64, description="kinds of acts, and the credential that whoever does them has to hold")
MLDSA_KEY = Field(description="its second verifier key, of type 0x06 (ML-DSA-44)")


class Authority(Form):
    """Somebody whose word counts for something here."""

    did: Did
    roles: Annotated[list[RoleTag], Field(min_length=1, max_length=16)]


class Limits(Form):
    """Bounds on time, so that neither a signer nor a clock can stretch it."""

    validity: Annotated[int, Field(ge=60, le=31_622_400, description="most seconds from iat to exp")] = 604_800
    clock: Annotated[int, Field(ge=1, le=3_600, description="most seconds the writer's clock may jump")] = 60
    overlap: Annotated[
        int, Field(ge=0, le=31_622_400, description="seconds for which a replaced log key goes on signing")
    ] = 2_592_000


class Predecessor(Form):
    """The ledger that this one goes on from, after its loss: what was signed of it last, as far as anybody knows."""

    origin: Annotated[str, Text(1, 255, "origin of the ledger that is succeeded")]
    size: Annotated[Count, Field(description="its size, of which the entries are known to whoever opens this one")]
    root: Annotated[Digest, Field(description="its Merkle root at that size")]


class PredecessorState(TypedDict):
    origin: str
    size: int
    root: str


class AuthorityState(TypedDict):
    did: str
    roles: list[str]


@dataclass(frozen=True)
class Ledger(State, of="ledger"):
    """The charter in force. ``formerLogKeys`` signed the checkpoints of smaller sizes, oldest first.

    ``logKeySince`` is the time of the entry by which the log key came into force, in POSIX seconds; until ``overlap``
    seconds later its predecessor signs too. ``mldsaKey`` signs what is published, beside the log key, ``refusalKey``
    what the rules refused. ``succeeds`` is the ledger this one goes on from, ``didHost`` the host under whose name it
    serves the logs of its parties' DIDs. ``issuers`` and ``demands`` are as ``circulation.demand`` has them;
    ``inspectors`` and ``erasers`` are role tags of authorities, as ``circulation.disclosure`` has them.
    """

    rules: int
    joiners: str
    listed: list[str]
    readers: str
    names: str
    authorities: list[AuthorityState]
    validity: int
    clock: int
    governance: str
    service: str
    logKey: str
    formerLogKeys: list[str]
    logKeySince: int
    overlap: int
    mldsaKey: str | None
    refusalKey: str | None
    succeeds: PredecessorState | None
    didHost: str | None = None
    issuers: list[IssuersState] = field(default_factory=list)
    demands: list[DemandState] = field(default_factory=list)
    inspectors: list[str] = field(default_factory=list)
    erasers: list[str] = field(default_factory=list)

    def log_keys(self, seconds: int) -> list[str]:
        """The vkeys that sign checkpoints at this time: the log key, and the one it replaced not long ago."""
        overlapping = self.formerLogKeys[-1:] if seconds < self.logKeySince + self.overlap else []
        return [self.logKey, *overlapping]

    def roles_of(self, did: str) -> set[str]:
        """The role tags the charter gives to this DID."""
        return {role for authority in self.authorities if authority["did"] == did for role in authority["roles"]}

    def reserved(self) -> set[str]:
        """Role tags that only recognised authorities bear."""
        return {role for authority in self.authorities for role in authority["roles"]}

    def counts(self, did: str, type_: str) -> bool:
        """Whether credentials of a type count if this DID issued them."""
        return counts(self.issuers, did, self.roles_of(did), type_)

    def lacking(self, kind: str, held: Sequence[HeldState], seconds: int) -> str | None:
        """What is demanded for acts of a kind and not among the credentials ``held`` at a time; None if nothing is."""
        for demand in self.demands:
            if covers(demand["kind"], kind) and not any(
                meets(demand, one, seconds) and self.counts(one["issuer"], one["type"]) for one in held
            ):
                return told(demand)
        return None


class LedgerOpened(Kind, name="ledger.opened", opens=("ledger", "state"), signer="governance"):
    """Opens the ledger: entry 0, the charter. Signed by the governance key."""

    rules: Annotated[int, Field(ge=1, description="rules version the ledger starts with")]
    joiners: Joiners = "anyone"
    listed: Annotated[
        list[Did], Field(max_length=256, description="who may join, where joiners is listed", default_factory=list)
    ]
    readers: Readers = "public"
    names: Annotated[Names, Field(description="how parties give name and contact: plain, private or either")] = "either"
    authorities: Annotated[list[Authority], Field(max_length=64, default_factory=list)]
    limits: Limits = Limits()
    governance: Did
    service: Did
    logKey: Vkey
    mldsaKey: Annotated[Vkey, MLDSA_KEY] | None = None
    refusalKey: Annotated[Vkey, REFUSAL_KEY] | None = None
    succeeds: Predecessor | None = None
    didHost: Annotated[str, DID_HOST] | None = None
    issuers: Annotated[list[Issuers], ISSUERS] = Field(default_factory=list)
    demands: Annotated[list[Demand], DEMANDS] = Field(default_factory=list)
    inspectors: Annotated[list[RoleTag], INSPECTORS] = Field(default_factory=list)
    erasers: Annotated[list[RoleTag], ERASERS] = Field(default_factory=list)

    def check(self, world: World, act: Act[LedgerOpened]) -> None:
        if self.rules > RULES:
            raise Refused("rules_unknown", f"rules version {self.rules}; the newest known is {RULES}")
        if act.iss != self.governance:
            raise Refused("signer_not_governance", "the charter is signed by the governance key it names")
        _check_keys(self.governance, self.service)
        _check_signers(world.origin, self.logKey, self.mldsaKey, self.refusalKey)
        if self.succeeds is not None and self.succeeds.origin == world.origin:
            raise Refused("successor_of_itself")
        given = {role for authority in self.authorities for role in authority.roles}
        check_demands(demands_state(self.demands), issuers_state(self.issuers), given)

    def fold(self, world: World, act: Act[LedgerOpened]) -> None:
        before = self.succeeds
        world.put(
            act.sub,
            Ledger(
                rules=self.rules,
                joiners=self.joiners,
                listed=list(self.listed),
                readers=self.readers,
                names=self.names,
                authorities=[_plain(authority) for authority in self.authorities],
                validity=self.limits.validity,
                clock=self.limits.clock,
                governance=self.governance,
                service=self.service,
                logKey=self.logKey,
                formerLogKeys=[],
                logKeySince=act.seconds,
                overlap=self.limits.overlap,
                mldsaKey=self.mldsaKey,
                refusalKey=self.refusalKey,
                succeeds=None
                if before is None
                else {"origin": before.origin, "size": before.size, "root": before.root},
                didHost=self.didHost,
                issuers=issuers_state(self.issuers),
                demands=demands_state(self.demands),
                inspectors=list(self.inspectors),
                erasers=list(self.erasers),
            ),
        )
        world.put(act.opens("state"), Committed())


class LedgerAmended(Kind, name="ledger.amended", on="ledger", signer="governance"):
    """Amends the charter: what is named replaces what was in force, the rest stays."""

    rules: Annotated[int, Field(ge=1)] | None = None
    joiners: Joiners | None = None
    listed: Annotated[list[Did], Field(max_length=256)] | None = None
    readers: Readers | None = None
    names: Names | None = None
    authorities: Annotated[list[Authority], Field(max_length=64)] | None = None
    limits: Limits | None = None
    service: Did | None = None
    logKey: Vkey | None = None
    mldsaKey: Annotated[Vkey, MLDSA_KEY] | None = None
    refusalKey: Annotated[Vkey, REFUSAL_KEY] | None = None
    didHost: Annotated[str, DID_HOST] | None = None
    issuers: Annotated[list[Issuers], ISSUERS] | None = None
    demands: Annotated[list[Demand], DEMANDS] | None = None
    inspectors: Annotated[list[RoleTag], INSPECTORS] | None = None
    erasers: Annotated[list[RoleTag], ERASERS] | None = None

    def check(self, world: World, act: Act[LedgerAmended]) -> None:
        charter = world.get(Ledger, act.sub)
        if self.rules is not None and self.rules > RULES:
            raise Refused("rules_unknown", f"rules version {self.rules}; the newest known is {RULES}")
        if self.rules is not None and self.rules < charter.rules:
            raise Refused("rules_lowered", f"rules version {charter.rules} is in force")
        if self.logKey in charter.formerLogKeys:
            raise Refused("log_key_spent", "a replaced log key never comes back")
        amended = self._amend(charter, act.seconds)
        if amended == charter:
            raise Refused("amendment_empty")
        _check_keys(charter.governance, amended.service)
        _check_signers(world.origin, amended.logKey, amended.mldsaKey, amended.refusalKey)
        if self.demands is not None:  # a bad issuer can be dropped at once, whatever asks for its word
            check_demands(amended.demands, amended.issuers, amended.reserved())

    def fold(self, world: World, act: Act[LedgerAmended]) -> None:
        world.put(act.sub, self._amend(world.get(Ledger, act.sub), act.seconds))

    def _amend(self, charter: Ledger, seconds: int) -> Ledger:
        plain = (
            "rules",
            "joiners",
            "listed",
            "readers",
            "names",
            "service",
            "logKey",
            "mldsaKey",
            "refusalKey",
            "didHost",
            "inspectors",
            "erasers",
        )
        named: dict[str, Any] = {name: value for name in plain if (value := getattr(self, name)) is not None}
        if self.authorities is not None:
            named["authorities"] = [_plain(authority) for authority in self.authorities]
        if self.issuers is not None:
            named["issuers"] = issuers_state(self.issuers)
        if self.demands is not None:
            named["demands"] = demands_state(self.demands)
        if self.limits is not None:
            limits = self.limits
            named |= {"validity": limits.validity, "clock": limits.clock, "overlap": limits.overlap}
        if named.get("logKey", charter.logKey) != charter.logKey:
            named |= {"formerLogKeys": [*charter.formerLogKeys, charter.logKey], "logKeySince": seconds}
        return replace(charter, **named)


def _plain(authority: Authority) -> AuthorityState:
    return {"did": authority.did, "roles": list(authority.roles)}


def _check_keys(governance: str, service: str) -> None:
    if governance == service:
        raise Refused("charter_keys_alike", "governance and service")
    try:
        for name in (governance, service):
            did.key_of(name)
    except Problem as wrong:
        raise Refused("charter_key_unusable", str(wrong)) from None


def _check_signers(origin: str, log_key: str, mldsa_key: str | None, refusal_key: str | None) -> None:
    _check_vkey(log_key, ED25519, origin, "log_key_misnamed")
    if mldsa_key is not None:
        _check_vkey(mldsa_key, COSIGNATURE_MLDSA44, origin, "log_key_misnamed")
    if refusal_key is not None:
        _check_vkey(refusal_key, ED25519, refusal_key_name(origin), "refusal_key_misnamed")
        if parse_vkey(refusal_key).public_key == parse_vkey(log_key).public_key:
            raise Refused("charter_keys_alike", "log key and refusal key")


def _check_vkey(vkey: str, signature_type: int, name: str, misnamed: str) -> None:
    try:
        verifier = parse_vkey(vkey)
    except Problem as wrong:
        raise Refused("charter_key_unusable", str(wrong)) from None
    if verifier.signature_type != signature_type:
        detail = f"a key of type {verifier.signature_type:#04x} where {signature_type:#04x} is asked for"
        raise Refused("charter_key_unusable", detail)
    if verifier.name != name:
        raise Refused(misnamed, f"the key is named {verifier.name}, where {name} is asked for")
