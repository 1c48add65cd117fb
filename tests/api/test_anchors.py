"""Comparing at the start, and while running: no store that is older or another than what was signed signs anything."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from pathlib import Path
from threading import Event, Thread

import pytest

from api import anchors, writing
from api.anchors import addresses, monitors, shown, signed
from api.writing import Asked, Here, opened
from identity.keys import SigningKey, write_key
from identity.note import Signer, format_vkey
from identity.signature import COSIGNATURE_ED25519
from ledger.errors import Malformed, Problem, Unavailable
from ledger.log.checkpoint import Checkpoint, sign_checkpoint
from ledger.log.cosignature import Cosigner
from ledger.log.policy import parse_policy
from ledger.publish import PUBLIC
from ledger.store.heads import Heads
from ledger.witness.memory import log_id
from tests.api.house import JOSE, House, code_of
from tests.api.running import client_of, running
from tests.api.test_witnessed import eventually, policy_of
from tests.cast import LOG, ORIGIN, seed
from tests.scripts.house import spoken

OTHER = Signer(ORIGIN, seed("other log"))
Files = dict[str, bytes | Callable[[BaseHTTPRequestHandler], None]]


@contextmanager
def serving(files: Files) -> Iterator[str]:
    """A server of these files by path, or of whatever a function does."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = files.get(self.path)
            if callable(found):
                found(self)
                return
            self.send_response(404 if found is None else 200)
            self.end_headers()
            self.wfile.write(found or b"")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def checkpoint(size: int, root: bytes, signer: Signer = LOG) -> bytes:
    return sign_checkpoint(Checkpoint(ORIGIN, size, root), signer)


def notes_of(house: House) -> dict[str, bytes | None]:
    """What may be known of a ledger outside its store, by the names of the table below."""
    with opened(house.folder.path) as writer:
        assert writer.head is not None
        note, size = writer.head.checkpoint, writer.head.size
    return {"none": None, "same": note, "newer": checkpoint(size + 1, bytes(32)), "other": checkpoint(size, bytes(32))}


# -- every place, in every state ---------------------------------------------------------------------------------------

STATES = ("none", "same", "newer", "other")
OUTSIDE = [*((mirror, "none") for mirror in STATES), *(("same", witness) for witness in STATES[1:]), ("newer", "other")]
CODES = {"newer": "store_older", "other": "store_other"}


@pytest.mark.parametrize(("record", "published"), list(product(STATES, STATES)))
def test_it_starts_only_where_its_store_extends_all_that_is_known(house: House, record: str, published: str) -> None:
    notes = notes_of(house)
    path, files = house.folder.path, Files()
    (path / PUBLIC).mkdir(exist_ok=True)
    with serving(files) as url:
        outside = [f"{url}/mirror/checkpoint", f"{url}/{anchors.LOG}/checkpoint"]
        for mirror, witness in OUTSIDE:
            _put(house.folder.heads, None)
            if (note := notes[record]) is not None:
                with closing(Heads(house.folder.heads)) as heads:
                    heads.record(note)
            _put(path / PUBLIC / "checkpoint", notes[published])
            shown_there = {"/mirror/checkpoint": notes[mirror], f"/{log_id(ORIGIN)}/checkpoint": notes[witness]}
            files.clear()
            files.update({name: note for name, note in shown_there.items() if note is not None})
            states = (record, published, mirror, witness)
            due = {CODES[state] for state in states if state in CODES}
            if due:
                with pytest.raises(Unavailable) as raised, opened(path, None, None, outside):
                    pass
                assert raised.value.code in due, states
                continue
            with opened(path, None, None, outside) as writer:
                assert writer.anchored == (record != "none" or "same" in (mirror, witness)), states


def _put(path: Path, note: bytes | None) -> None:
    path.unlink(missing_ok=True)
    if note is not None:
        path.write_bytes(note)


def test_what_is_told_names_the_place_and_what_to_do(house: House) -> None:
    with (
        serving({"/log/checkpoint": checkpoint(7, bytes(32))}) as url,
        pytest.raises(Unavailable) as raised,
        opened(house.folder.path, None, None, [f"{url}/log/checkpoint"]),
    ):
        pass
    assert raised.value.detail == f"it has 1 entries, {url}/log/checkpoint is of 7"
    assert "cadastre restore DIR --from SOURCE" in raised.value.advice


# -- outsiders that lie, or say nothing --------------------------------------------------------------------------------


