"""Fetching what somebody else names, so that it cannot be turned against whoever fetches: ``Fetcher``.

1. One address, in one spelling: ``https``, a host, a port that is 443 or above 1023, no user, no fragment.
2. The name is looked up once, and every address it has is judged (``identity.addresses``); one that is not public
   refuses the whole name.
3. The connection goes to an address that was judged and to no other, whatever the name leads to a moment later; the
   certificate is checked against the name.
4. One request, one answer: no redirect is followed, no proxy of the environment asked, no cookie or credential sent.
5. So many bytes and no more, unpacked; so many seconds for all of it, however slowly it trickles; so many fetches at a
   time, so that those who let others wait cannot keep everybody waiting for ever.

What comes is bytes of anybody: whoever asked verifies them.
"""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from threading import BoundedSemaphore, Thread
from typing import Any

import httpcore
import httpx

from identity.addresses import NOTHING, Allowed, check_address, is_host
from identity.errors import Malformed, Unavailable, declare

SECONDS = 10.0  # for all of a fetch, from the look-up to the last byte
READ_SECONDS = 5.0  # for the next bytes to come
CONNECT_SECONDS = 3.0  # for one of several addresses to answer
AT_ONCE = 8
ADDRESSES_MAX = 4  # of a name that are tried
OVERHEAD = 256 * 1024  # bytes on the wire beyond the content: head, chunks, TLS aside
URL_MAX = 2048

declare(
    "malformed",
    fetch_url_malformed=(
        "nothing is fetched from such an address",
        "use https://host/path, with a port of 443 or above 1023 if any, without user and fragment",
    ),
)
declare(
    "service",
    fetch_failed=("what was asked for cannot be fetched", "check that it is published there, and try again later"),
    fetch_redirected=(
        "it has moved, and redirects are not followed",
        "publish it at the very address, or name the other",
    ),
    fetch_too_long=("the answer is longer than such a file may be", "publish a shorter one"),
    fetch_busy=("as many addresses are being asked as may be at a time", "try again later"),
)

LookUp = Callable[[str, int], Sequence[str]]
"""The addresses a name has; raises ``OSError``. It may be asked from any thread."""

_URL = re.compile(
    r"(https?)://([A-Za-z0-9._-]+|\[[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*\])(?::([1-9][0-9]{0,4}))?"
    r"(/[A-Za-z0-9._~!$&'()*+,;=:@/%-]*)?(\?[A-Za-z0-9._~!$&'()*+,;=:@/?%-]*)?",
    re.ASCII,
)
_FAILURES = (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError, ValueError)


