"""The writer at work: in a process of its own, or in a thread of this one. Both are asked in the same way.

Judging, folding and storing take most of a core when much is appended. In a process of its own the writer leaves the
other to HTTP and to readers, whom it would else hold up. What crosses the border is what was sent, one way, and what
became of it, the other: with each answer the head that is signed and the charter in force there.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar, cast

import structlog

import ledger.circulation
from api import logs
from api.keyring import FolderKeyring
from api.process import HELD, Beside, Gone
from identity.note import parse_note, parse_vkey
from ledger.append import Admitted, Writer
from ledger.circulation.charter import Ledger
from ledger.errors import Malformed, Problem, Unavailable, declare
from ledger.log.chain import parse_entry
from ledger.log.checkpoint import SignedHead, parse_checkpoint
from ledger.publish import PUBLIC, charter_of
from ledger.statement import accept
from ledger.store.files import Folder
from ledger.store.heads import Heads
from ledger.store.sql import SqlStore

assert ledger.circulation  # imported for its kinds

T = TypeVar("T")

ATTEMPTS = 2  # processes a batch is given to before it is refused
LOCK_SECONDS = 3.0  # a writer whose service was killed ends within a moment; so long a new one waits for it

declare("service", writer_failed=("the process that appends keeps dying", "see the log of the service"))

log = structlog.get_logger("cadastre.writing")


class Asked(NamedTuple):
    """A verified statement as sent, and whether its receipt is wanted."""

    sent: bytes
    receipt: bool


@dataclass(frozen=True)
class Recorded:
    """A statement that is in the ledger. ``again``: it was in before it was sent. ``receipt``: empty unless wanted."""

    index: int
    time: int  # microseconds
    id: str
    subject: str
    again: bool
    receipt: bytes


Outcome = Recorded | Problem


class Answer(NamedTuple):
    """What became of a batch, and where the ledger stands. ``trouble``: what keeps the writer from appending.

    ``delayed``: what is erased by an entry is in the store's files yet (``Writer.delayed``).
    """

    outcomes: list[Outcome]
    head: SignedHead
    charter: Ledger
    trouble: Problem | None
    anchored: bool
    delayed: bool


class Appending(Protocol):
    """A writer at work. ``head``, ``charter``, ``trouble`` and ``delayed`` are of the last answer.

    ``anchored``: when the ledger was opened, its store was compared with a record of signed heads.
    """

    head: SignedHead
    charter: Ledger
    trouble: Problem | None
    anchored: bool
    delayed: bool

    async def append(self, asked: Sequence[Asked]) -> list[Outcome]:
        """Append verified statements in this order. One batch at a time; never raises."""

    def halt(self, problem: Problem) -> None:
        """Append nothing from now on, nor sign anything: this is why. Only opening the ledger anew ends it."""

    def close(self) -> None:
        """Let go of the ledger. Not while a batch is under way."""


class SystemClock:
    """The machine's clocks, in microseconds. ``steady`` goes on while the machine sleeps, where it can."""

    _STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

    def wall(self) -> int:
        return time.time_ns() // 1_000

    def steady(self) -> int:
        return time.clock_gettime_ns(self._STEADY) // 1_000


@contextmanager
def opened(
    path: Path,
    heads: Path | None = None,
    published: bytes | None = None,
    outside: Sequence[str] = (),
    service: int | None = None,
) -> Iterator[Writer]:
    """The writer of the ledger in a folder, which is locked as long as the context lasts.

    ``heads`` is where signed heads are recorded, if not in the folder; ``published`` a checkpoint known to be signed,
    beside those, and ``outside`` where others show some (``api.anchors``). ``service`` is the process that would
    replace this one, if there is such. Raises ``Unavailable`` (``store_missing``, ``store_locked``,
    ``store_schema_other``, ``store_older``, ``store_other``, ``ledger_empty``, ``log_key_absent``,
    ``head_unrecorded``), ``Malformed`` for a key file, and ``Corrupt``.
    """
    folder = Folder.open(path)
    with ExitStack() as held:
        _patiently(lambda: held.enter_context(folder.lock(service)))
        store = SqlStore.open(folder.store)
        held.callback(store.close)
        head = store.head()
        if head is None:
            raise Unavailable("ledger_empty")
        record = _patiently(lambda: Heads(heads or folder.heads))
        held.callback(record.close)
        recorded = record.last
        if recorded is None:
            log.warning("no head was recorded before: only outsiders can tell whether this store is the latest")
        known = {
            "the last head": published,
            str(folder.checkpoint): folder.read_checkpoint(),
            str(folder.path / PUBLIC / "checkpoint"): _published_in(folder),
            "the record of signed heads": recorded,
        }
        origin, keyring = parse_entry(head.first).origin, FolderKeyring(folder.keys)
        shown = _shown_outside(origin, outside, keyring, store)
        writer = Writer.open(
            store,
            origin,
            SystemClock(),
            keyring,
            {name: checkpoint for name, checkpoint in known.items() if checkpoint is not None} | shown,
            lambda: SqlStore.open(folder.store),
            record.record,
        )
        writer.anchored = recorded is not None or bool(shown)
        held.callback(writer.close)
        yield writer


