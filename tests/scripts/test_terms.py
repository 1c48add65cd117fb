"""What the command signs in a negotiation is what the other side stated, whatever the service says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import pytest

from api.client import Subject
from identity.errors import Unverifiable
from ledger.statement import Statement
from scripts.negotiation import standing_terms
from scripts.session import Session
from tests.cast import Play


@dataclass
class Proven:
    """A session as far as reading terms goes: entries are what they are, whatever the state shown."""

    play: Play

    def proven(self, index: int) -> Statement:
        return self.play.entries[index].statement


@pytest.fixture(scope="module")
def requested() -> tuple[Session, Subject]:
    play = Play()
    for name in ("factory", "partner"):
        play.join(name)
    agreement = play.request("partner", play.offer("factory", play.register("factory")))
    found = play.subjects[agreement]
    members: dict[str, Any] = {**vars(found.state)}
    shown = Subject(id=agreement, type="agreement", no=found.no, index=found.index, last=found.last, state=members)
    return cast(Session, Proven(play)), shown


def test_terms_that_are_as_stated_are_given(requested: tuple[Session, Subject]) -> None:
    session, agreement = requested
    assert standing_terms(session, agreement).digest == agreement.state["digest"]


@pytest.mark.parametrize(
    "lie",
    [
        pytest.param({"digest": "A" * 43}, id="the digest of other terms"),
        pytest.param({"statedIn": 1}, id="an entry that states no terms"),
        pytest.param({"provider": "party_" + "0" * 26}, id="another provider"),
    ],
)
def test_a_service_that_shows_other_terms_is_found_out(requested: tuple[Session, Subject], lie: dict[str, Any]) -> None:
    session, agreement = requested
    lying = agreement.model_copy(update={"state": {**agreement.state, **lie}})
    with pytest.raises(Unverifiable) as wrong:
        standing_terms(session, lying)
    assert wrong.value.code == "terms_misstated"
