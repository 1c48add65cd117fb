"""Telling: what a follower finds becomes an alert, with its evidence put away and the alert written down before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from identity.note import parse_note
from ledger.errors import Problem
from ledger.follow.alerts import Alert, AlertFile
from ledger.follow.folder import FollowFolder
from ledger.follow.freshness import Freshness
from ledger.follow.history import Forked, Side
from ledger.follow.watch import hits
from ledger.log.cosignature import Seen
from ledger.log.fork import format_fork
from ledger.store import Store

NAMELESS = "unknown"  # a log that was never seen
KEPT = frozenset({"checkpoint_unexplained", "checkpoint_shrunk"})  # the log signed these


@dataclass(frozen=True, slots=True)
class Watched:
    """What is to be told of: ids of subjects and parties (or DIDs), and after how many seconds a log is stale."""

    ids: Sequence[str] = ()
    freshness: Freshness = field(default_factory=Freshness)


class Teller:
    """Tells each alert once, by ``tell``. ``found``: those of this turn, those told before among them."""

    def __init__(
        self, folder: FollowFolder, watched: Watched, clock: Callable[[], int], tell: Callable[[Alert], None]
    ) -> None:
        self._folder = folder
        self._watched = watched
        self._clock = clock
        self._tell = tell
        self._file = AlertFile(folder.alerts)
        self._told = folder.read_told(clock(), watched.freshness.fingerprint)
        self._moved = clock()  # when entries came last, or the turn began
        self.found: list[Alert] = []
        self.alarmed = False  # whether anything was ever wrong

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def begin(self) -> None:
        """Begin a turn."""
        self.found = []
        self.moved()

    def moved(self) -> None:
        """Entries that the log has signed for have come."""
        self._moved = self._clock()

    def heard(self) -> None:
        """A checkpoint was shown that fits."""
        self._told.heard = self._clock()
        self._folder.write_told(self._told)

    def witnessed(self, time: int | None) -> None:
        """A quorum has seen a checkpoint at a time, or none."""
        self._told.witnessed = max(time or 0, self._told.witnessed or 0) or None

    def tell(self, alert: Alert) -> None:
        """Write it down, and tell it if it was not told before."""
        if all(one.id != alert.id for one in self.found):
            self.found.append(alert)
        self.alarmed = self.alarmed or alert.alarming
        if self._file.write(alert, self._clock()) is not None:
            self._tell(alert)

    def tell_forked(self, forked: Forked) -> None:
        """Once for each checkpoint that is held, however the other history goes on."""
        first, second = forked.sizes
        held = parse_note(forked.held.note).text
        kept = self._folder.keep(f"fork-{first}-{second}", held, format_fork(forked.evidence), ".fork")
        detail = f"its key signed size {first} of one history and size {second} of another"
        origin, key = forked.held.checkpoint.origin, sha256(held).hexdigest()
        self.tell(Alert("forked", origin, key, "checkpoint_other", detail, second, evidence=kept))

    def tell_misfit(self, wrong: Problem, note: bytes, origin: str) -> None:
        """Once for each time since a checkpoint was shown that fits."""
        kept, size = None, None
        if wrong.code in KEPT:
            size = Side.of(note).checkpoint.size
            kept = self._folder.keep(f"{wrong.code}-{size}", parse_note(note).text, note, ".checkpoint")
        key, detail = f"{wrong.code} {self._told.heard}", wrong.detail or wrong.title
        self.tell(Alert("inconsistent", origin or NAMELESS, key, wrong.code, detail, size, evidence=kept))

    def tell_hits(self, store: Store, origin: str, size: int) -> None:
        """What touched what is watched, in the entries up to a size that were not looked at yet."""
        if self._told.size < size:
            for alert in hits(store, origin, self._watched.ids, self._told.size, size):
                self.tell(alert)
            self._told.size = size
            self._folder.write_told(self._told)

    def tell_ahead(self, ahead: Sequence[Seen], origin: str) -> None:
        """Cosignatures of a time that has not come: once a day for each cosigner."""
        now = self._clock()
        for one in ahead:
            detail = f"{one.verifier.name} says to have seen it at {one.time}, {one.time - now} s from now"
            key = f"cosignature_ahead {one.verifier.name} {now // 86_400}"
            self.tell(Alert("inconsistent", origin or NAMELESS, key, "cosignature_ahead", detail))

    def tell_stuck(self, origin: str) -> None:
        """That it is stale, in the midst of a turn in which nothing has come for as long."""
        seconds = self._watched.freshness.seconds
        if seconds is not None and self._clock() - self._moved > seconds:
            self.tell_stale(origin)

    def tell_stale(self, origin: str) -> None:
        """That nobody vouches for what is fresh enough, if so."""
        stale = self._watched.freshness.stale(self._told, self._clock())
        if stale is not None:
            since, detail = stale
            self.tell(Alert("stale", origin or NAMELESS, str(since), "checkpoint_stale", detail))
