"""A map that grows tells the roots of the map as it reads, whatever was put in, changed and taken out in between."""

from hypothesis import given
from hypothesis import strategies as st

from ledger.log.growing import GrowingMap
from ledger.log.map import map_root
from tests.ledger.log.test_map import DEEP, KEYS, SMALL, digest


def test_every_small_map_from_every_other_one() -> None:
    grown = GrowingMap()
    assert grown.root() == map_root({})
    for number in range(0, 256, 5):
        for leaves in (SMALL[number], *SMALL[::3]):
            grown.update({key: leaves.get(key) for key in KEYS})
            assert grown.root() == map_root(leaves)


def test_keys_with_long_shared_prefixes() -> None:
    grown = GrowingMap()
    left = dict(DEEP)
    for key, value in DEEP.items():
        grown.update({key: value})
    assert grown.root() == map_root(DEEP)
    at_once = GrowingMap()
    at_once.update(DEEP)
    assert at_once.root() == map_root(DEEP)
    for key in [*DEEP][::3]:
        grown.update({key: None})
        left.pop(key)
        assert grown.root() == map_root(left)


KEY = st.integers(0, 40).map(lambda number: digest(f"{number}"))


@given(st.lists(st.lists(st.tuples(KEY, st.none() | st.binary(min_size=32, max_size=32)), max_size=8), max_size=12))
def test_any_changes_between_any_roots(rounds: list[list[tuple[bytes, bytes | None]]]) -> None:
    grown, leaves = GrowingMap(), dict[bytes, bytes]()
    for changes in rounds:
        grown.update(dict(changes))
        for key, value in changes:
            leaves.pop(key, None)
            if value is not None:
                leaves[key] = value
        assert grown.root() == map_root(leaves)
