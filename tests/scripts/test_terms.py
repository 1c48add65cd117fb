"""What the command signs in a negotiation is what the other side stated, whatever the service says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import pytest

from api.client import Subject
from identity.errors import Unverifiable
from ledger.statement import Statement
from scripts.negotiation import approve_price, offered_terms, standing_terms
from scripts.session import Session
from tests.cast import Play, money


@dataclass
class Proven:
    """A session as far as reading terms goes: entries are what they are, whatever the state shown."""

    play: Play

    def proven(self, index: int) -> Statement:
        return self.play.entries[index].statement

    def index_of(self, what: str) -> int:
        return self.play.subjects[what].index

    def shown(self, id_: str) -> Subject:
        """A subject as an honest service shows it."""
        found = self.play.subjects[id_]
        state: dict[str, Any] = {**vars(found.state)}
        return Subject(id=id_, type=id_.partition("_")[0], no=found.no, index=found.index, last=found.last, state=state)


@pytest.fixture(scope="module")
def requested() -> tuple[Session, Subject]:
    play = Play()
    for name in ("factory", "partner"):
        play.join(name)
    agreement = play.request("partner", play.offer("factory", play.register("factory")))
    proven = Proven(play)
    return cast(Session, proven), proven.shown(agreement)


def test_terms_that_are_as_stated_are_given(requested: tuple[Session, Subject]) -> None:
    session, agreement = requested
    assert standing_terms(session, agreement).digest == agreement.state["digest"]


@pytest.mark.parametrize(
    "lie",
    [
        pytest.param({"digest": "A" * 43}, id="the digest of other terms"),
        pytest.param({"statedIn": 1}, id="an entry that states no terms"),
        pytest.param({"provider": "party_" + "0" * 26}, id="another provider"),
        pytest.param({"offer": "offer_" + "0" * 26}, id="another offer"),
    ],
)
def test_a_service_that_shows_other_terms_is_found_out(requested: tuple[Session, Subject], lie: dict[str, Any]) -> None:
    session, agreement = requested
    lying = agreement.model_copy(update={"state": {**agreement.state, **lie}})
    with pytest.raises(Unverifiable) as wrong:
        standing_terms(session, lying)
    assert wrong.value.code == "terms_misstated"


class Market:
    """Two offers of a factory, at prices far apart, and two transfers that it proposed; no terms that anybody asked."""

    def __init__(self) -> None:
        self.play = Play()
        for name in ("factory", "partner"):
            self.play.join(name)
        first, second = self.play.register("factory"), self.play.register("factory", title="Another")
        self.cheap = self.play.offer("factory", first, price=money(1_000))
        self.dear = self.play.offer("factory", first, price=money(8_888_800))
        self.other = self.play.offer("factory", second, price=money(1_000))
        self.request = self.play.request("partner", self.dear)
        self.transfer = self.play.propose("factory", first, "partner", price=money(1_000))
        self.proven = Proven(self.play)
        self.session = cast(Session, self.proven)


@pytest.fixture(scope="module")
def market() -> Market:
    return Market()


def test_an_offer_is_taken_up_as_it_was_made(market: Market) -> None:
    offered = offered_terms(market.session, market.proven.shown(market.cheap))
    assert (offered.price, offered.disclosures) == (money(1_000), ())


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("of", ["dear", "other", "request"])
def test_a_service_that_answers_with_another_offer_is_found_out(market: Market, of: str, whole: bool) -> None:
    """It shows all of the other's state, or only the entry that states it."""
    lie = market.proven.shown(getattr(market, of)).state
    shown = market.proven.shown(market.cheap)
    lying = shown.model_copy(update={"state": lie if whole else {**shown.state, "statedIn": lie["statedIn"]}})
    with pytest.raises(Unverifiable) as wrong:
        offered_terms(market.session, lying)
    assert wrong.value.code == "terms_misstated"


@pytest.mark.parametrize("name", ["price", "policy", "assets"])
def test_a_service_that_claims_something_else_of_an_offer_is_found_out(market: Market, name: str) -> None:
    shown = market.proven.shown(market.cheap)
    lies = {"price": money(8_888_800), "policy": "A" * 43, "assets": market.proven.shown(market.other).state["assets"]}
    with pytest.raises(Unverifiable) as wrong:
        offered_terms(market.session, shown.model_copy(update={"state": {**shown.state, name: lies[name]}}))
    assert wrong.value.code == "terms_misstated"


def test_a_transfer_is_taken_as_it_was_proposed(market: Market, capsys: pytest.CaptureFixture[str]) -> None:
    shown = market.proven.shown(market.transfer)
    approve_price(market.session, shown)
    assert capsys.readouterr().err == "the price: 10.00 EUR\n"
    for lie in ({"asset": "asset_" + "0" * 26}, {"to": "party_" + "0" * 26}):
        with pytest.raises(Unverifiable) as wrong:
            approve_price(market.session, shown.model_copy(update={"state": {**shown.state, **lie}}))
        assert wrong.value.code == "terms_misstated"
    with pytest.raises(Unverifiable) as wrong:
        approve_price(market.session, shown.model_copy(update={"id": market.cheap}))
    assert wrong.value.code == "terms_misstated"
