"""Refusals that the ledger signed (``ledger.log.refusal``): checked as they come, and kept where --refusal says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated

import typer

from identity.disclosure import split
from identity.errors import Malformed, Problem, Unverifiable, declare
from ledger.log.refusal import parse_refusal_file
from scripts.files import keep
from scripts.output import is_for_programs

declare(
    "unverifiable",
    refusal_other=(
        "the ledger signed for another refusal than the one it answered with",
        "keep the statement; hand it in again, and ask the ledger's operator",
    ),
)

KeptIn = Annotated[
    Path | None, typer.Option("--refusal", metavar="FILE", help="Keep what the ledger signs, should it refuse by rule.")
]

_FILE: ContextVar[Path | None] = ContextVar("where a refusal is kept", default=None)


@contextmanager
def keeping(file: Path | None) -> Iterator[None]:
    """What is refused within is kept in this file, if there is one."""
    before = _FILE.set(file)
    try:
        yield
    finally:
        _FILE.reset(before)


def kept_at(line: int) -> Path | None:
    """Where the refusal of one of many statements is kept, if the user named a file: beside that file."""
    file = _FILE.get()
    return None if file is None else file.with_name(f"{file.name}.{line}")


def signed_refusal(error: Problem) -> bytes:
    """The file that the ledger signed; empty if it signed none."""
    signed: bytes = getattr(error, "refusal", b"")
    return signed


def check_refusal(error: Problem, sent: bytes) -> None:
    """What the ledger signed, if it did, is what it answered: of this statement, by this code.

    Whether its key signed it, and whether it is lawful, is ``cadastre verify``'s question. Raises ``Unverifiable``.
    """
    if not (signed := signed_refusal(error)):
        return
    try:
        file = parse_refusal_file(signed)
    except (Malformed, Unverifiable) as wrong:
        raise Unverifiable("refusal_other", f"{error.code}: {wrong}") from None
    if file.statement != split(sent)[0] or file.refusal.code != error.code:
        raise Unverifiable("refusal_other", f"{error.code}: signed was {file.refusal.code} of {file.refusal.id}")


def keep_refusal(error: Problem, line: int | None = None) -> str | None:
    """Keep what the ledger signed, never overwriting; returns what to say of it. Raises ``OSError``."""
    file = _FILE.get() if line is None else kept_at(line)
    if not (signed := signed_refusal(error)):
        return None if file is None else "the ledger signed no refusal: nothing was kept"
    if file is None:  # programs are told all of it (``command``)
        return None if is_for_programs() else "the ledger signed for this refusal; to keep that: --refusal FILE"
    keep(file, signed)
    return f"kept in {file}; was it lawful? cadastre verify {file} --source SOURCE"
