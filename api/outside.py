"""Getting files of a log from addresses outside: bounded in time and bytes, without redirects, unpacking nothing.

What comes is bytes of anybody: whoever asks verifies them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Thread

import httpx

from ledger.errors import Malformed, Unavailable, declare
from ledger.mirror import MirrorSource, Read

TIMEOUT_S = 10.0  # for each answer of a published log to go on coming
FILE_SECONDS_MAX = 120.0  # for all of a file
_MEMBERS = ("tile/entries/", "v1/entries/")  # what a ledger may show to its members only
_PLAIN = {"Accept-Encoding": "identity"}  # a small answer may unpack into a large one

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
            if not _is_there(answer, url):
                return None
            content = bytearray()
            async for piece in answer.aiter_bytes():
                content += piece
                if len(content) > most:
                    raise Unavailable("outside_unreachable", f"{url}: more than {most} bytes")
            return bytes(content)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise Unavailable("outside_unreachable", f"{url}: {type(error).__name__} {error}") from None


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
    with httpx.Client(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False) as http:

        def read(name: str, most: int) -> bytes | None:
            nonlocal wanted
            address = f"{url.rstrip('/')}/{name}"
            shown = token() if wanted and name.startswith(_MEMBERS) else None
            try:
                with http.stream("GET", address, headers=_PLAIN | _bearing(shown)) as answer:
                    if answer.status_code == httpx.codes.UNAUTHORIZED:
                        wanted = True
                    else:
                        return _content(answer, address, most)
            except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
                raise Unavailable("outside_unreachable", f"{address}: {type(error).__name__} {error}") from None
            if shown is None and token() is not None:
                return read(name, most)
            raise Unavailable("mirror_entries_absent", f"{address}: it answers 401")

        yield read


def _bearing(token: str | None) -> dict[str, str]:
    return {} if token is None else {"Authorization": f"Bearer {token}"}


def _content(answer: httpx.Response, url: str, most: int) -> bytes | None:
    """The bytes of an answer, None if nothing is there. Raises ``Unavailable``; ``Malformed`` beyond so many bytes."""
    if not _is_there(answer, url):
        return None
    until = time.monotonic() + FILE_SECONDS_MAX
    content = bytearray()
    for piece in answer.iter_bytes():
        content += piece
        if len(content) > most:
            raise Malformed("bundle_malformed", f"{url} has more than {most} bytes")
        if time.monotonic() > until:
            raise Unavailable("outside_unreachable", f"{url}: too slow")
    return bytes(content)


def _is_there(answer: httpx.Response, url: str) -> bool:
    if answer.status_code == httpx.codes.NOT_FOUND:
        return False
    if answer.status_code != httpx.codes.OK or "Content-Encoding" in answer.headers:
        raise Unavailable("outside_unreachable", f"{url}: it answers {answer.status_code}")
    return True
