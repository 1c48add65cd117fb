"""The audit: everything a ledger says, computed again from its bytes.

Nothing is believed but the entries, and of these only what they prove. In the order in which findings count:

1. Entries. Each is there, is spelt in its one way, and follows the one before: origin, index, time, link.
2. Statements. Each is spelt in its one way, has the form of its kind, and is signed by the key it names.
3. Rules. No statement is entered twice, each key speaks for its issuer at that index, and every act passes every
   check it passed when it was admitted, ``seen`` claims among them.
4. State. Subjects, past states, look-ups, words, mentions, disclosures and tiles are what the entries make them.
5. Checkpoint. The log key in force signed this size and root, or those of a prefix.
6. Outsiders. Checkpoints that the auditor brings along are of the same history; and as many witnesses as the auditor's
   policy asks for have seen one of them, or the source's own, at no earlier time than that of its entries.

The first entry that breaks 1 to 3 is named; so is the subject, or the entry, of the first derived row that is not as
it must be. Whatever breaks, the verdict also says how many entries hold, and their root.

How it runs: 1 but for the rules of time, and 2, need no state, so processes beside this one examine them while this one
runs ahead with 3 and 4; then it helps them. Nothing is said before all are through.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from ledger.audit.blame import check_known_rules, damaged
from ledger.audit.replay import Replay
from ledger.audit.signed import check_checkpoint, check_known, check_seen
from ledger.audit.source import RemoteSource, Source, StoreSource, open_folder
from ledger.audit.state import check_state, check_tiles
from ledger.audit.tree import Tree
from ledger.audit.verdict import Finding, Verdict, Word
from ledger.audit.workers import Crew, Examining, Workers
from ledger.errors import Problem, Unavailable
from ledger.log.merkle import EMPTY_ROOT
from ledger.log.policy import EMPTY, Policy

__all__ = [
    "Progress",
    "RemoteSource",
    "Source",
    "StoreSource",
    "Verdict",
    "Word",
    "Workers",
    "audit",
    "open_folder",
    "unreadable",
]

Progress = Callable[[int, int], None]
"""Told how many entries are through, and of how many."""


def audit(
    source: Source,
    workers: Workers,
    *,
    known: Sequence[bytes] = (),
    policy: Policy = EMPTY,
    progress: Progress | None = None,
    replay: Replay | None = None,
    now: int | None = None,
) -> Verdict:
    """Audit a ledger. ``known``: checkpoints of it from elsewhere, such as one kept from the last audit, which it must
    extend.

    ``policy``: which witnesses must have seen its checkpoint, or a known one, for it to be called witnessed.
    Damage and fraud end in the verdict. Raises ``Unavailable`` if the source cannot be reached, and ``Malformed`` or
    ``Unverifiable`` if a known checkpoint is none of this ledger. Cost of an entry: two verifications of a signature,
    which any process may do, and about as long again for its replay here; memory for the state of every subject.
    ``now``, in POSIX seconds, is the auditor's time: what witnesses say to have seen later counts for nothing.
    ``replay`` is what to replay with, for whoever wants to look on: what it sees counts where the verdict is proven.
    """
    run = _Run(source, workers, progress, replay or Replay())
    try:
        with _collector_at_rest():
            run.check_entries()
            check_tiles(source, run.tree)
        check_checkpoint(source.checkpoint, run.replay, run.tree)
        check_known(known, source.checkpoint, run.replay, run.tree)
        shown = [note for note in (source.checkpoint, *known) if note is not None]
        unseen = check_seen(shown, policy, run.replay, now)
    except Finding as finding:
        return run.verdict(finding)
    root = run.tree.root(run.holds)
    if source.checkpoint is None:
        return Verdict("consistent", run.holds, root, reason="checkpoint_absent")
    if policy.quorum is not None and unseen is not None:
        return Verdict("consistent", run.holds, root, reason=unseen)
    return Verdict("witnessed" if unseen is None else "consistent", run.holds, root)


def unreadable(problem: Problem) -> Verdict:
    """The verdict on a source of which not even a beginning can be read."""
    return Verdict("corrupt", 0, EMPTY_ROOT, problem.index, problem.code, problem.subject, problem.detail)


class _Run:
    """One audit: what runs ahead, what runs beside, and what both come to."""

    def __init__(self, source: Source, workers: Workers, progress: Progress | None, replay: Replay) -> None:
        self._source = source
        self._crew = Crew(workers)
        self._examining = Examining(self._crew, lambda done: progress(done, source.size) if progress else None)
        self.replay = replay
        self.tree = Tree(())
        self.holds = 0  # entries

    def verdict(self, finding: Finding) -> Verdict:
        root = self.tree.root(self.holds)
        named = (finding.index, finding.reason, finding.subject, finding.detail)
        return Verdict(finding.word, self.holds, root, *named, finding.evidence)

    def check_entries(self) -> None:
        """Steps 1 to 4, but for the tiles. Raises ``Finding``: of several, the one that counts first."""
        stumble = self._run_ahead()
        examined = self._examining.finish()
        self.tree = Tree(leaf for some in examined for leaf in some.leaves)
        self.holds = min(self.tree.size, self.replay.size)
        wrong = examined[-1].wrong if examined else None
        if wrong is not None and self.tree.size == self.holds:
            self._reject(wrong)
        if isinstance(stumble, Problem):
            self._reject(stumble)
        if stumble is not None:
            raise stumble
        if self.holds == 0:
            raise Finding("corrupt", "entry_missing", "there is no charter", index=0)

    def _reject(self, problem: Problem) -> None:
        """The first entry that does not hold is the one after those that do; or does the fault lie elsewhere?"""
        check_known_rules(self._source, self.holds, self.replay.world)
        self.holds, reason = damaged(self._source, self.holds, problem.code)
        raise Finding("corrupt", reason, problem.detail or problem.title, index=self.holds)

    def _run_ahead(self) -> Exception | None:
        """Read, hand over, replay and compare, as far as that goes; returns what ended it before its end."""
        try:
            for chunk in self._source.chunks():
                well = self._examining.add(chunk)
                self.replay.add(chunk)
                if not well:
                    return None
            check_state(self._source, self.replay, self._crew)
        except Unavailable:
            raise
        except Exception as stumble:
            return stumble
        return None


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """A replay makes no cycles, only more and more objects that stay; to look them all through takes a third of it."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
