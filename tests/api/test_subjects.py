"""Subjects: their state at any size, their history, and how they are found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ledger.circulation.asset import Version
from tests.api.house import House, TestClient, code_of
from tests.cast import CAST, Play, description, digest

NO_PARTY = "party_" + "0" * 26


@dataclass
class Told:
    play: Play
    client: TestClient
    spindle: str  # registered at 3, revised at 6, given to the partner at 9
    castings: str  # registered at 4
    offer: str  # of the castings, at 5

    def get(self, page: str, **query: Any) -> Any:
        answer = self.client.get(page, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    house = House.build(tmp_path_factory.mktemp("subjects") / "ledger")
    play = house.play
    play.join("factory", "partner")
    spindle = play.register("factory", title="主轴振动数据", keywords=["Vibration", "主轴"])
    castings = play.register("factory", title="Casting temperatures", keywords=["heat"], classification="important")
    offer = play.offer("factory", castings)
    revised = description(title="主轴振动数据 lines 4 and 5", keywords=["Vibration"])
    play.act("asset.revised", by="factory", sub=spindle, body=revised)
    play.register("partner", title="Vibration of gearboxes")
    play.transfer("factory", spindle, "partner")
    with house.served() as client:
        house.tell(client)
        yield Told(play, client, spindle, castings, offer)


def test_a_subject_is_shown_as_the_rules_see_it(told: Told) -> None:
    for subject in told.play.subjects.values():
        shown = told.get(f"/v1/subjects/{subject.id}")
        assert shown == {
            "id": subject.id,
            "type": subject.type,
            "no": subject.no,
            "index": subject.index,
            "last": subject.last,
            "state": subject.state.__dict__,
            "size": 10,
            "at": 10,
        }


def test_a_subject_is_shown_as_it_stood(told: Told) -> None:
    factory, partner = told.play.party("factory"), told.play.party("partner")
    table = [
        # size, last change, versions, holder
        (4, 3, 1, factory),
        (5, 3, 1, factory),
        (6, 3, 1, factory),
        (7, 6, 2, factory),
        (8, 6, 2, factory),
        (9, 6, 2, factory),
        (10, 9, 2, partner),
    ]
    for at, index, versions, holder in table:
        shown = told.get(f"/v1/subjects/{told.spindle}", at=at)
        assert (shown["at"], shown["size"], shown["index"]) == (at, 10, index)
        assert (shown["state"]["versions"], shown["state"]["holder"]) == (versions, holder)


def test_before_it_was_opened_a_subject_is_absent(told: Told) -> None:
    answer = told.client.get(f"/v1/subjects/{told.spindle}", params={"at": 3})
    assert (answer.status_code, code_of(answer)) == (404, "subject_absent")


def test_a_party_is_found_by_its_did(told: Told) -> None:
    did = CAST["factory"].did
    assert told.get(f"/v1/subjects/{did}") == told.get(f"/v1/subjects/{told.play.party('factory')}")
    assert told.get(f"/v1/subjects/{did}/history") == told.get(f"/v1/subjects/{told.play.party('factory')}/history")


@pytest.mark.parametrize(
    ("page", "status", "code"),
    [
        ("/v1/subjects/" + NO_PARTY, 404, "subject_absent"),
        ("/v1/subjects/nonsense", 404, "subject_absent"),
        ("/v1/subjects/" + CAST["lender"].did, 404, "subject_absent"),
        ("/v1/subjects/did:web:example.com", 404, "subject_absent"),
        ("/v1/subjects/" + NO_PARTY + "/history", 404, "subject_absent"),
        ("/v1/subjects/" + CAST["lender"].did + "/history", 404, "subject_absent"),
        ("/v1/subjects/" + NO_PARTY + "?at=11", 404, "size_absent"),
        ("/v1/subjects/" + NO_PARTY + "?at=-1", 400, "query_malformed"),
        ("/v1/subjects/" + NO_PARTY + "?at=01", 400, "query_malformed"),
        ("/v1/subjects/" + NO_PARTY + "?at=1.0", 400, "query_malformed"),
        ("/v1/subjects/" + NO_PARTY + "/history?before=%2B1", 400, "query_malformed"),
        ("/v1/subjects?limit=01", 400, "query_malformed"),
        ("/v1/subjects?after=-01", 400, "query_malformed"),
        ("/v1/search?limit=%2020", 400, "query_malformed"),
        ("/v1/subjects?limit=0", 400, "query_malformed"),
        ("/v1/subjects?limit=1001", 400, "query_malformed"),
        ("/v1/subjects?after=-2", 400, "query_malformed"),
        ("/v1/search?type=ledger", 400, "query_malformed"),
        ("/v1/search?alias=lei:529900T8BM49AURSDO56", 400, "alias_malformed"),
        ("/v1/search?alias=88.118.8/abc", 400, "alias_malformed"),
        ("/v1/search?cursor=x", 400, "query_malformed"),
        ("/v1/search?cursor=01", 400, "query_malformed"),
        ("/v1/search?limit=101", 400, "query_malformed"),
        ("/v1/search?q=" + "x" * 201, 400, "query_malformed"),
        ("/v1/search?holder=" + CAST["lender"].did, 404, "subject_absent"),
    ],
)
def test_what_is_not_there_or_not_of_its_form(told: Told, page: str, status: int, code: str) -> None:
    answer = told.client.get(page)
    assert (answer.status_code, code_of(answer)) == (status, code)


def test_history_names_every_entry_that_touched_it_latest_first(told: Told) -> None:
    expected = [
        played.index
        for played in reversed(told.play.entries)
        if told.play.subjects[told.spindle].no in played.change.mentioned
    ]
    assert expected == [9, 8, 6, 3]
    page = f"/v1/subjects/{told.spindle}/history"
    assert [one["index"] for one in told.get(page)] == expected
    assert [one["index"] for one in told.get(page, before=8)] == [6, 3]
    assert [one["index"] for one in told.get(page, limit=2)] == [9, 8]
    assert told.get(page)[0]["kind"] == "transfer.accepted"


def test_the_listing_gives_every_subject_once_in_order(told: Told) -> None:
    found: list[dict[str, Any]] = []
    while page := told.get("/v1/subjects", after=found[-1]["no"] if found else -1, limit=3):
        found += page
    assert [one["no"] for one in found] == list(range(len(told.play.subjects)))
    assert {one["id"]: one["state"] for one in found} == {
        subject.id: subject.state.__dict__ for subject in told.play.subjects.values()
    }


def found_by(told: Told, **query: Any) -> list[str]:
    return [one["state"].get("title") or one["type"] for one in told.get("/v1/search", **query)["items"]]


SPINDLE = "主轴振动数据 lines 4 and 5"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["Vibration of gearboxes", "offer", "Casting temperatures", SPINDLE]),
        ({"q": "振动"}, [SPINDLE]),
        ({"q": "动振"}, []),
        ({"q": "VIBRATION"}, ["Vibration of gearboxes", SPINDLE]),
        ({"q": "vibration lines"}, [SPINDLE]),
        ({"q": "vibration heat"}, []),
        ({"type": "asset"}, ["Vibration of gearboxes", "Casting temperatures", SPINDLE]),
        ({"type": "offer"}, ["offer"]),
        ({"keyword": "vibration", "type": "asset"}, ["Vibration of gearboxes", SPINDLE]),
        ({"keyword": "主轴"}, []),
        ({"classification": "important", "type": "asset"}, ["Casting temperatures"]),
        ({"status": "open"}, ["offer"]),
        ({"status": "retired"}, []),
        ({"holder": CAST["partner"].did}, ["Vibration of gearboxes", SPINDLE]),
        ({"holder": CAST["partner"].did, "q": "lines"}, [SPINDLE]),
        ({"holder": NO_PARTY}, []),
    ],
)
def test_search(told: Told, query: dict[str, str], found: list[str]) -> None:
    assert found_by(told, **query) == found


def test_versions_are_found_by_what_they_contain(told: Told) -> None:
    first, second = (digest(title) for title in ("主轴振动数据", SPINDLE))
    for sha256, number in ((first, 1), (second, 2)):
        (found,) = told.get("/v1/search", type="version", sha256=sha256)["items"]
        assert (found["state"]["asset"], found["state"]["number"]) == (told.spindle, number)
    assert told.get("/v1/search", type="version", sha256=digest("other"))["items"] == []


def test_holders_are_found_by_party_id_as_well(told: Told) -> None:
    assert found_by(told, holder=told.play.party("partner")) == found_by(told, holder=CAST["partner"].did)


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
def test_pages_by_cursor_give_everything_once(told: Told, limit: int) -> None:
    found: list[str] = []
    query: dict[str, Any] = {"limit": limit}
    while True:
        page = told.get("/v1/search", **query)
        assert len(page["items"]) <= limit
        found += [one["id"] for one in page["items"]]
        if page["cursor"] is None:
            break
        query["cursor"] = page["cursor"]
    assert found == [one["id"] for one in told.get("/v1/search")["items"]]


def test_delegations_are_found_by_who_gave_them_and_whom_they_were_given_to(tmp_path: Path) -> None:
    house = House.build(tmp_path / "ledger")
    play = house.play
    play.join("factory", "partner")
    given = play.delegate("factory", "lender", name="Press 4")
    other = play.delegate("factory", "partner")
    third = play.delegate("partner", "lender")
    with house.served() as client:
        house.tell(client)

        def found(**query: str) -> list[str]:
            answer = client.get("/v1/search", params={"type": "delegation", **query})
            assert answer.status_code == 200, answer.text
            return [one["id"] for one in answer.json()["items"]]

        assert found() == [third, other, given]
        assert found(q="press") == [given]
        assert found(delegator=CAST["factory"].did) == found(delegator=play.party("factory")) == [other, given]
        assert found(delegate=CAST["lender"].did) == [third, given]
        assert found(delegate=CAST["lender"].did, delegator=CAST["factory"].did) == [given]
        assert found(delegate="did:key:z6Mk") == []
        answer = client.get("/v1/search", params={"delegator": CAST["second"].did})
        assert (answer.status_code, code_of(answer)) == (404, "subject_absent")


def test_versions_are_found_by_the_digest_of_their_content(told: Told) -> None:
    version = next(one for one in told.play.subjects.values() if isinstance(one.state, Version))
    found = told.get("/v1/search", type="version", sha256=version.state.sha256)["items"]
    assert version.id in [one["id"] for one in found]
    assert {one["state"]["sha256"] for one in found} == {version.state.sha256}
    assert found_by(told, sha256=version.state.sha256) == []  # of assets and offers
    assert found_by(told, type="version", sha256="A" * 43) == []
