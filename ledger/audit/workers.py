"""Many chunks, all cores: examined by processes beside this one, and by this one when it has nothing better to do.

Handing a chunk over returns at once; :meth:`Examining.finish` helps with what is left, from the end, while the other
processes come towards it from the front. Results are the same with any number of processes, or none.
"""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType

from ledger.audit.examine import Examined, examine
from ledger.audit.source import Chunk

BACKLOG_MAX = 128 * 2**20  # bytes of entries that wait to be examined, before this process lends a hand


class Workers:
    """Processes that examine chunks: one set for any number of audits. With 0 of them this process does it all.

    They start from nothing (``spawn``), while the caller goes on; nothing is inherited but what they import.
    """

    def __init__(self, count: int) -> None:
        spawn = multiprocessing.get_context("spawn")
        self.pool = ProcessPoolExecutor(count, mp_context=spawn) if count else None

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.pool is not None:
            self.pool.shutdown(cancel_futures=True)


class Examining:
    """The chunks of one audit, in order: handed over one by one, then finished."""

    def __init__(self, workers: Workers, progress: Callable[[int], None]) -> None:
        """``progress`` is told how many entries are through."""
        self._pool = workers.pool
        self._progress = progress
        self._waiting: deque[_Task] = deque()
        self._bytes = 0  # of the entries of those waiting
        self._last: bytes | None = None  # the last entry of the chunk before
        self.done: list[Examined] = []  # a prefix of the chunks, in order

    def add(self, chunk: Chunk) -> bool:
        """Hand over the next chunk. Returns whether all is well so far: if not, more need not be added."""
        task = _Task(chunk, self._last, self._pool)
        self._last = chunk.entries[-1]
        self._waiting.append(task)
        self._bytes += task.bytes
        self._collect()
        if self._bytes > BACKLOG_MAX:
            self._waiting[-1].help()
        return not self.done or self.done[-1].wrong is None

    def finish(self) -> list[Examined]:
        """All chunks up to the first in which something is wrong, in order."""
        for task in reversed(list(self._waiting)):
            self._collect()
            if self.done and self.done[-1].wrong is not None:
                break
            task.help()
        while self._waiting and (not self.done or self.done[-1].wrong is None):
            self._settle()
        for task in self._waiting:
            task.drop()
        return self.done

    def _collect(self) -> None:
        while self._waiting and self._waiting[0].ready and (not self.done or self.done[-1].wrong is None):
            self._settle()

    def _settle(self) -> None:
        task = self._waiting.popleft()
        self._bytes -= task.bytes
        self.done.append(task.result())
        self._progress(self.done[-1].stop)


class _Task:
    """One chunk to be examined, there or here."""

    def __init__(self, chunk: Chunk, before: bytes | None, pool: ProcessPoolExecutor | None) -> None:
        self._chunk = chunk
        self._before = before
        self.bytes = sum(map(len, chunk.entries))
        self._result: Examined | None = None
        self._future: Future[Examined] | None = None
        if pool is not None:
            try:
                self._future = pool.submit(examine, chunk, before)
            except BrokenProcessPool:
                self._future = None

    @property
    def ready(self) -> bool:
        return self._result is not None or (self._future is not None and self._future.done())

    def help(self) -> None:
        """Do it here, unless another process has begun."""
        if self._result is None and (self._future is None or self._future.cancel()):
            self._result = examine(self._chunk, self._before)

    def result(self) -> Examined:
        """Waits for it. A process that died takes nothing along: its chunk is examined here."""
        self.help()
        if self._result is None:
            assert self._future is not None
            try:
                self._result = self._future.result()
            except (BrokenProcessPool, CancelledError):
                self._result = examine(self._chunk, self._before)
        return self._result

    def drop(self) -> None:
        if self._future is not None:
            self._future.cancel()
