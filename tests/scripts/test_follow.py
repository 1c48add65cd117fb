"""``cadastre follow``: real services, real forks, a webhook that is down, a process that is killed."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import scripts.follow as command
from api.client import Client
from identity.keys import SigningKey, write_key
from identity.note import Signer, format_vkey
from ledger.statement import receive
from ledger.store.files import Folder
from tests.api.house import House
from tests.api.running import running
from tests.cast import CAST, LOG, ORIGIN, seed
from tests.ledger.follow.town import show
from tests.ledger.written import busy
from tests.scripts.house import ROOT, Hands, run
from tests.waiting import WAIT_S

OTHER = Signer("other.example/ledger", seed("other"))


@contextmanager
def listening(handler: Any) -> Iterator[str]:
    """A server of the loopback that answers in threads of its own."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.handle_error = lambda request, address: None  # type: ignore[method-assign]  # who was killed reads no answer
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("follow")


@pytest.fixture(scope="module")
def urls(room: Path) -> Iterator[dict[str, str]]:
    """A ledger as it was with one party, and two that went on from there apart, with the same keys; all served."""
    house = House.build(room / "first")
    house.play.join("factory")
    _tell(house)
    for name in ("one", "two"):
        shutil.copytree(house.folder.path, room / name)
    copies = {name: House(Folder(room / name), deepcopy(house.play), house.told) for name in ("one", "two")}
    copies["one"].play.join("partner", "lender")
    copies["two"].play.join("second", "lender")
    with ExitStack() as stack:
        found = {"first": stack.enter_context(running(house, workers=0)).url}
        for name, copy in copies.items():
            _tell(copy)
            found[name] = stack.enter_context(running(copy, workers=0)).url
        yield found


def _tell(house: House) -> None:
    with house.served() as client:
        house.tell(client)


def follow(room: Path, into: Path, url: str, *more: str | Path) -> tuple[int, dict[str, Any], list[dict[str, Any]]]:
    """One turn: exit code, what it printed, and the alerts it told on stderr."""
    ended = run("follow", url, "--into", into, "--once", "--json", "--workers", "0", *more, home=room / "home")
    told = [json.loads(line) for line in ended.stderr.splitlines()]
    shown = json.loads(ended.stdout) if ended.stdout else {}
    return ended.exit_code, shown, [line for line in told if "alert" in line]


def proven(room: Path, file: Path, word: str = "proven") -> str:
    ended = run("verify", file, home=room / "home")
    assert ended.exit_code == (0 if word == "proven" else 1), ended.output
    return str(ended.output)


def audited(room: Path, path: Path) -> str:
    ended = run("audit", path, "--workers", "0", home=room / "home")
    assert ended.exit_code == 0, ended.output
    return str(ended.stdout).split("root=")[0]


def test_two_services_with_one_key_are_found_out(room: Path, urls: dict[str, str], tmp_path: Path) -> None:
    """Whichever of them is followed first, and however far: the other one convicts the key."""
    into = tmp_path / "mirror"
    code, shown, told = follow(room, into, urls["one"])
    assert (code, told) == (0, [])
    code, after, (alert,) = follow(room, into, urls["two"])
    assert (code, alert["alert"], alert["code"]) == (1, "forked", "checkpoint_other")
    assert (after["size"], after["root"]) == (shown["size"], shown["root"]), "the mirror stays where it was"
    assert follow(room, into, urls["one"])[0] == 0
    told_by = proven(room, into / "evidence" / alert["evidence"])
    assert told_by.startswith(f"proven: the key of {ORIGIN} signed two histories")
    assert f"size={shown['size']}" in told_by
    assert "consistent" in audited(room, into / "public")
    assert "consistent" in audited(room, into)


def test_fork_evidence_convicts_nobody_who_did_not_sign_it(room: Path, urls: dict[str, str], tmp_path: Path) -> None:
    into = tmp_path / "mirror"
    follow(room, into, urls["one"])
    _, _, (alert,) = follow(room, into, urls["two"])
    file = into / "evidence" / alert["evidence"]
    stranger = tmp_path / "policy"
    for signer, code in ((OTHER, "log_key_unknown"), (Signer(ORIGIN, seed("namesake")), "note_unsigned")):
        stranger.write_text(f"log {format_vkey(signer.verifier)}\nquorum none\n")
        ended = run("verify", file, "--policy", stranger, home=room / "home")
        assert (ended.exit_code, code in ended.stderr) == (1, True)
    notes = file.read_bytes().split(b"\n\n")
    altered = tmp_path / "altered"
    altered.write_bytes(b"\n\n".join([*notes[:3], notes[1], notes[2] + b"\n"]))
    assert "fork" in proven(room, altered, "disproven") or "proof_" in proven(room, altered, "disproven")
    shown = json.loads(run("verify", file, "--json", home=room / "home").stdout)
    assert (shown["proven"], shown["fork"], len(shown["checkpoints"])) == (True, True, 2)


