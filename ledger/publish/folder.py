"""Publishing into a folder that a web server shows, or people copy.

Each file is written under another name in its own folder, synced, and renamed; folders are synced before the
checkpoint is replaced. So a file that is seen is whole, and whatever a checkpoint stands for survives with it.
``DIR/.lock`` is locked while a pass runs; a ``.tmp`` may be left in a folder by one that died.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import ExitStack
from pathlib import Path

from ledger.errors import Corrupt, Unavailable
from ledger.store.files import sync

CHECKPOINT = "checkpoint"


class Disk:
    """The file system, in the steps that a crash may come between."""

    def read(self, path: Path) -> bytes | None:
        """The bytes of a file, None if it is not there."""
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None

    def make(self, folder: Path) -> None:
        """A folder with all above it; nothing if it is there. Others may read it."""
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)

    def write(self, path: Path, data: bytes) -> None:
        """A file with these bytes, in the place of any other; a crash may leave any part of it."""
        path.write_bytes(data)

    def sync(self, path: Path) -> None:
        """The bytes of a file survive a crash."""
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, source: Path, target: Path) -> None:
        """Give a file another name, in the place of any other file of that name."""
        source.replace(target)

    def sync_folder(self, folder: Path) -> None:
        """The names in a folder survive a crash."""
        sync(folder)

    def lock(self, path: Path, held: ExitStack) -> None:
        """Lock a file until ``held`` is closed, or the process ends. Raises ``BlockingIOError``, waits for nobody."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        held.callback(os.close, descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class FolderTarget:
    """A folder as a ``Target``. It is made, if it is not there, by the first pass."""

    def __init__(self, path: Path, disk: Disk | None = None) -> None:
        self.path = path
        self._disk = disk or Disk()
        self._held = ExitStack()
        self._touched: set[Path] = set()  # folders whose names are to survive

    def begin(self) -> bytes | None:
        self._disk.make(self.path)
        with ExitStack() as held:
            try:
                self._disk.lock(self.path / ".lock", held)
            except BlockingIOError:
                raise Unavailable("publish_raced", str(self.path)) from None
            self._held = held.pop_all()
        self._touched = {self.path, self.path.parent}
        return self._disk.read(self.path / CHECKPOINT)

    def has(self, name: str) -> bool:
        path = self.path / name
        if self._disk.read(path) is None:
            return False
        self._touch(path)  # it may be there only until the machine dies
        return True

    def create(self, name: str, data: bytes) -> bool:
        path = self.path / name
        found = self._disk.read(path)
        if found is not None and found != data:
            raise Corrupt("published_other_bytes", str(path))
        self._touch(path)
        if found is None:
            self._disk.make(path.parent)
            self._write(path, data)
        return found is None

    def settle(self) -> None:
        for folder in sorted(self._touched, key=lambda folder: len(folder.parts), reverse=True):
            self._disk.sync_folder(folder)
        self._touched.clear()

    def replace(self, checkpoint: bytes) -> None:
        self._write(self.path / CHECKPOINT, checkpoint)
        self._disk.sync_folder(self.path)

    def end(self) -> None:
        self._held.close()

    def _write(self, path: Path, data: bytes) -> None:
        temporary = path.parent / ".tmp"
        self._disk.write(temporary, data)
        self._disk.sync(temporary)
        self._disk.rename(temporary, path)

    def _touch(self, path: Path) -> None:
        for folder in path.relative_to(self.path).parents:
            self._touched.add(self.path / folder)
