"""A ledger for members on the command line: whoever names a member's key reads it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from identity.did import did_of
from identity.keys import read_key
from tests.scripts.house import ORIGIN, Hands, run, served


@pytest.fixture(scope="module")
def hands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hands]:
    room = tmp_path_factory.mktemp("members")
    made = run("init", room / "ledger", "--origin", ORIGIN, "--readers", "members", home=room / "home")
    assert made.exit_code == 0, made.output
    with served(room / "ledger") as url:
        hands = Hands(url, room)
        hands.done("join", "--name", "Blade Works", by="factory")
        yield hands


def test_a_member_reads_and_audits(hands: Hands, tmp_path: Path) -> None:
    assert "party.joined" in hands.done("show", "1", by="factory")
    assert "proven: entry 1" in hands.done("receipt", "1", "--out", tmp_path / "r", by="factory")
    told = hands.done("audit", hands.url, "--workers", "0", by="factory")
    assert told.startswith("audit: consistent  size=")
    hands.done("export", hands.url, tmp_path / "bundle", by="factory")
    assert hands.done("audit", tmp_path / "bundle", "--workers", "0") == told


def test_a_member_acts_where_the_acts_need_reading(hands: Hands, tmp_path: Path) -> None:
    data = tmp_path / "x.csv"
    data.write_text("a\n")
    common = ("--title", "X", "--classification", "general", "--not-personal")
    basis = ("--source-basis", "produced", "--source", "ours")
    assert "asset_" in hands.done("register", data, *common, *basis, by="factory")


def test_nobody_else_does(hands: Hands, tmp_path: Path) -> None:
    assert "--as KEY" in hands.refused("readers_members", "show", "1")
    hands.refused("reader_unknown", "show", "1", by="stranger")
    said = hands.run("audit", hands.url, "--workers", "0")
    assert (said.exit_code, said.stdout) == (1, "")
    assert "readers_members" in said.stderr
    hands.refused("readers_members", "receipt", "1", "--out", tmp_path / "r")


def test_a_member_proves_a_refusal_by_the_address(hands: Hands, tmp_path: Path) -> None:
    file = tmp_path / "refusal"
    hands.refused("party_known", "join", "--name", "Twice", "--refusal", file, by="factory")
    assert "lawful: party_known" in hands.done("verify", file, "--source", hands.url, by="factory")
    hands.refused("readers_members", "verify", file, "--source", hands.url)


def test_a_record_is_shown_to_members_alone_and_who_is_none_is_told_so(hands: Hands, tmp_path: Path) -> None:
    body, file = tmp_path / "body.json", tmp_path / "badge.vc"
    about = {"id": did_of(read_key(hands.key("factory")).public)}
    body.write_bytes(orjson.dumps({"type": "VerifiableCredential", "credentialSubject": about}))
    hands.done("credential", "issue", "--body", body, "--out", file, by="factory")
    credential = hands.json("credential", "record", file, by="factory")["subject"]
    hands.done("credential", "revoke", credential, by="factory")
    asked = ("credential", "verify", file, "--ledger", hands.url)
    hands.refused("credential_revoked", *asked, by="factory")
    told = hands.done(*asked)
    assert "  not checked  whether it was revoked: it names no list of revocations, and the ledger shows" in told
    assert "--as KEY" in told
