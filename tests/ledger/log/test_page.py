"""Pages of the state map: whatever the order of changes, the same pages; old roots go on to prove; damage shows."""

import random
from collections.abc import Mapping, Sequence
from hashlib import sha256
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import Absent, Corrupt
from ledger.log.map import check_list, check_map, lookup_key, map_root, member_key, member_value, subject_key
from ledger.log.merkle import EMPTY_ROOT
from ledger.log.page import DIGITS, Changes, MapTree, Page, Read, Update, format_page, parse_page
from tests.ledger.log.test_map import DEEP, KEYS, SMALL, digest, key_of, way

Leaves = dict[bytes, bytes]


def reader(pages: Mapping[bytes, bytes]) -> Read:
    return lambda addresses: {address: pages[address] for address in addresses if address in pages}


class Shelf:
    """A store of pages as a ledger has one, and the map that it must hold."""

    def __init__(self, leaves: Changes | None = None, *, prune: bool = True) -> None:
        self.pages: dict[bytes, bytes] = {}
        self.tree = MapTree(reader(self.pages))
        self.prune = prune
        self.root = EMPTY_ROOT
        self.leaves: Leaves = {}
        if leaves:
            self.change(leaves)

    def change(self, changes: Changes) -> Update:
        update = self.tree.update(self.root, changes)
        assert not update.stale & update.pages.keys()
        self.take(update)
        self.leaves |= {key: value for key, value in changes.items() if value is not None}
        for key, value in changes.items():
            if value is None:
                self.leaves.pop(key, None)
        return update

    def take(self, update: Update) -> None:
        self.root = update.root
        self.pages |= update.pages
        for address in update.stale if self.prune else ():
            del self.pages[address]

    def check(self) -> None:
        """The root is that of the map, and there is every page of it and no other."""
        assert self.root == map_root(self.leaves)
        assert self.pages == MapTree(reader({})).update(EMPTY_ROOT, self.leaves).pages
        assert dict(self.tree.items(self.root)) == self.leaves


def random_leaves(count: int, seed: int = 1) -> Leaves:
    return {digest(f"{seed} {number}"): digest(f"value {seed} {number}") for number in range(count)}


# ---- Changing


def test_every_small_map_from_every_other_one() -> None:
    alone = [MapTree(reader({})).update(EMPTY_ROOT, leaves) for leaves in SMALL]
    kept = {address: data for update in alone for address, data in update.pages.items()}
    tree = MapTree(reader(kept))
    for before in range(0, 256, 3):
        for after in range(256):
            changes = {key: SMALL[after].get(key) for key in KEYS}
            update = tree.update(alone[before].root, changes)
            pages = {*alone[before].pages} - update.stale | {*update.pages}
            assert update.root == alone[after].root
            assert pages == {*alone[after].pages}
            assert update.stale <= {*alone[before].pages}
            assert update.pages.items() <= kept.items()


def test_every_order_of_one_key_at_a_time_leads_to_the_same_pages() -> None:
    rng = random.Random(1)
    for keys in [*combinations([*DEEP], 1), *combinations([*DEEP][:9], 3), [*DEEP][::9], [*DEEP][:40]]:
        for _ in range(3):
            shelf = Shelf()
            for key in rng.sample(keys, len(keys)):
                shelf.change({key: DEEP[key]})
            shelf.check()
            for key in rng.sample(keys, len(keys)):
                shelf.change({key: None})
                shelf.check()
            assert shelf.root == EMPTY_ROOT
            assert not shelf.pages


POOL = [
    *KEYS,
    *(key_of(*bits) for bits in combinations((0, 5, 9, 11, 12, 100, 101, 102, 103, 104, 255), 2)),
    *(digest(f"{number}") for number in range(60)),
]
batches = st.lists(
    st.dictionaries(st.sampled_from(POOL), st.sampled_from([None, None, digest("a"), digest("b")]), max_size=30),
    max_size=8,
)


@settings(max_examples=150)
@given(batches)
def test_any_batches_of_changes_leave_the_pages_of_what_is_left(changes: list[Changes]) -> None:
    shelf = Shelf()
    for batch in changes:
        shelf.change(batch)
        shelf.check()


@settings(max_examples=40)
@given(batches)
def test_a_batch_is_as_good_as_its_changes_one_by_one(changes: list[Changes]) -> None:
    batch: dict[bytes, bytes | None] = {}
    single = Shelf()
    for part in changes:
        batch |= part
        for key, value in part.items():
            single.change({key: value})
    whole = Shelf(batch)
    assert (whole.root, whole.pages) == (single.root, single.pages)


