"""Entries: read one, read many, prove one. As JSON for people and programs, as bytes for whoever checks them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Response
from pydantic import BaseModel, Field

from api.deps import READERS, Ledger, Reading
from api.numbers import Whole
from api.openapi import bytes_too, problems
from api.pages import STEP, cut
from api.problems import Reply
from api.service import Service
from identity.canonical import b64encode
from ledger.errors import Absent
from ledger.log.chain import link_of, parse_entry
from ledger.log.tile import format_bundle
from ledger.read import Reader
from ledger.statement import Statement, accept

BYTES = "application/octet-stream"
TEXT = "text/plain; charset=utf-8"
COUNT_MAX = 1_024

router = APIRouter(tags=["entries"])

Index = Annotated[int, Path(ge=0, lt=2**53), Whole]
Accept = Annotated[str, Header(description=f"`{BYTES}` asks for the bytes")]


class Summary(BaseModel):
    """An entry in a list."""

    index: Annotated[int, Field(examples=[41])]
    time: Annotated[int, Field(description="admission time, Unix microseconds", examples=[1767139200000000])]
    hash: Annotated[str, Field(description="SHA-256 of the entry's bytes, base64url")]
    link: Annotated[str, Field(description="hash of the entry before, base64url")]
    id: Annotated[str, Field(description="statement id, base64url")]
    kind: Annotated[str, Field(examples=["asset.registered"])]
    subject: Annotated[str, Field(description="what the act is about")]
    issuer: Annotated[str, Field(description="DID of the party whose act it is")]
    signer: Annotated[str, Field(description="DID whose key signed it: the issuer's, or that of a delegate")]
    key: Annotated[str, Field(description="Multikey of the key that signed it")]
    via: Annotated[str | None, Field(description="statement id of the delegation it was signed under")]


class Entry(Summary):
    """An entry in full. Private fields show their digest; what lies behind is withheld."""

    header: dict[str, Any]
    claims: dict[str, Any]
    statement: Annotated[str, Field(description="the compact JWS as signed")]


def summary_of(data: bytes) -> Summary:
    """What a list says of the entry with these bytes."""
    return Summary(**_read(data)[0])


def entry_of(data: bytes) -> Entry:
    """All that the entry with these bytes says."""
    members, statement = _read(data)
    signed = statement.signed
    header = {"alg": signed.alg, "kid": signed.kid, "typ": "cadastre+jwt"}
    return Entry(**members, header=header, claims=signed.claims, statement=signed.compact.decode())


def _read(data: bytes) -> tuple[dict[str, Any], Statement]:
    entry = parse_entry(data)
    statement = accept(entry.statement)
    claims = statement.claims
    members = {
        "index": entry.index,
        "time": entry.time,
        "hash": b64encode(link_of(data)),
        "link": b64encode(entry.link),
        "id": statement.id,
        "kind": claims.kind,
        "subject": claims.sub or next(iter(statement.opened.values())),
        "issuer": claims.iss,
        "signer": statement.key[0],
        "key": statement.key[1],
        "via": claims.via,
    }
    return members, statement


@router.get(
    "/v1/entries", dependencies=[READERS], response_model=list[Summary], responses=bytes_too(BYTES) | problems()
)
def entries(
    reader: Reading,
    start: Annotated[int, Query(ge=0, lt=2**53, description="index of the first"), Whole] = 0,
    count: Annotated[int, Query(ge=1, le=COUNT_MAX, description="at most so many"), Whole] = 100,
    accept: Accept = "",
) -> Any:
    """Entries in order. As bytes: each after its length in two bytes, big-endian (C2SP tlog-tiles entry bundle).

    Where entries are large, fewer come than were asked for. Past the end the list is empty; bytes are answered with a
    problem there, since a bundle holds at least one.
    """
    found = cut(_entries(reader, start, start + count))
    if BYTES not in accept:
        return [summary_of(data) for data in found]
    if not found:
        raise Absent("entry_absent", f"entry {start} of {reader.head().size}", index=start)
    return Response(format_bundle(found), media_type=BYTES)


def _entries(reader: Reader, start: int, stop: int) -> Iterator[bytes]:
    """The entries start..stop-1 as far as there are, read as they are taken."""
    for first in range(start, min(stop, reader.head().size), STEP):
        yield from reader.entries(first, min(first + STEP, stop))


@router.get(
    "/v1/entries/{index}", dependencies=[READERS], response_model=Entry, responses=bytes_too(BYTES) | problems()
)
def entry(reader: Reading, index: Index, accept: Accept = "") -> Any:
    """One entry. As bytes: exactly what is hashed."""
    data = reader.entry(index)
    return Response(data, media_type=BYTES) if BYTES in accept else entry_of(data)


@router.get(
    "/v1/entries/{index}/receipt", dependencies=[READERS], response_class=Response, responses=problems(200, TEXT)
)
async def receipt(service: Ledger, index: Index) -> Response:
    """The receipt of an entry against the present checkpoint: one file that proves it offline (C2SP tlog-proof)."""
    return (await receipt_reply(service, index)).response()


async def receipt_reply(service: Service, index: int) -> Reply:
    """The reply with a receipt. Raises ``Problem``."""
    reader: Reader = service.reader
    return Reply(200, await asyncio.to_thread(reader.receipt, index), TEXT)
