"""What a store must hold beside its entries, row by row, in the order of each table's key.

The replay leaves the subjects as they stand and a few notes; every derived row follows from these, and is made when
it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, repeat

from ledger.audit.lists import CHAPTER, Keys, lookups_of, rows_of, words_of
from ledger.audit.replay import Replay
from ledger.audit.source import Row
from ledger.world import State, Subject


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
        return self._lists(lookups_of)

    def word(self) -> Iterator[Row]:
        return self._lists(words_of)

    def chapters(self) -> Iterator[list[tuple[str, bytes]]]:
        """(type, state) of every subject, by chapters of look-ups and words."""
        for first in range(0, len(self.subjects), CHAPTER):
            yield [(s.state.TYPE, s.state.encode()) for s in self.subjects[first : first + CHAPTER]]

    def _lists(self, keys_of: Callable[[State], Keys]) -> Iterator[Row]:
        """The rows of look-ups or words: all in memory, for they are in another order than subjects are."""
        rows: list[Row] = []
        for first in range(0, len(self.subjects), CHAPTER):
            states = (s.state for s in self.subjects[first : first + CHAPTER])
            rows += rows_of(first // CHAPTER, map(keys_of, states))
        return iter(sorted(rows, key=lambda row: row[:3]))

    def mention(self) -> Iterator[Row]:
        rows: Iterable[Iterable[Row]] = (zip(repeat(no), at) for no, at in enumerate(self._replay.mentions))
        return chain.from_iterable(rows)
