"""Auditing and exporting: a folder, an address, a bundle; honest and damaged."""

from __future__ import annotations

import re
import shutil
import sqlite3
import time
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import orjson
import pytest

from api import deps
from api.client import Client, ServerProblem
from identity.errors import Problem, Unverifiable
from identity.note import format_vkey, parse_note
from identity.signature import COSIGNATURE_ED25519
from ledger.errors import CATALOGUE, Unavailable
from ledger.log.cosignature import Cosigner, with_cosignatures
from tests.cast import seed
from tests.scripts.house import ORIGIN, Hands, run

assert deps, "imported for the codes it declares"

LINE = re.compile(r"audit: (\w+)  size=(\d+) root=\S{44}(  .*)?")


@pytest.fixture(scope="module")
def size(own_hands: Hands, tmp_path_factory: pytest.TempPathFactory) -> int:
    file = tmp_path_factory.mktemp("data") / "spindle.csv"
    file.write_text("1\n")
    own_hands.join("factory")
    own_hands.join("quiet", "--private")
    asset = own_hands.register("factory", file)
    agreement = own_hands.json("request", own_hands.offer("factory", asset), by="quiet")["agreement"]
    return int(own_hands.json("history", agreement)[0]["index"]) + 1


@pytest.fixture(scope="module")
def hands(own_hands: Hands, size: int) -> Hands:
    """Of a ledger of that size, whichever test comes first."""
    return own_hands


@pytest.fixture(scope="module")
def bundle(hands: Hands, size: int) -> Path:
    file = hands.room / "ledger.bundle"
    hands.done("export", hands.url, file)
    return file


def line_of(text: str) -> tuple[str, int]:
    """The word and the size of an audit's last line."""
    found = LINE.fullmatch(text.splitlines()[-1])
    assert found, text
    return found[1], int(found[2])


def test_folder_address_and_bundle_come_to_the_same(hands: Hands, own_folder: Path, size: int, bundle: Path) -> None:
    lines = {hands.done("audit", source, "--workers", "0") for source in (own_folder, hands.url, bundle)}
    assert len(lines) == 1
    assert line_of(lines.pop()) == ("consistent", size)


def test_other_processes_help_and_come_to_the_same(hands: Hands, bundle: Path, size: int) -> None:
    assert line_of(hands.done("audit", bundle, "--workers", "1")) == ("consistent", size)


def test_a_checkpoint_from_elsewhere_must_be_of_the_same_history(
    hands: Hands, own_folder: Path, bundle: Path, size: int, tmp_path: Path
) -> None:
    with_known = ("audit", bundle, "--workers", "0", "--known", own_folder / "checkpoint")
    extending = hands.run(*with_known)
    assert line_of(extending.stdout) == ("consistent", size)
    assert "it extends what was known: 1 checkpoint" in extending.stderr
    other = run("init", tmp_path / "other", "--origin", ORIGIN, home=tmp_path)
    assert other.exit_code == 0
    hands.refused("note_unsigned", "audit", bundle, "--workers", "0", "--known", tmp_path / "other" / "checkpoint")


def test_a_policy_says_which_witnesses_must_have_seen_it(
    hands: Hands, own_folder: Path, bundle: Path, size: int, tmp_path: Path
) -> None:
    council = Cosigner("council.example", COSIGNATURE_ED25519, seed("council"))
    policy, kept = tmp_path / "policy", tmp_path / "checkpoint"
    policy.write_text(f"witness council {format_vkey(council.verifier)}\nquorum council\n")
    asked = ("audit", bundle, "--workers", "0", "--policy", policy)
    asking = hands.run(*asked)
    assert asking.exit_code == 1
    unseen = asking.stdout.splitlines()[-1]
    assert unseen.startswith("audit: consistent ")
    assert unseen.endswith("reason=quorum_not_met")
    note = (own_folder / "checkpoint").read_bytes()
    line = council.cosign(parse_note(note).text, int(time.time()))
    kept.write_bytes(with_cosignatures(note, [line]))
    assert line_of(hands.done(*asked, "--known", kept)) == ("witnessed", size)
    policy.write_text("nonsense")
    hands.refused("policy_malformed", *asked)