@dataclass(frozen=True, slots=True)
class Target:
    """Where to ask, out of an address. ``host``: a name, or an address without brackets; ``path``: with its query."""

    host: str
    port: int
    path: str
    tls: bool

    @property
    def authority(self) -> str:
        """What the header Host says (RFC 9110 section 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"


class Fetcher:
    """``fetch(url, most)``: the bytes at an address, at most so many, or None if nothing is there (404, 410).

    Called from any thread. Raises ``Malformed`` (``fetch_url_malformed``, ``fetch_address_denied``) for what is never
    asked, and ``Unavailable`` (``fetch_*``) for what does not answer as it should.
    """

    def __init__(
        self,
        allowed: Allowed = NOTHING,
        *,
        look_up: LookUp | None = None,
        tls: ssl.SSLContext | None = None,
        seconds: float = SECONDS,
        at_once: int = AT_ONCE,
    ) -> None:
        """``tls`` knows which certificates to believe; if not given, those of certifi or of SSL_CERT_FILE."""
        self._allowed = allowed
        self._look_up = look_up or system_look_up
        self._tls = tls
        self._seconds = seconds
        self._going = BoundedSemaphore(at_once)
        self._looking = BoundedSemaphore(at_once)

    def __call__(self, url: str, most: int) -> bytes | None:
        target = target_of(url, self._allowed)
        until = time.monotonic() + self._seconds
        with self._turn():
            named = self._allowed.names(target.host, target.port)
            addresses = self._addresses(target, until)
            for address in addresses:
                _check(address, target.host, self._allowed, named)
            try:
                return self._get(url, target, _Pinned(addresses, until, most + OVERHEAD), most)
            except _FAILURES as error:
                raise Unavailable("fetch_failed", f"{url}: {_said(error)}") from None

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._going.acquire(timeout=self._seconds / 2):  # what is left would hardly be enough
            raise Unavailable("fetch_busy")
        try:
            yield
        finally:
            self._going.release()

    def _addresses(self, target: Target, until: float) -> list[str]:
        """The addresses of a host, looked up once. A look-up that takes longer is left to end by itself, in a thread
        that holds up nobody's end; as many of them as may be at a time.
        """
        if not is_host(target.host):
            return [target.host]
        if not self._looking.acquire(timeout=_left(until)):
            raise Unavailable("fetch_busy")
        found: Future[Sequence[str]] = Future()

        def look() -> None:
            try:
                found.set_result(self._look_up(target.host, target.port))
            except Exception as error:
                found.set_exception(error)
            finally:
                self._looking.release()

        Thread(target=look, name="cadastre-look-up", daemon=True).start()
        try:
            addresses = list(dict.fromkeys(found.result(_left(until))))
        except (OSError, ValueError) as error:  # TimeoutError is of the former, UnicodeError of the latter
            raise Unavailable("fetch_failed", f"{target.host}: its name is not found: {_said(error)}") from None
        if not addresses:
            raise Unavailable("fetch_failed", f"{target.host}: its name has no address")
        return addresses

    def _get(self, url: str, target: Target, pinned: _Pinned, most: int) -> bytes | None:
        scheme = b"https" if target.tls else b"http"
        origin = httpcore.Origin(scheme, target.host.encode(), target.port)
        at = httpcore.URL(scheme=scheme, host=target.host, port=target.port, target=target.path)
        headers = [("Host", target.authority), ("Accept", "*/*"), ("Accept-Encoding", "identity")]
        tls = (self._tls or _default_tls()) if target.tls else None
        with (
            httpcore.HTTPConnection(origin, ssl_context=tls, network_backend=pinned) as connection,
            connection.stream("GET", at, headers=[*headers, ("Connection", "close")]) as answer,
        ):
            return _content(answer, url, most)


def target_of(url: str, allowed: Allowed = NOTHING) -> Target:
    """Where an address leads. Raises ``Malformed`` (``fetch_url_malformed``).

    An ``http`` address, and a port below 1024 other than 443, only of hosts that are allowed; a host that is allowed
    as ``http://…`` is asked without TLS also where the address says ``https``, as the addresses of DIDs do.
    """
    found = _URL.fullmatch(url) if len(url) <= URL_MAX else None
    if found is None:
        raise Malformed("fetch_url_malformed", ascii(url[:200]))
    host = found[2].lower().strip("[]")
    port = int(found[3]) if found[3] else None
    if not (is_host(host) or _is_address(host)):
        raise Malformed("fetch_url_malformed", f"{url}: {host!r} is no name of a host")
    plain = allowed.without_tls(host, port)
    if found[1] == "http" and not plain:
        raise Malformed("fetch_url_malformed", f"{url}: it is not https")
    target = Target(host, port or (80 if plain else 443), (found[4] or "/") + (found[5] or ""), not plain)
    if target.port > 65_535 or not (target.port >= 1024 or target.port == 443 or allowed.names(host, target.port)):
        raise Malformed("fetch_url_malformed", f"{url}: not on port {target.port}")
    return target


def system_look_up(host: str, port: int) -> list[str]:
    """What the system's resolver says; names below ``localhost`` are of this machine (RFC 6761 section 6.3)."""
    if host.endswith(".localhost"):
        host = "localhost"
    return [str(at[0]) for *_, at in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class _Pinned(httpcore.NetworkBackend):
    """Connects to these addresses, whatever host is named; nothing through it lasts longer, or reads more bytes."""

    def __init__(self, addresses: Sequence[str], until: float, bytes_max: int) -> None:
        self._addresses = addresses[:ADDRESSES_MAX]
        self._until = until
        self._bytes_left = bytes_max
        self._network = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,  # noqa: ARG002 - looked up and judged before
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - of all of it there is one
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError("no address")
        for address in self._addresses:
            try:
                seconds = self.seconds(CONNECT_SECONDS)
                stream = self._network.connect_tcp(address, port, seconds, local_address, socket_options)
                return _Bounded(stream, self)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    def seconds(self, most: float) -> float:
        """How long the next step may take. Raises ``httpcore.TimeoutException`` if it is over."""
        left = _left(self._until)
        if not left:
            raise httpcore.ReadTimeout("too slow")
        return min(left, most)

    def count(self, data: bytes) -> bytes:
        """Raises ``Unavailable`` (``fetch_too_long``) once more has come than may."""
        self._bytes_left -= len(data)
        if self._bytes_left < 0:
            raise Unavailable("fetch_too_long", "more comes around the content than may")
        return data


class _Bounded(httpcore.NetworkStream):
    """A connection within the bounds of its backend."""

    def __init__(self, stream: httpcore.NetworkStream, bounds: _Pinned) -> None:
        self._stream = stream
        self._bounds = bounds

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        return self._bounds.count(self._stream.read(max_bytes, self._bounds.seconds(READ_SECONDS)))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        self._stream.write(buffer, self._bounds.seconds(READ_SECONDS))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        seconds = self._bounds.seconds(READ_SECONDS)
        return _Bounded(self._stream.start_tls(ssl_context, server_hostname, seconds), self._bounds)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _content(answer: httpcore.Response, url: str, most: int) -> bytes | None:
    if answer.status in (404, 410):
        return None
    headers = {name.lower(): value.decode("latin-1") for name, value in answer.headers}
    if 300 <= answer.status < 400:
        raise Unavailable(
            "fetch_redirected", f"{url}: it answers {answer.status} {headers.get(b'location', '')[:200]!r}"
        )
    if answer.status != 200:
        raise Unavailable("fetch_failed", f"{url}: it answers {answer.status}")
    if (packed := headers.get(b"content-encoding", "identity")) != "identity":
        raise Unavailable("fetch_failed", f"{url}: it answers packed ({packed[:40]!r}), which nobody asked for")
    content = bytearray()
    for piece in answer.iter_stream():
        content += piece
        if len(content) > most:
            raise Unavailable("fetch_too_long", f"{url}: more than {most} bytes")
    return bytes(content)


def _check(address: str, host: str, allowed: Allowed, named: bool) -> None:
    try:
        check_address(address, allowed, named=named)
    except ValueError:
        raise Unavailable("fetch_failed", f"{host}: its name leads to no address") from None
    except Malformed as denied:
        raise Malformed(denied.code, f"{host}: an address of it is {denied.detail.removeprefix('it is ')}") from None


@lru_cache(maxsize=1)
def _default_tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()


def _is_address(text: str) -> bool:
    try:
        return str(ip_address(text)) == text
    except ValueError:
        return False


def _left(until: float) -> float:
    return max(0.0, until - time.monotonic())


def _said(error: BaseException) -> str:
    return str(error) or ("too slow" if isinstance(error, TimeoutError) else type(error).__name__)
