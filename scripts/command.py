"""How commands are made: the application, the decorator that registers one, and the one way errors are told.

    @command()
    def show(what: What, ledger: LedgerUrl = LOCAL, json: Json = False) -> None: ...

A command's file declares it and is found by being in ``scripts`` (``index``), and imported when it is asked for, or all
are. Exit codes: 0 done or proven, 1 refused or disproven, 2 wrong use. Whatever a user, a file or a ledger can cause is
told on stderr in two lines, never a traceback:

    refused: CODE: what is wrong in this very case
    next: what to do about it

or, with --json, in one: ``{"code":…,"title":…,"detail":…,"pointer":…,"index":…,"subject":…,"advice":…}``, without the
members that would say nothing; ``refusal`` has the file by which the ledger signed for a refusal by rule. For people a
third line says where that was kept, or how to keep it.
"""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from errno import ENOENT
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, NoReturn, ParamSpec, TypeVar, cast

import orjson
import typer

from identity import errors
from identity.errors import Problem, declare
from ledger.errors import Newer
from scripts import index
from scripts.help import Explained, ExplainedGroup
from scripts.output import for_programs, is_for_programs, print_note, printable
from scripts.refused import KeptIn, keep_refusal, keeping, signed_refusal

P = ParamSpec("P")
R = TypeVar("R")
Word = Literal["refused", "disproven", "note"]

declare(
    "halted",
    use_wrong=("the command was not given what it needs", "see: cadastre COMMAND --help"),
    input_ended=("a question was left without an answer", "answer it, or say it beforehand by an option"),
    file_exists=("there is a file of this name", "choose another name; nothing is ever overwritten"),
    file_failed=("a file cannot be read or written", "check the path and its permissions"),
    newer=("the ledger holds to rules this software does not know", "run a newer release of this software"),
)

DOUBTED = frozenset({"malformed", "unverifiable", "rule", "corrupt"})  # families that can disprove; others tell nothing
UNDECIDED = frozenset(
    {"form_unknown", "cose_entry_missing", "refusal_source_missing", "refusal_beyond", "status_list_missing"}
)
"""Codes of these families that disprove nothing: something else is needed to judge."""
OWN = ("policy_", "key_file_", "key_passphrase_")
"""How codes begin that are about files of the user's own."""


