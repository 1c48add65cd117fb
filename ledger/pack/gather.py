"""Putting a pack together: which entries belong to the one it is about, and which private values go along.

1. The charter, and each amendment of it.
2. The entry, and of its subject every entry that touched it, before and after.
3. Of the other subjects it opened or pins, every act that advanced them.
4. Of each signer in it, every act that advanced their party, and every one that changed by which keys it speaks: as
   whom they joined, how they rotated, were succeeded or recovered (with the opening of that recovery).
5. Of each delegation under which an act in it was done, that by which it was given, the one by which it was revoked,
   if any, and so on up its chain.

A party, the charter and the state are touched by more than anybody could read, a delegation by all that is done under
it: of these, what advanced them. Private
values stay behind unless they are asked for one by one or all together: a pack travels.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from identity import disclosure
from identity.jws import parse
from ledger.circulation.charter import LedgerOpened
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
    origin = parse_entry(found.entries[0]).origin
    pieces = tuple(_piece(evidence, at, found.entries[at], shown, held) for at in sorted(found.entries))
    return Pack(origin, index, tuple(subjects), evidence.checkpoint, pieces, tuple(known), policy)


class _Found:
    """The entries found so far."""

    def __init__(self, evidence: Evidence, size: int) -> None:
        self.entries: dict[int, bytes] = {}
        self._size = size
        self._evidence = evidence
        self._statements: dict[int, Statement] = {}
        self._parties: dict[str, str | None] = {}  # by DID

    def statement(self, index: int) -> Statement:
        """The statement of an entry, which from here on is in the pack."""
        if index not in self._statements:
            if len(self.entries) == PIECES_MAX:
                raise Unavailable("pack_too_long")
            self.entries[index] = self._evidence.entry(index)
            self._statements[index] = read(parse(parse_entry(self.entries[index]).statement))
        return self._statements[index]

    def follow(self, subject: str) -> None:
        """Take every act that advanced a subject: each pins the one before, to the one that opened it.

        Raises ``Corrupt`` (``pack_misplaced``) for evidence that leads elsewhere than down, which might have no end.
        """
        id_: str | None = self._evidence.last(subject)
        before = self._size
        while id_ is not None:
            index = self._evidence.index_of(id_)
            if not 0 <= index < before:
                raise Corrupt("pack_misplaced", f"{id_} is said to stand there, not before {before}", index=index)
            statement = self.statement(index)
            if statement.id != id_:
                raise Corrupt("pack_misplaced", f"not {id_}, which is said to stand there", index=index)
            id_, before = statement.claims.prev.get(subject), index
        if type_of(subject) in ("party", "delegation"):
            for index in self._evidence.turns(subject):
                self.statement(index)

    def follow_signers(self) -> None:
        """Take what lets each signer speak for whom they do, and so on until nothing is missing."""
        known: set[str] = set()
        while missing := {name for one in self._statements.values() for name in self._rests_on(one)} - known:
            for subject in sorted(missing):
                self.follow(subject)
            known |= missing

    def _rests_on(self, statement: Statement) -> Iterator[str]:
        """The subjects that say whose act this is."""
        body, claims = statement.body, statement.claims
        if body.SIGNER in ("party", "controller"):
            yield self._evidence.party(claims.iss) if (known := self._party(claims.iss)) is None else known
        if isinstance(body, RecoveryCompleted):
            yield body.party
            yield str(claims.sub)
        if (delegation := statement.delegation()) is not None:
            yield delegation
            if (party := self._party(statement.key[0])) is not None:
                yield party

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
