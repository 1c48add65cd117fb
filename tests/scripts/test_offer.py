"""Offers: terms from options and files, to all or to some."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.cast import POLICY
from tests.scripts.house import Hands

TERMS = ("--until", "30d", "--purpose", "maintenance")


@pytest.fixture(scope="module")
def assets(hands: Hands, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("data")
    hands.join("factory")
    hands.join("partner")
    found = []
    for name in ("a", "b"):
        (folder / f"{name}.csv").write_text(name)
        found.append(hands.register("factory", folder / f"{name}.csv"))
    return found


def body(hands: Hands, *options: str | Path) -> dict[str, Any]:
    made = hands.json("offer", *options, by="factory")
    stated: dict[str, Any] = hands.json("show", str(made["index"]))["claims"]["body"]
    return stated


def test_a_price_is_signed_in_minor_units(hands: Hands, assets: list[str]) -> None:
    assert body(hands, assets[0], "--price", "12500.5 EUR", *TERMS)["price"] == {"amount": 1250050, "currency": "EUR"}
    assert "price" not in body(hands, assets[0], "--free", *TERMS)


def test_several_assets_are_offered_in_their_latest_versions(hands: Hands, assets: list[str]) -> None:
    versions = [hands.json("show", asset)["state"]["version"] for asset in assets]
    stated = body(hands, *assets, "--free", *TERMS)["assets"]
    assert stated == [{"asset": asset, "version": one} for asset, one in zip(assets, versions, strict=True)]


def test_purposes_make_a_policy(hands: Hands, assets: list[str]) -> None:
    one = body(hands, assets[0], "--free", *TERMS)["policy"]
    two = body(hands, assets[0], "--free", *TERMS, "--purpose", "research")["policy"]
    assert one["permission"][0]["constraint"] == [
        {"leftOperand": "purpose", "operator": "eq", "rightOperand": "maintenance"}
    ]
    assert two["permission"][0]["constraint"] == [
        {"leftOperand": "purpose", "operator": "isAnyOf", "rightOperand": ["maintenance", "research"]}
    ]


def test_a_policy_comes_from_a_file_in_any_spelling(hands: Hands, assets: list[str], tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    file.write_bytes(orjson.dumps(POLICY, option=orjson.OPT_INDENT_2))
    assert body(hands, assets[0], "--free", "--until", "1d", "--policy", file)["policy"] == POLICY
    shown = hands.json("search", "--type", "offer")[0]
    assert "predictive maintenance" in hands.done("show", shown["id"])


@pytest.mark.parametrize("text", ["{", "[]", '{"a":1,"a":2}', '{"a":NaN}', "\xff"])
def test_a_file_that_is_no_object_of_json_is_wrong_use(
    hands: Hands, assets: list[str], tmp_path: Path, text: str
) -> None:
    file = tmp_path / "policy.json"
    file.write_bytes(text.encode("latin-1"))
    hands.misused("offer", assets[0], "--free", "--until", "1d", "--policy", file, by="factory")


def test_a_policy_nobody_understands_is_refused_with_its_place(hands: Hands, assets: list[str], tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    file.write_text('{"@type":"Offer","permission":[{"action":"use","target":"x"}]}')
    said = hands.refused(
        "body_malformed", "offer", assets[0], "--free", "--until", "1d", "--policy", file, by="factory"
    )
    assert "/payload/body/policy/permission/0/target" in said


def test_an_offer_is_made_to_parties_by_id_or_did(hands: Hands, assets: list[str]) -> None:
    did = hands.json("key", "show", hands.key("partner"))["did"]
    party = hands.json("show", did)["id"]
    assert body(hands, assets[0], "--free", *TERMS, "--to", did)["to"] == [party]
    assert body(hands, assets[0], "--free", *TERMS, "--to", party)["to"] == [party]
    assert body(hands, assets[0], "--free", *TERMS)["to"] == "all"


def test_times_of_an_offer(hands: Hands, assets: list[str]) -> None:
    stated = body(hands, assets[0], "--free", "--purpose", "x", "--from", "2030-01-01", "--until", "2030-12-31")
    assert (stated["validFrom"], stated["validUntil"]) == (1893456000, 1924991999)
    hands.refused("offer_over", "offer", assets[0], "--free", "--purpose", "x", "--until", "2020-01-01", by="factory")


@pytest.mark.parametrize(
    "options",
    [
        ("--until", "30d", "--purpose", "x"),  # neither a price nor free
        ("--until", "30d", "--purpose", "x", "--free", "--price", "1 EUR"),
        ("--until", "30d", "--free"),  # neither a purpose nor a policy
        ("--purpose", "x", "--free"),  # no end
        ("--until", "soon", "--purpose", "x", "--free"),
        ("--until", "30d", "--purpose", "x", "--price", "1,00 EUR"),
    ],
)
def test_an_offer_that_leaves_a_question_open_is_wrong_use(
    hands: Hands, assets: list[str], options: tuple[str, ...]
) -> None:
    hands.misused("offer", assets[0], *options, by="factory")


def test_help_says_which_options_are_needed_one_of_two(hands: Hands) -> None:
    assert "Needed are, beside --until: --policy or --purpose, and --price or --free." in hands.done("offer", "--help")


def test_only_what_can_be_withdrawn_is(hands: Hands, assets: list[str]) -> None:
    offer = hands.offer("factory", assets[0])
    hands.refused("offer_not_yours", "withdraw", offer, by="partner")
    hands.done("withdraw", offer, by="factory")
    hands.refused("offer_withdrawn", "withdraw", offer, by="factory")
    hands.misused("withdraw", assets[0], by="factory")


def test_an_offer_says_that_it_cannot_be_taken_up_any_more(hands: Hands, assets: list[str], tmp_path: Path) -> None:
    file = tmp_path / "worn.csv"
    file.write_text("3\n")
    worn = hands.register("factory", file)
    offer = hands.offer("factory", worn)
    assert "status          open\n" in hands.done("show", offer)
    hands.done("retire", worn, "--reason", "worn out", by="factory")
    assert f"status          lapsed: {worn} is retired\n" in hands.done("show", offer)
    assert hands.json("show", offer)["state"]["status"] == "open", "as it is recorded"
