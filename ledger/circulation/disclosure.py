"""Private fields shown: to whom a party lets them be seen, which authority looked at them, and which were erased.

A private field is a digest to the rules (``identity.disclosure``); its disclosure lies beside the log, where the
service hands it out to those who may see it (``ledger.sight``). Who they are is said here, and by the noun of the
subject (``State.sees``):

    disclosure.granted     the party whose statements they are lets other parties see them, until it withdraws that
    disclosure.inspected   an authority, whose role the charter has among its inspectors, states that it looks, and why
    disclosure.erased      the party itself, or an authority among the erasers, has them erased, and says why

Each names the party and the subject of the entry, so that it stands in the history of both: nobody looks, and nothing
disappears, unseen. The statement stays as it was signed, and so do all proofs; an erased value is proven by whoever
kept its disclosure, and by nobody else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, cast

from pydantic import Field, model_validator

from identity.instant import format_instant
from ledger.circulation.charter import Ledger
from ledger.circulation.party import Party
from ledger.errors import Refused, declare
from ledger.form import Form
from ledger.statement import Kind, Stated
from ledger.values import Count, Digest, PartyId, Seconds, Text
from ledger.world import Act, State, World

declare(
    "rule",
    statement_of_another=("the entry is another party's statement", "name the party whose it is: cadastre show INDEX"),
    entry_of_other_subject=("the entry is about another subject", "name the one it is about: cadastre show INDEX"),
    field_not_private=("the entry has no such private field", "name those it has: cadastre show INDEX"),
    inspector_not_entitled=(
        "the charter lets this party look at no private fields of others",
        "ask the party whose they are to grant it; governance says who may: inspectors of the charter",
    ),
    eraser_not_entitled=(
        "the statement is another party's, and the charter does not let this party have it erased",
        "ask the party whose it is; governance says who may: erasers of the charter",
    ),
    private_field_erased=("the private value was erased before", "nothing is left to do"),
    grant_over=("the grant would be over before it began", "give an until in the future"),
    grant_not_yours=("another party granted this", "sign as that party, or leave it"),
    grant_withdrawn=("the grant was withdrawn before", "nothing is left to do"),
)

FIELDS_MAX = 64  # of a statement, as many as it has disclosures at most

Index = Annotated[Count, Field(description="index of the entry")]
SubjectId = Annotated[
    str,
    Field(
        pattern=r"^[a-z]+_[0-7][0-9a-hjkmnp-tv-z]{25}$",
        description="id of the subject that the entry is about",
        examples=["agreement_0123456789abcdefghjkmnpqrs"],
    ),
]
Owner = Annotated[PartyId, Field(description="party whose statement it is")]
Pointer = Annotated[
    str,
    Field(
        pattern=r"^(/[^/]*)+$", max_length=200, description="JSON pointer within the body", examples=["/terms/price"]
    ),
]
Fields = Annotated[list[Pointer], Field(min_length=1, max_length=FIELDS_MAX, description="all, if left out")]


class Ground(Form):
    """Why somebody looks at what is private, or has it erased."""

    code: Annotated[
        str,
        Field(
            pattern=r"^[a-z0-9][a-z0-9.-]{0,39}$",
            description="the ground for programs",
            examples=["gdpr-17", "pipl-47", "court-order"],
        ),
    ]
    ground: Annotated[str, Text(1, 1000, "the ground in words: law and article, order, case")]


@dataclass(frozen=True)
class Grant(State, of="grant"):
    """What a party lets others see: private fields of its statement ``entry`` or, without one, of all on the subject.

    ``fields`` are pointers, None for all; ``until`` is the last second, None for no end. ``opened`` is its entry,
    ``key`` signed it, under the delegation ``via`` if any: a grant that somebody else may have given shows nothing.
    """

    PROVEN: ClassVar[Mapping[str, str]] = {"party": "party"}

    party: str
    subject: str
    entry: int | None
    fields: list[str] | None
    to: list[str]
    until: int | None
    opened: int
    key: str
    via: str | None
    status: str = "active"

    def lookups(self) -> Iterable[tuple[str, str]]:
        if self.status == "active":
            yield from (("shows", shows(self.party, self.subject, one)) for one in self.to)
        yield "party", self.party

    def shown(self, index: int, seconds: int) -> list[str] | None:
        """The fields that it shows of an entry of the party about the subject, at a time; None for all."""
        over = self.until is not None and seconds > self.until
        if self.status != "active" or over or self.entry not in (None, index):
            return []
        return self.fields


def shows(party: str, subject: str, to: str) -> str:
    """What the look-up ``shows`` names by: whose statements, about what, to whom."""
    return f"{party}/{subject}/{to}"


@dataclass(frozen=True)
class Inspection(State, of="inspection"):
    """A look of an authority ``by`` at private fields of an entry; ``at`` is its time in POSIX seconds.

    ``opened`` is its own entry: what lets it be used once, and soon (``ledger.sight``).
    """

    PROVEN: ClassVar[Mapping[str, str]] = {"by": "party", "party": "party"}

    by: str
    party: str
    subject: str
    entry: int
    fields: list[str]
    code: str
    ground: str
    opened: int
    at: int

    def lookups(self) -> Iterable[tuple[str, str]]:
        return [("by", self.by), ("party", self.party)]


@dataclass(frozen=True)
class Erasure(State, of="erasure"):
    """The tombstone of private values: of an entry, ``digests`` in the order of ``fields``, at whose behest and why.

    ``at`` is POSIX seconds. It is of that one entry: what others state under the same digest is theirs.
    """

    UNIQUE: ClassVar[tuple[str, ...]] = ("gone",)
    PROVEN: ClassVar[Mapping[str, str]] = {"party": "party"}

    by: str
    party: str
    subject: str
    entry: int
    fields: list[str]
    digests: list[str]
    code: str
    ground: str
    at: int

    def lookups(self) -> Iterable[tuple[str, str]]:
        found = [("party", self.party)]
        found += [("digest", one) for one in self.digests]
        return found + [("gone", gone(self.entry, one)) for one in self.digests]


def gone(entry: int, digest: str) -> str:
    """What the look-up ``gone`` names by: an entry and the digest of a value that was erased of it."""
    return f"{entry}/{digest}"


class Named(Form):
    """An entry with what the rules need to know of it, and some of its private fields."""

    entry: Index
    party: Owner
    subject: SubjectId
    fields: Fields | None = None

    def touches(self, sub: str | None) -> Iterable[str]:
        return (self.party, self.subject)

    def regards(self) -> Iterable[int]:
        return (self.entry,)


class DisclosureGranted(Kind, name="disclosure.granted", opens=("grant",)):
    """Lets other parties see private fields of one's own statements: of one entry, or of all about a subject."""

    subject: SubjectId
    entry: Annotated[Index | None, Field(description="index of one entry; all about the subject if left out")] = None
    fields: Fields | None = None
    to: Annotated[list[PartyId], Field(min_length=1, max_length=64, description="parties who may see them")]
    until: Annotated[Seconds | None, Field(description="last second at which they may; no end if left out")] = None

    @model_validator(mode="after")
    def _once(self) -> DisclosureGranted:
        _check_once(self.fields, self.to)
        return self

    def touches(self, sub: str | None) -> Iterable[str]:
        return (self.subject, *self.to)

    def regards(self) -> Iterable[int]:
        return () if self.entry is None else (self.entry,)

    def check(self, world: World, act: Act[DisclosureGranted]) -> None:
        if self.until is not None and self.until <= act.seconds:
            raise Refused("grant_over", f"it is {format_instant(act.seconds)}", pointer="/payload/body/until")
        for party in self.to:
            world.get(Party, party)
        if world.find(self.subject) is None:
            raise Refused("subject_unknown", f"there is no {self.subject}", pointer="/payload/body/subject")
        if self.entry is not None:
            _check_fields(self.entry, _stated(world, self.entry, act.party, self.subject), self.fields)

    def fold(self, world: World, act: Act[DisclosureGranted]) -> None:
        world.put(
            act.sub,
            Grant(
                party=act.party,
                subject=self.subject,
                entry=self.entry,
                fields=None if self.fields is None else list(self.fields),
                to=list(self.to),
                until=self.until,
                opened=act.index,
                key=act.statement.key[1],
                via=act.via,
            ),
        )