class Commands(ExplainedGroup):
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
        known = self._known.get(cmd_name)
        if known is None or hasattr(known, "commands"):  # of a group, other modules may have imported a part
            modules = index.declaring(cmd_name)
            if known is None or any(f"scripts.{module}" not in sys.modules for module in modules):
                self._import(modules)
        return self._known.get(cmd_name) or self.commands.get(cmd_name)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for; with --json, wrong use is told like any other problem."""
        typed = [*ctx._protected_args, *ctx.args]
        if "--json" not in (typed[: typed.index("--")] if "--" in typed else typed):
            return super().invoke(ctx)
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort):
            raise
        except Exception as wrong:  # click's own errors, whose home differs among releases of typer
            if not hasattr(wrong, "format_message"):
                raise
            asked = getattr(getattr(wrong, "ctx", None), "command_path", "cadastre")
            with for_programs(True):
                tell(Halted("use_wrong", wrong.format_message(), f"see: {asked} --help"))
            raise typer.Exit(2) from None

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


class Halted(errors.Halted):
    """The command stops on its own judgement, before or after asking the ledger: a lawful no of this machine.

    ``advice`` says what to do in this very case, where the catalogue can only say it in general.
    """

    def __init__(self, code: str, detail: str = "", advice: str | None = None) -> None:
        super().__init__(code, detail)
        self._advice = advice

    @property
    def advice(self) -> str:
        return self._advice or super().advice


def command(
    name: str | None = None, *, into: typer.Typer = app, no: Word = "refused", acts: bool = False
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Register a function as a command, under its own name unless given. ``no`` is the word its refusals begin with.

    One that ``acts`` hands statements in: it also takes --refusal FILE, which its function does not see.
    """

    def register(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            _check_text(kwargs.values())
            file = cast(Path | None, kwargs.pop("refusal", None)) if acts else None
            with for_programs(bool(kwargs.get("json"))), keeping(file), _told(no):
                if file is not None:
                    check_free(file)
                return function(*args, **kwargs)

        if acts:
            _take(guarded, function)
        into.command(name, cls=Explained)(guarded)
        return guarded

    return register


def _check_text(given: Iterable[object]) -> None:
    """What was typed can be sent: bytes that are not UTF-8 are no text. Raises ``typer.BadParameter``."""
    for value in given:
        for one in value if isinstance(value, (list, tuple)) else [value]:
            if not isinstance(one, str) or not any("\ud800" <= letter <= "\udfff" for letter in one):
                continue
            if not os.path.lexists(one):  # a source may be a file, whose name may have any bytes
                raise typer.BadParameter(f"{printable(one)!r} is not UTF-8")


def _take(guarded: Callable[..., Any], function: Callable[..., Any]) -> None:
    """Let a command take --refusal, beside what its function takes."""
    taken = inspect.signature(function, eval_str=True)
    refusal = inspect.Parameter("refusal", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=KeptIn)
    guarded.__signature__ = taken.replace(parameters=[*taken.parameters.values(), refusal])  # type: ignore[attr-defined]


@contextmanager
def _told(no: Word) -> Iterator[None]:
    """Whatever a user, a file or a ledger can cause ends the command here, told."""
    try:
        yield
    except Problem as error:
        _stop(no, error)
    except Newer as error:
        _stop(no, Halted("newer", f"entry {error.index}: {error.detail}"))
    except typer.Abort:
        _stop(no, Halted("input_ended"))
    except BrokenPipeError:
        raise
    except FileExistsError as error:
        _stop(no, Halted("file_exists", str(error.filename or error)))
    except OSError as error:
        _stop(no, Halted("file_failed", f"{error.filename}: {error.strerror}" if error.filename else str(error)))


def check_free(path: Path) -> None:
    """Nothing has this name yet, and there is a folder for it. Raises ``Halted`` (``file_exists``, ``file_failed``)."""
    if os.path.lexists(path):
        raise Halted("file_exists", str(path))
    if not path.parent.is_dir():
        raise Halted("file_failed", f"{path.parent}: {os.strerror(ENOENT)}")


def tell(error: Problem, no: Word = "refused") -> None:
    """Tell a problem on stderr."""
    tell_of(
        no,
        code=error.code,
        title=error.title,
        detail=error.detail,
        pointer=error.pointer,
        index=error.index,
        subject=error.subject,
        advice=error.advice,
        refusal=signed_refusal(error).decode(),
    )


def tell_of(no: Word, **members: str | int | None) -> None:
    """Tell a problem of these members on stderr: two lines for people, one of JSON for programs."""
    if is_for_programs():
        shown = {name: value for name, value in members.items() if value not in (None, "")}
        print(orjson.dumps(shown).decode(), file=sys.stderr)
        return
    place = f" (at {members['pointer']})" if members.get("pointer") else ""
    print(printable(f"{no}: {members['code']}: {members['detail'] or members['title']}{place}"), file=sys.stderr)
    if members.get("advice"):
        print(printable(f"next: {members['advice']}"), file=sys.stderr)


def _stop(no: Word, error: Problem) -> NoReturn:
    disproves = error.family in DOUBTED and error.code not in UNDECIDED and not error.code.startswith(OWN)
    tell(error, no if disproves else "refused")
    if error.family == "rule" or signed_refusal(error):
        try:
            note = keep_refusal(error)
        except OSError as failed:
            note = f"the signed refusal could not be kept: {failed.strerror}"
        if note is not None:
            print_note(note)
    raise typer.Exit(1)
