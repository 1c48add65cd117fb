"""Attestations: parties claim aliases for themselves and their assets; registrars of the charter say which are true.

A registrar is a party whom the charter gives the role ``registrar``. It attests by what it has seen, whose digest it
leaves in the ledger; it moves no subject on, so that nobody's own acts wait for it. An alias is attested for one
subject at a time. Whoever attested it, or any registrar, can take that back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, cast

from pydantic import Field

from ledger.circulation.alias import AliasChange, AliasState, attested, disputed
from ledger.circulation.asset import Asset, check_held
from ledger.circulation.charter import Ledger
from ledger.circulation.party import Party
from ledger.errors import Refused, declare
from ledger.statement import Kind
from ledger.values import Alias, Digest, Text, id_pattern, type_of
from ledger.world import Act, State, World

declare(
    "rule",
    not_a_registrar=("only a registrar of the charter may do this", "ask one: authorities of cadastre show LEDGER"),
    attested_by_itself=("nobody attests an alias of their own", "ask another registrar"),
    alias_attested_already=(
        "the alias is attested already, to this subject or another",
        "see whose it is: cadastre show ALIAS; a registrar can dispute that",
    ),
    attestation_of_other_subject=("the attestation is of another subject", "see whose: cadastre show ATTESTATION"),
    attestation_over=("the attestation was taken back before", "nothing is left to do"),
)

REGISTRAR = "registrar"

Named = Annotated[
    str,
    Field(
        pattern=id_pattern("(party|asset)"),
        description="id of the party or asset that has the alias",
        examples=["party_00000000000000000000000000"],
    ),
]


@dataclass(frozen=True)
class Attestation(State, of="attestation"):
    """That a registrar, the party ``by``, found an alias to be a subject's own; ``evidence`` is what it had seen.

    It holds as long as the subject's alias names it: a subject can withdraw what was attested.
    """

    PROVEN: ClassVar[Mapping[str, str]] = {"by": "party"}

    by: str
    subject: str
    alias: str
    evidence: str
    status: str = "given"  # given, disputed
    reason: str | None = None

    def lookups(self) -> Iterable[tuple[str, str]]:
        return [("by", self.by), ("subject", self.subject), ("attestation-of", self.alias)]


class PartyAliased(AliasChange, Kind, name="party.aliased", on="party", personal=True):
    """A party claims aliases for itself, or withdraws some."""

    def check(self, world: World, act: Act[PartyAliased]) -> None:
        if act.sub != act.party:
            raise Refused("party_of_another", f"{act.iss} speaks for {act.party}", pointer="/payload/sub")
        self.check_change(world.get(Party, act.sub).aliases, "party")

    def fold(self, world: World, act: Act[PartyAliased]) -> None:
        party = world.get(Party, act.sub)
        world.put(act.sub, replace(party, aliases=self.changed(party.aliases)))


class AssetAliased(AliasChange, Kind, name="asset.aliased", on="asset"):
    """The holder claims aliases for an asset, or withdraws some. They pass with it to whoever holds it next."""

    def check(self, world: World, act: Act[AssetAliased]) -> None:
        self.check_change(check_held(world, act, act.sub).aliases, "asset")

    def fold(self, world: World, act: Act[AssetAliased]) -> None:
        asset = world.get(Asset, act.sub)
        world.put(act.sub, replace(asset, aliases=self.changed(asset.aliases)))


class AliasAttested(Kind, name="alias.attested", opens=("attestation",)):
    """A registrar attests that a claimed alias is the subject's own."""

    subject: Named
    alias: Alias
    evidence: Annotated[Digest, Field(description="SHA-256 of what shows it: an extract of the register, base64url")]

    def touches(self, sub: str | None) -> Iterable[str]:
        return [self.subject]

    def finds(self, sub: str | None) -> Iterable[tuple[str, str]]:
        return [("attested", self.alias)]

    def check(self, world: World, act: Act[AliasAttested]) -> None:
        _check_registrar(world, act)
        named = _named(world, self.subject)
        did, key = act.statement.key  # for nobody attests one's own through a delegation of the registrar's either
        itself = isinstance(named, Party) and any(one["key"] == key for one in named.keys)
        by = {act.party, world.party(did), *(() if act.via is None else world.givers(act.via))}
        if itself or not by.isdisjoint({self.subject, getattr(named, "holder", "")}):
            raise Refused("attested_by_itself")
        if all(one["alias"] != self.alias for one in named.aliases):
            raise Refused("alias_not_claimed", f"{self.subject} has no {self.alias}", subject=self.subject)
        if (holder := world.found("attested", self.alias)) is not None:
            raise Refused("alias_attested_already", f"to {holder}", subject=holder, pointer="/payload/body/alias")

    def fold(self, world: World, act: Act[AliasAttested]) -> None:
        world.put(act.sub, Attestation(act.party, self.subject, self.alias, self.evidence))
        named = _named(world, self.subject)
        _put(world, self.subject, attested(named.aliases, self.alias, act.sub))


class AliasDisputed(Kind, name="alias.disputed", on="attestation"):
    """An attestation is taken back, by whoever gave it or by a registrar: the alias is only claimed again."""

    subject: Named
    reason: Annotated[str, Text(1, 400, "why")]

    def touches(self, sub: str | None) -> Iterable[str]:
        return [self.subject]

    def check(self, world: World, act: Act[AliasDisputed]) -> None:
        state = world.get(Attestation, act.sub)
        if state.by != act.party:
            _check_registrar(world, act)
        if state.subject != self.subject:
            raise Refused("attestation_of_other_subject", f"of {state.subject}", pointer="/payload/body/subject")
        if state.status == "disputed":
            raise Refused("attestation_over")

    def fold(self, world: World, act: Act[AliasDisputed]) -> None:
        world.put(act.sub, replace(world.get(Attestation, act.sub), status="disputed", reason=self.reason))
        aliases = _named(world, self.subject).aliases
        if any(one.get("attestation") == act.sub for one in aliases):
            _put(world, self.subject, disputed(aliases, act.sub))


def _check_registrar(world: World, act: Act[Any]) -> None:
    """The charter gives this role to the signer's party, under a DID through which it spoke. Raises ``Refused``."""
    charter = cast(Ledger, world.charter)
    if not any(REGISTRAR in charter.roles_of(did) for did in world.get(Party, act.party).dids):
        raise Refused("not_a_registrar", f"{act.party} is none", pointer="/payload/iss")


def _named(world: World, subject: str) -> Party | Asset:
    return world.get(Party, subject) if type_of(subject) == "party" else world.get(Asset, subject)


def _put(world: World, subject: str, aliases: list[AliasState]) -> None:
    named = _named(world, subject)
    world.put(subject, replace(named, aliases=aliases))
