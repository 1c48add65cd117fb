"""Registering, revising and retiring assets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.scripts.house import Hands

PLAIN = ("--classification", "general", "--not-personal", "--source", "measured by ourselves")


@pytest.fixture(scope="module")
def factory(hands: Hands) -> str:
    hands.join("other")
    return hands.join("factory")


def csv(folder: Path, text: str, name: str = "spindle.csv") -> Path:
    file = folder / name
    file.write_text(text)
    return file


def body(hands: Hands, asset: str) -> dict[str, Any]:
    """What the statement says that stated the asset's latest version."""
    version = hands.json("show", hands.json("show", asset)["state"]["version"])
    stated: dict[str, Any] = hands.json("show", str(version["index"]))["claims"]["body"]
    return stated


def test_everything_that_can_be_said_of_an_asset_is_signed(hands: Hands, factory: str, tmp_path: Path) -> None:
    parent = hands.register("factory", csv(tmp_path, "1\n"))
    more = ("--title", "主轴振动数据", "--description", "rms", "--keyword", "vibration", "--keyword", "振动")
    where = ("--conforms-to", "urn:samm:io.example:1.0.0#Vibration", "--place", "CN-LN", "--derived-from", parent)
    when = ("--start", "2025-01-01", "--end", "2025-12-31", "--source-basis", "derived", "--media-type", "text/x-log")
    asset = hands.register("factory", csv(tmp_path, "2\n"), *more, *where, *when)
    stated = body(hands, asset)
    assert stated["content"].pop("sha256")
    assert stated == {
        "title": "主轴振动数据",
        "description": "rms",
        "keywords": ["vibration", "振动"],
        "content": {"size": 2, "mediaType": "text/x-log"},
        "source": {"basis": "derived", "statement": "measured by ourselves"},
        "classification": "general",
        "personal": False,
        "conformsTo": ["urn:samm:io.example:1.0.0#Vibration"],
        "temporal": {"start": 1735689600, "end": 1767225599},
        "spatial": ["CN-LN"],
        "derivedFrom": [parent],
    }
    assert hands.json("search", "振动", "--holder", factory)[0]["id"] == asset


def test_each_file_is_an_asset_and_a_folder_is_one_with_a_manifest(hands: Hands, factory: str, tmp_path: Path) -> None:
    folder = tmp_path / "line 4"
    folder.mkdir()
    files = [csv(tmp_path, "a\n", "a.csv"), csv(tmp_path, "b\n", "b.csv")]
    csv(folder, "c\n", "c.csv")
    said = hands.done("register", *files, folder, *PLAIN, by="factory")
    assert said.count("recorded: asset.registered") == 3
    assert str(tmp_path / "line 4.manifest.json") in said
    assert (tmp_path / "line 4.manifest.json").read_text().startswith('{"cadastre":"manifest/1"')
    found = hands.json("search", "line 4", "--type", "asset")
    assert set(body(hands, found[0]["id"])["content"]) == {"manifest", "files", "size"}


def test_no_manifest_is_written_where_none_is_wanted(hands: Hands, factory: str, tmp_path: Path) -> None:
    folder = tmp_path / "quiet"
    folder.mkdir()
    csv(folder, "quiet\n")
    hands.done("register", folder, *PLAIN, "--no-manifest", by="factory")
    assert not (tmp_path / "quiet.manifest.json").exists()


def test_the_same_content_twice_by_the_same_holder_is_refused(hands: Hands, factory: str, tmp_path: Path) -> None:
    file = csv(tmp_path, "once\n")
    asset = hands.register("factory", file)
    assert asset in hands.refused("already_registered", "register", file, *PLAIN, by="factory")
    assert hands.register("factory", file, "--again") != asset
    assert hands.register("other", file) != asset


def test_nothing_is_registered_if_one_of_several_is_refused(hands: Hands, factory: str, tmp_path: Path) -> None:
    known, fresh = csv(tmp_path, "known\n", "known.csv"), csv(tmp_path, "fresh\n", "fresh.csv")
    hands.register("factory", known)
    hands.refused("already_registered", "register", fresh, known, *PLAIN, by="factory")
    assert hands.json("search", "fresh.csv") == []


def test_what_the_law_asks_for_has_no_default(hands: Hands, factory: str, tmp_path: Path) -> None:
    file = csv(tmp_path, "x\n")
    for left_out in ("--classification", "--not-personal", "--source"):
        at = PLAIN.index(left_out)
        given = PLAIN[:at] + PLAIN[at + (1 if left_out == "--not-personal" else 2) :]
        hands.misused("register", file, *given, by="factory")
    hands.misused("register", tmp_path / "missing.csv", *PLAIN, by="factory")
    hands.misused("register", file, file, *PLAIN, "--title", "two", by="factory")
    hands.misused("register", file, *PLAIN, "--start", "2025-01-01", by="factory")
    hands.misused("register", file, *PLAIN, "--start", "2025-01-01", "--end", "30d", by="factory")


def test_a_revision_keeps_what_it_does_not_name(hands: Hands, factory: str, tmp_path: Path) -> None:
    asset = hands.register("factory", csv(tmp_path, "v1\n"), "--title", "Series", "--keyword", "k", "--place", "DE")
    before = body(hands, asset)
    hands.done("revise", asset, csv(tmp_path, "v2\n"), "--description", "longer", by="factory")
    after = body(hands, asset)
    assert after.pop("content") != before.pop("content")
    assert after == {**before, "description": "longer"}
    assert hands.json("show", asset)["state"]["versions"] == 2
    hands.refused("asset_unchanged", "revise", asset, csv(tmp_path, "v2\n"), by="factory")
    hands.refused("asset_not_yours", "revise", asset, csv(tmp_path, "v3\n"), by="other")
    hands.misused("revise", factory, csv(tmp_path, "v3\n"), by="factory")


def test_a_revised_derived_asset_can_be_revised_again(hands: Hands, factory: str, tmp_path: Path) -> None:
    parent = hands.register("factory", csv(tmp_path, "parent\n"))
    asset = hands.register("factory", csv(tmp_path, "child\n"), "--derived-from", parent)
    for text in ("child 2\n", "child 3\n"):
        hands.done("revise", asset, csv(tmp_path, text), by="factory")
    assert hands.json("show", asset)["state"]["derivedFrom"] == [parent]


def test_a_retired_asset_is_out_of_circulation(hands: Hands, factory: str, tmp_path: Path) -> None:
    file = csv(tmp_path, "old\n")
    asset = hands.register("factory", file)
    hands.done("retire", asset, "--reason", "superseded", by="factory")
    hands.refused("asset_retired", "revise", asset, csv(tmp_path, "new\n"), by="factory")
    hands.refused("asset_retired", "offer", asset, "--free", "--purpose", "x", "--until", "1d", by="factory")
    assert hands.register("factory", csv(tmp_path, "old\n")) != asset


def test_a_factory_that_did_not_join_is_told_to(hands: Hands, factory: str, tmp_path: Path) -> None:
    said = hands.refused("party_unknown", "register", csv(tmp_path, "x\n"), *PLAIN, by="newcomer")
    assert "cadastre join" in said
