"""The front: request ids, addresses, and answers that are the same with and without the framework."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi.responses import StreamingResponse

from api import front
from api.app import create_app
from api.deps import PUBLIC
from tests.api.house import JOSE, House, TestClient, code_of


@pytest.mark.parametrize("page", ["/health", "/v1/entries/0/receipt", "/v1/entries/9", "/nothing"])
@pytest.mark.parametrize("given", ["a", "9b1d-4c.2:7_X", "x" * 64])
def test_a_sane_request_id_comes_back(standing: TestClient, page: str, given: str) -> None:
    assert standing.get(page, headers={"X-Request-Id": given}).headers.get_list("x-request-id") == [given]


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", 'a"b', "a<b>"])
def test_another_one_is_replaced(standing: TestClient, given: str) -> None:
    made = standing.get("/health", headers={"X-Request-Id": given}).headers["x-request-id"]
    assert re.fullmatch(r"[0-9a-f]{16}", made)
    assert standing.get("/health").headers["x-request-id"] != made


def test_an_address_that_goes_too_fast_is_told_when_to_come_back(house: House) -> None:
    with house.served(address_rate=0.01, address_burst=3) as client:
        pages = ["/v1/ledger", "/v1/entries/0/receipt", "/nothing"]
        assert [client.get(page).status_code for page in pages] == [200, 200, 404]
        for answer in (client.get("/v1/ledger"), client.post("/v1/statements", content=b"x", headers=JOSE)):
            assert (answer.status_code, code_of(answer)) == (429, "address_too_fast")
            assert 30 < int(answer.headers["retry-after"]) <= 100
        assert [client.get(page).status_code for page in ("/health", "/ready", "/metrics")] == [200] * 3


def test_unknown_addresses_and_methods(standing: TestClient) -> None:
    answer = standing.get("/v2/ledger")
    assert (answer.status_code, code_of(answer)) == (404, "route_absent")
    answer = standing.delete("/v1/entries/0")
    assert (answer.status_code, code_of(answer)) == (405, "method_unknown")
    assert answer.headers["allow"] == "GET"
    assert standing.get("/v1/statements").status_code == 405


def comparable(answer: Any) -> tuple[Any, ...]:
    headers = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
    return answer.status_code, headers, answer.content


def test_the_hot_routes_answer_as_the_framework_does(
    house: House, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.play.join("factory")
    house.tell(client)
    sent = house.play.entries[-1].sent

    def answers() -> list[tuple[Any, ...]]:
        return [
            comparable(client.post("/v1/statements", content=sent, headers=JOSE)),
            comparable(client.post("/v1/statements", content=b"x", headers=JOSE)),
            comparable(client.post("/v1/statements", content=b"x", headers={"Content-Type": "text/html"})),
            comparable(client.get("/v1/entries/1/receipt")),
            comparable(client.get("/v1/entries/7/receipt")),
            comparable(client.get(f"/v1/subjects/{house.play.party('factory')}/proof")),
            comparable(client.get(f"/v1/subjects/nothing_{'0' * 26}/proof")),
        ]

    hot = answers()
    monkeypatch.setattr(front, "hot_reply", lambda *_: None)
    assert answers() == hot


def test_a_mistake_of_ours_is_a_problem_with_the_request_id_and_no_details(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError("secret")

    with house.served() as client:
        monkeypatch.setattr("ledger.read.Reader.entry", broken)
        monkeypatch.setattr("ledger.read.Reader.receipt", broken)
        for page in ("/v1/entries/0", "/v1/entries/0/receipt"):
            answer = client.get(page, headers={"X-Request-Id": "r-1"})
            assert (answer.status_code, code_of(answer)) == (500, "internal_error")
            assert answer.headers["x-request-id"] == "r-1"
            assert "secret" not in answer.text


def test_half_an_answer_is_broken_off_so_that_nobody_takes_it_for_whole(house: House) -> None:
    app = create_app(house.settings())

    @app.get("/half", dependencies=[PUBLIC])
    async def half() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"half"
            raise ZeroDivisionError

        return StreamingResponse(parts())

    with TestClient(app, raise_server_exceptions=True) as client, pytest.raises(Exception, match="internal_error"):
        client.get("/half")
