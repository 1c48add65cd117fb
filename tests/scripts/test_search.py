"""What search prints of each type: how it stands, whose it is, what it is called."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from identity.did import did_of
from identity.keys import read_key
from tests.scripts.house import Hands


@pytest.fixture(scope="module")
def asset(hands: Hands, tmp_path_factory: pytest.TempPathFactory) -> str:
    for name in ("seller", "buyer"):
        hands.join(name)
    file = tmp_path_factory.mktemp("data") / "turbine.csv"
    file.write_text("turbine\n")
    return hands.register("seller", file, "--title", "Turbine logs")


def party(hands: Hands, name: str) -> str:
    return str(hands.json("show", did_of(read_key(hands.key(name)).public))["id"])


def test_assets_and_offers_are_told_by_title_and_holder(hands: Hands, asset: str, tmp_path: Path) -> None:
    seller, file = party(hands, "seller"), tmp_path / "gearbox.csv"
    file.write_text("gearbox\n")
    other = hands.register("seller", file, "--title", "Gearbox logs")
    offer = hands.offer("seller", other)
    assert hands.done("search", "gearbox", "--holder", seller).splitlines() == [
        f"{offer}  offer  open        general  {seller}  Gearbox logs",
        f"{other}  asset  registered  general  {seller}  Gearbox logs",
    ]


def test_agreements_are_told_by_state_price_and_both_sides(hands: Hands, asset: str) -> None:
    offer = hands.offer("seller", asset)
    agreement = hands.json("request", offer, "--price", "90.00 EUR", by="buyer")["agreement"]
    (line,) = [one for one in hands.done("search", "--type", "agreement").splitlines() if agreement in one]
    assert line.split()[3:] == ["90.00", "EUR", party(hands, "seller"), "for", party(hands, "buyer")]


def test_parties_are_told_by_did_and_name(hands: Hands, asset: str) -> None:
    did = did_of(read_key(hands.key("buyer")).public)
    told = hands.done("search", "buyer", "--type", "party")
    assert told == f"{party(hands, 'buyer')}  party  active  organisation  {did}  buyer Works\n"


def test_credentials_are_told_by_whether_they_hold(hands: Hands, asset: str, tmp_path: Path) -> None:
    body = {"issuer": party(hands, "seller"), "holder": party(hands, "buyer"), "type": "Badge", "validFrom": 2**37}
    stated = tmp_path / "stated.json"
    stated.write_bytes(orjson.dumps(body | {"digest": "A" * 43, "role": "dealer"}))
    credential = hands.json("act", "credential.recorded", "--body", stated, by="seller")["subject"]
    (line,) = hands.done("search", "--type", "credential", "--holder", party(hands, "buyer")).splitlines()
    assert line.startswith(f"{credential}  credential  not yet, from ")
    assert line.endswith(f"  dealer  {party(hands, 'buyer')}  Badge")


def test_who_searches_for_an_alias_or_a_did_is_told_where_to_look(hands: Hands) -> None:
    for text in ("lei:529900T8BM49AURSDO55", did_of(read_key(hands.key("nobody")).public)):
        told = hands.run("search", text)
        assert (told.stdout, told.exit_code) == ("nothing found\n", 0)
        assert f"what it stands for is told by: cadastre show {text}\n" in told.stderr
    assert hands.run("search", "nonsense").stderr == ""
