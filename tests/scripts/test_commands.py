"""The command line as a whole: it names itself, explains every command, and keeps its exit codes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest
import typer.main

from ledger.errors import Absent, Corrupt, Malformed, Newer, Unavailable
from scripts.command import Halted, app, command
from scripts.options import Json
from tests.scripts.house import ROOT, Hands, built, run

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


@pytest.mark.parametrize(
    "typed",
    [
        ("prove", "0\udcff", "--out", "x"),
        ("show", "a\udcff"),
        ("search", "\udcff"),
        ("join", "--name", "\udcff", "--as", "x"),
    ],
)
def test_bytes_that_are_no_text_are_wrong_use(typed: tuple[str, ...], tmp_path: Path) -> None:
    """As the system hands over what was typed, say 01234 and the byte ff."""
    for more in ((), ("--json",)):
        result = run(*typed, *more, "--ledger", "http://127.0.0.1:9", home=tmp_path)
        assert result.exit_code == 2, result.output
        assert "is not UTF-8" in result.stderr
        assert not more or orjson.loads(result.stderr)["code"] == "use_wrong"


def test_a_folder_may_have_any_name(tmp_path: Path) -> None:
    odd = tmp_path / "a\udcff"
    odd.mkdir()
    result = run("audit", str(odd), home=tmp_path / "home")
    assert result.exit_code == 1
    assert "source_missing" in result.output


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


MET: dict[str, tuple[Exception, str]] = {
    "problem": (Absent("subject_absent", "none", subject="x"), "subject_absent"),
    "halted": (Halted("wait_over", "why", "do so"), "wait_over"),
    "no access": (PermissionError(13, "Permission denied", "file"), "file_failed"),
    "a name that is taken": (FileExistsError(17, "File exists", "file"), "file_exists"),
    "no answer to a question": (typer.Abort(), "input_ended"),
    "newer": (Newer(7, "rules version 2"), "newer"),
}


@contextmanager
def failing(error: Exception) -> Iterator[None]:
    """There is a command ``fails``, which raises this."""

    def fails(json: Json = False) -> None:
        """Fails."""
        raise error

    before = list(app.registered_commands)
    try:
        command("fails", no="disproven")(fails)
        built.cache_clear()
        yield
    finally:
        app.registered_commands[:] = before
        built.cache_clear()


@pytest.mark.parametrize("name", MET)
def test_whatever_a_command_meets_ends_in_two_lines(name: str, tmp_path: Path) -> None:
    error, code = MET[name]
    with failing(error):
        result = run("fails", home=tmp_path)
    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert lines[0].startswith(f"refused: {code}: ")
    assert lines[1].startswith("next: ")
    assert (len(lines), result.stdout) == (2, "")


@pytest.mark.parametrize("name", MET)
def test_programs_get_what_a_command_meets_as_one_object(name: str, tmp_path: Path) -> None:
    error, code = MET[name]
    with failing(error):
        result = run("fails", "--json", home=tmp_path)
    assert (result.exit_code, result.stdout) == (1, "")
    told = orjson.loads(result.stderr)
    assert told["code"] == code
    assert {"code", "title", "detail", "advice"} - {"detail"} <= told.keys()
    assert told.keys() <= {"code", "title", "detail", "pointer", "index", "subject", "advice"}


def test_only_what_was_looked_at_is_called_disproven(tmp_path: Path) -> None:
    for error, word in ((Corrupt("store_corrupt", "x"), "disproven"), (Unavailable("store_missing", "x"), "refused")):
        with failing(error):
            told = run("fails", home=tmp_path).stderr
            assert told.startswith(f"{word}: ")
            assert "cadastre restore DIR --from SOURCE" in told


def test_a_problem_names_its_place_to_people_and_to_programs(tmp_path: Path) -> None:
    with failing(Malformed("body_malformed", "too short", pointer="/payload/body/title", index=7, subject="x")):
        assert "too short (at /payload/body/title)" in run("fails", home=tmp_path).stderr
        told = orjson.loads(run("fails", "--json", home=tmp_path).stderr)
    assert (told["pointer"], told["index"], told["subject"]) == ("/payload/body/title", 7, "x")


@pytest.mark.parametrize(
    "typed",
    [
        ("show", "--json"),
        ("show", "0", "--no-such-option", "--json"),
        ("counter", "agreement_x", "--as", "x.key", "--json"),
        ("no-such-command", "--json"),
        ("key", "new", "--json"),
        ("history", "x", "--limit", "none", "--json"),
    ],
)
def test_programs_get_wrong_use_as_one_object_too(typed: tuple[str, ...], tmp_path: Path) -> None:
    result = run(*typed, home=tmp_path)
    assert (result.exit_code, result.stdout) == (2, "")
    told = orjson.loads(result.stderr)
    assert told["code"] == "use_wrong"
    assert "--help" in told["advice"]
    assert told["detail"]


def test_people_get_wrong_use_with_the_usage(tmp_path: Path) -> None:
    for typed in (("show",), ("search", "--limit", "1", "--no-such-option", "--", "--json")):
        result = run(*typed, home=tmp_path)
        assert result.exit_code == 2
        assert result.stderr.startswith("Usage: cadastre ")


def test_notes_do_not_come_between_a_program_and_its_problem(hands: Hands, tmp_path: Path) -> None:
    result = run("show", "999999", "--json", home=tmp_path, CADASTRE_LEDGER=hands.url)
    note, problem = map(orjson.loads, result.stderr.splitlines())
    assert "met for the first time" in note["note"]
    assert problem["code"] == "entry_absent"


def test_our_own_mistakes_are_not_hidden(tmp_path: Path) -> None:
    with failing(ZeroDivisionError()):
        for typed in ((), ("--json",)):
            assert isinstance(run("fails", *typed, home=tmp_path).exception, ZeroDivisionError)


def test_the_installed_command_starts_and_completes() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.main", "--show-completion", "bash"],
        cwd=ROOT,
        env=os.environ | {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},  # whatever started the tests
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "_CADASTRE_COMPLETE=complete_bash" in done.stdout


def test_a_group_is_whole_also_where_something_else_imported_a_part_of_it() -> None:
    told = (
        "import scripts.credentials_recorded, typer.main as t; from scripts.command import app;"
        "group = t.get_command(app).get_command(None, 'credential'); print(sorted(group.commands))"
    )
    done = subprocess.run([sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {"'issue'", "'record'", "'verify'"} <= {*done.stdout.strip("[]\n").split(", ")}
