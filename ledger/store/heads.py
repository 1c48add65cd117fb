"""The record of signed heads: the last checkpoint a ledger signed, kept outside its store.

A store that is restored from a backup looks whole, and has forgotten what was signed after the backup was made; to go
on from there would be to sign two histories. So each checkpoint is written down here before anybody is told of it, and
a store that does not extend it is not taken up (``ledger.append.Writer``). The record helps as far as it is kept apart
from the store: on another disk, it survives the restore of the first.

    a file of two slots, written in turn; a slot is          "cadastre/head\\n" · length of the note, 4 bytes ·
    8,192 bytes, and what is not filled is zero              SHA-256 of the note · the note

A write that is torn by a crash spoils one slot, and the other has the head before, which nobody had been told was not
the last.
"""

from __future__ import annotations

import fcntl
import os
from hashlib import sha256
from pathlib import Path

from identity.errors import Problem
from identity.note import parse_note
from ledger.errors import Corrupt, Unavailable, declare
from ledger.log.checkpoint import parse_checkpoint
from ledger.store.files import Folder, sync

SLOT = 8_192  # bytes
_MAGIC = b"cadastre/head\n"
_HEAD = len(_MAGIC) + 4 + 32
NOTE_MAX = SLOT - _HEAD

declare(
    "corrupt",
    heads_corrupt=(
        "the record of signed heads cannot be read",
        "compare the store with a mirror or witnesses, and put the record aside: cadastre restore DIR --from SOURCE",
    ),
)
declare(
    "service",
    head_unrecorded=("the signed head could not be recorded", "free the disk that keeps the record of heads"),
)


class Heads:
    """A record of heads that is open for writing, by one process: two copies of a ledger cannot both write there."""

    def __init__(self, path: Path) -> None:
        """Opens the record, and makes it where it is not there.

        Raises ``Corrupt`` and ``Unavailable`` (``store_locked``, ``head_unrecorded``).
        """
        try:
            self.is_new = not path.exists()
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Unavailable("head_unrecorded", f"{path}: {error.strerror}") from None
        try:
            self._lock(path)
            if self.is_new:
                os.ftruncate(self._file, 2 * SLOT)
                os.fsync(self._file)
                sync(path.parent)
            self._slots = _slots_in(os.pread(self._file, 2 * SLOT, 0), path)
        except BaseException:
            self.close()
            raise

    def _lock(self, path: Path) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unavailable("store_locked", f"another process records its heads in {path}") from None
        except OSError as error:
            raise Unavailable("head_unrecorded", f"{path}: {error.strerror}") from None

    @property
    def last(self) -> bytes | None:
        """The checkpoint that was recorded last, or None in a record that has none yet."""
        return _last_of(self._slots)

    def record(self, note: bytes) -> None:
        """Write a checkpoint down; it is on the disk when this returns. Cost: one fdatasync.

        Raises ``Unavailable`` (``head_unrecorded``).
        """
        older = min(range(2), key=lambda place: -1 if (known := self._slots[place]) is None else _size_of(known))
        if len(note) > NOTE_MAX:
            raise Unavailable("head_unrecorded", f"the checkpoint has {len(note)} bytes")
        data = _MAGIC + len(note).to_bytes(4) + sha256(note).digest() + note
        try:
            os.pwrite(self._file, data.ljust(SLOT, b"\0"), older * SLOT)
            os.fdatasync(self._file)
        except OSError as error:
            raise Unavailable("head_unrecorded", error.strerror or str(error)) from None
        self._slots[older] = note

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)


def last_head(path: Path) -> bytes | None:
    """The checkpoint recorded last in a file that may be written meanwhile; None where there is none, or no file.

    Raises ``Corrupt``, and ``OSError`` where it cannot be read.
    """
    return _last_of(_slots_in(path.read_bytes(), path)) if path.exists() else None


def last_signed(folder: Folder) -> bytes | None:
    """The last checkpoint that is known in a ledger's folder: its checkpoint file lags behind its record of heads.

    Raises what :func:`last_head` raises, and ``Malformed`` for a checkpoint file that holds none.
    """
    known = [note for note in (folder.read_checkpoint(), last_head(folder.heads)) if note is not None]
    return max(known, key=_size_of, default=None)


def _last_of(slots: list[bytes | None]) -> bytes | None:
    return max((note for note in slots if note is not None), key=_size_of, default=None)


def _slots_in(data: bytes, path: Path) -> list[bytes | None]:
    slots = [_note_in(data[place * SLOT : (place + 1) * SLOT]) for place in range(2)]
    if slots == [None, None] and any(data[: 2 * SLOT]):
        raise Corrupt("heads_corrupt", f"{path}: neither of its notes is whole")
    return slots


def _note_in(slot: bytes) -> bytes | None:
    """The checkpoint in a slot; None where there is none, or not a whole one."""
    length = int.from_bytes(slot[len(_MAGIC) : len(_MAGIC) + 4])
    note = slot[_HEAD : _HEAD + length]
    if not slot.startswith(_MAGIC) or sha256(note).digest() != slot[len(_MAGIC) + 4 : _HEAD]:
        return None
    try:
        _size_of(note)
    except Problem:
        return None
    return note


def _size_of(note: bytes) -> int:
    return parse_checkpoint(parse_note(note).text).size
