"""``cadastre restore`` and successors: real folders, real services, and nothing that would sign a second history."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import orjson
import pytest
from typer.testing import Result

from api.keyring import signer_with
from identity.canonical import b64encode
from identity.did import did_of
from identity.keys import read_key
from identity.note import Signer, format_vkey
from identity.signature import COSIGNATURE_ED25519
from ledger.audit import StoreSource
from ledger.bundle import export
from ledger.log.chain import link_of
from ledger.log.checkpoint import Checkpoint, sign_checkpoint
from ledger.log.cosignature import Cosigner
from ledger.log.refusal import refusal_key_name
from ledger.replica import Replica
from ledger.store.memory import MemoryStore
from ledger.store.sql import SqlStore
from tests import cast
from tests.cast import seed
from tests.scripts.house import ORIGIN, ROOT, Hands, found, run, served


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two copies of one ledger's folder: ``early`` and, some acts later, ``late``; and somebody's keys."""
    room = tmp_path_factory.mktemp("town")
    ledger = found(room / "ledger")
    with served(ledger) as url:
        hands = Hands(url, room)
        hands.join("factory")
        hands.join("partner", "--private")
    shutil.copytree(ledger, room / "early")
    with served(ledger) as url:
        hands = Hands(url, room)
        data = room / "blades.csv"
        data.write_text("t,v\n")
        hands.register("factory", data)
        hands.join("lender", "--private")
    ledger.rename(room / "late")
    return room


@pytest.fixture
def late(town: Path, tmp_path: Path) -> Path:
    """A copy to be lost."""
    return Path(shutil.copytree(town / "late", tmp_path / "ledger"))


def restore(directory: Path, source: str | Path, *more: str | Path, **environment: str) -> Result:
    return run("restore", directory, "--from", source, "--workers", "0", *more, home=directory.parent, **environment)


def restored(directory: Path, source: str | Path, *more: str | Path, **environment: str) -> dict[str, object]:
    result = restore(directory, source, "--json", *more, **environment)
    assert result.exit_code == 0, result.output
    shown: dict[str, object] = orjson.loads(result.stdout)
    return shown


def refused(code: str, result: Result) -> str:
    assert result.exit_code == 1, result.output
    assert re.search(rf"\b(refused|disproven): {code}: ", result.stderr), result.stderr
    assert "next: " in result.stderr
    return result.stderr


def audited(directory: Path | str, *more: str | Path) -> str:
    result = run("audit", directory, "--workers", "0", *more, home=ROOT)
    return result.stdout.strip().rpartition("\n")[2]


def entries_in(directory: Path) -> list[bytes]:
    with SqlStore.snapshot(directory / "ledger.db") as store:
        return list(store.entries(0, 1_000))


def lose(directory: Path) -> None:
    for path in directory.glob("ledger.db*"):
        path.unlink()


def goes_on(directory: Path, town: Path) -> None:
    """It is served, takes the next act, and all that was ever signed of it is of one history."""
    before = entries_in(directory)
    kept = town / "late" / "checkpoint"
    with served(directory) as url:
        Hands(url, town).json("join", "--name", f"Newcomer of {directory.parent.name}", by=directory.parent.name)
    assert entries_in(directory)[: len(before)] == before
    line = audited(directory, "--known", kept)
    assert line.startswith(f"audit: consistent  size={len(before) + 1} "), line


@contextmanager
def shown(folder: Path, wait: Event | None = None, asked: Event | None = None) -> Iterator[str]:
    """A plain web server of a folder; ``wait`` holds up its entries, which ``asked`` tells."""

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if "/tile/entries/" in self.path and wait is not None and asked is not None:
                asked.set()
                wait.wait(30)
            super().do_GET()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        if wait is not None:
            wait.set()
        server.shutdown()
        thread.join()
        server.server_close()


# -- from every source -------------------------------------------------------------------------------------------------


def test_a_lost_store_comes_back_from_what_it_had_published_and_goes_on(late: Path, town: Path) -> None:
    before = entries_in(late)
    lose(late)
    told = run("serve", late, home=late)
    assert (told.exit_code, "store_missing" in told.stderr) == (1, True)
    result = restore(late, late / "public")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"restored: {len(before)} entries from {late / 'public'}\n")
    assert "private values are not here any more: ask those who stated them" in result.stderr
    assert "left out" not in result.stderr
    assert "aside" not in result.stdout
    assert result.stdout.endswith(f"\nServe it with: cadastre serve {late}\n")
    assert "unanchored" not in result.stderr
    assert entries_in(late) == before
    assert audited(late).startswith("audit: consistent  ")
    goes_on(late, town)


