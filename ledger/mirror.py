"""A published log as a source to be audited: the folder that ``ledger.publish`` writes, or any copy of it.

Whoever audits it needs the folder and nothing else: no service, no store, no leave. It shows the checkpoint, every
entry and every hash tile, and no subjects, which an audit makes from the entries anyway. Where a partial tile or bundle
is gone, its beginning of the full one will do (C2SP tlog-tiles).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from identity.note import NOTE_BYTES_MAX, parse_note
from ledger.audit.source import Chunk, Row, Source
from ledger.errors import Corrupt, Malformed, Unavailable, declare
from ledger.log.chain import ENTRY_BYTES_MAX
from ledger.log.checkpoint import parse_checkpoint
from ledger.log.tile import WIDTH_MAX, Tile, format_entries_path, format_path, parse_bundle, tiles_of
from ledger.store import Table

declare(
    "service",
    mirror_entries_absent=(
        "the log is published without its entries",
        "ask the operator for them: this ledger may show them to members only",
    ),
    mirror_subjects_absent=(
        "a published log shows no subjects",
        "export from the ledger's folder or its address; a published log can be copied as it is",
    ),
)

CHECKPOINT = "checkpoint"
_BUNDLE_MAX = WIDTH_MAX * (2 + ENTRY_BYTES_MAX)  # bytes of a full bundle

Read = Callable[[str, int], bytes | None]
"""The bytes of a published file, None if it is not there. Raises ``Malformed`` where it has more than so many."""


def is_published(path: Path) -> bool:
    """Whether a folder looks like a published log, and is not a ledger's own folder."""
    return (path / CHECKPOINT).is_file() and (path / "tile").is_dir() and not (path / "ledger.db").exists()


def open_published(path: Path) -> MirrorSource:
    """The log published in a folder. Raises ``Malformed`` and ``Unavailable`` (``mirror_entries_absent``)."""

    def read(name: str, most: int) -> bytes | None:
        try:
            with (path / name).open("rb") as file:
                data = file.read(most + 1)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        if len(data) > most:
            raise too_long(name, name, most)
        return data

    if not (path / "tile" / "entries").is_dir():
        raise Unavailable("mirror_entries_absent", str(path))
    return MirrorSource(read)


def too_long(name: str, where: str, most: int) -> Malformed:
    """What to raise for a published file that is found ``where`` and has more than so many bytes."""
    code = "checkpoint_malformed" if name == CHECKPOINT else "bundle_malformed"
    return Malformed(code, f"{where} has more than {most} bytes")


class MirrorSource(Source):
    """A published log behind a function that reads its files; a ``publish.proven.Log``, too."""

    tables: tuple[Table, ...] = ("tile",)

    def __init__(self, read: Read) -> None:
        """Raises ``Malformed`` if the checkpoint is none; whether its signature holds is the audit's question."""
        note = read(CHECKPOINT, NOTE_BYTES_MAX)
        if note is None:
            raise Malformed("checkpoint_malformed", "it is not there")
        self.checkpoint = note
        self.size = parse_checkpoint(parse_note(note).text).size
        self._read = read

    def chunks(self) -> Iterator[Chunk]:
        for start in range(0, self.size, WIDTH_MAX):
            yield Chunk(start, self._entries(start))

    def entry(self, index: int) -> bytes | None:
        return self._entries(index - index % WIDTH_MAX)[index % WIDTH_MAX] if 0 <= index < self.size else None

    def entries(self, start: int, stop: int) -> Iterator[bytes]:
        """Entries start..stop-1, which lie in one bundle."""
        first = start - start % WIDTH_MAX
        yield from self._entries(first)[start - first : stop - first]

    def tile(self, level: int, number: int) -> bytes | None:
        """The hashes of a tile, as wide as the size gives it."""
        width = min(WIDTH_MAX, (self.size >> 8 * level) - number * WIDTH_MAX)
        return self._hashes(Tile(level, number, width))

    def subjects(self) -> None:
        return None

    def rows(self, table: Table) -> Iterator[Row]:
        """Every hash tile, the missing ones left out."""
        for tile in tiles_of(0, self.size) if table == "tile" else ():
            if (found := self._hashes(tile)) is not None:
                yield tile.level, tile.index, found

    def leaf(self, index: int) -> bytes | None:
        number, place = divmod(index, WIDTH_MAX)
        hashes = self.tile(0, number)
        return hashes[32 * place : 32 * place + 32] if hashes else None

    def _hashes(self, tile: Tile) -> bytes | None:
        found = self._read(format_path(tile), 32 * WIDTH_MAX)
        if found is None and tile.width < WIDTH_MAX:
            full = self._read(format_path(Tile(tile.level, tile.index, WIDTH_MAX)), 32 * WIDTH_MAX)
            return None if full is None else full[: 32 * tile.width]
        return found

    def _entries(self, start: int) -> list[bytes]:
        """The entries of the bundle that begins at ``start``, as many as the size gives it."""
        number, width = start // WIDTH_MAX, min(WIDTH_MAX, self.size - start)
        data = self._read(format_entries_path(number, width), _BUNDLE_MAX)
        if data is not None:
            entries = parse_bundle(data)
            if len(entries) != width:
                raise Malformed("bundle_malformed", f"{len(entries)} entries where {width} are due")
            return entries
        full = self._read(format_entries_path(number, WIDTH_MAX), _BUNDLE_MAX) if width < WIDTH_MAX else None
        if full is None:
            raise Corrupt("entry_missing", f"{format_entries_path(number, width)} is not there", index=start)
        return parse_bundle(full)[:width]
