"""Putting a pack together: which entries belong to the one it is about, and which private values go along.

1. The charter, and each amendment of it.
2. The entry, and of its subject every entry that touched it, before and after.
3. Of the other subjects it opened or pins, every act that advanced them.
4. Of each signer in it, every act up to their last one in it that advanced their party, or changed by which keys it
   speaks: as whom they joined, how they rotated, were succeeded or recovered (with the opening of that recovery).
5. Of each delegation under which an act in it was done, that by which it was given, and so on up its chain.
6. As far as there is room: what came later of these parties and delegations. Nobody makes a pack impossible by how
   their keys change after their last act in it: of a party for whose later acts there is no room, those up to one that
   declares a key compromised are taken, the last for which there is room, and recoveries, which begin anew.

A party, the charter and the state are touched by more than anybody could read, a delegation by all that is done under
it: of these, what advanced them. Private values stay behind unless they are asked for one by one or all together: a
pack travels.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from identity import disclosure
from identity.jws import parse
from ledger.circulation.charter import LedgerOpened
from ledger.circulation.party import PartyRotated, PartySucceeded
from ledger.circulation.recovery import RecoveryCompleted
from ledger.errors import Absent, Corrupt, Unavailable, declare
from ledger.log.chain import parse_entry
from ledger.pack import judge
from ledger.pack.data import PIECES_MAX, Pack, Piece
from ledger.pack.evidence import Evidence, size_of
from ledger.statement import Statement, read
from ledger.values import type_of

assert judge  # imported for its codes

declare(
    "service",
    pack_too_long=(
        f"a pack holds at most {PIECES_MAX} entries",
        "leave the history out: --no-history, or export a bundle: cadastre export SOURCE BUNDLE",
    ),
)

CROWDED = frozenset({"party", "delegation", "ledger", "state"})
"""Types of subjects of which only the acts that advanced them are taken."""

Turn = PartyRotated | PartySucceeded | RecoveryCompleted
"""Acts by which a party comes to speak by other keys; each can declare former ones compromised."""

Shown = Callable[[int, str], bool]
"""Whether a private field, by index and pointer within the body, is to be shown."""


def gather(
    evidence: Evidence,
    index: int,
    *,
    history: bool = True,
    shown: Shown = lambda _index, _pointer: False,
    held: Collection[str] = (),
    policy: str | None = None,
    known: Sequence[bytes] = (),
) -> Pack:
    """The pack of an entry. ``held``: disclosures that the asker has, and wants to show where they fit.

    Raises ``Absent`` for an index beyond the checkpoint, ``Unavailable`` (``pack_too_long``), and what the evidence
    raises. Judges nothing: a pack of forged evidence comes out forged.
    """
    size = size_of(evidence.checkpoint)
    if not 0 <= index < size:
        raise Absent("entry_absent", f"entry {index} of {size}", index=index)
    found = _Found(evidence, size)
    charter = found.statement(0)
    if not isinstance(charter.body, LedgerOpened):
        raise Corrupt("store_corrupt", "entry 0 is no charter", index=0)
    about = found.statement(index)
    subjects = _subjects_of(about) if history else []
    found.follow(charter.opened["ledger"])
    for subject in subjects:
        found.follow(subject)
    if subjects and type_of(subjects[0]) not in CROWDED:
        for touching in evidence.touched(subjects[0], PIECES_MAX + 1):
            found.statement(touching)
    found.follow_signers()
    found.follow_on()
    origin = parse_entry(found.entries[0]).origin
    pieces = tuple(_piece(evidence, at, found.entries[at], shown, held) for at in sorted(found.entries))
    return Pack(origin, index, tuple(subjects), evidence.checkpoint, pieces, tuple(known), policy)


class _Found:
    """The entries found so far."""

    def __init__(self, evidence: Evidence, size: int) -> None:
        self.entries: dict[int, bytes] = {}
        self._size = size
        self._evidence = evidence
        self._looked: dict[int, tuple[bytes, Statement]] = {}  # at entries, not all of which are in the pack
        self._fresh: list[int] = []  # in the pack, but not yet what they rest on
        self._told: dict[str, int] = {}  # party or delegation -> the index up to which all its acts are in the pack
        self._acts: dict[str, list[int]] = {}
        self._parties: dict[str, str | None] = {}  # by DID

    def statement(self, index: int) -> Statement:
        """The statement of an entry, which from here on is in the pack."""
        if index not in self.entries:
            if len(self.entries) == PIECES_MAX:
                raise Unavailable("pack_too_long")
            self.entries[index] = self._look(index)[0]
            self._fresh.append(index)
        return self._look(index)[1]

    def follow(self, subject: str) -> None:
        """Take every act that advanced a subject, the latest first. Raises what ``_advancing`` raises."""
        for index in self._advancing(subject):
            self.statement(index)
        if type_of(subject) in ("party", "delegation"):
            self._told.setdefault(subject, -1)

    def follow_signers(self) -> None:
        """Take what lets each signer speak for whom they do, and so on until nothing is missing."""
        while self._fresh:
            index = self._fresh.pop()
            for subject, last in self._rests_on(self._look(index)[1], index):
                self._tell(subject, last)

    def follow_on(self) -> None:
        """Take what came of parties and delegations later, as far as there is room: of those with least first."""
        asked: set[str] = set()
        while waiting := self._told.keys() - asked:
            asked |= waiting
            for subject in sorted(waiting, key=lambda one: (len(self._missing(one)), one)):
                later = self._missing(subject)
                if not self._fits(later):
                    self._take_alarms(later)

    def _look(self, index: int) -> tuple[bytes, Statement]:
        if index not in self._looked:
            data = self._evidence.entry(index)
            self._looked[index] = data, read(parse(parse_entry(data).statement))
        return self._looked[index]

    def _advancing(self, subject: str) -> Iterator[int]:
        """Each act that advanced a subject: it pins the one before, to the one that opened it.

        Raises ``Corrupt`` (``pack_misplaced``) for evidence that leads elsewhere than down, which might have no end.
        """
        id_: str | None = self._evidence.last(subject)
        before = self._size
        while id_ is not None:
            index = self._evidence.index_of(id_)
            if not 0 <= index < before:
                raise Corrupt("pack_misplaced", f"{id_} is said to stand there, not before {before}", index=index)
            statement = self._look(index)[1]
            if statement.id != id_:
                raise Corrupt("pack_misplaced", f"not {id_}, which is said to stand there", index=index)
            yield index
            id_, before = statement.claims.prev.get(subject), index

    def _acts_of(self, subject: str) -> list[int]:
        """What advanced a subject, or changed who speaks for it, by index."""
        if subject not in self._acts:
            turns = self._evidence.turns(subject) if type_of(subject) in ("party", "delegation") else ()
            self._acts[subject] = sorted({*self._advancing(subject), *turns})
        return self._acts[subject]

    def _tell(self, subject: str, last: int) -> None:
        """Take the acts of a subject up to an index."""
        acts, told = self._acts_of(subject), self._told.get(subject, -1)
        for index in acts[bisect_right(acts, told) : bisect_right(acts, last)]:
            self.statement(index)
        self._told[subject] = max(told, last)

    def _missing(self, subject: str) -> list[int]:
        return [index for index in self._acts_of(subject) if index not in self.entries]

    def _fits(self, indexes: Sequence[int]) -> bool:
        """Take these and what they rest on, if there is room for all of it."""
        if len(self.entries) + len(indexes) > PIECES_MAX:
            return False
        entries, told = dict(self.entries), dict(self._told)
        try:
            for index in indexes:
                self.statement(index)
            self.follow_signers()
        except Unavailable as full:
            if full.code != "pack_too_long":
                raise
            self.entries, self._told = entries, told
            self._fresh.clear()
            return False
        return True

    def _take_alarms(self, later: Sequence[int]) -> None:
        """Of the later acts of a party, take what makes earlier ones doubtful, as far as there is room.

        The lines of a log are without a gap in a pack, but for those before a recovery, which begins another.
        """
        bodies = ((index, self._look(index)[1].body) for index in later)
        turns = {index: body for index, body in bodies if isinstance(body, Turn)}
        within = list(turns)[: PIECES_MAX - len(self.entries)]
        ends = [place for place, index in enumerate(within, 1) if turns[index].compromised]
        while ends and not self._fits(within[: ends[-1]]):
            del ends[len(ends) // 2 :]
        for index, body in turns.items():
            if isinstance(body, RecoveryCompleted):
                self._fits([index])

    def _rests_on(self, statement: Statement, index: int) -> Iterator[tuple[str, int]]:
        """The subjects that say whose act this is, each with the index up to which their acts have to be known."""
        body, claims = statement.body, statement.claims
        if body.SIGNER in ("party", "controller"):
            known = self._party(claims.iss)
            yield self._evidence.party(claims.iss) if known is None else known, index
        if isinstance(body, RecoveryCompleted):
            yield body.party, self._acts_of(body.party)[0]
            yield str(claims.sub), index
        if (delegation := statement.delegation()) is not None:
            yield delegation, index
            if (party := self._party(statement.key[0])) is not None:
                yield party, index

    def _party(self, did: str) -> str | None:
        """The party that a DID speaks for, None if nobody joined so up to the checkpoint."""
        if did not in self._parties:
            try:
                party = self._evidence.party(did)
                self._evidence.last(party)
            except Absent:
                self._parties[did] = None
            else:
                self._parties[did] = party
        return self._parties[did]


def _subjects_of(statement: Statement) -> list[str]:
    """The subjects of an act, the one it is about first."""
    sub = statement.claims.sub
    named = [*([sub] if sub is not None else []), *statement.opened.values(), *sorted(statement.claims.prev)]
    return list(dict.fromkeys(named))


def _piece(evidence: Evidence, index: int, data: bytes, shown: Shown, held: Collection[str]) -> Piece:
    signed = parse(parse_entry(data).statement)
    hides = b'"_sd"' in signed.payload
    chosen = _disclosed(evidence, index, signed.claims["body"], shown, held) if hides else ()
    return Piece(data, tuple(evidence.proof(index)), tuple(chosen))


def _disclosed(
    evidence: Evidence, index: int, body: Mapping[str, Any], shown: Shown, held: Collection[str]
) -> Iterator[str]:
    fields = disclosure.hidden(dict(body), pointer="")
    kept = {disclosure.digest(one): one for one in evidence.disclosures(index)}
    own = {disclosure.digest(one): one for one in held}
    for name, pointer in fields.items():
        if name in own:
            yield own[name]
        elif name in kept and shown(index, pointer):
            yield kept[name]
