"""Entries on their way: bundle after bundle, each proven against the signed root before anything is done with it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from ledger.errors import Problem, Unavailable, Unverifiable
from ledger.log.checkpoint import Checkpoint
from ledger.log.tile import WIDTH_MAX, Tile
from ledger.mirror import MirrorSource
from ledger.publish.proven import Proven

BUNDLES = 4  # handed on, and committed, at a time
AHEAD = 3  # batches that a replica was given and has not stored, and one more


class Arriving:
    """Entries as they come, some bundles at a time. What stops them is kept, so that those that came are stored."""

    def __init__(self, tree: Proven, start: int, stop: int) -> None:
        self._tree = tree
        self._start = start
        self._stop = stop
        self._recent: deque[tuple[int, list[bytes]]] = deque(maxlen=AHEAD)
        self.trouble: Problem | None = None

    def batches(self) -> Iterator[list[bytes]]:
        """All of them, but for what the log does not show."""
        step = BUNDLES * WIDTH_MAX
        start = self._start
        while start < self._stop and self.trouble is None:
            batch: list[bytes] = []
            stop = min(self._stop, start - start % step + step)
            for number in range(start // WIDTH_MAX, -(-stop // WIDTH_MAX)):
                if (found := self._bundle(number)) is None:
                    break
                batch += found
            self._recent.append((start, batch))
            yield batch
            start = stop

    def _bundle(self, number: int) -> list[bytes] | None:
        first = number * WIDTH_MAX
        try:
            found = self._tree.entries(Tile(0, number, min(WIDTH_MAX, self._stop - first)))
        except Unavailable as trouble:
            self.trouble = trouble
            return None
        except Problem as wrong:
            self.trouble = Unverifiable("checkpoint_unexplained", f"it does not show what it signed: {wrong}")
            return None
        return found[max(0, self._start - first) :]

    def entry(self, index: int) -> bytes:
        """One of those that came last."""
        return next(batch[index - start] for start, batch in self._recent if start <= index < start + len(batch))


def proven(source: MirrorSource, checkpoint: Checkpoint) -> Proven:
    """The tree behind a checkpoint. Raises ``checkpoint_unexplained`` where its tiles do not make its root."""
    try:
        return Proven(source, checkpoint.size, checkpoint.root)
    except Unavailable:
        raise
    except Problem as wrong:
        raise Unverifiable("checkpoint_unexplained", f"size {checkpoint.size}: {wrong}") from None
