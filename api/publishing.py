"""The service publishes its log as files, in the background and at its own pace: into DIR/public (``ledger.publish``).

No statement waits for it, and a receipt needs none of it. A pass runs in a process of its own where the service has
such, else in a thread. What fails is logged, shown on /metrics, and tried again at the next turn; since a pass may end
anywhere, a service that is told to stop gives a long one up.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import structlog

from api.keyring import FolderKeyring
from api.process import Gone, Kept
from ledger.errors import Corrupt, Problem, Unavailable
from ledger.publish import PUBLIC, Published, publish_folder
from ledger.publish.folder import FolderTarget
from ledger.publish.prune import prune
from ledger.store.files import Folder

PRUNE_SECONDS = 3_600.0  # time between removing partial tiles that have grown full
STOP_SECONDS = 5.0  # for a pass that is under way, and the last one, when the service stops

Answer = Published | Problem
Asked = tuple[bytes, bool]
"""The checkpoint to publish, and whether partial tiles are to be pruned then."""

log = structlog.get_logger("cadastre.publishing")


def publish_now(directory: Path, asked: Asked, gone_on: Callable[[], bool] = lambda: True) -> Answer:
    """One pass; ``gone_on`` is asked before each file whether to go on."""
    note, pruned = asked
    target = FolderTarget(directory / PUBLIC)

    def ask(done: int, total: int) -> None:
        if not gone_on():
            raise Unavailable("publish_failed", f"given up after {done} of {total} files: the service stops")

    try:
        cosign = FolderKeyring(Folder.open(directory).keys).cosign
        published = publish_folder(directory, target, note, cosign=cosign, progress=ask)
        if pruned:
            prune(target, time.time())
        return published
    except (Unavailable, Corrupt) as problem:
        return problem
    except Problem as problem:
        return Corrupt("publish_unproven", str(problem))
    except OSError as error:
        return Unavailable("publish_failed", f"{error.filename or directory / PUBLIC}: {error.strerror}")
    except Exception as mistake:
        return Unavailable("internal_error", repr(mistake)[:500])


def _publishing(directory: Path) -> Callable[[Asked], Answer]:
    return lambda asked: publish_now(directory, asked)


Witnessed = Callable[[], Awaitable[bytes | None]]
"""Has what was signed last cosigned; gives the note with all cosignatures there are, None where there is no other."""


class Publishing:
    """Publishes what ``signed`` gives every so many seconds; 0: never. ``size`` is published, ``trouble`` kept it.

    What is published is then shown to witnesses, and published again with what they say.
    """

    def __init__(
        self,
        directory: Path,
        signed: Callable[[], bytes],
        seconds: float,
        *,
        apart: bool,
        witnessed: Witnessed | None = None,
    ) -> None:
        self.size = 0
        self.trouble: Problem | None = None
        self._directory = directory
        self._signed = signed
        self._seconds = seconds
        self._apart = apart
        self._witnessed = witnessed
        self._asking: asyncio.Task[bytes | None] | None = None
        self._beside = Kept(_publishing, directory)
        self._done = b""  # the note of the last pass that succeeded
        self._pruned = float("-inf")  # when that was done last, by the steady clock
        self._stopping = asyncio.Event()
        self._given_up = False
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, with a first pass at once."""
        if self._seconds:
            self._running = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Publish what was signed last, if that takes no longer than a moment, and end."""
        self._stopping.set()
        if self._running is None:
            return
        if self._asking is not None:
            self._asking.cancel()
        _, late = await asyncio.wait([self._running], timeout=STOP_SECONDS)
        if late:
            self._give_up()
            await self._running
        await self._beside.end()

    def _give_up(self) -> None:
        self._given_up = True
        self._beside.kill()

    async def _run(self) -> None:
        while not self._stopping.is_set():
            await self._turn()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self._seconds)
        if not self._given_up:
            await self._turn()

    async def _turn(self) -> None:
        await self._publish(self._signed())
        if self._witnessed is not None and not self._stopping.is_set() and (note := await self._seen()) is not None:
            await self._publish(note)

    async def _seen(self) -> bytes | None:
        """What the witnesses made of it. They neither end the publishing, whatever they do, nor hold up its end."""
        assert self._witnessed is not None
        self._asking = asyncio.ensure_future(self._witnessed())
        await asyncio.wait([self._asking])
        if self._asking.cancelled():
            return None
        if (mistake := self._asking.exception()) is not None:
            log.error("asking the witnesses went wrong", exc_info=mistake)
            return None
        return self._asking.result()

    async def _publish(self, note: bytes) -> None:
        if note == self._done:
            return
        due = time.monotonic() >= self._pruned + PRUNE_SECONDS
        try:
            answer = await self._pass((note, due))
        except Exception as mistake:
            answer = Unavailable("internal_error", repr(mistake)[:500])
        if isinstance(answer, Published):
            self.size, self.trouble, self._done = answer.size, None, note
            self._pruned = time.monotonic() if due else self._pruned
            log.debug("published", size=answer.size, files=answer.files)
            return
        if self.trouble is None or self.trouble.code != answer.code:
            log.error("the log could not be published", code=answer.code, detail=answer.detail, advice=answer.advice)
        self.trouble = answer

    async def _pass(self, asked: Asked) -> Answer:
        if not self._apart:
            return await asyncio.to_thread(publish_now, self._directory, asked, lambda: not self._given_up)
        try:
            await self._beside.start()
            if self._given_up:
                return Unavailable("publish_failed", "given up before its first file: the service stops")
            answer: Answer = await self._beside.ask(asked)
            return answer
        except Gone:
            return Unavailable("publish_failed", "the process that publishes died")
