"""Making state proofs (``ledger.log.stateproof``): from a ledger that is read, and the maps of its folder.

What is shown is as of a size that the service has committed to: the latest whose entry is signed for, or one that is
asked for. Pages are kept of the latest sizes only; ``cadastre rebuild DIR --at SIZE`` makes those of an older one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import cast

from identity.canonical import b64decode
from ledger.circulation.charter import LedgerAmended
from ledger.circulation.state import Committed, StateCommitted
from ledger.errors import Absent, Corrupt, Malformed, declare
from ledger.log.chain import parse_entry
from ledger.log.map import MapProof, lookup_key, member_id, subject_key
from ledger.log.page import MapTree
from ledger.log.receipt import Receipt
from ledger.log.stateproof import Listing, Missing, Shown, Standing, StateProof, format_state_proof
from ledger.read import Reader
from ledger.statemap import lookups_proven
from ledger.statement import Statement, accept
from ledger.store.map import Shelf
from ledger.values import is_of, type_of
from ledger.world import STATES

MEMBERS_MAX = 20_000  # of a list that is proven over HTTP: less than a megabyte
_WINDOWS = (64, 4_096, 2**53)  # entries after a size in which its commitment is looked for

declare(
    "absent",
    state_uncommitted=(
        "the service has committed to no state yet",
        "ask again later; GET /metrics has cadastre_committed_entries",
    ),
    size_uncommitted=("the service has not committed to this size", "leave the size out, or take one of a commitment"),
)
declare(
    "malformed",
    subject_id_malformed=("this is not spelt as the id of a subject", "check the id: cadastre search, cadastre show"),
    lookup_value_malformed=(
        "this is not spelt as what the look-up lists by",
        "check it: cadastre show ID; a DID will do where parties are looked up",
    ),
    lookup_unproven=("no list is proven under this look-up", "take one of those the detail names"),
    list_too_long=("the list is too long for one answer", "prove it from the folder: cadastre prove ID --from DIR"),
)


@dataclass(frozen=True, slots=True)
class Commitment:
    """A commitment: its entry's index, the size and the root it is of."""

    index: int
    size: int
    root: bytes


