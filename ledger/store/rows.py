"""From a batch to the rows it writes: what is opened, what is changed, what is superseded, what is found where.

Look-ups and words belong to subjects as they stand, so a batch that changes a subject several times writes only the
difference between how it stood before the batch and how it stands after it. Every state in between is kept as past.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from ledger.errors import Unavailable
from ledger.store import Batch
from ledger.world import Subject

Row = tuple[object, ...]


@dataclass(slots=True)
class Rows:
    """The rows of one batch; each list has the columns of its table, in their order, unless noted."""

    entries: list[Row] = field(default_factory=list)
    opened: list[Row] = field(default_factory=list)  # subject
    changed: list[Row] = field(default_factory=list)  # index, last, state; then no and index of the row replaced
    past: list[Row] = field(default_factory=list)
    lookups: list[Row] = field(default_factory=list)
    lookups_gone: list[Row] = field(default_factory=list)
    words: list[Row] = field(default_factory=list)
    words_gone: list[Row] = field(default_factory=list)
    mentions: list[Row] = field(default_factory=list)
    tiles: list[Row] = field(default_factory=list)
    disclosures: list[Row] = field(default_factory=list)


def rows_of(batch: Batch) -> Rows:
    """All that a batch writes. Raises ``ValueError`` if the lists of the batch do not run in step, and ``Unavailable``
    (``store_conflict``) if one of its changes does not start from what the one before left.

    Rows of look-ups, words and mentions come in the order of their keys, which is the order of their tables: rows of
    one page are then written while it is at hand, in half the time. About 40 us an entry, a third of it for words.
    """
    rows = Rows()
    for index, (id_, link, data) in enumerate(zip(batch.ids, batch.links, batch.entries, strict=True), batch.size):
        rows.entries.append((index, id_, link, data))
    _add_subjects(rows, batch)
    for index, (change, _) in enumerate(zip(batch.changes, batch.entries, strict=True), batch.size):
        rows.mentions += [(no, index) for no in change.mentioned]
    rows.mentions.sort()
    rows.tiles += batch.tiles
    places: dict[int, int] = {}
    for index, disclosure in batch.disclosures:
        places[index] = place = places.get(index, -1) + 1
        rows.disclosures.append((index, place, disclosure))
    return rows


def _add_subjects(rows: Rows, batch: Batch) -> None:
    first: dict[int, Subject | None] = {}  # by number: how it stood before the batch, None if the batch opens it
    after: dict[int, Subject] = {}
    for change in batch.changes:
        for old, subject in change.changed:
            stood = after.get(subject.no)
            if stood is not None and (old is None or old.index != stood.index):
                raise Unavailable("store_conflict", f"the batch changes {subject.id} from how it does not stand")
            first.setdefault(subject.no, old)
            after[subject.no] = subject
            if old is not None:
                rows.past.append((old.no, old.index, old.last, old.state.encode()))
    listed, unlisted, found, lost = _Places(), _Places(), _Places(), _Places()
    for no, subject in after.items():
        before, state = first[no], subject.state
        if before is None:
            rows.opened.append((no, subject.id, state.TYPE, subject.index, subject.last, state.encode()))
            listed.add_pairs(set(state.lookups()), no)
            found.add(state.TYPE, set(state.words()), no)
            continue
        rows.changed.append((subject.index, subject.last, state.encode(), no, before.index))
        if before.state is not state:
            old_pairs, pairs = set(before.state.lookups()), set(state.lookups())
            listed.add_pairs(pairs - old_pairs, no)
            unlisted.add_pairs(old_pairs - pairs, no)
            old_words, words = set(before.state.words()), set(state.words())
            found.add(state.TYPE, words - old_words, no)
            lost.add(state.TYPE, old_words - words, no)
    rows.lookups, rows.lookups_gone = listed.rows(), unlisted.rows()
    rows.words, rows.words_gone = found.rows(), lost.rows()


class _Places:
    """Subjects by the pair under which they are found. Sorting the pairs, each once, is cheaper than sorting rows."""

    __slots__ = ("_numbers",)

    def __init__(self) -> None:
        self._numbers: defaultdict[str, defaultdict[str, list[int]]] = defaultdict(lambda: defaultdict(list))

    def add(self, first: str, seconds: Iterable[str], no: int) -> None:
        numbers = self._numbers[first]
        for second in seconds:
            numbers[second].append(no)

    def add_pairs(self, pairs: Iterable[tuple[str, str]], no: int) -> None:
        numbers = self._numbers
        for first, second in pairs:
            numbers[first][second].append(no)

    def rows(self) -> list[Row]:
        return [
            (first, second, no)
            for first, numbers in sorted(self._numbers.items())
            for second in sorted(numbers)
            for no in numbers[second]
        ]
