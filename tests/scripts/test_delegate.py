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
    hands.refused("party_unknown", "register", data(hands, "too late\n"), *PLAIN, by="device")
    assert hands.json("history", asset)[0]["doubtful"] is True


def test_where_a_key_could_sign_for_several_it_has_to_be_said_for_whom(hands: Hands, party: str) -> None:
    other = hands.join("neighbour")
    asked = ("--kind", "asset.*", "--until", "30d")
    first = hands.json("delegate", did(hands, "helper"), *asked, by="owner")["subject"]
    hands.json("delegate", did(hands, "helper"), *asked, by="neighbour")
    file = data(hands, "for whom\n")
    hands.refused("speaker_unclear", "register", file, *PLAIN, by="helper")
    for name, holder in ((first, party), (other, other)):
        file = data(hands, f"for {name}\n")
        made = run("register", file, *PLAIN, "--json", home=hands.home, CADASTRE_LEDGER=hands.url,
                   CADASTRE_KEY=str(hands.key("helper")), CADASTRE_FOR=name)  # fmt: skip
        assert made.exit_code == 0, made.output
        made_for = hands.json("show", orjson.loads(made.stdout)["subject"])
        assert made_for["state"]["holder"] == holder
    unknown = run("register", file, *PLAIN, home=hands.home, CADASTRE_LEDGER=hands.url,
                  CADASTRE_KEY=str(hands.key("helper")), CADASTRE_FOR="party_" + "0" * 26)  # fmt: skip
    assert "speaker_unknown" in unknown.stderr


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
