"""Lists of numbers under a key, as rows: which subjects have a word or a look-up, which entries touched a subject.

Numbers are kept by chapters of 256, one row for each chapter in which a key has any: (chapter, key, numbers), where
``chapter`` is ``number >> 8`` and ``numbers`` the low bytes, strictly ascending, one byte each, at least one. The key
is (type, word), (name, value) or the number of a subject. A word that half of all subjects share thus takes about half
a byte for each of them.

Rows lie in the order of chapters. What a batch opens is numbered last, so all it adds lies together at the end of the
table, in a handful of pages; were keys first, each word would be a page of its own. Whoever looks for a key asks one
chapter after the other, some 400 times in 100,000 subjects, at 1 or 2 microseconds each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ledger.errors import Corrupt

Row = tuple[object, ...]
Key = tuple[int, str, str]
"""The chapter, and first and second text of the key."""

_BITS = 8
_LOW = 255


def chapter_of(number: int) -> int:
    return number >> _BITS


def split(number: int) -> tuple[int, int]:
    """Chapter and low byte."""
    return number >> _BITS, number & _LOW


def numbers_of(chapter: int, low: Iterable[int]) -> list[int]:
    """The numbers that these low bytes of a chapter stand for, in the order of the bytes."""
    start = chapter << _BITS
    return [start + byte for byte in low]


def expand(row: Row) -> Iterator[Row]:
    """(key, number) for each number of a stored row; for a damaged one at least one row that never is due."""
    chapter, *key, numbers = row
    if isinstance(chapter, int) and isinstance(numbers, bytes) and numbers:
        for number in numbers_of(chapter, numbers):
            yield *key, number
    else:
        yield *key, None


def check_posting(what: tuple[object, object], chapter: object, numbers: object) -> None:
    """Raise ``Corrupt`` unless a stored row has a chapter and numbers in their one spelling."""
    if not isinstance(chapter, int) or not isinstance(numbers, bytes) or not _is_spelled(numbers):
        raise Corrupt("store_corrupt", f"what is listed under {what[0]}={what[1]} cannot be read")


def _is_spelled(numbers: bytes) -> bool:
    return numbers != b"" and bytes(sorted(set(numbers))) == numbers


@dataclass(slots=True)
class Postings:
    """How one batch changes the lists of a table."""

    amended: dict[Key, tuple[set[int], set[int]]] = field(default_factory=dict)
    """Of subjects that stood before the batch: low bytes that come, and low bytes that go."""

    _opened: defaultdict[tuple[int, str], defaultdict[str, bytearray]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(bytearray))
    )

    def open(self, first: str, seconds: Iterable[str], no: int) -> None:
        """List a subject that the batch opens, under different keys. Numbers ascend from call to call."""
        chapter, low = self._opened[no >> _BITS, first], no & _LOW
        for second in seconds:
            chapter[second].append(low)

    def open_pairs(self, pairs: Iterable[tuple[str, str]], no: int) -> None:
        chapter, low, opened = no >> _BITS, no & _LOW, self._opened
        for first, second in pairs:
            opened[chapter, first][second].append(low)

    def amend(self, before: set[tuple[str, str]], after: set[tuple[str, str]], no: int) -> None:
        """List a subject that stood before under other keys. At most once for each subject."""
        for place, pairs in enumerate((after - before, before - after)):
            for first, second in pairs:
                self.amended.setdefault((no >> _BITS, first, second), (set(), set()))[place].add(no & _LOW)

    def appended(self) -> list[Row]:
        """Rows of the opened subjects in the order of the table's key; each goes behind what its chapter has."""
        rows: list[Row] = [
            (chapter, first, second, bytes(numbers))
            for (chapter, first), under in self._opened.items()
            for second, numbers in under.items()
        ]
        rows.sort()
        return rows
