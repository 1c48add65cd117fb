"""Everything stored beside the entries against what the entries make of it, and whose it is where they differ."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import count, islice

from identity.disclosure import digest
from ledger.audit.compare import Difference, difference
from ledger.audit.derived import Derived
from ledger.audit.lists import CHAPTER, Chapter, Digests, digest_chapter, digests_of
from ledger.audit.replay import Replay, digest_of
from ledger.audit.source import Row, Source
from ledger.audit.tree import Tree
from ledger.audit.verdict import Finding
from ledger.audit.workers import Crew, Task
from ledger.errors import Malformed, Problem
from ledger.log.tile import WIDTH_MAX
from ledger.store import Table
from ledger.world import Subject

_KEYS: dict[Table, int] = {"subject": 1, "past": 2, "lookup": 3, "naming": 2, "word": 3, "mention": 2, "tile": 2}
"""How many leading columns are the table's key."""

_NO_AT: dict[Table, int] = {"naming": 2, "mention": 1}
"""The column that holds the number of a row's subject, where it is not the first."""


_OUT_MAX = 16
"""Chapters of states that wait at a time: some 10 MB."""


def check_state(source: Source, replay: Replay, crew: Crew) -> None:
    """What is stored follows from the entries, the tiles aside, and can be found. Raises ``Finding``."""
    derived = Derived(replay)
    lists = _Lists(source, crew)
    due: dict[Table, Callable[[], Iterable[Row]]] = {
        "subject": lambda: lists.hand_on(derived.subject()),
        "past": derived.past,
        "mention": derived.mention,
        "lookup": derived.lookup,
        "naming": derived.naming,
        "word": derived.word,
    }
    for table, rows in due.items():
        if table in source.tables and not lists.agree(table):
            stored = _digested(source.rows(table)) if table == "past" else source.rows(table)
            _check(table, difference(rows(), stored, _KEYS[table]), derived.subjects)
    if "subject" not in source.tables and (listing := source.subjects()) is not None:
        _check("subject", difference(derived.listing(), listing, 1), derived.subjects)
    if "disclosure" in source.tables:
        _check_disclosures(source, replay)
    try:
        for table, key, what in source.astray():
            raise _astray(table, key, what, derived.subjects)
    except Problem as problem:
        raise Finding.of(problem) from problem


class _Lists:
    """Look-ups and words in short. Only where they do not agree are they compared row by row, to tell who is wrong."""

    def __init__(self, source: Source, crew: Crew) -> None:
        self._source = source
        self._crew = crew
        self._lookup: Digests = []
        self._word: Digests = []
        self._waiting: deque[Task[Chapter]] = deque()

    def hand_on(self, subjects: Iterable[Row]) -> Iterator[Row]:
        """The rows of all subjects as they are; their states are handed to the crew, a chapter at a time."""
        rows = iter(subjects)
        for chapter in count():
            some = list(islice(rows, CHAPTER))
            if not some:
                return
            states = [(type_, state) for _, type_, _, _, _, state in some]
            self._waiting.append(self._crew.hand(digest_chapter, chapter, states))
            self._collect(_OUT_MAX)
            yield from some

    def agree(self, table: Table) -> bool:
        if table not in ("lookup", "word"):
            return False
        self._collect(0)
        try:
            return digests_of(self._source.rows(table)) == (self._lookup if table == "lookup" else self._word)
        except Problem:
            return False

    def _collect(self, most: int) -> None:
        """Take in what is done, and see to it that no more than so many chapters wait."""
        while self._waiting and (self._waiting[0].is_done() or len(self._waiting) > most):
            if self._waiting[0].is_done() or not self._crew.help():
                chapter = self._waiting.popleft().result()
                self._lookup += chapter.lookup
                self._word += chapter.word


def _digested(rows: Iterator[Row]) -> Iterator[Row]:
    """Past rows with a digest in place of their last two columns."""
    for row in rows:
        no, index, advanced, state = row
        whole = isinstance(advanced, int) and isinstance(state, bytes)
        yield (no, index, digest_of(advanced, state)) if whole else row  # type: ignore[arg-type]


