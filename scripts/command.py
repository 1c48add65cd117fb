"""How commands are made: the application, the decorator that registers one, and the one way errors are told.

    @command()
    def show(what: What, ledger: LedgerUrl = LOCAL, json: Json = False) -> None: ...

A command's file declares it and is found by being in ``scripts`` (``index``), and imported when it is asked for, or all
are. Exit codes: 0 done or proven, 1 refused or
disproven, 2 wrong use. Whatever a user, a file or a ledger can cause is told on stderr in two lines, never a traceback:

    refused: CODE: what is wrong in this very case
    next: what to do about it
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable, MutableMapping
from importlib import import_module
from typing import Any, Literal, NoReturn, ParamSpec, TypeVar

import typer
from typer.core import TyperGroup

from identity.errors import Problem
from ledger.errors import Newer
from scripts import index
from scripts.output import printable

P = ParamSpec("P")
R = TypeVar("R")
Word = Literal["refused", "disproven", "note"]


class Commands(TyperGroup):
    """The commands, whose modules are imported when they are asked for: one for itself, all to be listed."""

    _known: MutableMapping[str, Any]

    @property
    def commands(self) -> MutableMapping[str, Any]:
        """All of them, by name."""
        self._import(index.modules())
        return self._known

    @commands.setter
    def commands(self, known: MutableMapping[str, Any]) -> None:
        self._known = known

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - as it is called
        if cmd_name not in self._known:
            self._import(index.declaring(cmd_name))
        return self._known.get(cmd_name) or self.commands.get(cmd_name)

    def _import(self, modules: Iterable[str]) -> None:
        for module in modules:
            import_module(f"scripts.{module}")
        made = typer.main.get_command(app)
        assert isinstance(made, Commands)
        self._known = made._known


app = typer.Typer(
    cls=Commands,
    name="cadastre",
    help="The land registry for industrial data: register, license, transfer and prove data sets.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _cadastre() -> None:
    """Makes it a group of commands also where only one is imported; the help above stands."""


class Halted(Exception):
    """The command stops on its own judgement, before or after asking the ledger: a lawful no of this machine."""

    def __init__(self, code: str, detail: str, advice: str) -> None:
        self.code, self.detail, self.advice = code, detail, advice
        super().__init__(code, detail, advice)


def command(
    name: str | None = None, *, into: typer.Typer = app, no: Word = "refused"
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Register a function as a command, under its own name unless given. ``no`` is the word its refusals begin with."""

    def register(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return function(*args, **kwargs)
            except (Problem, Halted) as error:
                _stop(no, error)
            except Newer as error:
                _stop(
                    no, Halted("newer", f"entry {error.index}: {error.detail}", "run a newer release of this software")
                )
            except BrokenPipeError:
                raise
            except OSError as error:
                detail = f"{error.filename}: {error.strerror}" if error.filename else str(error)
                _stop(no, Halted("file_failed", detail, "check the path and its permissions"))

        into.command(name)(guarded)
        return guarded

    return register


def tell(error: Problem | Halted, no: Word = "refused") -> None:
    """The two lines on stderr."""
    place = f" (at {error.pointer})" if isinstance(error, Problem) and error.pointer else ""
    detail = error.detail or (error.title if isinstance(error, Problem) else "")
    print(printable(f"{no}: {error.code}: {detail}{place}"), file=sys.stderr)
    if error.advice:
        print(printable(f"next: {error.advice}"), file=sys.stderr)


def _stop(no: Word, error: Problem | Halted) -> NoReturn:
    tell(error, no)
    raise typer.Exit(1)
