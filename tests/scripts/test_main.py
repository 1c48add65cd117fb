"""A command starts with what it needs and no more; and all of them are found, asked for or listed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from scripts import index
from tests.scripts.house import ROOT

LOADED = """
import orjson, sys
from typer.testing import CliRunner
from scripts.command import app
shown = CliRunner().invoke(app, sys.argv[1:])
assert shown.exit_code == 0, shown.output
print(orjson.dumps(sorted(sys.modules)).decode())
"""

HEAVY = {"sqlalchemy", "sqlmodel", "alembic", "fastapi", "starlette", "uvicorn"}


def python(*arguments: str) -> str:
    """Stdout of an interpreter of its own, which must end well."""
    empty = {name: value for name, value in os.environ.items() if not name.startswith("CADASTRE_")}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=empty, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def loaded(*typed: str) -> set[str]:
    """The modules that are loaded once this was run."""
    return set(orjson.loads(python("-c", LOADED, *typed)))


def names() -> dict[str, list[str]]:
    """Every command the sources declare -> the modules that declare it."""
    folder = Path(index.__file__).parent
    found: dict[str, list[str]] = {}
    for module in index.modules():
        for name in index.names_in((folder / f"{module}.py").read_text("utf-8")):
            found.setdefault(name, []).append(module)
    return found


def test_the_index_knows_exactly_the_commands_that_are_declared() -> None:
    code = "import typer, orjson; from scripts.command import app\n"
    code += "print(orjson.dumps(list(typer.main.get_command(app).commands)).decode())"
    assert sorted(orjson.loads(python("-c", code))) == sorted(names())


def test_every_command_has_one_module() -> None:
    assert all(len(modules) == 1 for modules in names().values()), names()


def test_all_commands_are_listed() -> None:
    listed = {line.split()[0] for line in python("-m", "scripts.main", "--help").splitlines() if line[:3].strip()}
    assert listed >= set(names()) - {""}, listed


@pytest.mark.parametrize("typed", ["show", "join", "act", "key", "verify", "receipt", "register"])
def test_a_command_that_only_speaks_to_a_ledger_loads_neither_store_nor_service(typed: str) -> None:
    modules = loaded(typed, "--help")
    assert f"scripts.{names()[typed][0]}" in modules
    assert not modules & {*HEAVY, "ledger.audit", "scripts.demo", "scripts.bench"}


def test_listing_all_commands_loads_neither_store_nor_service() -> None:
    modules = loaded("--help")
    assert {f"scripts.{module}" for module in index.modules()} <= modules
    assert not modules & HEAVY


def test_the_module_of_the_entry_point_imports_nothing_of_ours() -> None:
    modules = python("-c", "import sys, scripts.main; print(*sorted(sys.modules), sep='\\n')").split()
    ours = {"identity", "ledger", "api", "scripts", "load"}
    assert {name for name in modules if name.partition(".")[0] in ours} == {"scripts", "scripts.main"}


def test_a_name_nobody_declares_is_wrong_use_and_the_nearest_is_offered() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.main", "shwo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "'shwo'" in done.stderr
    assert "'show'" in done.stderr


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("@command()\ndef show() -> None: ...", ["show"]),
        ("@command()\ndef show_all(\n", ["show-all"]),
        ('@command("show")\ndef other(', ["show"]),
        ('@command(name="show", no="note")\ndef other(', ["show"]),
        ('@command(no="disproven")\ndef audit(', ["audit"]),
        ("@command(into=keys)\ndef new(", []),
        ('app.add_typer(keys, name="key")\n', ["key"]),
        ("    @command()\n    def show(", []),
        ("def show(", []),
    ],
)
def test_what_a_source_declares(source: str, found: list[str]) -> None:
    assert list(index.names_in(source)) == found
