"""The door of a witness: each status and body of C2SP tlog-witness, and pages that show what it has seen."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import threading
from base64 import b64encode
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient as Client
from structlog.testing import capture_logs

from api import witness as door
from api.settings import Settings
from api.witnesses import Witnesses
from identity.note import Note, Signer, format_note, format_vkey, open_note, parse_note, parse_signature
from ledger.log.checkpoint import SignedHead, open_checkpoint
from ledger.log.cosignature import cosignatures
from ledger.log.policy import Policy
from ledger.log.policy import Witness as Policed
from ledger.log.witness import REQUEST_BYTES_MAX, Request, format_request
from ledger.store.files import replace_file
from ledger.witness.memory import log_id
from tests.api.house import TestClient, code_of
from tests.ledger.witness.room import FORK, LOG, NAME, ORIGIN, START, THIEF, TRUE, History, Room

ADD = "/add-checkpoint"
HOSTILE = "<script>alert(1)</script>&\"'"


def settings(folder: Path, **given_: Any) -> Settings:
    return Settings.model_validate({"folder": folder, "address_rate": 0} | given_)


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    built = Room.build(tmp_path / "witness")
    yield built
    built.witness.close()


@pytest.fixture
def client(room: Room) -> Iterator[Client]:
    app = door.create_app(room.witness, settings(room.folder.path))
    with TestClient(app, raise_server_exceptions=False) as opened:
        yield opened


def asking(old: int, proof: list[bytes], checkpoint: bytes) -> bytes:
    return format_request(Request(old, proof, checkpoint))


# ---- add-checkpoint ----------------------------------------------------------------------------------------


def test_200_is_the_lines_of_both_cosigners(room: Room, client: Client) -> None:
    answer = client.post(ADD, content=TRUE.request(0, 5))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert answer.content.endswith(b"\n")
    note = TRUE.checkpoint(5) + answer.content  # as the specification says a client may read it
    seen = cosignatures(note, room.witness.verifiers)
    assert [(one.verifier, one.time) for one in seen] == [(verifier, START) for verifier in room.witness.verifiers]
    assert open_checkpoint(note, [LOG.verifier]).size == 5


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "witness_request_malformed"),
        (b"old 5\n\nnonsense\n", 400, "witness_request_malformed"),
        (TRUE.request(5, 9).replace(b"old 5", b"old 05"), 400, "witness_request_malformed"),
        (TRUE.request(5, 9).replace(b"old 5", b"old 10"), 400, "witness_old_beyond"),
        (TRUE.request(5, 9, THIEF), 403, "note_unsigned"),
        (TRUE.request(5, 9).replace(b"\n9\n", b"\n8\n"), 403, "note_signature_invalid"),
        (
            History(origin="other.example").request(0, 1, Signer("other.example", b"o" * 32)),
            404,
            "witness_log_unknown",
        ),
        (FORK.request(5, 9), 422, "witness_proof_wrong"),
        (FORK.request(5, 5), 422, "witness_proof_wrong"),
        (asking(5, [], TRUE.checkpoint(9)), 422, "witness_proof_wrong"),
        (b"old 0\n\n" + b"x" * REQUEST_BYTES_MAX, 413, "body_too_large"),
    ],
)
def test_each_refusal_has_its_status(client: Client, body: bytes, status: int, code: str) -> None:
    assert client.post(ADD, content=TRUE.request(0, 5)).status_code == 200
    answer = client.post(ADD, content=body)
    assert (answer.status_code, code_of(answer)) == (status, code)
    assert client.get(answer.json()["type"]).json()["code"] == code, "the problem's type leads to what it means"
    assert client.get("/seen").json()["logs"][0]["size"] == 5


@pytest.mark.parametrize("request_", [TRUE.request(0, 9), TRUE.request(7, 9), FORK.request(0, 5), TRUE.request(3, 3)])
def test_409_is_the_size_cosigned_last(client: Client, request_: bytes) -> None:
    assert client.post(ADD, content=TRUE.request(0, 5)).status_code == 200
    answer = client.post(ADD, content=request_)
    assert (answer.status_code, answer.content) == (409, b"5\n")
    assert answer.headers["content-type"] == "text/x.tlog.size"


def test_409_of_a_log_never_cosigned_is_0(client: Client) -> None:
    answer = client.post(ADD, content=TRUE.request(3, 5))
    assert (answer.status_code, answer.content) == (409, b"0\n")


def test_a_body_that_grows_beyond_what_is_taken_is_refused_before_its_end(client: Client) -> None:
    def parts() -> Iterator[bytes]:
        while True:
            yield b"old 0\n" * 1_000

    answer = client.post(ADD, content=(part for part, _ in zip(parts(), range(12), strict=False)))
    assert (answer.status_code, code_of(answer)) == (413, "body_too_large")


def test_a_checkpoint_with_many_signatures_is_taken(client: Client) -> None:
    strangers = [Signer(f"stranger{number}.example", b"s" * 32) for number in range(90)]
    assert client.post(ADD, content=TRUE.request(0, 5, *[LOG])).status_code == 200
    text = parse_note(TRUE.checkpoint(6)).text
    note = format_note(Note(text, tuple(one.sign(text) for one in (*strangers, LOG))))
    assert client.post(ADD, content=asking(5, list(TRUE.proof(5, 6)), note)).status_code == 200


@given(st.binary(max_size=300))
def test_any_bytes_are_a_problem_of_the_client(data: bytes) -> None:
    for body in (data, b"old 0\n\n" + data):
        assert OPEN.post(ADD, content=body).status_code in (400, 403, 404)


@pytest.fixture(scope="module", autouse=True)
def _open(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A door for tests of many examples."""
    global OPEN
    room = Room.build(tmp_path_factory.mktemp("open") / "witness")
    with TestClient(door.create_app(room.witness, settings(room.folder.path))) as OPEN:
        yield
    room.witness.close()


