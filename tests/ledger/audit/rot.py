"""Bit rot: flips a byte of a row where it lies in SQLite's file, behind the back of everybody.

A row is found by formatting its cell as the file format says (sqlite.org/fileformat2.html, sections 1.6 and 2.1):
payload length, row id where the table has one, header of serial types, values. So any byte of it may be hit, those
which say what the others mean among them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

KEYS = {
    "entry": '"index"',
    "subject": "no",
    "past": 'no, "index"',
    "lookup": "chapter, name, value",
    "naming": "name, value",
    "word": "chapter, type, word",
    "mention": "chapter, no",
    "tile": "level, number",
    "disclosure": '"index", place',
}
NUMBERED = ("entry", "subject")  # their first column is the row id, and stored as NULL; the others have none
LOCAL = 480  # bytes of a cell that lie together however long it is, with pages of 4,096 bytes


@dataclass(frozen=True)
class Cell:
    """Where a row lies in the file."""

    table: str
    row: tuple[object, ...]
    start: int
    length: int


def cells(path: Path, table: str, step: int) -> Iterator[Cell]:
    """Every ``step``-th row of a table that is nowhere else in the file; of a long one, what lies together."""
    data = path.read_bytes()
    with sqlite3.connect(path) as connection:
        rowid = "rowid" if table in NUMBERED else "NULL"
        rows = connection.execute(f"SELECT {rowid}, * FROM {table} ORDER BY {KEYS[table]}").fetchall()
    connection.close()
    for rowid, *row in rows[::step]:
        cell = format_cell(rowid, [None, *row[1:]] if table in NUMBERED else row)
        cell = cell if cell in data else cell[:LOCAL]
        if data.count(cell) == 1:
            yield Cell(table, tuple(row), data.index(cell), len(cell))


def format_cell(rowid: int | None, values: list[object]) -> bytes:
    types, body = b"", b""
    for value in values:
        code, data = _serial(value)
        types, body = types + _varint(code), body + data
    header = _varint(len(types) + 1) + types
    assert len(types) < 127
    return _varint(len(header) + len(body)) + (b"" if rowid is None else _varint(rowid)) + header + body


def _serial(value: object) -> tuple[int, bytes]:
    if value is None:
        return 0, b""
    if isinstance(value, int):
        if value in (0, 1):
            return 8 + value, b""
        code, length = next(
            (c, n) for c, n in ((1, 1), (2, 2), (3, 3), (4, 4), (5, 6), (6, 8)) if value < 1 << 8 * n - 1
        )
        return code, value.to_bytes(length)
    if isinstance(value, str):
        return 13 + 2 * len(value.encode()), value.encode()
    assert isinstance(value, bytes)
    return 12 + 2 * len(value), value


def _varint(number: int) -> bytes:
    found = bytes([number & 0x7F])
    while number := number >> 7:
        found = bytes([number & 0x7F | 0x80]) + found
    return found


def flip(path: Path, place: int, mask: int) -> None:
    """Change one byte of a file in place."""
    with path.open("r+b") as file:
        file.seek(place)
        (byte,) = file.read(1)
        file.seek(place)
        file.write(bytes([byte ^ mask]))
