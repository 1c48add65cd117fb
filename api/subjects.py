"""Subjects: what is known of a party, an asset, an offer … at any size of the ledger; and how to find them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.deps import READERS, Reading
from api.entries import Summary, summary_of
from api.openapi import problems
from ledger.read import Reader
from ledger.words import fold
from ledger.world import Subject as Found

FIRST = 2**53  # before the first page: above every number

router = APIRouter(tags=["subjects"])

Limit = Annotated[int, Query(ge=1, le=1_000)]
Name = Annotated[str, Field(description="subject id; for a party also its DID")]


class Subject(BaseModel):
    """A subject as it stood at a size of the ledger."""

    id: str
    type: Annotated[str, Field(examples=["asset"])]
    no: Annotated[int, Field(description="counts subjects in the order they were opened")]
    index: Annotated[int, Field(description="entry that last changed it")]
    last: Annotated[str, Field(description="statement id of the act that last advanced it: what `prev` must name")]
    state: dict[str, Any]


class SubjectAt(Subject):
    """``size``: what the ledger has signed; ``at``: the size this state is of."""

    size: int
    at: int


class Page(BaseModel):
    """Some of what was found, latest first. ``cursor`` asks for the next page; null after the last."""

    items: list[Subject]
    cursor: str | None


@router.get("/v1/subjects", dependencies=[READERS], responses=problems())
def subjects(
    reader: Reading,
    after: Annotated[int, Query(ge=-1, lt=2**53, description="number of the last one known")] = -1,
    limit: Limit = 100,
) -> list[Subject]:
    """Every subject, in the order they were opened."""
    return [_shown(found) for found in reader.subjects(after, limit)]


@router.get("/v1/subjects/{name}", dependencies=[READERS], responses=problems())
def subject(
    reader: Reading,
    name: Name,
    at: Annotated[int | None, Query(ge=0, lt=2**53, description="the ledger's size then")] = None,
) -> SubjectAt:
    """A subject by id, a party also by DID; as it stands, or as it stood when the ledger had `at` entries."""
    size = reader.head().size
    found = reader.subject(_id_of(reader, name), size if at is None else at)
    return SubjectAt(**_shown(found).model_dump(), size=size, at=size if at is None else at)


@router.get("/v1/subjects/{name}/history", dependencies=[READERS], responses=problems())
def history(
    reader: Reading,
    name: Name,
    before: Annotated[int | None, Query(ge=0, lt=2**53, description="index of the earliest one known")] = None,
    limit: Limit = 100,
) -> list[Summary]:
    """The entries that touched a subject, latest first."""
    return [summary_of(reader.entry(index)) for index in reader.history(_id_of(reader, name), before, limit)]


@router.get("/v1/search", dependencies=[READERS], responses=problems())
def search(
    reader: Reading,
    q: Annotated[str, Query(max_length=200, description="words, all of which must occur; any script")] = "",
    type: Annotated[  # noqa: A002
        Literal["asset", "offer", "version"] | None, Query(description="assets and offers unless given")
    ] = None,
    keyword: Annotated[str | None, Query(max_length=60)] = None,
    holder: Annotated[str | None, Query(max_length=512, description="party id or DID")] = None,
    sha256: Annotated[str | None, Query(max_length=64, description="of a version's content, base64url")] = None,
    classification: Annotated[str | None, Query(max_length=40)] = None,
    status: Annotated[str | None, Query(max_length=40)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(pattern="^(0|[1-9][0-9]{0,15})$", description="from the page before")] = None,
) -> Page:
    """Assets and offers, or versions, that have all words and meet all conditions, latest first."""
    conditions = {
        "keyword": keyword and fold(keyword),
        "holder": holder and _id_of(reader, holder),
        "sha256": sha256,
        "classification": classification,
        "status": status,
    }
    keys = [(name, value) for name, value in conditions.items() if value is not None]
    types = ("asset", "offer") if type is None else (type,)
    page = reader.search(types, q, keys, int(cursor) if cursor else FIRST, limit)
    items = [_shown(found) for found in page.subjects]
    return Page(items=items, cursor=None if page.before is None else str(page.before))


def _id_of(reader: Reader, name: str) -> str:
    return reader.find("did", name) if name.startswith("did:") else name


def _shown(found: Found) -> Subject:
    return Subject(
        id=found.id, type=found.type, no=found.no, index=found.index, last=found.last, state=dict(found.state.__dict__)
    )
