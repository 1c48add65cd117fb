"""Serving refuses what it cannot serve, by name; that it serves, the other tests of this folder show."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.scripts.house import ORIGIN, run


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (("--database", "postgresql://db.example/ledger"), "database_unsupported"),
        (("--database", "mysql://db.example/ledger"), "database_unsupported"),
        (("--database", "sqlite:////elsewhere/ledger.db"), "database_elsewhere"),
        (("--port", "70000"), "setting_malformed"),
        (("--workers", "-1"), "setting_malformed"),
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
        assert "cadastre init" in refused.stderr


def test_migrating_what_is_up_to_date_changes_nothing(tmp_path: Path) -> None:
    run("init", tmp_path / "ledger", "--origin", ORIGIN, home=tmp_path)
    assert run("migrate", tmp_path / "ledger", home=tmp_path).exit_code == 0
    assert "consistent  size=1" in run("audit", tmp_path / "ledger", "--workers", "0", home=tmp_path).stdout
