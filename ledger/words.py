"""From text to search words, in any script: the same function cuts what is stored and what is asked.

Scripts that put spaces between words (Latin, Cyrillic, Arabic …) are cut into whole words. Scripts that do not
(Han, kana, Thai …) are cut into pairs of neighbours, so 振动 is found inside 主轴振动数据 without a dictionary. One
letter of theirs is found by the pairs that begin with it; only the last letter of a run is a word of its own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from operator import add

_SHORT = 300  # letters
TEXT_MAX = 2_000  # letters of a subject's texts that are cut into words
LENGTH_MAX = 64  # letters of a stored word; a longer one is found by its first 64

_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
_LETTER = rf"[^\W_{_UNSPACED}]"
_RUNS = re.compile(f"([{_UNSPACED}]+)|({_LETTER}{{1,{LENGTH_MAX}}}){_LETTER}*")
_ONE_UNSPACED = re.compile(f"[{_UNSPACED}]")
_ASCII_WORDS = re.compile(f"([a-z0-9]{{1,{LENGTH_MAX}}})[a-z0-9]*")


def fold(text: str) -> str:
    """One spelling for search: compatibility forms and case folded (UAX #15 NFKC, Unicode case folding)."""
    return text.casefold() if text.isascii() else unicodedata.normalize("NFKC", text.casefold()).casefold()


def words_of(*texts: str) -> set[str]:
    """Every word under which these texts are found: those of their first 2,000 letters together, in the order given.

    The bound keeps one subject from making as much work as thousands.
    """
    if sum(map(len, texts)) > TEXT_MAX:
        texts = _beginning(texts)
    return set().union(*[_words_of_short(text) if len(text) <= _SHORT else _words_of(text) for text in texts])


def _beginning(texts: tuple[str, ...]) -> tuple[str, ...]:
    kept, room = [], TEXT_MAX
    for text in texts:
        kept.append(text[:room])
        room -= len(kept[-1])
    return tuple(kept)


def _words_of(text: str) -> frozenset[str]:
    text = fold(text)
    if text.isascii():
        return frozenset(_ASCII_WORDS.findall(text))
    found: set[str] = set()
    for unspaced, word in _RUNS.findall(text):
        if word:
            found.add(word)
        else:
            found.update(map(add, unspaced, unspaced[1:]), unspaced[-1])
    return frozenset(found)


_words_of_short = lru_cache(maxsize=1024)(_words_of)
"""Keywords come again and again, and often whole descriptions. Long texts are not kept: words take much memory."""


def words_asked(query: str) -> list[str]:
    """The words a query must find, all of them, in the sense of ``has_word``."""
    asked: dict[str, None] = {}
    for unspaced, word in _RUNS.findall(fold(query)):
        if word or len(unspaced) == 1:
            asked[word or unspaced] = None
        else:
            asked.update(dict.fromkeys(map(add, unspaced, unspaced[1:])))
    return list(asked)


def range_of(asked: str) -> tuple[str, str] | None:
    """The range [first, beyond), by code points, of the words that one letter asked for stands for.

    None for any other word: it stands for itself. No word of another kind begins with such a letter.
    """
    return (asked, chr(ord(asked) + 1)) if _ONE_UNSPACED.fullmatch(asked) else None


def has_word(words: Iterable[str], asked: str) -> bool:
    """Whether a subject that has these words is found by one that is asked for."""
    between = range_of(asked)
    return asked in words if between is None else any(between[0] <= word < between[1] for word in words)
