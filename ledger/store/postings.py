"""Lists of subjects under a key, as rows: which subjects have a word, which are listed under a look-up.

A key is a pair of texts: (type, word) or (name, value). Its subjects are kept by chapters of 256 numbers, one row for
each chapter in which it has any: (first, second, chapter, numbers), where ``chapter`` is ``no >> 8`` and ``numbers``
the low bytes of the numbers, strictly ascending, one byte each, at least one. A word that half of all subjects share
thus takes about half a byte for each of them, and a batch that opens a thousand subjects appends to few rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ledger.errors import Corrupt

Row = tuple[object, ...]
Key = tuple[str, str, int]
"""First and second text of the key, and the chapter."""

_BITS = 8
_LOW = 255


def chapter_of(no: int) -> int:
    return no >> _BITS


def numbers_of(chapter: int, low: Iterable[int]) -> list[int]:
    """The numbers of subjects that these low bytes of a chapter stand for, in the order of the bytes."""
    start = chapter << _BITS
    return [start + byte for byte in low]


def expand(row: Row) -> Iterator[Row]:
    """(first, second, no) for each number of a stored row; for a damaged one at least one row that never is due."""
    first, second, chapter, numbers = row
    if isinstance(chapter, int) and isinstance(numbers, bytes) and numbers:
        for no in numbers_of(chapter, numbers):
            yield first, second, no
    else:
        yield first, second, None


def check_posting(what: tuple[object, object], chapter: object, numbers: object) -> None:
    """Raise ``Corrupt`` unless a stored row has a chapter and numbers in their one spelling."""
    if not isinstance(chapter, int) or not isinstance(numbers, bytes) or not _is_spelled(numbers):
        raise Corrupt("store_corrupt", f"the list of subjects under {what[0]}={what[1]} cannot be read")


def _is_spelled(numbers: bytes) -> bool:
    return numbers != b"" and bytes(sorted(set(numbers))) == numbers


@dataclass(slots=True)
class Postings:
    """How one batch changes the lists of a table."""

    amended: dict[Key, tuple[set[int], set[int]]] = field(default_factory=dict)
    """Of subjects that stood before the batch: low bytes that come, and low bytes that go."""

    _opened: defaultdict[tuple[str, int], defaultdict[str, bytearray]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(bytearray))
    )

    def open(self, first: str, seconds: Iterable[str], no: int) -> None:
        """List a subject that the batch opens, under different keys. Numbers ascend from call to call."""
        chapter, low = self._opened[first, no >> _BITS], no & _LOW
        for second in seconds:
            chapter[second].append(low)

    def open_pairs(self, pairs: Iterable[tuple[str, str]], no: int) -> None:
        chapter, low, opened = no >> _BITS, no & _LOW, self._opened
        for first, second in pairs:
            opened[first, chapter][second].append(low)

    def amend(self, before: set[tuple[str, str]], after: set[tuple[str, str]], no: int) -> None:
        """List a subject that stood before under other keys. At most once for each subject."""
        for place, pairs in enumerate((after - before, before - after)):
            for first, second in pairs:
                self.amended.setdefault((first, second, no >> _BITS), (set(), set()))[place].add(no & _LOW)

    def appended(self) -> list[Row]:
        """Rows of the opened subjects in the order of the table's key; each goes behind what its chapter has."""
        rows: list[Row] = [
            (first, second, chapter, bytes(numbers))
            for (first, chapter), under in self._opened.items()
            for second, numbers in under.items()
        ]
        rows.sort()
        return rows
