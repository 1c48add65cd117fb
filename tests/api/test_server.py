"""The server as it is set up: what bounds connections is set by the settings, and holds for the real service."""

from __future__ import annotations

import socket

import httpx

from tests.api.house import House, code_of
from tests.api.running import client_of, running
from tests.api.test_protocol import GET, code_in


def all_of(line: socket.socket) -> bytes:
    """What comes until the service closes the connection."""
    received = b""
    while part := line.recv(65_536):
        received += part
    return received


def test_what_is_no_http_is_a_problem_of_the_catalogue(house: House) -> None:
    with running(house, workers=0) as service, client_of(service) as client:
        url = httpx.URL(service.url)
        with socket.create_connection((url.host, url.port or 80), timeout=5) as line:
            line.sendall(b"nonsense\r\n\r\n")
            code = code_in(all_of(line), 400)
        assert code == "request_malformed"
        assert client.get(f"/v1/refusals/{code}").json()["status"] == 400


def test_connections_are_bounded_in_all_and_of_an_address(house: House) -> None:
    with running(house, workers=0, connections=4, address_connections=2) as service, client_of(service) as client:
        assert client.get("/health").status_code == 200
        url = httpx.URL(service.url)
        address = url.host, url.port or 80
        with socket.create_connection(address, timeout=5) as held, client_of(service) as other:
            held.sendall(GET % b"/health")
            assert held.recv(9) == b"HTTP/1.1 "
            answer = other.get("/health")
            assert (answer.status_code, code_of(answer)) == (429, "connections_too_many")
            assert int(answer.headers["retry-after"]) >= 1
            elsewhere = [socket.create_connection(address, 5, (f"127.0.0.{last}", 0)) for last in (2, 3)]
            for line in elsewhere:
                line.sendall(GET % b"/health")
                assert line.recv(9) == b"HTTP/1.1 "
            with socket.create_connection(address, 5, ("127.0.0.4", 0)) as line:
                assert code_in(all_of(line), 503) == "connections_full"
            for line in elsewhere:
                line.close()


def test_a_proxy_may_have_any_number_of_connections(house: House) -> None:
    given = {"address_connections": 1, "proxies": "127.0.0.1"}
    with running(house, workers=0, **given) as service, client_of(service) as one, client_of(service) as two:
        assert [client.get("/health").status_code for client in (one, two)] == [200, 200]


def test_what_can_be_got_can_be_asked_for_its_head(house: House) -> None:
    with running(house, workers=0) as service, client_of(service) as client:
        for page in ("/health", "/v1/ledger", "/v1/entries/0/receipt", "/v1/entries", "/v1/entries/7", "/nothing"):
            head, got = client.head(page), client.get(page)
            assert (head.status_code, head.content) == (got.status_code, b"")
            for headers in (head.headers, got.headers):
                del headers["x-request-id"], headers["date"]
            assert head.headers == got.headers
        assert client.head("/v1/statements").status_code == 405


def test_nobody_is_sent_to_a_host_that_the_client_named(house: House) -> None:
    with house.served() as client:
        answer = client.get("/v1/ledger/", headers={"Host": "elsewhere.example"}, follow_redirects=False)
        assert (answer.status_code, code_of(answer)) == (404, "route_absent")
