"""What a store must hold beside its entries, row by row, in the order of each table's key.

The replay leaves the subjects as they stand and a few notes; every derived row follows from these, and is made when
it is asked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import chain, groupby

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

    def naming(self) -> Iterator[Row]:
        unique = (s for s in self.subjects if s.state.UNIQUE)  # of most states none is
        return iter(sorted((*key, s.no) for s in unique for key in set(s.state.lookups()) if key[0] in s.state.UNIQUE))

    def word(self) -> Iterator[Row]:
        return self._lists(words_of)

    def _lists(self, keys_of: Callable[[State], Keys]) -> Iterator[Row]:
        """The rows of look-ups or words."""
        for first in range(0, len(self.subjects), CHAPTER):
            states = (s.state for s in self.subjects[first : first + CHAPTER])
            yield from rows_of(first // CHAPTER, map(keys_of, states))

    def mention(self) -> Iterator[Row]:
        """Entries that touched a subject, but the first of them, which opened it."""
        chapters: defaultdict[int, list[Row]] = defaultdict(list)
        for no, touching in enumerate(self._replay.mentions):
            if len(touching) == 1:  # as most are
                continue
            for chapter, indexes in groupby(touching[1:], lambda index: index // CHAPTER):
                chapters[chapter].append((chapter, no, bytes(index % CHAPTER for index in indexes)))
        return chain.from_iterable(chapters[chapter] for chapter in sorted(chapters))
