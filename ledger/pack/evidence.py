"""What a pack is put together from: a ledger at the size of one checkpoint, asked for single entries and proofs.

:class:`StoreEvidence` asks a store, :class:`ScanEvidence` a source that can only be read from beginning to end (a
bundle, a published log). What answers for a service over HTTP is made where the network is (``scripts.pack``). None
of them is believed: the pack is judged before it is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

import ledger.read
from identity.canonical import b64decode
from identity.jws import parse
from identity.note import parse_note
from ledger.audit.source import Source
from ledger.audit.tree import Tree
from ledger.circulation.party import PartyJoined
from ledger.errors import Absent, Corrupt
from ledger.log import merkle, tile
from ledger.log.chain import parse_entry
from ledger.log.checkpoint import parse_checkpoint
from ledger.statement import Statement, read
from ledger.store import Store

assert ledger.read  # imported for its codes: what is not there

V = TypeVar("V")


class Evidence(Protocol):
    """A ledger as of ``checkpoint``, which need not be its last."""

    checkpoint: bytes
    nodes: merkle.Nodes  # of its tree

    def entry(self, index: int) -> bytes:
        """The bytes of an entry. Raises ``Absent``."""

    def proof(self, index: int) -> Sequence[bytes]:
        """Its inclusion under the checkpoint."""

    def index_of(self, statement: str) -> int:
        """The index of the statement of this id. Raises ``Absent``."""

    def last(self, subject: str) -> str:
        """The id of the statement that advanced the subject last, at the checkpoint's size. Raises ``Absent``."""

    def party(self, did: str) -> str:
        """The party that speaks through a DID. Raises ``Absent``."""

    def touched(self, subject: str, most: int) -> Sequence[int]:
        """Indexes below the checkpoint's size of entries that touched the subject: at most so many, the latest."""

    def disclosures(self, index: int) -> Sequence[str]:
        """The disclosures kept beside an entry, none where they are not for the asker."""


def root_at(evidence: Evidence, size: int) -> bytes:
    """The root that the tree of the evidence's checkpoint had at a size up to its own, proven to be that.

    Raises ``Unverifiable`` (``proof_wrong``) where the nodes are not those of that tree.
    """
    signed = parse_checkpoint(parse_note(evidence.checkpoint).text)
    root = merkle.root_at(size, evidence.nodes)
    proof = merkle.consistency_proof(size, signed.size, evidence.nodes)
    merkle.check_consistency(size, signed.size, root, signed.root, proof)
    return root


def size_of(checkpoint: bytes) -> int:
    """The size that a checkpoint's note says. Raises ``Malformed``."""
    return parse_checkpoint(parse_note(checkpoint).text).size


class StoreEvidence(Evidence):
    """A store, with leave to see what is in it."""

    def __init__(self, store: Store, checkpoint: bytes) -> None:
        self.checkpoint = checkpoint
        self._store = store
        self._size = size_of(checkpoint)
        self.nodes = tile.nodes_from_tiles(self._tile, self._size)

    def entry(self, index: int) -> bytes:
        found = self._store.entry(index) if 0 <= index < self._size else None
        if found is None:
            raise Absent("entry_absent", f"entry {index} of {self._size}", index=index)
        return found

    def proof(self, index: int) -> Sequence[bytes]:
        return merkle.inclusion_proof(index, self._size, self.nodes)

    def index_of(self, statement: str) -> int:
        raw = b64decode(statement)
        found = self._store.indexes([raw]).get(raw)
        if found is None:
            raise Absent("statement_absent", statement)
        return found

    def last(self, subject: str) -> str:
        found = self._store.subject_at(subject, self._size)
        if found is None:
            raise Absent("subject_absent", f"{subject} at size {self._size}", subject=subject)
        return found.last

    def party(self, did: str) -> str:
        found = self._store.lookup([("did", did)]).get(("did", did))
        if found is None:
            raise Absent("subject_absent", f"nobody joined as {did}")
        return found

    def touched(self, subject: str, most: int) -> Sequence[int]:
        return self._store.history(subject, self._size, most)

    def disclosures(self, index: int) -> Sequence[str]:
        return self._store.disclosures(index)

    def _tile(self, wanted: tile.Tile) -> bytes:
        found = self._store.tile(wanted.level, wanted.index)
        if found is None:
            raise Corrupt("store_corrupt", f"tile {wanted.level}/{wanted.index} is missing")
        return found


class ScanEvidence(Evidence):
    """A source read once from beginning to end; it has no disclosures. Cost: some 60 µs and 500 bytes an entry."""

    def __init__(self, source: Source) -> None:
        """Raises what reading the source raises; whether its entries hold is for the judgement of the pack."""
        assert source.checkpoint is not None
        self.checkpoint = source.checkpoint
        self._source = source
        self._size = size_of(self.checkpoint)
        self._ids: dict[str, int] = {}
        self._parties: dict[str, str] = {}
        self._touched: dict[str, list[int]] = {}
        self._last: dict[str, str] = {}
        leaves: list[bytes] = []
        for chunk in source.chunks():
            for data in chunk.entries[: max(0, self._size - len(leaves))]:
                self._take(read(parse(parse_entry(data).statement)), len(leaves))
                leaves.append(merkle.leaf_hash(data))
        if len(leaves) != self._size:
            raise Corrupt("entry_missing", f"{len(leaves)} of {self._size} are there", index=len(leaves))
        self.nodes = Tree(leaves).nodes

    def entry(self, index: int) -> bytes:
        found = self._source.entry(index) if 0 <= index < self._size else None
        if found is None:
            raise Absent("entry_absent", f"entry {index} of {self._size}", index=index)
        return found

    def proof(self, index: int) -> Sequence[bytes]:
        return merkle.inclusion_proof(index, self._size, self.nodes)

    def index_of(self, statement: str) -> int:
        return _known(self._ids, statement, "statement_absent")

    def last(self, subject: str) -> str:
        return _known(self._last, subject, "subject_absent")

    def party(self, did: str) -> str:
        return _known(self._parties, did, "subject_absent")

    def touched(self, subject: str, most: int) -> Sequence[int]:
        return self._touched.get(subject, [])[-most:]

    def disclosures(self, index: int) -> Sequence[str]:  # noqa: ARG002 - such a source has none
        return ()

    def _take(self, statement: Statement, index: int) -> None:
        claims, opened = statement.claims, statement.opened.values()
        self._ids[statement.id] = index
        if isinstance(statement.body, PartyJoined):
            self._parties[claims.iss] = statement.opened["party"]
        for subject in (*opened, *statement.touched()):
            self._touched.setdefault(subject, []).append(index)
        for subject in (*opened, *statement.body.advances(claims.sub)):
            self._last[subject] = statement.id


def _known(known: Mapping[str, V], name: str, code: str) -> V:
    if name not in known:
        raise Absent(code, name)
    return known[name]
