"""The write door: one statement, or many in one request. Both take bytes as sent, and say what became of them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from api.deps import READERS, SIGNERS, Ledger, Reading
from api.entries import Entry, entry_of
from api.intake import signer_of
from api.limits import network_of, read_body
from api.openapi import BATCH_DOOR, DOOR, problems
from api.problems import Reply, members_of
from api.service import Service
from api.settings import Settings
from api.writing import Outcome, Recorded
from identity.canonical import b64decode
from ledger.errors import Malformed, Problem, declare

NDJSON = "application/x-ndjson"
ONE = frozenset({"", "application/jose", "application/sd-jwt", "text/plain"})
MANY = frozenset({"", NDJSON, "application/ndjson", "application/jsonl", "text/plain"})
WINDOW = 1_024  # statements of one request under way at a time, so that one request does not fill the queue
TURN = 64  # lines handed in before other requests have their turn
SHORTEST = 0.001  # seconds worth waiting for
PATIENCE = 30.0  # seconds a batch request waits in all for its turn, where it goes faster than the limits allow

declare(
    "malformed",
    media_type_unsupported=("the body is not of a media type that is taken here", "compare with GET /openapi.json"),
    line_malformed=("a line of the batch is not a statement", 'write {"statement":"<as sent>"}, one a line'),
    batch_too_long=("the batch has too many lines", "send it in parts"),
)

router = APIRouter(tags=["statements"])


@router.post("/v1/statements", status_code=201, dependencies=[SIGNERS], openapi_extra=DOOR, responses=problems())
async def submit(request: Request, service: Ledger) -> Response:
    """Hand in one statement: the compact JWS, or `JWS~disclosure~…~` where the body has private fields.

    201: it is recorded, at this index, and the receipt proves it. 200: it was in the ledger already, and this is
    its entry; so the same bytes may be sent again as often as it takes to know. 409: a rule says no, and `refusal`
    is the signed file by which the ledger can be held to its rules (`cadastre verify`).
    """
    return (await submit_one(service, request.scope, request.receive)).response()


@router.post("/v1/statements/batch", dependencies=[SIGNERS], openapi_extra=BATCH_DOOR, responses=problems())
async def submit_batch(
    request: Request,
    service: Ledger,
    receipts: Annotated[bool, Query(description="whether each verdict brings the receipt")] = False,
) -> Response:
    """Hand in many statements, one a line: `{"statement":"<as sent>"}`. One verdict a line comes back, in order.

    A verdict is `{"line":1,"status":201,"index":…,"time":…,"id":…,"subject":…}`, with status 200 for what was in the
    ledger already, or the members of a problem. A line that is refused does not sink the rest.
    """
    _check_media_type(request.scope, MANY)
    address = network_of(request.client.host) if request.client else ""
    service.batches.take(address)
    try:
        lines = await _read_lines(request, service.settings)
    except BaseException:
        service.batches.give_back(address)
        raise
    verdicts = _Batch(service, address, receipts).verdicts(lines)
    return _Verdicts(verdicts, partial(service.batches.give_back, address))


class _Verdicts(StreamingResponse):
    """The answer to a batch; when it is through, or nobody listens any more, the next batch may come."""

    def __init__(self, verdicts: AsyncIterator[bytes], done: Callable[[], None]) -> None:
        super().__init__(verdicts, media_type=NDJSON)
        self._done = done

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._done()


async def _read_lines(request: Request, settings: Settings) -> list[bytes]:
    body = await read_body(request.scope, request.receive, settings.request_bytes, settings.body_seconds)
    if (count := body.count(b"\n")) > settings.request_lines:
        raise Malformed("batch_too_long", f"{count} lines, at most {settings.request_lines}")
    lines = body.split(b"\n")
    if not lines[-1]:
        lines.pop()  # the newline at the end ends a line and begins none
    if len(lines) > settings.request_lines:
        raise Malformed("batch_too_long", f"{len(lines)} lines, at most {settings.request_lines}")
    return lines


@router.get("/v1/statements/{id}", dependencies=[READERS], responses=problems())
def by_statement(reader: Reading, id: str) -> Entry:  # noqa: A002 - named as in the path
    """The entry that holds the statement of this id: base64url SHA-256 of `header.payload`."""
    digest = b64decode(id, pointer="/path/id")
    index = reader.index_of(digest)
    return entry_of(reader.entry(index))


async def submit_one(service: Service, scope: Scope, receive: Receive) -> Reply:
    """The reply to one statement. Raises ``Problem``."""
    _check_media_type(scope, ONE)
    settings = service.settings
    sent = await read_body(scope, receive, settings.statement_bytes, settings.body_seconds)
    outcome = await service.intake.submit(sent, receipt=True)
    if isinstance(outcome, Problem):
        raise outcome
    headers = (("Location", f"/v1/entries/{outcome.index}"),)
    return Reply(_status(outcome), orjson.dumps(_members(outcome)), headers=headers)


class _Batch:
    """The statements of one request: handed in one after the other, as fast as limits and queue allow."""

    def __init__(self, service: Service, address: str, receipts: bool) -> None:
        self._service = service
        self._address = address
        self._receipts = receipts
        self._patience = PATIENCE
        self._under_way: deque[tuple[int, asyncio.Future[Outcome] | Problem]] = deque()

    async def verdicts(self, lines: Sequence[bytes]) -> AsyncIterator[bytes]:
        """The verdicts in order, as lines of NDJSON, some at a time."""
        for number, line in enumerate(lines, 1):
            while self._crowded():
                yield await self._some()
            if number % TURN == 0:  # others' requests come in between, also where every line is malformed
                await asyncio.sleep(0)
            self._under_way.append((number, await self._submit(line)))
        while self._under_way:
            yield await self._some()

    def _crowded(self) -> bool:
        """Whether to wait for verdicts on what is under way before handing in more."""
        return len(self._under_way) >= WINDOW or (self._service.intake.full and bool(self._under_way))

    async def _submit(self, line: bytes) -> asyncio.Future[Outcome] | Problem:
        try:
            sent = statement_in(line, self._service.settings.statement_bytes)
            await self._wait_turn(sent)
            self._service.addresses.spend(self._address, "address_too_fast")
            return self._service.intake.submit(sent, self._receipts)
        except Problem as problem:
            return problem

    async def _wait_turn(self, sent: bytes) -> None:
        """A batch is slowed down rather than refused, as long as patience lasts."""
        addresses, signers = self._service.addresses, self._service.signers
        signer = signer_of(sent)
        while self._patience > 0 and (wait := max(addresses.wait(self._address), signers.wait(signer))):
            pause = min(max(wait, SHORTEST), self._patience)
            self._patience -= pause
            await asyncio.sleep(pause)

    async def _some(self) -> bytes:
        """The next verdict, and those after it that are there already."""
        lines = [await self._next()]
        while self._under_way and _is_there(self._under_way[0][1]):
            lines.append(await self._next())
        return b"".join(lines)

    async def _next(self) -> bytes:
        number, answer = self._under_way.popleft()
        outcome = answer if isinstance(answer, Problem) else await answer
        if isinstance(outcome, Problem):
            return orjson.dumps({"line": number, **members_of(outcome)}) + b"\n"
        members = {"line": number, "status": _status(outcome), **_members(outcome)}
        return orjson.dumps(members) + b"\n"


def statement_in(line: bytes, most: int) -> bytes:
    """What was sent in a line of a batch. Raises ``line_malformed``, ``body_too_large``."""
    try:
        members = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise Malformed("line_malformed", str(error)) from None
    if not isinstance(members, dict) or members.keys() != {"statement"}:
        raise Malformed("line_malformed", "it is not an object with the one member statement")
    sent = members["statement"]
    if not isinstance(sent, str) or not sent.isascii():
        raise Malformed("line_malformed", "the statement is not an ASCII string", pointer="/statement")
    if len(sent) > most:
        raise Malformed("body_too_large", f"{len(sent)} bytes, at most {most}", pointer="/statement")
    return sent.encode()


def _is_there(answer: asyncio.Future[Outcome] | Problem) -> bool:
    return isinstance(answer, Problem) or answer.done()


def _status(recorded: Recorded) -> int:
    return 200 if recorded.again else 201


def _members(recorded: Recorded) -> dict[str, Any]:
    """What an answer says of a statement that is in; with the receipt, if it was wanted."""
    members = {"index": recorded.index, "time": recorded.time, "id": recorded.id, "subject": recorded.subject}
    return members | {"receipt": recorded.receipt.decode()} if recorded.receipt else members


def _check_media_type(scope: Scope, known: frozenset[str]) -> None:
    """The media type the body is sent with, parameters aside, is one of these."""
    given = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
    media_type = given.partition(b";")[0].strip().lower().decode("latin-1")
    if media_type not in known:
        raise Malformed("media_type_unsupported", f"{media_type}; taken are {', '.join(sorted(known - {''}))}")
