"""The command line as a whole: it names itself, explains every command, and keeps its exit codes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from scripts.command import Halted, app, command
from tests.scripts.house import ROOT, Hands, run

FIXED = """
    init serve join register offer request agree decline terminate transfer accept act sign submit show search history
    kinds refusals receipt verify export audit bench demo migrate revise retire withdraw counter key
"""
"""The commands others rely on (design section 7, as far as this version goes)."""


def commands() -> dict[str, list[str]]:
    """Every command and subcommand, as typed."""
    found: dict[str, list[str]] = {}
    for name, one in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        below = getattr(one, "commands", None)
        found |= {f"{name} {sub}": [name, sub] for sub in below} if below else {name: [name]}
    return found


def test_the_commands_of_the_design_are_there() -> None:
    assert {typed.partition(" ")[0] for typed in commands()} >= set(FIXED.split())


@pytest.mark.parametrize("typed", commands().values(), ids=commands().keys())
def test_every_command_explains_itself_and_its_options(typed: list[str], tmp_path: Path) -> None:
    shown = run(*typed, "--help", home=tmp_path)
    assert shown.exit_code == 0
    assert " ".join(typed) in shown.stdout.splitlines()[0]
    described = typer.main.get_command(app)
    for name in typed:
        described = described.commands[name]  # type: ignore[attr-defined]
    assert described.help
    assert not [one.name for one in described.params if one.param_type_name == "option" and not one.help]  # type: ignore[attr-defined]


def test_nothing_typed_shows_all_commands(tmp_path: Path) -> None:
    shown = run(home=tmp_path)
    assert "register" in shown.output
    assert "--install-completion" in shown.output


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        (("key", "show", "missing.key"), 1),  # refused: there is no such file
        (("show", "0", "--ledger", "http://127.0.0.1:9"), 1),  # refused: nobody answers
        (("show", "0", "--ledger", "ftp://127.0.0.1"), 1),
        (("show", "0", "--ledger", "nonsense"), 1),
        (("audit", "missing.bundle"), 1),
        (("verify", "missing.receipt"), 2),  # wrong use
        (("show",), 2),
        (("nonsense",), 2),
        (("init", "somewhere"), 2),
        (("join", "--name", "Nobody"), 2),
        (("key", "new", "x.key", "--type", "rsa"), 2),
        (("request", "offer", "--until", "never", "--as", "x.key"), 2),
        (("--help",), 0),
    ],
)
def test_exit_codes(typed: tuple[str, ...], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("api.client.wire.FIRST_PAUSE_S", 0)
    result = run(*typed, home=tmp_path / "home")
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    if code == 1:
        assert result.stderr.startswith(("refused: ", "disproven: "))
        assert "\nnext: " in result.stderr
    assert not list(tmp_path.iterdir())


def test_a_mistyped_command_is_corrected(tmp_path: Path) -> None:
    assert "register" in run("regster", home=tmp_path).stderr


def test_an_id_of_another_type_is_wrong_use(hands: Hands) -> None:
    hands.join("factory")
    offer, asset = f"offer_{'0' * 26}", f"asset_{'0' * 26}"
    for typed in (
        ("request", asset),
        ("agree", offer),
        ("counter", offer, "--price", "1 EUR"),
        ("terminate", offer, "--reason", "x"),
        ("retire", offer, "--reason", "x"),
        ("offer", offer, "--free", "--purpose", "x", "--until", "1d"),
    ):
        hands.misused(*typed, by="factory")


def test_the_key_and_the_ledger_come_from_options_before_the_environment(
    hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.client.wire.FIRST_PAUSE_S", 0)
    other = hands.key("other")
    hands.done("join", "--name", "Other", "--as", str(other), by="factory")
    assert hands.json("show", hands.json("key", "show", other)["did"])["state"]["name"] == "Other"
    nowhere = hands.run("show", "0", "--ledger", "http://127.0.0.1:9")
    assert "refused: ledger_unreachable: http://127.0.0.1:9" in nowhere.stderr


def test_joining_twice_is_refused_and_says_what_to_do(hands: Hands) -> None:
    hands.join("twice")
    assert "cadastre show DID" in hands.refused("party_known", "join", "--name", "Twice", by="twice")


def test_what_a_party_says_of_itself_is_signed(hands: Hands) -> None:
    contact = ("--phone", "+49 30 1234567", "--url", "https://data.example", "--address", "Musterweg 1\n10115 Berlin")
    party = hands.join("open", "--role", "factory", "--role", "lab", *contact)
    state = hands.json("show", party)["state"]
    assert state["roles"] == ["factory", "lab"]
    assert state["contact"] == {
        "phone": "+49 30 1234567",
        "url": "https://data.example",
        "address": "Musterweg 1\n10115 Berlin",
    }
    private = hands.json("show", hands.join("hidden", "--private", *contact))["state"]
    assert (private["name"].keys(), private["contact"].keys()) == ({"_sd"}, {"_sd"})


@pytest.mark.parametrize("name", ["problem", "halted", "os", "newer"])
def test_whatever_a_command_meets_ends_in_two_lines(name: str, tmp_path: Path) -> None:
    from ledger.errors import Absent, Newer

    errors = {
        "problem": Absent("subject_absent", "none", subject="x"),
        "halted": Halted("halted_here", "why", "do so"),
        "os": PermissionError(13, "Permission denied", "file"),
        "newer": Newer(7, "rules version 2"),
    }

    def fails() -> None:
        """Fails."""
        raise errors[name]

    before = list(app.registered_commands)
    try:
        command("fails")(fails)
        result = run("fails", home=tmp_path)
    finally:
        app.registered_commands[:] = before
    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert [line.partition(": ")[0] for line in lines] == ["refused", "next"], result.output


def test_our_own_mistakes_are_not_hidden(tmp_path: Path) -> None:
    def fails() -> None:
        """Fails."""
        raise ZeroDivisionError

    before = list(app.registered_commands)
    try:
        command("fails")(fails)
        assert isinstance(run("fails", home=tmp_path).exception, ZeroDivisionError)
    finally:
        app.registered_commands[:] = before


def test_the_installed_command_starts_and_completes() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.main", "--show-completion", "bash"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "_CADASTRE_COMPLETE=complete_bash" in done.stdout
