"""What a pack is put together from: a ledger at the size of one checkpoint, asked for single entries and proofs.

:class:`StoreEvidence` asks a store, :class:`ScanEvidence` a source that can only be read from beginning to end (a
bundle, a published log). What answers for a service over HTTP is made where the network is (``scripts.pack``). None
of them is believed: the pack is judged before it is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

import ledger.read
from identity.canonical import b64decode
from identity.jws import parse
from identity.note import parse_note
from ledger.audit.source import Source
from ledger.audit.tree import Tree
from ledger.circulation.delegation import DelegationRevoked
from ledger.circulation.party import PartyJoined, PartyRotated, PartySucceeded
from ledger.circulation.recovery import RecoveryCompleted
from ledger.circulation.speaker import claimed
from ledger.erasure import kept
from ledger.errors import Absent, Corrupt
from ledger.log import merkle, tile
from ledger.log.chain import parse_entry
from ledger.log.checkpoint import parse_checkpoint
from ledger.statement import Statement, read
from ledger.store import Store, read_tile
from ledger.values import type_of

assert ledger.read  # imported for its codes: what is not there

V = TypeVar("V")


class Evidence(Protocol):
    """A ledger as of ``checkpoint``, which need not be its last."""

    checkpoint: bytes
    size: int
    nodes: merkle.Nodes  # of its tree

    def entry(self, index: int) -> bytes:
        """The bytes of an entry. Raises ``Absent``."""

    def proof(self, index: int) -> Sequence[bytes]:
        """Its inclusion under the checkpoint."""
        return merkle.inclusion_proof(index, self.size, self.nodes)

    def index_of(self, statement: str) -> int:
        """The index of the statement of this id. Raises ``Absent``."""

    def last(self, subject: str) -> str:
        """The id of the statement that advanced the subject last, at the checkpoint's size. Raises ``Absent``."""

    def party(self, did: str) -> str:
        """The party that speaks, or spoke, through a DID. Raises ``Absent``."""

    def touched(self, subject: str, most: int) -> Sequence[int]:
        """Indexes below the checkpoint's size of entries that touched the subject: at most so many, the latest."""

    def turns(self, subject: str) -> Sequence[int]:
        """Indexes of the entries by which it changed who speaks for a party, or by which a delegation was revoked."""

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


Stood = Callable[[int], tuple[int, Mapping[str, Any]]]
"""How a subject stood at a size: the entry that changed it last, and its state."""


def turns_of(subject: str, stood: Stood, size: int) -> list[int]:
    """``Evidence.turns``, for whoever has the states of subjects.

    A party's state names the last entry that holds lines of its log, the state before that the one before, and so on;
    and the entries by which its keys came and went. A recovery begins all that anew, so what was before stands in the
    state of that time.
    """
    found: set[int] = set()
    before: int | None = size
    while before is not None:
        index, state = stood(before)
        if type_of(subject) == "delegation":
            return [index] if state["status"] == "revoked" else []
        log, above = state.get("log"), size
        while log and log["entry"] < above:  # evidence that leads in circles ends
            above = log["entry"]
            found.add(above)
            log = None if log["before"] is None else stood(above)[1].get("log")
        for key in state["keys"]:
            found.update(key[name] for name in ("index", "ended") if name in key)
        recovered = state.get("recovered")
        before = recovered if recovered is not None and recovered < before else None
        found.update(() if before is None else (before,))
    return sorted(found)


class _Held(Evidence):
    """What is held here, of which entries may be missing."""

    _entries: Store | Source

    def entry(self, index: int) -> bytes:
        found = self._entries.entry(index) if 0 <= index < self.size else None
        if found is None:
            raise Absent("entry_absent", f"entry {index} of {self.size}", index=index)
        return found