OPEN: Client


def test_logs_that_ask_at_once_through_the_door_are_told_one_history(client: Client) -> None:
    histories = [History(parting=0, mark=b"%d" % number) for number in range(8)]
    answers: list[int] = []
    start = threading.Barrier(8)

    def ask(history: History) -> None:
        start.wait()
        answers.append(client.post(ADD, content=history.request(0, 5)).status_code)

    asking_ = [threading.Thread(target=ask, args=(history,)) for history in histories]
    for one in asking_:
        one.start()
    for one in asking_:
        one.join()
    assert sorted(answers) == [200] + [409] * 7
    assert [one["proven"] for one in client.get("/seen").json()["logs"][0]["evidence"]] == [True] * 7


def test_a_list_of_logs_that_cannot_be_read_is_no_fault_of_the_client(room: Room, client: Client) -> None:
    replace_file(room.folder.logs, b"log nonsense\n")
    answer = client.post(ADD, content=TRUE.request(0, 5))
    assert (answer.status_code, code_of(answer)) == (503, "witness_logs_unreadable")
    assert client.get("/health").status_code == 503


def test_a_memory_that_cannot_be_written_gives_no_signature(
    room: Room, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(room.witness._memory._writer.dialect, "do_commit", fail)
    answer = client.post(ADD, content=TRUE.request(0, 5))
    assert (answer.status_code, code_of(answer)) == (503, "witness_memory_failed")
    assert answer.headers["retry-after"]


def test_a_memory_that_cannot_be_read_is_told_by_its_health(room: Room, client: Client) -> None:
    assert client.get("/health").json() == {"status": "ok"}
    with sqlite3.connect(room.folder.memory) as file:
        file.execute("DROP TABLE witness")
    file.close()
    answer = client.get("/health")
    assert (answer.status_code, code_of(answer)) == (503, "witness_memory_failed")


def test_an_address_that_asks_too_fast_is_told_when_to_ask_again(room: Room) -> None:
    app = door.create_app(room.witness, settings(room.folder.path, address_rate=0.001, address_burst=2))
    with TestClient(app) as client:
        assert [client.post(ADD, content=TRUE.request(0, 5)).status_code for _ in range(2)] == [200, 409]
        answer = client.post(ADD, content=TRUE.request(5, 6))
        assert (answer.status_code, code_of(answer)) == (429, "address_too_fast")
        assert int(answer.headers["retry-after"]) > 1
        assert client.get("/health").status_code == 200


# ---- What is shown -----------------------------------------------------------------------------------------


def test_monitors_fetch_what_was_cosigned_last_with_all_signatures(room: Room, client: Client) -> None:
    address = f"/{log_id(ORIGIN)}/checkpoint"
    assert code_of(client.get(address)) == "checkpoint_uncosigned"
    client.post(ADD, content=TRUE.request(0, 5))
    client.post(ADD, content=TRUE.request(5, 9))
    answer = client.get(address)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert answer.headers["access-control-allow-origin"] == "*"
    opened = open_note(answer.content, [LOG.verifier, *room.witness.verifiers])
    assert opened.text == parse_note(TRUE.checkpoint(9)).text
    assert (len(opened.verified), opened.unverified) == (3, ())
    head = client.head(address)
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize("log", [log_id(ORIGIN).upper(), log_id("other.example"), "x", "%00", "%ff"])
def test_other_addresses_hold_no_checkpoint(client: Client, log: str) -> None:
    client.post(ADD, content=TRUE.request(0, 5))
    answer = client.get(f"/{log}/checkpoint")
    assert (answer.status_code, code_of(answer)) == (404, "checkpoint_uncosigned")


def test_what_was_seen_is_told_in_json(room: Room, client: Client) -> None:
    client.post(ADD, content=TRUE.request(0, 5))
    client.post(ADD, content=FORK.request(5, 5))
    client.post(ADD, content=FORK.request(5, 9))
    seen = client.get("/seen").json()
    assert seen["name"] == NAME
    assert seen["vkeys"] == [format_vkey(verifier) for verifier in room.witness.verifiers]
    (log,) = seen["logs"]
    assert {name: log[name] for name in ("origin", "known", "size", "root", "time", "checkpoint")} == {
        "origin": ORIGIN,
        "known": True,
        "size": 5,
        "root": b64encode(TRUE.root(5)).decode(),
        "time": START,
        "checkpoint": f"/{log_id(ORIGIN)}/checkpoint",
    }
    assert [(one["proven"], one["size"]) for one in log["evidence"]] == [(True, 5), (False, 9)]


def test_evidence_of_a_fork_can_be_judged_by_anybody(client: Client) -> None:
    client.post(ADD, content=TRUE.request(0, 5))
    client.post(ADD, content=FORK.request(5, 5))
    found = client.get("/evidence/1").json()
    two = [open_checkpoint(found[name].encode(), [LOG.verifier]) for name in ("checkpoint", "against")]
    assert two[0].size == two[1].size
    assert two[0].root != two[1].root
    assert found["request"].encode() == FORK.request(5, 5)
    for number in ("2", "99999999999999999999999"):
        assert code_of(client.get(f"/evidence/{number}")) == "evidence_absent"
    for no_number in ("x", "-1", "\u0661", "9" * 5_000):
        assert code_of(client.get(f"/evidence/{no_number}")) == "evidence_absent"


class Page(HTMLParser):
    """Tags and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.words = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.words += data


def test_the_page_shows_it_to_people_and_its_links_lead_somewhere(client: Client) -> None:
    assert "Nothing cosigned yet." in Page(client.get("/").text).words
    client.post(ADD, content=TRUE.request(0, 5))
    client.post(ADD, content=FORK.request(5, 5))
    client.post(ADD, content=FORK.request(5, 9))
    answer = client.get("/")
    page = Page(answer.text)
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    for shown in (NAME, ORIGIN, b64encode(TRUE.root(5)).decode(), "2026-09-21 14:13:20 UTC", "signed two histories"):
        assert shown in page.words
    assert "speaks against nobody" in page.words
    own = [link for link in page.links if link.startswith("/")]
    assert len(own) == 4
    assert [client.get(link).status_code for link in own] == [200] * 4


def test_what_others_named_is_shown_as_text(tmp_path: Path) -> None:
    hostile = re.sub(r"\s", "", HOSTILE)
    log = Signer(hostile, b"h" * 32)
    room = Room.build(tmp_path / "witness", log.verifier)
    with TestClient(door.create_app(room.witness, settings(room.folder.path))) as client:
        one, other = History(origin=hostile), History(origin=hostile, parting=0)
        assert client.post(ADD, content=one.request(0, 5, log)).status_code == 200
        assert client.post(ADD, content=other.request(5, 5, log)).status_code == 422
        page = Page(client.get("/").text)
    assert "script" not in page.tags
    assert hostile in page.words
    room.witness.close()


def test_a_log_taken_off_the_list_is_still_shown(room: Room, client: Client) -> None:
    client.post(ADD, content=TRUE.request(0, 5))
    replace_file(room.folder.logs, b"")
    assert client.post(ADD, content=TRUE.request(5, 6)).status_code == 404
    assert client.get(f"/{log_id(ORIGIN)}/checkpoint").status_code == 200
    assert client.get("/seen").json()["logs"][0]["known"] is False
    assert "no longer cosigned" in Page(client.get("/").text).words


def test_a_witness_of_no_logs_says_so(room: Room, client: Client) -> None:
    replace_file(room.folder.logs, b"")
    assert "It knows no logs yet." in Page(client.get("/").text).words


def test_other_addresses_and_methods_are_problems(client: Client) -> None:
    for address in ("/nothing", "/checkpoint", "/add-checkpoint/", "/openapi.json", "/docs"):
        assert code_of(client.get(address)) == "route_absent"
    for method, address in (("GET", ADD), ("PUT", ADD), ("POST", "/seen"), ("DELETE", "/")):
        assert code_of(client.request(method, address)) == "method_unknown"


def test_evidence_is_a_line_in_the_log(room: Room) -> None:
    with capture_logs() as lines:
        room.ask(TRUE.request(0, 5))
        room.ask(FORK.request(5, 5))
        room.ask(FORK.request(5, 9))
        for kept in room.alarms:
            door.alarm(kept)
    told = [(line["log_level"], line["size"]) for line in lines if line.get("origin") == ORIGIN]
    assert told == [("error", 5), ("warning", 9)]


def test_all_keys_of_the_answer_are_those_of_the_witness(room: Room, client: Client) -> None:
    answer = client.post(ADD, content=TRUE.request(0, 5)).text.removesuffix("\n").split("\n")
    assert [parse_signature(line).key_id for line in answer] == [one.key_id for one in room.witness.verifiers]


# ---- With a log that is ours -------------------------------------------------------------------------------


def test_a_log_of_ours_gets_its_cosignatures_here_and_learns_of_a_fork(room: Room) -> None:
    app = door.create_app(room.witness, settings(room.folder.path))
    witness = Policed("w", room.witness.verifiers[0], "http://witness.example")
    policy = Policy((), {"w": witness}, {}, "w")

    async def ask(histories: Sequence[tuple[History, int]]) -> list[list[str]]:
        """A log that begins to ask, and goes on; what came of each time."""
        heads = [(one, SignedHead(size, one.root(size), one.checkpoint(size))) for one, size in histories]
        witnesses = Witnesses(policy, lambda: 0.0, httpx.ASGITransport(app))
        rounds = [await witnesses.ask(head, one.proof) for one, head in heads]
        await witnesses.close()
        return [[line.name for line in one.lines] or [bad.code for bad in one.troubles.values()] for one in rounds]

    assert asyncio.run(ask([(TRUE, 3), (TRUE, 5), (TRUE, 5)])) == [[NAME], [NAME], []]
    assert asyncio.run(ask([(TRUE, 9)])) == [[NAME]], "it does not know what it asked before, and is told"
    assert asyncio.run(ask([(FORK, 12)])) == [["witness_forked"]]
    assert asyncio.run(ask([(TRUE, 7)])) == [["witness_ahead"]]
    assert room.last() == (9, TRUE.root(9))