def receipt(room: Path, url: str, index: int, out: Path) -> Path:
    ended = run("receipt", str(index), "--out", out, "--ledger", url, home=room / "home")
    assert ended.exit_code == 0, ended.output
    return out


def test_two_receipts_of_one_entry_convict_the_log(room: Path, urls: dict[str, str], tmp_path: Path) -> None:
    sides = [receipt(room, urls[name], 2, tmp_path / name) for name in ("one", "two")]
    same = receipt(room, urls["two"], 1, tmp_path / "same")
    evidence = tmp_path / "evidence"
    ended = run("fork", *sides, "--out", evidence, home=room / "home")
    assert ended.exit_code == 0, ended.output
    assert "signed two histories" in proven(room, evidence)
    for other in (sides[0], receipt(room, urls["one"], 1, tmp_path / "equal")):
        ended = run(
            "fork", same if other is not sides[0] else sides[0], other, "--out", tmp_path / "x", home=room / "home"
        )
        assert (ended.exit_code, "fork_unproven" in ended.stderr) == (1, True), ended.output
    assert not (tmp_path / "x").exists()


def test_two_checkpoints_convict_the_log_by_the_entries_of_one(
    room: Path, urls: dict[str, str], tmp_path: Path
) -> None:
    sizes = {name: follow(room, tmp_path / name, urls[name])[1]["size"] for name in ("one", "two")}
    small, great = sorted(sizes, key=lambda name: sizes[name])
    if sizes[small] == sizes[great]:
        Hands(urls[great], room).join("newcomer")
        follow(room, tmp_path / great, urls[great])
    notes = [tmp_path / name / "public/checkpoint" for name in (small, great)]
    evidence = tmp_path / "evidence"
    ended = run("fork", *notes, "--out", evidence, home=room / "home")
    assert (ended.exit_code, "fork_source_needed" in ended.stderr) == (1, True)
    ended = run("fork", *notes, "--out", evidence, "--source", tmp_path / great / "public", home=room / "home")
    assert ended.exit_code == 0, ended.output
    assert "signed two histories" in proven(room, evidence)
    body = tmp_path / "body"
    body.write_text("{}")
    ended = run("fork", notes[0], body, "--out", tmp_path / "x", home=room / "home")
    assert (ended.exit_code, "fork_sides_unfit" in ended.stderr) == (1, True)


def test_an_audit_that_knows_the_other_history_writes_the_evidence(
    room: Path, urls: dict[str, str], tmp_path: Path
) -> None:
    sizes = {name: follow(room, tmp_path / name, urls[name])[1]["size"] for name in ("one", "two")}
    small, great = sorted(sizes, key=lambda name: sizes[name])
    known, evidence = tmp_path / small / "public/checkpoint", tmp_path / "evidence"
    asked = ("--workers", "0", "--known", known, "--evidence", evidence)
    ended = run("audit", tmp_path / great / "public", *asked, home=room / "home")
    assert (ended.exit_code, "audit: diverged" in ended.stdout) == (1, True), ended.output
    assert "signed two histories" in proven(room, evidence)
    again = run("audit", tmp_path / great / "public", *asked, home=room / "home")
    assert (again.exit_code, "file_exists" in again.stderr) == (1, True)


def test_a_claim_to_have_seen_another_entry_contradicts_the_log(
    room: Path, urls: dict[str, str], tmp_path: Path
) -> None:
    """A party whom the other copy has shown its last entry signs that it has seen it."""
    with Client(urls["two"], key=SigningKey.from_seed("Ed25519", seed("witnessing"))) as client:
        sent = client.compose("party.joined", {"name": "Somebody Works", "roles": []}, seen=True)
    statement = tmp_path / "statement"
    statement.write_bytes(sent)
    index, _ = receive(sent).seen() or (0, b"")
    for number in range(index - follow(room, tmp_path / "mirror", urls["one"])[1]["size"] + 1):
        Hands(urls["one"], room).join(f"neighbour-{number}")
    shown = receipt(room, urls["one"], index, tmp_path / "receipt")
    evidence = tmp_path / "evidence"
    assert run("fork", statement, shown, "--out", evidence, home=room / "home").exit_code == 0
    told = proven(room, evidence)
    assert "contradicts the log" in told
    assert "does not tell which" in told
    found = json.loads(run("verify", evidence, "--json", home=room / "home").stdout)
    assert (found["fork"], found["index"]) == (False, index)
    own = receipt(room, urls["two"], index, tmp_path / "own")
    ended = run("fork", statement, own, "--out", tmp_path / "x", home=room / "home")
    assert (ended.exit_code, "fork_unproven" in ended.stderr) == (1, True)


