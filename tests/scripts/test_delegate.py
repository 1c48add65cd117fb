"""Delegations on the command line: a device acts for a party within bounds; a fleet enrols, and one is revoked."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from identity.did import did_of
from identity.keys import SigningKey, read_key
from tests.scripts.house import Hands, run

PLAIN = ("--classification", "general", "--not-personal", "--source", "measured by ourselves")
FLEET = 5_000


def did(hands: Hands, name: str) -> str:
    return did_of(read_key(hands.key(name)).public)


@pytest.fixture(scope="module")
def party(hands: Hands) -> str:
    return hands.join("owner")


def data(hands: Hands, text: str) -> Path:
    file = hands.room / "data.csv"
    file.write_text(text)
    return file


def test_a_device_acts_for_the_party_within_its_bounds_until_it_is_revoked(hands: Hands, party: str) -> None:
    given = hands.json("delegate", did(hands, "device"), "--kind", "asset.registered", "--until", "30d",
                       "--nature", "device", "--name", "Mill 7", by="owner")  # fmt: skip
    delegation = given["subject"]
    asset = hands.register("device", data(hands, "by the device\n"))
    shown = hands.json("show", asset)
    assert shown["state"]["holder"] == party
    entry = hands.json("show", str(shown["index"]))
    assert (entry["issuer"], entry["signer"], entry["via"]) == (
        did(hands, "owner"),
        did(hands, "device"),
        given["id"],
    )
    assert hands.json("history", delegation)[0]["subject"] == asset
    hands.refused("kind_not_delegated", "retire", asset, "--reason", "r", by="device")
    hands.done("revoke", delegation, "--compromised", "--since", str(shown["index"]), by="owner")
    said = hands.refused("speaker_former", "register", data(hands, "too late\n"), *PLAIN, by="device")
    assert f"{delegation}, under which it acted for {party} (owner Works), was revoked by entry " in said
    assert hands.json("history", asset)[0]["doubtful"] is True


def test_where_a_key_could_sign_for_several_it_has_to_be_said_for_whom(hands: Hands, party: str) -> None:
    other = hands.join("neighbour")
    asked = ("--kind", "asset.*", "--until", "2040-12-31")
    first = hands.json("delegate", did(hands, "helper"), *asked, by="owner")["subject"]
    second = hands.json("delegate", did(hands, "helper"), *asked, by="neighbour")["subject"]
    file = data(hands, "for whom\n")
    said = hands.refused("speaker_unclear", "register", file, *PLAIN, by="helper")
    for name, id_, delegation in (("owner", party, first), ("neighbour", other, second)):
        assert f"\n  {id_} ({name} Works), under {delegation}: asset.*, until 2040-12-31T23:59:59Z\n" in said
    chosen = [(first, party), (other, other), ("owner Works", party), (did(hands, "neighbour"), other)]
    for name, holder in chosen:
        file = data(hands, f"for {name}\n")
        made = run("register", file, *PLAIN, "--json", home=hands.home, CADASTRE_LEDGER=hands.url,
                   CADASTRE_KEY=str(hands.key("helper")), CADASTRE_FOR=name)  # fmt: skip
        assert made.exit_code == 0, made.output
        made_for = hands.json("show", orjson.loads(made.stdout)["subject"])
        assert made_for["state"]["holder"] == holder
    unknown = run("register", file, *PLAIN, home=hands.home, CADASTRE_LEDGER=hands.url,
                  CADASTRE_KEY=str(hands.key("helper")), CADASTRE_FOR="party_" + "0" * 26)  # fmt: skip
    assert "speaker_unknown" in unknown.stderr
    assert f"under {first}: asset.*" in unknown.stderr


def test_of_several_delegations_the_one_signs_that_covers_the_act(hands: Hands, party: str) -> None:
    other = hands.join("landlord")
    assets = [hands.register(name, data(hands, f"leased by {name}\n")) for name in ("owner", "landlord")]
    until, clerk = ("--until", "30d"), did(hands, "clerk")
    hands.done("delegate", clerk, "--kind", "asset.registered", *until, by="owner")
    hands.done("delegate", clerk, "--kind", "asset.retired", "--subject", assets[0], *until, by="owner")
    hands.done("delegate", clerk, "--kind", "asset.retired", "--subject", assets[1], *until, by="landlord")
    made = hands.register("clerk", data(hands, "by kind\n"))
    assert hands.json("show", made)["state"]["holder"] == party
    told = hands.run("retire", assets[1], "--reason", "by subject", by="clerk").stderr
    assert f"signed for {other} (landlord Works), under delegation_" in told
    said = hands.refused("subject_not_delegated", "retire", made, "--reason", "none has it", by="clerk")
    assert f"{other} (landlord Works), under " in said
    assert f": asset.retired on {assets[1]}, until " in said
    said = hands.refused("kind_not_delegated", "offer", made, "--free", "--purpose", "p", *until, by="clerk")
    assert said.count("\n  ") == 3


def test_who_is_delegated_to_twice_is_told_and_what_stays_in_force_when_one_is_revoked(
    hands: Hands, party: str, tmp_path: Path
) -> None:
    twice, asked = did(hands, "twice"), ("--kind", "asset.*", "--kind", "offer.*", "--until", "2040-12-31")

    def given() -> tuple[str, str]:
        told = hands.run("delegate", twice, *asked, "--depth", "1", "--json", by="owner")
        assert told.exit_code == 0, told.output
        return orjson.loads(told.stdout)["subject"], told.stderr

    first, told = given()
    assert told == ""
    second, told = given()
    bounds = "asset.* offer.*, until 2040-12-31T23:59:59Z"
    assert orjson.loads(told)["note"] == f"{twice} has another delegation that stays in force: {first}, {bounds}"
    fleet = tmp_path / "fleet.csv"
    fleet.write_text(f"{twice}\n{did(hands, 'once')}\n{did(hands, 'once')}\n")
    enrolled = tmp_path / "enrolled.csv"
    told = hands.run("enrol", fleet, *asked, "--out", enrolled, by="owner").stderr
    assert f"line 1: {twice} has another delegation that stays in force: {second}" in told
    assert f"line 3: {did(hands, 'once')} stands on line 2 as well" in told
    third = enrolled.read_text().splitlines()[0].partition(",")[2]
    told = hands.run("revoke", third, by="owner").stderr
    assert told.count("still has another in force") == 2
    assert f"{twice} still has another in force: {first}, {bounds}; end it: cadastre revoke {first}\n" in told
    below = hands.run("delegate", did(hands, "below"), *asked, by="twice")
    assert below.exit_code == 1  # which of the two goes on is not clear
    hands.done("revoke", second, by="owner")
    hands.done("delegate", did(hands, "below"), *asked, by="twice")
    fleet.write_text("".join(f"{did(hands, name)}\n" for name in ("below1", "below2")))
    told = hands.run("enrol", fleet, *asked, "--out", tmp_path / "below.csv", by="twice").stderr
    assert (
        told.count(f"signed for {party} (owner Works), under {first}: asset.*, offer.*, until 2040-12-31T23:59:59Z\n")
        == 1
    )
    last = hands.run("revoke", first, by="owner")
    assert (last.exit_code, last.stderr) == (0, "")


def test_a_did_that_is_no_party_and_no_key_is_told_to_join(hands: Hands, party: str) -> None:
    stranger = f"did:webvh:Qm{'1' * 44}:works.example:org"
    told = hands.refused("party_absent", "delegate", stranger, "--kind", "*", "--until", "1d", by="owner")
    assert f"{stranger} has not joined this ledger\nnext: whoever is meant joins first: cadastre join" in told
    entry = str(hands.json("show", party)["index"])
    hands.refused("party_absent", "grant", entry, "--to", did(hands, "nobody"), by="owner")
    hands.refused("party_absent", "recovery", "arrange", did(hands, "nobody"), by="owner")


def test_a_fleet_enrols_by_one_command_and_one_of_it_is_revoked(hands: Hands, party: str, tmp_path: Path) -> None:
    keys = [SigningKey.from_seed("Ed25519", place.to_bytes(32, "big")) for place in range(FLEET)]
    fleet, out = tmp_path / "fleet.csv", tmp_path / "enrolled.csv"
    fleet.write_text("".join(f"{did_of(key.public)},Sensor {place}\n" for place, key in enumerate(keys)))
    asked = ("--kind", "asset.registered", "--until", "52w", "--out", out)
    said = hands.json("enrol", fleet, *asked, by="owner")
    assert said == {"enrolled": FLEET, "refused": 0}
    lines = out.read_text().splitlines()
    assert [line.partition(",")[0] for line in lines] == [did_of(key.public) for key in keys]
    hands.done("revoke", lines[17].partition(",")[2], by="owner")
    statuses = [hands.json("show", line.partition(",")[2])["state"]["status"] for line in lines[16:19]]
    assert statuses == ["active", "revoked", "active"]
    hands.refused("file_exists", "enrol", fleet, *asked, by="owner")


def test_what_cannot_be_enrolled_is_said_by_its_line(hands: Hands, party: str, tmp_path: Path) -> None:
    fleet = tmp_path / "fleet.csv"
    asked = ("--kind", "asset.registered", "--until", "52w")
    fleet.write_text(f"{did(hands, 'one')}\nMill 7\n")
    assert "line 2: " in hands.refused("enrolment_malformed", "enrol", fleet, *asked, by="owner")
    fleet.write_text(f"{did(hands, 'one')}\n\n{did(hands, 'owner')}\n")
    said = hands.refused("enrolment_refused", "enrol", fleet, *asked, by="owner")
    assert "line 3: refused: delegation_to_itself" in said
    hands.misused("revoke", f"delegation_{'0' * 26}", "--since", "3", by="owner")


def test_whoever_is_called_by_the_id_of_another_is_not_signed_for_and_who_is_is_told(
    hands: Hands, party: str, tmp_path: Path
) -> None:
    device = did(hands, "lathe")
    honest = hands.json("delegate", device, "--kind", "asset.*", "--until", "30d", by="owner")["subject"]

    def acted(text: str, **wanted: str) -> tuple[int, str, str]:
        made = run("register", data(hands, text), *PLAIN, "--json", home=hands.home, CADASTRE_LEDGER=hands.url,
                   CADASTRE_KEY=str(hands.key("lathe")), **wanted)  # fmt: skip
        holder = "" if made.exit_code else hands.json("show", orjson.loads(made.stdout)["subject"])["state"]["holder"]
        return made.exit_code, holder, made.stderr

    code, holder, told = acted("nobody is named\n")
    assert (code, holder) == (0, party)
    assert orjson.loads(told)["note"].startswith(f"signed for {party} (owner Works), under {honest}: asset.*, until ")
    assert acted("named by an id\n", CADASTRE_FOR=party) == (0, party, "")
    for number, name in enumerate((party, honest, did(hands, "owner"))):
        rival = f"rival{number}"
        hands.done("join", "--name", name, by=rival)
        hands.done("delegate", device, "--kind", "*", "--until", "30d", by=rival)
        assert acted(f"named by {name}\n", CADASTRE_FOR=name) == (0, party, "")
    hands.done("revoke", honest, by="owner")
    for wanted in ({"CADASTRE_FOR": party}, {"CADASTRE_FOR": honest}):
        code, _, told = acted("it was revoked\n", **wanted)
        assert (code, orjson.loads(told)["code"]) == (1, "speaker_former")


def test_a_device_whose_party_took_its_delegation_back_does_not_sign_for_who_gave_it_another(
    hands: Hands, party: str
) -> None:
    rival, device = hands.join("lurker"), did(hands, "press")
    honest = hands.json("delegate", device, "--kind", "asset.*", "--until", "30d", by="owner")["subject"]
    hands.done("revoke", honest, by="owner")
    other = hands.json("delegate", device, "--kind", "*", "--until", "30d", by="lurker")["subject"]
    file = data(hands, "by the press\n")
    said = hands.refused("speaker_former", "register", file, *PLAIN, by="press")
    assert f"{honest}, under which it acted for {party} (owner Works), was revoked by entry " in said
    assert f"sign for {rival} (lurker Works), under {other}: *, until " in said
    assert f": CADASTRE_FOR={other}\n" in said
    made = run("register", file, *PLAIN, "--json", home=hands.home, CADASTRE_LEDGER=hands.url,
               CADASTRE_KEY=str(hands.key("press")), CADASTRE_FOR=other)  # fmt: skip
    assert hands.json("show", orjson.loads(made.stdout)["subject"])["state"]["holder"] == rival
