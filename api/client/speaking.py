"""As whom a key signs: the party or delegation that is wanted, else the only one there is, or that covers the act.

What a key can sign as is said by the ledger (``GET /v1/keys/{key}``), and decided by its rules once more. Bounds on
amounts and further delegations are left to them: here it is only found out whom somebody means.

Anybody can give a key a delegation, list it among their own, and take any name that is free. So a name never stands for
what is spelled as an id, it chooses nobody where several parties have it, and a key that lost its place with one party
does not sign for another unasked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from typing import NamedTuple, TypeVar

from api.client.answers import Former, Key
from api.client.signing import Speaker
from identity.errors import Malformed, declare
from identity.instant import format_instant
from ledger.circulation.delegation import GIVING
from ledger.errors import Refused
from ledger.statement import KINDS, covers
from ledger.values import is_of, type_of

declare(
    "malformed",
    speaker_unclear=("the key could sign for several", "name the party or the delegation: CADASTRE_FOR=ID"),
    speaker_unknown=("the key does not sign for that party, or under that delegation", "see: cadastre show ID"),
    speaker_former=(
        "the key signed for a party once, and does not any more",
        "sign with a key that speaks for it: cadastre show PARTY; or say for which other it signs: CADASTRE_FOR=ID",
    ),
)


class Voice(NamedTuple):
    """One way in which a key can sign for a ``party``: ``ids`` choose it, as its ``name`` may; ``told`` is for people.

    A ``delegation`` covers ``kinds`` of acts on ``subjects`` (None: on all) up to the second ``until``.
    """

    speaker: Speaker
    party: str
    name: str | None
    ids: Set[str]
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
        """Whether an act that touches these subjects can be within its bounds on subjects: of the types they name."""
        if self.subjects is None or kind in GIVING:
            return True
        types = {type_of(one) for one in self.subjects}
        return {one for one in touched - self.ids if type_of(one) in types} <= self.subjects

    def ended(self, now: int) -> bool:
        return self.until is not None and self.until < now


class Lost(NamedTuple):
    """A way in which a key could sign for a ``party`` once, up to the entry ``ended``; -1 where none ended it."""

    party: str
    name: str | None
    ids: Set[str]
    told: str
    ended: int = -1


class Voices:
    """All ways in which a key can sign; of those that a ``principal`` names (party, its name or DID, delegation).

    ``own`` is the key as its did:key: the one where there is no other, and where it is a party the one that is meant.
    ``now`` in POSIX seconds. ``chosen`` tells for whom was signed last, where nobody said by an id whom they mean and
    it is by a delegation, or one of several because no other covers the act: whoever signs is to know.
    """

    def __init__(self, own: Speaker, known: Key, principal: str | None, now: int) -> None:
        """Raises ``Malformed``: ``speaker_unknown``, ``speaker_former``, ``speaker_unclear``."""
        left = [*_parties(known, left=True)]
        every = found = [*_parties(known, left=False), *_delegations(known)] or left
        lost = [_former(one) for one in known.former]
        if principal is not None:
            found, lost = _named(principal, found), _named(principal, lost)
        if not found and lost:
            last = max(lost, key=lambda one: one.ended)
            raise Malformed("speaker_former", last.told, subject=last.party)
        if not found and principal is not None:
            signs = f"{principal}; it signs for:{_listed(every)}" if every else principal
            raise Malformed("speaker_unknown", signs)
        if principal is not None and len({one.party for one in found} | {one.party for one in lost}) > 1:
            raise Malformed("speaker_unclear", f"several parties have the name {principal}:{_listed([*found, *lost])}")
        itself = [one for one in found if one.speaker == own]
        running = [one for one in found if not one.ended(now)]
        self.chosen: str | None = None
        self._own = own
        self._found = itself if itself and principal is None else running or found
        self._tells = principal is None or not _is_id(principal)
        over = [one for one in (*every, *left) if one not in self._found and (one in left or one.ended(now))]
        self._lost = [] if itself or principal is not None else [*lost, *map(_over, over)]

    @property
    def did(self) -> str:
        """The DID of whose acts are signed, where that is clear whatever is signed. Raises ``Malformed``."""
        dids = {one.speaker.iss for one in self._found} or {self._own.iss}
        if len(dids) > 1:
            return self.speaker().iss
        for one in self._found:
            self._check_asked(one)
        return dids.pop()

    def speaker(self, kind: str | None = None, touched: Set[str] = frozenset()) -> Speaker:
        """As whom an act of a kind is signed, which touches these subjects beside the party itself.

        Raises ``Malformed`` (``speaker_unclear``, ``speaker_former``), and ``Refused`` as the rules would of each of
        several delegations.
        """
        found, self.chosen = self._found, None
        if kind in KINDS and len(found) > 1:
            found = [one for one in found if one.covers(kind)]
            if not found:
                raise Refused("kind_not_delegated", f"none of these covers {kind}:{_listed(self._found)}")
            reaching = [one for one in found if one.reaches(kind, touched)]
            if not reaching:
                raise Refused("subject_not_delegated", f"{', '.join(sorted(touched))}, by none of:{_listed(found)}")
            found = reaching
        if len(found) > 1:
            raise Malformed("speaker_unclear", f"it could sign for any of these:{_listed(found)}")
        if not found:
            return self._own
        (one,) = found
        self._check_asked(one)
        if self._tells and (one.delegation is not None or len(self._found) > 1):
            self.chosen = one.told
        return one.speaker

    def _check_asked(self, voice: Voice) -> None:
        """Nobody else is signed for in place of a party that the key signed for once. Raises ``Malformed``."""
        others = [one for one in self._lost if one.party != voice.party]
        if others:
            last = max(others, key=lambda one: one.ended)
            instead = f"if that is meant, sign for {voice.told}: CADASTRE_FOR={voice.delegation or voice.party}"
            raise Malformed("speaker_former", f"{last.told}; {instead}", subject=last.party)


def _parties(known: Key, *, left: bool) -> Iterable[Voice]:
    for one in known.parties:
        if one.left == left:  # what left is said by the rules, where there is nothing else
            ids = _ids(one.party, one.did)
            yield Voice(Speaker(one.did, one.did), one.party, one.name, ids, _told(one.party, one.name))


def _delegations(known: Key) -> Iterable[Voice]:
    for one in known.delegations:
        yield Voice(
            Speaker(one.did, one.to, one.via),
            one.party,
            one.name,
            _ids(one.party, one.did, one.delegation, one.via),
            f"{_told(one.party, one.name)}, under {one.delegation}: "
            f"{', '.join(one.kinds)}{' on ' + ', '.join(one.subjects) if one.subjects else ''}"
            f", until {format_instant(one.until)}",
            one.delegation,
            one.kinds,
            None if one.subjects is None else frozenset(one.subjects),
            one.until,
        )


def _former(one: Former) -> Lost:
    return Lost(one.party, one.name, _ids(one.party, one.did, one.delegation), _told_former(one), one.ended)


def _over(voice: Voice) -> Lost:
    """What was ended by time, or by a party that left."""
    why = "which is over" if voice.delegation else "which left"
    return Lost(voice.party, voice.name, voice.ids, f"it signed for {voice.told}, {why}")


W = TypeVar("W", Voice, Lost)


def _named(principal: str, ways: Iterable[W]) -> list[W]:
    """Those that a principal names; by the name of a party only where it is not spelled as what is nobody's to take."""
    by_name = not _is_id(principal)
    return [one for one in ways if principal in one.ids or (by_name and principal == one.name)]


def _is_id(principal: str) -> bool:
    """Whether it is spelled as a party's or delegation's id, a DID or a ``via``, or begins as the first three do."""
    return principal.startswith(("party_", "delegation_", "did:")) or is_of("digest", principal)


def _ids(*ids: str | None) -> Set[str]:
    return frozenset(one for one in ids if one is not None)


def _told(party: str, name: str | None) -> str:
    return party if name is None else f"{party} ({name})"


def _listed(ways: Sequence[Voice | Lost]) -> str:
    return "".join(f"\n  {one.told}" for one in ways)


def _told_former(one: Former) -> str:
    """Which key stopped speaking for whom, at which entry, and through what that party speaks."""
    party = _told(one.party, one.name)
    if one.delegation is not None:
        return f"{one.delegation}, under which it acted for {party}, was revoked by entry {one.ended}"
    why = ", declared compromised" if one.compromised else ""
    keys = ", ".join(one.keys[:3]) + (", …" if len(one.keys) > 3 else "")
    by = "" if one.did.startswith("did:key:") else f" by {keys}"
    return f"it stopped speaking for {party} at entry {one.ended}{why}; the party speaks through {one.did}{by}"
