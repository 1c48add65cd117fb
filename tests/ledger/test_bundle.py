"""Bundles: a whole ledger in one file, the same bytes for the same ledger, and no byte of it can change unseen."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from ledger.archive import write_archive
from ledger.audit import StoreSource, Verdict, Workers, audit, open_folder
from ledger.bundle import export, open_bundle
from ledger.errors import Corrupt, Malformed, Problem, Unavailable
from ledger.log.tile import format_bundle
from ledger.store.memory import MemoryStore
from tests.cast import life
from tests.ledger.golden.make import BUNDLE, VERDICT
from tests.ledger.written import busy, write, write_folder

HERE = Workers(0)


def judged(path: Path) -> Verdict:
    with open_bundle(path) as source:
        return audit(source, HERE)


@pytest.fixture(scope="module")
def source() -> StoreSource:
    store = MemoryStore()
    return StoreSource(store, write(life(), store))


@pytest.fixture(scope="module")
def bundle(source: StoreSource, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundle") / "life.bundle"
    export(source, path)
    return path


# ---- The golden bundle -------------------------------------------------------------------------------------


def test_the_golden_bundle_is_replayed_as_it_was_when_it_was_made() -> None:
    assert judged(BUNDLE).line() == VERDICT.read_text().rstrip("\n")


# ---- Export ------------------------------------------------------------------------------------------------


def test_a_bundle_is_as_consistent_as_its_ledger(bundle: Path, source: StoreSource) -> None:
    assert judged(bundle) == audit(source, HERE)
    assert judged(bundle).word == "consistent"


def test_the_same_ledger_gives_the_same_bytes_from_whatever_keeps_it(bundle: Path, tmp_path: Path) -> None:
    folder = write_folder(life(), tmp_path / "ledger")
    with open_folder(folder.path) as source:
        export(source, tmp_path / "again")
    with open_bundle(bundle) as again:
        export(again, tmp_path / "copy")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "copy").read_bytes() == bundle.read_bytes()


def test_entries_come_256_to_a_member(tmp_path: Path) -> None:
    store = MemoryStore()
    export(StoreSource(store, write(busy(600), store)), tmp_path / "bundle")
    with zipfile.ZipFile(tmp_path / "bundle") as archive:
        names = archive.namelist()
    entries = ["tile/entries/000", "tile/entries/001", "tile/entries/002.p/88"]
    assert names == ["checkpoint", *entries, "state.ndjson"]
    assert judged(tmp_path / "bundle").size == 600


def test_a_bundle_shows_no_private_value(bundle: Path) -> None:
    disclosed = {text for played in life().entries for text in played.statement.disclosures}
    data = bundle.read_bytes()
    assert disclosed
    assert all(text.encode() not in data for text in disclosed)


def test_a_ledger_that_has_signed_nothing_has_no_bundle(tmp_path: Path) -> None:
    store = MemoryStore()
    write(life(), store)
    with pytest.raises(Unavailable) as unsigned:
        export(StoreSource(store, None), tmp_path / "bundle")
    assert unsigned.value.code == "bundle_unsigned"
    assert list(tmp_path.iterdir()) == []


def test_an_export_that_fails_leaves_what_was_there(source: StoreSource, tmp_path: Path) -> None:
    class Damaged(StoreSource):
        def subjects(self):  # type: ignore[no-untyped-def]
            yield from [(*row[:5], b"not JSON") for row in super().subjects()]

    damaged = Damaged(source.store, source.checkpoint)
    (tmp_path / "bundle").write_bytes(b"mine")
    with pytest.raises(Corrupt) as corrupt:
        export(damaged, tmp_path / "bundle")
    assert corrupt.value.subject is not None
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"mine"]


# ---- Reading what others may have put together -------------------------------------------------------------


def test_every_flipped_byte_is_found(bundle: Path, tmp_path: Path) -> None:
    data, path = bundle.read_bytes(), tmp_path / "flipped"
    for place in range(0, len(data), 97):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        try:
            word = judged(path).word
        except Malformed:
            continue
        assert word in ("corrupt", "diverged"), f"byte {place}"


def rewritten(bundle: Path, path: Path, **changes: bytes) -> Path:
    """The bundle with other data in some members, and all checksums right."""
    with zipfile.ZipFile(bundle) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for name, data in changes.items():
        members[next(member for member in members if member.startswith(name))] = data
    with path.open("wb") as file:
        write_archive(file, ((name, [data]) for name, data in members.items()))
    return path


def members_of(bundle: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(bundle) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_every_flipped_byte_of_the_data_is_found_under_right_checksums(bundle: Path, tmp_path: Path) -> None:
    for name, data in members_of(bundle).items():
        for place in range(3, len(data), 211):
            flipped = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
            try:
                word = judged(rewritten(bundle, tmp_path / "flipped", **{name: flipped})).word
            except Problem:
                continue
            assert word in ("corrupt", "diverged"), f"byte {place} of {name}"


def test_a_state_that_is_not_the_entries(bundle: Path, tmp_path: Path) -> None:
    lines = members_of(bundle)["state.ndjson"].splitlines(keepends=True)
    for altered in (
        b"".join(lines[:-1]),
        b"".join(lines[::-1]),
        b"".join([*lines, lines[-1]]),
        b"".join(lines).replace(b"registered", b"retired"),
        b"".join(lines)[:-1],
        b"".join(lines).replace(b',"no"', b', "no"'),
        b"{}\n" + b"".join(lines),
        b"",
    ):
        verdict = judged(rewritten(bundle, tmp_path / "altered", state=altered))
        assert (verdict.word, verdict.size) == ("corrupt", 31)


def test_a_line_without_end(bundle: Path, tmp_path: Path) -> None:
    endless = members_of(bundle)["state.ndjson"] + b"x" * 3_000_000
    verdict = judged(rewritten(bundle, tmp_path / "altered", state=endless))
    assert (verdict.word, verdict.reason) == ("corrupt", "bundle_wrong")


def test_an_altered_state_names_its_subject(bundle: Path, tmp_path: Path) -> None:
    lines = members_of(bundle)["state.ndjson"].splitlines(keepends=True)
    name = lines[5].split(b'"')[3].decode()
    lines[5] = lines[5].replace(b'"index":', b'"index":1')
    verdict = judged(rewritten(bundle, tmp_path / "altered", state=b"".join(lines)))
    assert (verdict.word, verdict.subject) == ("corrupt", name)


def test_bundles_of_entries_that_are_none(bundle: Path, tmp_path: Path) -> None:
    for entries in (b"", b"\0", b"\0\1", format_bundle([b"x"] * 30), format_bundle([b"x"] * 31)):
        verdict = judged(rewritten(bundle, tmp_path / "altered", tile=entries))
        assert (verdict.word, verdict.index) == ("corrupt", 0)


@pytest.mark.parametrize(
    "names",
    [
        [],
        ["checkpoint", "state.ndjson"],
        ["checkpoint", "tile/entries/000.p/31"],
        ["state.ndjson", "tile/entries/000.p/31", "checkpoint"],
        ["checkpoint", "tile/entries/001.p/31", "state.ndjson"],
        ["checkpoint", "tile/entries/000.p/256", "state.ndjson"],
        ["checkpoint", "tile/0/000.p/31", "state.ndjson"],
        ["checkpoint", "tile/entries/000.p/9", "tile/entries/001.p/31", "state.ndjson"],
        ["checkpoint", "../../etc/passwd", "state.ndjson"],
        ["checkpoint", "tile/entries/000.p/31", "state.ndjson", "more"],
    ],
)
def test_other_members_than_a_bundle_has(names: list[str], tmp_path: Path) -> None:
    file = io.BytesIO()
    write_archive(file, ((name, [b"x"]) for name in names))
    path = tmp_path / "bundle"
    path.write_bytes(file.getvalue())
    with pytest.raises(Malformed if "checkpoint" in names[:1] else (Malformed, Unavailable)), open_bundle(path):
        pass


def test_a_file_that_never_was_a_bundle_is_not_called_a_damaged_one(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    path.write_text("checkpoint\n" * 99)
    with pytest.raises(Unavailable) as alien, open_bundle(path):
        pass
    assert alien.value.code == "not_a_bundle"


def test_no_bundle_at_all(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as missing, open_bundle(tmp_path / "bundle"):
        pass
    assert missing.value.code == "bundle_missing"
