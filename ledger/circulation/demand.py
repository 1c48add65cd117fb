"""Demands: which acts the charter asks a credential for, of which type, and by whom it may be issued to count.

    issuers   [{"types": ["FactoryAccreditation"], "roles": ["assessor"], "dids": []}]
    demands   [{"kind": "asset.*", "type": "FactoryAccreditation"}]

Nothing is demanded for what a party does to look after itself (``Kind.PERSONAL``: joining, rotating its keys, leaving,
being recovered), nor of governance and service: no charter can lock anybody out for good.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict  # pydantic reads no other below Python 3.12

from ledger.errors import Refused, declare
from ledger.form import Form
from ledger.statement import KINDS, covers
from ledger.values import Did, Text

declare(
    "rule",
    demand_unmeetable=(
        "nobody could ever meet this demand",
        "name kinds that parties sign and may need, and among the issuers somebody for the type",
    ),
)

CredentialType = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z][A-Za-z0-9]{0,79}$",
        description="type of a credential, beside VerifiableCredential",
        examples=["FactoryAccreditation"],
    ),
]
Role = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$", description="role tag", examples=["registrar"])]


class Issuers(Form):
    """Whose credentials of some types count: these DIDs, and whoever the charter gives one of these roles."""

    types: Annotated[list[CredentialType], Field(min_length=1, max_length=32)]
    dids: Annotated[list[Did], Field(max_length=64, default_factory=list)]
    roles: Annotated[
        list[Annotated[str, Text(1, 40, "role tag of an authority")]], Field(max_length=16, default_factory=list)
    ]


class Demand(Form):
    """That the party of an act holds a credential of a type, or of a role as well where one is named."""

    kind: Annotated[
        str,
        Field(
            pattern=r"^[a-z]+\.(\*|[a-z]+)$",
            max_length=64,
            description="kind of act; asset.* is all of a noun",
            examples=["asset.registered", "asset.*"],
        ),
    ]
    type: CredentialType
    role: Role | None = None


class IssuersState(TypedDict):
    types: list[str]
    dids: list[str]
    roles: list[str]


class DemandState(TypedDict):
    kind: str
    type: str
    role: str | None


class HeldState(TypedDict):
    """A credential that a party holds: by whom it was issued (the DID that counts), its time in POSIX seconds."""

    credential: str
    type: str
    role: str | None
    issuer: str
    since: int
    until: int | None


def issuers_state(issuers: Iterable[Issuers]) -> list[IssuersState]:
    return [{"types": list(one.types), "dids": list(one.dids), "roles": list(one.roles)} for one in issuers]


def demands_state(demands: Iterable[Demand]) -> list[DemandState]:
    return [{"kind": one.kind, "type": one.type, "role": one.role} for one in demands]


def counts(issuers: Iterable[IssuersState], did: str, roles: set[str], type_: str) -> bool:
    """Whether credentials of a type count if a DID issued them, to which the charter gives these roles."""
    return any(type_ in one["types"] and (did in one["dids"] or not roles.isdisjoint(one["roles"])) for one in issuers)


def meets(demand: DemandState, held: HeldState, seconds: int) -> bool:
    """Whether a credential, whose issuer counts, is what a demand asks for at a time."""
    until = held["until"]
    return (
        held["type"] == demand["type"]
        and demand["role"] in (None, held["role"])
        and held["since"] <= seconds
        and (until is None or seconds <= until)
    )


def told(demand: DemandState) -> str:
    """What is demanded, in words."""
    return demand["type"] if demand["role"] is None else f"{demand['type']} as {demand['role']}"


def check_demands(demands: Sequence[DemandState], issuers: Sequence[IssuersState], given: set[str]) -> None:
    """Somebody can meet each demand: a party signs such acts, and for the type somebody counts. Raises ``Refused``.

    ``given`` are the roles that the charter gives.
    """
    for place, demand in enumerate(demands):
        pointer = f"/payload/body/demands/{place}"
        if not any(covers(demand["kind"], name) for name, kind in KINDS.items() if not kind.PERSONAL):
            raise Refused("demand_unmeetable", demand["kind"], pointer=f"{pointer}/kind")
        counting = [one for one in issuers if demand["type"] in one["types"]]
        if not any(one["dids"] or not given.isdisjoint(one["roles"]) for one in counting):
            raise Refused("demand_unmeetable", f"nobody counts for {demand['type']}", pointer=f"{pointer}/type")
