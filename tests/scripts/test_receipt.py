"""Receipts fetched and verified: what proves an entry, and everything that does not."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
import typer

from identity.note import Signer, format_vkey, parse_note, parse_vkey
from identity.signature import COSIGNATURE_ED25519, COSIGNATURE_MLDSA44
from ledger.log.cosignature import Cosigner, with_cosignatures
from ledger.log.receipt import format_receipt, parse_receipt
from scripts.verify import verify
from tests.cast import seed
from tests.scripts.house import ORIGIN, Hands, run


@pytest.fixture(scope="module")
def hands(own_hands: Hands) -> Hands:
    """Of a ledger whose entry 1 is of a factory that joined."""
    own_hands.join("factory")
    return own_hands


@pytest.fixture(scope="module")
def receipt(hands: Hands) -> Path:
    file = hands.room / "r1.receipt"
    hands.done("receipt", "1", "--out", file)
    return file


@pytest.fixture(scope="module")
def policy(hands: Hands, receipt: Path) -> Path:
    return hands.home / "policy"


def test_a_receipt_is_fetched_verified_and_kept(hands: Hands, receipt: Path) -> None:
    said = hands.done("verify", receipt)
    assert f"proven: entry 1 of {ORIGIN}" in said
    for word in ("recorded", "signed", "kind      party.joined"):
        assert word in said
    assert hands.json("verify", receipt)["body"] == {"name": "factory Works"}
    assert "choose another name" in hands.refused("file_exists", "receipt", "1", "--out", receipt)
    hands.refused("file_failed", "receipt", "1", "--out", receipt / "below")
    hands.refused("entry_absent", "receipt", "99", "--out", hands.room / "r99")
    assert not (hands.room / "r99").exists()


def test_verifying_needs_no_ledger_but_a_key(hands: Hands, receipt: Path, policy: Path, tmp_path: Path) -> None:
    elsewhere = run("verify", receipt, "--policy", policy, home=tmp_path)
    assert elsewhere.exit_code == 0, elsewhere.output
    nobody = run("verify", receipt, home=tmp_path)
    assert nobody.exit_code == 1
    assert nobody.stderr.startswith(f"disproven: log_key_unknown: {ORIGIN}")
    assert "--policy FILE" in nobody.stderr
    assert not (tmp_path / "policy").exists()


def test_a_flipped_bit_in_any_byte_disproves_it(
    receipt: Path, policy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, file = receipt.read_bytes(), tmp_path / "flipped"
    for at in range(len(data)):
        file.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        with pytest.raises(typer.Exit) as ended:
            verify(file, policy)
        assert ended.value.exit_code == 1, at
        out, err = capsys.readouterr()
        assert out == "", at
        assert err.startswith(("disproven: ", "refused: form_unknown")), at


@pytest.mark.parametrize("end", [0, 1, 100, -1])
def test_a_receipt_cut_short_is_disproven(receipt: Path, policy: Path, tmp_path: Path, end: int) -> None:
    file = tmp_path / "cut"
    file.write_bytes(receipt.read_bytes()[:end])
    assert run("verify", file, "--policy", policy, home=tmp_path).exit_code == 1


def test_another_key_of_the_same_name_disproves_it(receipt: Path, tmp_path: Path) -> None:
    other = tmp_path / "policy"
    other.write_text(f"log {format_vkey(Signer(ORIGIN, seed('other')).verifier)}\nquorum none\n")
    result = run("verify", receipt, "--policy", other, home=tmp_path)
    assert result.exit_code == 1
    assert result.stderr.startswith("disproven: note_unsigned")


def test_a_key_that_is_spent_still_proves_old_receipts(receipt: Path, policy: Path, tmp_path: Path) -> None:
    vkey = format_vkey(Signer(ORIGIN, seed("next")).verifier)
    both = tmp_path / "policy"
    both.write_text(policy.read_text() + f"log {vkey}\n")
    assert parse_vkey(vkey).name == ORIGIN
    assert run("verify", receipt, "--policy", both, home=tmp_path).exit_code == 0


@pytest.mark.parametrize("text", ["quorum W\n", "nonsense\n", "\xff"])
def test_a_policy_that_will_not_do_is_named(receipt: Path, tmp_path: Path, text: str) -> None:
    file = tmp_path / "policy"
    file.write_bytes(text.encode("latin-1"))
    result = run("verify", receipt, "--policy", file, home=tmp_path)
    assert result.exit_code == 1
    assert result.stderr.startswith("refused: policy_")


COUNCIL = Cosigner("council.example", COSIGNATURE_ED25519, seed("council"))
CUSTOMS = Cosigner("customs.example", COSIGNATURE_MLDSA44, seed("customs"))


@pytest.mark.parametrize(
    ("signed", "asked", "code"),
    [
        ([], "quorum none", None),
        ([COUNCIL], "quorum council", None),
        ([CUSTOMS, COUNCIL], "group both all council customs\nquorum both", None),
        ([], "quorum council", "quorum_not_met"),
        ([CUSTOMS], "quorum council", "quorum_not_met"),
        ([COUNCIL], "group both all council customs\nquorum both", "quorum_not_met"),
    ],
)
def test_as_many_witnesses_as_the_policy_asks_for_must_have_seen_it(
    receipt: Path, policy: Path, tmp_path: Path, signed: list[Cosigner], asked: str, code: str | None
) -> None:
    given = parse_receipt(receipt.read_bytes())
    text = parse_note(given.checkpoint).text
    lines = [cosigner.cosign(text, 1_800_000_000) for cosigner in signed]
    file, strict = tmp_path / "receipt", tmp_path / "policy"
    file.write_bytes(format_receipt(replace(given, checkpoint=with_cosignatures(given.checkpoint, lines))))
    log = next(line for line in policy.read_text().splitlines() if line.startswith("log "))
    witnesses = [f"witness {one.name.split('.')[0]} {format_vkey(one.verifier)}" for one in (COUNCIL, CUSTOMS)]
    strict.write_text("\n".join([log, *witnesses, asked, ""]))
    result = run("verify", file, "--policy", strict, home=tmp_path)
    if code is not None:
        assert result.exit_code == 1
        assert result.stderr.startswith(f"disproven: {code}")
        return
    assert result.exit_code == 0, result.output
    for cosigner in signed:
        assert f"witnessed  by {cosigner.name}, 2027-01-15T08:00:00Z" in result.stdout
    assert ("witnessed" in result.stdout) is bool(signed)


def test_a_receipt_as_cose_is_proven_with_the_entry_beside_it(hands: Hands, policy: Path, tmp_path: Path) -> None:
    file, entry = tmp_path / "r1.cose", tmp_path / "r1.cose.entry"
    assert f"proven: entry 1 of {ORIGIN}" in hands.done("receipt", "1", "--cose", "--out", file)
    assert "kind      party.joined" in hands.done("verify", file)
    hands.refused("file_exists", "receipt", "1", "--cose", "--out", file)
    moved = entry.rename(tmp_path / "one.entry")
    hands.refused("cose_entry_missing", "verify", file)
    assert f"proven: entry 1 of {ORIGIN}" in hands.done("verify", file, "--entry", moved)
    hands.refused("cose_receipt_malformed", "verify", _altered(tmp_path, file.read_bytes() + b"x"), "--entry", moved)
    another = moved.read_bytes().replace(b"\n1\n", b"\n1\n1", 1)  # of another time
    hands.refused("cose_receipt_wrong", "verify", file, "--entry", _altered(tmp_path, another))
    strict = tmp_path / "strict"
    witness = f"witness council {format_vkey(COUNCIL.verifier)}\nquorum council\n"
    strict.write_text(policy.read_text().replace("quorum none\n", "") + witness)
    hands.refused("quorum_not_met", "verify", file, "--entry", moved, "--policy", strict)


def _altered(folder: Path, data: bytes) -> Path:
    path = folder / "altered"
    path.write_bytes(data)
    return path


def test_a_file_of_no_known_form_is_said_to_be_none(hands: Hands, tmp_path: Path) -> None:
    assert "cadastre receipt" in hands.refused("form_unknown", "verify", _altered(tmp_path, b"what is this"))


def test_the_receipt_of_a_subject_is_that_of_the_entry_that_opened_it(hands: Hands, tmp_path: Path) -> None:
    party = hands.json("show", "1")["subject"]
    said = hands.done("receipt", party, "--out", tmp_path / "of party")
    assert f"proven: entry 1 of {ORIGIN}" in said
    assert party in said
    hands.refused("subject_absent", "receipt", f"party_{'0' * 26}", "--out", tmp_path / "of nobody")
    hands.misused("receipt", "party", "--out", tmp_path / "of what")


@pytest.mark.parametrize("what", ["endless", "fifo"])
def test_what_is_no_file_of_bytes_is_not_read(hands: Hands, tmp_path: Path, what: str) -> None:
    path = Path("/dev/zero") if what == "endless" else tmp_path / "fifo"
    if what == "fifo":
        os.mkfifo(path)
    hands.refused("form_unknown", "verify", path)


def test_a_private_name_stays_withheld_and_the_receipt_holds(hands: Hands, tmp_path: Path) -> None:
    admitted = orjson.loads(hands.done("join", "--name", "Hush Ltd", "--private", "--json", by="quiet"))
    file = tmp_path / "receipt"
    hands.done("receipt", str(admitted["index"]), "--out", file)
    assert "Hush" not in hands.done("verify", file) + file.read_bytes().decode()


def test_a_file_that_is_not_there_is_wrong_use(hands: Hands, tmp_path: Path) -> None:
    hands.misused("verify", tmp_path / "nothing")
    hands.misused("verify", tmp_path)
    hands.misused("receipt", "minus-one", "--out", tmp_path / "x")
