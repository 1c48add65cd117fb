"""The log's face: the signed checkpoint, and proofs that one checkpoint extends another (C2SP tlog-checkpoint)."""

from __future__ import annotations

from base64 import b64encode
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from api.deps import PUBLIC, READERS, Reading
from api.openapi import problems

TEXT = "text/plain; charset=utf-8"

router = APIRouter(tags=["log"])


class Consistency(BaseModel):
    """The proof that the tree at size `old` is a prefix of that at size `new` (RFC 6962 section 2.1.2)."""

    old: int
    new: int
    hashes: Annotated[list[str], Field(description="32 bytes each, base64")]


@router.get("/checkpoint", dependencies=[PUBLIC], response_class=Response, responses=problems(200, TEXT))
async def checkpoint(reader: Reading) -> Response:
    """The present size and root, signed by the log key: a C2SP checkpoint."""
    return Response(reader.head().checkpoint, media_type=TEXT, headers={"Cache-Control": "no-cache"})


@router.get("/v1/consistency", dependencies=[READERS], responses=problems())
def consistency(
    reader: Reading, old: Annotated[int, Query(ge=0, lt=2**53)], new: Annotated[int, Query(ge=0, lt=2**53)]
) -> Consistency:
    """The proof that size `old` extends to size `new`. Empty from size 0 and between equal sizes."""
    found = reader.consistency(old, new)
    return Consistency(old=old, new=new, hashes=[b64encode(node).decode() for node in found.hashes])
