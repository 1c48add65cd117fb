"""What tables say of private values shown, looked at and erased; entries are named by their index.

factory   disclosure.granted     sight of 1 to=[partner] fields=[/name]    recorded
factory   disclosure.granted     sight on deal to=[partner]                recorded
lender    disclosure.inspected   look at 1                                 recorded
factory   disclosure.erased      end of 1                                  recorded
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ledger.statement import stated_in
from tests.cast import NOBODY

if TYPE_CHECKING:
    from tests.stories.stage import Line, Stage

BECAUSE = {"code": "as-told", "ground": "as the table says"}


def granted(stage: Stage, line: Line) -> dict[str, Any]:
    how, what = line.words
    if how == "on":
        return {"body": {"subject": stage.value(what)}}
    named = _named(stage, int(what))
    return {"body": {"subject": named["subject"], "entry": named["entry"]}}


def inspected(stage: Stage, line: Line) -> dict[str, Any]:
    return {"body": _named(stage, int(line.words[1])) | BECAUSE}


def erased(stage: Stage, line: Line) -> dict[str, Any]:
    """All that is private in the entry, unless the table names ``digests=``."""
    index = int(line.words[1])
    stated = stated_in(stage.play.entries[index].statement) if index < len(stage.play.entries) else None
    digests = [NOBODY] if stated is None else list(stated.fields.values())
    return {"body": _named(stage, index) | BECAUSE | {"digests": digests}}


def _named(stage: Stage, index: int) -> dict[str, Any]:
    entries = stage.play.entries
    statement = entries[min(index, len(entries) - 1)].statement
    party = stage.play.world.party(statement.claims.iss) or f"party_{'0' * 26}"
    return {"entry": index, "party": party, "subject": statement.about}


BODIES = {"disclosure.granted": granted, "disclosure.inspected": inspected, "disclosure.erased": erased}
