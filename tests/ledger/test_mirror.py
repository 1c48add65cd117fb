"""A published log as a source: audited from its files alone; every damaged or missing file is found out."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.audit import Verdict, Workers, audit
from ledger.errors import Malformed, Problem, Unavailable
from ledger.mirror import MirrorSource, is_published, open_published
from ledger.publish import publish_folder, target_at
from tests.api.house import House
from tests.ledger.publish import outside

SIZE = 300


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published log of 300 entries, whose ledger is gone."""
    room = tmp_path_factory.mktemp("mirror")
    house = House.build(room / "ledger")
    house.play.join("factory")
    for number in range(SIZE - 2):
        house.play.register("factory", title=f"number {number}")
    with house.served(publish_seconds=0) as client:
        house.tell(client)
        note = client.get("/checkpoint").content
    publish_folder(house.folder.path, target_at(str(room / "public")), note)
    shutil.rmtree(house.folder.path)
    return room / "public"


@pytest.fixture
def public(original: Path, tmp_path: Path) -> Path:
    """A copy of it to be damaged."""
    return Path(shutil.copytree(original, tmp_path / "public"))


def judge(source: MirrorSource) -> Verdict:
    with Workers(0) as none:
        return audit(source, none)


def test_a_published_log_is_audited_from_its_files_alone(original: Path) -> None:
    assert is_published(original)
    source = open_published(original)
    verdict = judge(source)
    size, root = outside.audit(lambda name: (original / name).read_bytes())
    assert (verdict.word, verdict.size, verdict.root) == ("consistent", size, root)
    assert source.entry(SIZE) is source.entry(-1) is None
    assert source.leaf(299) == outside.leaf(source.entry(299) or b"")


def test_the_full_files_will_do_where_partial_ones_are_gone(public: Path) -> None:
    note = (public / "checkpoint").read_bytes()
    source = open_published(public)
    for sort in ("0", "entries"):
        partial = public / f"tile/{sort}/001.p/44"
        grown = partial.read_bytes() + (bytes(32) if sort == "0" else b"\0\1x")
        partial.unlink()
        (public / f"tile/{sort}/001").write_bytes(grown)
    assert judge(source).word == "consistent"
    assert source.checkpoint == note
    assert len(list(source.chunks())[-1].entries) == 44


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


DAMAGE: dict[str, tuple[Callable[[Path], object], str, str, int | None]] = {
    "a bundle is gone": (lambda p: (p / "tile/entries/000").unlink(), "corrupt", "entry_missing", 0),
    "the last bundle is gone": (lambda p: (p / "tile/entries/001.p/44").unlink(), "corrupt", "entry_missing", 256),
    "a bundle is cut": (lambda p: _cut(p / "tile/entries/001.p/44", 1), "corrupt", "bundle_malformed", 256),
    "a bundle lacks its last entry": (lambda p: _drop(p / "tile/entries/001.p/44"), "corrupt", "bundle_malformed", 256),
    "a tile is gone": (lambda p: (p / "tile/0/000").unlink(), "corrupt", "leaf_other", 0),
    "a tile is altered": (lambda p: flip(p / "tile/0/001.p/44", 33), "corrupt", "leaf_other", 257),
    "a tile above is altered": (lambda p: flip(p / "tile/1/000.p/1", 0), "corrupt", "leaf_other", 0),
    "a tile is cut": (lambda p: _cut(p / "tile/0/000", 32), "corrupt", "leaf_other", 255),
    "the checkpoint's root is altered": (
        lambda p: _replace(p / "checkpoint", 2, "A" * 43 + "="),
        *("corrupt", "note_signature_invalid", None),
    ),
    "the checkpoint's size is altered": (
        lambda p: _replace(p / "checkpoint", 1, "301"),
        *("corrupt", "entry_missing", 256),
    ),
    "the checkpoint's size is without end": (
        lambda p: _replace(p / "checkpoint", 1, str(2**62)),
        *("corrupt", "entry_missing", 256),
    ),
}


def _cut(path: Path, count: int) -> None:
    path.write_bytes(path.read_bytes()[:-count])


def _drop(path: Path) -> None:
    data = path.read_bytes()
    start = at = 0
    while at < len(data):
        start, at = at, at + 2 + int.from_bytes(data[at : at + 2])
    path.write_bytes(data[:start])


def _replace(path: Path, line: int, text: str) -> None:
    lines = path.read_text().split("\n")
    lines[line] = text
    path.write_text("\n".join(lines))


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_found_and_named(public: Path, name: str) -> None:
    damage, word, reason, index = DAMAGE[name]
    damage(public)
    verdict = judge(open_published(public))
    assert (verdict.word, verdict.reason, verdict.index) == (word, reason, index)


@pytest.mark.parametrize("at", range(100, 200_000, 19_001))
def test_any_flipped_byte_of_an_entry_is_found(public: Path, at: int) -> None:
    path = public / "tile/entries/000"
    at %= path.stat().st_size
    flip(path, at)
    verdict = judge(open_published(public))
    assert verdict.word == "corrupt"
    assert verdict.index is not None
    assert verdict.index < 257


def test_files_of_any_length_are_not_read_whole(public: Path) -> None:
    with (public / "tile/0/000").open("r+b") as file:
        file.truncate(2**40)
    verdict = judge(open_published(public))
    assert (verdict.word, verdict.index) == ("corrupt", 0)
    with (public / "checkpoint").open("r+b") as file:
        file.truncate(2**40)
    with pytest.raises(Malformed):
        open_published(public)


def test_what_is_no_published_log(tmp_path: Path, public: Path) -> None:
    assert not is_published(tmp_path)
    shutil.rmtree(public / "tile/entries")
    with pytest.raises(Unavailable, match="mirror_entries_absent"):
        open_published(public)
    (public / "tile/entries").mkdir()
    (public / "ledger.db").touch()
    assert not is_published(public)  # a ledger published into its own folder is audited as a ledger
    for text in (b"", b"nothing\n"):
        (public / "checkpoint").write_bytes(text)
        with pytest.raises(Malformed):
            open_published(public)
    (public / "checkpoint").unlink()
    with pytest.raises(Problem, match="checkpoint_malformed"):
        open_published(public)
