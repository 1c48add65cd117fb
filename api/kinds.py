"""What can be said here, and every way it can be refused: both straight from the registries."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.deps import PUBLIC
from api.openapi import problems
from api.problems import status_of
from ledger.errors import CATALOGUE, Absent, Meaning, declare
from ledger.statement import KINDS
from ledger.statement import Kind as Stated

declare(
    "absent",
    kind_absent=("there is no such kind", "list them: cadastre kinds, or GET /v1/kinds"),
    refusal_absent=("there is no such code", "list them: cadastre refusals, or GET /v1/refusals"),
)

router = APIRouter(tags=["kinds"])


class Kind(BaseModel):
    """A kind of statement, in short."""

    name: Annotated[str, Field(examples=["offer.withdrawn"])]
    doc: str
    signer: Annotated[str, Field(description="who may sign it: party, newcomer or governance")]
    opens: Annotated[list[str], Field(description="types of the subjects it opens")]
    on: Annotated[str | None, Field(description="type of the subject it acts on")]
    since: Annotated[int, Field(description="rules version it holds from")]


class KindInFull(Kind):
    """A kind with the JSON Schema of its body."""

    body: Annotated[dict[str, Any], Field(alias="schema", description="JSON Schema (2020-12) of the body")]


class Refusal(BaseModel):
    """A code, what it means, and what to do next."""

    code: Annotated[str, Field(examples=["pin_stale"])]
    family: str
    status: Annotated[int, Field(description="HTTP status it is answered with")]
    title: str
    advice: str


@router.get("/v1/kinds", dependencies=[PUBLIC], responses=problems())
async def kinds() -> list[Kind]:
    """Every kind of statement."""
    return [Kind(**_members(kind)) for _, kind in sorted(KINDS.items())]


@router.get("/v1/kinds/{name}", dependencies=[PUBLIC], responses=problems())
async def kind(name: str) -> KindInFull:
    """One kind, with the form of its body."""
    found = KINDS.get(name)
    if found is None:
        raise Absent("kind_absent", name)
    return KindInFull(**_members(found), schema=_schema(found))


@router.get("/v1/refusals", dependencies=[PUBLIC], responses=problems())
async def refusals() -> list[Refusal]:
    """Every code a problem can have."""
    return [_refusal(meaning) for _, meaning in sorted(CATALOGUE.items()) if meaning.family != "halted"]


@router.get("/v1/refusals/{code}", dependencies=[PUBLIC], responses=problems())
async def refusal(code: str) -> Refusal:
    """One code."""
    found = CATALOGUE.get(code)
    if found is None or found.family == "halted":  # what commands stop with is no answer of this service
        raise Absent("refusal_absent", code)
    return _refusal(found)


@cache
def _schema(kind: type[Stated]) -> dict[str, Any]:
    """The form of its body. Making it takes milliseconds."""
    return kind.model_json_schema(by_alias=True)


def _members(kind: type[Stated]) -> dict[str, Any]:
    return {
        "name": kind.NAME,
        "doc": " ".join((kind.__doc__ or "").split()),
        "signer": kind.SIGNER,
        "opens": list(kind.OPENS),
        "on": kind.ON,
        "since": kind.SINCE,
    }


def _refusal(meaning: Meaning) -> Refusal:
    return Refusal(
        code=meaning.code,
        family=meaning.family,
        status=status_of(meaning),
        title=meaning.title,
        advice=meaning.advice,
    )
