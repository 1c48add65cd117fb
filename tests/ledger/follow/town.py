"""A log published in a folder, as it is and as a forger would have it, and a follower who reads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from identity.errors import Unverifiable
from identity.note import Signer, Verifier
from ledger.errors import Unavailable
from ledger.follow.alerts import Alert
from ledger.follow.folder import FollowFolder
from ledger.follow.follower import Follower, Turn
from ledger.follow.telling import Watched
from ledger.log.checkpoint import Checkpoint, sign_checkpoint
from ledger.log.merkle import leaf_hash, root_of
from ledger.publish import publish
from ledger.publish.folder import FolderTarget
from ledger.replica import Replica
from ledger.store.memory import MemoryStore
from tests.cast import LOG, ORIGIN, Play

NOW = 1_800_000_000


def show(
    play: Play,
    path: Path,
    signer: Signer = LOG,
    cosign: Callable[[bytes], bytes] = bytes,
    size: int | None = None,
) -> Path:
    """Publish a play's log in a folder, or its first ``size`` entries; ``cosign`` may add to the checkpoint."""
    entries = [played.entry for played in play.entries[:size]]
    store = MemoryStore()
    Replica.open(store).extend(entries)
    note = sign_checkpoint(Checkpoint(ORIGIN, len(entries), root_of(map(leaf_hash, entries))), signer)
    publish(store, cosign(note), [signer.verifier], FolderTarget(path))
    return path


@dataclass
class Town:
    """A follower's folder and what it reads: the published log in ``shown``, as long as the line is up."""

    path: Path
    shown: Path
    watched: Watched = field(default_factory=Watched)
    now: int = NOW
    up: bool = True
    fetched: Counter[str] = field(default_factory=Counter)
    told: list[Alert] = field(default_factory=list)
    forged: dict[str, bytes] = field(default_factory=dict)  # in the place of published files

    def read(self, name: str, most: int) -> bytes | None:
        self.fetched[name] += 1
        if not self.up:
            raise Unavailable("publish_failed", name)
        if name in self.forged:
            return self.forged[name]
        path = self.shown / name
        return path.read_bytes() if path.is_file() else None

    def trusted(self, origin: str) -> Sequence[Verifier]:
        if origin != ORIGIN:
            raise Unverifiable("note_unsigned", origin)
        return [LOG.verifier]

    @contextmanager
    def follower(self) -> Iterator[Follower]:
        folder = FollowFolder(self.path)
        folder.prepare()
        args = (folder, self.read, self.trusted, self.watched)
        follower = Follower(*args, lambda: self.now, lambda seconds: None, self.told.append)
        try:
            yield follower
        finally:
            follower.close()

    def turn(self) -> Turn:
        """One turn of a process of its own."""
        with self.follower() as follower:
            return follower.turn()

    def words(self) -> list[str]:
        """What the alerts of one turn are about."""
        return [alert.alert for alert in self.turn().alerts]

    def evidence(self) -> list[Path]:
        return sorted((self.path / "evidence").iterdir())
