"""Fetching what somebody else names: every way in which a name, a server or a network may lead astray."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpcore
import pytest

from identity.addresses import Allowed
from identity.errors import Malformed, Problem, Unavailable
from identity.fetch import OVERHEAD, URL_MAX, Fetcher, system_look_up, target_of
from tests.identity.outside import HOST, Authority, Server, reply, serving, trickle


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def plain(server: Server, seconds: float = 5.0) -> Fetcher:
    return Fetcher(server.allowed(), look_up=server.look_up, seconds=seconds)


def secure(server: Server, authority: Authority, seconds: float = 5.0) -> Fetcher:
    return Fetcher(server.allowed(tls=True), look_up=server.look_up, tls=authority.client(), seconds=seconds)


def refused(call: Callable[[], object], code: str, said: str = "") -> str:
    with pytest.raises(Problem) as raised:
        call()
    assert raised.value.code == code, raised.value
    assert isinstance(
        raised.value, Malformed if code in ("fetch_url_malformed", "fetch_address_denied") else Unavailable
    )
    assert said in raised.value.detail
    return raised.value.detail


# -- what is asked, and how ------------------------------------------------------------------------------------------


def test_the_name_is_looked_up_once_and_kept_for_host_sni_and_certificate(authority: Authority) -> None:
    asked: list[tuple[str, int]] = []
    seen: list[str | None] = []
    context = authority.server(HOST)
    context.sni_callback = lambda _, name, __: seen.append(name)

    def look_up(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return ["127.0.0.1"]

    with serving({"/org/a/did.jsonl?x=1": b"found"}, context) as server:
        fetch = Fetcher(server.allowed(tls=True), look_up=look_up, tls=authority.client())
        assert fetch(server.url("/org/a/did.jsonl?x=1"), 5) == b"found"
        assert fetch(server.url("/none"), 5) is None
    assert asked == [(HOST, server.port)] * 2
    assert seen == [HOST] * 2
    head = server.requests[0].split("\r\n")
    assert head[0] == "GET /org/a/did.jsonl?x=1 HTTP/1.1"
    names = {line.partition(":")[0] for line in head[1:] if line}
    assert f"Host: {HOST}:{server.port}" in head
    assert names == {"Host", "Accept", "Accept-Encoding", "Connection"}, "nothing is said about whoever asks"


def test_a_name_whose_answer_changes_is_connected_to_where_it_was_judged() -> None:
    answers = iter([["127.0.0.1"], ["10.0.0.1"], ["127.0.0.1", "169.254.169.254"]])
    with serving({"/": b"found"}) as server:
        fetch = Fetcher(server.allowed(), look_up=lambda *_: next(answers))
        assert fetch(server.url(), 9) == b"found"  # a second look-up would have led elsewhere
        assert next(answers) == ["10.0.0.1"]
        refused(lambda: fetch(server.url(), 9), "fetch_address_denied", "link-local")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.0.0.1", "::1", "169.254.169.254", "::ffff:127.0.0.1", "fe80::1%1"]
)
def test_a_name_that_leads_inside_is_not_asked(address: str) -> None:
    with serving({"/": b"secret"}) as server:
        for addresses in ([address], ["8.8.8.8", address], [address, "8.8.8.8"]):
            fetch = Fetcher(look_up=lambda *_, found=addresses: found)  # type: ignore[misc]
            said = refused(lambda: fetch(server.url(), 9), "fetch_address_denied", HOST)  # noqa: B023 - at once
            assert address not in said, "whoever names a host learns nothing of other networks"
    assert server.requests == []


def test_addresses_are_tried_in_turn(authority: Authority) -> None:
    with serving({"/": b"found"}) as server:
        fetch = Fetcher(server.allowed(), look_up=lambda *_: ["127.0.0.2", "127.0.0.1"])
        closed = socket.create_server(("127.0.0.2", server.port))
        closed.close()  # now nobody listens there
        assert fetch(server.url(), 9) == b"found"


def test_the_environment_names_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving({"/": b"proxy"}) as proxy, serving({"/": b"found"}) as server:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert plain(server)(server.url(), 9) == b"found"
    assert proxy.requests == []


def test_an_address_is_its_own_name_where_it_is_allowed() -> None:
    with serving({"/a": b"found"}) as server:
        url = f"http://127.0.0.1:{server.port}/a"
        assert Fetcher(Allowed.parse(f"http://127.0.0.1:{server.port}"))(url, 9) == b"found"
        assert Fetcher(Allowed.parse("http://127.0.0.1"))(url, 9) == b"found"
        refused(lambda: Fetcher()(url, 9), "fetch_url_malformed", "not https")
        refused(lambda: Fetcher()(url.replace("http:", "https:"), 9), "fetch_address_denied", "loopback")
    assert f"Host: 127.0.0.1:{server.port}" in server.requests[0]


def test_names_below_localhost_are_of_this_machine() -> None:
    assert set(system_look_up("ledger.localhost", 80)) <= {"127.0.0.1", "::1"}
    with serving({"/": b"found"}) as server:
        url = f"https://ledger.localhost:{server.port}/"
        assert Fetcher(Allowed.parse("http://ledger.localhost"))(url, 9) == b"found"
        refused(lambda: Fetcher()(url, 9), "fetch_address_denied", "loopback")


URL = "https://host.example"


NEVER = f"""
    http://host.example/ ftp://host.example/ file:///etc/passwd gopher://host.example/ host.example https:// https:///a
    https://u@host.example/ https://u:p@host.example/ {URL}/a#b {URL}#b {URL}:0/ {URL}:22/ {URL}:80/ {URL}:1023/
    {URL}:65536/ {URL}:0443/ {URL}:/ {URL}:x/ https://127.1/ https://0x7f.0.0.1/ https://2130706433/ https://0177.0.0.1/
    https://127.0.0.1./ https://[::1 https://[::0001]/ https://host.example./ https://a..b/ https://bücher.example/
    {URL}\\@evil.example/ {URL}/ü https://h%2eexample/ {URL}/{"a" * URL_MAX} https://-a.example/ https://*.example/
    https://[1.1.1.1]/
