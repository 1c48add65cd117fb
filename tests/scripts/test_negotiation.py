"""Negotiating through the command line: both sides wait for each other, and sign for nothing else than they meant."""

from __future__ import annotations

import subprocess
from pathlib import Path

import orjson
import pytest

from tests.scripts.house import Hands
from tests.waiting import eventually

WAIT = ("--wait", "--timeout", "30")


@pytest.fixture(scope="module")
def asset(hands: Hands, tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("data") / "spindle.csv"
    file.write_text("time,mm_per_s\n0,1.25\n")
    for name in ("factory", "partner", "stranger"):
        hands.join(name)
    return hands.register("factory", file)


@pytest.fixture
def offer(hands: Hands, asset: str) -> str:
    return hands.offer("factory", asset)


def request(hands: Hands, offer: str, *more: str) -> str:
    return str(hands.json("request", offer, *more, by="partner")["agreement"])


def state_of(hands: Hands, agreement: str) -> str:
    return str(hands.json("show", agreement)["state"]["state"])


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def test_both_sides_wait_and_the_licence_is_in_force(hands: Hands, offer: str) -> None:
    agreement = request(hands, offer)
    provider = hands.start("agree", agreement, *WAIT, by="factory")
    consumer = hands.start("agree", agreement, *WAIT, by="partner")
    code, out, err = ended(provider)
    assert code == 0, err
    signed = [line.removeprefix("recorded: ") for line in out.splitlines() if line.startswith("recorded: ")]
    assert signed == ["agreement.agreed", "agreement.finalized"]
    code, out, err = ended(consumer)
    assert code == 0, err
    assert "recorded: agreement.verified" in out
    assert out.splitlines()[-1] == "state: FINALIZED"
    assert state_of(hands, agreement) == "FINALIZED"


def test_a_request_that_waits_signs_verified_by_itself(hands: Hands, offer: str) -> None:
    consumer = hands.start("request", offer, "--json", *WAIT, by="partner")
    eventually(lambda: hands.json("history", offer)[0]["kind"] == "agreement.requested")
    agreement = hands.json("history", offer)[0]["subject"]
    provider = hands.start("agree", agreement, *WAIT, by="factory")
    assert ended(provider)[0] == 0
    code, out, err = ended(consumer)
    assert code == 0, err
    assert '"state": "FINALIZED"' in out
    assert '"kind": "agreement.verified"' in out


def test_counter_and_accept_lead_to_the_countered_price(hands: Hands, offer: str) -> None:
    agreement = request(hands, offer, "--price", "80.00 EUR")
    provider = hands.start("counter", agreement, "--price", "90.00 EUR", *WAIT, by="factory")
    eventually(lambda: state_of(hands, agreement) == "OFFERED")
    assert "agreement.accepted" in hands.done("accept", agreement, *WAIT, by="partner")
    assert ended(provider)[0] == 0
    shown = hands.json("show", agreement)["state"]
    assert shown["state"] == "FINALIZED"
    assert shown["price"] == {"amount": 9000, "currency": "EUR"}


def test_a_waiting_consumer_signs_nothing_when_the_provider_counters(hands: Hands, offer: str) -> None:
    agreement = request(hands, offer)
    consumer = hands.start("agree", agreement, *WAIT, by="partner")
    while consumer.stdout is not None and "REQUESTED" not in consumer.stdout.readline():
        pass
    hands.done("counter", agreement, "--price", "200.00 EUR", by="factory")
    code, _, err = ended(consumer)
    assert code == 1
    assert "refused: terms_countered" in err
    assert state_of(hands, agreement) == "OFFERED"


def test_a_counter_keeps_what_is_not_named(hands: Hands, offer: str, tmp_path: Path) -> None:
    agreement = request(hands, offer)
    before = hands.json("show", agreement)["state"]
    hands.done("counter", agreement, "--purpose", "research", by="factory")
    after = hands.json("show", agreement)["state"]
    assert after["price"] == before["price"]
    assert after["policy"] != before["policy"]
    hands.misused("counter", agreement, by="partner")


def test_steps_by_hand_in_the_protocol_s_order(hands: Hands, offer: str) -> None:
    agreement = request(hands, offer)
    hands.refused("not_your_turn", "agree", agreement, by="partner")
    hands.refused("nothing_offered", "accept", agreement, by="partner")
    for by, state in (("factory", "AGREED"), ("partner", "VERIFIED"), ("factory", "FINALIZED")):
        hands.done("agree", agreement, by=by)
        assert state_of(hands, agreement) == state
    hands.refused("not_your_turn", "agree", agreement, by="factory")
    hands.refused("agreement_state_wrong", "terminate", agreement, "--reason", "late", by="factory")


def test_waiting_ends_when_the_other_side_breaks_off_or_time_is_up(hands: Hands, offer: str) -> None:
    agreement = request(hands, offer)
    hands.refused("wait_over", "agree", agreement, "--wait", "--timeout", "0", by="partner")
    hands.done("terminate", agreement, "--reason", "plans changed", "--code", "4711", by="factory")
    assert "plans changed" in hands.refused("agreement_terminated", "agree", agreement, "--wait", by="partner")


def test_a_request_that_runs_out_of_time_still_tells_its_agreement(hands: Hands, offer: str) -> None:
    result = hands.run("request", offer, "--wait", "--timeout", "0", "--json", by="partner")
    assert result.exit_code == 1
    assert '"state": "REQUESTED"' in result.stdout
    note, problem = map(orjson.loads, result.stderr.splitlines())
    assert (note, problem["code"]) == ({"note": "the price: 100.00 EUR"}, "wait_over")


def test_strangers_and_the_holder_are_refused(hands: Hands, offer: str) -> None:
    agreement = request(hands, offer)
    hands.refused("agreement_not_yours", "agree", agreement, by="stranger")
    hands.refused("self_dealing", "request", offer, by="factory")
    hands.refused("party_unknown", "agree", agreement, by="nobody")


def test_a_private_price_is_not_signed_for_unseen(hands: Hands, offer: str, tmp_path: Path) -> None:
    body = tmp_path / "body.json"
    agreement = request(hands, offer)
    stated = hands.json("show", str(hands.json("show", agreement)["state"]["statedIn"]))["claims"]["body"]
    body.write_bytes(orjson.dumps(stated))
    hidden = hands.json("act", "agreement.requested", "--body", body, "--hide", "/terms/price", by="partner")
    assert "withheld" in hands.done("show", hidden["subject"])
    hands.done("erase", hidden["subject"], "--all", "--code", "gdpr-17", "--ground", "asked", by="partner")
    hands.refused("price_withheld", "agree", hidden["subject"], by="factory")
    hands.refused("price_withheld", "counter", hidden["subject"], "--purpose", "research", by="factory")


def test_a_private_price_stays_private_and_both_sides_sign_what_they_see(hands: Hands, asset: str) -> None:
    partner = hands.json("show", hands.join("buyer"))["id"]
    price = ("--price", "125.00 EUR", "--hide", "price")
    said = hands.misused("offer", asset, "--purpose", "p", "--until", "1d", *price[:3], "policy", by="factory")
    assert "'policy' cannot be private in offer.opened; what can: /price" in said
    offer = hands.offer("factory", asset, *price, "--to", partner)
    requested = hands.run("request", offer, "--json", by="buyer")
    agreement = orjson.loads(requested.stdout)["agreement"]
    assert orjson.loads(requested.stderr) == {"note": "the price is private: 125.00 EUR"}
    seen = hands.json("disclose", agreement, by="factory")["values"]
    assert seen == {"/terms/price": {"amount": 12500, "currency": "EUR"}}
    countered = hands.run("counter", agreement, "--price", "130.00 EUR", "--hide", "price", by="factory")
    assert "the price: 130.00 EUR\n" in countered.stderr
    countered = hands.run("counter", agreement, "--purpose", "research", by="buyer")  # the price stands, and is private
    assert "the price is private: 130.00 EUR\n" in countered.stderr
    assert hands.json("disclose", agreement, by="factory")["values"]["/terms/price"]["amount"] == 13000
    signed = hands.run("agree", agreement, by="factory")
    assert signed.exit_code == 0, signed.output
    assert "the price is private: 130.00 EUR" in signed.stderr
    for side in ("buyer", "factory"):
        hands.done("agree", agreement, by=side)
    assert state_of(hands, agreement) == "FINALIZED"
    bodies = [hands.json("show", str(one["index"]))["claims"]["body"] for one in hands.json("history", agreement)]
    prices = [one["terms"]["price"] for one in bodies if "terms" in one]
    assert [list(one) for one in prices] == [["_sd"]] * 4


def test_whoever_waits_on_a_private_price_signs_to_the_end(hands: Hands, asset: str) -> None:
    offer = hands.offer("factory", asset)
    asked = ("--price", "90.00 EUR", "--hide", "/price", "--json")
    consumer = hands.start("request", offer, *asked, *WAIT, by="partner")
    found: list[str] = []

    def requested() -> bool:
        found[:] = [one["subject"] for one in hands.json("history", offer) if one["kind"] == "agreement.requested"]
        return bool(found)

    eventually(requested, "nothing was requested")
    provider = hands.start("agree", found[0], *WAIT, by="factory")
    assert [ended(one)[0] for one in (consumer, provider)] == [0, 0]
    assert state_of(hands, found[0]) == "FINALIZED"


def test_a_withdrawn_offer_cannot_be_requested(hands: Hands, offer: str) -> None:
    hands.done("withdraw", offer, by="factory")
    hands.refused("offer_withdrawn", "request", offer, by="partner")
