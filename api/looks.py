"""One entry, one look: what an authority stated to look at is shown once, by the run of the service that recorded it.

Which looks were used is remembered as long as the service runs. Of those from before it began nobody knows, so none of
them is good any more: an answer that was lost, or a service that was started again, costs the authority another entry,
and the party whose values they are sees that one, too.
"""

from __future__ import annotations

from threading import Lock

from ledger.circulation.disclosure import Inspection
from ledger.errors import Unverifiable


class Looks:
    """The looks used in a run of the service, which began at a size of the ledger. Any thread may ask."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._used: set[int] = set()  # by the entry that states them
        self._lock = Lock()

    def use(self, look: Inspection) -> None:
        """Use a look. Raises ``Unverifiable`` (``disclosure_denied``) where it was used, or is from before."""
        with self._lock:
            if look.opened < self._size or look.opened in self._used:
                raise Unverifiable("disclosure_denied")
            self._used.add(look.opened)
