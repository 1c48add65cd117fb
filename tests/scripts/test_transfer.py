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
