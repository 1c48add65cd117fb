"""The one line every audit ends with, byte for byte."""

import pytest

from ledger.audit import Verdict, unreadable
from ledger.errors import Corrupt
from ledger.log.merkle import EMPTY_ROOT

ROOT = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

LINES = [
    (Verdict("consistent", 0, EMPTY_ROOT), f"audit: consistent  size=0 root={ROOT}"),
    (Verdict("witnessed", 2000, EMPTY_ROOT), f"audit: witnessed  size=2000 root={ROOT}"),
    (
        Verdict("consistent", 9, EMPTY_ROOT, reason="checkpoint_absent"),
        f"audit: consistent  size=9 root={ROOT}  reason=checkpoint_absent",
    ),
    (
        Verdict("corrupt", 12, EMPTY_ROOT, index=12, reason="entry_link_wrong"),
        f"audit: corrupt  size=12 root={ROOT}  index=12 reason=entry_link_wrong",
    ),
    (
        Verdict("corrupt", 20, EMPTY_ROOT, index=0, reason="state_other", subject="asset_0", detail="not shown"),
        f"audit: corrupt  size=20 root={ROOT}  index=0 reason=state_other subject=asset_0",
    ),
    (
        Verdict("diverged", 20, EMPTY_ROOT, reason="checkpoint_other"),
        f"audit: diverged  size=20 root={ROOT}  reason=checkpoint_other",
    ),
    (
        unreadable(Corrupt("store_corrupt", "no such table")),
        f"audit: corrupt  size=0 root={ROOT}  reason=store_corrupt",
    ),
]


@pytest.mark.parametrize(("verdict", "line"), LINES)
def test_the_line(verdict: Verdict, line: str) -> None:
    assert verdict.line() == line


def test_only_what_holds_altogether_is_proven() -> None:
    assert [verdict.proven for verdict, _ in LINES] == [True, True, True, False, False, False, False]