def _check(table: Table, found: Difference | None, subjects: list[Subject]) -> None:
    """Raise ``Finding`` for a difference, naming the subject and the entry that it is about."""
    if found is None:
        return
    row = found.due or found.found
    if row is None:
        assert found.problem is not None
        raise Finding.of(found.problem)
    no = _listed(found) if table in ("lookup", "word") else row[_NO_AT.get(table, 0)]
    subject = subjects[no] if isinstance(no, int) and 0 <= no < len(subjects) else None
    index: object = subject.index if subject else None  # what the subject's last change made
    if table in ("past", "mention"):
        index = row[1] if table == "past" else _listed(found)
    detail = f"{table}: {found.problem or f'stored is {_shown(found.found)}, due is {_shown(found.due)}'}"
    at = index if isinstance(index, int) else None
    raise Finding("corrupt", "state_other", detail, index=at, subject=subject.id if subject else None)


def _listed(found: Difference) -> int | None:
    """Of the numbers in a row of a list, the first that is missing, or else the first that is one too many."""
    due, stored = (_numbers(row) for row in (found.due, found.found))
    return next(iter([*sorted(due - stored), *sorted(stored - due)]), None)


def _numbers(row: Row | None) -> set[int]:
    match row:
        case (int(chapter), *_, bytes(low)):
            return {chapter * CHAPTER + byte for byte in low}
        case _:
            return set()


def _astray(table: Table, key: Row, what: str, subjects: list[Subject]) -> Finding:
    match table, key:
        case ("subject", (int(no),)) if no < len(subjects):
            subject = subjects[no]
            return Finding("corrupt", "index_other", what, index=subject.index, subject=subject.id)
        case ("entry", (int(index),)):
            return Finding("corrupt", "index_other", what, index=index)
        case _:
            return Finding("corrupt", "index_other", f"{table}: {what}")


def _shown(row: Row | None) -> str:
    return "nothing" if row is None else f"{row!r}"[:300]


def check_tiles(source: Source, tree: Tree) -> None:
    """The stored tiles are those of the tree. Raises ``Finding`` naming the first entry under the hash that differs."""
    if "tile" not in source.tables:
        return
    found = difference(tree.rows(), source.rows("tile"), _KEYS["tile"])
    if found is None:
        return
    row = found.due or found.found
    if row is None:
        assert found.problem is not None
        raise Finding.of(found.problem)
    level, number, hashes = row
    index = None
    if found.due is not None and isinstance(level, int) and isinstance(number, int):
        index = (number * WIDTH_MAX + _first_other(hashes, found.found)) * WIDTH_MAX**level
    detail = str(found.problem) if found.problem else f"tile {number!r} of level {level!r}"
    raise Finding("corrupt", "leaf_other", detail, index=index)


def _first_other(due: object, found: Row | None) -> int:
    """The place of the first hash that differs."""
    stored = found[2] if found is not None else None
    if not isinstance(due, bytes) or not isinstance(stored, bytes):
        return 0
    places = range(0, len(due), 32)
    return next((at // 32 for at in places if due[at : at + 32] != stored[at : at + 32]), 0)


def _check_disclosures(source: Source, replay: Replay) -> None:
    """Each stored disclosure opens a private field of its entry. Any may be missing: erasing one is lawful."""
    read: tuple[object, object] = -1, -1  # index and place of the last
    try:
        for index, place, text in source.rows("disclosure"):
            private = replay.private.get(index, frozenset()) if isinstance(index, int) else frozenset()
            name = _digest(text)
            if name not in private or not isinstance(place, int) or not 0 <= place < len(private):
                detail = f"disclosure {place!r} beside entry {index!r}"
                raise Finding("corrupt", "disclosure_other", detail, index=_owner(replay, name, index))
            read = index, place
    except Problem as problem:
        places = ((index, place) for index, digests in replay.private.items() for place in range(len(digests)))
        index, _ = next((at for at in places if at > read), (None, 0))
        raise Finding.of(problem, index=index) from problem


def _owner(replay: Replay, name: str, index: object) -> int | None:
    """The entry a disclosure belongs to, or else the one it is kept beside."""
    owners = [owner for owner, digests in replay.private.items() if name in digests]
    if owners and index not in owners:
        return owners[0]
    return index if isinstance(index, int) else None


def _digest(text: object) -> str:
    try:
        return digest(text) if isinstance(text, str) else ""
    except Malformed:
        return ""
