"""What ``--help`` shows: summaries in full, arguments and options by the names of what they take, in one order.

That order is: what must be given, what may be, and last what every command has (the key, the ledger, JSON, help).
"""

from __future__ import annotations

import re
from typing import Any

from typer.core import TyperCommand, TyperGroup

EVERYWHERE = ("--as", "--ledger", "--refusal", "--json", "--help")
SUMMARY_MAX = 1_000  # letters: as long as it may be

_TYPE = re.compile(r"<(?:list\[)?(str|int|float|path)(?: range)?\]?>", re.IGNORECASE)
_WORDS = {"str": "TEXT", "int": "NUMBER", "float": "NUMBER", "path": "FILE"}
_REQUIRED = re.compile(r" *\[(?:x>=0; )?required\]$")  # of an argument, goes without saying


class Explained(TyperCommand):
    """A command whose help reads like that of its siblings."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        arguments = (one for one in self.get_params(ctx) if one.param_type_name == "argument")
        return ["[OPTIONS]", *(_name(one) if one.required else f"[{_name(one)}]" for one in arguments)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        told = [(one, one.get_help_record(ctx)) for one in self.get_params(ctx)]
        shown = [(one, record) for one, record in told if record is not None]
        arguments = [(_name(one), _REQUIRED.sub("", said)) for one, (_, said) in shown if not _is_option(one)]
        options = [row for one, row in sorted(shown, key=lambda pair: _place(pair[0])) if _is_option(one)]
        rows = {"Arguments": arguments, "Options": [(_TYPE.sub(_word, name), said) for name, said in options]}
        for title, listed in rows.items():
            if listed:
                with formatter.section(title):
                    formatter.write_dl(listed)


class ExplainedGroup(TyperGroup):
    """Commands listed by name, each with the whole of its first sentence."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - as it is called
        return sorted(self.commands)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        known = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        with formatter.section("Commands"):
            formatter.write_dl([(name, one.get_short_help_str(SUMMARY_MAX)) for name, one in known if one])


def _word(type_: re.Match[str]) -> str:
    """What is taken, where nothing better is known than its type."""
    return _WORDS[type_[1].lower()]


def _name(argument: Any) -> str:
    return str(argument.metavar or argument.name.upper())


def _is_option(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "option")


def _place(parameter: Any) -> tuple[int, int]:
    """Where an option stands; among equals, as declared."""
    shared = next((place for place, name in enumerate(EVERYWHERE) if name in parameter.opts), -1)
    return (2 if shared >= 0 else 0 if parameter.required else 1), shared