def test_from_a_web_server_a_bundle_a_service_or_another_folder(late: Path, town: Path, tmp_path: Path) -> None:
    before = entries_in(late)
    bundle = tmp_path / "ledger.bundle"
    assert run("export", late, bundle, home=tmp_path).exit_code == 0
    other = Path(shutil.copytree(late, tmp_path / "other"))

    def comes_back(source: str | Path) -> None:
        lose(late)
        told = restored(late, source)
        assert (told["size"], told["signed"], told["aside"], told["anchored"]) == (len(before), len(before), None, True)
        assert entries_in(late) == before

    with shown(town / "late" / "public") as url:
        comes_back(url)
    comes_back(bundle)
    comes_back(other)
    with served(other) as url:
        comes_back(url)
    assert audited(late).startswith("audit: consistent  ")


def test_a_store_put_back_from_an_old_copy_is_refused_and_filled_again(late: Path, town: Path) -> None:
    lose(late)
    shutil.copy(town / "early" / "ledger.db", late)
    told = run("serve", late, "--workers", "0", home=late)
    advice = refused("store_older", told)
    assert "the record of signed heads is of 5" in advice or "is of 5" in advice
    assert "cadastre restore DIR --from SOURCE" in advice
    shown_ = restored(late, late / "public")
    assert shown_["aside"] == str(late / "ledger.db.1")
    assert shown_["withheld"] == 1, "the old copy had those of the acts before"
    with SqlStore.snapshot(late / "ledger.db.1") as aside:
        head = aside.head()
    assert head is not None
    assert head.size == len(entries_in(town / "early"))
    goes_on(late, town)


def test_private_values_of_the_old_store_are_kept(late: Path) -> None:
    told = restored(late, late / "public")
    assert (told["withheld"], told["aside"]) == (0, str(late / "ledger.db.1"))
    assert audited(late).startswith("audit: consistent  ")


def test_private_values_that_only_the_source_has_are_left_out_and_counted(late: Path, tmp_path: Path) -> None:
    import sqlite3

    copy = Path(shutil.copytree(late, tmp_path / "copy"))
    with sqlite3.connect(late / "ledger.db") as connection:
        many = connection.execute("SELECT count(*) FROM disclosure").fetchone()[0]
        connection.execute('DELETE FROM disclosure WHERE "index" = (SELECT max("index") FROM disclosure)')
        left = many - connection.execute("SELECT count(*) FROM disclosure").fetchone()[0]
    connection.close()
    assert 0 < left < many
    result = restore(late, copy)
    assert result.exit_code == 0, result.output
    values = "1 private value is" if left == 1 else f"{left} private values are"
    assert f"{values} left out, though {copy} has them" in result.stderr
    assert f"move {late / 'ledger.db'} away and restore again" in result.stderr
    assert "ask those who stated them" not in result.stderr
    assert f"  aside  {late / 'ledger.db.1'}\n" in result.stdout
    told = restored(late, copy)
    assert (told["withheld"], told["leftOut"]) == (left, left)
    lose(late)
    told = restored(late, copy)
    assert (told["withheld"], told["leftOut"]) == (0, 0)


def test_a_damaged_store_is_filled_again_from_the_folder_itself(late: Path, town: Path) -> None:
    data = bytearray((late / "ledger.db").read_bytes())
    data[8_192:] = bytes(len(data) - 8_192)
    (late / "ledger.db").write_bytes(data)
    before = entries_in(town / "late")
    restored(late, late / "public")
    assert entries_in(late) == before
    assert (late / "ledger.db.1").read_bytes() == bytes(data)
    goes_on(late, town)


def test_a_store_whose_state_was_changed_is_made_again_from_its_own_entries(late: Path, tmp_path: Path) -> None:
    import sqlite3

    with sqlite3.connect(late / "ledger.db") as connection:
        connection.execute("UPDATE subject SET state = replace(state, 'Works', 'Wirks') WHERE no = 2")
    connection.close()
    assert "state_other" in audited(late)
    restored(late, late)
    assert audited(late).startswith("audit: consistent  ")


