"""Delegations are found: by who gave them, by whom they were given to, from a party, and from a device's DID."""

from __future__ import annotations

from pathlib import Path

import pytest

from identity.did import did_of
from identity.keys import read_key
from scripts.delegations import SHOWN
from tests.scripts.house import Hands

GIVING = ("--kind", "asset.*", "--until", "2040-12-31")


def did(hands: Hands, name: str) -> str:
    return did_of(read_key(hands.key(name)).public)


@pytest.fixture(scope="module")
def party(hands: Hands) -> str:
    return hands.join("giver")


@pytest.fixture(scope="module")
def press(hands: Hands, party: str) -> str:
    bounds = ("--nature", "device", "--name", "Press 4", "--amount", "50000.00 EUR")
    return str(hands.json("delegate", did(hands, "press"), *GIVING, *bounds, by="giver")["subject"])


def test_a_delegate_that_is_no_party_is_shown_by_what_it_may_do(hands: Hands, party: str, press: str) -> None:
    shown = hands.done("show", did(hands, "press"))
    line = f"acts for  {press}  active  asset.*  until 2040-12-31T23:59:59Z  for {party} (giver Works)\n"
    assert shown.endswith(line)
    found = hands.json("show", did(hands, "press"))
    assert (found["did"], [one["id"] for one in found["delegations"]]) == (did(hands, "press"), [press])
    hands.refused("subject_absent", "show", did(hands, "nobody"))
    hands.refused("subject_absent", "show", did(hands, "press"), "--at", "1")


def test_a_delegation_is_shown_in_words(hands: Hands, party: str, press: str) -> None:
    shown = hands.done("show", press).splitlines()
    for line in (
        f"party        {party} (giver Works)",
        "amounts      50000.00 EUR",
        "until        2040-12-31T23:59:59Z",
        "depth        may not be given on",
        "status       active",
    ):
        assert line in shown
    assert not any("{" in line for line in shown)


def test_one_that_was_given_on_shows_those_it_goes_back_to(hands: Hands, party: str) -> None:
    first = hands.json("delegate", did(hands, "head"), *GIVING, "--depth", "1", by="giver")["subject"]
    second = hands.json("delegate", did(hands, "hand"), *GIVING, by="head")["subject"]
    assert f"chain        {first}  active  asset.*" in hands.done("show", second)
    hands.done("revoke", first, by="giver")
    assert f"status       ends with {first}: revoked\n" in hands.done("show", second)


def test_search_finds_them(hands: Hands, party: str, press: str) -> None:
    found = hands.done("search", "press", "--type", "delegation", "--delegator", party)
    assert found.startswith(f"{press}  delegation  active  until 2040-12-31T23:59:59Z  {party}  asset.*  to did:key:z")
    assert found.endswith(" (Press 4)\n")
    assert [one["id"] for one in hands.json("search", "--delegate", did(hands, "press"))] == [press]
    hands.misused("search", "--type", "asset", "--delegate", did(hands, "press"))
    hands.misused("search", "--type", "delegation", "--status", "active")
    assert party in hands.done("search", "giver", "--type", "party")


def test_a_party_shows_some_that_it_gave_and_holds_and_how_to_see_all(hands: Hands, party: str) -> None:
    held_by = hands.join("keeper")
    given = [hands.json("delegate", did(hands, "keeper"), *GIVING, by="giver")["subject"] for _ in range(SHOWN + 1)]
    shown = hands.done("show", party)
    assert all(one in shown for one in given[1:])
    assert given[0] not in shown
    assert f"… more: cadastre search --type delegation --delegator {party}\n" in shown
    shown = hands.done("show", held_by)
    assert f"acts for     {given[-1]}  active  asset.*" in shown
    assert f"… more: cadastre search --type delegation --delegate {did(hands, 'keeper')}\n" in shown
    assert {*given} <= {one["id"] for one in hands.json("search", "--delegator", party)}


def test_a_history_says_who_signed_for_whom_under_what(hands: Hands, party: str, press: str, tmp_path: Path) -> None:
    file = tmp_path / "by-press.csv"
    file.write_text("by the press\n")
    asset = hands.register("press", file)
    header, line = hands.done("history", asset).splitlines()
    assert header.endswith("SIGNED BY")
    assert line.endswith(f"{party} (giver Works), by {did(hands, 'press')} (Press 4) under {press}")
    founding = hands.done("history", str(hands.json("show", "0")["subject"])).splitlines()
    assert founding[-1].endswith(" (governance)")


def test_what_a_thief_did_through_a_delegation_is_doubtful_as_well(hands: Hands, tmp_path: Path) -> None:
    hands.join("robbed")
    given = hands.json("delegate", did(hands, "laundry"), *GIVING, "--depth", "1", by="robbed")
    further = hands.json("delegate", did(hands, "helper"), *GIVING, by="laundry")
    (tmp_path / "washed.csv").write_text("1\n")
    registered = hands.register("helper", tmp_path / "washed.csv")
    stolen = f"{hands.key('robbed')}={given['index']}"
    hands.done("succeed", "--to", hands.key("robbed-2"), "--compromised", stolen, by="robbed")
    for delegation in (given["subject"], further["subject"]):
        assert "status       doubtful: given with a key that others may have had\n" in hands.done("show", delegation)
    assert [one["doubtful"] for one in hands.json("history", registered)] == [True]
