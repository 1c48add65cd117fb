"""Passing assets on: by both signatures, with the licences named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scripts.house import Hands


@pytest.fixture(scope="module")
def second(hands: Hands) -> str:
    hands.join("factory")
    hands.join("stranger")
    return hands.join("second")


@pytest.fixture
def asset(hands: Hands, second: str, tmp_path: Path) -> str:
    file = tmp_path / "spindle.csv"
    file.write_text("1\n")
    return hands.register("factory", file, "--again")


def propose(hands: Hands, asset: str, to: str, *more: str) -> str:
    return str(hands.json("transfer", asset, "--to", to, *more, by="factory")["subject"])


def holder(hands: Hands, asset: str) -> str:
    return str(hands.json("show", asset)["state"]["holder"])


def test_an_asset_passes_on_when_the_other_side_accepts(hands: Hands, second: str, asset: str) -> None:
    transfer = propose(hands, asset, second, "--price", "5000 EUR", "--note", "with the plant")
    assert holder(hands, asset) != second
    hands.refused("transfer_not_to_you", "accept", transfer, "--licences", "0", by="stranger")
    said = hands.done("accept", transfer, "--licences", "0", by="second")
    assert asset in said
    assert holder(hands, asset) == second
    hands.refused("transfer_closed", "accept", transfer, "--licences", "0", by="second")


def test_licences_are_confirmed_by_number_or_by_answer(hands: Hands, second: str, asset: str) -> None:
    offer = hands.offer("factory", asset)
    agreement = hands.json("request", offer, by="stranger")["agreement"]
    for by in ("factory", "stranger", "factory"):
        hands.done("agree", agreement, by=by)
    transfer = propose(hands, asset, second)
    assert "carries 1" in hands.refused("licences_other", "accept", transfer, "--licences", "0", by="second")
    said = hands.refused("not_confirmed", "accept", transfer, by="second", typed="n\n")
    assert "carries 1 licences" in said
    assert holder(hands, asset) != second
    hands.done("accept", transfer, by="second", typed="y\n")
    assert holder(hands, asset) == second


def test_a_price_is_told_before_it_is_signed_and_not_signed_unread(hands: Hands, second: str, asset: str) -> None:
    accepted = ("--licences", "0")
    private = ("--price", "5000 EUR", "--hide", "price")
    erased = propose(hands, asset, second, *private)
    hands.done("erase", erased, "--all", "--code", "gdpr-17", "--ground", "asked", by="factory")
    told = hands.refused("price_withheld", "accept", erased, *accepted, by="second")
    assert f"next: decline it, and ask the holder to propose it anew: cadastre decline {erased}" in told
    hidden = propose(hands, asset, second, *private)
    hands.refused("price_withheld", "accept", hidden, *accepted, by="stranger")
    said = hands.run("accept", hidden, by="second", typed="n\n").stderr
    assert said.index("the price is private: 5000.00 EUR\n") < said.index("carries 0 licences")
    assert hands.run("accept", hidden, *accepted, by="second").exit_code == 0
    assert holder(hands, asset) == second
    back = str(hands.json("transfer", asset, "--to", holder_of_origin(hands), by="second")["subject"])
    assert hands.run("accept", back, *accepted, by="factory").stderr == "the price: none\n"


def holder_of_origin(hands: Hands) -> str:
    did = hands.json("key", "show", hands.key("factory"))["did"]
    return str(hands.json("show", did)["id"])


def test_the_other_side_is_named_by_its_did_as_well(hands: Hands, second: str, asset: str) -> None:
    did = hands.json("key", "show", hands.key("second"))["did"]
    assert hands.json("show", propose(hands, asset, did))["state"]["to"] == second


def test_declined_and_withdrawn_transfers_move_nothing(hands: Hands, second: str, asset: str) -> None:
    declined, withdrawn = propose(hands, asset, second), propose(hands, asset, second)
    hands.done("decline", declined, by="second")
    hands.done("withdraw", withdrawn, by="factory")
    assert hands.json("show", declined)["state"]["status"] == "declined"
    for transfer in (declined, withdrawn):
        hands.refused("transfer_closed", "accept", transfer, "--licences", "0", by="second")
    assert holder(hands, asset) != second


def test_what_does_not_fit_a_transfer_is_wrong_use(hands: Hands, second: str, asset: str) -> None:
    transfer = propose(hands, asset, second)
    hands.misused("accept", transfer, "--wait", by="second")
    hands.misused("accept", asset, by="second")
    hands.misused("transfer", second, "--to", second, by="factory")
    hands.misused("transfer", asset, "--to", asset, by="factory")
    hands.misused("decline", asset, by="second")
    agreement = hands.json("request", hands.offer("factory", asset), by="second")["agreement"]
    hands.misused("accept", agreement, "--licences", "0", by="second")
