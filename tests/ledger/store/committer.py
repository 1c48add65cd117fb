"""A process that commits batches to a store until it is killed, and says after each commit how many entries it has."""

import sys
from pathlib import Path

from ledger.store import Batch
from ledger.store.sql import SqlStore
from tests.ledger.store.scribe import Scribe


def next_batch(scribe: Scribe) -> Batch:
    """The same batches in every process: they follow from the size alone."""
    party = scribe.join(f"Works {scribe.size}")
    asset = scribe.register(party, f"data of {scribe.size}")
    scribe.retitle(asset, f"振动 {scribe.size}")
    scribe.disclose(asset, f"disclosure {scribe.size}")
    return scribe.take(tiles=[(0, scribe.size // 256, b"h" * scribe.size)])


def main(path: Path) -> None:
    store, scribe = SqlStore.open(path), Scribe()
    head = store.head()
    while head is not None and scribe.size < head.size:
        next_batch(scribe)
    while True:
        store.commit(next_batch(scribe))
        sys.stdout.write(f"{scribe.size}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
