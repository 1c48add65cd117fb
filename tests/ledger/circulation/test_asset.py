"""Assets: their stories, their versions, and where they are found."""

from typing import Any

import pytest

from ledger.circulation.asset import Asset, Version
from ledger.errors import Malformed
from tests.cast import Play, description, digest
from tests.stories.asset import STORIES
from tests.stories.stage import play_story


@pytest.mark.parametrize("name", STORIES)
def test_story(name: str) -> None:
    play_story(STORIES[name])


def test_versions_are_subjects_that_stay() -> None:
    play = Play()
    play.join("factory")
    asset = play.register("factory", title="Spindle")
    first = play.state(Asset, asset).version
    manifest = {"manifest": digest("manifest"), "files": 3, "size": 99}
    play.act("asset.revised", by="factory", sub=asset, body=description("Spindle", content=manifest))
    second = play.state(Asset, asset).version
    assert play.state(Version, first) == Version(asset, 1, digest("Spindle"), 4096, "text/csv", 1)
    assert play.state(Version, second) == Version(asset, 2, digest("manifest"), 99, None, 3)
    assert play.state(Asset, asset).sha256 == digest("manifest")
    assert set(play.state(Version, second).lookups()) == {("sha256", digest("manifest"))}


def test_an_asset_is_found_by_what_it_says() -> None:
    play = Play()
    (factory,) = play.join("factory")
    asset = play.register("factory", title="主轴振动数据", keywords=["CNC", "Fräsen"], description="Lager 3")
    state = play.state(Asset, asset)
    assert set(state.lookups()) == {
        ("keyword", "cnc"),
        ("keyword", "fräsen"),
        ("holder", factory),
        ("classification", "general"),
        ("status", "registered"),
    }
    assert {"振动", "主轴", "cnc", "fräsen", "lager", "3"} <= set(state.words())


def test_a_media_type_left_out_is_octet_stream() -> None:
    play = Play()
    play.join("factory")
    asset = play.register("factory", content={"sha256": digest("x"), "size": 0})
    assert play.state(Version, play.state(Asset, asset).version).mediaType == "application/octet-stream"


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"title": ""}, "title"),
        ({"title": "e\u0301"}, "title"),
        ({"content": {"sha256": "short", "size": 1}}, "content/sha256"),
        ({"content": {"sha256": digest("x"), "size": -1}}, "content/size"),
        ({"content": {"sha256": digest("x"), "size": 1, "mediaType": "Text/CSV"}}, "content/mediaType"),
        ({"content": {"manifest": digest("x"), "files": 0, "size": 1}}, "content/files"),
        ({"content": {"manifest": digest("x"), "sha256": digest("x"), "files": 1, "size": 1}}, "content/sha256"),
        ({"source": {"basis": "found", "statement": "on the floor"}}, "source/basis"),
        ({"source": {"basis": "produced", "statement": ""}}, "source/statement"),
        ({"classification": "secret"}, "classification"),
        ({"personal": 0}, "personal"),
        ({"temporal": {"start": 2, "end": 1}}, "temporal"),
        ({"conformsTo": ["no scheme"]}, "conformsTo/0"),
        ({"derivedFrom": ["asset_x"]}, "derivedFrom/0"),
        ({"owner": "me"}, "owner"),
    ],
)
def test_a_malformed_asset_is_refused_at_its_place(changes: dict[str, Any], pointer: str) -> None:
    play = Play()
    play.join("factory")
    with pytest.raises(Malformed) as caught:
        play.act("asset.registered", by="factory", body=description(**changes))
    assert (caught.value.code, caught.value.pointer) == ("body_malformed", f"/payload/body/{pointer}")


@pytest.mark.parametrize("field", ["title", "content", "source", "classification", "personal"])
def test_nothing_is_registered_without(field: str) -> None:
    play = Play()
    play.join("factory")
    body = description()
    del body[field]
    with pytest.raises(Malformed) as caught:
        play.act("asset.registered", by="factory", body=body)
    assert caught.value.pointer == f"/payload/body/{field}"
