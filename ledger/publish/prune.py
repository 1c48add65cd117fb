"""Partial tiles that have grown full are taken away again: a ledger that grows slowly would keep hundreds of each.

C2SP tlog-tiles lets a partial tile go once the full one is there; whoever asks for it then takes the beginning of the
full one. It is left there for a while all the same, for readers who are on their way from an older checkpoint.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from identity.note import parse_note
from ledger.errors import Malformed
from ledger.log.checkpoint import parse_checkpoint
from ledger.log.tile import WIDTH_MAX, parse_entries_path, parse_path
from ledger.publish.folder import FolderTarget

GRACE_SECONDS = 3_600.0


def prune(target: FolderTarget, now: float) -> int:
    """Remove the partial files of tiles that the published size has full, and that were written long before ``now``.

    Returns how many were removed. ``now`` in POSIX seconds. Raises what ``FolderTarget.begin`` raises, ``OSError``, and
    ``Malformed`` where the published checkpoint is none. Cost: walks the names of all files.
    """
    note = target.begin()
    try:
        if note is None:
            return 0
        size = parse_checkpoint(parse_note(note).text).size
        partial = (target.path / "tile").rglob("*.p")
        return sum(_remove(folder) for folder in [*partial] if _is_over(target.path, folder, size, now))
    finally:
        target.end()


def _is_over(root: Path, folder: Path, size: int, now: float) -> bool:
    full = folder.with_suffix("")
    name = full.relative_to(root).as_posix()
    try:
        level, index = (0, parse_entries_path(name)[0]) if "entries" in name else _place(name)
    except Malformed:
        return False  # not ours
    signed = size >> 8 * level >= (index + 1) * WIDTH_MAX
    return signed and full.is_file() and full.stat().st_mtime <= now - GRACE_SECONDS


def _place(name: str) -> tuple[int, int]:
    tile = parse_path(name)
    return tile.level, tile.index


def _remove(folder: Path) -> int:
    widths = [path for path in folder.iterdir() if path.name.isdecimal()]
    for path in widths:
        path.unlink()
    (folder / ".tmp").unlink(missing_ok=True)
    with suppress(OSError):  # something that is not ours lies there
        folder.rmdir()
    return len(widths)