class DisclosureWithdrawn(Kind, name="disclosure.withdrawn", on="grant"):
    """Ends a grant. What was seen under it was seen."""

    def pins(self, sub: str | None) -> Iterable[str]:
        return ()  # whoever withdraws must not lose a race

    def check(self, world: World, act: Act[DisclosureWithdrawn]) -> None:
        grant = world.get(Grant, act.sub)
        if grant.party != act.party:
            raise Refused("grant_not_yours", f"{grant.party} granted it", subject=act.sub)
        if grant.status != "active":
            raise Refused("grant_withdrawn", subject=act.sub)

    def fold(self, world: World, act: Act[DisclosureWithdrawn]) -> None:
        world.put(act.sub, replace(world.get(Grant, act.sub), status="withdrawn"))


class DisclosureInspected(Named, Ground, Kind, name="disclosure.inspected", opens=("inspection",)):
    """An authority states that it looks at private fields of an entry. Without this it is not shown them."""

    @model_validator(mode="after")
    def _once(self) -> DisclosureInspected:
        _check_once(self.fields)
        return self

    def check(self, world: World, act: Act[DisclosureInspected]) -> None:
        if not _is_among(world, act, "inspectors"):
            raise Refused("inspector_not_entitled", act.party)
        _check_fields(self.entry, _stated(world, self.entry, self.party, self.subject), self.fields)

    def fold(self, world: World, act: Act[DisclosureInspected]) -> None:
        stated = _stated(world, self.entry, self.party, self.subject)
        world.put(
            act.sub,
            Inspection(
                by=act.party,
                party=self.party,
                subject=self.subject,
                entry=self.entry,
                fields=list(self.fields or stated.fields),
                code=self.code,
                ground=self.ground,
                opened=act.index,
                at=act.seconds,
            ),
        )


