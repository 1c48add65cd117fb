"""What the service committed to, computed again: no rule knows the root of the state, so whoever follows makes it.

The state map lies in ``DIR/map.db`` as it was at the last commitment that was right; the next one is made of it and of
what changed since. Where that came in this process, it is in memory; else it is read from the store.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import takewhile

from identity.canonical import b64encode
from ledger.circulation.state import StateCommitted
from ledger.follow.folder import FollowFolder
from ledger.log.chain import link_of, parse_entry
from ledger.log.merkle import EMPTY_ROOT
from ledger.log.page import MapTree, Update
from ledger.statemap import MapChanges, Pair
from ledger.statement import accept
from ledger.store import read_entry
from ledger.store.map import MapHead, map_at, turn
from ledger.store.sql import SqlStore
from ledger.world import Change, Subject

WAITING_MAX = 20_000  # entries whose changes are held in memory: some 40 MB
_PAGE = 256

Commitment = tuple[int, StateCommitted]
"""The index of the entry, and what it commits to."""


class States:
    """The commitments of one ledger. ``wrong``: the first that is, as index and in words."""

    def __init__(self, folder: FollowFolder, store: SqlStore) -> None:
        self._path = map_at(folder.path)
        self._store = store
        self._checked: int | None = None  # the size of the last commitment that was right
        self._waiting: deque[tuple[int, Sequence[Pair]]] = deque()  # of consecutive entries, up to the last
        self.wrong: tuple[int, str] | None = None

    def add(self, start: int, changes: Sequence[Change]) -> None:
        """Note what entries from ``start`` on changed, which are stored."""
        if self._waiting and self._waiting[-1][0] + 1 != start:
            self._waiting.clear()
        self._waiting.extend((index, change.changed) for index, change in enumerate(changes, start))
        if len(self._waiting) > WAITING_MAX:
            self._waiting.clear()

    def check(self) -> None:
        """Compute what was committed to since the last time, up to the first that is ``wrong``.

        Cost: a look at the last commitment; for each that came, 0.1 to 0.3 ms a subject changed. Raises ``Unavailable``
        and ``Corrupt``.
        """
        self.wrong = None
        last = next(self._backwards(), None)
        if last is None or last[1].size == self._checked:
            return
        with turn(self._path) as at:
            if at.head is not None and not self._is_of(at.head):
                at.clear()
            tree = MapTree(at.read)
            size = at.head.size if at.head else 0
            for index, body in [*takewhile(lambda one: one[1].size > size, self._backwards())][::-1]:
                update = self._made(at.head, tree, body.size)
                if b64encode(update.root) != body.root:
                    detail = f"of {body.size} entries the root is {b64encode(update.root)}, not {body.root}"
                    self.wrong = index, detail
                    break
                at.put(update)
                at.finish(MapHead(body.size, update.root, link_of(read_entry(self._store, body.size - 1))))
            self._checked = at.head.size if at.head else 0

    def _made(self, before: MapHead | None, tree: MapTree, size: int) -> Update:
        """The map of the state after so many entries."""
        changes = MapChanges()
        changes.add(self._changed(before.size if before else 0, size))
        return tree.update(before.root if before else EMPTY_ROOT, changes.keys, changes.lists)

    def _changed(self, start: int, stop: int) -> Iterator[Pair]:
        """Each subject that these entries changed, before and after."""
        if not self._waiting or self._waiting[0][0] > start:
            return self._changed_stored(start, stop)
        changed: dict[int, Pair] = {}
        while self._waiting and self._waiting[0][0] < stop:
            index, pairs = self._waiting.popleft()
            for before, after in pairs if index >= start else ():
                changed[after.no] = changed.get(after.no, (before, after))[0], after
        return iter(changed.values())

    def _changed_stored(self, start: int, stop: int) -> Iterator[Pair]:
        for before, after in self._store.changes(start):
            then: Subject | None = after if after.index < stop else self._store.subject_at(after.id, stop)
            if then is not None and then.index >= start:
                yield before, then

    def _backwards(self) -> Iterator[Commitment]:
        """All commitments, the last one first."""
        head = self._store.head()
        if head is None:
            return
        subject = accept(parse_entry(head.first).statement).opened["state"]
        before = head.size
        while page := self._store.history(subject, before, _PAGE):
            for index in page:
                body = accept(parse_entry(read_entry(self._store, index)).statement).body
                if isinstance(body, StateCommitted):
                    yield index, body
            before = page[-1]

    def _is_of(self, head: MapHead) -> bool:
        """Whether the map was made of the entries that are here."""
        entry = self._store.entry(head.size - 1)
        return entry is not None and link_of(entry) == head.link
