"""The replay: every act judged and folded again from its entry, and what must follow from it kept for comparison.

It runs ahead of the processes that examine the same entries, and takes each for what it should be. So what it meets
may be forged or damaged: whatever it comes to counts only up to the first entry that was not found in order.
"""

from __future__ import annotations

from array import array
from binascii import a2b_base64
from bisect import bisect_right
from hashlib import sha256
from typing import cast

from identity.disclosure import hidden
from ledger.audit.commitments import Commitments
from ledger.audit.source import Chunk
from ledger.circulation.charter import Ledger
from ledger.circulation.state import StateCommitted
from ledger.errors import Corrupt, Refused
from ledger.log.chain import link_of
from ledger.statement import Statement, accept
from ledger.world import Change, World

_LINK = 32  # bytes of an entry's hash


class Replay:
    """A ledger built again from its entries.

    Memory: the state of every subject, about 150 bytes an entry, and 300 more until a commitment covers it.
    """

    def __init__(self) -> None:
        self.world = World("", complete=True)
        self.log_keys: list[tuple[int, str]] = []  # (size from which it signs, vkey), oldest first
        self.private: dict[int, frozenset[str]] = {}  # index -> digests of its private fields, where it has any
        self.statements: dict[str, int] = {}  # statement id -> index
        self.opened = array("Q")  # by subject no: index of the entry that opened it
        self.mentions: list[array[int]] = []  # by subject no: indexes of the entries that touched it
        self.commitments = Commitments()
        self.past: dict[int, list[tuple[int, bytes]]] = {}  # subject no -> (index, digest_of) of superseded states
        self._links = bytearray()  # SHA-256 of each entry
        self._times = array("Q")  # of each entry, ascending

    def add(self, chunk: Chunk) -> None:
        """Replay the next entries, whose spelling, forms and signatures are left to ``examine``.

        Raises ``Refused`` or ``Corrupt`` where a rule forbids an entry, and any error whatever where it is garbage; it
        is the entry at ``size``.
        """
        for place, data in enumerate(chunk.entries):
            _, origin, _, time, link, compact, _ = data.split(b"\n")
            if self.size == 0:
                self.world = World(origin.decode(), complete=True)
            statement = accept(compact)
            if chunk.beside is not None and chunk.beside[place] != (*_halves(statement.digest), a2b_base64(link)):
                raise Corrupt("row_other", "it names another statement id or link")
            self._admit(statement, int(time), link_of(data))

    @property
    def size(self) -> int:
        """How many entries were replayed."""
        return self.world.size

    def log_key(self, size: int) -> str:
        """The vkey of the log key in force at a size of 1 or more: the one that signs its checkpoint."""
        return next(vkey for since, vkey in reversed(self.log_keys) if since <= size)

    @property
    def last(self) -> tuple[int, bytes]:
        """Time (microseconds) and hash of the last entry, of which there is one."""
        return self._times[-1], bytes(self._links[-_LINK:])

    def refused(self, statement: Statement, time: int) -> Refused | None:
        """Why the rules refuse a verified statement as the next entry at a time; None if they do not."""
        self._load_seen(statement)
        try:
            self.world.check(statement, time)
        except Refused as why:
            return why
        return None

    def first_later(self, size: int, time: int) -> int | None:
        """The first of so many entries that is dated later than a time (microseconds), or None."""
        index = bisect_right(self._times, time)
        return index if index < size else None

    @property
    def clock(self) -> int:
        """By how many seconds the writer's clock may be wrong, as the charter has it."""
        return cast(Ledger, self.world.charter).clock

    def _admit(self, statement: Statement, time: int, link: bytes) -> None:
        world = self.world
        index = world.size
        if statement.id in self.statements:
            raise Corrupt("statement_repeated", f"statement {statement.id}")
        self._load_seen(statement)
        if isinstance(statement.body, StateCommitted):
            self._check_commitment(statement, statement.body)
        change = world.admit(statement, time)
        self.commitments.add(index, change.changed)
        self.statements[statement.id] = index
        self._note(index, change)
        if index == 0:
            world.opened(link)
        self._links += link
        self._times.append(time)
        if b'"_sd"' in statement.signed.payload:
            self.private[index] = frozenset(hidden(statement.signed.claims["body"]))

    def _load_seen(self, statement: Statement) -> None:
        if (seen := statement.seen()) is not None and seen[0] < self.world.size:
            start = _LINK * seen[0]
            self.world.load_hash(seen[0], bytes(self._links[start : start + _LINK]))

    def _check_commitment(self, statement: Statement, body: StateCommitted) -> None:
        """Its root is that of the state, unless a rule is about to forbid it anyway."""
        world, size = self.world, self.commitments.size
        if world.has_charter and statement.claims.iss == world.charter.service and size < body.size <= world.size:
            self.commitments.check(body)

    def _note(self, index: int, change: Change) -> None:
        for before, after in change.changed:
            if before is None:
                self.opened.append(index)
                self.mentions.append(array("Q"))
            else:
                superseded = digest_of(self.statements[before.last], before.state.encode())
                self.past.setdefault(before.no, []).append((before.index, superseded))
            if isinstance(after.state, Ledger):
                self.log_keys.append((index + 1, after.state.logKey))
        for no in change.mentioned:
            self.mentions[no].append(index)


def digest_of(advanced: int, state: bytes) -> bytes:
    """Stands for a superseded state, of which there may be many, and the entry whose statement had advanced it."""
    return sha256(b"%d\n" % advanced + state).digest()


def _halves(digest: bytes) -> tuple[bytes, bytes]:
    return digest[:16], digest[16:]