def redirect(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(302)
    handler.send_header("Location", "/good")
    handler.end_headers()


def packed(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Encoding", "gzip")
    handler.end_headers()
    handler.wfile.write(b"\x1f\x8b")


def endless(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b"a" * 65_536)
    except OSError:
        return


def failing(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(500)
    handler.end_headers()


def test_what_this_log_did_not_sign_is_passed_over_and_told(house: House) -> None:
    good = checkpoint(1, bytes(32))
    files: Files = {
        "/good": good,
        "/forged": checkpoint(1, bytes(32), OTHER),
        "/foreign": sign_checkpoint(
            Checkpoint("elsewhere.example", 1, bytes(32)), Signer("elsewhere.example", seed("log"))
        ),
        "/none": b"nothing of the kind",
        "/long": good + b"a" * anchors.NOTE_MAX,
        "/redirect": redirect,
        "/packed": packed,
        "/endless": endless,
        "/failing": failing,
    }
    told: list[str] = []

    def warn(what: str, detail: str) -> None:
        told.append(detail)

    with serving(files) as url:
        places = [f"{url}{name}" for name in (*files, "/absent")]
        found = shown(ORIGIN, [*places, "http://127.0.0.1:9/c", "no address", *places[:1]], [LOG.verifier] * 2, warn)
    assert found == {f"{url}/good": good}
    assert len(told) == len(files) - 1 + 2
    assert shown(ORIGIN, [], [LOG.verifier]) == {}


def test_one_that_holds_its_answer_back_costs_so_long_and_no_longer(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anchors, "SECONDS", 2.0)
    end = Event()

    def dripping(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not end.wait(0.05):
            handler.wfile.write(b"a")

    good = checkpoint(1, bytes(32))
    begun = time.monotonic()
    with serving({"/slow": dripping, "/silent": lambda _: end.wait(20) and None, "/good": good}) as url:
        places = [f"{url}/slow", *(f"{url}/silent?{number}" for number in range(20)), f"{url}/silent", f"{url}/good"]
        assert shown(ORIGIN, places, [LOG.verifier]) == {f"{url}/good": good}
        assert time.monotonic() - begun < 15
        end.set()


def test_a_key_that_is_held_and_not_in_the_store_yet_counts(house: House) -> None:
    """The store is from before a change of the log key; the mirror shows what the next key signed."""
    write_key(house.folder.keys / "log-2.key", SigningKey.from_seed("Ed25519", seed("other log")))
    with (
        serving({"/c": checkpoint(9, bytes(32), OTHER)}) as url,
        pytest.raises(Unavailable) as raised,
        opened(house.folder.path, None, None, [f"{url}/c"]),
    ):
        pass
    assert raised.value.code == "store_older"


def test_where_to_ask_follows_from_the_settings(house: House, tmp_path: Path) -> None:
    a, b = (format_vkey(Cosigner(f"{name}.example", COSIGNATURE_ED25519, seed(name)).verifier) for name in "ab")
    policy = f"witness a {a} https://a.example/\nwitness b {b}\nquorum none\n"
    file = tmp_path / "policy"
    file.write_text(policy)
    mirrors = " https://m.example/log/ ,https://w.example/seen/{log},"
    assert addresses(house.settings(mirrors=mirrors, policy=file)) == (
        "https://m.example/log/checkpoint",
        "https://w.example/seen/{log}/checkpoint",
        "https://a.example/{log}/checkpoint",
    )
    assert addresses(house.settings()) == ()
    assert monitors(parse_policy(policy.encode())) == ["https://a.example/{log}/checkpoint"]
    file.unlink()
    with pytest.raises(Malformed, match=f"setting_malformed: CADASTRE_SERVE_POLICY: {file}: "):
        addresses(house.settings(policy=file))


def test_only_a_checkpoint_of_this_log_counts() -> None:
    assert signed(checkpoint(3, bytes(32)), ORIGIN, [LOG.verifier, LOG.verifier]) == Checkpoint(ORIGIN, 3, bytes(32))
    assert signed(checkpoint(3, bytes(32)), "elsewhere.example", [LOG.verifier]) is None
    assert signed(checkpoint(3, bytes(32), OTHER), ORIGIN, [LOG.verifier]) is None
    assert signed(b"", ORIGIN, [LOG.verifier]) is None


# -- readiness ---------------------------------------------------------------------------------------------------------


def test_readiness_says_unanchored_only_where_nobody_knows_anything(house: House) -> None:
    notes = notes_of(house)
    assert notes["same"] is not None
    house.folder.heads.unlink()
    with serving({"/checkpoint": notes["same"]}) as url, house.served(mirrors=url) as client:
        assert client.get("/ready").json()["status"] == "ready"
    house.folder.heads.unlink()
    with serving({}) as url, house.served(mirrors=url) as client:
        assert client.get("/ready").json()["status"] == "unanchored"
    with house.served() as client:
        assert client.get("/ready").json()["status"] == "ready", "the start before made a record"


# -- while running -----------------------------------------------------------------------------------------------------


def test_a_writer_that_was_halted_appends_nothing_more(house: House) -> None:
    writer = Here(house.folder.path)
    sent = house.play.sign("party.joined", by="factory", body={"name": "factory"})
    writer.halt(Unavailable("store_older", "told so"))
    (outcome,) = asyncio.run(writer.append([Asked(sent, False)]))
    writer.close()
    assert isinstance(outcome, Problem)
    assert (outcome.code, writer.head.size) == ("store_older", 1)
    assert writer.trouble is outcome


def test_two_copies_that_share_a_record_do_not_both_start(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "LOCK_SECONDS", 0.1)
    copy = Path(shutil.copytree(house.folder.path, tmp_path / "second"))
    with (
        opened(house.folder.path, tmp_path / "heads"),
        pytest.raises(Unavailable) as raised,
        opened(copy, tmp_path / "heads"),
    ):
        pass
    assert raised.value.code == "store_locked"
    with opened(copy, tmp_path / "heads"):
        pass


@pytest.mark.parametrize("workers", [0, 1])
def test_two_services_of_one_ledger_do_not_both_go_on(tmp_path: Path, workers: int) -> None:
    """Two machines with a copy each; a witness is what both are seen by. The one that comes second stops for good."""
    first = House.build(tmp_path / "first")
    copy = Path(shutil.copytree(first.folder.path, tmp_path / "second"))
    second = House(type(first.folder)(copy), first.play)
    with spoken("witness", tmp_path / "witness", "--name", "w.example", "--log", format_vkey(LOG.verifier)) as (_, url):
        file = tmp_path / "policy"
        file.write_bytes(policy_of(url))
        given = {"publish_seconds": 0.05, "policy": file, "workers": workers}
        sent = [first.play.sign("party.joined", by=name, body={"name": name}) for name in ("factory", "partner")]
        with running(first, **given) as one, running(second, **given) as two:
            with client_of(one) as client, client_of(two) as other:
                for at in (client, other):
                    eventually(lambda: "cadastre_cosigned_entries 1.0" in at.get("/metrics").text)  # noqa: B023
                assert client.post("/v1/statements", content=sent[0], headers=JOSE).status_code == 201
                eventually(lambda: "cadastre_cosigned_entries 2.0" in client.get("/metrics").text)
                assert other.post("/v1/statements", content=sent[1], headers=JOSE).status_code == 201
                eventually(lambda: other.get("/ready").status_code == 503)
                assert code_of(other.get("/ready")) == "store_other"
                assert code_of(other.post("/v1/statements", content=sent[0], headers=JOSE)) == "store_other"
                assert client.get("/ready").status_code == 200
            assert two.stop() == 0
        with pytest.raises(Unavailable) as raised, second.served(policy=file):
            pass
        assert raised.value.code == "store_other"
        first.folder.heads.unlink()
        with first.served(policy=file) as again:
            assert again.get("/ready").json() == {"status": "ready", "size": 2}, "the witness is its anchor"


def test_an_old_copy_of_store_and_record_alike_is_told_by_the_witness(tmp_path: Path) -> None:
    house = House.build(tmp_path / "ledger")
    copy = Path(shutil.copytree(house.folder.path, tmp_path / "copy"))
    with spoken("witness", tmp_path / "witness", "--name", "w.example", "--log", format_vkey(LOG.verifier)) as (_, url):
        file = tmp_path / "policy"
        file.write_bytes(policy_of(url))
        with running(house, publish_seconds=0.05, policy=file) as service, client_of(service) as client:
            house.play.join("factory")
            house.tell(client)  # type: ignore[arg-type]
            eventually(lambda: "cadastre_cosigned_entries 2.0" in client.get("/metrics").text)
        old = House(type(house.folder)(copy), house.play)
        with pytest.raises(Unavailable) as raised, old.served(policy=file):
            pass
        assert raised.value.code == "store_older"
        assert raised.value.detail.startswith(f"it has 1 entries, {url}/")
        with running(old, workers=1, publish_seconds=0) as unaware:  # told of no witness, it cannot know
            assert unaware.stop() == 0
