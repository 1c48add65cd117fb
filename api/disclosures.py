"""Private values, for those who may see them (``ledger.sight``); and tombstones of those that were erased.

    /v1/entries/INDEX/disclosures               the disclosures of an entry that the asker may see
    /v1/entries/INDEX/disclosures?inspection=ID     those that an authority stated to look at: once
    /v1/erasures/DIGEST                         by whom, when and why the value behind a digest was erased

An asker says who it is by a token (``api.members``), also where everybody may read. Whoever takes a disclosure compares
its digest with the signed statement: the service can withhold a value, and cannot make one up.
"""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from api.deps import ASKERS, READERS, Ledger, Reading
from api.entries import Index
from api.openapi import problems
from identity.token import Token
from ledger.circulation.disclosure import Erasure
from ledger.sight import askers, disclosed, looked_at

LISTED_MAX = 100

router = APIRouter(tags=["disclosures"])


class Disclosed(BaseModel):
    """Disclosures (RFC 9901 section 4.2) of private fields of the entry at `index`."""

    index: int
    disclosures: list[str]


class Erased(BaseModel):
    """A tombstone: private values of an entry, erased at the behest of `by`. `at` is POSIX seconds."""

    id: str
    entry: int
    party: Annotated[str, Field(description="whose statement the entry is")]
    subject: str
    by: str
    fields: list[str]
    digests: list[str]
    code: str
    ground: str
    at: int
    index: Annotated[int, Field(description="the entry of the erasure itself")]


@router.get("/v1/entries/{index}/disclosures", dependencies=[ASKERS], responses=problems())
def disclosures(
    service: Ledger,
    response: Response,
    index: Index,
    token: Annotated[Token, ASKERS],
    inspection: Annotated[
        str | None, Query(max_length=64, description="the look that an authority stated; it is used up")
    ] = None,
) -> Disclosed:
    """What the asker may see of an entry's private values; those that were erased are gone.

    Anything else is `disclosure_denied`: also where there is no such entry, or nothing private in it.
    """
    response.headers["Cache-Control"] = "no-store"
    now, reader = int(time.time()), service.reader
    asking = list(askers(reader, token.iss, token.key, now, token.principal))
    if inspection is None:
        return Disclosed(index=index, disclosures=disclosed(reader, index, asking, now))
    look, found = looked_at(reader, service.charter, index, asking, inspection, now)
    service.looks.use(look)
    return Disclosed(index=index, disclosures=found)


@router.get("/v1/erasures/{digest}", dependencies=[READERS], responses=problems())
def erasures(
    reader: Reading,
    digest: Annotated[str, Path(max_length=43, description="of a private field, as it stands in statement and state")],
) -> list[Erased]:
    """The tombstones of the value behind a digest, of whichever entry; none if it was not erased."""
    found = reader.listed("erasure", "digest", digest, LISTED_MAX)
    return [_erased(one.id, one.index, one.state) for one in found if isinstance(one.state, Erasure)]


def _erased(id_: str, index: int, state: Erasure) -> Erased:
    return Erased(id=id_, index=index, **state.__dict__)
