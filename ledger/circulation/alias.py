"""Aliases of parties and assets: names that others gave them (``identity.alias``), claimed, or attested as well.

Whoever a subject belongs to claims an alias for it; so an alias may be claimed for several. A registrar of the charter
attests one, for one subject at a time (``circulation.attestation``). Without its attestation an alias is claimed again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal, NotRequired

from pydantic import Field, model_validator
from typing_extensions import TypedDict  # pydantic reads no other below Python 3.12

from identity.alias import named_by
from ledger.errors import Refused, declare
from ledger.form import Form
from ledger.values import Alias

declare(
    "rule",
    alias_claimed_already=("the subject has this alias", "nothing is left to do: cadastre show ID"),
    alias_not_claimed=("the subject has no such alias", "see its aliases: cadastre show ID"),
    alias_unfit=(
        "aliases of this scheme do not name such a subject",
        "lei, gln, bpn and uscc name parties, gtin assets, handle both",
    ),
    aliases_too_many=("the subject has too many aliases", "withdraw one that is not needed: cadastre alias remove"),
)

ALIASES_MAX = 32  # of a subject


class AliasState(TypedDict):
    """An alias of a subject: whether it is attested, and by which attestation."""

    alias: str
    status: Literal["claimed", "attested"]
    attestation: NotRequired[str]


class AliasChange(Form):
    """Aliases that a subject gets, and those it has no more."""

    claimed: Annotated[list[Alias], Field(max_length=16, default_factory=list)]
    withdrawn: Annotated[list[Alias], Field(max_length=16, default_factory=list, examples=[["handle:88.118.8/abc"]])]

    @model_validator(mode="after")
    def _once_each(self) -> AliasChange:
        named = [*self.claimed, *self.withdrawn]
        if not named or len(set(named)) < len(named):
            raise ValueError("name at least one alias, and each once")
        return self

    def check_change(self, aliases: Sequence[AliasState], type_: str) -> None:
        """A subject of this type that has these aliases can change them so. Raises ``Refused``."""
        has = {one["alias"] for one in aliases}
        for place, alias in enumerate(self.withdrawn):
            if alias not in has:
                raise Refused("alias_not_claimed", alias, pointer=f"/payload/body/withdrawn/{place}")
        for place, alias in enumerate(self.claimed):
            if type_ not in named_by(alias):
                raise Refused("alias_unfit", f"{alias} names no {type_}", pointer=f"/payload/body/claimed/{place}")
            if alias in has:
                raise Refused("alias_claimed_already", alias, pointer=f"/payload/body/claimed/{place}")
        if (count := len(has) - len(self.withdrawn) + len(self.claimed)) > ALIASES_MAX:
            raise Refused("aliases_too_many", f"{count}, where at most {ALIASES_MAX} may be")

    def changed(self, aliases: Iterable[AliasState]) -> list[AliasState]:
        """The aliases as the change leaves them."""
        added: list[AliasState] = [{"alias": alias, "status": "claimed"} for alias in self.claimed]
        return [one for one in aliases if one["alias"] not in self.withdrawn] + added


def attested(aliases: Iterable[AliasState], alias: str, attestation: str) -> list[AliasState]:
    """The aliases when one of them is attested."""
    proven: AliasState = {"alias": alias, "status": "attested", "attestation": attestation}
    return [proven if one["alias"] == alias else one for one in aliases]


def disputed(aliases: Iterable[AliasState], attestation: str) -> list[AliasState]:
    """The aliases when an attestation is taken back: what it attested is claimed again."""
    return [
        {"alias": one["alias"], "status": "claimed"} if one.get("attestation") == attestation else one
        for one in aliases
    ]


def alias_lookups(aliases: Iterable[AliasState]) -> list[tuple[str, str]]:
    """The look-ups of a subject that has these: ``alias`` each, ``attested`` those that are; that one is unique."""
    found = [("alias", one["alias"]) for one in aliases]
    return found + [("attested", one["alias"]) for one in aliases if one["status"] == "attested"]
