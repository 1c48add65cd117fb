"""Limits: how fast, how much, how slowly."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from api import limits
from api.app import create_app
from api.limits import Buckets, Slots, network_of, read_body
from api.problems import TooFast
from api.service import BATCHES_EACH
from ledger.errors import Malformed, Problem, Unavailable
from tests.api.house import House, TestClient

CODE = "address_too_fast"


class Time:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_passes_and_what_exceeds_it_is_refused() -> None:
    buckets = Buckets(rate=2, burst=3, clock=Time())
    for _ in range(3):
        buckets.spend("a", CODE)
    with pytest.raises(TooFast) as caught:
        buckets.spend("a", CODE)
    assert caught.value.code == CODE
    assert caught.value.wait == 0.5


def test_tokens_come_back_at_the_rate_and_never_beyond_the_burst() -> None:
    time = Time()
    buckets = Buckets(rate=2, burst=3, clock=time)
    buckets.take("a", 3)
    time.now += 0.5
    assert buckets.wait("a") == 0
    buckets.spend("a", CODE)
    assert buckets.wait("a") == 0.5
    time.now += 1_000
    buckets.take("a", 3)
    assert buckets.wait("a") == 0.5


def test_a_refused_request_costs_nothing() -> None:
    time = Time()
    buckets = Buckets(rate=1, burst=1, clock=time)
    buckets.spend("a", CODE)
    for _ in range(10):
        with pytest.raises(TooFast):
            buckets.spend("a", CODE)
    time.now += 1
    buckets.spend("a", CODE)


def test_one_key_does_not_pay_for_another() -> None:
    buckets = Buckets(rate=1, burst=1, clock=Time())
    buckets.spend("a", CODE)
    buckets.spend("b", CODE)


def test_what_was_under_way_is_charged_and_waited_for() -> None:
    buckets = Buckets(rate=10, burst=5, clock=Time())
    buckets.take("a", 24)
    assert buckets.wait("a") == pytest.approx(2.0)


def test_rate_0_is_no_limit_and_remembers_nobody() -> None:
    buckets = Buckets(rate=0, burst=1, clock=Time())
    for _ in range(10):
        buckets.spend("a", CODE)
    assert not buckets._levels


def test_memory_is_bounded_and_the_key_used_last_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BUCKETS_MAX", 3)
    buckets = Buckets(rate=1, burst=1, clock=Time())
    for key in ("a", "b", "c", "d"):
        buckets.take(key)
    assert list(buckets._levels) == ["b", "c", "d"]


# -- addresses ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.2", "127.0.0.2"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::ffff:c000:201", "192.0.2.1"),
        ("testclient", "testclient"),
        ("", ""),
        ("not:an:address", "not:an:address"),
        ("x" * 70_000, "x" * 64),
        (":" * 70_000, ":" * 64),
    ],
)
def test_an_address_counts_as_its_network(address: str, network: str) -> None:
    assert network_of(address) == network
    assert network_of(network_of(address)) == network


# -- bodies ------------------------------------------------------------------------------------------------------


def sender(*messages: dict[str, Any] | float) -> Callable[[], Awaitable[dict[str, Any]]]:
    """What a client sends; a number is a pause in seconds. More is never sent."""
    waiting = list(messages)

    async def receive() -> dict[str, Any]:
        while waiting:
            message = waiting.pop(0)
            if isinstance(message, dict):
                return message
            await asyncio.sleep(message)
        await asyncio.sleep(3_600)
        raise AssertionError

    return receive


def part(body: bytes, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def read(*messages: dict[str, Any] | float, announced: bytes | None = None, seconds: float = 5.0) -> bytes:
    headers = [(b"host", b"x")] + ([(b"content-length", announced)] if announced is not None else [])
    return asyncio.run(read_body({"headers": headers}, sender(*messages), 10, seconds))


def test_a_body_in_one_part_and_in_many() -> None:
    assert read(part(b"0123456789")) == b"0123456789"
    assert read(part(b"01234", True), part(b"", True), part(b"56789")) == b"0123456789"
    assert read(part(b"")) == b""


def refused(*messages: dict[str, Any] | float, **given: Any) -> Problem:
    with pytest.raises((Malformed, Unavailable)) as caught:
        read(*messages, **given)
    return caught.value


def test_an_announced_length_is_refused_before_anything_is_read() -> None:
    assert refused(announced=b"11").code == "body_too_large"
    assert refused(announced=b"9" * 5_000).code == "body_too_large"
    assert read(part(b"hello"), announced=b"0" * 5_000 + b"5") == b"hello"


def test_a_body_that_turns_out_too_long_is_refused() -> None:
    assert refused(part(b"0123456789", True), part(b"x")).code == "body_too_large"
    assert refused(part(b"0123456789x"), announced=b"10").code == "body_too_large"


def test_a_body_that_does_not_come_is_given_up() -> None:
    assert refused(part(b"0", True), seconds=0.05).code == "body_too_slow"


def test_a_client_that_goes_away_is_not_waited_for() -> None:
    assert refused(part(b"0", True), {"type": "http.disconnect"}).code == "client_gone"


def test_what_has_arrived_gives_a_large_body_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SLOWEST", 10)
    assert read(part(b"0123", True), 0.2, part(b"4"), seconds=0.1) == b"01234"


# -- slots -------------------------------------------------------------------------------------------------------


def test_an_address_takes_only_its_share_of_slots_and_gets_them_back() -> None:
    slots = Slots(3, 2)
    slots.take("a")
    slots.take("a")
    with pytest.raises(Unavailable) as many:
        slots.take("a")
    assert many.value.code == "address_too_many"
    slots.take("b")
    with pytest.raises(Unavailable) as full:
        slots.take("c")
    assert full.value.code == "queue_full"
    slots.give_back("a")
    slots.take("c")


# -- at the door -------------------------------------------------------------------------------------------------


def test_addresses_of_one_network_share_a_bucket_and_their_slots(house: House) -> None:
    app = create_app(house.settings(address_rate=0.01, address_burst=2))
    addresses = ("2001:db8:0:1::1", "2001:db8:0:1::2", "2001:db8:0:1:ffff::3", "2001:db8:0:2::1")
    with TestClient(app):
        clients = [TestClient(app, client=(address, 50_000)) for address in addresses]
        assert [client.get("/v1/ledger").status_code for client in clients] == [200, 200, 429, 200]
    app = create_app(house.settings())
    with TestClient(app):
        clients = [TestClient(app, client=(address, 50_000)) for address in addresses]
        for _ in range(BATCHES_EACH):
            app.state.service.batches.take("2001:db8:0:1::/64")
        answers = [client.post("/v1/statements/batch", content=b"") for client in clients]
        assert [answer.status_code for answer in answers] == [503, 503, 503, 200]