def test_an_older_copy_that_is_served_again_has_shrunk(room: Path, urls: dict[str, str], tmp_path: Path) -> None:
    into = tmp_path / "mirror"
    follow(room, into, urls["one"])
    code, _, (alert,) = follow(room, into, urls["first"])
    assert (code, alert["alert"], alert["code"]) == (1, "inconsistent", "checkpoint_shrunk")


def test_what_is_watched_is_told_and_is_no_alarm(room: Path, urls: dict[str, str], tmp_path: Path) -> None:
    hands = Hands(urls["one"], room)
    party = hands.join("plant")
    into = tmp_path / "mirror"
    code, _, (alert,) = follow(room, into, urls["one"], "--watch", party)
    assert (code, alert["kind"], alert["subject"]) == (0, "party.joined", party)
    asset = hands.register("plant", _file(tmp_path, "blades"))
    code, shown, told = follow(room, into, urls["one"], "--watch", party, "--watch", asset)
    assert (code, [one["subject"] for one in told]) == (0, [asset, party])
    assert [one["id"] for one in shown["alerts"]] == [one["id"] for one in told]
    lines = (into / "alerts.ndjson").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == [alert["id"], *(one["id"] for one in told)]


def test_people_read_alerts_as_lines(room: Path, urls: dict[str, str], tmp_path: Path) -> None:
    plain = ("--into", tmp_path / "mirror", "--once", "--workers", "0", "--watch", CAST["factory"].did)
    ended = run("follow", urls["first"], *plain, home=room / "home")
    assert ended.exit_code == 0, ended.output
    assert re.search(r"^alert: watched id=\S{22} index=1 subject=did:key:\S+ kind=party.joined ", ended.stderr, re.M)
    assert re.search(rf"^followed: \d+ entries of {ORIGIN} into \S+  root=\S{{44}}$", ended.stdout, re.M)


def _file(folder: Path, name: str) -> Path:
    path = folder / name
    path.write_text(name)
    return path


class Quiet(BaseHTTPRequestHandler):
    """Says nothing on stderr."""

    def log_message(self, *_: Any) -> None:
        pass