# -- what is refused ---------------------------------------------------------------------------------------------------


def untouched(directory: Path, town: Path) -> None:
    assert entries_in(directory) == entries_in(town / "late")
    assert [path.name for path in directory.glob("ledger.db*") if path.suffix not in (".db-wal", ".db-shm")] == [
        "ledger.db"
    ]


def test_a_source_that_is_shorter_than_what_was_signed(late: Path, town: Path) -> None:
    told = refused("restore_shorter", restore(late, town / "early" / "public"))
    assert "the record of signed heads is of" in told
    assert "cadastre init NEWDIR --origin NEWNAME --succeeds SOURCE" in told
    untouched(late, town)
    (late / "heads").unlink()
    (late / "checkpoint").unlink()
    shutil.rmtree(late / "public")
    told = refused("restore_shorter", restore(late, town / "early"))
    assert "the old store has" in told
    untouched(late, town)
    known = town / "late" / "checkpoint"
    lose(late)
    assert str(known) in refused("restore_shorter", restore(late, town / "early", "--known", known))


def test_a_source_of_another_history_or_another_ledger(late: Path, town: Path, tmp_path: Path) -> None:
    fork = Path(shutil.copytree(town / "early", tmp_path / "fork"))
    (fork / "heads").unlink()
    with served(fork) as url:
        hands = Hands(url, tmp_path)
        for name in ("factory", "second", "stranger"):
            hands.join(name)
    told = refused("restore_other", restore(late, fork))
    assert "another root at size" in told
    untouched(late, town)
    other = found(tmp_path / "elsewhere")
    for path in (late / "heads", late / "checkpoint"):
        path.unlink()
    shutil.rmtree(late / "public")
    lose(late)
    refused("log_key_absent", restore(late, other))
    (other / "checkpoint").unlink()
    refused("restore_unsigned", restore(late, other))


def test_a_source_with_an_entry_that_does_not_hold(late: Path, town: Path, tmp_path: Path) -> None:
    public = Path(shutil.copytree(late / "public", tmp_path / "public"))
    (bundle,) = (public / "tile" / "entries").rglob("000.p/5")
    data = bytearray(bundle.read_bytes())
    data[-60] ^= 1
    bundle.write_bytes(data)
    assert "entry_disproven" in restore(late, public).stderr
    untouched(late, town)


FORGER = Signer(ORIGIN, seed("forger"))


@pytest.fixture
def forged(late: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Signer, int | None], Path]:
    """A whole history made up by somebody: his log key first, ours as the one that replaced it, our public keys named.

    As a bundle, with a checkpoint of its first entries, or all of them, signed by this key.
    """
    lose(late)
    for name in ("heads", "checkpoint"):
        (late / name).unlink()
    shutil.rmtree(late / "public")

    def forge(signer: Signer, size: int | None) -> Path:
        keys = {use: read_key(late / "keys" / f"{use}.key") for use in ("service", "log", "refusal")}
        refusing = format_vkey(signer_with(refusal_key_name(ORIGIN), keys["refusal"]).verifier)
        monkeypatch.setattr(cast, "ORIGIN", ORIGIN)
        named = {"service": did_of(keys["service"].public), "refusalKey": refusing}
        play = cast.Play(founding=cast.charter(logKey=format_vkey(FORGER.verifier), **named))
        ours = {"logKey": format_vkey(signer_with(ORIGIN, keys["log"]).verifier)}
        play.act("ledger.amended", by="governance", sub=play.world.ledger, body=ours)
        play.join("factory")
        store = MemoryStore()
        replica = Replica.open(store)
        replica.extend([played.entry for played in play.entries])
        size = replica.size if size is None else size
        note = sign_checkpoint(Checkpoint(ORIGIN, size, replica.root_at(size)), signer)
        bundle = tmp_path / "forged.bundle"
        bundle.unlink(missing_ok=True)
        export(StoreSource(store, note), bundle)
        return bundle

    return forge


