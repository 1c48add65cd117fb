"""Key files made and shown by the command."""

from __future__ import annotations

import stat
from hashlib import sha256
from pathlib import Path

import orjson
import pytest
from typer.testing import Result

from api.keyring import FolderKeyring
from identity.did import did_of
from identity.keys import read_key
from identity.note import parse_vkey
from tests.scripts.house import run


def key(*arguments: str | Path, typed: str | None = None) -> Result:
    return run("key", *arguments, home=Path("/nowhere"), typed=typed)


@pytest.mark.parametrize(("type_", "alg"), [("ed25519", "Ed25519"), ("p256", "ES256")])
def test_a_key_is_made_for_its_owner_alone(tmp_path: Path, type_: str, alg: str) -> None:
    file = tmp_path / "x.key"
    made = key("new", file, "--type", type_, "--json")
    assert made.exit_code == 0, made.output
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    shown = orjson.loads(key("show", file, "--json").stdout)
    assert shown == orjson.loads(made.stdout)
    assert shown["type"] == alg
    assert shown["did"] == did_of(read_key(file).public)
    assert shown["kid"].startswith(shown["did"] + "#")


def test_the_private_half_is_never_printed(tmp_path: Path) -> None:
    file = tmp_path / "x.key"
    made = key("new", file)
    secret = file.read_text().split("\n")[1]
    assert secret
    assert secret not in made.output + key("show", file).output


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "x.key"
    key("new", file)
    before = file.read_bytes()
    again = key("new", file)
    assert again.exit_code == 1
    assert again.stderr.startswith("refused: key_file_exists: ")
    assert file.read_bytes() == before


def test_a_long_public_key_is_told_by_its_digest_and_shown_in_full_when_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "receive.key"
    made = key("new", file, "--type", "mlkem768-x25519")
    assert made.exit_code == 0, made.output
    assert max(map(len, made.stdout.splitlines())) < 200 + len(str(file))
    public = key("show", file, "--public").stdout.strip()
    assert f"sha256     {sha256(public.encode()).hexdigest()}\n" in made.stdout
    assert f"{len(public)} letters: cadastre key show {file} --public > receive.pub\n" in made.stdout
    assert public in key("show", file).stdout
    short = key("new", tmp_path / "short.key", "--type", "x25519").stdout
    assert orjson.loads(key("show", tmp_path / "short.key", "--json").stdout)["publicKey"] in short


def test_a_passphrase_seals_the_file(tmp_path: Path) -> None:
    file = tmp_path / "x.key"
    assert key("new", file, "--passphrase", typed="secret\nsecret\n").exit_code == 0
    assert b"ENCRYPTED" in file.read_bytes()
    assert key("show", file, typed="secret\n").exit_code == 0
    wrong = key("show", file, typed="other\n")
    assert wrong.exit_code == 1
    assert "refused: key_passphrase_wrong" in wrong.stderr


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.key"
    key("new", file)
    file.chmod(0o640)
    shown = key("show", file)
    assert shown.exit_code == 1
    assert shown.stderr.startswith("refused: key_file_open_to_others")
    assert "chmod 600" in shown.stderr


def test_a_question_nobody_answers_ends_the_command_by_name(tmp_path: Path) -> None:
    file = tmp_path / "x.key"
    assert key("new", file, "--passphrase", typed="secret\nsecret\n").exit_code == 0
    silent = key("show", file, "--json", typed="")
    assert (silent.exit_code, silent.stdout.strip()) == (1, "")  # the runner echoes the hidden answer
    assert orjson.loads(silent.stderr.splitlines()[-1])["code"] == "input_ended"


@pytest.mark.parametrize(
    ("content", "said"),
    [("notes\n", "holds no key"), ("-----BEGIN CERTIFICATE-----\n", "a PEM of CERTIFICATE"), (None, "is a folder")],
)
def test_what_is_no_key_file_is_called_what_it_is(tmp_path: Path, content: str | None, said: str) -> None:
    file = tmp_path / "file"
    file.mkdir() if content is None else file.write_text(content)
    signed = run("join", "--as", file, "--name", "Blade Works", home=tmp_path)
    assert signed.exit_code == 1
    assert signed.stderr.startswith(f"refused: key_file_malformed: {file} ")
    assert said in signed.stderr
    assert "chmod" not in signed.stderr


def test_the_vkey_is_shown_under_the_ledgers_name(tmp_path: Path) -> None:
    file, other = tmp_path / "log.key", tmp_path / "p256.key"
    key("new", file)
    key("new", other, "--type", "p256")
    vkey = orjson.loads(key("show", file, "--origin", "example.com/registry", "--json").stdout)["vkey"]
    assert parse_vkey(vkey).public_key == read_key(file).public.raw
    assert parse_vkey(vkey).name == "example.com/registry"
    assert "refused: log_key_type" in key("show", other, "--origin", "example.com/registry").stderr
    assert "refused: vkey_malformed" in key("show", file, "--origin", "two words").stderr


def test_a_log_key_has_two_vkeys(tmp_path: Path) -> None:
    file = tmp_path / "log.key"
    key("new", file)
    shown = orjson.loads(key("show", file, "--origin", "ledger.example", "--json").stdout)
    first, second = parse_vkey(shown["vkey"]), parse_vkey(shown["mldsaVkey"])
    assert (first.name, first.signature_type) == ("ledger.example", 0x01)
    assert (second.name, second.signature_type) == ("ledger.example", 0x06)
    assert FolderKeyring(tmp_path).cosigner(second) is not None
    assert FolderKeyring(tmp_path)(first) is not None
    other = parse_vkey(orjson.loads(key("show", file, "--origin", "other.example", "--json").stdout)["mldsaVkey"])
    assert other.public_key == second.public_key
