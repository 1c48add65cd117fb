"""Makes the golden bundle: ``python -m tests.ledger.golden.make``.

It holds the life of a data set as the first release wrote it, and is made once. Every release must replay it to the
same root; one that cannot has broken the promise that replay is closed. Make it anew only before a first release.
"""

from pathlib import Path

from ledger.audit import StoreSource, Workers, audit
from ledger.bundle import export, open_bundle
from ledger.store.memory import MemoryStore
from tests.ledger.committed import committed_life
from tests.ledger.written import write

BUNDLE = Path(__file__).with_name("life.bundle")
VERDICT = Path(__file__).with_name("life.verdict")  # the last line of its audit


def main() -> None:
    store = MemoryStore()
    export(StoreSource(store, write(committed_life(), store)), BUNDLE)
    with open_bundle(BUNDLE) as source:
        VERDICT.write_text(audit(source, Workers(0)).line() + "\n")


if __name__ == "__main__":
    main()
