"""As whom a key signs, out of what a ledger says of it."""

from __future__ import annotations

from typing import Any

import pytest

from api.client import Speaker
from api.client.answers import Acting, Former, Key, Speaking
from api.client.speaking import Voices
from identity.errors import Problem
from ledger.errors import Malformed, Refused

NOW = 1_760_000_000
OWN = Speaker("did:key:zOwn", "did:key:zOwn")
WORKS, RHEIN = "party_works", "party_rhein"
ASSET = "asset_0123456789abcdefghjkmnpqrs"


def given(via: str, *kinds: str, by: str = WORKS, **more: Any) -> Acting:
    did, name = (f"did:key:z{by}", by.removeprefix("party_"))
    stated = {"to": OWN.did, "party": by, "did": did, "name": name, "until": NOW + 9, **more}
    return Acting(delegation=f"delegation_{via}", via=via, kinds=list(kinds), **stated)


def voices(*given_: Acting, wanted: str | None = None, **more: Any) -> Voices:
    return Voices(OWN, Key(parties=more.get("parties", []), delegations=list(given_), former=more.get("former", [])),
                  wanted, NOW)  # fmt: skip


def code(problem: pytest.ExceptionInfo[Problem]) -> str:
    return problem.value.code


def test_a_key_that_signs_for_nobody_signs_as_itself() -> None:
    assert voices().speaker("party.joined") == OWN
    assert voices().did == OWN.iss


def test_a_party_speaks_for_itself_whatever_was_delegated_to_it_unless_the_other_is_named() -> None:
    own = Speaking(party="party_own", did=OWN.iss)
    both = {"parties": [own]}
    assert voices(given("a", "*"), **both).speaker("asset.retired") == OWN
    assert voices(given("a", "*"), wanted="works", **both).speaker("asset.retired").via == "a"


@pytest.mark.parametrize("wanted", [WORKS, "works", "did:key:zparty_works", "delegation_a", "a"])
def test_a_delegation_is_chosen_by_its_party_or_by_itself(wanted: str) -> None:
    assert voices(given("a", "*"), given("b", "*", by=RHEIN), wanted=wanted).speaker() == Speaker(
        "did:key:zparty_works", OWN.did, "a"
    )


def test_what_is_wanted_and_not_there_is_told_with_what_is() -> None:
    with pytest.raises(Malformed, match=r"speaker_unknown: nobody; it signs for:\n  works \(party_works\)"):
        voices(given("a", "*"), wanted="nobody")


def test_the_one_that_covers_the_kind_signs() -> None:
    asked = voices(given("a", "asset.*"), given("b", "offer.opened", by=RHEIN))
    assert asked.speaker("asset.retired").via == "a"
    assert asked.speaker("offer.opened").via == "b"
    assert (asked.chosen or "").startswith("rhein (party_rhein), under delegation_b: offer.opened, until ")
    with pytest.raises(Refused) as none:
        asked.speaker("transfer.proposed")
    assert code(none) == "kind_not_delegated"
    for kind in (None, "party.delegated"):  # whether it may be given on is not said by its kinds
        with pytest.raises(Malformed) as unclear:
            asked.speaker(kind)
        assert code(unclear) == "speaker_unclear"


def test_the_one_that_covers_the_subject_signs() -> None:
    asked = voices(given("a", "*", subjects=[ASSET]), given("b", "*", subjects=["asset_b"]))
    assert asked.speaker("asset.retired", {ASSET, WORKS}).via == "a"
    for touched in ({"asset_c"}, set()):
        with pytest.raises(Refused) as none:
            asked.speaker("asset.retired", touched)
        assert code(none) == "subject_not_delegated"


def test_nobody_is_left_for_another_by_a_delegation() -> None:
    with pytest.raises(Refused) as none:
        voices(given("a", "*"), given("b", "*", by=RHEIN)).speaker("party.left")
    assert code(none) == "kind_not_delegated"


def test_what_has_ended_is_used_where_there_is_nothing_else_so_that_the_rules_say_so() -> None:
    over = given("a", "*", until=NOW - 1)
    assert voices(over, given("b", "*")).speaker("asset.retired").via == "b"
    assert voices(over).speaker("asset.retired").via == "a"
    left = Speaking(party=RHEIN, did="did:key:zRhein", left=True)
    assert voices(parties=[left]).did == "did:key:zRhein"
    assert voices(over, parties=[left]).did == "did:key:zparty_works"


def test_the_party_is_clear_where_all_delegations_are_of_one() -> None:
    assert voices(given("a", "asset.*"), given("b", "offer.*")).did == "did:key:zparty_works"
    with pytest.raises(Malformed) as unclear:
        assert voices(given("a", "asset.*"), given("b", "offer.*", by=RHEIN)).did
    assert code(unclear) == "speaker_unclear"


def test_a_delegation_for_ever_is_told_to_the_last_year_that_can_be_written() -> None:
    with pytest.raises(Malformed, match="9999-12-31"):
        voices(given("a", "*", until=2**38 - 1), given("b", "*")).speaker()


@pytest.mark.parametrize("wanted", [None, WORKS])
def test_a_key_that_was_replaced_is_told_since_when_and_by_what(wanted: str | None) -> None:
    one = Former(party=WORKS, name="Works", did="did:key:zNext", keys=["zNext"], ended=7, compromised=True)
    told = "at entry 7, declared compromised; the party speaks through did:key:zNext"
    with pytest.raises(Malformed, match=f"it stopped speaking for Works \\(party_works\\) {told}"):
        voices(former=[one], wanted=wanted)
    moved = Former(party=WORKS, did="did:webvh:x", keys=["z1", "z2", "z3", "z4"], ended=8, compromised=False)
    with pytest.raises(Malformed, match=r"for party_works at entry 8; .* through did:webvh:x by z1, z2, z3, …"):
        voices(former=[moved, one], wanted=wanted)
    if wanted is None:
        assert voices(given("b", "*", by=RHEIN), former=[one]).speaker().via == "b"
    else:
        with pytest.raises(Malformed, match="speaker_former"):
            voices(given("b", "*", by=RHEIN), former=[one], wanted=wanted)
