"""The reading side: proofs, state at any size, history and search, from a store and what its ledger has signed.

Everything is shown as of a signed checkpoint, never more than what was signed. Reads hold no lock and may run in any
thread, beside the writer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from ledger.errors import Absent, declare
from ledger.log import merkle, tile
from ledger.log.checkpoint import SignedHead
from ledger.log.receipt import Receipt, format_receipt
from ledger.store import Store, read_entry, read_tile
from ledger.words import words_asked
from ledger.world import Subject

TILES = 1_024  # hashed up and kept in memory: 35 kB each, and enough for the proofs of 260,000 entries

declare(
    "absent",
    entry_absent=("the ledger has no entry with this index", "ask for an index below its size, that of its checkpoint"),
    statement_absent=("the ledger has no such statement", "send it, or check its id: SHA-256 of header.payload"),
    subject_absent=("the ledger has no such subject at this size", "check the id: cadastre search, cadastre show ID"),
    size_absent=("the ledger has not signed for this size", "ask for a size up to that of its checkpoint"),
)


@dataclass(frozen=True, slots=True)
class Consistency:
    """The proof that the tree at size ``old`` is a prefix of that at size ``new`` (RFC 6962 section 2.1.2)."""

    old: int
    new: int
    hashes: list[bytes]


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the subjects found, latest first. ``before`` asks for the next page; None after the last."""

    subjects: list[Subject]
    before: int | None


class Reader:
    """Reads one ledger. ``head`` gives what the writer signed last; it may be called from any thread.

    ``cosigned`` likewise gives a head that witnesses have seen, if there is one: what it covers is proven against it.
    """

    def __init__(
        self, store: Store, head: Callable[[], SignedHead], cosigned: Callable[[], SignedHead | None] = lambda: None
    ) -> None:
        self.store = store
        self.head = head
        self._cosigned = cosigned
        self._rows = tile.hashed(partial(read_tile, store), TILES)

    # -- entries and proofs ----------------------------------------------------------------------------------

    def entry(self, index: int) -> bytes:
        """The bytes of an entry the ledger has signed for. Raises ``Absent``."""
        return self._entry(index, self.head().size)

    def entries(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes of entries start..stop-1, as far as the ledger has signed."""
        return self.store.entries(start, min(stop, self.head().size))

    def index_of(self, statement: bytes) -> int:
        """The index of the entry that holds the statement of this id (32 bytes). Raises ``Absent``."""
        index = self.store.indexes([statement]).get(statement)
        if index is None or index >= self.head().size:
            raise Absent("statement_absent")
        return index

    def checkpoint(self) -> bytes:
        """The present checkpoint, with its cosignatures if it has any."""
        head, cosigned = self.head(), self._cosigned()
        return cosigned.checkpoint if cosigned is not None and cosigned.size == head.size else head.checkpoint

    def receipt(self, index: int) -> bytes:
        """The receipt of an entry against the last checkpoint that witnesses have seen, or the present one.

        So a receipt that was given at once comes with cosignatures when it is asked for later. Raises ``Absent``. Cost:
        a few tile reads.
        """
        head, cosigned = self.head(), self._cosigned()
        if cosigned is not None and 0 <= index < cosigned.size:
            head = cosigned
        data = self._entry(index, head.size)
        proof = merkle.inclusion_proof(index, head.size, self._nodes(head.size))
        return format_receipt(Receipt(data, index, proof, head.checkpoint))

    def receipts(self, indexes: Sequence[int]) -> list[Receipt]:
        """Receipts of several entries, all against one checkpoint. Raises ``Absent``."""
        head, cosigned = self.head(), self._cosigned()
        if cosigned is not None and max(indexes) < cosigned.size:
            head = cosigned
        nodes = self._nodes(head.size)
        return [
            Receipt(
                self._entry(index, head.size),
                index,
                merkle.inclusion_proof(index, head.size, nodes),
                head.checkpoint,
            )
            for index in indexes
        ]

    def root_at(self, size: int) -> bytes:
        """The root of the tree at a signed size or a smaller one."""
        return merkle.root_at(size, self._nodes(self.head().size))

    def consistency(self, old: int, new: int) -> Consistency:
        """The proof that size ``old`` extends to size ``new``. Raises ``Absent``."""
        size = self.head().size
        if not 0 <= old <= new <= size:
            raise Absent("size_absent", f"sizes 0 <= {old} <= {new} <= {size} are needed")
        return Consistency(old, new, merkle.consistency_proof(old, new, self._nodes(size)))

    # -- subjects --------------------------------------------------------------------------------------------

    def subject(self, subject_id: str, size: int | None = None) -> Subject:
        """The subject as it stands, or as it stood when the ledger had ``size`` entries. Raises ``Absent``."""
        signed = self.head().size
        at = signed if size is None else size
        if not 0 <= at <= signed:
            raise Absent("size_absent", f"the ledger has {signed} entries")
        found = self.store.subject_at(subject_id, at)
        if found is None:
            raise Absent("subject_absent", f"{subject_id} at size {at}", subject=subject_id)
        return found

    def subjects(self, after: int, limit: int) -> list[Subject]:
        """Up to ``limit`` subjects whose number is greater than ``after``, in order of number."""
        size = self.head().size
        return self._signed(self.store.listing(after, limit), size)

    def history(self, subject_id: str, before: int | None, limit: int) -> list[int]:
        """Indexes of entries that touched the subject, latest first. Raises ``Absent``."""
        size = self.head().size
        if self.store.subject_at(subject_id, size) is None:
            raise Absent("subject_absent", f"{subject_id} at size {size}", subject=subject_id)
        return self.store.history(subject_id, size if before is None else min(before, size), limit)

    def search(
        self, types: Sequence[str], query: str, keys: Sequence[tuple[str, str]], before: int, limit: int
    ) -> Page:
        """Subjects that have all words and keys, latest first; ``before`` is a cursor (``Subject.no``)."""
        size = self.head().size
        found = self.store.search(types, words_asked(query), keys, before, limit)
        return Page(self._signed(found, size), found[-1].no if len(found) == limit else None)

    def listed(self, type_: str, name: str, value: str, limit: int) -> list[Subject]:
        """Up to ``limit`` subjects of a type that are listed under a key, latest first."""
        return self.search([type_], "", [(name, value)], 2**53, limit).subjects

    def find(self, name: str, value: str) -> str:
        """The id of the one subject listed under a unique key, say ("did", DID). Raises ``Absent``."""
        found = self.store.lookup([(name, value)]).get((name, value))
        if found is None:
            raise Absent("subject_absent", f"nothing is listed under {name} {value}")
        return found

    # -- within ----------------------------------------------------------------------------------------------

    def _entry(self, index: int, size: int) -> bytes:
        if not 0 <= index < size:
            raise Absent("entry_absent", f"entry {index} of {size}", index=index)
        return read_entry(self.store, index)

    def _signed(self, subjects: Iterable[Subject], size: int) -> list[Subject]:
        """These subjects as of the signed size: a batch is in the store a moment before its checkpoint is signed."""
        at_size = (subject if subject.index < size else self.store.subject_at(subject.id, size) for subject in subjects)
        return [subject for subject in at_size if subject is not None]

    def _nodes(self, size: int) -> merkle.Nodes:
        return tile.nodes_from_rows(self._rows, size)
