"""What a store must hold beside its entries, row by row, in the order of each table's key.

The replay leaves the subjects as they stand and a few notes; every derived row follows from these. Rows are made as
they are asked for: what is kept in memory is one number for each row of look-ups and words.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain, repeat

from ledger.audit.replay import Replay
from ledger.audit.source import Row
from ledger.world import Subject

_Places = defaultdict[str, defaultdict[str, "array[int]"]]
"""First and second column of a key -> numbers of the subjects listed there, ascending."""


class Derived:
    """The rows that follow from a replay of all entries, tiles and disclosures aside.

    ``past`` rows are (no, index, digest): :func:`ledger.audit.replay.digest_of` stands for last and state.
    """

    def __init__(self, replay: Replay) -> None:
        self._replay = replay
        self.subjects: list[Subject] = [*replay.world.subjects()]  # by number: the world keeps the order of opening

    def subject(self) -> Iterator[Row]:
        return ((s.no, s.id, s.state.TYPE, s.index, s.last, s.state.encode()) for s in self.subjects)

    def past(self) -> Iterator[Row]:
        past = self._replay.past
        return ((no, *superseded) for no in sorted(past) for superseded in past[no])

    def lookup(self) -> Iterator[Row]:
        places = _places()
        for subject in self.subjects:
            no = subject.no
            for name, value in set(subject.state.lookups()):
                places[name][value].append(no)
        return ((name, value, no) for name, value, numbers in _in_order(places) for no in numbers)

    def word(self) -> Iterator[Row]:
        return ((type_, word, no) for type_, word, numbers in _in_order(self._words()) for no in numbers)

    def words(self) -> Iterator[Row]:
        """The rows of ``word`` in short, as ``Store.words`` gives them."""
        places = self._words()
        return ((type_, word, ",".join(map(str, numbers))) for type_, word, numbers in _in_order(places))

    def mention(self) -> Iterator[Row]:
        rows: Iterable[Iterable[Row]] = (zip(repeat(no), at) for no, at in enumerate(self._replay.mentions))
        return chain.from_iterable(rows)

    def _words(self) -> _Places:
        places = _places()
        for subject in self.subjects:
            no, under = subject.no, places[subject.state.TYPE]
            for word in set(subject.state.words()):
                under[word].append(no)
        return places


def _places() -> _Places:
    return defaultdict(lambda: defaultdict(partial(array, "Q")))


def _in_order(places: _Places) -> Iterator[tuple[str, str, array[int]]]:
    """Text sorts by code point here and by its UTF-8 bytes in a store, which is the same order."""
    return ((first, second, places[first][second]) for first in sorted(places) for second in sorted(places[first]))
