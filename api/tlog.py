"""The log's face: checkpoint, tiles and entry bundles (C2SP tlog-checkpoint, tlog-tiles), and consistency proofs.

Tiles are served as wide as anyone asks, up to the signed size: a narrower one is a prefix of the stored one. What is
cut out of a signed log never changes, so it may be kept for ever; what is not there may come, so that may not be.
"""

from __future__ import annotations

import gzip
import re
from base64 import b64encode
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Response
from pydantic import BaseModel, Field

from api.deps import PUBLIC, READERS, Reading
from api.openapi import problems
from api.problems import reply_of
from ledger.errors import Absent, Corrupt, Malformed, Problem, declare
from ledger.log.tile import WIDTH_MAX, Tile, format_bundle, format_path, parse_entries_path, parse_path
from ledger.read import Reader

TEXT = "text/plain; charset=utf-8"
BYTES = "application/octet-stream"
GZIP_LEVEL = 6

declare(
    "absent",
    tile_absent=("the log has signed no such tile", "paths are those of C2SP tlog-tiles, up to the signed size"),
)

_OPEN = {"Access-Control-Allow-Origin": "*"}  # the log's face is for every page in every browser
_KEPT = {**_OPEN, "Cache-Control": "public, max-age=31536000, immutable"}
_CODING = re.compile(r"\s*(gzip|x-gzip|\*)\s*(?:;\s*q=([01](?:\.[0-9]{0,3})?))?\s*", re.IGNORECASE)

router = APIRouter(tags=["log"])

Place = Annotated[str, Path(description="as C2SP tlog-tiles spells it", examples=["000.p/1"])]


class Consistency(BaseModel):
    """The proof that the tree at size `old` is a prefix of that at size `new` (RFC 6962 section 2.1.2)."""

    old: int
    new: int
    hashes: Annotated[list[str], Field(description="32 bytes each, base64")]


@router.get("/checkpoint", dependencies=[PUBLIC], response_class=Response, responses=problems(200, TEXT))
async def checkpoint(reader: Reading) -> Response:
    """The present size and root, signed by the log key: a C2SP checkpoint."""
    return Response(reader.checkpoint(), media_type=TEXT, headers={**_OPEN, "Cache-Control": "no-cache"})


@router.get(
    "/tile/entries/{place:path}", dependencies=[READERS], response_class=Response, responses=problems(200, BYTES)
)
def bundle(
    reader: Reading,
    place: Place,
    accept_encoding: Annotated[str, Header(description="`gzip` asks for fewer bytes")] = "",
) -> Response:
    """The entries beside a tile of level 0, each after its length in two bytes, big-endian: `<index>[.p/<width>]`."""
    try:
        index, width = parse_entries_path(f"tile/entries/{place}")
        data = format_bundle(_entries(reader, index, width))
    except Problem as problem:
        return _missing(problem)
    headers = {**_KEPT, "Vary": "Accept-Encoding"}
    if wants_gzip(accept_encoding):
        data = gzip.compress(data, GZIP_LEVEL, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return Response(data, media_type=BYTES, headers=headers)


@router.get("/tile/{place:path}", dependencies=[PUBLIC], response_class=Response, responses=problems(200, BYTES))
def tile(reader: Reading, place: Place) -> Response:
    """Hashes of the tree, 32 bytes each: `<level>/<index>[.p/<width>]`."""
    try:
        data = _hashes(reader, parse_path(f"tile/{place}"))
    except Problem as problem:
        return _missing(problem)
    return Response(data, media_type=BYTES, headers=_KEPT)


def wants_gzip(accept: str) -> bool:
    """Whether an Accept-Encoding header allows gzip by its name, or all codings (RFC 9110, section 12.5.3)."""
    allowed = {}
    for part in accept.split(","):
        if found := _CODING.fullmatch(part):
            allowed[found[1].lower().removeprefix("x-")] = float(found[2] or 1) > 0
    return allowed.get("gzip", allowed.get("*", False))


def _hashes(reader: Reader, tile: Tile) -> bytes:
    """The hashes of a tile. Raises ``Absent`` where the signed size does not give it that width."""
    _check_signed(reader, tile)
    found = reader.store.tile(tile.level, tile.index) or b""
    if len(found) < 32 * tile.width:
        raise Corrupt("store_corrupt", f"{format_path(tile)} is missing or cut")
    return found[: 32 * tile.width]


def _entries(reader: Reader, index: int, width: int) -> list[bytes]:
    """The entries of a bundle. Raises ``Absent`` likewise."""
    _check_signed(reader, Tile(0, index, width))
    start = index * WIDTH_MAX
    found = list(reader.entries(start, start + width))
    if len(found) != width:
        raise Corrupt("store_corrupt", f"entry {start + len(found)} is missing", index=start + len(found))
    return found


def _check_signed(reader: Reader, tile: Tile) -> None:
    if reader.head().size >> 8 * tile.level < tile.index * WIDTH_MAX + tile.width:
        raise Absent("tile_absent", f"{format_path(tile)} at size {reader.head().size}")


def _missing(problem: Problem) -> Response:
    """What is no tile, by its spelling or its place, is not there; and nobody keeps that, since it may come."""
    told = Absent("tile_absent", problem.detail) if isinstance(problem, Malformed) else problem
    answer = reply_of(told).response()
    answer.headers.update({**_OPEN, "Cache-Control": "no-store"})
    return answer


@router.get("/v1/consistency", dependencies=[READERS], responses=problems())
def consistency(
    reader: Reading, old: Annotated[int, Query(ge=0, lt=2**53)], new: Annotated[int, Query(ge=0, lt=2**53)]
) -> Consistency:
    """The proof that size `old` extends to size `new`. Empty from size 0 and between equal sizes."""
    found = reader.consistency(old, new)
    return Consistency(old=old, new=new, hashes=[b64encode(node).decode() for node in found.hashes])
