"""Content on disk: digests, media types, and manifests that come out the same everywhere."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

import orjson
import pytest
import rfc8785

from identity.canonical import b64encode
from scripts.command import Halted
from scripts.content import Content, content_of, media_type_of, size_of, write_manifest

FILES = {"b.csv": b"1,2\n", "a/z.json": b"{}", "a/ä 振动.dat": b"\0" * 3_000_000, "c": b""}


def ignore(_: int) -> None:
    return None


def folder_of(path: Path, names: list[str]) -> Path:
    for name in names:
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(FILES[name])
    return path


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("x.csv", "text/csv"),
        ("X.CSV", "text/csv"),
        ("x.json", "application/json"),
        ("x.aasx", "application/asset-administration-shell-package"),
        ("x.dat", "application/octet-stream"),
        ("x.parquet", "application/vnd.apache.parquet"),
        ("x.txt", "text/plain"),
        ("x.csv.gz", "application/gzip"),
        ("x.tar.xz", "application/x-xz"),
        ("x.unheard-of", "application/octet-stream"),
        ("x", "application/octet-stream"),
    ],
)
def test_the_media_type_follows_from_the_suffix_alone(name: str, media_type: str) -> None:
    assert media_type_of(Path(name)) == media_type


def test_a_file_is_known_by_digest_size_and_type(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_bytes(b"a" * 2_500_000)
    hashed: list[int] = []
    content = content_of(file, hashed.append)
    digest = b64encode(sha256(b"a" * 2_500_000).digest())
    assert content == Content({"sha256": digest, "size": 2_500_000, "mediaType": "text/csv"}, digest)
    assert sum(hashed) == size_of(file) == 2_500_000
    assert content_of(file, ignore, "text/plain").json["mediaType"] == "text/plain"


def test_the_manifest_depends_on_names_and_bytes_only(tmp_path: Path) -> None:
    one = content_of(folder_of(tmp_path / "one", list(FILES)), ignore)
    two = content_of(folder_of(tmp_path / "two", list(reversed(FILES))), ignore)
    assert one == two
    assert one.manifest is not None
    assert one.manifest == rfc8785.dumps(orjson.loads(one.manifest))
    listed = orjson.loads(one.manifest)["files"]
    assert [file["path"] for file in listed] == sorted(FILES)
    assert {file["path"]: file["sha256"] for file in listed} == {
        name: b64encode(sha256(data).digest()) for name, data in FILES.items()
    }
    digest = b64encode(sha256(one.manifest).digest())
    assert one.json == {"manifest": digest, "files": 4, "size": sum(map(len, FILES.values()))}


@pytest.mark.parametrize("name", list(FILES))
def test_another_byte_or_name_is_another_manifest(tmp_path: Path, name: str) -> None:
    folder = folder_of(tmp_path / "x", list(FILES))
    before = content_of(folder, ignore).digest
    (folder / name).write_bytes(FILES[name] + b"!")
    other_bytes = content_of(folder, ignore).digest
    (folder / name).write_bytes(FILES[name])
    (folder / name).rename(folder / "renamed")
    assert len({before, other_bytes, content_of(folder, ignore).digest}) == 3


def test_a_manifest_is_written_beside_its_folder_and_never_replaced(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "line 4", ["b.csv"])
    manifest = content_of(folder, ignore).manifest
    assert manifest is not None
    path = write_manifest(folder, manifest)
    assert path == tmp_path / "line 4.manifest.json"
    assert path.read_bytes() == manifest
    assert write_manifest(folder, manifest) == path
    with pytest.raises(Halted) as halted:
        write_manifest(folder, manifest + b" ")
    assert halted.value.code == "manifest_exists"
    assert path.read_bytes() == manifest


def empty(folder: Path) -> None:
    (folder / "only-a-folder").mkdir()


def link(folder: Path) -> None:
    (folder / "x").symlink_to("/etc/hostname")


def pipe(folder: Path) -> None:
    os.mkfifo(folder / "x")


def not_utf8(folder: Path) -> None:
    (folder / os.fsdecode(b"\xff.csv")).write_bytes(b"")


@pytest.mark.parametrize(
    ("prepare", "code"),
    [(empty, "folder_empty"), (link, "folder_odd"), (pipe, "folder_odd"), (not_utf8, "folder_odd")],
)
def test_folders_that_cannot_be_stated_are_refused(tmp_path: Path, prepare: object, code: str) -> None:
    prepare(tmp_path)  # type: ignore[operator]
    with pytest.raises(Halted) as halted:
        content_of(tmp_path, ignore)
    assert halted.value.code == code


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    file.write_bytes(b"1\n")

    def grow(_: int) -> None:
        with file.open("ab") as more:
            more.write(b"2\n" if file.stat().st_size < 10 else b"")

    with pytest.raises(Halted) as halted:
        content_of(file, grow)
    assert halted.value.code == "file_changed"
