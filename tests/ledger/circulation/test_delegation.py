"""Delegations: their stories; that no chain lets more through than each of its links; what counts as an amount."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from ledger.circulation.delegation import Delegation, amounts_in, covers
from ledger.errors import Problem
from ledger.statement import KINDS
from tests.cast import Play, Played, description, money
from tests.stories.delegation import STORIES
from tests.stories.stage import play_story


@pytest.mark.parametrize("name", STORIES)
def test_story(name: str) -> None:
    play_story(STORIES[name])


def test_a_pattern_covers_a_kind_a_noun_or_all() -> None:
    covered = {
        "*": ("asset.registered", "asset.revised", "offer.opened"),
        "asset.*": ("asset.registered", "asset.revised"),
        "asset.registered": ("asset.registered",),
        "asset.*ed": (),
        "as.*": (),
        "assets.*": (),
    }
    for pattern, kinds in covered.items():
        asked = ("asset.registered", "asset.revised", "offer.opened")
        assert [kind for kind in asked if covers(pattern, kind)] == [kind for kind in asked if kind in kinds]


def test_what_decides_who_speaks_for_a_party_is_personal() -> None:
    personal = {name for name, kind in KINDS.items() if kind.PERSONAL}
    assert {"party.joined", "party.rotated", "party.succeeded", "party.left"} <= personal
    assert {name for name in KINDS if name.startswith(("recovery.", "ledger.", "state."))} <= personal
    nouns = ("asset.", "offer.", "agreement.", "transfer.", "delegation.")
    assert not personal & ({name for name in KINDS if name.startswith(nouns)} | {"party.delegated"})


def test_amounts_are_found_wherever_they_stand_and_whatever_stands_beside_them() -> None:
    hidden = {"_sd": ["A" * 43]}
    found = {
        "in a list": ([{"price": money(5)}, {"terms": {"price": money(7, "CNY")}}], [5, 7]),
        "withheld": ({"price": hidden}, [None]),
        "with more beside it": ({"price": money(5) | {"per": "month"}}, [5]),
        "no amount": ({"amount": "five", "currency": "EUR"}, []),
        "no currency": ({"amount": 5, "currency": ["EUR"]}, []),
        "of a currency nobody knows": ({"amount": 5, "currency": "DOGE"}, [5]),
        "asked by a policy": ({"policy": {"constraint": [{"leftOperand": "https://x.example/PayAmount"}]}}, [None]),
        "asked as an operand": ({"policy": {"constraint": [{"rightOperand": {"@id": "odrl:payAmount"}}]}}, [None]),
        "by what has to be done": ({"policy": {"obligation": [{"action": "compensate"}]}}, [None]),
        "by what has to be done for it": ({"terms": {"policy": {"permission": [{"duty": [{}]}]}}}, [None]),
        "asked by a policy that was agreed on": ({"paymentAsked": True, "price": money(5)}, [None]),
        "not asked": ({"paymentAsked": False, "policy": {"permission": [{"leftOperand": "purpose"}]}}, []),
        "nothing": ({"title": "x", "size": 5}, []),
    }
    for value, amounts in found.values():
        assert [one and one["amount"] for one in amounts_in(value)] == amounts


BOUNDS: list[dict[str, Any]] = [
    {"kinds": ["*"]},
    {"kinds": ["asset.*"]},
    {"kinds": ["offer.opened", "asset.registered"]},
    {"kinds": ["*"], "amounts": [money(100)]},
    {"kinds": ["*"], "subjects": ["asset", "version"]},
]


def attempts(play: Play, asset: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "asset.registered", {"body": description("Other")}
    yield "asset.revised", {"sub": asset, "body": description("Spindle, line 5")}
    yield "offer.opened", {"body": play.offer_of(asset)}
    yield "offer.opened", {"body": play.offer_of(asset, price=money(100))}
    yield "offer.opened", {"body": play.offer_of(asset, price=money(101))}


def lets_through(first: dict[str, Any], second: dict[str, Any] | None) -> list[bool]:
    """Which of the attempts are admitted by a delegation, or by one and another that goes back to it."""
    play = Play()
    play.join("factory")
    registered = play.act("asset.registered", by="factory", body=description("Spindle"))
    asset, found = registered.subject, {"asset": registered.subject, "version": registered.opened("version")}
    bounds = [
        one if one is None or "subjects" not in one else one | {"subjects": list(found.values())}
        for one in (first, second)
    ]
    assert bounds[0] is not None
    via, by = play.delegate("factory", "machine", depth=1, **bounds[0]), "machine"
    if bounds[1] is not None:
        via, by = play.delegate("machine", "agent", via=via, **bounds[1]), "agent"
    given = list(attempts(play, asset))
    return [isinstance(play.attempt(kind, by=by, via=via, **one), Played) for kind, one in given]


def test_a_chain_lets_through_what_each_of_its_links_does_and_no_more() -> None:
    alone = [lets_through(one, None) for one in BOUNDS]
    assert alone == [
        [True, True, True, True, True],
        [True, True, False, False, False],
        [True, False, True, True, True],
        [True, True, True, True, False],
        [False, True, True, True, True],
    ]
    for (place, first), (other, second) in product(enumerate(BOUNDS), repeat=2):
        both = [one and two for one, two in zip(alone[place], alone[other], strict=True)]
        assert lets_through(first, second) == both


def test_a_delegation_is_found_by_who_gave_it_who_has_it_and_what_it_goes_back_to() -> None:
    play = Play()
    (factory,) = play.join("factory")
    mandate = play.delegate("factory", "machine", depth=1)
    body = {"to": play.did("agent"), "nature": "agent", "name": "Pricing agent 7", "until": play.seconds + 60}
    body |= {"powers": {"kinds": ["offer.*"]}}
    further = play.act("party.delegated", by="machine", via=mandate, body=body)
    hidden = play.act("party.delegated", by="machine", via=mandate, body=body, private=["name"])
    state = play.state(Delegation, further.subject)
    agent, found = play.did("agent"), {("delegator", factory), ("delegate", play.did("agent")), ("above", mandate)}
    found.add(("mandate", f"{factory}/{agent}"))
    assert set(state.lookups()) == found | {("mandate", agent)}
    play.act("delegation.revoked", by="factory", sub=further.subject, body={})
    assert set(play.state(Delegation, further.subject).lookups()) == found
    assert set(state.words()) == {"pricing", "agent", "7"}
    assert list(play.state(Delegation, hidden.subject).words()) == []
    assert (state.act, state.opened, state.chain) == (further.id, further.index, [mandate])
    assert state.key == play.did("machine").removeprefix("did:key:")
    assert play.subjects[mandate].no in further.change.mentioned


def test_an_act_under_a_delegation_is_the_partys_and_says_so_to_every_rule() -> None:
    play = Play()
    factory, _ = play.join("factory", "partner")
    mandate = play.delegate("factory", "machine")
    done = play.act("asset.registered", by="machine", via=mandate, body=description("Spindle"))
    assert done.statement.claims.iss == play.did("factory")
    assert done.statement.key[0] == play.did("machine")
    assert done.statement.delegation() == mandate
    assert play.subjects[done.subject].state.holder == factory  # type: ignore[attr-defined]


def test_the_statement_id_must_be_whole_and_not_only_begin_alike() -> None:
    """Subject ids keep 128 bits of the statement id: the rest is compared."""
    play = Play()
    play.join("factory")
    mandate = play.state(Delegation, play.delegate("factory", "machine")).act
    forged = mandate[:30] + ("A" if mandate[30] != "A" else "B") + mandate[31:]
    with pytest.raises(Problem, match="delegation_unknown"):
        play.act("asset.registered", by="machine", via=forged, iss=play.did("factory"), body=description("Spindle"))