@settings(max_examples=40)
@given(batches)
def test_earlier_roots_prove_while_their_pages_are_kept(changes: list[Changes]) -> None:
    shelf = Shelf(prune=False)
    seen: list[tuple[bytes, Leaves]] = []
    for batch in changes:
        shelf.change(batch)
        seen.append((shelf.root, dict(shelf.leaves)))
    for root, leaves in seen:
        assert dict(shelf.tree.items(root)) == leaves
        for key in POOL[::7]:
            check_map(root, key, leaves.get(key), shelf.tree.prove(root, key))


@settings(max_examples=60)
@given(batches)
def test_the_latest_roots_prove_where_what_went_stale_before_them_is_thrown_away(changes: list[Changes]) -> None:
    """A store's rule: what is made is not stale; what goes stale at a commit is thrown away two commits later."""
    pages: dict[bytes, bytes] = {}
    stale: dict[bytes, int] = {}
    seen: list[tuple[bytes, Leaves]] = [(EMPTY_ROOT, {})]
    tree = MapTree(reader(pages), cache=1)
    for number, batch in enumerate(changes):
        root, leaves = seen[-1]
        update = tree.update(root, batch)
        pages |= update.pages
        for address in update.pages:
            stale.pop(address, None)
        stale |= dict.fromkeys(update.stale, number)
        for address in [address for address, at in stale.items() if at <= number - 2]:
            del pages[address], stale[address]
        left = {**leaves, **batch}
        seen.append((update.root, {key: value for key, value in left.items() if value is not None}))
        for root, leaves in seen[-3:]:
            assert dict(tree.items(root)) == leaves
    assert pages.keys() - stale.keys() == MapTree(reader({})).update(EMPTY_ROOT, seen[-1][1]).pages.keys()


def test_a_large_map_changes_in_batches() -> None:
    rng = random.Random(1)
    shelf = Shelf(random_leaves(3_000))
    for turn in range(5):
        batch: dict[bytes, bytes | None] = dict.fromkeys(rng.sample([*shelf.leaves], 100))
        batch |= dict.fromkeys(rng.sample([*shelf.leaves], 100), digest(f"{turn}"))
        batch |= random_leaves(100, seed=2 + turn)
        shelf.change(batch)
        shelf.check()


def test_what_changes_nothing_makes_nothing() -> None:
    for leaves in [{}, SMALL[1], SMALL[255], DEEP, random_leaves(300)]:
        shelf = Shelf(leaves)
        absent = {digest(f"absent {number}"): None for number in range(20)} | {key_of(7, 250): None}
        for changes in ({}, leaves, absent, leaves | absent):
            assert shelf.change(changes) == Update(shelf.root)
        shelf.check()


def test_one_change_makes_one_page_for_each_digit_of_the_size() -> None:
    for count, most in ((16, 3), (256, 4), (4_096, 5)):
        shelf = Shelf(random_leaves(count))
        made = [len(shelf.change({digest(f"key {turn}"): digest("value")}).pages) for turn in range(100)]
        assert max(made) <= most + 2
        assert sum(made) <= most * len(made)


def test_long_shared_prefixes_cost_no_pages_of_their_own() -> None:
    shelf = Shelf({key_of(): digest("a"), key_of(255): digest("b"), **random_leaves(100)})
    assert len(shelf.change({key_of(254): digest("c")}).pages) <= 4
    shelf.check()


def test_keys_and_values_of_another_length_are_a_mistake() -> None:
    shelf = Shelf(random_leaves(20))
    for key, value in ((b"", digest("value")), (digest("key"), b"short"), (digest("key") + b"\0", None)):
        for root in (EMPTY_ROOT, shelf.root):
            with pytest.raises(ValueError, match="32 bytes"):
                shelf.tree.update(root, {key: value})
            with pytest.raises(ValueError, match="32 bytes"):
                shelf.tree.update(root, {}, {digest("list"): {key: value}})
    with pytest.raises(ValueError, match="32 bytes"):
        shelf.tree.update(shelf.root, {}, {b"list": {}})


# ---- Proofs


def test_proofs_of_every_small_map_are_those_of_the_definition() -> None:
    for leaves in SMALL:
        shelf = Shelf(leaves)
        for key in KEYS:
            assert shelf.tree.prove(shelf.root, key) == way(leaves, key)
            assert shelf.tree.get(shelf.root, key) == leaves.get(key)


