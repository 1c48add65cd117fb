"""Killed in the middle of a stream, again and again: whatever was acknowledged is there, and nothing contradicts it."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import httpx

from ledger.audit import Workers, audit, open_folder
from ledger.log.checkpoint import open_checkpoint
from ledger.log.merkle import check_consistency
from ledger.log.receipt import open_receipt
from tests.api.house import JOSE, House
from tests.api.running import Running, client_of, running
from tests.cast import LOG, actor

ROUNDS = 10
STREAMS = 4
ENOUGH = 20  # acknowledgements in a round before the kill


class Stream(threading.Thread):
    """One client that hands in statements until the service is gone. It keeps what was acknowledged."""

    def __init__(self, service: Running, statements: list[bytes]) -> None:
        super().__init__()
        self._service = service
        self._statements = statements
        self.acknowledged: dict[bytes, tuple[int, str]] = {}  # sent -> index, receipt

    def run(self) -> None:
        with client_of(self._service) as client:
            for sent in self._statements:
                try:
                    answer = client.post("/v1/statements", content=sent, headers=JOSE)
                except httpx.TransportError:
                    return
                assert answer.status_code in (200, 201), answer.text
                self.acknowledged[sent] = answer.json()["index"], answer.json()["receipt"]


def test_ten_rounds_of_kill_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    house = House.build(tmp_path / "ledger")
    acknowledged: dict[bytes, tuple[int, str]] = {}
    for round_ in range(ROUNDS):
        names = [f"party {round_} {number}" for number in range(400)]
        house.play.cast.update({name: actor(name) for name in names})
        sent = [house.play.sign("party.joined", by=name, body={"name": name}) for name in names]
        with running(house, workers=round_ % 2) as service:  # in one process, and in several
            streams = [Stream(service, sent[place::STREAMS]) for place in range(STREAMS)]
            for stream in streams:
                stream.start()
            wait_for(streams, ENOUGH + 7 * round_)
            service.kill()
            for stream in streams:
                stream.join()
        found = {key: value for stream in streams for key, value in stream.acknowledged.items()}
        assert ENOUGH <= len(found) < len(sent), "the kill was not in the middle of the stream"
        acknowledged |= found
        house.play.seconds = int(time.time())
    check(house, acknowledged)


def wait_for(streams: list[Stream], enough: int) -> None:
    """Until so many are acknowledged: then a batch is under way at any moment."""
    end = time.monotonic() + 20
    while sum(len(stream.acknowledged) for stream in streams) < enough and time.monotonic() < end:
        time.sleep(0.001)


def check(house: House, acknowledged: dict[bytes, tuple[int, str]]) -> None:
    """Every acknowledged statement is the entry it was said to be, and every receipt's checkpoint is of one history."""
    with open_folder(house.folder.path) as source, Workers(0) as workers:
        verdict = audit(source, workers)
    assert verdict.word == "consistent", verdict
    with house.served() as client:
        last = open_checkpoint(client.get("/checkpoint").content, [LOG.verifier])
        assert last.size > len(acknowledged)
        for sent, (index, receipt) in acknowledged.items():
            entry, checkpoint = open_receipt(receipt.encode(), [LOG.verifier])
            assert (entry.index, entry.statement) == (index, sent)
            assert client.get(f"/v1/entries/{index}").json()["statement"] == sent.decode()
            assert checkpoint.size <= last.size
        sizes = {open_receipt(text.encode(), [LOG.verifier])[1] for _, text in acknowledged.values()}
        reader = client.app.state.service.reader
        for checkpoint in sizes:
            hashes = reader.consistency(checkpoint.size, last.size).hashes
            check_consistency(checkpoint.size, last.size, checkpoint.root, last.root, hashes)
