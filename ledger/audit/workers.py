"""Many tasks, all cores: done by processes beside this one, and by this one when it has nothing better to do.

Handing a task over returns at once. :meth:`Crew.help` does what is left, from the end, while the other processes come
towards it from the front. The same comes out with any number of processes, or none.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from threading import RLock
from types import TracebackType
from typing import Any, Generic, TypeVar

from ledger.audit.examine import Examined, examine
from ledger.audit.source import Chunk

T = TypeVar("T")

BACKLOG_MAX = 128 * 2**20  # bytes of entries that wait to be examined, before this process lends a hand


class Workers:
    """Processes that help: one set for any number of audits. With 0 of them this process does it all.

    Where this process has a single thread (on Linux) they are forked from it, at once and in milliseconds; else they
    start from nothing (``spawn``), while the caller goes on. They end with this process, also if it is killed.
    """

    def __init__(self, count: int) -> None:
        forks = sys.platform == "linux" and threading.active_count() == 1  # threads would leave locks held behind
        context = multiprocessing.get_context("fork" if forks else "spawn")
        self.count = count
        self.pool = ProcessPoolExecutor(count, mp_context=context, initializer=_end_with_parent) if count else None
        if self.pool is not None:
            self.pool.submit(os.getpid)  # starts them: forked before the pool, or a progress bar, starts a thread

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.pool is not None:
            self.pool.shutdown()


def _end_with_parent() -> None:
    """In a process that helps: watch for the death of the one that is helped, which the pool's queues do not tell."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


class Task(Generic[T]):
    """A pure function to be called with these arguments, there or here."""

    def __init__(self, function: Callable[..., T], *arguments: object) -> None:
        self.function = function
        self.arguments = arguments
        self.future: Future[T] | None = None
        self._result: T | None = None

    def is_done(self) -> bool:
        return self._result is not None or (self.future is not None and self.future.done())

    def do(self) -> T:
        self._result = self.function(*self.arguments)
        return self._result

    def result(self) -> T:
        """Waits for it. A process that died takes nothing along: its task is done here."""
        if self._result is not None:
            return self._result
        try:
            return self.future.result() if self.future is not None else self.do()
        except BrokenProcessPool:
            return self.do()


class Crew:
    """Who works on one audit: this process and the others.

    The others take the oldest task nobody has begun, each time they are through with one; this process the latest.
    Few are out at a time, so that what is out need never be called back.
    """

    def __init__(self, workers: Workers) -> None:
        self._pool = workers.pool
        self._free = 2 * workers.count  # one that is worked on and one that waits, for each process
        self._tasks: deque[Task[Any]] = deque()  # nobody has begun these
        self._lock = RLock()  # a task may be through before anybody waits for it

    def hand(self, function: Callable[..., T], *arguments: object) -> Task[T]:
        """Have a task done; returns at once."""
        task = Task(function, *arguments)
        with self._lock:
            self._tasks.append(task)
            self._hand_out()
        return task

    def help(self) -> bool:
        """Do the latest one here; returns whether there was one."""
        with self._lock:
            task = self._tasks.pop() if self._tasks else None
        if task is not None:
            task.do()
        return task is not None

    def drop(self) -> None:
        """Leave undone what nobody has begun."""
        with self._lock:
            self._tasks.clear()

    def _hand_out(self) -> None:
        while self._pool is not None and self._free and self._tasks:
            task = self._tasks[0]
            try:
                task.future = self._pool.submit(task.function, *task.arguments)
            except BrokenProcessPool:
                self._pool = None
                return
            self._tasks.popleft()
            self._free -= 1
            task.future.add_done_callback(self._through)

    def _through(self, future: Future[Any]) -> None:
        if future.exception() is None:  # else the process died: nothing is handed out any more
            with self._lock:
                self._free += 1
                self._hand_out()


class Examining:
    """The chunks of one audit, in order: handed over one by one, then finished."""

    def __init__(self, crew: Crew, progress: Callable[[int], None]) -> None:
        """``progress`` is told how many entries are through."""
        self._crew = crew
        self._progress = progress
        self._waiting: deque[tuple[Task[Examined], int]] = deque()  # in order, with the bytes of their entries
        self._bytes = 0  # of all of these
        self._last: bytes | None = None  # the last entry of the chunk before
        self._done: list[Examined] = []  # a prefix of the chunks

    @property
    def _well(self) -> bool:
        return not self._done or self._done[-1].wrong is None

    def add(self, chunk: Chunk) -> bool:
        """Hand over the next chunk. Returns whether all is well so far: if not, more need not be added."""
        size = sum(map(len, chunk.entries))
        self._waiting.append((self._crew.hand(examine, chunk, self._last), size))
        self._last = chunk.entries[-1]
        self._bytes += size
        if self._bytes > BACKLOG_MAX:
            self._crew.help()
        self._collect()
        return self._well

    def finish(self) -> list[Examined]:
        """What came of all chunks, in order, up to the first in which something is wrong."""
        while self._well and self._crew.help():
            self._collect()
        while self._waiting and self._well:
            self._settle()
        self._crew.drop()
        return self._done

    def _collect(self) -> None:
        while self._waiting and self._well and self._waiting[0][0].is_done():
            self._settle()

    def _settle(self) -> None:
        task, size = self._waiting.popleft()
        self._bytes -= size
        self._done.append(task.result())
        self._progress(self._done[-1].stop)
