"""States as people read them: a line for each key, for the log, the trustees, the credentials, the aliases."""

from __future__ import annotations

from typing import Any

import pytest

from scripts.output import show_value
from scripts.readable import readable, show_span
from scripts.times import show_seconds
from tests.cast import CAST, DAY, Play, digest, whole_life
from tests.logs import HOST

LEI = "lei:529900T8BM49AURSDO55"


def told(play: Play, name: str) -> dict[str, Any]:
    return readable(play.subjects[play.party(name)].state.__dict__)


def test_the_keys_of_a_party_are_a_line_each_with_what_became_of_them() -> None:
    play = Play()
    play.act("ledger.amended", by="governance", sub=play.world.ledger, body={"didHost": HOST})
    play.join_hosted("works", keys=["works", "desk"])
    joined = len(play.entries) - 1
    play.rotate("works", keys=["works-2"], compromised=[("desk", joined)])
    last = len(play.entries) - 1
    lines = told(play, "works")["keys"].split("\n")
    keys = [one.split("  ")[0] for one in lines]
    assert keys == [one["key"] for one in play.subjects[play.party("works")].state.keys]  # type: ignore[attr-defined]
    assert [one.partition("  ")[2] for one in lines] == [
        f"since entry {joined}, until entry {last}: replaced",
        f"since entry {joined}, until entry {last}: doubtful from entry {joined} on",
        f"since entry {last}",
    ]


def test_a_log_is_told_by_its_version_its_place_and_who_can_go_on_with_it() -> None:
    play = Play()
    play.act("ledger.amended", by="governance", sub=play.world.ledger, body={"didHost": HOST})
    play.join_hosted("works", portable=True)
    first = len(play.entries) - 1
    version, place, going_on = told(play, "works")["log"].split("\n")[:3]
    assert version.startswith("version 1 of 2025-10-09T")
    assert version.endswith(f", stated in entry {first}")
    assert place == f"served at {HOST}:org:works"
    assert going_on == "next keys announced: yes; witnesses: none"
    play.rotate("works", host="data.example")
    version, place, _ = told(play, "works")["log"].split("\n")[:3]
    assert version.startswith("version 2 of ")
    assert version.endswith(f", stated in entry {first + 1}")
    assert place == "hosted elsewhere"
    first_did, last_did = told(play, "works")["dids"].split("\n")
    assert first_did.endswith(f":{HOST}:org:works")
    assert last_did.endswith(":data.example:org:works")


def test_witnesses_and_keys_that_data_are_sealed_to_are_told() -> None:
    standing = {
        "versionId": "7-Qm",
        "versionTime": "2026-01-01T00:00:00Z",
        "nextKeyHashes": [],
        "witness": {"threshold": 2, "witnesses": [{"id": "a"}, {"id": "b"}, {"id": "c"}]},
    }
    log = {"standing": standing, "entry": 3, "before": None, "place": None, "keyAgreement": ["z6LSa", "z6LSb"]}
    lines = readable({"log": log})["log"].split("\n")
    assert lines[2:] == ["next keys announced: no; witnesses: 2 of 3", "sealed to z6LSa, z6LSb"]


def test_trustees_credentials_and_aliases_are_lines() -> None:
    play = Play()
    lender, partner, second, factory = play.join("lender", "partner", "second", "factory")
    play.arrange("factory", "partner", "second")
    amended = {
        "issuers": [{"types": ["Badge"], "dids": [CAST["lender"].did]}],
        "authorities": [{"did": CAST["lender"].did, "roles": ["registrar"]}],
    }
    play.act("ledger.amended", by="governance", sub=play.world.ledger, body=amended)
    body = {"issuer": lender, "holder": factory, "type": "Badge", "role": "assessor", "digest": digest("badge")}
    body |= {"validFrom": play.seconds, "validUntil": play.seconds + DAY}
    badge = play.act("credential.recorded", by="lender", body=body).subject
    play.act("party.aliased", by="factory", sub=factory, body={"claimed": [LEI, "handle:88.1/a"]})
    seen = {"subject": factory, "alias": LEI, "evidence": digest("extract")}
    seal = play.act("alias.attested", by="lender", body=seen).subject
    shown = told(play, "factory")
    since, until = show_seconds(play.seconds + 7 * DAY), show_seconds(play.seconds + DAY)
    assert shown["trust"] == f"2 of {partner}, {second}; 7 d to object; from {since} on"
    assert shown["credentials"] == f"{badge}  Badge as assessor, by {CAST['lender'].did} until {until}"
    assert shown["aliases"] == f"{LEI}  attested by {seal}\nhandle:88.1/a  claimed"
    play.act("recovery.arranged", by="factory", sub=factory, body={"trustees": []})
    assert told(play, "factory")["trust"].split("\n")[-1].startswith("nobody, from ")