class Prover:
    """Makes proofs. Any thread may ask."""

    def __init__(self, reader: Reader, shelf: Shelf) -> None:
        self._reader = reader
        self._shelf = shelf
        opened = accept(parse_entry(reader.entry(0)).statement).opened
        self._ledger, self._state = opened["ledger"], opened["state"]
        self._amended: tuple[int, list[int]] = -1, []  # the charter's index, and the amendments of its service key
        self._last: tuple[bytes, Commitment, list[Receipt]] | None = None  # what was proven last, by the checkpoint

    def file(self, what: str, lookup: str | None = None, at: int | None = None, most: int | None = None) -> bytes:
        """The file of a subject, or with a look-up of the list under it."""
        return self.subject(what, at) if lookup is None else self.listing(lookup, what, at, most)

    def subject(self, subject_id: str, at: int | None = None) -> bytes:
        """The file that proves a subject as it stood at a committed size, or that there was none.

        A DID stands for the party that speaks through it. Raises ``Malformed`` (``subject_id_malformed``), ``Absent``
        (``state_uncommitted``, ``size_uncommitted``, ``map_root_absent``; ``subject_absent`` for a DID). Cost: a
        millisecond or two.
        """
        subject_id = self._named(subject_id)
        if type_of(subject_id) not in STATES:
            raise Malformed("subject_id_malformed", subject_id[:100])
        commitment, receipts = self._founded(at)
        proof = self._shelf.use(
            commitment.size, commitment.root, lambda tree: tree.prove(commitment.root, subject_key(subject_id))
        )
        found = self._reader.store.subject_at(subject_id, commitment.size)
        shown: Shown = Missing(subject_id)
        if found is not None:
            shown = Standing(subject_id, found.index, found.last, found.state.encode())
        return format_state_proof(StateProof(shown, proof, receipts))

    def listing(self, lookup: str, value: str, at: int | None = None, most: int | None = None) -> bytes:
        """The file that proves all subjects under a look-up, spelt TYPE.NAME; at most so many.

        Where it lists by party, a DID stands for one. Raises what ``subject`` does, ``Malformed`` (``lookup_unproven``,
        ``lookup_value_malformed``, ``list_too_long``).
        """
        form = lookups_proven().get(lookup)
        if form is None:
            raise Malformed("lookup_unproven", f"{lookup[:100]} is none of {', '.join(lookups_proven())}")
        if form == "party":
            value = self._named(value)
        if not is_of(form, value):
            raise Malformed("lookup_value_malformed", f"{lookup} lists by {form}, and {value[:100]!a} is none")
        type_, _, name = lookup.partition(".")
        commitment, receipts = self._founded(at)
        key = lookup_key(type_, name, value)

        def read(tree: MapTree) -> tuple[tuple[str, ...], MapProof]:
            listed = tree.get(commitment.root, key)
            members = iter(()) if listed is None else tree.items(listed)
            some = islice(members, None if most is None else most + 1)
            return tuple(sorted(_member(type_, found) for _, found in some)), tree.prove(commitment.root, key)

        ids, proof = self._shelf.use(commitment.size, commitment.root, read)
        if most is not None and len(ids) > most:
            raise Malformed("list_too_long", f"more than {most} of type {type_} with {name}={value[:100]}")
        shown = Listing(type_, name, value, ids)
        return format_state_proof(StateProof(shown, proof, receipts))

    def _named(self, value: str) -> str:
        """The party's id for a DID that is spelt as one. Raises ``Absent`` (``subject_absent``)."""
        return self._reader.find("did", value) if is_of("did", value) else value

    def _founded(self, at: int | None) -> tuple[Commitment, list[Receipt]]:
        """The commitment to a size, and what proves it; at hand as long as nothing else is signed."""
        checkpoint, last = self._reader.checkpoint(), self._last
        if last is not None and last[0] == checkpoint and at in (None, last[1].size):
            return last[1:]
        commitment = self.commitment(at)
        receipts = self._receipts(commitment)
        if at is None:
            self._last = checkpoint, commitment, receipts
        return commitment, receipts

    def commitment(self, at: int | None = None) -> Commitment:
        """The latest commitment that is signed for, or that to a size. Raises ``Absent``."""
        found = self._reader.subject(self._state)
        last = cast(Committed, found.state)
        if last.root is None:
            raise Absent("state_uncommitted")
        if at is None or at == last.size:
            return Commitment(found.index, last.size, b64decode(last.root))
        for window in _WINDOWS:
            for index, body in self._commitments(at, at + window):
                if body.size == at:
                    return Commitment(index, at, b64decode(body.root))
                if body.size > at:
                    raise Absent("size_uncommitted", f"{at}; the one after is {body.size}")
        raise Absent("size_uncommitted", f"{at}; the last is {last.size}")

    def _commitments(self, start: int, stop: int) -> Iterator[tuple[int, StateCommitted]]:
        """The commitments among entries start..stop-1, in order."""
        for index in reversed(self._touching(self._state, start, stop)):
            body = self._statement(index).body
            if isinstance(body, StateCommitted):
                yield index, body

    def _receipts(self, commitment: Commitment) -> list[Receipt]:
        charter = self._reader.subject(self._ledger).index
        known, amendments = self._amended
        if known != charter:
            amendments = [index for index in reversed(self._touching(self._ledger, 1, 2**53)) if self._replaces(index)]
            self._amended = charter, amendments
        before = [index for index in amendments if index < commitment.index]
        return self._reader.receipts([commitment.index, 0, *before])

    def _replaces(self, index: int) -> bool:
        body = self._statement(index).body
        return isinstance(body, LedgerAmended) and body.service is not None

    def _touching(self, subject_id: str, start: int, stop: int) -> list[int]:
        """Indexes start..stop-1 of entries that touched a subject, latest first."""
        found: list[int] = []
        while page := self._reader.history(subject_id, found[-1] if found else stop, 1_000):
            found += page
            if page[-1] < start:
                break
        return [index for index in found if index >= start]

    def _statement(self, index: int) -> Statement:
        return accept(parse_entry(self._reader.entry(index)).statement)


def _member(type_: str, value: bytes) -> str:
    """The id of a member. Raises ``Corrupt`` (``map_page_corrupt``) if it is none."""
    try:
        found = member_id(type_, value)
    except UnicodeDecodeError:
        found = ""
    if type_of(found) != type_:
        raise Corrupt("map_page_corrupt", f"{value.hex()} is no member of a list of type {type_}")
    return found