def test_a_history_that_somebody_made_up_is_not_taken_for_ours(
    late: Path, forged: Callable[[Signer, int | None], Path]
) -> None:
    """He can name our keys; he cannot sign with them."""
    told = refused("restore_key_other", restore(late, forged(FORGER, 1)))
    assert "governance: the charter names did:key:" in told
    (late / "keys" / "governance.key").unlink()
    told = refused("restore_unsigned", restore(late, forged(FORGER, 1)))
    assert f"signed by {format_vkey(FORGER.verifier)}" in told
    assert "--known FILE" in told
    (late / "heads").write_bytes(b"garbage" * 1_000)
    refused("restore_unsigned", restore(late, forged(FORGER, 1)))
    told = refused("restore_other", restore(late, forged(FORGER, None)))
    assert "note_unsigned" in told
    ours = signer_with(ORIGIN, read_key(late / "keys" / "log.key"))
    refused("restore_unsigned", restore(late, forged(FORGER, 0)))
    refused("restore_other", restore(late, forged(ours, 0)))
    assert not (late / "ledger.db").exists()
    assert restored(late, forged(ours, None))["size"] == 3, "what our own key signed is ours"


def test_a_key_of_another_ledger_is_named(late: Path, town: Path) -> None:
    key = late / "keys" / "service.key"
    key.unlink()
    assert run("key", "new", key, home=late.parent).exit_code == 0
    told = refused("restore_key_other", restore(late, late / "public"))
    assert "service: the charter names did:key:" in told
    untouched(late, town)
    key.rename(key.with_name("service-2.key"))
    shutil.copy(town / "late" / "keys" / "service.key", key)
    restored(late, late / "public")
    for use in ("governance", "service", "refusal"):
        for path in (late / "keys").glob(f"{use}*.key"):
            path.unlink()
    restored(late, late / "public")


def test_a_folder_that_is_served_or_is_none(late: Path, tmp_path: Path) -> None:
    with served(late):
        refused("store_locked", restore(late, late / "public"))
    refused("keys_missing", restore(tmp_path / "nowhere", late / "public"))
    lose(late)
    refused("outside_unreachable", restore(late, "http://127.0.0.1:9"))
    refused("source_missing", restore(late, late))


def test_without_keys_it_says_where_they_should_be_and_what_is_left_if_they_are_lost(late: Path) -> None:
    kept = late / "keys" / "kept"
    kept.mkdir()
    for key in (late / "keys").glob("*.key"):
        key.rename(kept / key.name)
    for lost in (kept, late / "keys"):
        shutil.rmtree(lost)
        told = refused("keys_missing", restore(late, late / "public"))
        assert "put the keys back" in told
        assert "cadastre init NEWDIR --origin NEWNAME --succeeds SOURCE" in told


# -- without a record --------------------------------------------------------------------------------------------------


def test_without_a_record_of_heads_it_says_so(late: Path, town: Path) -> None:
    lose(late)
    (late / "heads").unlink()
    result = restore(late, late / "public")
    assert result.exit_code == 0, result.output
    assert "unanchored: no record of signed heads was here" in result.stderr
    lose(late)
    assert restored(late, late / "public", "--known", town / "late" / "checkpoint")["anchored"] is True
    lose(late)
    with shown(town / "late" / "public") as url:
        assert restored(late, late / "public", CADASTRE_SERVE_MIRRORS=url)["anchored"] is True
    goes_on(late, town)


def test_a_mirror_that_has_more_than_the_source_is_heeded(late: Path, town: Path) -> None:
    lose(late)
    for path in (late / "heads", late / "checkpoint"):
        path.unlink()
    shutil.rmtree(late / "public")
    with shown(town / "late" / "public") as url:
        told = refused("restore_shorter", restore(late, town / "early", CADASTRE_SERVE_MIRRORS=url))
    assert f"{url}/checkpoint is of" in told


def test_a_record_that_cannot_be_read_is_put_aside(late: Path, town: Path) -> None:
    (late / "heads").write_bytes(b"garbage" * 1_000)
    refused("heads_corrupt", run("serve", late, "--workers", "0", home=late))
    assert restored(late, late / "public")["anchored"] is False
    assert (late / "heads.1").read_bytes() == b"garbage" * 1_000
    goes_on(late, town)


