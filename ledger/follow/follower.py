"""Following a log: turn by turn, what it shows is checked, taken in, published again, and told of.

A turn takes these steps:

1. Fetch the checkpoint. Is it signed by the log key in force, as far as the entries here tell, or by one that its
   governance put in its place since?
2. Is it of the history that the log is held to (``history``)? From here on the log is held to it, too.
3. Fetch the entries it brings, each proven against the signed root, judge and store them (``ledger.replica``).
4. Is it signed by the key in force after all of them, and is each state that the service committed to the one that
   they make (``states``)?
5. Publish them: checkpoint, tiles, entries (``ledger.publish``), the checkpoint last.
6. Tell what touched a subject or party that is watched, and whether what is vouched for is fresh enough.

What does not fit at 1 to 4 is written down with its evidence and told, and the mirror stays where it stands. A process
may die anywhere: what was stored is not fetched again, what was told is known by its id. Time and bytes of each request
are bounded by whoever provides them (``ledger.mirror.Read``); how long a log takes to catch up with is its size. Where
entries have stopped to come, whether it is stale is looked at as files are fetched, too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from identity.note import Verifier
from ledger.audit.workers import Workers
from ledger.errors import Corrupt, Malformed, Newer, Problem, Unverifiable
from ledger.follow.alerts import Alert
from ledger.follow.arriving import Arriving, proven
from ledger.follow.folder import FollowFolder
from ledger.follow.history import Forked, Side, check_grown, check_known
from ledger.follow.keys import signing_keys, succeeded_by
from ledger.follow.states import States
from ledger.follow.telling import Teller, Watched
from ledger.log.checkpoint import Checkpoint, open_checkpoint
from ledger.log.merkle import Nodes, inclusion_proof
from ledger.log.receipt import Receipt, format_receipt
from ledger.log.tile import Tile, nodes_from_tiles
from ledger.mirror import MirrorSource, Read
from ledger.publish import publish
from ledger.publish.folder import FolderTarget
from ledger.publish.proven import Proven
from ledger.replica import Replica
from ledger.store.sql import SqlStore

LOOKS = 3  # at a checkpoint that is smaller than it was, before it is believed

Trusted = Callable[[str], Sequence[Verifier]]
"""The keys by which the log of this origin is met for the first time. Raises ``Problem`` where there is none."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn came to: what the mirror holds, and all alerts of this turn, those told before among them."""

    size: int
    root: bytes
    alerts: Sequence[Alert]


