"""The folder of a ledger: what lies where, who may write it, and the last signed checkpoint.

    DIR/ledger.db         the store (beside it, while it is open, SQLite's write-ahead log)
    DIR/keys/NAME.key     the ledger's own keys: governance, service, log, refusal
    DIR/map.db            the state map (``map``), which follows from the entries
    DIR/checkpoint        the last checkpoint the ledger signed, for others to fetch; it may lag
    DIR/heads             the record of signed heads (``heads``), unless it is kept elsewhere
    DIR/ledger.db.1 ...   stores that a restore put aside; who is sure not to need them deletes them
    DIR/lock              locked by the one process that writes; it names the process to stop: its service, or itself

Whoever can read DIR/keys can sign as the ledger; keep governance.key elsewhere once the ledger is open. Whoever can
write the rest can destroy the ledger, but not change it unseen.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from ledger.errors import Unavailable, declare

declare(
    "service",
    folder_not_empty=(
        "the folder holds other things",
        "check the path: it must be empty or not there yet; where keys or heads of a ledger are in it, its store was "
        "lost: cadastre restore DIR --from SOURCE",
    ),
)

KeyName = Literal["governance", "service", "log", "refusal"]


class Folder:
    """The paths of one ledger's folder."""

    def __init__(self, path: Path) -> None:
        """For ``create`` and ``open``, which look at what is there."""
        self.path = path
        self.store = path / "ledger.db"
        self.keys = path / "keys"
        self.checkpoint = path / "checkpoint"
        self.heads = path / "heads"

    @classmethod
    def create(cls, path: Path) -> Folder:
        """A folder for a ledger, with nothing in it but an empty ``keys``; only its owner may enter it.

        Raises ``Unavailable`` and changes nothing: ``store_exists``, ``folder_not_empty``.
        """
        folder = cls(path)
        if folder.store.exists():
            raise Unavailable("store_exists", f"{folder.store} is there already")
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise Unavailable("folder_not_empty", f"{path} is not an empty folder")
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.keys.mkdir(mode=0o700)
        sync(path)
        sync(path.parent)
        return folder

    @classmethod
    def open(cls, path: Path) -> Folder:
        """The folder of a ledger. Raises ``Unavailable``: ``store_missing``."""
        folder = cls(path)
        if not folder.store.is_file():
            raise Unavailable("store_missing", f"{folder.store} is not there")
        return folder

    def key(self, name: KeyName) -> Path:
        """Where a key of the ledger lies."""
        return self.keys / f"{name}.key"

    @contextmanager
    def lock(self, owner: int | None = None) -> Iterator[None]:
        """Be the one writer for as long as the context lasts; ends with the process, however that ends.

        ``owner`` is the process to stop where somebody else wants to write, if it is not this one. Raises
        ``Unavailable``: ``store_locked``, which names it. It waits for nobody.
        """
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
                detail = f"process {holder} has {self.path}; to stop it: kill {holder}" if holder else str(self.path)
                raise Unavailable("store_locked", detail) from None
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, b"%d\n" % (owner or os.getpid()), 0)
            yield
        finally:
            os.close(descriptor)

    def write_checkpoint(self, note: bytes) -> None:
        """Replace the last signed checkpoint; after a crash there is the old one or this one, whole."""
        replace_file(self.checkpoint, note)

    def read_checkpoint(self) -> bytes | None:
        """The last checkpoint the ledger signed, or None before its first."""
        try:
            return self.checkpoint.read_bytes()
        except FileNotFoundError:
            return None


def replace_file(path: Path, data: bytes) -> None:
    """Put a file there, or in the place of the one that is there; after a crash there is either, whole."""
    temporary = path.with_name(f"{path.name}.tmp")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync(path.parent)


def sync(folder: Path) -> None:
    """Make what was created or renamed in a folder survive the death of the machine."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
