"""The log's face: checkpoints that extend each other, provably."""

from __future__ import annotations

from base64 import b64decode

import pytest

from ledger.log.checkpoint import open_checkpoint
from ledger.log.merkle import check_consistency, leaf_hash, root_of
from ledger.log.tile import parse_bundle
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
