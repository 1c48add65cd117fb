"""Help at 80 columns: nothing cut off, everything named by what it takes, in one order."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scripts.help import EVERYWHERE
from tests.scripts.house import run
from tests.scripts.test_commands import commands

WIDTH = 80


def shown(*typed: str) -> str:
    """Help as a terminal of 80 columns shows it."""
    result = run(*typed, "--help", home=Path("/nowhere"), COLUMNS=str(WIDTH))
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_list_of_commands_says_of_each_the_whole_of_its_first_sentence() -> None:
    listed = shown().partition("Commands:")[2]
    assert "..." not in listed
    assert (
        "Prove what a file says: a receipt (C2SP or COSE), a state proof, an audit pack, a refusal, evidence of a fork."
        in (" ".join(listed.split()))
    )
    names = re.findall(r"^  (\S+)", listed, re.MULTILINE)
    assert names == sorted(names)


@pytest.mark.parametrize("typed", [[], ["key"], *commands().values()], ids=lambda typed: "-".join(typed) or "cadastre")
def test_help_fits_and_names_what_everything_takes(typed: list[str]) -> None:
    text = shown(*typed)
    assert all(len(line) <= WIDTH for line in text.splitlines())
    assert not re.search(r"<(str|int|float|path|list\b)", text)
    assert not re.search(r"[{}]", text.splitlines()[0])


@pytest.mark.parametrize("typed", commands().values(), ids="-".join)
def test_what_must_be_given_comes_first_and_what_all_commands_have_last(typed: list[str]) -> None:
    options = re.split(r"^  (?=-)", shown(*typed).partition("Options:")[2], flags=re.MULTILINE)[1:]
    names = [re.search(r"--[\w-]+", option)[0] for option in options]  # type: ignore[index]
    shared = [name for name in names if name in EVERYWHERE]
    assert names[len(names) - len(shared) :] == [name for name in EVERYWHERE if name in names]
    own = ["required]" in " ".join(option.split()) for option in options[: len(names) - len(shared)]]
    assert own == sorted(own, reverse=True)
