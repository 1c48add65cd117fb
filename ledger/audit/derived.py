"""What a store must hold beside its entries, row by row, in the order of each table's key.

The replay leaves the subjects as they stand and a few notes; every derived row follows from these. Rows are made as
they are asked for: what is kept in memory is a byte for each subject under each look-up and word.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import chain, repeat

from ledger.audit.replay import Replay
from ledger.audit.source import Row
from ledger.world import Subject

CHAPTER = 256
"""Numbers of subjects in one row of a list (``Store.kept``)."""

_Places = defaultdict[tuple[str, int], defaultdict[str, bytearray]]
"""(first column, chapter) -> second column -> low bytes of the numbers of the subjects listed there, ascending."""


class Derived:
    """The rows that follow from a replay of all entries, tiles and disclosures aside, as ``Store.kept`` gives them.

    But ``past`` rows are (no, index, digest): :func:`ledger.audit.replay.digest_of` stands for advanced and state.
    """

    def __init__(self, replay: Replay) -> None:
        self._replay = replay
        self.subjects: list[Subject] = [*replay.world.subjects()]  # by number: the world keeps the order of opening

    def listing(self) -> Iterator[Row]:
        """(no, id, type, index, last, state): subjects as outsiders see them."""
        return ((s.no, s.id, s.state.TYPE, s.index, s.last, s.state.encode()) for s in self.subjects)

    def subject(self) -> Iterator[Row]:
        opened, statements = self._replay.opened, self._replay.statements
        for s in self.subjects:
            yield s.no, s.state.TYPE, opened[s.no], s.index, statements[s.last], s.state.encode()

    def past(self) -> Iterator[Row]:
        past = self._replay.past
        return ((no, *superseded) for no in sorted(past) for superseded in past[no])

    def lookup(self) -> Iterator[Row]:
        places = _places()
        for subject in self.subjects:
            chapter, low = divmod(subject.no, CHAPTER)
            for name, value in set(subject.state.lookups()):
                places[name, chapter][value].append(low)
        return _rows(places)

    def word(self) -> Iterator[Row]:
        places = _places()
        for subject in self.subjects:
            chapter, low = divmod(subject.no, CHAPTER)
            under = places[subject.state.TYPE, chapter]
            for word in set(subject.state.words()):
                under[word].append(low)
        return _rows(places)

    def mention(self) -> Iterator[Row]:
        rows: Iterable[Iterable[Row]] = (zip(repeat(no), at) for no, at in enumerate(self._replay.mentions))
        return chain.from_iterable(rows)


def _places() -> _Places:
    return defaultdict(lambda: defaultdict(bytearray))


def _rows(places: _Places) -> Iterator[Row]:
    """(first, second, chapter, numbers), in order: texts by code point, and so by their UTF-8 bytes in a store."""
    chapters: dict[str, list[int]] = {}
    for first, chapter in places:
        chapters.setdefault(first, []).append(chapter)
    for first in sorted(chapters):
        under = [(chapter, places[first, chapter]) for chapter in chapters[first]]
        for second, chapter in sorted((second, chapter) for chapter, seconds in under for second in seconds):
            yield first, second, chapter, bytes(places[first, chapter][second])