def test_proofs_of_keys_with_long_shared_prefixes() -> None:
    shelf = Shelf(DEEP)
    for key in [*[*DEEP][::6], *(key_of(bit, 255) for bit in range(0, 255, 16)), *random_leaves(5)]:
        proof = shelf.tree.prove(shelf.root, key)
        assert proof == way(DEEP, key)
        check_map(shelf.root, key, DEEP.get(key), proof)


def test_proofs_of_a_large_map_hold_and_are_short() -> None:
    shelf = Shelf(random_leaves(4_000))
    for key in [*[*shelf.leaves][::20], *random_leaves(200, seed=2)]:
        proof = shelf.tree.prove(shelf.root, key)
        check_map(shelf.root, key, shelf.leaves.get(key), proof)
        assert len(proof.steps) <= 30
        assert (proof.other is None) == (key in shelf.leaves)


def test_a_proof_reads_a_page_for_each_digit_on_its_way() -> None:
    shelf = Shelf(random_leaves(4_096))
    read: list[bytes] = []

    def reading(addresses: Sequence[bytes]) -> Mapping[bytes, bytes]:
        read.extend(addresses)
        return reader(shelf.pages)(addresses)

    for key in [*shelf.leaves][:50]:
        read.clear()
        MapTree(reading).prove(shelf.root, key)
        assert len(read) <= 5
    tree = MapTree(reading, cache=10_000)
    for turn in range(2):
        read.clear()
        for key in shelf.leaves:
            tree.prove(shelf.root, key)
        assert len(read) == (0 if turn else len(shelf.pages))


def test_what_was_met_last_is_kept_and_the_rest_forgotten() -> None:
    shelf = Shelf(random_leaves(4_096))
    read: list[bytes] = []

    def reading(addresses: Sequence[bytes]) -> Mapping[bytes, bytes]:
        read.extend(addresses)
        return reader(shelf.pages)(addresses)

    tree = MapTree(reading, cache=20)
    for ask in (tree.prove, tree.get):
        for turn in range(2):
            read.clear()
            for key in [*shelf.leaves][:300]:
                ask(shelf.root, key)
            assert len(read) > 300
            assert read.count(shelf.root) == (not turn and ask == tree.prove)
    list(tree.items(shelf.root))
    shelf.take(tree.update(shelf.root, random_leaves(500, seed=2)))
    read.clear()
    tree.get(shelf.root, digest("key"))
    assert shelf.root not in read
    for key in [*shelf.leaves][:300]:
        tree.prove(shelf.root, key)
    assert len(read) > 300


def test_a_small_memory_changes_nothing_but_what_is_read() -> None:
    shelf = Shelf(random_leaves(500))
    small = MapTree(reader(shelf.pages), cache=1)
    changes = random_leaves(50, seed=2)
    assert small.update(shelf.root, changes) == shelf.tree.update(shelf.root, changes)
    for key in [*shelf.leaves][:50]:
        assert small.prove(shelf.root, key) == shelf.tree.prove(shelf.root, key)


def test_a_change_reads_once_for_each_level_of_the_map_and_of_its_lists() -> None:
    shelf = Shelf(random_leaves(4_096))
    names = [("offer", "asset", f"asset_{number}") for number in range(12)]
    lists = {lookup_key(*name): members(name, OFFERS) for name in names}
    shelf.take(shelf.tree.update(shelf.root, {}, lists))
    asked: list[Sequence[bytes]] = []

    def reading(addresses: Sequence[bytes]) -> Mapping[bytes, bytes]:
        asked.append(addresses)
        return reader(shelf.pages)(addresses)

    changes = dict.fromkeys([*shelf.leaves][:200], digest("value"))
    gone = {key: members(name, OFFERS[:9], listed=False) for key, name in zip(lists, names, strict=True)}
    update = MapTree(reading, cache=1).update(shelf.root, changes, gone)
    assert len(asked) <= 9
    assert len({one for addresses in asked for one in addresses}) == sum(map(len, asked))
    shelf.take(update)
    for name in names:
        check_list(shelf.root, name, OFFERS[9:], shelf.tree.prove(shelf.root, lookup_key(*name)))


# ---- Lists

LOOKUP = ("offer", "asset", "asset_00000000000000000000000001")
OTHER = ("offer", "asset", "asset_00000000000000000000000002")
OFFERS = [f"offer_{number:026}" for number in range(40)]


