"""What a ledger shows of those that states name: their names, and whether delegations and credentials hold."""

from __future__ import annotations

from typing import Any, cast

import pytest

from api.client import Client, Subject
from ledger.errors import Absent
from scripts.known import Known
from scripts.times import show_seconds
from tests.cast import CAST, DAY, Play


class Shown:
    """A client of a play's subjects, which counts what it is asked."""

    def __init__(self, play: Play) -> None:
        self.play, self.asked = play, 0

    def subject(self, name: str) -> Subject:
        self.asked += 1
        ids = [one for one in self.play.subjects if name in (one, *self.dids(one))]
        if not ids:
            raise Absent("subject_absent", name)
        found = self.play.subjects[ids[0]]
        return Subject(id=found.id, type=found.type, no=found.no, index=found.index, last=found.last,
                       state=found.state.__dict__)  # fmt: skip

    def dids(self, id_: str) -> list[str]:
        return list(getattr(self.play.subjects[id_].state, "dids", []))

    def ledger(self) -> Any:
        charter = self.play.subjects[str(self.play.world.ledger)].state
        return type("About", (), {"charter": charter.__dict__})

    def erasures(self, digest: str) -> list[Any]:
        raise Absent("digest_absent", digest)


def known(play: Play, after: int = 0) -> tuple[Known, Shown]:
    client = Shown(play)
    return Known(cast(Client, client), play.seconds + after), client


def test_a_party_is_named_beside_its_id_or_did_and_asked_for_once() -> None:
    play = Play()
    play.join("factory")
    factory = play.party("factory")
    about, client = known(play)
    name = play.subjects[factory].state.name  # type: ignore[attr-defined]
    for _ in range(2):
        assert about.named(factory) == f"{factory} ({name})"
    assert client.asked == 1
    assert about.speaker(CAST["factory"].did) == f"{factory} ({name})"
    assert about.named("all") == "all"
    assert about.named("did:key:z6Mk") == "did:key:z6Mk"
    governance = CAST["governance"].did
    assert about.speaker(governance) == f"{governance} (governance)"


def test_a_delegation_holds_in_its_time_until_it_or_one_above_it_is_revoked() -> None:
    play = Play()
    play.join("factory", "partner")
    first = play.delegate("factory", "partner", depth=1, days=2)
    state = play.subjects[first].state.__dict__
    until = show_seconds(state["until"])
    assert known(play)[0].standing(state) == "active"
    assert known(play, 3 * DAY)[0].standing(state) == f"over since {until}"
    assert known(play, -DAY)[0].standing(state) == f"not yet, from {show_seconds(state['since'])}"
    below = state | {"chain": [first], "until": state["until"] + 9 * DAY}
    assert known(play)[0].standing(below) == "active"
    assert known(play, 3 * DAY)[0].standing(below) == f"ends with {first}: over since {until}"
    play.act("delegation.revoked", by="factory", sub=first, body={"reason": "compromised"})
    last = len(play.entries) - 1
    assert known(play)[0].standing(below) == f"ends with {first}: revoked, doubtful from entry {last} on"


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ({"status": "active", "validFrom": 0, "validUntil": None}, "active"),
        ({"status": "active", "validFrom": 0, "validUntil": 9}, "over since 1970-01-01T00:00:09Z"),
        ({"status": "active", "validFrom": 2**40, "validUntil": None}, f"not yet, from {show_seconds(2**40)}"),
        ({"status": "suspended", "validFrom": 0, "validUntil": 9}, "suspended"),
        ({}, "unknown"),
    ],
)
def test_a_credential_holds_as_it_is_recorded_and_in_its_time(state: dict[str, Any], told: str) -> None:
    assert known(Play())[0].standing(state) == told


def test_whom_a_delegation_was_given_to_is_called_as_it_says_or_as_they_do() -> None:
    play = Play()
    play.join("factory", "partner")
    about, _ = known(play)
    device = play.subjects[play.delegate("factory", "lender", name="Press 4")].state.__dict__
    assert about.delegate(device) == f"{CAST['lender'].did} (Press 4)"
    buyer = play.subjects[play.delegate("factory", "partner")].state.__dict__
    assert about.delegate(buyer).startswith(f"{CAST['partner'].did} (")
    assert about.delegate({}, "did:key:z6Mk") == "did:key:z6Mk"


def test_an_offer_is_open_in_its_time_while_its_assets_are_as_they_were() -> None:
    play = Play()
    play.join("factory", "partner")
    asset, other = play.register("factory"), play.register("factory", title="another")
    offer = play.offer("factory", asset, other, validFrom=play.seconds + DAY)
    state = play.subjects[offer].state.__dict__
    about, _ = known(play)
    assert about.offering(state) == f"not yet, from {show_seconds(state['validFrom'])}"
    assert known(play, 2 * DAY)[0].offering(state) == "open"
    assert known(play, 31 * DAY)[0].offering(state) == f"over since {show_seconds(state['validUntil'])}"
    assert about.lapsed(state) is None
    play.act("asset.retired", by="factory", sub=other, body={"reason": "worn out"})
    assert known(play)[0].lapsed(state) == f"lapsed: {other} is retired"
    play.transfer("factory", asset, "partner")
    holder = f"{play.party('partner')} ({play.subjects[play.party('partner')].state.name})"  # type: ignore[attr-defined]
    assert known(play)[0].lapsed(state) == f"lapsed: {asset} is held by {holder}"
    play.act("offer.withdrawn", by="factory", sub=offer, body={})
    assert known(play, 31 * DAY)[0].offering(play.subjects[offer].state.__dict__) == "withdrawn"
