"""Getting files of a log from addresses outside: bounded in time and bytes, without redirects, unpacking nothing.

What comes is bytes of anybody: whoever asks verifies them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Any, TypeVar

import httpx

from ledger.errors import Problem, Unavailable, declare
from ledger.mirror import MirrorSource, Read, too_long

TIMEOUT_S = 10.0  # for each answer of a published log to go on coming
CLOSE_SECONDS = 1.0  # for connections to be let go
FILE_SECONDS_MAX = 120.0  # for all of a file, from the asking to its last byte
_MEMBERS = ("tile/entries/", "v1/entries/")  # what a ledger may show to its members only
_PLAIN = {"Accept-Encoding": "identity"}  # a small answer may unpack into a large one

T = TypeVar("T")

declare(
    "service",
    outside_unreachable=("an address outside does not answer", "check the address, and that it can be reached"),
)


def get_all(urls: Sequence[str], most: int, seconds: float) -> dict[str, bytes | Unavailable]:
    """What is at these addresses, or what is wrong there, all asked at once; within so many seconds, whatever they do.

    A file that is not there (404) is in neither way. Called from any thread, with an event loop or without.
    """
    found: dict[str, bytes | Unavailable] = {
        url: Unavailable("outside_unreachable", f"{url}: too slow") for url in urls
    }

    async def ask(http: httpx.AsyncClient, url: str) -> None:
        try:
            data = await get(http, url, most)
        except Unavailable as no:
            found[url] = no
            return
        if data is None:
            found.pop(url)
        else:
            found[url] = data

    async def ask_all() -> None:
        async with httpx.AsyncClient(timeout=seconds, follow_redirects=False, trust_env=False) as http:
            asked = (ask(http, url) for url in dict.fromkeys(urls))
            await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), seconds)

    def run() -> None:
        try:
            asyncio.run(ask_all())
        except TimeoutError:
            return

    asking = Thread(target=run, name="cadastre-outside", daemon=True)  # a slow resolver would hold up its end
    asking.start()
    asking.join(seconds + 0.5)
    return dict(found)


async def get(http: httpx.AsyncClient, url: str, most: int) -> bytes | None:
    """The bytes at an address, None if nothing is there (404). Raises ``Unavailable``: ``outside_unreachable``."""
    try:
        async with http.stream("GET", url, headers=_PLAIN) as answer:
            beyond = Unavailable("outside_unreachable", f"{url}: more than {most} bytes")
            return await _content(answer, url, most, beyond)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise _unreachable(url, error) from None


@contextmanager
def published_at(url: str) -> Iterator[MirrorSource]:
    """The log published at an address: a service, a mirror, or any web server that shows the published folder.

    Raises ``Unavailable`` and ``Malformed``.
    """
    with files_at(url) as read:
        yield MirrorSource(read)


@contextmanager
def files_at(url: str, token: Callable[[], str | None] = lambda: None) -> Iterator[Read]:
    """A function that gets the files below an address. Raises ``Unavailable``, ``Malformed`` for a longer one.

    ``token`` makes a token for one request (``identity.token``) where a member's key is at hand; it is asked once an
    address wants one.
    """
    wanted = False

    async def get_file(name: str, address: str, most: int) -> bytes | None:
        nonlocal wanted
        shown = token() if wanted and name.startswith(_MEMBERS) else None
        async with http.stream("GET", address, headers=_PLAIN | _bearing(shown)) as answer:
            if answer.status_code != httpx.codes.UNAUTHORIZED:
                return await _content(answer, address, most, too_long(name, address, most))
        wanted = True
        if shown is None and token() is not None:
            return await get_file(name, address, most)
        raise Unavailable("mirror_entries_absent", f"{address}: it answers 401")

    with Aside() as aside:
        http = httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False)

        def read(name: str, most: int) -> bytes | None:
            address = f"{url.rstrip('/')}/{name}"
            try:
                return aside(get_file(name, address, most), FILE_SECONDS_MAX)
            except TimeoutError:
                raise Unavailable("outside_unreachable", f"{address}: too slow") from None
            except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
                raise _unreachable(address, error) from None

        try:
            yield read
        finally:
            with suppress(Exception):
                aside(http.aclose(), CLOSE_SECONDS)


class Aside:
    """A thread with an event loop, where what is asked ends in time: whatever comes or does not come, and when."""

    def __enter__(self) -> Aside:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="cadastre-outside", daemon=True)
        self._thread.start()
        return self

    def __call__(self, asked: Coroutine[Any, Any, T], seconds: float) -> T:
        """What it comes to. Raises ``TimeoutError`` after so many seconds, and what it raises."""
        going = asyncio.run_coroutine_threadsafe(asyncio.wait_for(asked, seconds), self._loop)
        try:
            return going.result(seconds + 0.5)  # a moment for it to end by itself
        finally:
            going.cancel()

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CLOSE_SECONDS)
        if not self._thread.is_alive():
            self._loop.close()


def _bearing(token: str | None) -> dict[str, str]:
    return {} if token is None else {"Authorization": f"Bearer {token}"}


async def _content(answer: httpx.Response, url: str, most: int, beyond: Problem) -> bytes | None:
    """The bytes of an answer, None if nothing is there. Raises ``Unavailable``, and ``beyond`` so many bytes."""
    if answer.status_code == httpx.codes.NOT_FOUND:
        return None
    if answer.status_code != httpx.codes.OK:
        raise Unavailable("outside_unreachable", f"{url}: it answers {answer.status_code}")
    if (packed := answer.headers.get("Content-Encoding")) is not None:
        raise Unavailable("outside_unreachable", f"{url}: it answers packed ({packed[:40]}), which nobody asked for")
    content = bytearray()
    async for piece in answer.aiter_bytes():
        content += piece
        if len(content) > most:
            raise beyond
    return bytes(content)


def _unreachable(url: str, error: Exception) -> Unavailable:
    return Unavailable("outside_unreachable", f"{url}: {type(error).__name__} {error}")
