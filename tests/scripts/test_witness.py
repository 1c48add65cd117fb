"""``cadastre witness``: a witness is made once, served by a real process, and remembers when that is killed."""

from __future__ import annotations

import socket
import stat
from pathlib import Path

import httpx
import orjson
import pytest

from identity.note import format_vkey, parse_vkey
from identity.signature import COSIGNATURE_ED25519, COSIGNATURE_MLDSA44
from ledger.log.cosignature import cosignatures
from ledger.log.witness import Request, format_request
from ledger.witness.memory import log_id
from tests.ledger.witness.room import FORK, LOG, NAME, ORIGIN, THIEF, TRUE
from tests.scripts.house import run, spoken

VKEY = format_vkey(LOG.verifier)


def test_a_witness_is_made_served_killed_and_served_again(tmp_path: Path) -> None:
    folder = tmp_path / "witness"
    with spoken("witness", folder, "--name", NAME, "--log", VKEY) as (process, url):
        with httpx.Client(base_url=url, trust_env=False) as client:
            vkeys = client.get("/seen").json()["vkeys"]
            answer = client.post("/add-checkpoint", content=TRUE.request(0, 5))
            assert answer.status_code == 200, answer.text
            seen = cosignatures(TRUE.checkpoint(5) + answer.content, [parse_vkey(vkey) for vkey in vkeys])
            assert len(seen) == 2
        process.kill()
        process.wait()
    with spoken("witness", folder) as (process, url):
        with httpx.Client(base_url=url, trust_env=False) as client:
            assert client.get("/seen").json()["vkeys"] == vkeys
            assert client.post("/add-checkpoint", content=FORK.request(5, 5)).status_code == 422
            forgot = client.post("/add-checkpoint", content=TRUE.request(0, 9))
            assert (forgot.status_code, forgot.text) == (409, "5\n")
            assert forgot.headers["content-type"] == "text/x.tlog.size"
            assert client.post("/add-checkpoint", content=TRUE.request(5, 9)).status_code == 200
            large = format_request(Request(9, [], b"x" * 70_000))
            assert client.post("/add-checkpoint", content=large).status_code == 413
            head = client.head(f"/{log_id(ORIGIN)}/checkpoint")
            assert (head.status_code, head.content) == (200, b"")
        process.terminate()
        assert process.wait(20) == 0


def test_a_witness_is_made_with_two_keys_and_a_list_of_logs(tmp_path: Path) -> None:
    folder = tmp_path / "witness"
    made = run("witness", folder, "--name", NAME, "--log", VKEY, "--show", "--json", home=tmp_path)
    assert made.exit_code == 0, made.output
    said = orjson.loads(made.stdout)
    assert (said["name"], said["logs"]) == (NAME, [ORIGIN])
    verifiers = [parse_vkey(vkey) for vkey in said["vkeys"]]
    assert [one.signature_type for one in verifiers] == [COSIGNATURE_ED25519, COSIGNATURE_MLDSA44]
    assert {one.name for one in verifiers} == {NAME}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    again = run("witness", folder, "--show", home=tmp_path)
    assert again.exit_code == 0
    for vkey in said["vkeys"]:
        assert vkey in again.stdout
    secret = (folder / "witness.key").read_text().split("\n")[1]
    assert secret not in made.output + again.output


def test_a_log_is_added_to_a_witness_that_is_there(tmp_path: Path) -> None:
    folder = tmp_path / "witness"
    run("witness", folder, "--name", NAME, "--show", home=tmp_path)
    other = VKEY, format_vkey(THIEF.verifier)
    for _ in range(2):
        added = run("witness", folder, "--name", NAME, "--log", other[0], "--log", other[1], "--show", home=tmp_path)
        assert added.exit_code == 0, added.output
    assert [line for line in (folder / "logs").read_text().split("\n") if line[:1] != "#"] == [
        *(f"log {vkey}" for vkey in other),
        "",
    ]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--show",), "witness_missing"),
        (("--name", "two words", "--show"), "witness_name_malformed"),
        (("--name", NAME, "--log", "nonsense", "--show"), "vkey_malformed"),
        (("--name", NAME, "--port", "70000"), "setting_malformed"),
        (("--name", NAME, "--host", "192.0.2.1"), "address_unusable"),
    ],
)
def test_what_will_not_do_is_refused_before_anything_is_made(
    tmp_path: Path, arguments: tuple[str, ...], code: str
) -> None:
    refused = run("witness", tmp_path / "witness", *arguments, home=tmp_path)
    assert refused.exit_code == 1, refused.output
    assert refused.stderr.startswith(f"refused: {code}: ")
    assert "\nnext: " in refused.stderr
    assert not (tmp_path / "witness").exists()


def test_a_witness_that_is_there_is_served_as_what_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "witness"
    run("witness", folder, "--name", NAME, "--show", home=tmp_path)
    other = run("witness", folder, "--name", "other.example", "--show", home=tmp_path)
    assert other.stderr.startswith("refused: witness_name_other: ")
    (folder / "witness.db").unlink()
    for arguments in (("--show",), ("--name", NAME, "--show")):
        lost = run("witness", folder, *arguments, home=tmp_path)
        assert lost.exit_code == 1
        assert lost.stderr.startswith("refused: witness_memory_missing: ")
        assert "another witness" in lost.stderr
    assert not (folder / "witness.db").exists()


def test_a_list_that_is_malformed_is_refused_at_the_start(tmp_path: Path) -> None:
    folder = tmp_path / "witness"
    run("witness", folder, "--name", NAME, "--show", home=tmp_path)
    (folder / "logs").write_text("log nonsense\n")
    refused = run("witness", folder, "--show", home=tmp_path)
    assert refused.stderr.startswith("refused: witness_logs_malformed: line 1: ")


def test_a_port_that_is_taken_is_refused_by_name(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        refused = run("witness", tmp_path / "witness", "--name", NAME, "--port", port, home=tmp_path)
    assert refused.stderr.startswith(f"refused: address_unusable: 127.0.0.1:{port}: ")
