"""The log's face: checkpoints that extend each other, provably."""

from __future__ import annotations

import gzip
from base64 import b64decode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from api.tlog import wants_gzip
from ledger.log.checkpoint import open_checkpoint
from ledger.log.merkle import check_consistency, leaf_hash, root_of
from ledger.log.tile import parse_bundle
from ledger.store.sql import SqlStore
from tests.api.house import House, TestClient, code_of
from tests.cast import LOG


def test_the_checkpoint_is_signed_and_never_cached(client: TestClient) -> None:
    answer = client.get("/checkpoint")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert open_checkpoint(answer.content, [LOG.verifier]).size == 1


def test_every_checkpoint_extends_every_earlier_one(house: House, client: TestClient) -> None:
    checkpoints = [open_checkpoint(client.get("/checkpoint").content, [LOG.verifier])]
    house.play.join("factory")
    for number in range(6):
        house.play.register("factory", title=f"number {number}")
        house.tell(client)
        checkpoints.append(open_checkpoint(client.get("/checkpoint").content, [LOG.verifier]))
    for place, new in enumerate(checkpoints):
        for old in checkpoints[: place + 1]:
            proof = client.get("/v1/consistency", params={"old": old.size, "new": new.size}).json()
            hashes = [b64decode(node) for node in proof["hashes"]]
            check_consistency(old.size, new.size, old.root, new.root, hashes)
            assert (proof["old"], proof["new"]) == (old.size, new.size)
    entries = parse_bundle(client.get("/v1/entries", headers={"Accept": "application/octet-stream"}).content)
    assert root_of(map(leaf_hash, entries)) == checkpoints[-1].root


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("old=0&new=2", 404, "size_absent"),
        ("old=1&new=0", 404, "size_absent"),
        ("old=-1&new=1", 400, "query_malformed"),
        ("old=0", 400, "query_malformed"),
        ("old=0&new=x", 400, "query_malformed"),
    ],
)
def test_sizes_that_were_not_signed(client: TestClient, query: str, status: int, code: str) -> None:
    answer = client.get(f"/v1/consistency?{query}")
    assert (answer.status_code, code_of(answer)) == (status, code)


# -- tiles -------------------------------------------------------------------------------------------------------

FOR_EVER = "public, max-age=31536000, immutable"


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> House:
    """A ledger of 300 entries."""
    house = House.build(tmp_path_factory.mktemp("grown") / "ledger")
    house.play.join("factory")
    for number in range(298):
        house.play.register("factory", title=f"number {number}")
    with house.served() as client:
        house.tell(client)
    return house


def cut_of(bundle: bytes) -> list[bytes]:
    """The entries of a bundle, by C2SP tlog-tiles alone."""
    entries = []
    while bundle:
        length = int.from_bytes(bundle[:2])
        entries.append(bundle[2 : 2 + length])
        bundle = bundle[2 + length :]
    return entries


def test_every_width_up_to_the_signed_size_is_served_and_none_beyond(grown: House) -> None:
    with grown.served() as client:
        entries: list[bytes] = []
        for start, index in ((0, "000"), (256, "001")):
            signed = min(256, 300 - start)
            for width in [*range(1, signed, 50), signed]:
                partial = f"{index}.p/{width}" if width < 256 else index
                hashes, bundle = client.get(f"/tile/0/{partial}"), client.get(f"/tile/entries/{partial}")
                for answer in (hashes, bundle):
                    assert answer.status_code == 200
                    assert answer.headers["content-type"] == "application/octet-stream"
                    assert answer.headers["cache-control"] == FOR_EVER
                    assert answer.headers["access-control-allow-origin"] == "*"
                found = cut_of(bundle.content)
                assert len(found) == width
                assert b"".join(sha256(b"\0" + entry).digest() for entry in found) == hashes.content
            entries += found
        head = client.get("/checkpoint").text.split("\n")
        assert head[1] == "300"
        assert b64decode(head[2]) == root_of(map(leaf_hash, entries))
        assert client.get("/tile/1/000.p/1").content == root_of(map(leaf_hash, entries[:256]))


