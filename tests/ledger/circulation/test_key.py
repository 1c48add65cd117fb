"""Keys: which of them speak at each index, and which entries are doubtful. The verdicts on acts are in stories."""

from itertools import product

import pytest

from ledger.circulation.key import (
    COMPROMISED_MAX,
    FORMER_MAX,
    KEYS_MAX,
    Compromise,
    KeyState,
    check_compromises,
    check_renewal,
    denies,
    doubts,
    first_keys,
    renewed,
)
from ledger.errors import Refused
from tests.logs import multikey

ONE, TWO, THREE = (multikey(name) for name in ("one", "two", "three"))


def compromise(key: str, since: int) -> Compromise:
    return Compromise(key=key, since=since)


def test_every_history_of_two_keys_is_told_by_its_last_word() -> None:
    """All ways in which two keys can come and go in four steps: who speaks after each is who was named last."""
    sets = [[ONE], [TWO], [ONE, TWO]]
    for steps in product(sets, repeat=4):
        keys: list[KeyState] = []
        for index, present in enumerate(steps, 10):
            check_renewal(keys, present, (), index)
            keys = renewed(keys, present, (), index) if keys else first_keys(present, index)
            named = {key for former in steps[: index - 9] for key in former}
            for key in (ONE, TWO):
                reason = None if key in present else "key_retired" if key in named else "key_not_of_issuer"
                assert denies(keys, key) == reason
            assert [one["key"] for one in keys if "ended" not in one].count(ONE) <= 1


def test_a_key_keeps_the_index_by_which_it_came_as_long_as_it_speaks() -> None:
    keys = renewed(renewed(first_keys([ONE], 3), [ONE, TWO], (), 5), [ONE], (), 8)
    assert keys == [{"key": ONE, "index": 3}, {"key": TWO, "index": 5, "ended": 8}]
    again = renewed(keys, [ONE, TWO], (), 9)
    assert again[-1] == {"key": TWO, "index": 9}


def test_what_is_doubtful_begins_at_the_index_that_was_named_and_moves_only_back() -> None:
    keys = renewed(first_keys([ONE, TWO], 3), [TWO], [compromise(ONE, 6)], 8)
    assert [doubts(keys, ONE, index) for index in (3, 5, 6, 7, 99)] == [False, False, True, True, True]
    assert not doubts(keys, TWO, 99)
    earlier = renewed(renewed(keys, [TWO], [compromise(ONE, 4)], 9), [TWO], [compromise(ONE, 7)], 10)
    assert (doubts(earlier, ONE, 3), doubts(earlier, ONE, 4)) == (False, True)


def test_a_key_can_be_doubtful_from_the_entry_by_which_it_came_to_the_one_by_which_it_goes() -> None:
    keys = first_keys([ONE, TWO], 3)
    for since, ends in ((2, "compromise_misdated"), (3, None), (8, None), (9, "compromise_misdated")):
        if ends is None:
            check_renewal(keys, [TWO], [compromise(ONE, since)], 8)
        else:
            with pytest.raises(Refused) as no:
                check_renewal(keys, [TWO], [compromise(ONE, since)], 8)
            assert (no.value.code, no.value.pointer) == (ends, "/payload/body/compromised/0")


def test_a_compromised_key_does_not_come_back_but_by_a_recovery() -> None:
    keys = renewed(first_keys([ONE, TWO], 3), [TWO], [compromise(ONE, 3)], 8)
    assert denies(keys, ONE) == "key_compromised"
    with pytest.raises(Refused, match="key_compromised"):
        check_renewal(keys, [ONE], (), 9)
    assert denies(renewed(keys, [ONE], (), 9), ONE) is None  # which does not ask what a thief said of its key


def test_the_earliest_of_many_replaced_keys_are_forgotten_and_no_compromised_one_is() -> None:
    names = [multikey(f"key {number}") for number in range(FORMER_MAX + 10)]
    keys = first_keys([ONE, names[0]], 0)
    keys = renewed(keys, [names[0]], [compromise(ONE, 0)], 1)
    for index, name in enumerate(names[1:], 2):
        keys = renewed(keys, [name], (), index)
    assert len(keys) == FORMER_MAX + 2
    assert denies(keys, ONE) == "key_compromised"
    assert denies(keys, names[0]) == "key_not_of_issuer"
    assert denies(keys, names[-2]) == "key_retired"


def test_a_party_has_so_many_keys_and_so_many_that_were_compromised() -> None:
    many = [multikey(f"key {number}") for number in range(KEYS_MAX + 1)]
    check_renewal([], many[:-1], (), 0)
    with pytest.raises(Refused, match="keys_too_many"):
        check_renewal([], many, (), 0)
    gone: list[KeyState] = [
        {"key": f"z6Mk{number}", "index": 0, "ended": 1, "compromised": 0} for number in range(COMPROMISED_MAX)
    ]
    keys = [*gone, *first_keys([ONE, TWO], 2)]
    check_compromises(keys[1:], [compromise(ONE, 2)], 3)
    with pytest.raises(Refused, match="keys_too_many"):
        check_compromises(keys, [compromise(ONE, 2)], 3)