def test_a_contact_is_told_way_by_way_and_stays_withheld_where_it_is() -> None:
    contact = {"email": "a@b.example", "phone": None}
    assert readable({"contact": contact})["contact"] == "email a@b.example"
    hidden = {"_sd": [digest("contact")]}
    for value in (hidden, "erased", None):
        assert readable({"contact": value})["contact"] == value


def test_no_state_of_a_party_is_told_in_braces() -> None:
    play = whole_life()
    parties = [one for one in play.subjects.values() if one.type == "party"]
    assert len(parties) > 5
    for party in parties:
        for name, value in readable(party.state.__dict__).items():
            assert not isinstance(value, dict) or value.keys() == {"_sd"}, name
            assert not isinstance(value, list) or all(isinstance(one, str) for one in value), name


def test_a_delegation_is_told_in_times_money_and_names() -> None:
    play = Play()
    factory, _ = play.join("factory", "partner")
    money = [{"amount": 5_000_000, "currency": "EUR"}]
    given = play.delegate("factory", "partner", name="Buyer", amounts=money, depth=2, days=1)
    play.act("delegation.revoked", by="factory", sub=given, body={"reason": "compromised"})
    state = play.subjects[given].state.__dict__
    shown = readable(state, {factory: "the factory"}.get)  # type: ignore[arg-type]
    assert shown["party"] == "the factory"
    assert shown["since"] == show_seconds(state["since"])
    assert shown["depth"] == "may be given on 2 times"
    assert shown["compromised"] == f"from entry {len(play.entries) - 1} on"
    assert show_value("amounts", shown["amounts"]) == "50000.00 EUR"
    assert show_value("until", shown["until"]) == show_seconds(state["until"])
    assert readable({"depth": 0})["depth"] == "may not be given on"
    assert readable({"depth": 1})["depth"] == "may be given on once"


def test_no_state_is_told_in_braces_or_in_seconds_but_what_a_policy_says() -> None:
    play = whole_life()
    times = range(play.seconds - 4_000 * DAY, play.seconds + 4_000 * DAY)
    for subject in play.subjects.values():
        for name, value in readable(subject.state.__dict__).items():
            told_as = show_value(name, value)
            assert "{" not in told_as, (subject.type, name, told_as)
            assert not told_as.isdecimal() or int(told_as) not in times, (subject.type, name, told_as)


def test_what_has_parts_that_are_words_is_told_in_words() -> None:
    powers = {"amounts": [{"amount": 5_000_000, "currency": "EUR"}, {"amount": 7, "currency": "JPY"}], "kinds": ["*"]}
    assert show_value("powers", powers) == "amounts 50000.00 EUR, 7 JPY, kinds *"
    assert show_value("", [{"did": "did:a", "roles": ["x", "y"]}]) == "did did:a, roles x, y"
    assert show_value("x", {"deep": {"er": 1}}) == '{"deep":{"er":1}}'


def test_the_place_of_a_credential_is_told_in_words() -> None:
    assert readable({"place": {"list": 2, "index": 94_567}})["place"] == "94567 of status list 2"


def test_nothing_else_is_changed() -> None:
    assert readable({"title": "x", "keys": [], "log": None}) == {"title": "x", "keys": [], "log": None}


@pytest.mark.parametrize(("seconds", "shown"), [(604_800, "7 d"), (129_600, "36 h"), (60, "1 min"), (61, "61 s")])
def test_a_span_is_told_in_its_largest_whole_unit(seconds: int, shown: str) -> None:
    assert show_span(seconds) == shown
