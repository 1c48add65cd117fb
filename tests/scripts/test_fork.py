"""Judging evidence of a fork, ours and a witness's, and putting two sides together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from identity.note import format_vkey
from ledger.log.checkpoint import Checkpoint, sign_checkpoint
from tests.cast import LOG, ORIGIN
from tests.ledger.log.test_fork import TREE, Tree
from tests.scripts.house import run

FORK = Tree(12, 3)


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy"
    path.write_text(f"log {format_vkey(LOG.verifier)}\nquorum none\n")
    return path


def verified(policy: Path, file: Path) -> str:
    ended = run("verify", file, "--policy", policy, home=policy.parent)
    return "proven" if ended.exit_code == 0 else ended.stderr.split(":")[1].strip()


def kept(room: Path, checkpoint: bytes, against: bytes | None) -> Path:
    """What a witness shows of evidence."""
    shown = {"origin": ORIGIN, "number": 1, "proven": True, "request": "", "checkpoint": checkpoint.decode()}
    path = room / "evidence.json"
    path.write_text(json.dumps(shown | {"against": against.decode() if against else None}))
    return path


def test_what_a_witness_keeps_is_judged(tmp_path: Path, policy: Path) -> None:
    false = sign_checkpoint(Checkpoint(ORIGIN, 0, bytes(32)), LOG)
    for checkpoint, against, word in (
        (FORK.note(7), TREE.note(7), "proven"),
        (false, None, "proven"),
        (FORK.note(7), TREE.note(9), "proof_malformed"),
        (FORK.note(7), None, "fork_unproven"),
        (FORK.note(3), TREE.note(3), "fork_unproven"),
    ):
        assert verified(policy, kept(tmp_path, checkpoint, against)) == word


def test_other_json_is_no_evidence(tmp_path: Path, policy: Path) -> None:
    file = tmp_path / "file"
    for text in ("{", "{}", "[]", '{"checkpoint": "", "against": ""}'):
        file.write_text(text)
        assert verified(policy, file) == "form_unknown"
    file.write_text('{"checkpoint": 1, "against": null, "proven": true}')
    assert verified(policy, file) == "fork_malformed"
    file.write_text('{"checkpoint": "log.example", "against": null, "proven": true}')
    assert verified(policy, file) == "note_malformed"


def test_receipts_of_two_indexes_are_compared_by_their_checkpoints(tmp_path: Path, policy: Path) -> None:
    """Both of one size, so they need no entries."""
    sides = [tmp_path / "one", tmp_path / "two"]
    sides[0].write_bytes(TREE.receipt(1, 9))
    sides[1].write_bytes(FORK.receipt(2, 9))
    out = tmp_path / "evidence"
    ended = run("fork", *sides, "--out", out, "--policy", policy, home=tmp_path)
    assert ended.exit_code == 0, ended.output
    assert verified(policy, out) == "proven"
    sides[1].write_bytes(FORK.note(9))
    again = run("fork", *sides, "--out", tmp_path / "again", "--policy", policy, home=tmp_path)
    assert again.exit_code == 0, again.output
    assert (tmp_path / "again").read_bytes() == out.read_bytes()


def test_evidence_is_not_written_over_another_file(tmp_path: Path, policy: Path) -> None:
    note = tmp_path / "note"
    note.write_bytes(TREE.note(9))
    ended = run("fork", note, note, "--out", policy, "--policy", policy, home=tmp_path)
    assert (ended.exit_code, "file_exists" in ended.stderr) == (1, True)