"""


@pytest.mark.parametrize("url", ["", f"{URL}/a b", f"{URL}/a\r\nHost: x", f"{URL}/\n", f" {URL}/", *NEVER.split()])
def test_what_is_no_plain_https_address_is_not_asked(url: str) -> None:
    def look_up(host: str, port: int) -> list[str]:
        raise AssertionError("looked up")

    refused(lambda: Fetcher(look_up=look_up)(url, 9), "fetch_url_malformed")


@pytest.mark.parametrize(
    ("url", "host", "port", "path", "authority"),
    [
        (URL, "host.example", 443, "/", "host.example"),
        ("https://HOST.example:443/A?b=/c?", "host.example", 443, "/A?b=/c?", "host.example"),
        (f"{URL}:1024?x", "host.example", 1024, "/?x", "host.example:1024"),
        (f"{URL}:65535/%2e/", "host.example", 65535, "/%2e/", "host.example:65535"),
        ("https://8.8.8.8/", "8.8.8.8", 443, "/", "8.8.8.8"),
        ("https://[2606:4700::1111]:8443/", "2606:4700::1111", 8443, "/", "[2606:4700::1111]:8443"),
    ],
)
def test_where_an_address_leads(url: str, host: str, port: int, path: str, authority: str) -> None:
    target = target_of(url)
    assert (target.host, target.port, target.path, target.tls) == (host, port, path, True)
    assert target.authority == authority


def test_a_host_that_is_allowed_has_any_port() -> None:
    allowed = Allowed.parse("registry.intern,http://dev.test")
    assert target_of("https://registry.intern:8/", allowed).port == 8
    assert target_of("https://dev.test/", allowed).authority == "dev.test"
    assert target_of("http://dev.test:81/", allowed).authority == "dev.test:81"
    refused(lambda: target_of("http://registry.intern/", allowed), "fetch_url_malformed")


# -- certificates ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", ["other name", "expired", "unknown authority", "no TLS", "the address's own name"])
def test_a_certificate_that_does_not_hold_ends_it(wrong: str, authority: Authority, tmp_path: Path) -> None:
    shown: dict[str, ssl.SSLContext | None] = {
        "other name": authority.server("other.test"),
        "expired": authority.server(HOST, days=-1),
        "unknown authority": Authority(tmp_path).server(HOST),
        "no TLS": None,
        "the address's own name": authority.server("127.0.0.1"),
    }
    with serving({"/": b"found"}, shown[wrong]) as server:
        refused(lambda: secure(server, authority, 0.5)(server.url(), 9), "fetch_failed", server.url())
    assert not [one for one in server.requests if one.startswith("GET")]


def test_an_authority_of_nobody_here_is_not_believed(authority: Authority) -> None:
    with serving({"/": b"found"}, authority.server(HOST)) as server:
        fetch = Fetcher(server.allowed(tls=True), look_up=server.look_up)
        refused(lambda: fetch(server.url(), 9), "fetch_failed", "certificate verify failed")


# -- answers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent", "304 Same"]
)
def test_no_redirect_is_followed(status: str) -> None:
    with serving({"/": b"secret"}) as inside:
        to = f"Location: http://127.0.0.1:{inside.port}/"
        with serving(reply(b"", status, to)) as server:
            refused(lambda: plain(server)(server.url(), 9), "fetch_redirected", f"127.0.0.1:{inside.port}")
    assert inside.requests == []


@pytest.mark.parametrize("status", ["404 Not Found", "410 Gone"])
def test_what_is_not_there_is_none(status: str) -> None:
    with serving(reply(b"not here, in many words", status)) as server:
        assert plain(server)(server.url(), 3) is None


@pytest.mark.parametrize(
    "status", ["500 Oops", "503 Later", "401 Who", "206 Partial", "201 Made", "204 None", "999 Odd"]
)
def test_any_other_answer_is_none(status: str) -> None:
    with serving(reply(b"", status)) as server:
        refused(lambda: plain(server)(server.url(), 3), "fetch_failed", f"it answers {status[:3]}")


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n" + b"a" * 101, "fetch_too_long"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"a" * 101, "fetch_too_long"),  # until the connection ends
        (CHUNKED + b"65\r\n" + b"a" * 101 + b"\r\n0\r\n\r\n", "fetch_too_long"),
        (CHUNKED + b"1\r\na\r\n" * 101 + b"0\r\n\r\n", "fetch_too_long"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n" + b"a" * 49, "fetch_failed"),  # it says more than it has
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nContent-Length: 1\r\n\r\na", "fetch_failed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "fetch_failed"),
        (CHUNKED + b"5\r\na", "fetch_failed"),
        (CHUNKED + b"zz\r\na", "fetch_failed"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\na", "fetch_failed"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\n", "fetch_failed"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * (1 << 20), "fetch_failed"),  # a head without end
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 100_000, "fetch_too_long"),  # and one that never comes to the point
        (
            CHUNKED + b"1;" + b"x" * 15_000 + b"\r\na\r\n" + (b"1;" + b"x" * 15_000 + b"\r\na\r\n") * 50,
            "fetch_too_long",
        ),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "fetch_failed"),
        (b"", "fetch_failed"),
    ],
)
def test_answers_that_lie_or_do_not_end_are_bounded(sent: bytes, code: str) -> None:
    with serving(lambda peer: peer.sendall(sent)) as server:
        refused(lambda: plain(server)(server.url(), 100), code)


def test_as_many_bytes_as_may_come_do_come() -> None:
    for sent in (b"HTTP/1.1 200 OK\r\n\r\n" + b"a" * 100, CHUNKED + b"1\r\na\r\n" * 100 + b"0\r\n\r\n"):
        with serving(lambda peer, sent=sent: peer.sendall(sent)) as server:  # type: ignore[misc]
            assert plain(server)(server.url(), 100) == b"a" * 100
    large = bytes(1 << 20)
    with serving(reply(large, "200 OK", "Content-Encoding: identity")) as server:
        assert plain(server)(server.url(), len(large)) == large


def test_what_comes_around_the_content_is_bounded_as_the_content_is() -> None:
    times = OVERHEAD // 6 + 200
    with serving(lambda peer: peer.sendall(CHUNKED + b"1\r\na\r\n" * times + b"0\r\n\r\n")) as server:
        refused(lambda: plain(server)(server.url(), 100), "fetch_too_long")


# -- time ------------------------------------------------------------------------------------------------------------

PATIENCE = 0.25


@pytest.fixture
def soon() -> Iterator[None]:
    """However long the other side takes, it is over in time."""
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < PATIENCE + 6


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize(
    "answer",
    [
        trickle(b"", b"", 0.1, 100),
        trickle(b"HTTP/1.1 200 OK\r\nX: ", b"a", 0.05, 200),
        trickle(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"a", 0.05, 200),
        trickle(CHUNKED, b"1\r\na\r\n", 0.05, 200),
        trickle(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.05, 200),
    ],
    ids=["nothing", "head", "content", "chunks", "continuing"],
)
@pytest.mark.parametrize("with_tls", [False, True])
def test_a_slow_trickle_ends_in_time(
    answer: Callable[[socket.socket], None], with_tls: bool, authority: Authority
) -> None:
    with serving(answer, authority.server(HOST) if with_tls else None) as server:
        fetch = secure(server, authority, PATIENCE) if with_tls else plain(server, PATIENCE)
        refused(lambda: fetch(server.url(), 9_999), "fetch_failed")


@pytest.mark.usefixtures("soon")
def test_a_handshake_that_does_not_end_ends_in_time(authority: Authority) -> None:
    def stuck(peer: socket.socket) -> None:
        for _ in range(200):
            time.sleep(0.05)
            peer.sendall(b"\x16\x03\x03\x40\x00"[:1])  # the begin of a record, again and again

    with serving(stuck) as server:
        refused(lambda: secure(server, authority, PATIENCE)(server.url(), 9), "fetch_failed")


@pytest.mark.usefixtures("soon")
def test_a_look_up_that_does_not_end_holds_up_nobody() -> None:
    over = threading.Event()

    def look_up(host: str, port: int) -> list[str]:
        if host.startswith("slow"):
            over.wait(30)
        return ["8.8.8.8"]

    fetch = Fetcher(look_up=look_up, seconds=PATIENCE / 4, at_once=2)
    try:
        refused(lambda: fetch("https://slow1.example/", 9), "fetch_failed", "not found")
        refused(lambda: fetch("https://slow2.example/", 9), "fetch_failed", "not found")
        refused(lambda: fetch("https://slow3.example/", 9), "fetch_busy")  # two look-ups are under way yet
    finally:
        over.set()


@pytest.mark.parametrize("failure", [socket.gaierror(-2, "Name or service not known"), UnicodeError("label too long")])
def test_a_name_that_is_not_found(failure: Exception) -> None:
    def look_up(host: str, port: int) -> list[str]:
        raise failure

    refused(lambda: Fetcher(look_up=look_up)(URL, 9), "fetch_failed", "its name is not found")
    refused(lambda: Fetcher(look_up=lambda *_: [])(URL, 9), "fetch_failed", "no address")
    refused(lambda: Fetcher(look_up=lambda *_: ["nonsense"])(URL, 9), "fetch_failed", "leads to no address")


@pytest.mark.usefixtures("soon")
def test_an_address_that_does_not_answer_ends_in_time() -> None:
    class Deaf(httpcore.SyncBackend):
        def connect_tcp(self, host: str, port: int, timeout: float | None = None, *_: object) -> httpcore.NetworkStream:  # type: ignore[override]
            assert timeout is not None
            time.sleep(timeout)
            raise httpcore.ConnectTimeout("timed out")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpcore, "SyncBackend", Deaf)
        fetch = Fetcher(look_up=lambda *_: ["1.1.1.1", "8.8.8.8", "9.9.9.9"], seconds=PATIENCE)
        refused(lambda: fetch(URL, 9), "fetch_failed")


def test_so_many_are_asked_at_a_time_and_no_more() -> None:
    going, over = threading.Semaphore(0), threading.Event()

    def held(peer: socket.socket) -> None:
        going.release()
        over.wait(30)
        reply(b"found")(peer)

    found: list[bytes | None] = []
    with serving(held) as server:
        fetch = Fetcher(server.allowed(), look_up=server.look_up, seconds=60.0, at_once=2)
        threads = [threading.Thread(target=lambda: found.append(fetch(server.url(), 9))) for _ in range(3)]
        for thread in threads:
            thread.start()
        assert going.acquire(timeout=30)
        assert going.acquire(timeout=30)
        assert not going.acquire(timeout=0.2), "a third is asked"
        over.set()
        for thread in threads:
            thread.join()
    assert found == [b"found"] * 3
    with serving(trickle(b"", b"", 0.1, 25)) as server:
        fetch = Fetcher(server.allowed(), look_up=server.look_up, seconds=2.0, at_once=1)
        codes: list[str] = []

        def ask() -> None:
            try:
                fetch(server.url(), 9)
            except Problem as no:
                codes.append(no.code)

        threads = [threading.Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(codes) == ["fetch_busy", "fetch_failed"]
