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

from identity.note import parse_note
from ledger.errors import Corrupt, Malformed, Unavailable, declare
from ledger.log.checkpoint import parse_checkpoint
from ledger.log.cosignature import CLOCKS_S
from ledger.publish import PUBLIC
from ledger.store.files import Folder, replace_file, sync
from ledger.store.sql import SqlStore

KEPT_MAX = 64  # pieces of evidence of each sort

declare(
    "corrupt",
    follower_corrupt=(
        "a file that the follower keeps for itself is damaged",
        "put a copy of that very file back, or do as is said there; it is no fault of the log",
    ),
)


def damaged(path: Path, what: str, mend: str) -> Corrupt:
    """What to raise for a file of one's own that is ``what`` a follower never writes; ``mend`` says what to do."""
    return Corrupt("follower_corrupt", f"{path} is {what}; {mend}")


@dataclass(slots=True)
class Told:
    """``size``: entries whose alerts are written. ``begun``: when this was made, ``heard``: when a checkpoint that fits
    was last shown, ``witnessed``: the latest time at which the quorum of ``policy`` (``Freshness.fingerprint``) had
    seen one; POSIX seconds.
    """

    begun: int
    size: int = 0
    heard: int | None = None
    witnessed: int | None = None
    policy: str | None = None


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

    def held(self) -> list[bytes]:
        """The checkpoints that the log is held to: at most that of all entries here, and one whose are on their way.

        Raises ``Corrupt`` (``follower_corrupt``) where one of the files is no checkpoint.
        """
        found = []
        for path, mend in (
            (self.checkpoint, f"put a copy of {self.public / 'checkpoint'} in its place"),
            (self.pending, "remove it: it is fetched again"),
        ):
            if not path.exists():
                continue
            note = path.read_bytes()
            try:
                parse_checkpoint(parse_note(note).text)
            except Malformed as wrong:
                raise damaged(path, f"no checkpoint ({wrong})", mend) from None
            found.append(note)
        return found

    def accept(self, note: bytes) -> None:
        """Hold the log to this checkpoint from here on."""
        replace_file(self.pending, note)

    def complete(self, note: bytes) -> None:
        """All entries of this checkpoint are here."""
        self.write_checkpoint(note)
        self.pending.unlink(missing_ok=True)

    def read_told(self, now: int, policy: str) -> Told:
        """What was told so far; begun ``now`` if nothing was. Raises ``Corrupt`` (``follower_corrupt``).

        Nothing was heard later than now; what witnesses saw counts by the policy that they are asked for by.
        """
        told = self._read_told() if self._told.exists() else Told(now)
        told.begun = min(told.begun, now)
        told.heard = told.heard and min(told.heard, now)
        if told.policy != policy or (told.witnessed or 0) > now + CLOCKS_S:
            told.witnessed, told.policy = None, policy
        self.write_told(told)
        return told

    def _read_told(self) -> Told:
        try:
            told = Told(**orjson.loads(self._told.read_bytes()))
            numbers = [told.begun, told.size, *(one for one in (told.heard, told.witnessed) if one is not None)]
            if any(type(one) is not int or one < 0 for one in numbers):
                raise ValueError(numbers)
        except (TypeError, ValueError):
            mend = "remove it: what is watched is looked for from entry 0 on again, and told where it was not"
            raise damaged(self._told, "not what a follower writes", mend) from None
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
