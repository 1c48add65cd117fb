"""Transfers: their stories, and what moves with the title."""

import pytest

from ledger.circulation.asset import Asset
from ledger.circulation.transfer import Transfer
from tests.cast import Play, money
from tests.stories.stage import play_story
from tests.stories.transfer import STORIES


@pytest.mark.parametrize("name", STORIES)
def test_story(name: str) -> None:
    play_story(STORIES[name])


def test_an_acceptance_moves_the_title_and_nothing_else() -> None:
    play = Play()
    _, second = play.join("factory", "second")
    asset = play.register("factory")
    before = play.state(Asset, asset)
    transfer = play.transfer("factory", asset, "second")
    after = play.state(Asset, asset)
    changed = {name for name, value in vars(before).items() if vars(after)[name] != value}
    assert changed == {"holder", "heldSince"}
    assert (after.holder, after.heldSince) == (second, play.entries[-1].index)
    assert play.last(asset) == play.last(transfer) == play.entries[-1].id


def test_a_transfer_is_found_by_its_sides_and_its_asset() -> None:
    play = Play()
    factory, second = play.join("factory", "second")
    asset = play.register("factory")
    transfer = play.propose("factory", asset, "second", price=money(5_000_000), note="with the plant")
    assert set(play.state(Transfer, transfer).lookups()) == {
        ("asset", asset),
        ("holder", factory),
        ("to", second),
        ("status", "proposed"),
    }
    assert play.state(Transfer, transfer).note == "with the plant"


def test_a_withheld_price_stays_withheld_in_the_state() -> None:
    play = Play()
    _, second = play.join("factory", "second")
    asset = play.register("factory")
    body = {"asset": asset, "to": second, "validUntil": play.seconds + 60, "price": money(5_000_000)}
    transfer = play.act("transfer.proposed", by="factory", body=body, private=["price"]).subject
    price = play.state(Transfer, transfer).price
    assert price is not None
    assert price.keys() == {"_sd"}