def members(lookup: tuple[str, str, str], ids: list[str], *, listed: bool = True) -> dict[bytes, bytes | None]:
    key = lookup_key(*lookup)
    return {member_key(key, one): member_value(one) if listed else None for one in ids}


def test_a_list_grows_and_shrinks_and_is_complete_at_every_root() -> None:
    shelf = Shelf(random_leaves(50))
    key = lookup_key(*LOOKUP)
    for count in range(1, len(OFFERS) + 1):
        one = OFFERS[count - 1]
        shelf.take(shelf.tree.update(shelf.root, {subject_key(one): digest(one)}, {key: members(LOOKUP, [one])}))
        check_list(shelf.root, LOOKUP, OFFERS[:count], shelf.tree.prove(shelf.root, key))
    for count in reversed(range(len(OFFERS))):
        gone = members(LOOKUP, [OFFERS[count]], listed=False)
        shelf.take(shelf.tree.update(shelf.root, {}, {key: gone}))
        check_list(shelf.root, LOOKUP, OFFERS[:count], shelf.tree.prove(shelf.root, key))
    assert shelf.tree.get(shelf.root, key) is None
    shelf.leaves |= {subject_key(one): digest(one) for one in OFFERS}
    shelf.check()


def test_the_members_of_a_list_are_read_from_its_root() -> None:
    shelf = Shelf()
    key = lookup_key(*LOOKUP)
    shelf.take(shelf.tree.update(shelf.root, {}, {key: members(LOOKUP, OFFERS)}))
    inner = shelf.tree.get(shelf.root, key)
    assert inner is not None
    assert dict(shelf.tree.items(inner)) == members(LOOKUP, OFFERS)
    proof = shelf.tree.prove(inner, member_key(key, OFFERS[7]))
    check_map(inner, member_key(key, OFFERS[7]), member_value(OFFERS[7]), proof)


def test_two_lists_of_the_same_members_have_no_page_in_common() -> None:
    shelf = Shelf()
    keys = lookup_key(*LOOKUP), lookup_key(*OTHER)
    for ids in (OFFERS[:1], OFFERS):
        lists = {keys[0]: members(LOOKUP, ids), keys[1]: members(OTHER, ids)}
        shelf.take(shelf.tree.update(shelf.root, {}, lists))
    shelf.take(shelf.tree.update(shelf.root, {}, {keys[0]: members(LOOKUP, OFFERS, listed=False)}))
    check_list(shelf.root, LOOKUP, [], shelf.tree.prove(shelf.root, keys[0]))
    check_list(shelf.root, OTHER, OFFERS, shelf.tree.prove(shelf.root, keys[1]))


def test_what_changes_no_list_makes_nothing() -> None:
    shelf = Shelf(random_leaves(5))
    key = lookup_key(*LOOKUP)
    assert shelf.tree.update(shelf.root, {}, {key: members(LOOKUP, OFFERS, listed=False)}) == Update(shelf.root)
    shelf.take(shelf.tree.update(shelf.root, {}, {key: members(LOOKUP, OFFERS[:1])}))
    for again in ({}, members(LOOKUP, OFFERS[:1]), members(LOOKUP, OFFERS[1:], listed=False)):
        assert shelf.tree.update(shelf.root, {}, {key: again}) == Update(shelf.root)


def test_the_key_of_a_list_takes_no_other_value() -> None:
    with pytest.raises(ValueError, match="has no other value"):
        MapTree(reader({})).update(EMPTY_ROOT, {digest("list"): digest("value")}, {digest("list"): {}})


# ---- Damage


def test_a_page_is_these_bytes() -> None:
    leaf, inner = key_of(0, 5) + digest("value"), digest("inner")
    page = Page(1, {4: leaf, 15: inner})
    body = b"\x01" + b"\x80\x10" + b"\x00\x10" + leaf + inner
    data = sha256(page.hash() + body).digest()[:8] + body
    assert format_page(page, page.hash()) == data
    assert parse_page(data, page.hash()) == page


