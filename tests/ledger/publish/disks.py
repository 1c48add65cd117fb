"""A file system in memory that can crash between and within any two steps, and then keeps what a real one might.

What is certain after a crash: bytes that were synced, names that were there when their folder was synced. All else is
decided by the way it crashed:

    lost        it is gone
    kept        it is all there
    torn        every name is there, bytes that were not synced are cut in half
    odd, even   every other name is there, bytes that were not synced are cut in half
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from ledger.publish.folder import Disk

ROOT = Path("/public")
WAYS = ("lost", "kept", "torn", "odd", "even")


class Crash(Exception):
    """The machine died."""


@dataclass
class Inode:
    """The bytes of a file, and those of them that are safe."""

    data: bytes
    safe: bytes = b""


class CrashDisk(Disk):
    """``crash_at``: the step that is begun and never answered."""

    def __init__(self, crash_at: int | None = None) -> None:
        self.crash_at = crash_at
        self.steps = 0
        self.names: dict[Path, Inode | None] = {}  # None: a folder
        self.safe: dict[Path, Inode | None] = {}
        self.changed: dict[Path, set[Path]] = defaultdict(set)  # by folder: names that differ from the safe ones
        self.locked = False

    def files(self) -> dict[str, bytes]:
        """What a reader sees."""
        return {
            str(path.relative_to(ROOT)): inode.data
            for path, inode in self.names.items()
            if inode is not None and path.name not in (".tmp", ".lock")
        }

    def get(self, name: str) -> bytes | None:
        return self.read(ROOT / name)

    def crashed(self, way: str) -> CrashDisk:
        """The disk after the machine has started again."""
        names = dict(self.safe) if way == "lost" else dict(self.names)
        if way in ("odd", "even"):
            names = {
                path: inode
                for path, inode in names.items()
                if path in self.safe or sum(str(path).encode()) % 2 == (way == "odd")
            } | {path: self.safe[path] for path in self.safe.keys() - names.keys()}
        after = CrashDisk()
        for path, inode in names.items():
            if any(above != ROOT.parent and above not in names for above in path.parents if above.is_relative_to(ROOT)):
                continue
            if inode is None:
                after.names[path] = None
            elif way == "lost":
                after.names[path] = Inode(inode.safe, inode.safe)
            elif way == "kept" or inode.data == inode.safe:
                after.names[path] = Inode(inode.data, inode.data)
            else:
                cut = inode.data[: len(inode.data) // 2]
                after.names[path] = Inode(cut, cut)
        after.safe = dict(after.names)
        return after

    def killed(self, crash_at: int | None = None) -> CrashDisk:
        """The disk after only the process has died: all is there, and no safer than before."""
        after = CrashDisk(crash_at)
        after.names, after.safe, after.changed = self.names, self.safe, self.changed
        return after

    def _step(self) -> None:
        self.steps += 1
        if self.steps == self.crash_at:
            raise Crash

    def _name(self, path: Path, inode: Inode | None) -> None:
        self.names[path] = inode
        self.changed[path.parent].add(path)

    # -- Disk ------------------------------------------------------------------------------------------------

    def read(self, path: Path) -> bytes | None:
        inode = self.names.get(path)
        return None if inode is None else inode.data

    def make(self, folder: Path) -> None:
        for one in reversed([folder, *folder.parents]):
            if one.is_relative_to(ROOT) and one not in self.names:
                self._name(one, None)
                self._step()

    def write(self, path: Path, data: bytes) -> None:
        assert path.parent in self.names
        self._name(path, Inode(data))
        self._step()

    def sync(self, path: Path) -> None:
        self._step()
        inode = self.names[path]
        assert inode is not None
        inode.safe = inode.data

    def rename(self, source: Path, target: Path) -> None:
        self._name(target, self.names.pop(source))
        self.changed[source.parent].add(source)
        self._step()

    def sync_folder(self, folder: Path) -> None:
        self._step()
        assert folder == ROOT.parent or folder in self.names
        for path in self.changed.pop(folder, ()):
            if path in self.names:
                self.safe[path] = self.names[path]
            else:
                self.safe.pop(path, None)

    def lock(self, path: Path, held: ExitStack) -> None:
        if self.locked:
            raise BlockingIOError
        self.locked = True
        held.callback(setattr, self, "locked", False)