class DisclosureErased(Ground, Kind, name="disclosure.erased", opens=("erasure",)):
    """Has private values of an entry erased. The service deletes them once this entry is durable."""

    entry: Index
    party: Owner
    subject: SubjectId
    digests: Annotated[list[Digest], Field(min_length=1, max_length=FIELDS_MAX, description="of the private fields")]

    @model_validator(mode="after")
    def _once(self) -> DisclosureErased:
        _check_once(self.digests)
        return self

    def touches(self, sub: str | None) -> Iterable[str]:
        return (self.party, self.subject)

    def finds(self, sub: str | None) -> Iterable[tuple[str, str]]:
        return [("gone", gone(self.entry, one)) for one in self.digests]

    def regards(self) -> Iterable[int]:
        return (self.entry,)

    def check(self, world: World, act: Act[DisclosureErased]) -> None:
        if act.party != self.party and not _is_among(world, act, "erasers"):
            raise Refused("eraser_not_entitled", act.party)
        stated = _stated(world, self.entry, self.party, self.subject)
        for place, digest in enumerate(self.digests):
            pointer = f"/payload/body/digests/{place}"
            if digest not in stated.fields.values():
                raise Refused("field_not_private", digest, index=self.entry, pointer=pointer)
            if (erasure := world.found("gone", gone(self.entry, digest))) is not None:
                raise Refused("private_field_erased", f"by {erasure}", index=self.entry, pointer=pointer)

    def fold(self, world: World, act: Act[DisclosureErased]) -> None:
        stated = _stated(world, self.entry, self.party, self.subject)
        fields = {digest: pointer for pointer, digest in stated.fields.items()}
        world.put(
            act.sub,
            Erasure(
                by=act.party,
                party=self.party,
                subject=self.subject,
                entry=self.entry,
                fields=[fields[digest] for digest in self.digests],
                digests=list(self.digests),
                code=self.code,
                ground=self.ground,
                at=act.seconds,
            ),
        )


def _check_once(*lists: list[str] | None) -> None:
    """Nothing is named twice. Raises ``ValueError``."""
    if any(one is not None and len(set(one)) != len(one) for one in lists):
        raise ValueError("something is named twice")


def _is_among(world: World, act: Act[Any], whom: str) -> bool:
    """Whether the charter gives the signer's party a role that it lists among ``inspectors`` or ``erasers``."""
    return is_entitled(cast(Ledger, world.charter), world.get(Party, act.party), whom)


def is_entitled(charter: Ledger, party: Party, whom: str) -> bool:
    """Whether the charter gives one of the party's DIDs a role that it lists among ``inspectors`` or ``erasers``."""
    listed = getattr(charter, whom)
    return any(not charter.roles_of(did).isdisjoint(listed) for did in party.dids)


def _stated(world: World, entry: int, party: str, subject: str) -> Stated:
    """What the entry says in private, which is a statement of this party about this subject. Raises ``Refused``."""
    stated = world.stated(entry)
    if stated is None:
        raise Refused("field_not_private", "it has none", index=entry)
    if (owner := world.party(stated.iss)) != party:
        raise Refused("statement_of_another", f"it is of {owner}", index=entry)
    if stated.subject != subject:
        raise Refused("entry_of_other_subject", f"it is about {stated.subject}", index=entry)
    return stated


def _check_fields(entry: int, stated: Stated, fields: list[str] | None) -> None:
    """These are private fields of the entry. Raises ``Refused``."""
    for place, field in enumerate(fields or ()):
        if field not in stated.fields:
            raise Refused("field_not_private", field, index=entry, pointer=f"/payload/body/fields/{place}")
