"""Content on disk, as the registry knows it: one file by its digest, a folder by the digest of its manifest.

A manifest is canonical JSON (RFC 8785) that names every file of the folder by its path from there:

    {"cadastre":"manifest/1","files":[{"mediaType":"text/csv","path":"a/b.csv","sha256":"…","size":12}, …]}

sorted by path, so the same files give the same bytes on every machine. The data never leave the machine; whoever gets
them later computes the same digests.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from mimetypes import MimeTypes
from pathlib import Path
from typing import Any

from identity.canonical import b64encode, encode
from identity.errors import declare
from scripts.command import Halted
from scripts.files import keep

declare(
    "halted",
    folder_empty=("the folder holds no files", "name a file, or a folder with files"),
    folder_odd=("a folder holds what is no plain file", "take it out, or put the file itself in its place"),
    manifest_exists=(
        "the manifest of other content has this name",
        "keep that one under another name (it proves what was registered by it), or give --no-manifest",
    ),
    file_changed=("a file changed while it was read", "try again when nothing writes to it"),
)

CHUNK = 1 << 20
FORMAT = "manifest/1"

_TYPES = MimeTypes(filenames=())  # the built-in table only: the same on every machine
for _suffix, _type in {
    ".aasx": "application/asset-administration-shell-package",
    ".csv": "text/csv",
    ".dat": "application/octet-stream",
    ".json": "application/json",
    ".jsonl": "application/x-ndjson",
    ".ndjson": "application/x-ndjson",
    ".parquet": "application/vnd.apache.parquet",
    ".xml": "application/xml",
}.items():
    _TYPES.add_type(_type, _suffix)

Advance = Callable[[int], None]  # told of bytes that were hashed


@dataclass(frozen=True, slots=True)
class Content:
    """What goes into a statement (``json``), and the manifest's bytes where the content is a folder."""

    json: dict[str, Any]
    digest: str
    manifest: bytes | None = None


def media_type_of(path: Path) -> str:
    """By the file's suffix; ``application/octet-stream`` where that says nothing, or where it is compressed."""
    guessed, encoding = _TYPES.guess_type(path.name.lower())
    if encoding is not None:
        return {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}.get(
            encoding, "application/octet-stream"
        )
    return guessed or "application/octet-stream"


def size_of(path: Path) -> int:
    """Bytes to be hashed for a file or folder."""
    return sum(file.stat().st_size for file in _files_in(path)) if path.is_dir() else path.stat().st_size


def content_of(path: Path, advance: Advance, media_type: str | None = None) -> Content:
    """The content of a file or folder. Raises ``Halted``, or ``OSError``."""
    if not path.is_dir():
        file = _file(path, advance)
        return Content({**file, "mediaType": media_type or media_type_of(path)}, file["sha256"])
    files = [
        {"path": _name(file, path), **_file(file, advance), "mediaType": media_type_of(file)}
        for file in _files_in(path)
    ]
    if not files:
        raise Halted("folder_empty", f"{path} holds no files")
    files.sort(key=lambda file: file["path"])
    manifest = encode({"cadastre": FORMAT, "files": files})
    digest = b64encode(sha256(manifest).digest())
    size = sum(file["size"] for file in files)
    return Content({"manifest": digest, "files": len(files), "size": size}, digest, manifest)


def write_manifest(folder: Path, manifest: bytes) -> Path:
    """Write the manifest beside its folder, as ``NAME.manifest.json``. Never replaces that of another version."""
    folder = folder.resolve()
    path = folder.with_name(f"{folder.name}.manifest.json")
    if path.exists():
        if path.read_bytes() != manifest:
            raise Halted("manifest_exists", f"{path} is the manifest of other content")
        return path
    keep(path, manifest)
    return path


def _file(path: Path, advance: Advance) -> dict[str, Any]:
    """Digest and size of one file, which must not change meanwhile."""
    digest, size = sha256(), 0
    with path.open("rb") as file:
        before = os.fstat(file.fileno())
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
            advance(len(chunk))
        after = os.fstat(file.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or size != after.st_size:
        raise Halted("file_changed", f"{path} changed while it was read")
    return {"sha256": b64encode(digest.digest()), "size": size}


def _files_in(folder: Path) -> Iterator[Path]:
    """Every file below a folder. Links and devices are refused: what they lead to is not what was registered."""
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise Halted("folder_odd", f"{path} is neither a file nor a folder")
        if path.is_dir():
            yield from _files_in(path)
        else:
            yield path


def _name(file: Path, folder: Path) -> str:
    name = file.relative_to(folder).as_posix()
    try:
        name.encode()
    except UnicodeEncodeError:
        raise Halted("folder_odd", f"{name!a} is not UTF-8", "rename the file") from None
    return name
