"""The store in memory: the same promises without a disk, to read and to test against.

Everything is kept as plainly as can be: a list of entries, and for each subject the list of all it ever was. What a
subject is found by is asked of its state each time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from itertools import groupby, islice
from threading import RLock
from typing import Any, cast

from identity.canonical import b64decode, b64encode
from identity.disclosure import digest
from ledger.errors import Unavailable
from ledger.store import Batch, Head, Store, Table
from ledger.store.postings import chapter_of
from ledger.values import subject_id
from ledger.words import has_word
from ledger.world import Change, State, Subject

LISTS = ("lookup", "word", "mention")


class MemoryStore(Store):
    """A ``Store`` that ends with its process. Searching looks at every subject."""

    def __init__(self) -> None:
        self._lock = RLock()  # a batch is seen wholly or not at all
        self._entries: list[bytes] = []
        self._indexes: dict[bytes, int] = {}
        self._links: dict[bytes, None] = {}  # in order
        self._lives: list[list[Subject]] = []  # by number: each state of the subject, oldest first
        self._numbers: dict[str, int] = {}
        self._named: dict[tuple[str, str], int] = {}  # by unique look-up
        self._mentions: dict[int, list[int]] = {}  # by number: indexes, ascending
        self._tiles: dict[tuple[int, int], bytes] = {}
        self._disclosures: dict[int, list[str]] = {}

    def close(self) -> None:
        pass

    # -- writing ---------------------------------------------------------------------------------------------

    def commit(self, batch: Batch) -> None:
        count = len(batch.entries)
        if not len(batch.ids) == len(batch.links) == len(batch.changes) == count:
            raise ValueError("the lists of the batch do not run in step")
        with self._lock:
            self._check(batch)
            self._name(batch)
            for index, (id_, change) in enumerate(zip(batch.ids, batch.changes, strict=True), batch.size):
                self._indexes[id_] = index
                self._apply(index, change)
            self._entries += batch.entries
            self._links.update(dict.fromkeys(batch.links))
            self._tiles.update({(level, number): hashes for level, number, hashes in batch.tiles})
            for index, disclosure in batch.disclosures:
                self._disclosures.setdefault(index, []).append(disclosure)

    def _check(self, batch: Batch) -> None:
        if batch.size != len(self._entries):
            detail = f"the batch continues {batch.size} entries, the store holds {len(self._entries)}"
            raise Unavailable("store_conflict", detail)
        ids, links = set(batch.ids), set(batch.links)
        if len(ids) < len(batch.ids) or ids & self._indexes.keys():
            raise Unavailable("store_conflict", "the batch repeats a statement id")
        if len(links) < len(batch.links) or links & self._links.keys():
            raise Unavailable("store_conflict", "the batch repeats a link")
        for index, (id_, change) in enumerate(zip(batch.ids, batch.changes, strict=True), batch.size):
            _check_named(index, id_, change)
        self._check_changes([pair for change in batch.changes for pair in change.changed])

    def _check_changes(self, changed: Sequence[tuple[Subject | None, Subject]]) -> None:
        count = len(self._lives)
        ids: set[str] = set()  # opened by this batch
        stand: dict[int, Subject] = {}  # changed by this batch
        for before, after in changed:
            if before is None:
                if after.no != count or after.id in self._numbers or after.id in ids:
                    raise Unavailable("store_conflict", f"the batch numbers subjects out of turn at {after.id}")
                count += 1
                ids.add(after.id)
            else:
                stood = stand[after.no] if after.no in stand else self.subjects([after.id]).get(after.id)
                if stood is None or (stood.no, stood.index) != (after.no, before.index):
                    raise Unavailable("store_conflict", f"the batch changes {after.id} from how it does not stand")
            stand[after.no] = after

    def _name(self, batch: Batch) -> None:
        """Take over who is listed under unique look-ups after the batch, if none of them lists two."""
        stand = {after.no: after for change in batch.changes for _, after in change.changed}
        named = {key: no for key, no in self._named.items() if no not in stand}
        for no, after in stand.items():
            for key in _unique(after.state):
                if named.setdefault(key, no) != no:
                    raise Unavailable("store_conflict", f"another subject than {after.id} has {'='.join(key)}")
        self._named = named

    def _apply(self, index: int, change: Change) -> None:
        for before, after in change.changed:
            if before is None:
                self._numbers[after.id] = after.no
                self._lives.append([])
            self._lives[after.no].append(after)
        for no in change.mentioned:
            self._mentions.setdefault(no, []).append(index)

    def erase(self, gone: Set[tuple[int, str]]) -> None:
        with self._lock:
            for index, name in gone:
                kept = [text for text in self._disclosures.pop(index, []) if digest(text) != name]
                self._disclosures |= {index: kept} if kept else {}

    # -- reading entries and what lies beside them -----------------------------------------------------------

    def head(self) -> Head | None:
        with self._lock:
            if not self._entries:
                return None
            return Head(len(self._entries), len(self._lives), self._entries[0], self._entries[-1])

    def entry(self, index: int) -> bytes | None:
        with self._lock:
            return self._entries[index] if 0 <= index < len(self._entries) else None

    def entries(self, start: int, stop: int) -> Iterator[bytes]:
        with self._lock:
            return iter(self._entries[start:stop])

    def indexes(self, ids: Sequence[bytes]) -> Mapping[bytes, int]:
        with self._lock:
            return {id_: self._indexes[id_] for id_ in ids if id_ in self._indexes}

    def tile(self, level: int, number: int) -> bytes | None:
        with self._lock:
            return self._tiles.get((level, number))

    def disclosures(self, index: int) -> list[str]:
        with self._lock:
            return list(self._disclosures.get(index, []))

    # -- reading subjects ------------------------------------------------------------------------------------

    def subjects(self, ids: Sequence[str]) -> Mapping[str, Subject]:
        with self._lock:
            return {id_: self._lives[self._numbers[id_]][-1] for id_ in ids if id_ in self._numbers}

    def subject_at(self, subject_id: str, size: int) -> Subject | None:
        with self._lock:
            life = self._lives[self._numbers[subject_id]] if subject_id in self._numbers else []
            return next((subject for subject in reversed(life) if subject.index < size), None)

    def lookup(self, keys: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
        with self._lock:
            return {key: self._lives[self._named[key]][-1].id for key in keys if key in self._named}

    def listing(self, after: int, limit: int) -> list[Subject]:
        return list(islice((subject for subject in self._now() if subject.no > after), limit))

    def history(self, subject_id: str, before: int, limit: int) -> list[int]:
        with self._lock:
            mentions = self._mentions.get(self._numbers.get(subject_id, -1), [])
            return list(islice((index for index in reversed(mentions) if index < before), limit))

    def search(
        self, types: Sequence[str], words: Sequence[str], keys: Sequence[tuple[str, str]], before: int, limit: int
    ) -> list[Subject]:
        def fits(subject: Subject) -> bool:
            state = subject.state
            has = {*state.words()}
            return state.TYPE in types and all(has_word(has, word) for word in words) and {*keys} <= {*state.lookups()}

        known = reversed([subject for subject in self._now() if subject.no < before])
        return list(islice(filter(fits, known), limit))

    def changes(self, start: int) -> Iterator[tuple[Subject | None, Subject]]:
        with self._lock:
            changed = [life for life in self._lives if life[-1].index >= start]
            befores = [next((old for old in reversed(life) if old.index < start), None) for life in changed]
            return iter([(before, life[-1]) for before, life in zip(befores, changed, strict=True)])

    def _now(self) -> list[Subject]:
        """Every subject as it stands, in the order of numbers."""
        with self._lock:
            return [life[-1] for life in self._lives]

    # -- for the audit ---------------------------------------------------------------------------------------

    def scan(self, table: Table) -> Iterator[tuple[object, ...]]:
        with self._lock:
            return iter(sorted(self._rows(table), key=_chaptered if table in LISTS else None))

    def kept(self, table: Table) -> Iterator[tuple[object, ...]]:
        if table == "entry":
            return ((index, id_[:16], id_[16:], link, data) for index, id_, link, data in self._entry_rows())
        if table == "subject":
            return (
                (no, s.type, opened, s.index, by, s.state.encode())
                for no, opened, s, by in self._states(slice(-1, None))
            )
        if table == "past":
            return ((no, s.index, by, s.state.encode()) for no, _, s, by in self._states(slice(-1)))
        if table in LISTS:
            return self._chapters(table)
        return self.scan(table)

    def _entry_rows(self) -> Iterator[tuple[int, bytes, bytes, bytes]]:
        for index, (id_, link, data) in enumerate(zip(self._indexes, self._links, self._entries, strict=True)):
            yield index, id_, link, data

    def _states(self, which: slice) -> Iterator[tuple[int, int, Subject, int]]:
        """(number, entry that opened it, how it stood, entry whose statement had advanced it) of each subject."""
        for no, life in enumerate(self._lives):
            for subject in life[which]:
                yield no, life[0].index, subject, self._indexes[b64decode(subject.last)]

    def _chapters(self, table: Table) -> Iterator[tuple[object, ...]]:
        rows = cast(Iterator[tuple[Any, ...]], self.scan(table))
        for key, same in groupby(rows, lambda row: (chapter_of(row[-1]), *row[:-1])):
            yield *key, bytes(row[-1] & 255 for row in same)

    def astray(self) -> Iterator[tuple[Table, tuple[object, ...], str]]:
        return iter(())

    def _rows(self, table: Table) -> Iterator[tuple[object, ...]]:
        if table == "entry":
            return self._entry_rows()
        now = self._now()
        if table == "subject":
            return ((s.no, s.id, s.type, s.index, s.last, s.state.encode()) for s in now)
        if table == "past":
            return ((s.no, s.index, s.last, s.state.encode()) for life in self._lives for s in life[:-1])
        if table == "lookup":
            return ((name, value, s.no) for s in now for name, value in set(s.state.lookups()))
        if table == "naming":
            return ((name, value, no) for (name, value), no in self._named.items())
        if table == "word":
            return ((s.type, word, s.no) for s in now for word in set(s.state.words()))
        if table == "mention":
            return ((no, index) for no, indexes in self._mentions.items() for index in indexes[1:])
        if table == "tile":
            return ((level, number, hashes) for (level, number), hashes in self._tiles.items())
        beside = self._disclosures.items()
        return ((index, place, text) for index, texts in beside for place, text in enumerate(texts))


def _unique(state: State) -> set[tuple[str, str]]:
    return {key for key in state.lookups() if key[0] in state.UNIQUE}


def _chaptered(row: tuple[Any, ...]) -> tuple[object, ...]:
    """Orders the rows of a list as they are kept: by chapter first."""
    return chapter_of(row[-1]), *row


def _check_named(index: int, id_: bytes, change: Change) -> None:
    """Raise ``Unavailable`` unless an entry opens, changes and advances subjects in its own name only."""
    for before, after in change.changed:
        opens = before is not None or after.id == subject_id(after.type, id_)
        lasts = {b64encode(id_), before.last if before is not None else b64encode(id_)}
        if after.index != index or not opens or after.last not in lasts:
            raise Unavailable("store_conflict", f"entry {index} cannot open, change or advance {after.id} like this")
