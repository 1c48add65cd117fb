"""Packs of plays, honest and forged: entries pressed into a log, under whatever checkpoint a forger might sign.

press(play, 19)                              the pack of entry 19, as it should be
press(play, 19, entries=forged_entries)      the same pack of a log that holds other bytes
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache

from identity.note import Signer, format_vkey
from identity.signature import COSIGNATURE_ED25519, COSIGNATURE_MLDSA44
from ledger.append import Writer
from ledger.audit.source import Chunk, Source
from ledger.audit.tree import Tree
from ledger.log.chain import LINK_OF_FIRST, Entry, format_entry, link_of, parse_entry
from ledger.log.checkpoint import Checkpoint, sign_checkpoint
from ledger.log.cosignature import Cosigner, with_cosignatures
from ledger.log.merkle import inclusion_proof, leaf_hash
from ledger.pack.data import Pack, Piece, format_data
from ledger.pack.evidence import StoreEvidence
from ledger.pack.gather import gather
from ledger.store.memory import MemoryStore
from tests.cast import LOG, ORIGIN, Play, life, seed, whole_life
from tests.ledger.written import SetClock, append

SECOND_LOG = Signer(ORIGIN, seed("log-2"))
"""The log key after its rotation."""

WITNESSES = {name: Cosigner(f"{name}.example/w", COSIGNATURE_ED25519, seed(name)) for name in ("works", "customs")}
QUANTUM = Cosigner("insurer.example/w", COSIGNATURE_MLDSA44, seed("insurer"))
POLICY = "\n".join(
    [
        f"log {format_vkey(SECOND_LOG.verifier)}",
        *(f"witness {name} {format_vkey(one.verifier)}" for name, one in WITNESSES.items()),
        f"witness insurer {format_vkey(QUANTUM.verifier)} https://insurer.example",
        "# two of three organisations",
        "group outsiders 2 works customs insurer",
        "quorum outsiders",
        "",
    ]
)


class Listed(Source):
    """Entries as they are, and a checkpoint."""

    def __init__(self, entries: Sequence[bytes], checkpoint: bytes) -> None:
        self._entries, self.checkpoint, self.size = list(entries), checkpoint, len(entries)

    def chunks(self) -> Iterator[Chunk]:
        yield Chunk(0, self._entries)

    def entry(self, index: int) -> bytes | None:
        return self._entries[index]

    def subjects(self) -> None:
        return None


@cache
def story() -> Play:
    """A whole life of a data set, whose log key is replaced at the end."""
    play = life()
    body = {"logKey": format_vkey(SECOND_LOG.verifier)}
    play.act("ledger.amended", by="governance", sub=play.world.ledger, body=body)
    return play


def checkpoint(entries: Sequence[bytes], *signers: Signer) -> bytes:
    """The log's note over these entries."""
    root = Tree(map(leaf_hash, entries)).root(len(entries))
    return sign_checkpoint(Checkpoint(ORIGIN, len(entries), root), *(signers or (SECOND_LOG,)))


def cosigned(note: bytes, time: int, *cosigners: Cosigner) -> bytes:
    """The note with cosignatures, of all witnesses unless some are named."""
    text = note[: note.index(b"\n\n") + 1]
    return with_cosignatures(note, [one.cosign(text, time) for one in cosigners or WITNESSES.values()])


@cache
def stored() -> tuple[MemoryStore, bytes]:
    """The story as the real writer stores it, and the note that the log signed over it."""
    return written(story())


def written(play: Play) -> tuple[MemoryStore, bytes]:
    """A play as the real writer stores it, and the note that the log signed over it."""
    store, clock = MemoryStore(), SetClock()
    keys = {one.verifier: one for one in (LOG, SECOND_LOG)}
    writer = Writer.open(store, ORIGIN, clock, keys.get)
    append(writer, clock, play.entries)
    assert writer.head is not None
    return store, writer.head.checkpoint


@cache
def lived() -> tuple[MemoryStore, bytes]:
    """A play in which all kinds occur, as the real writer stores it, and the note that the log signed over it."""
    return written(whole_life())


def entries() -> list[bytes]:
    """The bytes of all entries of the story."""
    return list(stored()[0].entries(0, len(story().entries)))


@cache
def honest(index: int) -> Pack:
    """The pack of an entry of the story, in which all that is private is shown, under a checkpoint cosigned."""
    store, note = stored()
    evidence = StoreEvidence(store, cosigned(note, story().seconds + 5))
    return gather(evidence, index, shown=lambda _index, _pointer: True)


def rewritten(entries: Sequence[bytes], change: Callable[[Entry], Entry]) -> list[bytes]:
    """The log as a forger who holds its key would write it: each entry changed, and linked to the one before."""
    made: list[bytes] = []
    for data in entries:
        link = link_of(made[-1]) if made else LINK_OF_FIRST
        made.append(format_entry(change(replace(parse_entry(data), link=link))))
    return made


def pressed(pack: Pack, entries: Sequence[bytes], *signers: Signer) -> Pack:
    """The pack with its entries taken from other bytes, and proven under a checkpoint of these."""
    nodes = Tree(map(leaf_hash, entries)).nodes
    pieces = []
    for piece in pack.pieces:
        index = parse_entry(piece.entry).index
        proof = tuple(inclusion_proof(index, len(entries), nodes))
        pieces.append(Piece(entries[index], proof, piece.disclosures))
    return replace(pack, pieces=tuple(pieces), checkpoint=checkpoint(entries, *signers))


def spelt(pack: Pack) -> bytes:
    return format_data(pack)