@pytest.mark.parametrize(
    "path",
    [
        *("0/001.p/45", "0/001", "0/002.p/1", "1/000.p/2", "1/000", "2/000.p/1", "63/000.p/1", "0/x001/000"),
        *("entries/001.p/45", "entries/001", "entries/x999/x999/x999/x999/x999/x999/999"),
        *("0/000.p/0", "0/000.p/256", "0/000.p/01", "0/0", "00/000", "64/000", "0/x000/001", "0/000/", "0/000.p/"),
        *("entries/0", "entries/000.p/0", "entries/../0/000", "-1/000", "0/%30%30", "entries", "0", "", "0/000.P/1"),
    ],
)
def test_what_is_no_tile_of_the_log_is_not_there_and_nobody_keeps_that(grown: House, path: str) -> None:
    with grown.served() as client:
        answer = client.get(f"/tile/{path}".replace("..", "%2e%2e"))
    assert (answer.status_code, code_of(answer)) == (404, "tile_absent")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "content-encoding" not in answer.headers


def test_tiles_grow_with_the_signed_size_and_keep_their_beginning(house: House, client: TestClient) -> None:
    before = client.get("/tile/0/000.p/1").content
    assert client.get("/tile/0/000.p/2").status_code == 404
    house.play.join("factory")
    house.tell(client)
    assert client.get("/tile/0/000.p/1").content == before
    assert client.get("/tile/0/000.p/2").content[:32] == before


def test_the_bare_head_can_be_asked_for_and_nothing_can_be_sent(client: TestClient) -> None:
    for path in ("/checkpoint", "/tile/0/000.p/1", "/tile/entries/000.p/1"):
        whole, head = client.get(path), client.head(path)
        assert head.status_code == 200
        for name in ("content-type", "content-length", "cache-control", "access-control-allow-origin"):
            assert head.headers[name] == whole.headers[name]
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            answer = client.request(method, path)
            assert (answer.status_code, code_of(answer)) == (405, "method_unknown")
            assert "immutable" not in answer.headers.get("cache-control", "")


def test_bundles_come_compressed_where_that_is_asked_for(grown: House) -> None:
    with grown.served() as client:
        plain = client.get("/tile/entries/000", headers={"Accept-Encoding": "identity"})
        assert "content-encoding" not in plain.headers
        for path in ("/tile/entries/000", "/tile/entries/001.p/44"):
            asked = client.get(path, headers={"Accept-Encoding": "br, gzip;q=0.5"})
            assert asked.headers["content-encoding"] == "gzip"
            assert asked.headers["vary"] == "Accept-Encoding"
            assert asked.content == client.get(path, headers={"Accept-Encoding": "gzip;q=0"}).content
        with client.stream("GET", "/tile/entries/000", headers={"Accept-Encoding": "gzip"}) as raw:
            sent = b"".join(raw.iter_raw())
        assert gzip.decompress(sent) == plain.content
        assert len(sent) < len(plain.content)
        hashes = client.get("/tile/0/000", headers={"Accept-Encoding": "gzip"})
        assert "content-encoding" not in hashes.headers


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("", False),
        ("gzip", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("*", True),
        ("*;q=0, gzip", True),
        ("gzip;q=0, *", False),
        ("gzip; q=0.000", False),
        ("gzip;q=0.001", True),
        ("identity", False),
        ("gzipped", False),
        ("br, deflate", False),
        ("gzip;q=abc", False),
        ("gzip;q=", False),
    ],
)
def test_who_asks_for_gzip(accept: str, wanted: bool) -> None:
    assert wants_gzip(accept) is wanted


def test_a_ledger_for_members_shows_its_tree_to_everybody_and_its_entries_to_nobody(tmp_path: Path) -> None:
    house = House.build(tmp_path / "ledger", readers="members")
    with house.served() as client:
        assert client.get("/checkpoint").status_code == 200
        assert len(client.get("/tile/0/000.p/1").content) == 32
        answer = client.get("/tile/entries/000.p/1")
        assert (answer.status_code, code_of(answer)) == (401, "readers_members")
        assert "immutable" not in answer.headers.get("cache-control", "")


def test_a_tile_the_store_has_lost_is_corrupt_and_not_kept(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    none: Any = lambda *_: None  # noqa: E731
    with house.served() as client:
        monkeypatch.setattr(SqlStore, "tile", none)
        monkeypatch.setattr(SqlStore, "entries", lambda *_: iter(()))
        for path in ("/tile/0/000.p/1", "/tile/entries/000.p/1"):
            answer = client.get(path)
            assert (answer.status_code, code_of(answer)) == (500, "store_corrupt")
            assert answer.headers["cache-control"] == "no-store"
