"""The service commits to the state: at intervals it brings the state map up to what is recorded, and signs its root.

A pass (``ledger.commitment``) runs in a process of its own where the service has such, else in a thread; no statement
waits for it. What comes of it is a ``state.committed``, signed with the service key, and handed in like any statement.
After a pass that took t, none begins for 6 t: so appending loses at most a seventh of one core to it. What fails is
logged, shown on /metrics, and tried again at the next turn; since a pass may end anywhere, a service that is told to
stop gives it up. Without the service key nothing is committed to, and everything else goes on.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import structlog

from api.client.signing import LIFETIME_S, sign_statement
from api.process import Gone, Kept
from api.writing import Outcome, Recorded
from identity.canonical import b64encode
from identity.did import did_of
from identity.keys import SigningKey, read_key
from ledger.circulation.state import StateCommitted
from ledger.commitment import Pass, Stand, bring_up
from ledger.errors import Problem, Unavailable, declare
from ledger.log.chain import audience_of
from ledger.store.files import Folder
from ledger.store.sql import SqlStore

NICE = 5  # gives way to the writer, to whom it matters; not so far that it reads for long
REST = 6  # times as long as a pass took, before the next one begins

declare(
    "service",
    service_key_absent=(
        "the service does not hold the service key the charter names: it commits to no state",
        "put its key file into DIR/keys as service.key or service-NAME.key",
    ),
)

log = structlog.get_logger("cadastre.committing")


class Turned(NamedTuple):
    """What a pass came to: the size committed to, by ``sent``, which is to be handed in, or else before."""

    size: int
    seconds: float
    sent: bytes


Answer = Turned | Problem


def commit_now(directory: Path) -> Answer:
    """One pass, and the statement that is due after it."""
    begun = time.monotonic()
    try:
        folder = Folder.open(directory)
        with SqlStore.snapshot(folder.store) as store:
            service = Stand.of(store).charter.service
        key = service_key(folder, service)
        made = bring_up(folder)
        sent = signed(made, key) if made.due and made.stand.charter.service == service else b""
        size = made.head.size if sent else made.stand.committed.size
        return Turned(size, time.monotonic() - begun, sent)
    except Problem as problem:
        return problem
    except OSError as error:
        return Unavailable("map_failed", f"{error.filename}: {error.strerror}")
    except Exception as mistake:
        return Unavailable("internal_error", repr(mistake)[:500])


def service_key(folder: Folder, did: str) -> SigningKey:
    """The key of this DID among the service keys of a folder. Raises ``Unavailable`` (``service_key_absent``)."""
    for path in (folder.key("service"), *sorted(folder.keys.glob("service-*.key"))):
        if path.is_file() and did_of((key := read_key(path)).public) == did:
            return key
    raise Unavailable("service_key_absent", did)


def signed(made: Pass, key: SigningKey) -> bytes:
    """The commitment to what the map was brought up to."""
    stand = made.stand
    return sign_statement(
        key,
        audience=audience_of(stand.origin, stand.head.first),
        kind=StateCommitted.NAME,
        body={"size": made.head.size, "root": b64encode(made.head.root)},
        sub=stand.state.id,
        prev={stand.state.id: stand.state.last},
        now=int(time.time()),
        lifetime=min(LIFETIME_S, stand.charter.validity),
        randomness=secrets.token_bytes,
    )


def _committing(directory: Path) -> Callable[[None], Answer]:
    """In the process that does it."""
    os.nice(NICE)
    return lambda _: commit_now(directory)


class Committing:
    """Commits every so many seconds; 0: never. ``size`` is committed to, ``trouble`` is what keeps it.

    ``submit`` hands a statement in.
    """

    def __init__(
        self, directory: Path, submit: Callable[[bytes], Awaitable[Outcome]], seconds: float, *, apart: bool
    ) -> None:
        self.size = 0
        self.trouble: Problem | None = None
        self._directory = directory
        self._submit = submit
        self._seconds = seconds
        self._apart = apart
        self._beside = Kept(_committing, directory)
        self._stopping = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; the first pass comes after the first interval."""
        if self._seconds:
            self._running = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Give up a pass that is under way in a process, wait for one in a thread, and end."""
        self._stopping.set()
        if self._running is None:
            return
        self._beside.kill()
        await self._running
        await self._beside.end()

    async def _run(self) -> None:
        rest = self._seconds
        while not self._stopping.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), rest)
            if not self._stopping.is_set():
                rest = max(self._seconds, REST * await self._turn())

    async def _turn(self) -> float:
        """Returns how long the pass took."""
        begun = time.monotonic()
        try:
            answer = await self._pass()
            if isinstance(answer, Turned) and answer.sent and not self._stopping.is_set():
                outcome = await self._submit(answer.sent)
                answer = answer if isinstance(outcome, Recorded) else outcome
        except Problem as problem:  # there is no room for it
            answer = problem
        except Exception as mistake:
            answer = Unavailable("internal_error", repr(mistake)[:500])
        if isinstance(answer, Turned):
            if answer.sent:
                log.info("committed to the state", size=answer.size, seconds=round(answer.seconds, 3))
            self.size, self.trouble = answer.size, None
            return answer.seconds
        if (self.trouble is None or self.trouble.code != answer.code) and not self._stopping.is_set():
            log.warning("no state is committed to", code=answer.code, detail=answer.detail, advice=answer.advice)
        self.trouble = answer
        return time.monotonic() - begun

    async def _pass(self) -> Answer:
        if not self._apart:
            return await asyncio.to_thread(commit_now, self._directory)
        try:
            await self._beside.start()
            if self._stopping.is_set():
                return Unavailable("service_stopping")
            answer: Answer = await self._beside.ask(None)
            return answer
        except Gone:
            return Unavailable("map_failed", "the process that makes the map died")
