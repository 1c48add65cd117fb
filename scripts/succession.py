"""The ledger that another one goes on from: audited as a whole before a successor names it in its charter."""

from __future__ import annotations

import os
from typing import Any

from identity.canonical import b64encode
from identity.errors import declare
from identity.note import parse_note
from ledger.audit import Workers
from ledger.audit import audit as judge
from ledger.log.checkpoint import parse_checkpoint
from scripts.audit import open_source
from scripts.command import Halted
from scripts.output import bar

declare(
    "halted",
    predecessor_disproven=(
        "the ledger to be succeeded does not hold",
        "see what is wrong: cadastre audit SOURCE; a successor needs a copy that holds, if only of its beginning",
    ),
    predecessor_unsigned=("the ledger to be succeeded shows no checkpoint", "take a copy with the last one it signed"),
)


def predecessor(named: str) -> dict[str, Any]:
    """Origin, size and root that a source's log signed last, as ``succeeds`` of a charter has them.

    Raises ``Halted`` unless the whole source holds, and what opening it raises.
    """
    with Workers(max(1, (os.cpu_count() or 2) - 1)) as helpers, bar("auditing", None) as progress:

        def show(done: int, total: int) -> None:
            progress.update(progress.task_ids[0], completed=done, total=total)

        with open_source(named) as source:
            verdict = judge(source, helpers, progress=show)
            note = source.checkpoint
    if not verdict.proven:
        raise Halted("predecessor_disproven", verdict.line())
    if note is None:
        raise Halted("predecessor_unsigned", named)
    signed = parse_checkpoint(parse_note(note).text)  # the audit has seen who signed it
    return {"origin": signed.origin, "size": signed.size, "root": b64encode(signed.root)}
