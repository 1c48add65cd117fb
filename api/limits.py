"""Limits at the door: how much, how fast, how slowly. Each refusal has its own code, and none costs much to give.

*How much*: a body is refused by its announced length before a byte of it is read, and again when it is longer than
announced. *How slowly*: a body has some seconds to arrive, and more for each part that did. *How fast*: token
buckets, one a key, in bounded memory. An address counts as its network (:func:`network_of`).
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable
from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network

from starlette.types import Receive, Scope

from api.problems import TooFast
from ledger.errors import Malformed, Unavailable, declare

SLOWEST = 32_768  # bytes a second; each second's worth that arrived gives a large body one second more
LENGTH_DIGITS = 20  # of a length that is announced; Python reads no number of thousands of them
BUCKETS_MAX = 65_536  # keys a limit remembers: a few MB

declare(
    "malformed",
    body_too_large=("the request is too large", "send less at a time"),
)
declare(
    "service",
    body_too_slow=("the request took too long to arrive", "send it again over a better line, or in smaller parts"),
    address_too_many=("this address has as many batches under way as it may", "wait for one of them to be answered"),
    client_gone=("the client went away before its request was complete", "send it again"),
)


@lru_cache(maxsize=4_096)
def _network_of_6(address: str) -> str:
    try:
        parsed = IPv6Address(address)
    except ValueError:
        return address[:64]  # no address: what a proxy called it
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Network((int(parsed) >> 64 << 64, 64)))


def network_of(address: str) -> str:
    """What an address counts as: itself, or for IPv6 its /64, the least that anybody has to himself (RFC 4291)."""
    return _network_of_6(address) if ":" in address else address[:64]


class Buckets:
    """Token buckets: each key may do ``burst`` things at once and ``rate`` a second. ``rate`` 0 is no limit.

    ``clock`` gives seconds that never go back. A key that was not heard of for long has a full bucket, so only the
    ``BUCKETS_MAX`` keys used last are kept. Not thread-safe: for one event loop.
    """

    def __init__(self, rate: float, burst: int, clock: Callable[[], float]) -> None:
        self.rate = rate
        self.burst = burst
        self._clock = clock
        self._levels: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()  # key -> tokens, since when

    def wait(self, key: Hashable) -> float:
        """Seconds until the key may do one thing more; 0.0 if it may at once."""
        return max(0.0, (1.0 - self._level(key)) / self.rate) if self.rate else 0.0

    def take(self, key: Hashable, tokens: int = 1) -> None:
        """Charge a key. What was under way already is charged too, so a level may fall below zero."""
        if self.rate:
            self._levels[key] = self._level(key) - tokens, self._clock()
            self._levels.move_to_end(key)
            if len(self._levels) > BUCKETS_MAX:
                self._levels.popitem(last=False)

    def spend(self, key: Hashable, code: str) -> None:
        """Take one token. Raises ``TooFast`` with this code, and takes none, if there is none."""
        self.check(key, code)
        self.take(key)

    def check(self, key: Hashable, code: str) -> None:
        """Raises ``TooFast`` with this code if the key has no token left."""
        if wait := self.wait(key):
            raise TooFast(code, f"more than {self.rate:g} a second", wait)

    def _level(self, key: Hashable) -> float:
        tokens, since = self._levels.get(key, (self.burst, 0.0))
        return min(self.burst, tokens + (self._clock() - since) * self.rate)


async def read_body(scope: Scope, receive: Receive, most: int, seconds: float) -> bytes:
    """The body of a request, at most ``most`` bytes, which begins to be due after ``seconds``.

    Raises ``body_too_large``, ``body_too_slow``, ``client_gone``.
    """
    announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"").lstrip(b"0")
    if announced.isdigit() and (len(announced) > LENGTH_DIGITS or int(announced) > most):
        raise Malformed("body_too_large", f"{announced[:LENGTH_DIGITS].decode()} bytes, at most {most}")
    parts: list[bytes] = []
    length, loop = 0, asyncio.get_running_loop()
    begun = loop.time()
    try:
        async with asyncio.timeout_at(begun + seconds) as limit:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Unavailable("client_gone")
                part: bytes = message.get("body", b"")
                parts.append(part)
                length += len(part)
                if length > most:
                    raise Malformed("body_too_large", f"more than {most} bytes")
                if not message.get("more_body", False):
                    return part if len(parts) == 1 else b"".join(parts)
                limit.reschedule(begun + seconds + length / SLOWEST)
    except TimeoutError:
        raise Unavailable("body_too_slow", f"{length} bytes in {loop.time() - begun:.0f} s") from None


class Slots:
    """Places for what takes long, such as batches: so many in all, and at most so many for one address."""

    def __init__(self, total: int, each: int) -> None:
        self._free = total
        self._each = each
        self._taken: Counter[str] = Counter()

    def take(self, address: str) -> None:
        """Raises ``Unavailable`` (``queue_full``, ``address_too_many``)."""
        if not self._free:
            raise Unavailable("queue_full", "as many batches are under way as the service takes")
        if self._taken[address] >= self._each:
            raise Unavailable("address_too_many", f"{self._each} batches of this address are under way")
        self._free -= 1
        self._taken[address] += 1

    def give_back(self, address: str) -> None:
        self._free += 1
        self._taken[address] -= 1
        if not self._taken[address]:
            del self._taken[address]