def test_a_record_kept_elsewhere_is_found_by_the_setting_of_the_service(late: Path, town: Path, tmp_path: Path) -> None:
    (late / "heads").rename(tmp_path / "heads")
    lose(late)
    for path in (late / "checkpoint",):
        path.unlink()
    shutil.rmtree(late / "public")
    setting = {"CADASTRE_SERVE_HEADS": str(tmp_path / "heads")}
    told = refused("restore_shorter", restore(late, town / "early", **setting))
    assert "the record of signed heads is of" in told
    assert restored(late, town / "late", **setting)["anchored"] is True


def test_killed_while_it_fills_the_old_store_is_there_and_it_can_be_done_again(late: Path, town: Path) -> None:
    wait, asked = Event(), Event()
    with shown(town / "late" / "public", wait, asked) as url:
        command = [sys.executable, "-m", "scripts.main", "restore", str(late), "--from", url]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert asked.wait(30)
        assert (late / "ledger.db.part").exists()
        process.kill()
        process.communicate()
    assert entries_in(late) == entries_in(town / "late")
    restored(late, late / "public")
    assert not list(late.glob("*.part*"))
    goes_on(late, town)


def test_told_to_stop_while_it_fills_it_takes_away_what_is_half_done(late: Path, town: Path) -> None:
    wait, asked = Event(), Event()
    with shown(town / "late" / "public", wait, asked) as url:
        command = [sys.executable, "-m", "scripts.main", "restore", str(late), "--from", url]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert asked.wait(30)
        process.terminate()
        assert process.wait(20) != 0
        process.communicate()
    untouched(late, town)
    assert not list(late.glob("*.part*"))


# -- a successor -------------------------------------------------------------------------------------------------------


def test_a_successor_names_the_ledger_it_goes_on_from(town: Path, tmp_path: Path) -> None:
    successor = tmp_path / "successor"
    made = run(
        "init", successor, "--origin", "new.example/ledger", "--succeeds", town / "late", "--json", home=tmp_path
    )
    assert made.exit_code == 0, made.output
    named = orjson.loads(made.stdout)["succeeds"]
    size = len(entries_in(town / "late"))
    assert (named["origin"], named["size"]) == (ORIGIN, size)
    told = run("audit", successor, "--workers", "0", home=tmp_path)
    assert told.stdout.splitlines()[0] == f"succeeds: {ORIGIN}  size={size} root={named['root']}"
    assert told.stdout.splitlines()[-1].startswith("audit: consistent  size=1 ")
    told = run("audit", successor, "--workers", "0", "--json", home=tmp_path)
    assert orjson.loads(told.stdout)["succeeds"] == named
    with served(successor) as url:
        hands = Hands(url, tmp_path)
        ledger = orjson.loads(made.stdout)["charter"]
        assert ORIGIN in hands.done("show", ledger)
        hands.join("factory")


def vkey_of(directory: Path) -> str:
    return format_vkey(signer_with(ORIGIN, read_key(directory / "keys" / "log.key")).verifier)


def audience_of(directory: Path) -> str:
    return f"{ORIGIN}#{b64encode(link_of(entries_in(directory)[0]))}"


def test_the_ledger_it_goes_on_from_is_the_one_this_machine_knows(town: Path, tmp_path: Path) -> None:
    """Anybody can make a ledger of the old name, which holds."""
    namesake = found(tmp_path / "namesake")
    home = tmp_path / "machine"
    home.mkdir()
    (home / "charters").write_text(f"{audience_of(town / 'late')}\n")
    at = tmp_path / "successor"
    asked = ("init", at, "--origin", "b.example/l", "--succeeds")
    told = refused("charter_changed", run(*asked, namesake, home=home))
    assert audience_of(namesake) in told
    (home / "charters").unlink()
    (home / "policy").write_text(f"log {vkey_of(town / 'late')}\nquorum none\n")
    refused("note_unsigned", run(*asked, namesake, home=home))
    refused("note_unsigned", run(*asked, namesake, "--policy", home / "policy", home=tmp_path))
    other = tmp_path / "other"
    other.write_text("quorum none\n")
    refused("log_key_unknown", run(*asked, town / "late", "--policy", other, home=home))
    assert not at.exists()
    made = run(*asked, town / "late", home=home)
    assert (made.exit_code, "nothing is known" in made.stderr) == (0, False), made.output
    shutil.rmtree(at)
    made = run(*asked, town / "late", "--policy", home / "policy", "--json", home=tmp_path)
    shown_ = {"charter": audience_of(town / "late"), "vkey": vkey_of(town / "late"), "known": True}
    assert orjson.loads(made.stdout)["predecessor"] == shown_
    assert run("init", at, "--origin", "b.example/l", "--policy", other, home=home).exit_code == 2