def _shown_outside(origin: str, outside: Sequence[str], keyring: FolderKeyring, store: SqlStore) -> dict[str, bytes]:
    """The checkpoints of this log that others show."""
    if not outside:
        return {}
    from api import anchors  # imported here: a writer that asks nobody needs no HTTP

    charter = charter_of(store)
    verifiers = [parse_vkey(vkey) for vkey in (charter.logKey, *charter.formerLogKeys)]
    return anchors.shown(origin, outside, [*verifiers, *keyring.verifiers(origin)])


def _published_in(folder: Folder) -> bytes | None:
    """The checkpoint published as a file, if there is one; a damaged one tells nothing, and publishing says so."""
    try:
        note = (folder.path / PUBLIC / "checkpoint").read_bytes()
        parse_checkpoint(parse_note(note).text)
        return note
    except (OSError, Malformed):
        return None


def _patiently(take: Callable[[], T]) -> T:
    """Take what one process has at a time, waiting a moment for a writer that is about to end."""
    end = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            return take()
        except Unavailable as no:
            if no.code != "store_locked" or time.monotonic() > end:
                raise
            time.sleep(0.05)


class Admitting:
    """Appends batches with a writer. Whatever goes wrong becomes an outcome."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._trouble: Problem | None = None
        self._delayed = False
        self._refusal_key: str | None = None  # the one looked for last

    def __call__(self, asked: Sequence[Asked]) -> Answer:
        outcomes = self._outcomes(asked)
        writer = self._writer
        self._mind_refusals()
        self._mind_erasures()
        head, charter = cast(SignedHead, writer.head), cast(Ledger, writer.charter)
        return Answer(outcomes, head, charter, self._trouble, writer.anchored, self._delayed)

    def _mind_erasures(self) -> None:
        """Say once that an erasure has to wait, and once that it has not any more."""
        delayed = self._writer.delayed
        if delayed is not None and not self._delayed:
            log.warning("an erasure is delayed", code=delayed.code, detail=delayed.detail)
        elif delayed is None and self._delayed:
            log.warning("the erasure is carried out")
        self._delayed = delayed is not None

    def _mind_refusals(self) -> None:
        """Say once of each refusal key of the charter that it is not held, if it is not."""
        vkey = cast(Ledger, self._writer.charter).refusalKey
        if vkey != self._refusal_key:
            self._refusal_key = vkey
            if vkey is not None and self._writer.refuser(vkey) is None:
                log.warning("refusals go out unsigned: put the key into DIR/keys as refusal-NAME.key", vkey=vkey)

    def _outcomes(self, asked: Sequence[Asked]) -> list[Outcome]:
        try:
            admitted = self._writer.append([accept(one.sent) for one in asked])
        except Problem as problem:
            if self._trouble is None or self._trouble.code != problem.code:
                log.exception("the writer cannot append", code=problem.code, detail=problem.detail)
            self._trouble = problem
            return [problem] * len(asked)
        except Exception as mistake:
            log.exception("a rule or the writer made a mistake", statements=len(asked))
            if len(asked) > 1:  # find out which statement it is: the others shall not suffer
                return [outcome for one in asked for outcome in self._outcomes([one])]
            return [Unavailable("internal_error", type(mistake).__name__)] * len(asked)
        if self._trouble is not None:
            log.warning("the writer appends again")
            self._trouble = None
        return [_outcome(one, receipt) for one, (_, receipt) in zip(admitted, asked, strict=True)]


def _outcome(found: Admitted | Problem, receipt: bool) -> Outcome:
    if isinstance(found, Problem):
        return found
    text = found.receipt() if receipt else b""
    return Recorded(found.index, found.time, found.id, found.subject, found.again, text)


class Here:
    """The writer in a thread of this process."""

    head: SignedHead
    charter: Ledger
    trouble: Problem | None
    anchored: bool
    delayed: bool

    def __init__(self, path: Path, heads: Path | None = None, outside: Sequence[str] = ()) -> None:
        """Raises what :func:`opened` raises."""
        self._held = ExitStack()
        self._admitting = Admitting(self._held.enter_context(opened(path, heads, None, outside)))
        self._thread = ThreadPoolExecutor(1, "cadastre-writer")
        self._halted: Problem | None = None
        _, self.head, self.charter, self.trouble, self.anchored, self.delayed = self._admitting([])

    async def append(self, asked: Sequence[Asked]) -> list[Outcome]:
        if self._halted is not None:
            return [self._halted] * len(asked)
        answer = await asyncio.get_running_loop().run_in_executor(self._thread, self._admitting, asked)
        outcomes, self.head, self.charter, trouble, self.anchored, self.delayed = answer
        self.trouble = self._halted or trouble
        return outcomes

    def halt(self, problem: Problem) -> None:
        self._halted = self.trouble = _halted(problem)

    def close(self) -> None:
        self._thread.shutdown()
        self._held.close()


def _admitting(
    path: Path, heads: Path | None, published: bytes | None, outside: Sequence[str], service: int, log_level: str
) -> Admitting:
    """In the writer's process: open the ledger."""
    logs.configure(log_level)
    return Admitting(HELD.enter_context(opened(path, heads, published, outside, service)))


