"""Subjects: what is known of a party, an asset, an offer … at any size of the ledger; and how to find them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from api.deps import READERS, Reading
from api.entries import Summary, summary_of
from api.numbers import Whole
from api.openapi import problems
from api.pages import PAGE_BYTES, STEP, array_of, cut, json_of
from identity.alias import ALIAS_MAX, check_alias
from ledger.read import Reader
from ledger.words import fold
from ledger.world import Subject as Found

FIRST = 2**53  # before the first page: above every number

router = APIRouter(tags=["subjects"])

Limit = Annotated[int, Query(ge=1, le=1_000), Whole]
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
    """Some of what was found, latest first. ``cursor`` asks for the next page; null after the last.

    A page ends early where its items are large.
    """

    items: list[Subject]
    cursor: str | None


@router.get("/v1/subjects", dependencies=[READERS], response_model=list[Subject], responses=problems())
def subjects(
    reader: Reading,
    after: Annotated[int, Query(ge=-1, lt=2**53, description="number of the last one known"), Whole] = -1,
    limit: Limit = 100,
) -> Response:
    """Subjects in the order they were opened. A page ends early where they are large; after the last it is empty."""
    return json_of(array_of(cut(map(_json, _listing(reader, after, limit)))))


@router.get("/v1/subjects/{name}", dependencies=[READERS], responses=problems())
def subject(
    reader: Reading,
    name: Name,
    at: Annotated[int | None, Query(ge=0, lt=2**53, description="the ledger's size then"), Whole] = None,
) -> SubjectAt:
    """A subject by id, a party also by DID; as it stands, or as it stood when the ledger had `at` entries."""
    size = reader.head().size
    found = reader.subject(_id_of(reader, name), size if at is None else at)
    return SubjectAt(**_members(found), size=size, at=size if at is None else at)


@router.get("/v1/subjects/{name}/history", dependencies=[READERS], responses=problems())
def history(
    reader: Reading,
    name: Name,
    before: Annotated[int | None, Query(ge=0, lt=2**53, description="index of the earliest one known"), Whole] = None,
    limit: Limit = 100,
) -> list[Summary]:
    """What touched a subject, latest first. A page ends early where entries are large; after the last it is empty."""
    found = reader.history(_id_of(reader, name), before, limit)
    return [summary_of(data) for data in cut(map(reader.entry, found))]


@router.get("/v1/search", dependencies=[READERS], response_model=Page, responses=problems())
def search(
    reader: Reading,
    q: Annotated[str, Query(max_length=200, description="words, all of which must occur; any script")] = "",
    type: Annotated[  # noqa: A002
        Literal["asset", "offer", "version", "agreement", "credential", "delegation", "party"] | None,
        Query(description="assets and offers unless given; with an alias, parties and assets"),
    ] = None,
    keyword: Annotated[str | None, Query(max_length=60)] = None,
    holder: Annotated[str | None, Query(max_length=512, description="party id or DID")] = None,
    issuer: Annotated[str | None, Query(max_length=512, description="of credentials: party id or DID")] = None,
    delegator: Annotated[str | None, Query(max_length=512, description="of delegations: party id or DID")] = None,
    delegate: Annotated[str | None, Query(max_length=512, description="of delegations: DID")] = None,
    listed: Annotated[
        str | None, Query(max_length=64, description="of a credential: its place in the status lists, PARTY/LIST/INDEX")
    ] = None,
    alias: Annotated[
        str | None,
        Query(
            max_length=ALIAS_MAX,
            description="of a party or an asset: SCHEME:VALUE, of scheme lei, gln, gtin, bpn, uscc or handle",
            examples=["lei:529900T8BM49AURSDO55"],
        ),
    ] = None,
    sha256: Annotated[
        str | None, Query(max_length=64, description="of a version's content, or of a credential, base64url")
    ] = None,
    classification: Annotated[str | None, Query(max_length=40)] = None,
    status: Annotated[str | None, Query(max_length=40)] = None,
    limit: Annotated[int, Query(ge=1, le=100), Whole] = 20,
    cursor: Annotated[str | None, Query(pattern="^(0|[1-9][0-9]{0,15})$", description="from the page before")] = None,
) -> Response:
    """Assets and offers, or what is of another type, that have all words and meet all conditions, latest first.

    Whoever has an alias has it among its `aliases`, claimed or attested.
    """
    if alias is not None:
        check_alias(alias)
    conditions = {
        "keyword": keyword and fold(keyword),
        "holder": holder and _id_of(reader, holder),
        "issuer": issuer and _id_of(reader, issuer),
        "delegator": delegator and _id_of(reader, delegator),
        "delegate": delegate,
        "listed": listed,
        "alias": alias,
        "sha256": sha256,
        "classification": classification,
        "status": status,
    }
    keys = [(name, value) for name, value in conditions.items() if value is not None]
    usual = ("asset", "offer") if alias is None else ("party", "asset")
    types = usual if type is None else (type,)
    items, before = _search(reader, types, q, keys, int(cursor) if cursor else FIRST, limit)
    next_page = orjson.dumps(None if before is None else str(before))
    return json_of(b'{"items":' + array_of(items) + b',"cursor":' + next_page + b"}")


def _listing(reader: Reader, after: int, limit: int) -> Iterator[Found]:
    """Up to so many subjects numbered above ``after``, read as they are taken."""
    while limit > 0 and (some := reader.subjects(after, min(limit, STEP))):
        yield from some
        after = some[-1].no
        limit -= len(some)


def _search(
    reader: Reader, types: Sequence[str], query: str, keys: Sequence[tuple[str, str]], before: int | None, limit: int
) -> tuple[list[bytes], int | None]:
    """The items of a page, and the cursor of the next."""
    items: list[bytes] = []
    room = PAGE_BYTES
    while before is not None and len(items) < limit:
        found = reader.search(types, query, keys, before, min(limit - len(items), STEP))
        for subject in found.subjects:
            items.append(_json(subject))
            room -= len(items[-1])
            if room <= 0:
                return items, subject.no
        before = found.before
    return items, before


def _id_of(reader: Reader, name: str) -> str:
    return reader.find("did", name) if name.startswith("did:") else name


def _json(found: Found) -> bytes:
    return orjson.dumps(_members(found))


def _members(found: Found) -> dict[str, Any]:
    """The members of ``Subject``."""
    return {
        "id": found.id,
        "type": found.type,
        "no": found.no,
        "index": found.index,
        "last": found.last,
        "state": found.state.__dict__,
    }
