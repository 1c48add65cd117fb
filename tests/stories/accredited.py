"""What tables say of credentials.

    governance  ledger.amended         - issuers=[Badge-by-lender] demands=[asset.*-asks-Badge]  recorded
    lender      credential.recorded    badge of factory                        recorded
    lender      credential.revoked     badge                                   recorded

``Badge-by-role-auditor`` lets credentials of this type count by whoever is an auditor to the charter,
``asset.*-asks-Badge-as-assessor`` asks for one that attests a role; ``list-0/7`` is a place in a status list.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ledger.circulation.credential import Credential
from tests.cast import CAST, digest

if TYPE_CHECKING:
    from tests.stories.stage import Line, Stage

TYPE = "Badge"


def said(word: str) -> Any:
    """What such a word stands for; None for any other."""
    if found := re.fullmatch(r"([A-Z][A-Za-z]*)-by-role-([a-z]+)", word):
        return {"types": [found[1]], "roles": [found[2]]}
    if found := re.fullmatch(r"([A-Z][A-Za-z]*)-by-([a-z]+)", word):
        return {"types": [found[1]], "dids": [CAST[found[2]].did]}
    if found := re.fullmatch(r"([a-z]+\.[a-z*]+)-asks-([A-Z][A-Za-z]*)(?:-as-([a-z]+))?", word):
        return {"kind": found[1], "type": found[2]} | ({"role": found[3]} if found[3] else {})
    if found := re.fullmatch(r"list-([0-9]+)/([0-9]+)", word):
        return {"list": int(found[1]), "index": int(found[2])}
    return None


def recorded(stage: Stage, line: Line) -> dict[str, Any]:
    """``badge of factory``: the signer gives the factory a credential, valid from this second on."""
    _, holder = line.words
    issuer = stage.value(line.who)
    parties = {"issuer": issuer, "holder": stage.value(holder)}
    return {"body": parties | {"type": TYPE, "digest": digest(line.label), "validFrom": stage.play.seconds}}


def goes_on(stage: Stage, line: Line) -> dict[str, Any]:
    """``badge``: it is the holder's."""
    sub = stage.value(line.label)
    known = stage.play.subjects.get(sub)
    holder = known.state.holder if known and isinstance(known.state, Credential) else f"party_{'0' * 26}"
    return {"sub": sub, "body": {"holder": holder}}


BODIES = {
    "credential.recorded": recorded,
    "credential.suspended": goes_on,
    "credential.reinstated": goes_on,
    "credential.revoked": goes_on,
}
