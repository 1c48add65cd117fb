"""Pages: lists of large items come in parts that hold a bounded number of bytes, and nothing is lost between them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from api.client import Client
from api.pages import PAGE_BYTES, array_of, cut
from ledger.log.chain import parse_entry
from tests.api.house import House, TestClient

COUNT = 60  # assets of about 21 kB
ITEM_MAX = 2**16
BYTES = {"Accept": "application/octet-stream"}


def test_a_page_ends_with_the_item_that_fills_it() -> None:
    half = b"x" * (PAGE_BYTES // 2)
    for items, taken in [
        ([], 0),
        ([half], 1),
        ([half] * 2, 2),
        ([half] * 3, 2),
        ([half[:-1]] * 4, 3),
        ([half * 4] * 2, 1),
    ]:
        assert cut(items) == items[:taken]


def test_nothing_is_taken_beyond_it() -> None:
    items = iter([b"x" * PAGE_BYTES, b"next"])
    cut(items)
    assert next(items) == b"next"


@pytest.mark.parametrize("items", [[], [b"1"], [b"1", b'{"a":2}']])
def test_items_make_an_array(items: list[bytes]) -> None:
    assert array_of(items) == b"[" + b",".join(items) + b"]"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A ledger of large assets."""
    house = House.build(tmp_path_factory.mktemp("pages") / "ledger")
    house.play.join("factory")
    large: dict[str, Any] = {
        "description": "振" * 4_000,
        "keywords": [f"{number:02}" + "词" * 58 for number in range(32)],
        "source": {"basis": "produced", "statement": "测" * 2_000},
    }
    with house.served() as client:
        for number in range(COUNT):
            house.play.register("factory", title=f"asset {number}", **large)
        house.tell(client)
        yield client


def pages_of(client: TestClient, page: str, place: str, after: Any, cursor: str, **query: Any) -> Iterator[list[Any]]:
    """The pages of a list; ``cursor`` names the member of the last item to go on after, as the parameter ``place``."""
    while True:
        answer = client.get(page, params=query | ({} if after is None else {place: after}))
        assert answer.status_code == 200, answer.text
        assert len(answer.content) < PAGE_BYTES + ITEM_MAX
        if not (items := answer.json()):
            return
        yield items
        after = items[-1][cursor] + (place == "start")


def test_subjects_come_in_pages_and_every_one_once(client: TestClient) -> None:
    pages = list(pages_of(client, "/v1/subjects", "after", -1, "no", limit=1_000))
    assert len(pages) > 1
    numbers = [one["no"] for page in pages for one in page]
    assert numbers == list(range(len(numbers)))
    assert len([one for page in pages for one in page if one["type"] == "asset"]) == COUNT


def test_entries_come_in_pages_and_every_one_once(client: TestClient) -> None:
    pages = list(pages_of(client, "/v1/entries", "start", 0, "index", count=1_024))
    assert len(pages) > 1
    assert [one["index"] for page in pages for one in page] == list(range(COUNT + 2))


def test_history_comes_in_pages_and_every_entry_once(client: TestClient) -> None:
    holder = client.get("/v1/subjects?limit=3").json()[2]["id"]
    pages = list(pages_of(client, f"/v1/subjects/{holder}/history", "before", None, "index", limit=1_000))
    assert len(pages) > 1
    assert [one["index"] for page in pages for one in page] == [*reversed(range(1, COUNT + 2))]


def test_what_was_found_comes_in_pages_and_every_one_once(client: TestClient) -> None:
    found: list[int] = []
    query: dict[str, Any] = {"limit": 100}
    pages = 0
    while True:
        answer = client.get("/v1/search", params=query)
        assert len(answer.content) < PAGE_BYTES + ITEM_MAX
        found += [one["no"] for one in answer.json()["items"]]
        pages += 1
        if (cursor := answer.json()["cursor"]) is None:
            break
        query["cursor"] = cursor
    assert pages > 1
    assert found == sorted(set(found), reverse=True)
    assert len(found) == COUNT


def test_bytes_come_in_parts_and_the_client_asks_for_all(client: TestClient) -> None:
    answer = client.get("/v1/entries", params={"count": 1_024}, headers=BYTES)
    assert len(answer.content) < PAGE_BYTES + ITEM_MAX
    with Client("http://testserver", transport=client._transport) as ledger:
        entries = ledger.entries_bytes(0, COUNT + 2)
        assert [parse_entry(data).index for data in entries] == list(range(COUNT + 2))
        assert ledger.entries_bytes(3, 1_000) == entries[3:]
        assert [one.index for one in ledger.entries(0, 1_024)] == list(range(len(ledger.entries(0, 1_024))))
