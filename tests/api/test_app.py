"""The real service: it starts, answers, stops when told to, and refuses to start where it must."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import orjson
import pytest

from api.app import create_app, serve
from ledger.errors import Unavailable
from ledger.log.receipt import open_receipt
from ledger.store.heads import last_head
from tests.api.house import JOSE, House, TestClient, code_of
from tests.api.running import Running, client_of, running
from tests.cast import LOG, actor
from tests.waiting import eventually


def joins(house: House, count: int) -> list[bytes]:
    """As many parties, each with the key of a name of its own."""
    names = [f"party {number}" for number in range(count)]
    house.play.cast.update({name: actor(name) for name in names})
    return [house.play.sign("party.joined", by=name, body={"name": name}) for name in names]


def test_many_clients_at_once_get_entries_and_receipts_of_their_own(house: House) -> None:
    sent = joins(house, 60)
    with running(house) as service, client_of(service) as client, ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda one: client.post("/v1/statements", content=one, headers=JOSE), sent))
        assert {answer.status_code for answer in answers} == {201}
        assert sorted(answer.json()["index"] for answer in answers) == list(range(1, 61))
        for one, answer in zip(sent, answers, strict=True):
            entry, _ = open_receipt(answer.json()["receipt"].encode(), [LOG.verifier])
            assert entry.statement == one


def test_told_to_stop_it_answers_what_it_took_in_and_publishes_the_checkpoint(house: House, tmp_path: Path) -> None:
    sent = joins(house, 300)
    body = b"".join(orjson.dumps({"statement": one.decode()}) + b"\n" for one in sent)
    with (
        running(house, tmp_path / "log") as service,
        client_of(service) as client,
        ThreadPoolExecutor(1) as pool,
    ):
        headers = {"Content-Type": "application/x-ndjson"}
        answer = pool.submit(client.post, "/v1/statements/batch", content=body, headers=headers)
        time.sleep(0.1)
        assert service.stop() == 0
        verdicts = [orjson.loads(line) for line in answer.result().content.splitlines()]
    assert len(verdicts) == 300
    recorded = [verdict for verdict in verdicts if verdict["status"] == 201]
    assert {verdict.get("code") for verdict in verdicts} <= {None, "service_stopping"}
    with house.served() as client:
        assert client.get("/v1/ledger").json()["size"] == 1 + len(recorded)
        assert (house.folder.path / "checkpoint").read_bytes() == client.get("/checkpoint").content
    lines = [orjson.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [line["event"] for line in lines] == ["open", "closed"]


def test_the_checkpoint_file_follows_within_a_second_or_two(house: House) -> None:
    (sent,) = joins(house, 1)
    with running(house, workers=0) as service, client_of(service) as client:
        client.post("/v1/statements", content=sent, headers=JOSE)
        checkpoint = client.get("/checkpoint").content
        eventually(lambda: house.folder.read_checkpoint() == checkpoint)


def test_where_it_must_not_start_it_says_why(house: House, tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as caught:
        serve(house.settings(folder=tmp_path / "nothing"))
    assert caught.value.code == "store_missing"
    with pytest.raises(Unavailable), TestClient(create_app(house.settings(folder=tmp_path / "nothing"))):
        pass


def test_a_published_checkpoint_the_store_does_not_reach_keeps_it_from_starting(house: House) -> None:
    before = house.folder.store.read_bytes()
    house.play.join("factory")
    with house.served() as client:
        house.tell(client)
    for path in house.folder.path.glob("ledger.db*"):
        path.unlink()
    house.folder.store.write_bytes(before)
    with pytest.raises(Unavailable) as caught:
        serve(house.settings(workers=1))
    assert caught.value.code == "store_older"


@pytest.mark.parametrize("workers", [0, 1])
def test_a_whole_folder_from_a_backup_is_found_out_by_a_record_kept_elsewhere(
    house: House, tmp_path: Path, workers: int
) -> None:
    elsewhere, backup = tmp_path / "other disk" / "heads", tmp_path / "backup"
    elsewhere.parent.mkdir()
    with house.served(heads=elsewhere):
        pass
    shutil.copytree(house.folder.path, backup)
    house.play.join("factory")
    with house.served(heads=elsewhere) as client:
        house.tell(client)
    shutil.rmtree(house.folder.path)
    backup.rename(house.folder.path)
    with pytest.raises(Unavailable) as caught:
        serve(house.settings(workers=workers, heads=elsewhere))
    assert caught.value.code == "store_older"


def test_what_was_published_as_files_is_one_more_record(house: House) -> None:
    house.play.join("factory")
    before = {path: path.read_bytes() for path in house.folder.path.iterdir() if path.is_file()}
    with house.served(publish_seconds=0.02) as client:
        house.tell(client)
    public = house.folder.path / "public" / "checkpoint"
    assert b"\n2\n" in public.read_bytes()
    for path in [path for path in house.folder.path.iterdir() if path.is_file()]:
        path.unlink()
    for path, data in before.items():
        path.write_bytes(data)
    with pytest.raises(Unavailable) as caught:
        serve(house.settings(workers=1))
    assert caught.value.code == "store_older"
    public.write_bytes(b"garbage")
    with house.served() as client:  # damage tells nothing
        assert client.get("/ready").json()["size"] == 1


def test_without_a_record_it_says_that_it_is_unanchored_and_begins_one(house: House) -> None:
    house.folder.heads.unlink()
    for status in ("unanchored", "ready", "ready"):
        with house.served() as client:
            assert client.get("/ready").json() == {"status": status, "size": 1}


def test_each_head_is_recorded_before_it_is_answered(house: House) -> None:
    with house.served() as client:
        for name in ("factory", "partner", "second"):
            house.play.join(name)
            house.tell(client)
            assert last_head(house.folder.heads) == client.get("/checkpoint").content


def test_a_record_that_cannot_be_written_stops_the_appends(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.play.join("factory")
    with house.served() as client:
        house.tell(client)
        monkeypatch.setattr(os, "fdatasync", _full)
        house.play.join("partner")
        sent = house.play.entries[-1].sent
        answer = client.post("/v1/statements", content=sent, headers=JOSE)
        assert (answer.status_code, answer.json()["code"]) == (503, "head_unrecorded")
        assert client.get("/ready").status_code == 503
        monkeypatch.undo()
        again = client.post("/v1/statements", content=sent, headers=JOSE)
        assert (again.status_code, again.json()["index"]) == (200, 2)


def _full(file: int) -> None:
    raise OSError(28, "No space left on device")


# -- clients that are slow, large or rude --------------------------------------------------------------------------


def exchange(service: Running, *parts: bytes, pause: float = 0.0) -> bytes:
    """What comes back for these bytes, until the service closes the connection or says nothing for a while."""
    url = httpx.URL(service.url)
    with socket.create_connection((url.host, url.port or 80), timeout=30) as connection:
        for part in parts:
            connection.sendall(part)
            time.sleep(pause)
        received = b""
        while part := connection.recv(65_536):
            received += part
        return received


HEAD = b"POST /v1/statements HTTP/1.1\r\nHost: x\r\nContent-Type: application/jose\r\n"


def test_a_body_that_does_not_come_is_given_up_and_the_connection_closed(house: House) -> None:
    with running(house, workers=0, body_seconds=0.3) as service:
        begun = time.monotonic()
        answer = exchange(service, HEAD + b"Content-Length: 100\r\n\r\nhalf")
        assert answer.startswith(b"HTTP/1.1 408")
        assert b"body_too_slow" in answer
        assert time.monotonic() - begun < 20


@pytest.mark.parametrize("head", [b"", b"POST /v1/sta", HEAD, HEAD + b"X-Slow: "])
def test_a_head_that_does_not_come_is_given_up(house: House, head: bytes) -> None:
    with running(house, workers=0, body_seconds=0.3) as service:
        begun = time.monotonic()
        assert exchange(service, head) == b""
        assert 0.2 < time.monotonic() - begun < 20


def test_a_head_without_end_is_cut_off(house: House) -> None:
    endless = [b"X: " + b"y" * 99_000 + b"\r\n" for _ in range(200)]
    with running(house, workers=0) as service, pytest.raises(OSError, match=r"reset|pipe"):
        exchange(service, HEAD, *endless)


def test_a_connection_that_is_kept_is_given_the_same_time_for_each_request(house: House) -> None:
    request = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    with running(house, workers=0, body_seconds=0.4) as service:
        answers = exchange(service, request, request, request, b"GET /hea", pause=0.3)
    assert answers.count(b"HTTP/1.1 200") == 3


def test_a_body_too_large_is_refused_before_it_is_sent(house: House) -> None:
    with running(house, workers=0) as service:
        answer = exchange(service, HEAD + b"Content-Length: 999999999\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 413")
        assert b"connection: close" in answer.lower()


def test_several_requests_on_one_connection_are_answered_in_order(house: House) -> None:
    first, second = joins(house, 2)
    close = b"Connection: close\r\n"
    requests = [
        HEAD + extra + b"Content-Length: %d\r\n\r\n" % len(one) + one for one, extra in ((first, b""), (second, close))
    ]
    with running(house, workers=0) as service:
        answer = exchange(service, b"".join(requests))
    assert answer.count(b"HTTP/1.1 201") == 2
    assert answer.index(b'"index":1') < answer.index(b'"index":2')


def test_a_client_that_goes_away_in_the_middle_leaves_the_service_well(house: House) -> None:
    (sent,) = joins(house, 1)
    with running(house, workers=0) as service, client_of(service) as client:
        url = httpx.URL(service.url)
        for _ in range(5):
            with socket.create_connection((url.host, url.port or 80)) as connection:
                connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(sent) + sent[:-1])
        assert client.post("/v1/statements", content=sent, headers=JOSE).status_code == 201


def test_a_full_queue_says_when_to_come_back_and_everything_taken_in_is_recorded(house: House) -> None:
    sent = joins(house, 80)

    async def rush(url: str) -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as client:
            return await asyncio.gather(*(client.post("/v1/statements", content=one, headers=JOSE) for one in sent))

    with running(house, queue=4, batch=2) as service, client_of(service) as client:
        answers = asyncio.run(rush(service.url))
        refused = [answer for answer in answers if answer.status_code != 201]
        assert refused
        assert {(answer.status_code, code_of(answer)) for answer in refused} == {(503, "queue_full")}
        assert {answer.headers["retry-after"] for answer in refused} == {"1"}
        assert client.get("/v1/ledger").json()["size"] == 1 + len(answers) - len(refused)
        for one in sent:
            while (answer := client.post("/v1/statements", content=one, headers=JOSE)).status_code == 503:
                time.sleep(0.01)
            assert answer.status_code in (200, 201)
        assert client.get("/v1/ledger").json()["size"] == 81


def test_trailers_are_not_collected(house: House) -> None:
    with running(house) as service, socket.create_connection(_address(service), timeout=30) as line:
        line.sendall(b"GET /health HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert line.recv(100).startswith(b"HTTP/1.1 200")
        line.sendall(b"0\r\na: b\r\nc: d\r\n")
        assert _ended(line)


@pytest.mark.parametrize("framing", [b"0\r\na: ", b"1;a="], ids=["a trailer", "an extension of a chunk"])
def test_what_frames_a_body_is_bounded_as_a_head_is(house: House, framing: bytes) -> None:
    with running(house, body_seconds=3_600) as service, socket.create_connection(_address(service), timeout=30) as line:
        line.sendall(b"GET /health HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + framing)
        with suppress(ConnectionResetError, BrokenPipeError):
            for _ in range(1_000):
                line.sendall(b"x" * 65_536)
            pytest.fail("65 MB were taken")


def test_the_rest_of_a_request_that_was_answered_is_not_waited_for_for_ever(house: House) -> None:
    with running(house, body_seconds=1) as service, socket.create_connection(_address(service), timeout=30) as line:
        line.sendall(b"GET /health HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n")
        assert line.recv(1000).startswith(b"HTTP/1.1 200")
        line.sendall(b"x")
        assert _ended(line)


def _address(service: Running) -> tuple[str, int]:
    url = httpx.URL(service.url)
    return url.host, url.port or 80


def _ended(line: socket.socket) -> bool:
    """Whether the service closes the connection within the socket's patience."""
    try:
        while line.recv(1000):
            pass
    except ConnectionResetError:
        pass
    return True
