"""The folder of a follower: a mirror that anybody may read, a state of its own, and what it has told.

    DIR/public/           the mirror: checkpoint, tiles and entries, as C2SP tlog-tiles has them
    DIR/ledger.db         the state as these entries make it, each judged again
    DIR/map.db            the state map, as the service committed to it last (``states``)
    DIR/checkpoint        the checkpoint they were checked against last
    DIR/pending           one that extends it and whose entries are on their way; written before the first of them
    DIR/follow.json       how far alerts were told, and when the log was last heard of
    DIR/alerts.ndjson     every alert (``alerts``); beside it alerts.sent, how far they were handed on (``hook``)
    DIR/evidence/         what proves an alert, or could not be explained
    DIR/lock              locked by the one process that follows

It is laid out as a ledger's folder is, so ``cadastre audit`` and ``export`` read it; it has no keys, so nobody can
serve it as if it were the ledger. A process may die anywhere: the next one goes on from the last commit.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

import orjson

from ledger.errors import Corrupt, Unavailable
from ledger.publish import PUBLIC
from ledger.store.files import Folder, replace_file, sync
from ledger.store.sql import SqlStore

KEPT_MAX = 64  # pieces of evidence of each sort


@dataclass(slots=True)
class Told:
    """``size``: entries whose alerts are written. ``begun``: when this was made, ``heard``: when a checkpoint that fits
    was last shown, ``witnessed``: the latest time at which a quorum had seen one; POSIX seconds.
    """

    begun: int
    size: int = 0
    heard: int | None = None
    witnessed: int | None = None


class FollowFolder(Folder):
    """The paths of one follower's folder."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.public = path / PUBLIC
        self.pending = path / "pending"
        self.alerts = path / "alerts.ndjson"
        self.sent = path / "alerts.sent"
        self.evidence = path / "evidence"
        self._told = path / "follow.json"

    def prepare(self) -> None:
        """Make the folder if it is not there. Raises ``Unavailable`` (``folder_not_empty``) if it is another's."""
        if self.keys.exists() or (self.path.exists() and not self.path.is_dir()):
            raise Unavailable("folder_not_empty", f"{self.path} is a ledger's own folder, or no folder")
        found = {one.name for one in self.path.iterdir()} if self.path.exists() else set()
        if found and not found & {"evidence", "ledger.db"}:
            raise Unavailable("folder_not_empty", f"{self.path} is not the folder of a follower")
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)  # entries may be for members only
        self.evidence.mkdir(mode=0o755, exist_ok=True)
        sync(self.path.parent)

    def open_store(self) -> SqlStore:
        """The store, made if it is not there. It has its name only once it is whole."""
        if not self.store.exists():
            made = self.store.with_name("ledger.db.tmp")
            for left in self.path.glob("ledger.db.tmp*"):
                left.unlink()
            SqlStore.create(made).close()
            made.replace(self.store)
            sync(self.path)
        return SqlStore.open(self.store)

    def read_pending(self) -> bytes | None:
        """The checkpoint whose entries are on their way, None where there is none."""
        return self.pending.read_bytes() if self.pending.exists() else None

    def accept(self, note: bytes) -> None:
        """Hold the log to this checkpoint from here on."""
        replace_file(self.pending, note)

    def complete(self, note: bytes) -> None:
        """All entries of this checkpoint are here."""
        self.write_checkpoint(note)
        self.pending.unlink(missing_ok=True)

    def read_told(self, now: int) -> Told:
        """What was told so far; begun ``now`` if nothing was. Raises ``Corrupt`` where no follower wrote it."""
        try:
            if self._told.exists():
                return Told(**orjson.loads(self._told.read_bytes()))
        except (TypeError, ValueError):
            raise Corrupt("store_corrupt", f"{self._told} is not what a follower writes") from None
        told = Told(now)
        self.write_told(told)
        return told

    def write_told(self, told: Told) -> None:
        """Replace it."""
        replace_file(self._told, orjson.dumps(asdict(told)))

    def keep(self, name: str, about: bytes, data: bytes, suffix: str) -> str | None:
        """Put evidence away for good, unless there is some that is ``about`` the same, or enough; returns its name.

        What is signed anew each time is about the same for all that.
        """
        file = f"{re.sub('[^a-z0-9]+', '-', name)}-{sha256(about).hexdigest()[:8]}{suffix}"
        path = self.evidence / file
        if not path.exists():
            if len([*self.evidence.glob(f"*{suffix}")]) >= KEPT_MAX:
                return None
            replace_file(path, data)
        return file
