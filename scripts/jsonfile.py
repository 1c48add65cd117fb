"""Objects of JSON in files or on stdin, in any spelling: they get their one spelling when they are signed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NoReturn

import typer


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file, or on stdin for ``-``. Raises ``typer.BadParameter``; no key may stand twice."""
    data = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    try:
        value = json.loads(data.decode(), object_pairs_hook=_unique, parse_constant=_refuse)
    except ValueError as error:  # JSONDecodeError and UnicodeDecodeError are such
        raise typer.BadParameter(f"{path} is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise typer.BadParameter(f"{path} does not hold a JSON object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
