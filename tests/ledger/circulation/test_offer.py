"""Offers: their stories, what they record, and where they are found."""

import pytest

from ledger.circulation.asset import Asset
from ledger.circulation.offer import Offer
from ledger.circulation.policy import digest_of
from tests.cast import POLICY, Play, description, money
from tests.stories.offer import STORIES
from tests.stories.stage import play_story


@pytest.mark.parametrize("name", STORIES)
def test_story(name: str) -> None:
    play_story(STORIES[name])


def test_an_offer_records_the_content_and_since_when_it_was_held() -> None:
    play = Play()
    factory, second = play.join("factory", "second")
    blades = play.register("factory", title="Blades")
    gears = play.register("factory", title="Gears", classification="important", keywords=["Gear", "vibration"])
    play.transfer("factory", blades, "second")
    play.transfer("second", blades, "factory")
    offer = play.offer("factory", blades, gears, price=money(5), to=[second])
    state = play.state(Offer, offer)
    assert [one["heldSince"] for one in state.assets] == [play.state(Asset, one).heldSince for one in (blades, gears)]
    assert [one["sha256"] for one in state.assets] == [play.state(Asset, one).sha256 for one in (blades, gears)]
    assert (state.policy, state.statedIn) == (digest_of(POLICY), play.entries[-1].index)
    assert set(state.lookups()) == {
        ("holder", factory),
        ("asset", blades),
        ("asset", gears),
        ("classification", "important"),
        ("status", "open"),
        ("keyword", "gear"),
        ("keyword", "vibration"),
        ("to", second),
        ("currency", "EUR"),
    }
    assert {"blades", "gears", "gear", "vibration"} == set(state.words())


def test_an_offer_of_many_assets_records_the_first_keywords_only() -> None:
    play = Play()
    play.join("factory")
    many = [[f"{letter}{number}" for number in range(32)] for letter in "ab"]
    assets = [play.register("factory", keywords=["shared", *keywords[1:]]) for keywords in many]
    state = play.state(Offer, play.offer("factory", *assets))
    assert state.keywords == ["shared", *many[0][1:]]


def test_an_offer_of_many_assets_is_found_by_the_beginning_of_every_title() -> None:
    play = Play()
    play.join("factory")
    assets = [play.register("factory", title=f"Machine{number:02} {'x' * 290}") for number in range(16)]
    state = play.state(Offer, play.offer("factory", *assets))
    assert {f"machine{number:02}" for number in range(16)} <= set(state.words())
    assert len(state.encode()) < 8_000


def test_a_withheld_price_shows_no_currency() -> None:
    play = Play()
    play.join("factory")
    asset = play.register("factory")
    offer = play.offer("factory", asset, price=money(1_250_000), private=["price"])
    state = play.state(Offer, offer)
    assert state.price is not None
    assert state.price.keys() == {"_sd"}
    assert all(name != "currency" for name, _ in state.lookups())


def test_a_revision_leaves_the_offer_as_it_was() -> None:
    play = Play()
    play.join("factory")
    asset = play.register("factory", title="Spindle")
    offer = play.offer("factory", asset)
    before = play.state(Offer, offer)
    play.act("asset.revised", by="factory", sub=asset, body=description("Spindle, line 5", classification="important"))
    assert play.state(Offer, offer) is before


def test_an_offer_advances_itself_and_not_its_assets() -> None:
    play = Play()
    play.join("factory")
    asset = play.register("factory")
    registered = play.last(asset)
    offer = play.offer("factory", asset)
    assert play.last(asset) == registered
    assert play.last(offer) == play.entries[-1].id
