"""Which acts are doubtful: signed with a key, or under a delegation, that was declared compromised as of then, or under
one that was given with such a key.

They stay valid, as they were admitted. What is said of them here is what the party said of its own keys.
"""

from __future__ import annotations

from api.client import Summary
from ledger.statement import delegation_of
from scripts.known import Known


def is_doubtful(known: Known, entry: Summary) -> bool:
    """Whether an act is doubtful."""
    signer = entry.signer if entry.via else entry.issuer
    if known.doubts(signer, entry.key, entry.index):
        return True
    if entry.via is None:
        return False
    leaf = known.state(delegation_of(entry.via))
    chain = [leaf, *map(known.state, leaf.get("chain", ()))]
    ended = any(one.get("compromised") is not None and one["compromised"] <= entry.index for one in chain)
    return ended or known.given_in_doubt(leaf)
