"""What commands print: short aligned lines for people with every id in full, JSON for programs, bars for patience.

Results go to stdout, everything else to stderr; bars only where stderr is a terminal. A command that was given --json
writes JSON to both: to stderr a line for each note (``{"note":…}``) and for the problem it ends in (``command``).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from shutil import get_terminal_size
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import orjson
from rich.cells import cell_len  # Chinese letters are two columns wide

from scripts.money import Price
from scripts.times import show_micros, show_seconds

if TYPE_CHECKING:
    from rich.progress import Progress

    from api.client import Admitted

_SECONDS = frozenset({"validFrom", "validUntil", "until", "agreedAt", "finalizedAt", "iat", "exp"})

_PROGRAMS = ContextVar("for programs", default=False)


@contextmanager
def for_programs(asked: bool) -> Iterator[None]:
    """What is printed within is read by a program, if that was ``asked`` for."""
    before = _PROGRAMS.set(asked)
    try:
        yield
    finally:
        _PROGRAMS.reset(before)


def is_for_programs() -> bool:
    """Whether a program reads what is printed."""
    return _PROGRAMS.get()


def print_note(text: str) -> None:
    """Something the user should know that is no result: a line on stderr."""
    print(orjson.dumps({"note": text}).decode() if is_for_programs() else printable(text), file=sys.stderr)


def print_json(value: Any) -> None:
    """One JSON text and a newline."""
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n")


def print_pairs(pairs: Iterable[tuple[str, object]], indent: int = 0) -> None:
    """``name   value`` lines, the values one below the other."""
    shown = [(name, show_value(name, value)) for name, value in pairs]
    width = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        first, *more = value.split("\n")
        print(f"{'':{indent}}{name:{width}}  {first}".rstrip())
        for line in more:
            print(f"{'':{indent}}{'':{width}}  {line}".rstrip())


def print_table(rows: Iterable[Sequence[object]]) -> None:
    """Rows of columns, each as wide as its widest cell."""
    cells = [[show_value("", cell).replace("\n", " ") for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        padded = (cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True))
        print("  ".join(padded).rstrip())


def print_columns(rows: Iterable[Sequence[str]], indent: int = 0) -> None:
    """Rows of columns; on a terminal, the last is broken into as many lines as it needs."""
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*(row[:-1] for row in cells), strict=True)]
    begin = indent + sum(width + 2 for width in widths)
    room = max(20, get_terminal_size().columns - begin) if sys.stdout.isatty() else sys.maxsize
    for row in cells:
        head = "".join(cell + " " * (width - cell_len(cell) + 2) for cell, width in zip(row, widths, strict=False))
        lines = [part for line in row[-1].split("\n") for part in wrap(line, room) or [""]]
        for number, line in enumerate(lines):
            print(f"{'':{indent}}{head}{line}".rstrip() if not number else f"{'':{begin}}{line}")


def print_admitted(kind: str, admitted: Admitted, json: bool, **more: object) -> None:
    """What became of an act; ``more`` is what else the reader needs next."""
    fields: dict[str, object] = {
        "kind": kind,
        "subject": admitted.subject,
        **more,
        "index": admitted.index,
        "time": admitted.time,
        "id": admitted.id,
    }
    if json:
        print_json({**fields, "again": admitted.again})
        return
    print(f"{'recorded before' if admitted.again else 'recorded'}: {kind}")
    print_pairs(((name, value) for name, value in fields.items() if name != "kind"), indent=2)


def show_value(name: str, value: object) -> str:
    """A value of a state as people read it: money, times, lists; a private one is ``withheld``."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        if name == "time":
            return show_micros(value)
        return show_seconds(value) if name in _SECONDS else str(value)
    if isinstance(value, dict):
        return _show_object(value)
    if isinstance(value, (list, tuple)):
        if _is_texts(value):
            return ", ".join(value) or "-"
        return "\n".join(show_value("", item) for item in value) or "-"
    return printable(str(value))


def printable(text: str) -> str:
    """Text of others without what would steer the terminal."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)


@contextmanager
def bar(what: str, total: int | None, *, in_bytes: bool = False) -> Iterator[Progress]:
    """A progress bar on stderr, advanced by ``progress.advance(progress.task_ids[0], n)``; gone when done."""
    from rich.console import Console  # imported here: few commands take long enough for a bar
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    counter = DownloadColumn() if in_bytes else MofNCompleteColumn()
    columns = (TextColumn("{task.description}"), BarColumn(), counter, TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        progress.add_task(what, total=total)
        yield progress


@contextmanager
def counting(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar, and what moves it: told how many are done, and of how many."""
    with bar(what, None) as progress:
        yield lambda done, total: progress.update(progress.task_ids[0], completed=done, total=total)


def _is_texts(value: list[Any] | tuple[Any, ...]) -> bool:
    return all(isinstance(item, str) for item in value)


def _is_word(value: Any) -> bool:
    """Whether people read a value as a word: no object, but for money and what is withheld."""
    return not isinstance(value, (dict, list)) or (
        isinstance(value, dict) and value.keys() in ({"_sd"}, {"amount", "currency"})
    )


def _show_object(value: dict[str, Any]) -> str:
    if value.keys() == {"_sd"}:
        return "withheld"
    if value.keys() == {"amount", "currency"}:
        return str(Price(value["amount"], value["currency"]))
    if all(_is_word(one) or (isinstance(one, list) and all(map(_is_word, one))) for one in value.values()):
        words = {name: show_value(name, one).replace("\n", ", ") for name, one in value.items()}
        return ", ".join(f"{printable(name)} {word}" for name, word in words.items())
    return printable(orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode())
