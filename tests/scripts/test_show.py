"""Reading a ledger: subjects, entries, histories and searches, for people and for programs."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from tests.scripts.house import ORIGIN, Hands, run


@pytest.fixture(scope="module")
def asset(own_hands: Hands, tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("data") / "spindle.csv"
    file.write_text("1\n")
    own_hands.join("factory", "--email", "data@factory.example")
    asset = own_hands.register("factory", file, "--title", "主轴振动数据", "--keyword", "vibration")
    other = file.with_name("furnace.csv")
    other.write_text("2\n")
    own_hands.register("factory", other, "--title", "Furnace temperatures")
    return asset


@pytest.fixture(scope="module")
def hands(own_hands: Hands, asset: str) -> Hands:
    """Of a ledger that has the asset, whichever test comes first."""
    return own_hands


def test_a_subject_is_shown_by_id_and_a_party_by_did(hands: Hands, asset: str) -> None:
    did = hands.json("key", "show", hands.key("factory"))["did"]
    party = hands.json("show", did)
    assert party["type"] == "party"
    assert hands.json("show", party["id"]) == party
    shown = hands.done("show", asset)
    for line in ("title           主轴振动数据", "personal        no", "derivedFrom     -"):
        assert line in shown


def test_a_subject_is_shown_as_it_was(hands: Hands, asset: str) -> None:
    index = hands.json("show", asset)["index"]
    assert hands.json("show", asset, "--at", str(index + 1))["at"] == index + 1
    hands.refused("subject_absent", "show", asset, "--at", str(index))
    hands.refused("size_absent", "show", asset, "--at", "999")


def test_an_entry_is_shown_by_its_index(hands: Hands, asset: str) -> None:
    shown = hands.done("show", "0")
    assert "kind     ledger.opened" in shown
    assert f"logKey       {ORIGIN}+" in shown
    assert hands.json("show", "0")["claims"]["aud"] == ORIGIN
    hands.refused("entry_absent", "show", "999")
    hands.refused("subject_absent", "show", "nonsense")


def test_search_finds_words_of_any_script_and_conditions(hands: Hands, asset: str) -> None:
    assert asset in hands.done("search", "振动")
    assert [found["id"] for found in hands.json("search", "--keyword", "Vibration")] == [asset]
    assert len(hands.json("search", "--classification", "general", "--type", "asset")) == 2
    assert len(hands.json("search", "--limit", "1")) == 1
    assert hands.json("search", "振动", "--status", "retired") == []
    assert hands.done("search", "nothing like it") == "nothing found\n"


def test_a_history_is_latest_first_and_as_long_as_asked(hands: Hands, asset: str) -> None:
    party = hands.json("show", asset)["state"]["holder"]
    found = hands.json("history", party)
    assert [entry["kind"] for entry in found] == ["asset.registered", "asset.registered", "party.joined"]
    assert hands.json("history", party, "--limit", "2") == found[:2]
    header, line = hands.done("history", asset).splitlines()
    assert header.split() == ["INDEX", "TIME", "KIND", "SUBJECT", "ID", "SIGNED", "BY"]
    assert line.endswith(f"  {party} (factory Works)")
    hands.refused("subject_absent", "history", f"asset_{'0' * 26}")


def test_kinds_and_refusals_explain_themselves(hands: Hands) -> None:
    assert "offer.opened" in hands.done("kinds")
    shown = hands.done("kinds", "offer.opened")
    assert "  validUntil  required  integer (seconds since 1970, UTC)\n" in shown
    assert "                        last second at which the offer can be taken up\n" in shown
    assert "  price       optional  Money or hidden\n" in shown
    assert "\nMoney: An amount in integer minor units" in shown
    assert hands.json("kinds", "offer.opened")["schema"]["required"] == ["assets", "policy", "validUntil", "to"]
    hands.refused("kind_absent", "kinds", "asset.annotated")


def test_refusals_explain_those_of_ledgers_and_of_commands_alike_without_asking_anybody(tmp_path: Path) -> None:
    nowhere = {"CADASTRE_LEDGER": "http://127.0.0.1:9"}
    listed = orjson.loads(run("refusals", "--json", home=tmp_path, **nowhere).stdout)
    everywhere = {"pin_stale", "queue_full", "ledger_unreachable", "terms_countered", "already_registered"}
    assert everywhere <= {one["code"] for one in listed}
    assert all(one["title"] and one["advice"] for one in listed)
    assert "pin_stale" in run("refusals", home=tmp_path, **nowhere).stdout
    assert "decide again" in run("refusals", "pin_stale", home=tmp_path, **nowhere).stdout
    shown = orjson.loads(run("refusals", "wait_over", "--json", home=tmp_path, **nowhere).stdout)
    assert (shown["code"], shown["family"]) == ("wait_over", "halted")
    assert not (tmp_path / "policy").exists()


def test_a_code_that_nobody_knows_is_asked_of_the_ledger(hands: Hands) -> None:
    hands.refused("refusal_absent", "refusals", "nonsense")


def test_what_others_wrote_cannot_steer_the_terminal(hands: Hands, tmp_path: Path) -> None:
    from scripts.output import printable, show_value

    assert printable("a\x1b[31mb\x07\u202ec\nd") == "a\ufffd[31mb\ufffd\ufffdc\nd"
    assert show_value("title", "\x1b]0;owned\x07") == "\ufffd]0;owned\ufffd"
    assert show_value("note", {"a": "\u202e"}).count("\u202e") == 0
