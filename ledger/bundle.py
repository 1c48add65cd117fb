"""A bundle: a whole ledger in one file, for an auditor who has no access to the ledger, or wants to need none.

    checkpoint                  what the log signed last, for these entries or their first
    tile/entries/000 ...        the entries, as C2SP tlog-tiles bundles them: 256 to a member, the last may have fewer
    state.ndjson                a line of canonical JSON for each subject, in order of its number:
        {"id":"asset_0w9k...","index":17,"last":"9ypR...","no":3,"state":{...},"type":"asset"}

in an archive of one spelling (``ledger.archive``). Disclosures stay behind: a bundle shows what an outsider may see,
and proves just as much. The same ledger gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import orjson

from identity.canonical import decode, encode
from identity.note import NOTE_BYTES_MAX
from ledger.archive import HEAD_MAX, Archive, begins_as_archive, write_archive
from ledger.audit.source import Chunk, Row, Source
from ledger.errors import Corrupt, Malformed, Unavailable, declare
from ledger.log.chain import ENTRY_BYTES_MAX
from ledger.log.tile import WIDTH_MAX, format_bundle, format_entries_path, parse_bundle, parse_entries_path

declare(
    "malformed",
    bundle_wrong=("the bundle does not hold what it should", "export it again: cadastre export SOURCE BUNDLE"),
)
declare(
    "service",
    bundle_missing=(
        "there is no such folder or bundle",
        "check the path (an address begins with http:// or https://); cadastre export SOURCE BUNDLE makes a bundle",
    ),
    not_a_bundle=("this file is no bundle of a ledger", "make one with: cadastre export SOURCE BUNDLE"),
    bundle_unsigned=("the ledger shows no checkpoint to go into the bundle", "start the service once, so it signs one"),
)

CHECKPOINT, STATE = "checkpoint", "state.ndjson"
_MEMBER_MAX = WIDTH_MAX * (2 + ENTRY_BYTES_MAX)  # bytes of a full entry bundle
_LINE_MAX = 2**20  # bytes of a line of state


# ---- Export ------------------------------------------------------------------------------------------------


def export(source: Source, path: Path) -> None:
    """Write what ``source`` shows to ``path``, replacing what is there only when all is written.

    Judges nothing: the audit of the bundle does. Raises what reading the source raises, ``Unavailable``
    (``bundle_unsigned``) and ``Corrupt`` for a state that is not even JSON.
    """
    if source.checkpoint is None:
        raise Unavailable("bundle_unsigned")
    temporary = path.with_name(path.name + ".part")
    try:
        with temporary.open("wb") as file:
            write_archive(file, _members(source, source.checkpoint))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _members(source: Source, checkpoint: bytes) -> Iterator[tuple[str, Iterator[bytes]]]:
    yield CHECKPOINT, iter([checkpoint])
    entries = (entry for chunk in source.chunks() for entry in chunk.entries)
    number = 0
    while bundled := list(islice(entries, WIDTH_MAX)):
        yield format_entries_path(number, len(bundled)), iter([format_bundle(bundled)])
        number += 1
    yield STATE, map(_format_line, source.subjects() or ())


def _format_line(row: Row) -> bytes:
    no, id_, type_, index, last, state = row
    try:
        shown = decode(state if isinstance(state, bytes) else b"")
        return encode({"id": id_, "index": index, "last": last, "no": no, "state": shown, "type": type_}) + b"\n"
    except Malformed as wrong:
        raise Corrupt("store_corrupt", f"the state of {id_!r}: {wrong}", subject=str(id_)) from wrong


# ---- Reading -----------------------------------------------------------------------------------------------


@contextmanager
def open_bundle(path: Path) -> Iterator[BundleSource]:
    """The bundle in a file. Raises ``Unavailable`` (``bundle_missing``, ``not_a_bundle``) or ``Malformed``.

    ``not_a_bundle`` is said of a file that never was one; all else that is wrong means that a bundle was damaged.
    """
    if not path.is_file():
        raise Unavailable("bundle_missing", f"{path} is no file" if path.exists() else f"{path} is not there")
    with path.open("rb") as file:
        if not begins_as_archive(file.read(HEAD_MAX), CHECKPOINT):
            raise Unavailable("not_a_bundle", str(path))
        yield BundleSource(Archive(file))


class BundleSource(Source):
    """A bundle as a source to be audited (``ledger.audit.Source``)."""

    def __init__(self, archive: Archive) -> None:
        """Raises ``Malformed`` unless the archive has just the members of a bundle."""
        self._archive = archive
        names = [member.name for member in archive.members]
        width = _last_width(names)
        full = [format_entries_path(number, WIDTH_MAX) for number in range(len(names) - 3)]
        last = format_entries_path(len(full), width)
        if names != [CHECKPOINT, *full, last, STATE]:
            raise Malformed("bundle_wrong", "its members are not checkpoint, entries and state, in this order")
        self.size = len(full) * WIDTH_MAX + width
        self.checkpoint = archive.read(archive.members[0], NOTE_BYTES_MAX)

    def chunks(self) -> Iterator[Chunk]:
        for start in range(0, self.size, WIDTH_MAX):
            yield Chunk(start, self._entries(start // WIDTH_MAX))

    def entry(self, index: int) -> bytes | None:
        number, place = divmod(index, WIDTH_MAX)
        return self._entries(number)[place] if index < self.size else None

    def subjects(self) -> Iterator[Row]:
        rest = b""
        for piece in self._archive.pieces(self._archive.members[-1]):
            *lines, rest = (rest + piece).split(b"\n")
            yield from map(_parse_line, lines)
            if len(rest) > _LINE_MAX:
                raise Malformed("bundle_wrong", f"a line of state is longer than {_LINE_MAX} bytes")
        if rest:
            raise Malformed("bundle_wrong", "the state does not end with a newline")

    def _entries(self, number: int) -> list[bytes]:
        entries = parse_bundle(self._archive.read(self._archive.members[1 + number], _MEMBER_MAX))
        if len(entries) != min(WIDTH_MAX, self.size - number * WIDTH_MAX):
            raise Malformed("bundle_wrong", f"{len(entries)} entries in bundle {number}")
        return entries


def _last_width(names: Sequence[str]) -> int:
    """How many entries the last entry bundle says to have."""
    if len(names) < 3:
        raise Malformed("bundle_wrong", f"it has {len(names)} members")
    _, width = parse_entries_path(names[-2])
    return width


def _parse_line(line: bytes) -> Row:
    """The reverse of :func:`_format_line`, a row as ``Store.scan`` gives it."""
    shown = decode(line)
    if not isinstance(shown, dict) or shown.keys() != {"id", "index", "last", "no", "state", "type"}:
        raise Malformed("bundle_wrong", "a line of state has other members than it should")
    state = orjson.dumps(shown["state"], option=orjson.OPT_SORT_KEYS)
    return shown["no"], shown["id"], shown["type"], shown["index"], shown["last"], state
