"""Files that commands make: whole and durable, and never in place of another unless that is what was asked for."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EEXIST
from pathlib import Path
from typing import BinaryIO


def keep(path: Path, data: bytes) -> None:
    """Write a new file; it is on the disk when this returns. Raises ``FileExistsError``: nothing is overwritten."""
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def made_whole(path: Path, mode: int = 0o600) -> Iterator[BinaryIO]:
    """A file to write, which gets its name when the context ends without an error; else nothing of it stays.

    Until then it has no name at all where the system knows such files, so that nothing stays of a process that is
    killed either. Only its owner may read it, unless the mode says otherwise. Raises ``FileExistsError``: nothing is
    overwritten.
    """
    handle, part = _unnamed(path.parent, mode), None
    if handle is None:
        part = path.with_name(f".cadastre-{secrets.token_hex(8)}.part")
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                yield file
                file.flush()
                os.fsync(handle)
                _name(part or Path(f"/proc/self/fd/{handle}"), path, folder)
                os.fsync(folder)  # a file is durable only when its name is
            finally:
                os.close(folder)
    finally:
        if part is not None:
            part.unlink(missing_ok=True)


def _unnamed(folder: Path, mode: int) -> int | None:
    """A file in this folder that has no name (open(2), O_TMPFILE), to write; None where there is no such thing."""
    if not hasattr(os, "O_TMPFILE") or not Path("/proc/self/fd").is_dir():
        return None
    try:
        return os.open(folder, os.O_WRONLY | os.O_TMPFILE, mode)
    except OSError:  # of the file system; what is wrong with the folder is told by what is tried instead
        return None


def replace(path: Path, data: bytes) -> None:
    """Put other bytes in place of those of a file, all of them or none; whoever might read it may do so still."""
    part = path.with_name(f".cadastre-{secrets.token_hex(8)}.part")
    mode = path.stat().st_mode & 0o777
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), mode)  # whatever the umask
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _name(part: Path, path: Path, folder: int) -> None:
    """Give a file its name, if nothing has it yet. ``folder``: the descriptor of its folder."""
    try:
        os.link(part, path.name, dst_dir_fd=folder)  # by linkat(2), which follows the link to a file without a name
    except FileExistsError:
        raise FileExistsError(EEXIST, os.strerror(EEXIST), str(path)) from None
    except OSError:  # a file system without hard links
        if os.path.lexists(path):
            raise FileExistsError(EEXIST, os.strerror(EEXIST), str(path)) from None
        part.rename(path)