def test_of_a_predecessor_that_nobody_knows_it_is_said_and_shown(town: Path, tmp_path: Path) -> None:
    made = run(
        "init", tmp_path / "new", "--origin", "b.example/l", "--succeeds", town / "late", home=tmp_path / "knows nobody"
    )
    assert made.exit_code == 0, made.output
    assert f"nothing is known here of {ORIGIN}" in made.stderr
    assert audience_of(town / "late") in made.stdout
    assert vkey_of(town / "late") in made.stdout


def test_a_quorum_that_a_policy_asks_for_has_seen_the_predecessor(town: Path, tmp_path: Path) -> None:
    witness = format_vkey(Cosigner("w.example", COSIGNATURE_ED25519, seed("w")).verifier)
    policy = tmp_path / "policy"
    policy.write_text(f"log {vkey_of(town / 'late')}\nwitness w {witness}\nquorum w\n")
    asked = ("init", tmp_path / "new", "--origin", "b.example/l", "--succeeds", town / "late", "--policy", policy)
    refused("quorum_not_met", run(*asked, home=tmp_path))


def test_a_successor_needs_another_name_and_a_ledger_that_holds(town: Path, late: Path, tmp_path: Path) -> None:
    at = tmp_path / "successor"
    refused("successor_of_itself", run("init", at, "--origin", ORIGIN, "--succeeds", town / "late", home=tmp_path))
    (late / "checkpoint").unlink()
    refused("predecessor_unsigned", run("init", at, "--origin", "b.example/l", "--succeeds", late, home=tmp_path))
    lose(late)
    shutil.copy(town / "early" / "ledger.db", late)
    shutil.copy(town / "late" / "checkpoint", late)
    told = refused(
        "predecessor_disproven", run("init", at, "--origin", "b.example/l", "--succeeds", late, home=tmp_path)
    )
    assert "audit: diverged" in told
    assert not at.exists()


# -- copies ------------------------------------------------------------------------------------------------------------


def test_a_copy_is_made_while_the_ledger_is_served_and_has_its_private_values(town: Path, late: Path) -> None:
    copy = late.parent / "copy"
    with served(late) as url:
        Hands(url, late.parent).join("copied", "--private")
        made = run("backup", late, copy, "--json", home=late.parent)
        assert made.exit_code == 0, made.output
    before = entries_in(late)
    assert orjson.loads(made.stdout)["size"] == len(before)
    again = run("backup", late, late.parent / "again", home=late.parent)
    assert f"keep a copy of {late / 'keys'} elsewhere" in again.stderr
    assert sorted(path.name for path in copy.iterdir() if "-" not in path.name) == ["checkpoint", "ledger.db"]
    assert (copy / "ledger.db").stat().st_mode & 0o777 == 0o600
    assert audited(copy).startswith("audit: consistent  ")
    advice = refused("log_key_absent", run("serve", copy, "--workers", "0", home=late.parent))
    assert "if it is lost: cadastre init NEWDIR" in advice
    lose(late)
    told = restored(late, copy)
    assert (told["size"], told["withheld"], told["anchored"]) == (len(before), 0, True)
    assert entries_in(late) == before
    goes_on(late, town)


def test_a_copy_goes_nowhere_where_something_is_and_needs_a_ledger(late: Path, tmp_path: Path) -> None:
    refused("file_exists", run("backup", late, tmp_path, home=tmp_path))
    refused("store_missing", run("backup", tmp_path / "nowhere", tmp_path / "copy", home=tmp_path))
    (late / "ledger.db").write_bytes(b"garbage" * 2_000)
    refused("file_failed", run("backup", late, tmp_path / "copy", home=tmp_path))
    (late / "checkpoint").unlink()
    refused("publish_unsigned", run("backup", late, tmp_path / "copy", home=tmp_path))
    assert not (tmp_path / "copy").exists()