def test_the_same_ledger_gives_the_same_bundle(hands: Hands, own_folder: Path, bundle: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    hands.done("export", hands.url, again)
    assert again.read_bytes() == bundle.read_bytes()
    hands.refused("file_exists", "export", hands.url, again)


def test_programs_get_the_verdict_as_json(hands: Hands, bundle: Path, size: int) -> None:
    verdict = hands.json("audit", bundle, "--workers", "0")
    assert (verdict["verdict"], verdict["size"], verdict["index"]) == ("consistent", size, None)


def test_a_flipped_bit_in_a_copy_of_the_store_is_named(
    hands: Hands, own_folder: Path, size: int, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(own_folder, copy)
    with closing(sqlite3.connect(copy / "ledger.db")) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # else SQLite itself drops the damaged end of its log
    file = copy / "ledger.db"
    data = bytearray(file.read_bytes())
    data[data.index(hands.json("show", "1")["statement"][-60:].encode()) + 5] ^= 1
    file.write_bytes(data)
    said = hands.run("audit", copy, "--workers", "0")
    assert said.exit_code == 1
    assert line_of(said.stdout) == ("corrupt", 1)
    assert "  index=1 reason=" in said.stdout
    assert said.stderr.startswith("disproven: ")
    reason = said.stdout.rpartition("reason=")[2].split()[0]
    assert CATALOGUE[reason].family in ("malformed", "unverifiable", "rule"), "else its own advice is meant for copies"
    advice = said.stderr.partition("next: ")[2]
    assert "compare it with another copy" in advice
    assert "cadastre restore DIR --from SOURCE" in advice
    assert CATALOGUE[reason].advice not in advice


def test_a_flipped_bit_in_a_bundle_is_found(hands: Hands, bundle: Path, tmp_path: Path) -> None:
    data, file = bundle.read_bytes(), tmp_path / "flipped"
    for at in range(0, len(data), len(data) // 9):
        file.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        said = hands.run("audit", file, "--workers", "0")
        assert said.exit_code == 1, at
        assert line_of(said.stdout)[0] == "corrupt", at


def test_a_ledger_whose_key_changed_is_not_audited_but_refused(hands: Hands, size: int, tmp_path: Path) -> None:
    made = run("init", tmp_path / "other", "--origin", ORIGIN, "--json", home=tmp_path)
    known = tmp_path / "home"
    known.mkdir()
    (known / "policy").write_text(f"log {orjson.loads(made.stdout)['vkey']}\nquorum none\n")
    said = run("audit", hands.url, "--workers", "0", home=known)
    assert said.exit_code == 1
    assert "log_key_changed" in said.stderr


def empty_folder(path: Path) -> None:
    path.mkdir()


def text_file(path: Path) -> None:
    path.write_text("# Notes\n" * 99)


def empty_file(path: Path) -> None:
    path.touch()


def other_archive(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.csv", "1\n")


def nothing(path: Path) -> None:
    assert not path.exists()


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (nothing, "bundle_missing"),
        (empty_folder, "source_missing"),
        (text_file, "not_a_bundle"),
        (empty_file, "not_a_bundle"),
        (other_archive, "not_a_bundle"),
    ],
)
def test_where_there_is_nothing_to_audit_nothing_is_called_corrupt(
    hands: Hands, tmp_path: Path, made: Callable[[Path], None], code: str
) -> None:
    made(tmp_path / "source")
    said = hands.run("audit", tmp_path / "source", "--workers", "0")
    assert (said.exit_code, said.stdout) == (1, "")
    assert said.stderr.startswith(f"refused: {code}: ")
    assert "check the path" in said.stderr or code == "not_a_bundle"
    assert "cadastre init" not in said.stderr
    told = hands.run("audit", tmp_path / "source", "--workers", "0", "--json")
    assert (told.exit_code, told.stdout, orjson.loads(told.stderr)["code"]) == (1, "", code)
    hands.refused(code, "export", tmp_path / "source", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_address_that_does_not_answer_is_not_called_corrupt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.client.wire.FIRST_PAUSE_S", 0)
    said = run("audit", "http://127.0.0.1:9", "--workers", "0", home=tmp_path)
    assert (said.exit_code, said.stdout) == (1, "")
    assert said.stderr.startswith("refused: ledger_unreachable: http://127.0.0.1:9")


@pytest.mark.parametrize("kind", ["entries_bytes", "subjects"])
@pytest.mark.parametrize(
    "no",
    [
        Unavailable("ledger_unreachable", "gone"),
        Unverifiable("readers_members", "not for you"),
        ServerProblem("from_the_future", "something else"),
    ],
    ids=lambda no: no.code,
)
def test_a_service_that_stops_answering_half_way_gives_no_verdict(
    hands: Hands, size: int, monkeypatch: pytest.MonkeyPatch, kind: str, no: Problem
) -> None:
    def silent(*_: object) -> None:
        raise no

    monkeypatch.setattr(Client, kind, silent)
    said = hands.run("audit", hands.url, "--workers", "0")
    assert (said.exit_code, said.stdout) == (1, "")
    assert f": {no.code}: " in said.stderr


def test_what_is_damaged_is_told_to_programs_twice_the_verdict_and_why(
    hands: Hands, bundle: Path, tmp_path: Path
) -> None:
    file = tmp_path / "cut"
    file.write_bytes(bundle.read_bytes()[:-1])
    said = hands.run("audit", file, "--workers", "0", "--json")
    assert (said.exit_code, orjson.loads(said.stdout)["verdict"]) == (1, "corrupt")
    assert orjson.loads(said.stderr)["code"] == orjson.loads(said.stdout)["reason"]
