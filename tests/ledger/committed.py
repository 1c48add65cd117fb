"""A ledger in a folder that commits to its state as its service does; and the state map as it reads, from a plain dict.

kept = Kept.build(tmp_path / "ledger")
kept.play.join("factory")
kept.commit()                       # entries are written, the map is brought up, the commitment is recorded
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from identity.canonical import b64encode
from ledger.append import Writer
from ledger.commitment import Pass, bring_up
from ledger.log.checkpoint import SignedHead
from ledger.log.map import lookup_key, map_root, member_key, member_value, subject_key, subject_value
from ledger.prove import Prover
from ledger.read import Reader
from ledger.store.files import Folder
from ledger.store.map import MapHead, Shelf
from ledger.store.sql import SqlStore
from ledger.world import Subject
from tests.cast import Play, Played, whole_life
from tests.ledger.written import SetClock, append, opened


def state_of(play: Play) -> str:
    """The id of the subject that commitments are about."""
    return play.entries[0].opened("state")


def lists_of(subjects: Iterable[Subject]) -> dict[tuple[str, str, str], set[str]]:
    """(type, look-up, value) -> ids, for all look-ups whose lists are proven."""
    lists: dict[tuple[str, str, str], set[str]] = {}
    for one in subjects:
        for name, value in one.state.lookups():
            if name in one.state.PROVEN:
                lists.setdefault((one.type, name, value), set()).add(one.id)
    return lists


def leaves_of(subjects: Iterable[Subject]) -> dict[bytes, bytes]:
    """The keys and values of the state map, as docs/format.md has them."""
    subjects = list(subjects)
    leaves = {subject_key(s.id): subject_value(s.type, s.index, s.last, s.state.encode()) for s in subjects}
    for lookup, ids in lists_of(subjects).items():
        key = lookup_key(*lookup)
        leaves[key] = map_root({member_key(key, one): member_value(one) for one in ids})
    return leaves


def root_of(subjects: Iterable[Subject]) -> bytes:
    """The root of the state map."""
    return map_root(leaves_of(subjects))


def commit_to(play: Play, root: bytes, size: int | None = None, by: str = "service", **given: Any) -> Played:
    """The service commits to a root, as the last entry of a play."""
    body = {"size": len(play.entries) if size is None else size, "root": b64encode(root)}
    return play.act("state.committed", by=by, sub=state_of(play), body=body, **given)


def committed_life() -> Play:
    """A whole life, and then a commitment to all of it: every kind that there is."""
    play = whole_life()
    commit_to(play, root_of(play.subjects.values()))
    return play


@dataclass
class Kept:
    """A ledger's folder with a writer at work, and the play that it is written from."""

    folder: Folder
    play: Play
    store: SqlStore
    writer: Writer
    clock: SetClock
    told: int = 0

    @classmethod
    def build(cls, path: Path, play: Play | None = None) -> Kept:
        folder, clock = Folder.create(path), SetClock()
        store = SqlStore.create(folder.store)
        kept = cls(folder, play or Play(), store, opened(store, clock), clock)
        kept.tell()
        return kept

    @property
    def head(self) -> SignedHead:
        assert self.writer.head is not None
        return self.writer.head

    def tell(self) -> None:
        """Write what was played since."""
        append(self.writer, self.clock, self.play.entries[self.told :])
        self.told = len(self.play.entries)
        self.folder.write_checkpoint(self.head.checkpoint)

    def pass_(self) -> Pass:
        """Write what was played since, and bring the map up to it."""
        self.tell()
        return bring_up(self.folder)

    def commit(self, by: str = "service") -> MapHead:
        """Commit to all that was played."""
        made = self.pass_()
        assert made.due
        commit_to(self.play, made.head.root, made.head.size, by)
        self.tell()
        return made.head

    def prover(self) -> Prover:
        return Prover(Reader(self.store, lambda: self.head), Shelf(self.folder.path))
