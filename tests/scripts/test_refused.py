"""Signed refusals at the command line: kept, never in the way, and judged with any copy of the log."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from api.keyring import signer_with
from identity.errors import Unverifiable
from identity.keys import read_key
from identity.note import Signer, format_vkey
from ledger.audit import open_folder
from ledger.errors import Refused
from ledger.log.chain import parse_entry
from ledger.log.refusal import Refusal, parse_refusal_file, refusal_key_name, sign_refusal
from ledger.statement import receive
from scripts.refused import check_refusal
from tests.cast import ORIGIN as CAST_ORIGIN
from tests.cast import REFUSING, Play, seed
from tests.scripts.house import ORIGIN, Hands, checkpoint_covers, found, run


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No processes that help: where there are threads, starting one takes a second."""
    monkeypatch.setattr("scripts.proofs.refusal.os.cpu_count", lambda: 1)


@pytest.fixture(scope="module")
def folder(own_folder: Path) -> Path:
    return own_folder


@pytest.fixture(scope="module")
def kept(own_hands: Hands, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The signed refusal of somebody who joins twice, whose log is signed for in the folder by now."""
    file = tmp_path_factory.mktemp("kept") / "refusal"
    own_hands.join("twice")
    said = own_hands.refused("party_known", "join", "--name", "Twice", "--refusal", file, by="twice")
    assert f"cadastre verify {file} --source SOURCE" in said
    own_hands.join("another")
    checkpoint_covers(folder, 3)
    return file


def test_without_the_log_nothing_is_said(own_hands: Hands, kept: Path, folder: Path, tmp_path: Path) -> None:
    assert "--source DIR" in own_hands.refused("refusal_source_missing", "verify", kept)
    own_hands.refused("bundle_missing", "verify", kept, "--source", tmp_path / "nowhere")
    other = found(tmp_path / "other")
    own_hands.refused("note_unsigned", "verify", kept, "--source", other)  # by no key that is known for that name


def test_an_unlawful_refusal_is_disproven(own_hands: Hands, kept: Path, folder: Path, tmp_path: Path) -> None:
    """Signed with the ledger's own key, for a statement that the rules admit."""
    seen = parse_refusal_file(kept.read_bytes()).refusal
    sent = tmp_path / "sent"
    own_hands.done("sign", "party.joined", "--body", body(tmp_path), "--out", sent, by="newcomer")
    statement = receive(sent.read_bytes().strip())
    told = Refusal(ORIGIN, statement.id, "party_known", seen.size, seen.link, seen.time)
    forged = tmp_path / "forged"
    forged.write_bytes(sign_refusal(statement.signed.compact, told, refusing(folder)))
    said = own_hands.refused("refusal_unlawful", "verify", forged, "--source", folder)
    assert said.startswith("disproven: refusal_unlawful: party_known: the rules admit the statement at size 2")
    stranger = tmp_path / "stranger"
    stranger.write_bytes(sign_refusal(statement.signed.compact, told, Signer(f"{ORIGIN}/refusals", seed("stranger"))))
    own_hands.refused("note_unsigned", "verify", stranger, "--source", folder)
    altered = tmp_path / "altered"
    altered.write_bytes(kept.read_bytes().replace(b"\nparty_known\n", b"\nparty_unknown\n"))
    own_hands.refused("note_signature_invalid", "verify", altered, "--source", folder)


def body(folder: Path) -> Path:
    path = folder / "body.json"
    path.write_text('{"name":"Newcomer"}')
    return path


def refusing(folder: Path) -> Signer:
    return signer_with(refusal_key_name(ORIGIN), read_key(folder / "keys" / "refusal.key"))


def test_whom_a_policy_does_not_know_it_does_not_believe(
    own_hands: Hands, kept: Path, folder: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.write_text(f"log {format_vkey(Signer('other.example', seed('o')).verifier)}\nquorum none\n")
    own_hands.refused("log_key_unknown", "verify", kept, "--source", folder, "--policy", other)
    stranger = tmp_path / "stranger"
    stranger.write_text(f"log {format_vkey(Signer(ORIGIN, seed('o')).verifier)}\nquorum none\n")
    own_hands.refused("note_unsigned", "verify", kept, "--source", folder, "--policy", stranger)
    proven = run("verify", kept, "--source", folder, home=tmp_path / "knows nobody")
    assert proven.exit_code == 0
    assert f"no log key of {ORIGIN} is known here; the charter of this log is {ORIGIN}#" in proven.stderr


def test_a_namesake_with_another_charter_is_not_the_ledger_met(kept: Path, folder: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "charters").write_text(f"{ORIGIN}#{'A' * 43}\n")
    told = run("verify", kept, "--source", folder, home=home)
    assert (told.exit_code, "disproven: charter_changed" in told.stderr) == (1, True)


def test_nothing_is_overwritten_and_nothing_is_done_then(own_hands: Hands, kept: Path) -> None:
    before = kept.read_bytes()
    own_hands.refused("file_exists", "join", "--name", "Fresh", "--refusal", kept, by="fresh")
    own_hands.refused("file_failed", "join", "--name", "Fresh", "--refusal", kept / "below", by="fresh")
    assert kept.read_bytes() == before
    own_hands.join("fresh")


def test_without_the_option_it_is_said_how_to_keep_it(own_hands: Hands, kept: Path) -> None:
    assert "--refusal FILE" in own_hands.refused("party_known", "join", "--name", "Twice", by="twice")
    told = orjson.loads(own_hands.run("join", "--name", "Twice", "--json", by="twice").stderr)
    assert parse_refusal_file(told["refusal"].encode()).refusal.code == "party_known"


def test_what_no_rule_of_the_ledger_refused_leaves_no_file(own_hands: Hands, kept: Path, tmp_path: Path) -> None:
    file = tmp_path / "refusal"
    terms = ("--reason", "x", "--refusal", file)
    own_hands.refused("subject_absent", "retire", f"asset_{'0' * 26}", *terms, by="twice")
    assert not file.exists()


def test_of_many_statements_each_refusal_is_kept_by_its_line(own_hands: Hands, kept: Path, tmp_path: Path) -> None:
    lines = []
    for number in range(3):
        sent = tmp_path / f"sent {number}"
        signer = "many" if number < 2 else "twice"
        own_hands.done("sign", "party.joined", "--body", body(tmp_path), "--out", sent, by=signer)
        lines.append(sent.read_text())
    batch, file = tmp_path / "batch", tmp_path / "refusal"
    batch.write_text("".join(lines))
    told = own_hands.run("submit", batch, "--refusal", file)
    assert (told.exit_code, told.stdout.count("refused  party_known")) == (1, 2)
    assert sorted(path.name for path in tmp_path.glob("refusal*")) == ["refusal.2", "refusal.3"]
    for number in (2, 3):
        assert f"kept in {file}.{number}" in told.stderr
        found = parse_refusal_file(Path(f"{file}.{number}").read_bytes())
        assert found.statement.decode() == lines[number - 1].strip()
    own_hands.refused("file_exists", "submit", batch, "--refusal", file)
    shown = [orjson.loads(line) for line in own_hands.run("submit", batch, "--json").stdout.splitlines()]
    assert ["refusal" in verdict for verdict in shown] == [False, True, True]


def test_a_full_disk_does_not_hide_why_the_act_was_refused(
    own_hands: Hands, kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("scripts.files.os.fsync", full)
    said = own_hands.refused("party_known", "join", "--name", "T", "--refusal", tmp_path / "file", by="twice")
    assert "the signed refusal could not be kept: No space left on device" in said


JOIN = Play().sign("party.joined", by="factory", body={"name": "F"})


@pytest.mark.parametrize("lie", ["code", "statement", "nonsense"])
def test_an_answer_that_is_not_what_was_signed_is_not_kept(lie: str) -> None:
    other = Play().sign("party.joined", by="partner", body={"name": "P"})
    signed = receive(other if lie == "statement" else JOIN)
    told = Refusal(CAST_ORIGIN, signed.id, "pin_stale" if lie == "code" else "party_known", 1, bytes(32), 0)
    refused = Refused("party_known")
    refused.refusal = b"x" if lie == "nonsense" else sign_refusal(signed.signed.compact, told, REFUSING)
    with pytest.raises(Unverifiable) as caught:
        check_refusal(refused, JOIN)
    assert caught.value.code == "refusal_other"
    assert caught.value.detail.startswith("party_known: ")


def test_the_charter_names_the_key_and_key_show_spells_it(own_hands: Hands, folder: Path) -> None:
    with open_folder(folder) as source:
        charter = receive(parse_entry(source.entry(0) or b"").statement).claims.body
    shown = own_hands.json("key", "show", folder / "keys" / "refusal.key", "--origin", ORIGIN)
    assert charter["refusalKey"] == shown["refusalVkey"] == format_vkey(refusing(folder).verifier)