def test_a_webhook_that_was_down_hears_of_every_alert(
    room: Path, urls: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[dict[str, Any]] = []
    asked, up = threading.Event(), threading.Event()

    class Webhook(Quiet):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            if up.is_set():
                taken.append(json.loads(content))
            self.send_response(204 if up.is_set() else 503)
            self.end_headers()
            asked.set()

    monkeypatch.setattr(command, "DRAIN_S", 0.5)
    into = tmp_path / "mirror"
    with listening(Webhook) as hook:
        watch = ("--watch", CAST["factory"].did, "--webhook", hook)
        code, _, told = follow(room, into, urls["one"], *watch)
        assert (code, len(told), taken, asked.is_set()) == (0, 1, [], True)
        up.set()
        monkeypatch.setattr(command, "DRAIN_S", WAIT_S)
        assert follow(room, into, urls["one"], *watch)[0] == 0
        assert [one["id"] for one in taken] == [one["id"] for one in told]
        assert taken[0]["kind"] == "party.joined"
        follow(room, into, urls["one"], *watch)
        assert len(taken) == len(told), "what was taken is not sent again"


def test_a_webhook_that_drips_is_given_up_and_asked_again(
    room: Path, urls: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[dict[str, Any]] = []
    over = threading.Event()

    class Webhook(Quiet):
        asked = 0

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            Webhook.asked += 1
            if Webhook.asked == 1:
                self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Pad: ")
                while not over.wait(0.1):
                    self.wfile.write(b"a")
                return
            taken.append(json.loads(content))
            self.send_response(204)
            self.end_headers()

    monkeypatch.setattr(command, "HOOK_SECONDS_MAX", 0.5)
    with listening(Webhook) as hook:
        watch = ("--watch", CAST["factory"].did, "--webhook", hook)
        code, _, told = follow(room, tmp_path / "mirror", urls["one"], *watch)
        over.set()
    assert (code, [one["id"] for one in taken]) == (0, [one["id"] for one in told])


@pytest.mark.parametrize("url", ["ops", "ftp://ops.example/", "http://[::1", "http://a b/", "http://"])
def test_a_webhook_has_an_address(room: Path, tmp_path: Path, url: str) -> None:
    ended = run("follow", "http://127.0.0.1:9", "--into", tmp_path / "m", "--webhook", url, home=room / "home")
    assert (ended.exit_code, "refused: webhook_malformed" in ended.stderr) == (1, True)


@pytest.mark.parametrize("name", ["party_123", "Acme", "did:key:z6Mk", "did:web:acme.example", ""])
def test_what_could_never_be_told_of_is_not_watched(room: Path, tmp_path: Path, name: str) -> None:
    ended = run("follow", "http://127.0.0.1:9", "--into", tmp_path / "m", "--watch", name, home=room / "home")
    assert (ended.exit_code, "refused: watched_malformed" in ended.stderr) == (1, True)
    assert not (tmp_path / "m").exists()


def test_a_log_that_does_not_answer_is_stale_after_a_while(room: Path, urls: dict[str, str], tmp_path: Path) -> None:
    into = tmp_path / "mirror"
    assert follow(room, into, urls["first"], "--stale", "1")[0] == 0
    time.sleep(2.1)
    code, _, (alert,) = follow(room, into, "http://127.0.0.1:9", "--stale", "1")
    assert (code, alert["alert"], alert["code"]) == (1, "stale", "checkpoint_stale")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_without_once_it_goes_on_until_it_is_stopped(
    room: Path, urls: dict[str, str], tmp_path: Path, how: signal.Signals
) -> None:
    into = tmp_path / "mirror"
    process = _started(room, urls["two"], into, "--every", "0.1")
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        Hands(urls["two"], room).join(f"latecomer-{how}")
        second = process.stdout.readline()
        process.send_signal(how)
        assert process.wait(WAIT_S) == 0, process.stderr and process.stderr.read()
    finally:
        process.kill()
    assert int(second.split()[1]) == int(first.split()[1]) + 1


def _started(room: Path, url: str, into: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "scripts.main", "follow", url, "--into", str(into), "--workers", "0", *more]
    environment = {**os.environ, "CADASTRE_HOME": str(room / "home")}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True)


SIZE = 2_300


def test_a_mirror_is_kept_of_static_files_by_a_process_that_is_killed(tmp_path: Path) -> None:
    """No service of ours, only the published folder behind a web server, and the log's key."""
    public = show(busy(SIZE), tmp_path / "public")
    fetched: Counter[str] = Counter()
    reached = threading.Event()

    killed = threading.Event()

    class Files(Quiet, SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            fetched[self.path] += 1
            if sum("entries" in path for path in fetched) == 9:
                reached.set()
                killed.wait(WAIT_S)
            super().do_GET()

    policy = tmp_path / "policy"
    policy.write_text(f"log {format_vkey(LOG.verifier)}\nquorum none\n")
    into = tmp_path / "mirror"
    with listening(partial(Files, directory=public)) as url:
        process = _started(tmp_path, url, into, "--once", "--policy", str(policy))
        assert reached.wait(WAIT_S)
        process.kill()
        process.wait()
        killed.set()
        assert not (into / "public/checkpoint").exists(), "nothing is published before all of it is there"
        before = {path for path in fetched if "entries" in path}
        fetched.clear()
        code, shown, told = follow(tmp_path, into, url, "--policy", policy)
    assert (code, shown["size"], told) == (0, SIZE, [])
    assert max(fetched.values()) == 1
    assert len(before - fetched.keys()) >= 4, "what was stored is not fetched again"
    assert f"consistent  size={SIZE}" in audited(tmp_path, into / "public")
    assert (into / "public/checkpoint").read_bytes() == (public / "checkpoint").read_bytes()


def test_where_only_members_read_a_member_follows(room: Path, tmp_path: Path) -> None:
    house = House.build(tmp_path / "ledger", readers="members")
    house.play.join("factory")
    _tell(house)
    key = tmp_path / "member.key"
    write_key(key, CAST["factory"].key)
    with running(house, workers=0) as service:
        plain = ("--into", tmp_path / "mirror", "--once", "--workers", "0")
        ended = run("follow", service.url, *plain, home=tmp_path)
        assert (ended.exit_code, "mirror_entries_absent" in ended.stderr) == (1, True), ended.output
        ended = run("follow", service.url, *plain, "--as", key, home=tmp_path)
        assert ended.exit_code == 0, ended.output
    assert "consistent" in audited(tmp_path, tmp_path / "mirror/public")
