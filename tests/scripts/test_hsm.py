"""Keys of P-256, and keys in a token: from their making to the audit of what they signed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from typer.testing import Result

from api.client import Client
from identity import jws
from identity.keys import read_key
from ledger.log.chain import parse_entry
from scripts.session import load_key
from tests.scripts.house import ORIGIN, Hands, run, served
from tests.softhsm import PIN, SoftHsm, softhsm

PLAIN = ("--classification", "general", "--not-personal", "--source", "measured by ourselves")


@pytest.fixture
def hsm() -> SoftHsm:
    return softhsm()


@pytest.fixture(scope="module")
def hands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hands]:
    """A ledger that only members read, so that every reading is signed as well."""
    room = tmp_path_factory.mktemp("hsm")
    made = run("init", room / "ledger", "--origin", ORIGIN, "--readers", "members", home=room / "home")
    assert made.exit_code == 0, made.output
    with served(room / "ledger") as url:
        hands = Hands(url, room)
        hands.join("factory")
        yield hands


def key(*arguments: str | Path, typed: str | None = None, **environment: str) -> Result:
    return run("key", *arguments, home=Path("/nowhere"), typed=typed, **environment)


def refused(code: str, said: Result) -> None:
    assert said.exit_code == 1, said.output
    assert said.stdout.strip() == ""
    assert said.stderr.splitlines()[-2].startswith(f"refused: {code}: "), said.stderr
    assert said.stderr.splitlines()[-1].startswith("next: ")


def play(hands: Hands, as_: str, name: str, room: Path, workers: int = 0) -> None:
    """All that a party does, with the key of this name: joins, registers, reads, signs offline, is refused, audits."""
    me = ("--as", as_)
    joined = hands.json("join", "--name", f"{name} Works", *me)
    data = room / "data.csv"
    data.write_text(f"of,{name}\n")
    asset = hands.json("register", data, *PLAIN, *me)["subject"]
    assert f"{name} Works" in hands.done("show", joined["subject"], *me)
    signed = room / "signed"
    last = hands.json("show", asset, *me)["last"]
    reason = room / "reason.json"
    reason.write_text('{"reason":"superseded"}')
    hands.done(
        "sign", "asset.retired", "--body", reason, "--sub", asset, "--prev", f"{asset}={last}", "--out", signed, *me
    )
    statement = jws.parse(signed.read_bytes().strip())
    jws.verify(statement)
    assert f"{asset}" in hands.done("submit", signed, by="factory")
    file = room / "refusal"
    hands.refused("party_known", "join", "--name", "Twice", "--refusal", file, *me)
    assert "lawful: party_known" in hands.done("verify", file, "--source", hands.url, *me)
    hands.done("receipt", str(joined["index"]), "--out", room / "receipt", *me)
    assert hands.done("verify", room / "receipt").startswith("proven: ")
    said = hands.done("audit", hands.url, "--workers", str(workers), *me)
    assert said.startswith("audit: consistent  ")


def algorithms(hands: Hands) -> list[str]:
    """Of the statements of all entries."""
    with Client(hands.url, reader=lambda: load_key(hands.key("factory"))) as client:
        entries = client.entries_bytes(0, client.ledger().size)
    return [jws.peek(parse_entry(entry).statement).alg for entry in entries]


# -- stories -----------------------------------------------------------------------------------------------------------


def test_a_party_with_a_p_256_key_in_a_file_does_all_that_others_do(hands: Hands, tmp_path: Path) -> None:
    file = tmp_path / "p256.key"
    assert key("new", file, "--type", "p256").exit_code == 0
    assert read_key(file).alg == "ES256"
    play(hands, str(file), "Curve", tmp_path)
    assert {"Ed25519", "ES256"} == set(algorithms(hands))


@pytest.mark.parametrize(("type_", "workers"), [("p256", 1), ("ed25519", 0)])
def test_a_party_whose_key_stays_in_its_token_does_all_that_others_do(
    hands: Hands, hsm: SoftHsm, tmp_path: Path, type_: str, workers: int
) -> None:
    uri = hsm.uri(f"party-{type_}")
    made = orjson.loads(key("new", uri, "--type", type_, "--json").stdout)
    assert made["uri"] == uri
    assert made["kid"].startswith(made["did"] + "#")
    assert orjson.loads(key("show", uri, "--json").stdout) == made
    before = len(algorithms(hands))
    play(hands, uri, f"Token {type_}", tmp_path, workers)
    assert algorithms(hands)[before:] == [made["type"]] * 3
    assert hands.json("show", made["did"], by="factory")["type"] == "party"
    hands.done("follow", hands.url, "--into", tmp_path / "followed", "--once", "--workers", "0", "--as", uri)


def test_what_a_token_signs_is_no_other_partys(hands: Hands, hsm: SoftHsm) -> None:
    uri = hsm.uri("stranger")
    assert key("new", uri, "--type", "p256").exit_code == 0
    hands.refused("reader_unknown", "show", "1", "--as", uri)


# -- the PIN -----------------------------------------------------------------------------------------------------------


def test_the_pin_is_asked_for_or_taken_from_the_environment(hsm: SoftHsm) -> None:
    uri = hsm.uri("asked", pin=False)
    assert key("new", uri, typed=f"{PIN}\n").exit_code == 0
    assert key("show", uri, typed=f"{PIN}\n").exit_code == 0
    shown = key("show", uri, CADASTRE_PKCS11_PIN=PIN)
    assert shown.exit_code == 0
    assert PIN not in shown.output
    refused("hsm_pin_wrong", key("show", uri, CADASTRE_PKCS11_PIN="wrong"))
    assert "input_ended" in key("show", uri, typed="").stderr


def test_the_library_is_named_by_the_uri_or_by_the_environment(hsm: SoftHsm) -> None:
    short = "pkcs11:token=works;object=nobody"
    given = {"CADASTRE_PKCS11_PIN": PIN}
    refused("hsm_module_failed", key("show", short, **given))
    refused("hsm_key_missing", key("show", short, CADASTRE_PKCS11_MODULE=hsm.module, **given))


def test_a_pin_on_the_command_line_is_refused_and_not_repeated(hsm: SoftHsm) -> None:
    said = key("show", f"{hsm.uri('asked', pin=False)}&pin-value={PIN}")
    refused("hsm_pin_in_uri", said)
    assert PIN not in said.output


# -- what is refused ---------------------------------------------------------------------------------------------------


def test_a_key_in_a_token_is_never_replaced(hsm: SoftHsm) -> None:
    uri = hsm.uri("made-once")
    assert key("new", uri, "--type", "p256").exit_code == 0
    refused("hsm_key_exists", key("new", uri, "--type", "p256"))


def test_a_token_has_a_pin_and_no_passphrase(hsm: SoftHsm) -> None:
    assert key("new", hsm.uri("sealed"), "--passphrase").exit_code == 2
    refused("hsm_key_missing", key("show", hsm.uri("sealed")))


def test_a_key_in_a_token_signs_no_log(hsm: SoftHsm) -> None:
    uri = hsm.uri("no-log")
    assert key("new", uri, "--type", "ed25519").exit_code == 0
    refused("log_key_type", key("show", uri, "--origin", ORIGIN))


def test_a_key_that_cannot_be_opened_disproves_nothing(hands: Hands, hsm: SoftHsm) -> None:
    refused("hsm_key_missing", hands.run("audit", hands.url, "--workers", "0", "--as", hsm.uri("absent")))
    refused("hsm_uri_malformed", hands.run("audit", hands.url, "--workers", "0", "--as", "pkcs11:"))
    refused("key_file_missing", hands.run("audit", hands.url, "--workers", "0", "--as", "absent.key"))
