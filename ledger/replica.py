"""A replica: a store that extends by given entries, each judged again, and that never signs.

    with Workers(1) as workers:
        replica = Replica.open(store, workers=workers)
        for changes in replica.extend_all(batches):     # or replica.extend(entries), for one batch
            ...
        replica.size, replica.root(), replica.charter

What the writer decided is decided anew from the bytes: spelling, order and links of the entries, form and signature of
each statement, that none is entered twice, and every rule. So a replica holds what an audit of the same entries would
find in order, and whoever compares its root with a signed one has audited them. Those who have no key and follow a
ledger use it (``ledger.follow``), and so does who fills a lost store again (``ledger.restore``).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, cast

from identity.disclosure import hidden
from identity.note import Verifier, parse_vkey
from ledger.audit.blame import rules_raised
from ledger.audit.examine import Examined, examine
from ledger.audit.source import Chunk
from ledger.audit.workers import Crew, Task, Workers
from ledger.circulation.charter import Ledger
from ledger.errors import Corrupt, Newer, Problem, declare
from ledger.log.chain import parse_entry
from ledger.log.merkle import EMPTY_ROOT
from ledger.log.tile import WIDTH_MAX
from ledger.statement import Statement, accept
from ledger.store import Batch, Store
from ledger.tip import Tip
from ledger.world import RULES, Change

NOTHING: Mapping[str, str] = {}

declare(
    "corrupt",
    entry_disproven=("an entry does not hold", "keep it and where it came from, and take the entries from elsewhere"),
)


class Handed(NamedTuple):
    """A batch whose entries are being examined beside this process."""

    entries: Sequence[bytes]
    tasks: list[Task[Examined]]


class Replica:
    """A copy of one ledger in a store. Not thread-safe. Nobody else may write to the store."""

    def __init__(
        self, store: Store, origin: str | None, workers: Workers | None, disclosures: Mapping[str, str]
    ) -> None:
        """For :meth:`open`."""
        self._store = store
        self._origin = origin
        self._crew = Crew(workers or Workers(0))
        self._disclosures = disclosures
        self._tip: Tip | None = None  # None: nothing is there yet, or an extension failed; see _present
        self.withheld = 0  # private fields of the entries added here that no disclosure was given for

    @classmethod
    def open(
        cls,
        store: Store,
        origin: str | None = None,
        workers: Workers | None = None,
        disclosures: Mapping[str, str] = NOTHING,
    ) -> Replica:
        """The copy in a store, which may be empty, after verifying its tail.

        ``origin`` is the ledger it must be of; by default that of the first entry. ``workers`` verify signatures beside
        this process. ``disclosures`` by their digests: those that open private fields are kept beside the entries.
        Raises ``Corrupt`` (``store_corrupt``) and ``Unavailable``.
        """
        replica = cls(store, origin, workers, disclosures)
        replica._present()
        return replica

    @property
    def size(self) -> int:
        tip = self._present()
        return tip.size if tip else 0

    @property
    def origin(self) -> str | None:
        """The ledger's name, None while there is nothing to tell it."""
        tip = self._present()
        return tip.origin if tip else None

    @property
    def charter(self) -> Ledger | None:
        """The charter in force, None before entry 0."""
        tip = self._present()
        return tip.charter if tip else None

    @property
    def time(self) -> int:
        """The time of the last entry, in microseconds; 0 before entry 0."""
        tip = self._present()
        return tip.time if tip else 0

    def root(self) -> bytes:
        """The Merkle root."""
        tip = self._present()
        return tip.root() if tip else EMPTY_ROOT

    def root_at(self, size: int) -> bytes:
        """The Merkle root at this size or a smaller one. Raises ``ValueError`` for a greater one."""
        if size > self.size:
            raise ValueError(f"{size} entries are asked for, {self.size} are here")
        tip = self._present()
        return tip.root_at(size) if tip else EMPTY_ROOT

    def charter_at(self, size: int) -> Ledger | None:
        """The charter in force at a size, which is from 1 on; that at the end for a greater one, None before entry 0.

        The log key it names is the one that signs a checkpoint of this size, whichever other does beside it.
        """
        tip = self._present()
        if tip is None or tip.charter is None or size >= tip.size:
            return self.charter
        found = self._store.subject_at(cast(str, tip.world.ledger), max(size, 1))
        if found is None or not isinstance(found.state, Ledger):
            raise Corrupt("store_corrupt", f"the charter at size {size} is missing", subject=tip.world.ledger)
        return found.state

    def log_key_at(self, size: int) -> Verifier | None:
        """The log key in force at a size, as :meth:`charter_at` has it."""
        charter = self.charter_at(size)
        return None if charter is None else parse_vkey(charter.logKey)

    # -- growing ---------------------------------------------------------------------------------------------

    def extend(self, entries: Sequence[bytes]) -> list[Change]:
        """Add the next entries in one durable commit, or none of them; what each did, in step.

        Raises ``Corrupt`` (``entry_disproven``) naming the first that does not hold, whose cause is what is wrong with
        it; ``Newer`` for one that raises the ledger to rules unknown here; and what the store raises, which is opened
        anew then. Cost of an entry: its verification, which workers do, and about 0.3 ms; larger batches cost less.
        """
        return next(self.extend_all([entries]), [])

    def extend_all(self, batches: Iterable[Sequence[bytes]]) -> Iterator[list[Change]]:
        """:meth:`extend` for batch after batch: workers examine the next one while this one is judged and stored."""
        before = self._last()
        handed: deque[Handed] = deque()
        start = self.size
        try:
            for entries in batches:
                if not entries:
                    continue
                handed.append(self._hand(entries, start, before))
                start, before = start + len(entries), entries[-1]
                if len(handed) > 1:
                    yield self._take(handed.popleft())
            while handed:
                yield self._take(handed.popleft())
        finally:
            self._crew.drop()

    def _hand(self, entries: Sequence[bytes], start: int, before: bytes | None) -> Handed:
        tasks = []
        for first in range(0, len(entries), WIDTH_MAX):
            some = list(entries[first : first + WIDTH_MAX])
            tasks.append(self._crew.hand(examine, Chunk(start + first, some), before))
            before = some[-1]
        return Handed(entries, tasks)

    def _take(self, handed: Handed) -> list[Change]:
        """Judge and store what was examined."""
        while not all(task.is_done() for task in handed.tasks) and self._crew.help():
            pass
        sound = 0
        wrong: Problem | None = None
        for task in handed.tasks:
            examined = task.result()
            sound += len(examined.leaves)
            if (wrong := examined.wrong) is not None:
                break
        tip = self._present(handed.entries[0] if sound else None) or Tip(self._store, "")
        self._tip = None  # until it is known how this ends
        batch = self._judge(tip, handed.entries[:sound])
        if wrong is not None:
            raise _disproven(tip, handed.entries[sound], wrong)
        tip.commit(batch)
        self._tip, self._origin = tip, tip.origin
        return batch.changes

    def _judge(self, tip: Tip, entries: Sequence[bytes]) -> Batch:
        statements = [accept(data.split(b"\n", 6)[5]) for data in entries]
        tip.fetch(statements)
        batch = tip.begin()
        known = dict(tip.store.indexes([statement.digest for statement in statements]))
        for data, statement in zip(entries, statements, strict=True):
            index = tip.size
            try:
                if statement.digest in known:
                    raise Corrupt("statement_repeated", f"it stands at {known[statement.digest]}", index=index)
                tip.add(batch, self._disclosed(statement), int(data.split(b"\n", 4)[3]))
                if batch.entries[-1] != data:
                    raise Corrupt("entry_disproven", f"it is not of {tip.origin}, or is out of place", index=index)
            except Problem as wrong:
                raise _disproven(tip, data, wrong, index) from wrong
            known[statement.digest] = index
        return batch

    def _disclosed(self, statement: Statement) -> Statement:
        """The statement with those of its disclosures that are known here."""
        if b'"_sd"' not in statement.signed.payload:
            return statement
        digests = hidden(statement.signed.claims["body"])
        texts = tuple(self._disclosures[one] for one in digests if one in self._disclosures)
        self.withheld += len(digests) - len(texts)
        return statement._replace(disclosures=texts)

    # -- the present -----------------------------------------------------------------------------------------

    def _present(self, first: bytes | None = None) -> Tip | None:
        """The end of the store; None while the ledger has no name. ``first`` is an entry that is about to be added."""
        if self._tip is None:
            origin = self._origin
            if origin is None:
                head = self._store.head()
                named = head.first if head is not None else first
                origin = None if named is None else parse_entry(named).origin
            if origin is not None:
                self._tip = Tip.at(self._store, origin)
        return self._tip

    def _last(self) -> bytes | None:
        head = self._store.head()
        return None if head is None else head.last


def _disproven(tip: Tip, data: bytes, wrong: Problem, index: int | None = None) -> Corrupt | Newer:
    """What to raise for an entry that does not hold."""
    index = tip.size if index is None else index
    rules = rules_raised(data, index, tip.world)
    if rules is not None:
        return Newer(index, f"rules version {rules}; the newest known is {RULES}")
    found = Corrupt("entry_disproven", str(wrong), index=index, subject=wrong.subject)
    found.__cause__ = wrong
    return found
