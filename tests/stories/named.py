"""What tables say of aliases.

factory     party.aliased          factory claimed=[lei:529900T8BM49AURSDO55]   recorded
lender      alias.attested         seal of factory lei:529900T8BM49AURSDO55     recorded
lender      alias.disputed         seal                                         recorded
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ledger.circulation.attestation import Attestation
from tests.cast import digest

if TYPE_CHECKING:
    from tests.stories.stage import Line, Stage


def attested(stage: Stage, line: Line) -> dict[str, Any]:
    """``seal of factory lei:529900T8BM49AURSDO55``, by an extract of a register."""
    _, subject, alias = line.words
    return {"body": {"subject": stage.value(subject), "alias": alias, "evidence": digest(f"extract on {alias}")}}


def disputed(stage: Stage, line: Line) -> dict[str, Any]:
    """``seal``: it is of the subject that it was given to."""
    sub = stage.value(line.label)
    known = stage.play.subjects.get(sub)
    subject = known.state.subject if known and isinstance(known.state, Attestation) else f"party_{'0' * 26}"
    return {"sub": sub, "body": {"subject": subject, "reason": "as the table says"}}


BODIES = {"alias.attested": attested, "alias.disputed": disputed}
