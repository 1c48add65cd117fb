"""Serving refuses what it cannot serve, by name; that it serves, the other tests of this folder show."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from tests.scripts.house import ORIGIN, ROOT, run


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (("--database", "postgresql://db.example/ledger"), "database_unsupported"),
        (("--database", "mysql://db.example/ledger"), "database_unsupported"),
        (("--database", "sqlite:////elsewhere/ledger.db"), "database_elsewhere"),
        (("--port", "70000"), "setting_malformed"),
        (("--workers", "-1"), "setting_malformed: workers: it must be at least 0"),
    ],
)
def test_settings_that_will_not_do_are_refused_by_name(tmp_path: Path, more: tuple[str, ...], code: str) -> None:
    run("init", tmp_path / "ledger", "--origin", ORIGIN, home=tmp_path)
    served = run("serve", tmp_path / "ledger", *more, home=tmp_path)
    assert served.exit_code == 1, served.output
    assert f"refused: {code}" in served.stderr


def test_a_port_that_is_taken_is_refused_by_name(tmp_path: Path) -> None:
    run("init", tmp_path / "ledger", "--origin", ORIGIN, home=tmp_path)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        served = run("serve", tmp_path / "ledger", "--port", port, home=tmp_path)
    assert served.exit_code == 1
    assert served.stderr.startswith(f"refused: address_unusable: 127.0.0.1:{port}: Address already in use\nnext: ")


@pytest.mark.parametrize("host", ["192.0.2.1", f"{'x' * 64}.example"])  # RFC 5737; a label is shorter
def test_an_address_of_another_machine_is_refused_by_name(tmp_path: Path, host: str) -> None:
    run("init", tmp_path / "ledger", "--origin", ORIGIN, home=tmp_path)
    served = run("serve", tmp_path / "ledger", "--host", host, "--port", "0", home=tmp_path)
    assert served.exit_code == 1
    assert served.stderr.startswith(f"refused: address_unusable: {host}")


def test_a_folder_without_a_ledger_is_refused(tmp_path: Path) -> None:
    for command in ("serve", "migrate"):
        refused = run(command, tmp_path, home=tmp_path)
        assert refused.exit_code == 1
        assert "refused: store_missing" in refused.stderr
        advice = refused.stderr.partition("next: ")[2]
        assert advice.index("check the path") < advice.index("cadastre restore DIR") < advice.index("cadastre init")


def test_a_mirror_that_is_no_address_is_refused_and_one_that_is_silent_told_in_a_line_of_json(tmp_path: Path) -> None:
    run("init", tmp_path / "ledger", "--origin", ORIGIN, home=tmp_path)
    serve = ("serve", tmp_path / "ledger", "--port", "0")
    refused = run(*serve, home=tmp_path, CADASTRE_SERVE_MIRRORS=str(tmp_path / "mirror"))
    assert refused.exit_code == 1
    assert refused.stderr.startswith("refused: setting_malformed: CADASTRE_SERVE_MIRRORS: ")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CADASTRE_")}
    for workers in ("0", "1"):
        given = {"CADASTRE_SERVE_MIRRORS": "http://127.0.0.1:9/log", "CADASTRE_SERVE_WORKERS": workers}
        command = [sys.executable, "-m", "scripts.main", *map(str, serve)]
        with subprocess.Popen(
            command, cwd=ROOT, env=environment | given, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert process.stderr is not None
            lines: list[dict[str, str]] = []
            while not lines or lines[-1]["event"] != "listening":
                lines.append(orjson.loads(process.stderr.readline()))
            process.terminate()
            assert process.stdout is not None
            assert process.stdout.read() == b""
        warned = [line for line in lines if line["event"] == "cannot be compared with what is shown outside"]
        assert [line["level"] for line in warned] == ["warning"], workers
        assert "http://127.0.0.1:9/log/checkpoint" in warned[0]["detail"]


def test_make_run_makes_no_ledger_where_the_store_of_one_was_lost(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    run("init", ledger, "--origin", ORIGIN, home=tmp_path)
    for path in ledger.glob("ledger.db*"):
        path.unlink()
    programs = f"BIN={Path(sys.executable).parent}"
    make = ["make", "-o", "install", "run", f"LEDGER={ledger}", "PORT=0", programs]
    for lost in ("checkpoint", "keys", "heads"):
        told = subprocess.run(make, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
        assert "refused: store_missing: " in told.stderr, lost
        assert "its store was lost: cadastre restore DIR --from SOURCE" in told.stderr
        if lost == "keys":
            shutil.rmtree(ledger / "keys")
        else:
            (ledger / lost).unlink()
    assert not (ledger / "ledger.db").exists()


def test_migrating_what_is_up_to_date_changes_nothing(tmp_path: Path) -> None:
    run("init", tmp_path / "ledger", "--origin", ORIGIN, home=tmp_path)
    assert run("migrate", tmp_path / "ledger", home=tmp_path).exit_code == 0
    assert "consistent  size=1" in run("audit", tmp_path / "ledger", "--workers", "0", home=tmp_path).stdout
