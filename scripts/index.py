"""Which module declares which command, read from the sources, so that one command need not import all others.

Looked for are the lines by which a module declares commands: ``@command(...)`` above a function, and
``app.add_typer(..., name="...")`` for a group of them; a module that puts commands into the group of another imports it
from there. What is spelt in another way is not found here; whoever asks then imports every module (``command``). So a
mistake here costs time and hides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import scripts

ALONE = frozenset({"main", "docs"})  # run by themselves, declare nothing

_COMMAND = re.compile(r"^@command\(([^)]*)\)\s+(?:async )?def (\w+)", re.MULTILINE)
_GROUP = re.compile(r"^app\.add_typer\([^)]*\bname=\"([^\"]+)\"", re.MULTILINE)
_INTO = re.compile(r"^@command\([^)]*\binto=", re.MULTILINE)
_NAME = re.compile(r"\s*(?:name=)?\"([^\"]+)\"")


def modules() -> list[str]:
    """Names of all modules that may declare commands, in the order in which they are imported."""
    found = {file.stem for folder in scripts.__path__ for file in Path(folder).glob("*.py")}
    return sorted(found - ALONE - {"__init__"})


def declaring(name: str) -> list[str]:
    """Names of the modules whose source declares a command or group of this name. Cost: a millisecond or two."""
    sources = {module: _source(module) for module in modules()}
    found = [module for module, source in sources.items() if name in names_in(source)]
    return [module for module, source in sources.items() if module in found or _adds_to(found, source)]


def names_in(source: str) -> Iterable[str]:
    """The commands and groups that a module's source declares, as they are called on the command line."""
    for given, function in _COMMAND.findall(source):
        if "into=" not in given:
            said = _NAME.match(given)
            yield said[1] if said else function.lower().replace("_", "-")
    yield from _GROUP.findall(source)


def _adds_to(modules: Iterable[str], source: str) -> bool:
    """Whether a module puts commands into a group of one of these."""
    return _INTO.search(source) is not None and any(f"\nfrom scripts.{one} import " in source for one in modules)


def _source(module: str) -> str:
    for folder in scripts.__path__:
        file = Path(folder, f"{module}.py")
        if file.is_file():
            return file.read_text("utf-8")
    return ""
