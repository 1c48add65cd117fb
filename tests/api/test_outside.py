"""Files of a log from outside: what is there, what is not, and what is more than was bargained for."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from api import outside
from api.outside import files_at, get_all, published_at
from ledger.audit import Workers, audit
from ledger.errors import Malformed, Problem, Unavailable
from ledger.publish import publish_folder
from ledger.publish.folder import FolderTarget
from tests.api.test_anchors import Files, failing, packed, redirect, serving
from tests.cast import life
from tests.ledger.written import write_folder


def test_a_log_behind_any_web_server_is_audited_like_its_folder(tmp_path: Path) -> None:
    folder = write_folder(life(), tmp_path / "ledger")
    public = tmp_path / "public"
    publish_folder(folder.path, FolderTarget(public))
    files: Files = {
        f"/log/{path.relative_to(public)}": path.read_bytes() for path in public.rglob("*") if path.is_file()
    }
    with serving(files) as url, published_at(f"{url}/log/") as source:
        verdict = audit(source, Workers(0))
    assert (verdict.word, verdict.size) == ("consistent", len(life().entries))
    with serving({}) as url, pytest.raises(Malformed), published_at(url):
        pass


def test_files_are_there_or_not_there_or_cannot_be_had() -> None:
    with serving({"/a": b"abc", "/b": redirect, "/c": packed, "/d": failing}) as url:
        with files_at(url) as read:
            assert read("a", 3) == b"abc"
            assert read("none", 3) is None
            with pytest.raises(Malformed):
                read("a", 2)
            for name in "bcd":
                with pytest.raises(Unavailable) as raised:
                    read(name, 100)
                assert raised.value.code == "outside_unreachable"
        found = get_all([f"{url}/{name}" for name in ("a", "none", "b", "c", "d")], 3, 5.0)
        assert found.pop(f"{url}/a") == b"abc"
        assert set(found) == {f"{url}/{name}" for name in "bcd"}
        assert {str(one).partition(":")[0] for one in found.values()} == {"outside_unreachable"}


def test_what_is_wrong_with_a_file_is_said_as_it_is() -> None:
    with serving({"/packed": packed, "/checkpoint": b"abc", "/tile/0/000": b"abc"}) as url, files_at(url) as read:
        with pytest.raises(Unavailable, match=r"packed: it answers packed \(gzip\)"):
            read("packed", 100)
        assert code_of(lambda: read("checkpoint", 2)) == "checkpoint_malformed"
        assert code_of(lambda: read("tile/0/000", 2)) == "bundle_malformed"


def dripping_head(handler: BaseHTTPRequestHandler) -> None:
    """A head that never ends; each line comes well within what a read may take."""
    drip(handler, b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n")


def dripping_body(handler: BaseHTTPRequestHandler) -> None:
    drip(handler, b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x")


def drip(handler: BaseHTTPRequestHandler, begin: bytes, drop: bytes) -> None:
    handler.close_connection = True
    with suppress(OSError):
        handler.wfile.write(begin)
        for _ in range(200):
            handler.wfile.write(drop)
            time.sleep(0.05)


@pytest.mark.parametrize("slow", [dripping_head, dripping_body])
def test_a_file_comes_in_time_or_not_at_all(
    slow: Callable[[BaseHTTPRequestHandler], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outside, "FILE_SECONDS_MAX", 0.5)
    with serving({"/slow": slow, "/quick": b"abc"}) as url, files_at(url) as read:
        assert read("quick", 3) == b"abc"
        begun = time.monotonic()
        with pytest.raises(Unavailable, match="slow: too slow"):
            read("slow", 1_000_000)
        assert time.monotonic() - begun < 8
        assert read("quick", 3) == b"abc"


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://", "ftp://a.example", "http://a b", "http://\udcff/"])
def test_an_address_that_leads_nowhere_is_no_mistake_of_ours(url: str) -> None:
    def read() -> None:
        with files_at(url) as reading:
            reading("checkpoint", 100)

    assert code_of(read) == "outside_unreachable"
    (answer,) = get_all([url], 100, 5.0).values()
    assert isinstance(answer, Unavailable)


def code_of(do: Callable[[], object]) -> str:
    with pytest.raises(Problem) as raised:
        do()
    return raised.value.code