class StoreEvidence(_Held):
    """A store, with leave to see what is in it."""

    def __init__(self, store: Store, checkpoint: bytes) -> None:
        self.checkpoint = checkpoint
        self.size = size_of(checkpoint)
        self._entries = self._store = store
        self.nodes = tile.nodes_from_tiles(partial(read_tile, store), self.size)

    def index_of(self, statement: str) -> int:
        raw = b64decode(statement)
        found = self._store.indexes([raw]).get(raw)
        if found is None:
            raise Absent("statement_absent", statement)
        return found

    def last(self, subject: str) -> str:
        found = self._store.subject_at(subject, self.size)
        if found is None:
            raise Absent("subject_absent", f"{subject} at size {self.size}", subject=subject)
        return found.last

    def party(self, did: str) -> str:
        found = self._store.lookup([("did", did)]).get(("did", did))
        if found is None:
            raise Absent("subject_absent", f"nobody joined as {did}")
        return found

    def touched(self, subject: str, most: int) -> Sequence[int]:
        return self._store.history(subject, self.size, most)

    def turns(self, subject: str) -> Sequence[int]:
        def stood(size: int) -> tuple[int, Mapping[str, Any]]:
            found = self._store.subject_at(subject, size)
            if found is None:
                raise Absent("subject_absent", f"{subject} at size {size}", subject=subject)
            return found.index, found.state.__dict__

        return turns_of(subject, stood, self.size)

    def disclosures(self, index: int) -> Sequence[str]:
        return kept(self._store, index)


class ScanEvidence(_Held):
    """A source read once from beginning to end; it has no disclosures. Cost: some 60 µs and 500 bytes an entry."""

    def __init__(self, source: Source) -> None:
        """Raises what reading the source raises; whether its entries hold is for the judgement of the pack."""
        assert source.checkpoint is not None
        self.checkpoint = source.checkpoint
        self.size = size_of(self.checkpoint)
        self._entries = source
        self._ids: dict[str, int] = {}
        self._parties: dict[str, str] = {}
        self._touched: dict[str, list[int]] = {}
        self._turns: dict[str, list[int]] = {}
        self._last: dict[str, str] = {}
        leaves: list[bytes] = []
        for chunk in source.chunks():
            for data in chunk.entries[: max(0, self.size - len(leaves))]:
                self._take(read(parse(parse_entry(data).statement)), len(leaves))
                leaves.append(merkle.leaf_hash(data))
        if len(leaves) != self.size:
            raise Corrupt("entry_missing", f"{len(leaves)} of {self.size} are there", index=len(leaves))
        self.nodes = Tree(leaves).nodes

    def index_of(self, statement: str) -> int:
        return _known(self._ids, statement, "statement_absent")

    def last(self, subject: str) -> str:
        return _known(self._last, subject, "subject_absent")

    def party(self, did: str) -> str:
        return _known(self._parties, did, "subject_absent")

    def touched(self, subject: str, most: int) -> Sequence[int]:
        return self._touched.get(subject, [])[-most:]

    def turns(self, subject: str) -> Sequence[int]:
        return self._turns.get(subject, [])

    def disclosures(self, index: int) -> Sequence[str]:  # noqa: ARG002 - such a source has none
        return ()

    def _take(self, statement: Statement, index: int) -> None:
        claims, opened = statement.claims, statement.opened.values()
        self._ids[statement.id] = index
        self._take_turn(statement, index)
        for subject in (*opened, *statement.touched()):
            self._touched.setdefault(subject, []).append(index)
        for subject in (*opened, *statement.body.advances(claims.sub)):
            self._last[subject] = statement.id

    def _take_turn(self, statement: Statement, index: int) -> None:
        body, iss, sub = statement.body, statement.claims.iss, statement.claims.sub
        if isinstance(body, PartyJoined):
            subject, dids = statement.opened["party"], [iss]
        elif isinstance(body, PartyRotated):
            subject, dids = str(sub), [value for name, value in claimed(body.log) if name == "did"]
        elif isinstance(body, PartySucceeded):
            subject, dids = str(sub), [body.did]
        elif isinstance(body, RecoveryCompleted):
            subject, dids = body.party, [iss]
        elif isinstance(body, DelegationRevoked):
            subject, dids = str(sub), []
        else:
            return
        self._turns.setdefault(subject, []).append(index)
        self._parties.update(dict.fromkeys(dids, subject))


def _known(known: Mapping[str, V], name: str, code: str) -> V:
    if name not in known:
        raise Absent(code, name)
    return known[name]
