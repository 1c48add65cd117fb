"""What the service committed to, computed again: a state map beside the replay, and each root when its entry comes.

A commitment is to a size before its own entry, so what acts have changed waits until it is known into which root it
goes. Of a ledger that commits to nothing, nothing is hashed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from identity.canonical import b64encode
from ledger.circulation.state import StateCommitted
from ledger.errors import Corrupt
from ledger.log.growing import GrowingMap
from ledger.log.merkle import EMPTY_ROOT
from ledger.statemap import MapChanges, Pair
from ledger.world import Subject


class Commitments:
    """The state map of one replay. Memory: 250 bytes a key after the first commitment, and the states that wait.

    ``size`` is that of the last root, ``count`` how many were computed.
    """

    def __init__(self) -> None:
        self.size = self.count = 0
        self._map = GrowingMap()
        self._lists: dict[bytes, GrowingMap] = {}
        self._waiting: deque[tuple[int, Sequence[Pair]]] = deque()  # index, what its act changed

    def add(self, index: int, changed: Sequence[Pair]) -> None:
        """Note what the act of the next entry changed."""
        self._waiting.append((index, changed))

    def check(self, body: StateCommitted) -> None:
        """It commits to the root of its size, which is above the last one's and within what was added.

        Raises ``Corrupt`` (``commitment_other``). Cost: 10 to 20 microseconds for each subject changed since the last.
        """
        root = b64encode(self._root(body.size))
        if body.root != root:
            raise Corrupt("commitment_other", f"of {body.size} entries the root is {root}, not {body.root}")

    def _root(self, size: int) -> bytes:
        changed: dict[int, tuple[Subject | None, Subject]] = {}
        while self._waiting and self._waiting[0][0] < size:
            for before, after in self._waiting.popleft()[1]:
                changed[after.no] = changed.get(after.no, (before, after))[0], after
        made = MapChanges()
        made.add(changed.values())
        for key, members in made.lists.items():
            listed = self._lists.setdefault(key, GrowingMap())
            listed.update(members)
            root = listed.root()
            made.keys[key] = None if root == EMPTY_ROOT else root
        self._map.update(made.keys)
        self.size, self.count = size, self.count + 1
        return self._map.root()
