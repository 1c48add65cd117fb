"""Parties: who takes part. A party id carries everything else, so that keys and DIDs may change under it.

Whoever joins signs with the key that shall speak for the party, and thereby shows that they hold it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, cast

from pydantic import Field

from ledger.circulation.charter import Ledger
from ledger.errors import Refused, declare
from ledger.form import Form
from ledger.statement import Kind
from ledger.values import Private, Text, Uri, is_hidden
from ledger.words import words_of
from ledger.world import Act, State, World

declare(
    "rule",
    joining_closed=("only those the charter lists may join this ledger", "ask governance to be listed"),
    role_reserved=("this role belongs to authorities the charter recognises", "leave the role out"),
    name_must_be_plain=("this ledger wants names and contacts in the open", "join without private fields"),
    name_must_be_private=("this ledger wants names and contacts as private fields", "join with --private"),
)

LegalName = Annotated[str, Text(1, 200, "legal name")]


class Contact(Form):
    """Where a person or machine can be reached about the party's data."""

    email: Annotated[str, Field(pattern=r"^[^\s@]{1,64}@[^\s@]{1,190}$")] | None = None
    phone: Annotated[str, Field(pattern=r"^\+[0-9 ()-]{5,30}$", description="with country code")] | None = None
    url: Uri | None = None
    address: Annotated[str, Text(1, 400, "postal address")] | None = None


@dataclass(frozen=True)
class Party(State, of="party"):
    """A party as everybody sees it; ``name`` and ``contact`` may be withheld (``{"_sd": [digest]}``)."""

    UNIQUE: ClassVar[tuple[str, ...]] = ("did",)
    PROVEN: ClassVar[Mapping[str, str]] = {"did": "did"}

    dids: list[str]
    name: str | dict[str, Any]
    contact: dict[str, Any] | None
    roles: list[str]
    status: str = "active"

    def lookups(self) -> Iterable[tuple[str, str]]:
        return [("did", did) for did in self.dids] + [("role", role) for role in self.roles]

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

    def check(self, world: World, act: Act[PartyJoined]) -> None:
        charter = cast(Ledger, world.charter)
        if charter.joiners == "listed" and act.iss not in charter.listed:
            raise Refused("joining_closed", f"{act.iss} is not listed in the charter")
        for place, role in enumerate(self.roles):
            if role in charter.reserved() - charter.roles_of(act.iss):
                raise Refused("role_reserved", f"the role {role} is reserved", pointer=f"/payload/body/roles/{place}")
        for field, value in (("name", self.name), ("contact", self.contact)):
            if value is None or charter.names == "either":
                continue
            if is_hidden(value) != (charter.names == "private"):
                raise Refused(f"name_must_be_{charter.names}", pointer=f"/payload/body/{field}")

    def fold(self, world: World, act: Act[PartyJoined]) -> None:
        body = act.statement.claims.body
        world.put(act.sub, Party([act.iss], body["name"], body.get("contact"), list(self.roles)))