def test_any_flipped_or_missing_bit_of_any_page_is_noticed() -> None:
    shelf = Shelf(random_leaves(12))
    for address, data in shelf.pages.items():
        spoilt = [data[:-1], data[:-32], data + b"\0", b"", data[:8], data[:13], data * 2]
        for place in range(8 * len(data)):
            flipped = bytearray(data)
            flipped[place // 8] ^= 1 << place % 8
            spoilt.append(bytes(flipped))
        for bad in spoilt:
            with pytest.raises(Corrupt, match="map_page_corrupt"):
                parse_page(bad, address)


def test_a_checksum_does_not_make_a_page() -> None:
    address = digest("page")
    leaf = key_of() + digest("value")
    for body in (
        b"",
        b"\0\0\0\0\0",
        b"\0\0\0\0\0" + leaf,
        b"\0\0\1\0\0" + leaf,
        b"\0\0\1\0\1" + leaf[:32],
        b"\0\0\1\0\0" + leaf[:32],
        b"\1\0\1\0\1" + leaf,
        b"\x40\0\1\0\1" + leaf,
    ):
        with pytest.raises(Corrupt, match="map_page_corrupt"):
            parse_page(sha256(address + body).digest()[:8] + body, address)


def test_damage_is_noticed_by_whoever_reads_it() -> None:
    shelf = Shelf(random_leaves(200))
    for address, data in shelf.pages.items():
        for pages in (
            {**shelf.pages, address: data[:-1]},
            {**shelf.pages, address: shelf.pages[shelf.root] if address != shelf.root else b""},
            {at: page for at, page in shelf.pages.items() if at != address},
        ):
            if shelf.root not in pages:
                continue
            with pytest.raises(Corrupt, match="map_page_corrupt"):
                list(MapTree(reader(pages)).items(shelf.root))
            with pytest.raises(Corrupt, match="map_page_corrupt"):
                MapTree(reader(pages)).update(shelf.root, dict.fromkeys(shelf.leaves, digest("value")))


def test_pages_that_lead_to_themselves_or_to_each_other_are_damage() -> None:
    """No way down is endless, and none is walked twice, whatever somebody put into the store."""
    one, other, leaf = digest("one"), digest("other"), key_of(0, 9) + digest("value")
    put: dict[str, list[tuple[bytes, Page]]] = {
        "to itself": [(one, Page(3, dict.fromkeys(range(16), one)))],
        "to itself, of one node": [(one, Page(0, {1: one}))],
        "to each other": [(one, Page(3, dict.fromkeys(range(16), other))), (other, Page(5, {1: one, 2: one}))],
        "up": [(one, Page(3, {0: other, 1: other})), (other, Page(2, {0: leaf, 1: leaf}))],
    }
    for name, pages in put.items():
        kept = {address: format_page(page, address) for address, page in pages}
        for ask in (
            lambda tree: list(tree.items(one)),
            lambda tree: tree.get(one, b"\x11" * 32),
            lambda tree: tree.prove(one, b"\x11" * 32),
            lambda tree: tree.update(one, {b"\x11" * 32: digest("value")}),
            lambda tree: tree.update(one, {b"\xff" * 32: digest("value")}),
        ):
            with pytest.raises(Corrupt, match="map_page_corrupt"):  # noqa: PT012 - which of them was walked is told
                ask(MapTree(reader(kept)))
                pytest.fail(name)


def test_a_page_that_stands_in_many_places_is_not_walked_again_and_again() -> None:
    """Sixteen times sixteen times sixteen..., of 64 pages in all."""
    pages, below = {}, key_of(0, 9) + digest("value")
    for digit in reversed(range(DIGITS)):
        page = Page(digit, dict.fromkeys(range(16), below))
        pages[below := digest(f"page {digit}")] = format_page(page, below)
    with pytest.raises(Corrupt, match="map_page_corrupt"):
        list(MapTree(reader(pages)).items(below))


def test_a_list_whose_pages_are_missing_is_damage() -> None:
    shelf = Shelf(random_leaves(5))
    key = lookup_key(*LOOKUP)
    shelf.take(shelf.tree.update(shelf.root, {}, {key: members(LOOKUP, OFFERS)}))
    inner = shelf.tree.get(shelf.root, key)
    assert inner is not None
    del shelf.pages[inner]
    with pytest.raises(Corrupt, match="map_page_corrupt"):
        MapTree(reader(shelf.pages)).update(shelf.root, {}, {key: members(LOOKUP, OFFERS[:1], listed=False)})


def test_a_root_that_is_not_kept_is_absent() -> None:
    shelf = Shelf(random_leaves(20))
    old = shelf.root
    shelf.change(random_leaves(20, seed=2))
    tree = MapTree(reader(shelf.pages))
    for ask in (
        lambda: tree.prove(old, digest("key")),
        lambda: tree.get(old, digest("key")),
        lambda: tree.update(old, {digest("key"): None}),
        lambda: list(tree.items(old)),
    ):
        with pytest.raises(Absent, match="map_root_absent"):
            ask()
