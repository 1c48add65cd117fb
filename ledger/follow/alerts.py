"""Alerts: what a follower tells, each written down before it is told to anybody.

``DIR/alerts.ndjson`` has a line of JSON for each, in the order in which they came up; it only ever grows. An alert has
an id that follows from what it says, so one that comes up again (after a kill, or at each turn) is known again: here it
is written once, and a receiver that is told twice drops the second.
"""

from __future__ import annotations

import os
from base64 import urlsafe_b64encode
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

import orjson

from ledger.errors import CATALOGUE
from ledger.follow.folder import damaged
from ledger.store.files import sync

Word = Literal["watched", "forked", "inconsistent", "stale", "broken", "newer"]
"""What an alert is about:

* *watched* - an entry touches a subject or party that is watched: no alarm;
* *forked* - the log's key signed two histories: proven, the evidence says so;
* *inconsistent* - what the log shows does not fit what it signed, and no file proves it: keep it, ask elsewhere;
* *stale* - nobody vouches for a checkpoint that is fresh enough;
* *broken* - the log signed for an entry that breaks a rule of the ledger: proven, the evidence is its receipt;
* *newer* - the ledger holds to rules that this software does not know: no accusation.
"""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert. ``key`` tells it from others of its word; ``evidence`` names a file below ``DIR/evidence``."""

    alert: Word
    origin: str
    key: str
    code: str | None = None  # of the catalogue
    detail: str = ""
    size: int | None = None
    index: int | None = None
    subject: str | None = None
    kind: str | None = None
    issuer: str | None = None
    evidence: str | None = None

    @property
    def id(self) -> str:
        """22 letters, the same whenever the same is said."""
        digest = sha256("\n".join((self.alert, self.origin, self.key)).encode()).digest()
        return urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()

    @property
    def alarming(self) -> bool:
        """Whether something is wrong, rather than merely of interest."""
        return self.alert != "watched"

    def members(self, time: int) -> dict[str, object]:
        """What is written and sent; ``time`` in POSIX seconds. Nothing that would say nothing is in it."""
        meaning = CATALOGUE.get(self.code or "")
        told = {"id": self.id, "time": time, **asdict(self)}
        told |= {"title": meaning.title, "advice": meaning.advice} if meaning else {}
        del told["key"]
        return {name: value for name, value in told.items() if value not in (None, "")}


class AlertFile:
    """The file of alerts. One writer."""

    def __init__(self, path: Path) -> None:
        """Open it, or make it. A line that a crash has cut off was told to nobody, and goes.

        Raises ``Corrupt`` (``follower_corrupt``) where another line is no alert.
        """
        self.path = path
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._file = os.fdopen(descriptor, "r+b")
        lines = self._file.read()
        whole = lines[: lines.rfind(b"\n") + 1]
        try:
            self._ids = {_id_in(line) for line in whole.split(b"\n")[:-1]}
        except (KeyError, TypeError, ValueError):
            self._file.close()
            raise damaged(path, "not lines of alerts", "move it away: what it told may be told again") from None
        self._file.truncate(len(whole))
        self._file.seek(len(whole))
        sync(path.parent)

    def write(self, alert: Alert, time: int) -> bytes | None:
        """Write it down for good; returns its line, None if it stands there already."""
        if alert.id in self._ids:
            return None
        line = orjson.dumps(alert.members(time), option=orjson.OPT_APPEND_NEWLINE)
        self._file.write(line)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._ids.add(alert.id)
        return line

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def _id_in(line: bytes) -> str:
    members = orjson.loads(line)
    if not isinstance(members, dict) or not isinstance(members["id"], str):
        raise TypeError(line)
    return members["id"]
