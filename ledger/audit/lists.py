"""Look-ups and words in short: one digest for each chapter of 256 subjects.

A store lists its subjects under their look-ups and words by chapters (``Store.kept``). Cutting texts into words takes
longer than all else that follows from the state, and needs only the states of one chapter: other processes do it, and
send back digests. The rows of a chapter come in the same order from a store and from its states; so equal digests mean
equal rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from ledger import circulation
from ledger.audit.source import Row
from ledger.world import State, decode_state

assert circulation  # imported for its states, which every process needs

CHAPTER = 256
"""Numbers of subjects in one row of a list."""

Keys = Iterable[tuple[str, Iterable[str]]]
"""What a subject is listed under: first texts of keys, each with different second texts."""

Digests = list[tuple[object, bytes]]
"""(chapter, SHA-256 over its rows) in order; a chapter that has none is left out."""


class Chapter(NamedTuple):
    """The digests of one chapter in both tables."""

    lookup: Digests
    word: Digests


def digests_of(rows: Iterable[Row]) -> Digests:
    """The digests of (chapter, first, second, numbers) rows in their order, damaged ones among them."""
    return [
        (chapter, sha256(repr(list(some)).encode()).digest())  # repr: it tells types apart, and takes 0.3 µs a row
        for chapter, some in groupby(rows, itemgetter(0))
    ]


def digest_chapter(chapter: int, states: Sequence[tuple[str, bytes]]) -> Chapter:
    """The digests of a chapter from the (type, state) of its subjects, in order of their numbers."""
    decoded = [decode_state(*state) for state in states]
    lookup, word = rows_of(chapter, map(lookups_of, decoded)), rows_of(chapter, map(words_of, decoded))
    return Chapter(digests_of(lookup), digests_of(word))


def lookups_of(state: State) -> Keys:
    return [(name, (value,)) for name, value in set(state.lookups())]


def words_of(state: State) -> Keys:
    return ((state.TYPE, set(state.words())),)


def rows_of(chapter: int, subjects: Iterable[Keys]) -> Iterator[Row]:
    """The rows of a chapter, in order, from what each of its subjects is listed under."""
    places: defaultdict[str, defaultdict[str, bytearray]] = defaultdict(lambda: defaultdict(bytearray))
    for low, keys in enumerate(subjects):
        for first, seconds in keys:
            under = places[first]
            for second in seconds:
                under[second].append(low)
    for first, under in sorted(places.items()):
        for second, numbers in sorted(under.items()):
            yield chapter, first, second, bytes(numbers)