class Follower:
    """Follows one log into one folder, whose lock the caller holds. ``close`` it.

    ``clock`` gives POSIX seconds, ``wait`` lets so many pass, ``tell`` is called with each alert once it is written
    down for the first time, ``progress`` with the entries that are here and those that are signed for.
    """

    def __init__(
        self,
        folder: FollowFolder,
        read: Read,
        trusted: Trusted,
        watched: Watched,
        clock: Callable[[], int],
        wait: Callable[[float], None],
        tell: Callable[[Alert], None],
        workers: Workers | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        """Raises ``Unavailable`` and ``Corrupt`` where the folder's state cannot be taken up."""
        self._folder = folder
        self._files = read
        self._trusted = trusted
        self._freshness = watched.freshness
        self._clock = clock
        self._wait = wait
        self._progress = progress
        self._teller = Teller(folder, watched, clock, tell)
        self._store: SqlStore = folder.open_store()
        self._replica = Replica.open(self._store, workers=workers)
        self._states = States(folder, self._store)
        self._broken: Alert | None = None  # the entry that ends what can be taken in

    def close(self) -> None:
        """Let go of the folder."""
        self._store.close()
        self._teller.close()

    @property
    def origin(self) -> str:
        """The log's name, empty before it was first seen."""
        return self._replica.origin or ""

    @property
    def alarmed(self) -> bool:
        """Whether anything was ever wrong."""
        return self._teller.alarmed

    def turn(self) -> Turn:
        """One turn. What is watched and stale is told of, however it ends.

        Raises ``Unavailable`` where the log cannot be read, ``Corrupt`` where the mirror was damaged, and what
        ``trusted`` raises.
        """
        teller = self._teller
        teller.begin()
        try:
            teller.tell_hits(self._store, self.origin, self._replica.size)  # what a process before did not come to
            self._follow()
        finally:
            teller.tell_hits(self._store, self.origin, self._replica.size)
            teller.tell_stale(self.origin)
        return Turn(self._replica.size, self._replica.root(), teller.found)

    def _read(self, name: str, most: int) -> bytes | None:
        """A file of the log. Whoever shows it may keep a turn going for ever; that holds back no alert."""
        self._teller.tell_stuck(self.origin)
        return self._files(name, most)

    # -- what the log shows ----------------------------------------------------------------------------------

    def _follow(self) -> None:
        note = b""
        try:
            source = self._look()
            note = source.checkpoint or b""
            shown = Side.of(note)
            self._take_in(shown, source)
            self._look_for_witnesses(shown)
        except Forked as forked:
            self._teller.tell_forked(forked)
        except _Broken as broken:
            self._broken = broken.alert
            self._teller.tell(broken.alert)
        except _Untrusted as nobody:
            raise nobody.problem from None
        except (Unverifiable, Malformed) as wrong:
            self._teller.tell_misfit(wrong, note, self.origin)
        else:
            self._teller.heard()

    def _look(self) -> MirrorSource:
        """What the log shows; a smaller size than before is looked at again: another of its servers may be behind."""
        for _ in range(LOOKS - 1):
            source = MirrorSource(self._read)
            if all(side.checkpoint.size <= source.size for side in self._held()):
                return source
            self._wait(1.0)
        return MirrorSource(self._read)

    def _take_in(self, shown: Side, source: MirrorSource) -> None:
        held = self._held()
        latest = max(held, key=lambda side: side.checkpoint.size, default=None)
        size, before = shown.checkpoint.size, latest.checkpoint.size if latest is not None else -1
        self._check_signed(shown, source)  # (1)
        tree = proven(source, shown.checkpoint) if size > self._replica.size or size > before else None
        if latest is not None and size > before and tree is not None:
            check_grown(shown, latest, tree)  # (2)
        elif latest is not None:
            check_known(shown, held, self._replica.size, self._nodes())  # (2)
        if size < before:
            raise Unverifiable("checkpoint_shrunk", f"{size} entries, {before} were signed before")
        if tree is not None:
            self._check_own(shown, tree)
            if size > before:
                self._folder.accept(shown.note)
            self._extend(shown, tree)  # (3)
        keys = self._keys(shown)
        open_checkpoint(shown.note, keys)  # (4)
        self._check_states(shown)
        publish(self._store, shown.note, keys, FolderTarget(self._folder.public))  # (5)
        if before < size or self._folder.pending.exists():
            self._folder.complete(shown.note)

    def _held(self) -> list[Side]:
        """The checkpoints that the log is held to."""
        return [Side.of(note) for note in self._folder.held()]

    def _keys(self, shown: Side) -> Sequence[Verifier]:
        """The keys in force at its size, as far as the entries here tell."""
        found = signing_keys(self._replica, shown.checkpoint.size)
        if found:
            return found
        try:
            return self._trusted(shown.checkpoint.origin)
        except Problem as problem:
            raise _Untrusted(problem) from None

    def _check_signed(self, shown: Side, source: MirrorSource) -> None:
        """Signed by a key in force here, or by one that governance put in its place since."""
        try:
            open_checkpoint(shown.note, self._keys(shown))
        except Unverifiable as unsigned:
            here = self._store.head()
            if unsigned.code != "note_unsigned" or here is None or shown.checkpoint.size <= here.size:
                raise
            try:
                later = succeeded_by(self._replica, proven(source, shown.checkpoint), here, shown.checkpoint.size)
            except (Unverifiable, Malformed, Corrupt):  # whoever made it up has nothing to show for it
                later = None
            if later is None:
                raise
            open_checkpoint(shown.note, [later])

    def _check_own(self, shown: Side, tree: Proven) -> None:
        """What a process before has stored under a checkpoint is part of this one. Raises ``Corrupt``."""
        size = self._replica.size
        if size == 0 or size > shown.checkpoint.size:
            return
        own = Checkpoint(shown.checkpoint.origin, size, self._replica.root())
        try:
            check_grown(shown, Side(own, b""), tree)
        except (Unverifiable, Forked):
            raise Corrupt("store_corrupt", f"{self._folder.store} holds entries that were not signed") from None

    def _nodes(self) -> Nodes:
        """The tree of what is stored."""

        def read(tile: Tile) -> bytes:
            return self._store.tile(tile.level, tile.index) or b""

        return nodes_from_tiles(read, self._replica.size)

    # -- taking in -------------------------------------------------------------------------------------------

    def _extend(self, shown: Side, tree: Proven) -> None:
        if self._broken is not None and self._broken.index == self._replica.size:
            raise _Broken(self._broken)  # it was looked at, and will not get better
        size = shown.checkpoint.size
        arriving = Arriving(tree, self._replica.size, size)
        try:
            for changes in self._replica.extend_all(arriving.batches()):
                self._states.add(self._replica.size - len(changes), changes)
                self._states.check()
                self._teller.moved()
                if self._progress is not None:
                    self._progress(self._replica.size, size)
        except Newer as newer:
            self._extend_up_to(newer.index, arriving)
            told = Alert("newer", shown.checkpoint.origin, str(newer.index), "rules_unknown", newer.detail, size)
            raise _Broken(replace(told, index=newer.index)) from None
        except Corrupt as wrong:
            if wrong.code != "entry_disproven" or wrong.index is None:
                raise
            self._extend_up_to(wrong.index, arriving)
            proof = tree.inclusion(wrong.index)
            raise _Broken(self._proof_of(wrong, arriving.entry(wrong.index), proof, shown)) from None
        if arriving.trouble is not None:
            raise arriving.trouble
        if self._replica.root() != shown.checkpoint.root:
            raise Corrupt("store_corrupt", f"{self._folder.store} has another root than the log signed")

    def _check_states(self, shown: Side) -> None:
        """What the service committed to is the state as it is here, too."""
        self._states.check()
        if self._states.wrong is not None:
            index, detail = self._states.wrong
            wrong = Corrupt("commitment_other", detail, index=index)
            proof = inclusion_proof(index, shown.checkpoint.size, self._nodes())
            raise _Broken(self._proof_of(wrong, self._store.entry(index) or b"", proof, shown))

    def _extend_up_to(self, index: int, arriving: Arriving) -> None:
        """Take in what stands before an entry that does not hold, in the batch that was given back whole."""
        start = self._replica.size
        if start < index:
            changes = self._replica.extend([arriving.entry(place) for place in range(start, index)])
            self._states.add(start, changes)

    def _proof_of(self, wrong: Corrupt, entry: bytes, proof: Sequence[bytes], shown: Side) -> Alert:
        """An entry that does not hold, kept in its receipt, by which the log stands in for it."""
        index = wrong.index or 0
        receipt = format_receipt(Receipt(entry, index, proof, shown.note))
        kept = self._folder.keep(f"entry-{index}", entry, receipt, ".tlog-proof")
        code = wrong.__cause__.code if isinstance(wrong.__cause__, Problem) else wrong.code
        size, origin = shown.checkpoint.size, shown.checkpoint.origin
        return Alert("broken", origin, str(index), code, wrong.detail, size, index, wrong.subject, evidence=kept)

    def _look_for_witnesses(self, shown: Side) -> None:
        """When a quorum has seen what is shown, or what it saw last: a busy log's head is ahead of its witnesses."""
        freshness = self._freshness
        if freshness.policy.quorum is None:
            return
        now = self._clock()
        time, ahead = freshness.seen(shown.note, now)
        if time is None and (note := freshness.cosigned(self._read)) is not None:
            side = Side.of(note)
            if side.checkpoint.size <= self._replica.size:
                open_checkpoint(note, self._keys(side))
                check_known(side, self._held(), self._replica.size, self._nodes())
                time, more = freshness.seen(note, now)
                ahead += more
        self._teller.witnessed(time)
        self._teller.tell_ahead(ahead, self.origin)


class _Untrusted(Exception):
    """There is no key to meet the log by: a question of the reader's own trust, and no sign of anything."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem)


class _Broken(Exception):
    """An entry does not hold, for reasons that the log stands in for."""

    def __init__(self, alert: Alert) -> None:
        self.alert = alert
        super().__init__(alert)