class Apart:
    """The writer in a process of its own. One that dies is replaced, and asked the same again.

    What the dead one had made durable is found there, and answered as any statement that is sent again.
    """

    head: SignedHead
    charter: Ledger
    trouble: Problem | None
    anchored: bool
    delayed: bool

    def __init__(self, path: Path, log_level: str, heads: Path | None = None, outside: Sequence[str] = ()) -> None:
        """Begins to open the ledger, and does not wait until it is open: see :meth:`ready`."""
        self._path = path
        self._log_level = log_level
        self._heads = heads
        self._halted: Problem | None = None
        self.process: Beside | None = Beside(_admitting, path, heads, None, outside, os.getpid(), log_level)

    def ready(self) -> None:
        """Wait until the ledger is open. Raises what :func:`opened` raises."""
        assert self.process is not None
        self.process.ready()
        self._take(self.process.ask_now([]))

    async def append(self, asked: Sequence[Asked]) -> list[Outcome]:
        if self._halted is not None:
            return [self._halted] * len(asked)
        for _ in range(ATTEMPTS):
            try:
                if self.process is None:
                    self.process = await asyncio.to_thread(self._start, self.head.checkpoint)
                return self._take(await self.process.ask(asked))
            except Gone:
                log.error("the writer's process died", statements=len(asked))
                self.process, dead = None, self.process
                if dead is not None:
                    dead.leave()
                    await asyncio.to_thread(dead.end)
            except Problem as problem:  # the ledger cannot be opened
                self.trouble = problem
                return [problem] * len(asked)
        self.trouble = Unavailable("writer_failed")
        return [self.trouble] * len(asked)

    def halt(self, problem: Problem) -> None:
        self._halted = self.trouble = _halted(problem)

    def close(self) -> None:
        if self.process is not None:
            self.process.end()
            self.process = None

    def _start(self, published: bytes | None) -> Beside:
        return Beside.started(_admitting, self._path, self._heads, published, (), os.getpid(), self._log_level)

    def _take(self, answer: Answer) -> list[Outcome]:
        outcomes, self.head, self.charter, trouble, self.anchored, self.delayed = answer
        self.trouble = self._halted or trouble
        return outcomes


def _halted(problem: Problem) -> Problem:
    log.error("stopped for good: no ledger signs two histories", code=problem.code, detail=problem.detail)
    return problem
