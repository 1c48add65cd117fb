"""As whom a key signs: the party or delegation that is wanted, else the only one there is, or that covers the act.

What a key can sign as is said by the ledger (``GET /v1/keys/{key}``), and decided by its rules once more. Bounds on
amounts and further delegations are left to them: here it is only found out whom somebody means.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from typing import NamedTuple

from api.client.answers import Former, Key
from api.client.signing import Speaker
from identity.errors import Malformed, declare
from identity.instant import format_instant
from ledger.circulation.delegation import GIVING
from ledger.errors import Refused
from ledger.statement import KINDS, covers

declare(
    "malformed",
    speaker_unclear=("the key could sign for several", "name the party or the delegation: CADASTRE_FOR=ID"),
    speaker_unknown=("the key does not sign for that party, or under that delegation", "see: cadastre show ID"),
    speaker_former=(
        "the key signed for a party once, and does not any more",
        "sign with a key that speaks for it: cadastre show PARTY",
    ),
)


class Voice(NamedTuple):
    """One way in which a key can sign: ``names`` are what chooses it, ``told`` is what people read.

    A ``delegation`` covers ``kinds`` of acts on ``subjects`` (None: on all) up to the second ``until``.
    """

    speaker: Speaker
    names: Set[str]
    told: str
    delegation: str | None = None
    kinds: Iterable[str] = ("*",)
    subjects: Set[str] | None = None
    until: int | None = None

    def covers(self, kind: str) -> bool:
        if self.delegation is None:
            return True
        return not KINDS[kind].PERSONAL and (kind in GIVING or any(covers(one, kind) for one in self.kinds))

    def reaches(self, kind: str, touched: Set[str]) -> bool:
        """Whether an act that touches these subjects is within its bounds on subjects."""
        others = touched - self.names
        return self.subjects is None or kind in GIVING or (bool(others) and others <= self.subjects)


class Voices:
    """All ways in which a key can sign; of those that a ``principal`` names (party, its name or DID, delegation).

    ``own`` is the key as its did:key: the one where there is no other, and where it is a party the one that is meant.
    ``now`` in POSIX seconds. ``chosen`` tells which of several was taken last because no other covers the act: anybody
    can give a key a delegation, so whoever signs is to know.
    """

    def __init__(self, own: Speaker, known: Key, principal: str | None, now: int) -> None:
        """Raises ``Malformed``: ``speaker_unknown``, ``speaker_former``."""
        every = found = [*_parties(known, left=False), *_delegations(known)] or [*_parties(known, left=True)]
        former = known.former
        if principal is not None:
            found = [one for one in found if principal in one.names]
            former = [one for one in former if principal in (one.party, one.did, one.name, one.delegation)]
        if not found and former:
            last = max(former, key=lambda one: one.ended)
            raise Malformed("speaker_former", _told_former(last), subject=last.party)
        if not found and principal is not None:
            signs = f"{principal}; it signs for:{_listed(every)}" if every else principal
            raise Malformed("speaker_unknown", signs)
        itself = [one for one in found if one.speaker == own]
        running = [one for one in found if one.until is None or one.until >= now]
        self.chosen: str | None = None
        self._own = own
        self._found = itself if itself and principal is None else running or found

    @property
    def did(self) -> str:
        """The DID of whose acts are signed, where that is clear whatever is signed. Raises ``Malformed``."""
        dids = {one.speaker.iss for one in self._found} or {self._own.iss}
        return dids.pop() if len(dids) == 1 else self.speaker().iss

    def speaker(self, kind: str | None = None, touched: Set[str] = frozenset()) -> Speaker:
        """As whom an act of a kind is signed, which touches these subjects beside the party itself.

        Raises ``Malformed`` (``speaker_unclear``), and ``Refused`` as the rules would of each of several delegations.
        """
        found = self._found
        if kind in KINDS and len(found) > 1:
            found = [one for one in found if one.covers(kind)]
            if not found:
                raise Refused("kind_not_delegated", f"none of these covers {kind}:{_listed(self._found)}")
            reaching = [one for one in found if one.reaches(kind, touched)]
            if not reaching:
                raise Refused("subject_not_delegated", f"{', '.join(sorted(touched))}, by none of:{_listed(found)}")
            found = reaching
            self.chosen = found[0].told if len(found) == 1 else None
        if len(found) > 1:
            raise Malformed("speaker_unclear", f"it could sign for any of these:{_listed(found)}")
        return found[0].speaker if found else self._own


def _parties(known: Key, *, left: bool) -> Iterable[Voice]:
    for one in known.parties:
        if one.left == left:  # what left is said by the rules, where there is nothing else
            yield Voice(Speaker(one.did, one.did), _names(one.party, one.did, one.name), _told(one.party, one.name))


def _delegations(known: Key) -> Iterable[Voice]:
    for one in known.delegations:
        yield Voice(
            Speaker(one.did, one.to, one.via),
            _names(one.party, one.did, one.name, one.delegation, one.via),
            f"{_told(one.party, one.name)}, under {one.delegation}: "
            f"{', '.join(one.kinds)}{' on ' + ', '.join(one.subjects) if one.subjects else ''}"
            f", until {format_instant(one.until)}",
            one.delegation,
            one.kinds,
            None if one.subjects is None else frozenset(one.subjects),
            one.until,
        )


def _names(*names: str | None) -> Set[str]:
    return frozenset(name for name in names if name is not None)


def _told(party: str, name: str | None) -> str:
    return party if name is None else f"{name} ({party})"


def _listed(voices: Iterable[Voice]) -> str:
    return "".join(f"\n  {one.told}" for one in voices)


def _told_former(one: Former) -> str:
    """Which key stopped speaking for whom, at which entry, and through what that party speaks."""
    party = _told(one.party, one.name)
    if one.delegation is not None:
        return f"{one.delegation}, under which it acted for {party}, was revoked by entry {one.ended}"
    why = ", declared compromised" if one.compromised else ""
    keys = ", ".join(one.keys[:3]) + (", …" if len(one.keys) > 3 else "")
    by = "" if one.did.startswith("did:key:") else f" by {keys}"
    return f"it stopped speaking for {party} at entry {one.ended}{why}; the party speaks through {one.did}{by}"
