"""Look-ups and words in short: one digest for each chapter of 256 subjects.

A store lists its subjects under their look-ups and words by chapters (``Store.kept``). Cutting texts into words takes
longer than all else that follows from the state, and needs only the states of one chapter: other processes do it, and
send back digests. The rows of one chapter come in the same order from a store, though rows of others lie between, and
from its states; so equal digests mean equal rows.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ledger import circulation
from ledger.audit.source import Row
from ledger.world import State, decode_state

assert circulation  # imported for its states, which every process needs

CHAPTER = 256
"""Numbers of subjects in one row of a list."""

Keys = Iterable[tuple[str, str]]
Digests = dict[object, bytes]
"""Chapter -> SHA-256 over its rows; a chapter that has none is left out."""


class Chapter(NamedTuple):
    """The digests of one chapter in both tables."""

    lookup: Digests
    word: Digests


def digests_of(rows: Iterable[Row]) -> Digests:
    """The digests of (first, second, chapter, numbers) rows. Raises ``TypeError`` for some damaged ones."""
    found: defaultdict[object, hashlib._Hash] = defaultdict(hashlib.sha256)
    for first, second, chapter, numbers in rows:
        digest = found[chapter]
        digest.update(f"{len(first)},{len(second)},{len(numbers)}:{first}{second}".encode())  # type: ignore[arg-type]
        digest.update(numbers)  # type: ignore[arg-type]
    return {chapter: digest.digest() for chapter, digest in found.items()}


def digest_chapter(chapter: int, states: Sequence[tuple[str, bytes]]) -> Chapter:
    """The digests of a chapter from the (type, state) of its subjects, in order of their numbers."""
    decoded = [decode_state(*state) for state in states]
    lookup, word = rows_of(chapter, map(lookups_of, decoded)), rows_of(chapter, map(words_of, decoded))
    return Chapter(digests_of(lookup), digests_of(word))


def lookups_of(state: State) -> Keys:
    return set(state.lookups())


def words_of(state: State) -> Keys:
    type_ = state.TYPE
    return [(type_, word) for word in set(state.words())]


def rows_of(chapter: int, subjects: Iterable[Keys]) -> Iterator[Row]:
    """The rows of a chapter, in order, from what each of its subjects is listed under."""
    places: defaultdict[tuple[str, str], bytearray] = defaultdict(bytearray)
    for low, keys in enumerate(subjects):
        for key in keys:
            places[key].append(low)
    return ((*key, chapter, bytes(places[key])) for key in sorted(places))
