"""What ``ledger.store`` promises, kept by every store."""

import threading
from dataclasses import replace

import pytest

from identity.canonical import b64encode
from identity.disclosure import digest as name_of
from ledger.errors import Unavailable
from ledger.store import Batch, Store, Table
from ledger.values import subject_id
from ledger.world import Subject
from tests.ledger.store.scribe import Scribe, digest

TABLES: tuple[Table, ...] = ("subject", "past", "lookup", "naming", "word", "mention", "tile", "disclosure")
FAR = 2**53


def everything(store: Store) -> dict[str, object]:
    """All that a store holds, to see that nothing changed."""
    return {table: list(store.scan(table)) for table in TABLES} | {"entry": list(store.entries(0, FAR))}


@pytest.fixture
def scribe() -> Scribe:
    return Scribe()


def three(scribe: Scribe) -> tuple[Subject, Subject, Batch]:
    """A party and its asset, which is renamed at once: three entries."""
    party = scribe.join("Shenyang Blade Works", "factory")
    asset = scribe.register(party, "Spindle vibration", "cnc")
    scribe.retitle(asset, "Spindle vibration 振动")
    return party, asset, scribe.take(tiles=[(0, 0, b"h" * 96)])


def refuses(store: Store, batch: Batch) -> None:
    before = everything(store)
    with pytest.raises(Unavailable) as refused:
        store.commit(batch)
    assert refused.value.code == "store_conflict"
    assert everything(store) == before


def test_a_store_without_entries_has_nothing(store: Store) -> None:
    assert store.head() is None
    assert store.entry(0) is None
    assert list(store.entries(0, 10)) == []
    assert store.indexes([digest(0)]) == {}
    assert store.subjects(["party_0"]) == {}
    assert store.subject_at("party_0", 5) is None
    assert store.lookup([("did", "did:key:0")]) == {}
    assert store.listing(-1, 10) == []
    assert store.history("party_0", FAR, 10) == []
    assert store.search(["party", "asset"], [], [], FAR, 10) == []
    assert store.tile(0, 0) is None
    assert store.disclosures(0) == []
    assert not any(everything(store).values())


def test_the_head_has_size_count_first_and_last(store: Store, scribe: Scribe) -> None:
    store.commit(three(scribe)[2])
    head = store.head()
    assert head is not None
    assert (head.size, head.count, head.first, head.last) == (3, 2, b"entry 0\n", b"entry 2\n")


def test_entries_come_back_by_index_and_by_range(store: Store, scribe: Scribe) -> None:
    party = scribe.join("Blade Works")
    for _ in range(2_500):  # more than a page of rows
        scribe.mention(party)
    store.commit(scribe.take())
    every = [b"entry %d\n" % index for index in range(2_501)]
    assert store.entry(2_500) == every[2_500]
    assert store.entry(2_501) is None
    assert store.entry(-1) is None
    for start, stop in ((0, 2_501), (0, 1_000), (999, 2_001), (1, 1), (2_400, 9_999), (2_501, 2_502), (5, 2)):
        assert list(store.entries(start, stop)) == every[start:stop], (start, stop)


def test_statement_ids_lead_to_indexes(store: Store, scribe: Scribe) -> None:
    party = scribe.join("Blade Works")
    for _ in range(1_500):  # more values than are asked for in one statement
        scribe.mention(party)
    batch = scribe.take()
    store.commit(batch)
    assert store.indexes([*batch.ids, digest("unknown")]) == {id_: index for index, id_ in enumerate(batch.ids)}


def test_subjects_come_back_as_they_stand(store: Store, scribe: Scribe) -> None:
    party, asset, batch = three(scribe)
    store.commit(batch)
    stand = {subject.id: subject for subject in scribe.subjects}
    assert store.subjects([asset.id, party.id, "asset_unknown"]) == stand
    assert store.listing(-1, 10) == scribe.subjects
    assert store.listing(-1, 1) == scribe.subjects[:1]
    assert store.listing(0, 10) == scribe.subjects[1:]
    assert store.listing(1, 10) == []


def test_a_subject_is_known_as_it_stood_at_every_size(store: Store, scribe: Scribe) -> None:
    party = scribe.join("Blade Works")  # entry 0
    first = scribe.register(party, "one")  # 1
    second = scribe.retitle(first, "two")  # 2, in the same batch
    store.commit(scribe.take())
    scribe.mention(first)  # 3
    third = scribe.advance(first)  # 4: only ``last`` moves on
    store.commit(scribe.take())
    stood = [store.subject_at(first.id, size) for size in range(8)]
    assert stood == [None, None, first, second, second, third, third, third]
    assert third.state == second.state
    assert third.last != second.last


def test_a_unique_key_leads_to_its_subject(store: Store, scribe: Scribe) -> None:
    parties = [scribe.join(f"Works {no}") for no in range(3)]
    store.commit(scribe.take())
    keys = [("did", f"did:key:{no}") for no in range(3)]
    found = store.lookup([*keys, keys[0], ("did", "did:key:unknown"), ("name", "did:key:0")])
    assert found == {key: party.id for key, party in zip(keys, parties, strict=True)}


def test_a_key_that_others_may_share_leads_to_none(store: Store, scribe: Scribe) -> None:
    scribe.join("One", "factory")
    store.commit(scribe.take())
    assert store.lookup([("role", "factory")]) == {}


def test_a_unique_key_passes_on_and_never_leads_to_two_subjects(store: Store, scribe: Scribe) -> None:
    one, two = scribe.join("One"), scribe.join("Two")
    store.commit(scribe.take())
    scribe.rename(two, "did:key:0")
    refuses(store, scribe.take())
    scribe.size, scribe.subjects[two.no] = 2, two
    scribe.take()
    scribe.rename(two, "did:key:0", "did:key:2")
    scribe.rename(one, "did:key:1")
    store.commit(scribe.take())  # in one batch they may pass each other
    keys = [("did", f"did:key:{no}") for no in range(4)]
    assert store.lookup(keys) == {keys[0]: two.id, keys[1]: one.id, keys[2]: two.id}
    scribe.rename(two, "did:key:3")
    store.commit(scribe.take())
    assert store.lookup(keys) == {keys[1]: one.id, keys[3]: two.id}
    three = scribe.join("Three")
    scribe.rename(three, "did:key:1")
    refuses(store, scribe.take())


def test_history_is_latest_first_and_goes_on_where_it_was_left(store: Store, scribe: Scribe) -> None:
    party = scribe.join("Blade Works")  # 0
    other = scribe.join("Other")  # 1
    asset = scribe.register(party, "one")  # 2
    scribe.mention(asset, other)  # 3
    scribe.advance(asset)  # 4
    store.commit(scribe.take())
    assert store.history(asset.id, FAR, 10) == [4, 3, 2]
    assert store.history(asset.id, FAR, 2) == [4, 3]
    assert store.history(asset.id, 3, 2) == [2]
    assert store.history(party.id, FAR, 10) == [2, 0]
    assert store.history("asset_unknown", FAR, 10) == []


def test_a_long_history_goes_on_wherever_it_was_left(store: Store, scribe: Scribe) -> None:
    party = scribe.join("Blade Works")  # 0
    seldom = [scribe.register(party, f"asset {number}") for number in range(300)]  # 1 to 300
    for number in range(1_200):  # chapters in which the first asset is touched, and some in which it is not
        scribe.mention(seldom[0] if number % 450 == 449 else seldom[number % 299 + 1])
        if number % 97 == 0:
            store.commit(scribe.take())
    store.commit(scribe.take())
    every = [301 + 450 * time - 1 for time in (2, 1)] + [1]
    assert store.history(seldom[0].id, FAR, 99) == every
    for before in (1, 2, 750, 751, 1_200, 1_201, FAR):
        expected = [index for index in every if index < before]
        assert [store.history(seldom[0].id, before, limit) for limit in (1, 2, 9)] == [
            expected[:limit] for limit in (1, 2, 9)
        ]
    assert store.history(party.id, FAR, 999) == [*range(300, -1, -1)]
    assert store.history(party.id, 257, 2) == [256, 255]


def test_look_ups_and_words_follow_the_state(store: Store, scribe: Scribe) -> None:
    party = scribe.join("Blade Works")
    asset = scribe.register(party, "spindle vibration")
    store.commit(scribe.take())
    scribe.retitle(asset, "spindle noise")
    scribe.retitle(asset, "spindle heat")
    store.commit(scribe.take())
    words = [row[1] for row in store.scan("word") if row[0] == "asset"]
    assert words == ["heat", "spindle"]
    assert store.search(["asset"], ["vibration"], [], FAR, 10) == []
    assert store.search(["asset"], ["noise"], [], FAR, 10) == []
    assert store.search(["asset"], ["heat"], [], FAR, 10) == [scribe.subjects[asset.no]]


def test_search_needs_all_words_and_all_keys(store: Store, scribe: Scribe) -> None:
    one, two = scribe.join("振动 Works", "factory"), scribe.join("Lender")
    a = scribe.register(one, "主轴振动数据", "cnc")
    b = scribe.register(two, "spindle 振动", "cnc", "wear")
    c = scribe.register(one, "spindle Δοκιμή", "wear")
    store.commit(scribe.take())
    cases: list[tuple[list[str], list[str], list[tuple[str, str]], list[Subject]]] = [
        (["asset"], [], [], [c, b, a]),
        (["party"], [], [], [two, one]),
        (["party", "asset", "offer"], [], [], [c, b, a, two, one]),
        (["asset"], ["振动"], [], [b, a]),
        (["asset", "party"], ["振动"], [], [b, a, one]),
        (["asset"], ["振动", "主轴"], [], [a]),
        (["asset"], ["主"], [], [a]),
        (["asset"], ["振", "据"], [], [a]),  # within a run of letters, and the last of one
        (["asset"], ["动"], [("keyword", "cnc")], [b, a]),
        (["asset", "party"], ["动"], [], [b, a, one]),
        (["asset"], ["s"], [], []),  # letters of words which spaces part are no words
        (["asset"], ["spindle", "spindle"], [], [c, b]),
        (["asset"], ["δοκιμή"], [], [c]),
        (["asset"], [], [("holder", one.id)], [c, a]),
        (["asset"], ["spindle"], [("holder", one.id)], [c]),
        (["asset"], ["振动"], [("keyword", "wear"), ("keyword", "cnc")], [b]),
        (["asset"], ["振动"], [("keyword", "wear"), ("holder", one.id)], []),
        (["party"], [], [("keyword", "wear")], []),
        (["asset"], ["absent"], [], []),
        (["version"], [], [], []),
        ([], ["振动"], [], []),
    ]
    for types, words, keys, expected in cases:
        assert store.search(types, words, keys, FAR, 10) == expected, (types, words, keys)
        pages, before = [], FAR
        while page := store.search(types, words, keys, before, 2):
            pages += page
            before = page[-1].no
        assert pages == expected, (types, words, keys)


def test_a_tile_is_replaced_as_a_whole(store: Store, scribe: Scribe) -> None:
    scribe.join("One")
    store.commit(scribe.take(tiles=[(0, 0, b"a" * 32)]))
    scribe.join("Two")
    store.commit(scribe.take(tiles=[(0, 0, b"a" * 32 + b"b" * 32), (1, 0, b"c" * 32)]))
    assert store.tile(0, 0) == b"a" * 32 + b"b" * 32
    assert store.tile(1, 0) == b"c" * 32
    assert store.tile(0, 1) is None
    assert [row[:2] for row in store.scan("tile")] == [(0, 0), (1, 0)]


def test_disclosures_keep_their_order(store: Store, scribe: Scribe) -> None:
    party = scribe.join("One")
    scribe.disclose(party, "z", "a")
    scribe.disclose(party, "m")
    store.commit(scribe.take())
    assert [store.disclosures(index) for index in range(4)] == [[], ["z", "a"], ["m"], []]
    assert list(store.scan("disclosure")) == [(1, 0, "z"), (1, 1, "a"), (2, 0, "m")]


def test_a_batch_for_another_size_is_refused(store: Store, scribe: Scribe) -> None:
    batch = three(scribe)[2]
    store.commit(batch)
    refuses(store, batch)
    scribe.join("Later")
    later = scribe.take()
    later.size += 1
    refuses(store, later)
    later.size -= 1
    store.commit(later)
    assert everything(store)["entry"] == [b"entry %d\n" % index for index in range(4)]


@pytest.mark.parametrize("what", ["ids", "links"])
def test_a_repeated_statement_or_link_is_refused_whole(store: Store, scribe: Scribe, what: str) -> None:
    first = three(scribe)[2]
    store.commit(first)
    for _ in range(3):
        scribe.join("Later")
    batch = scribe.take(tiles=[(0, 0, b"t" * 32)])
    values = getattr(batch, what)
    last = values[-1]
    values[-1] = getattr(first, what)[0]  # one that is stored, as the very last row
    refuses(store, batch)
    values[-1] = values[0]  # one of the batch itself
    refuses(store, batch)
    values[-1] = last
    store.commit(batch)
    assert store.tile(0, 0) == b"t" * 32


def test_a_subject_out_of_turn_is_refused(store: Store, scribe: Scribe) -> None:
    store.commit(three(scribe)[2])
    ahead = Scribe()
    ahead.size, ahead.subjects = scribe.size, [*scribe.subjects, scribe.subjects[-1]]
    ahead.take()
    ahead.join("Nobody before me")
    refuses(store, ahead.take())


def test_a_subject_opened_twice_is_refused(store: Store, scribe: Scribe) -> None:
    party, _, batch = three(scribe)
    store.commit(batch)
    scribe.join("Later")
    later = scribe.take()
    ((_, after),) = later.changes[0].changed
    later.changes[0].changed = [(None, Subject(party.id, after.no, after.index, after.last, after.state))]
    refuses(store, later)


@pytest.mark.parametrize("what", ["id", "index", "last"])
@pytest.mark.parametrize("opens", [True, False])
def test_a_subject_changed_in_the_name_of_another_entry_is_refused(
    store: Store, scribe: Scribe, what: str, opens: bool
) -> None:
    party, _, batch = three(scribe)
    store.commit(batch)
    scribe.join("Later") if opens else scribe.advance(party)
    scribe.mention(party)
    later = scribe.take()
    ((before, after),) = later.changes[0].changed
    other = {
        "id": subject_id("party", later.ids[1]) if opens else scribe.subjects[1].id,
        "index": after.index + 1,
        "last": b64encode(later.ids[1]),
    }
    later.changes[0].changed = [(before, replace(after, **{what: other[what]}))]
    refuses(store, later)
    later.changes[0].changed = [(before, after)]
    store.commit(later)


def test_a_subject_stands_by_the_act_that_last_advanced_it_whatever_changes_it(store: Store, scribe: Scribe) -> None:
    party = scribe.join("Blade Works")  # entry 0
    first = scribe.register(party, "one")  # 1
    store.commit(scribe.take())
    told = [first]
    for by in ("other", "other", "itself", "other", "itself", "itself", "other"):  # 2 to 8; 2 to 4 in one batch
        before = scribe.subjects[first.no]
        after = scribe.retitle(first, f"title {by} {scribe.size}")
        if by == "other":
            after = replace(after, last=before.last)
            scribe.subjects[first.no] = after
            scribe.amend(after)
        told.append(after)
        if scribe.size in (5, 6, 9):
            store.commit(scribe.take())
    assert [store.subject_at(first.id, size) for size in range(2, 10)] == told
    assert [row[2] for row in store.scan("past") if row[0] == first.no] == [one.last for one in told[:-1]]
    assert store.subjects([first.id]) == {first.id: told[-1]}


def test_lists_of_subjects_are_kept_in_order_whatever_comes_and_goes(store: Store, scribe: Scribe) -> None:
    party = scribe.join("Works")
    assets = [scribe.register(party, "even" if number % 2 == 0 else "odd") for number in range(600)]
    store.commit(scribe.take())
    for asset in assets[::3]:
        scribe.retitle(asset, "third")
    late = [scribe.register(party, "even") for _ in range(300)]
    store.commit(scribe.take())
    for asset in (*assets, *late[::2]):
        scribe.retitle(asset, "even")
    store.commit(scribe.take())
    listed = [(word, no) for _, word, no in store.scan("word") if word in ("even", "odd", "third")]
    assert listed == [("even", asset.no) for asset in (*assets, *late)]
    for asset in (*assets, *late):
        scribe.retitle(asset, "gone")
    store.commit(scribe.take())
    assert sorted(str(row[1]) for row in store.scan("word")) == [*["gone"] * 900, "works"]
    assert store.search(["asset"], ["even"], [], FAR, 10) == []


def test_a_change_from_a_stale_state_is_refused(store: Store, scribe: Scribe) -> None:
    _, asset, batch = three(scribe)
    store.commit(batch)
    scribe.subjects[asset.no] = asset  # as it stood before it was renamed
    scribe.retitle(asset, "another")
    refuses(store, scribe.take())


@pytest.mark.parametrize("before", ["stale", "none"])
def test_a_change_that_does_not_start_from_the_one_before_is_refused(store: Store, scribe: Scribe, before: str) -> None:
    _, asset, batch = three(scribe)
    store.commit(batch)
    scribe.retitle(asset, "second")
    scribe.retitle(asset, "third")
    later = scribe.take()
    ((stood, _),) = later.changes[0].changed
    ((_, after),) = later.changes[1].changed
    later.changes[1].changed = [(stood if before == "stale" else None, after)]
    refuses(store, later)


def test_a_change_of_a_subject_that_is_not_there_is_refused(store: Store, scribe: Scribe) -> None:
    store.commit(three(scribe)[2])
    other = Scribe()
    absent = other.register(other.join("One"), "two")
    other.subjects.append(Subject(absent.id, 2, 1, absent.last, absent.state))
    other.size, other.subjects = 3, [*scribe.subjects, other.subjects[2]]
    other.take()
    other.advance(other.subjects[2])
    refuses(store, other.take())


def test_a_batch_out_of_step_is_a_mistake(store: Store, scribe: Scribe) -> None:
    for name in ("ids", "links", "changes", "entries"):
        scribe = Scribe()
        batch = three(scribe)[2]
        getattr(batch, name).pop()
        with pytest.raises(ValueError, match=r"step|shorter|longer"):
            store.commit(batch)
    assert store.head() is None


def test_readers_in_other_threads_see_whole_batches(store: Store, scribe: Scribe) -> None:
    seen: list[tuple[int, int]] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            head = store.head()
            if head is not None:
                seen.append((head.size, head.count))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        while len(seen) < 50 and scribe.size < 9_000:
            party = scribe.join("Works")
            scribe.register(party, "data")
            scribe.mention(party)
            store.commit(scribe.take())
            head = store.head()
            assert head is not None
            assert head.size == scribe.size
    finally:
        done.set()
        reader.join()
    assert seen
    assert all(size % 3 == 0 and count == size // 3 * 2 for size, count in seen)
    assert seen == sorted(seen)


def test_what_a_read_returned_is_not_changed_by_a_later_commit(store: Store, scribe: Scribe) -> None:
    party = scribe.join("One")
    scribe.disclose(party, "d")
    store.commit(scribe.take())
    entries, disclosures, rows = store.entries(0, FAR), store.disclosures(1), store.listing(-1, 9)
    first = next(entries)
    scribe.retitle(party, "Two")
    store.commit(scribe.take())
    assert [first, *entries][:2] == [b"entry 0\n", b"entry 1\n"]
    assert (disclosures, rows) == (["d"], [party])


def test_changes_since_a_size_come_with_how_subjects_stood_then(store: Store, scribe: Scribe) -> None:
    party = scribe.join("Blade Works")
    assets = [scribe.register(party, f"Spindle {number}") for number in range(600)]  # more than a chapter of entries
    scribe.retitle(assets[3], "Spindle three")
    scribe.advance(assets[4])
    scribe.retitle(assets[3], "Spindle 3, revised")
    scribe.mention(party)
    store.commit(scribe.take())
    store.commit(_more(scribe, party))
    for start in (0, 1, 300, 601, 602, 603, 604, 605, 606, 607):
        now = {one.id: one for one in store.listing(-1, 10_000)}
        due = [(store.subject_at(name, start), one) for name, one in now.items() if one.index >= start]
        assert list(store.changes(start)) == due, start
    assert list(store.changes(608)) == []


def _more(scribe: Scribe, party: Subject) -> Batch:
    scribe.retitle(party, "Blade Works Ltd")
    scribe.register(party, "Castings")
    scribe.retitle(party, "Blade Works GmbH")
    return scribe.take()


# -- erasing -----------------------------------------------------------------------------------------------------------


def test_what_is_erased_goes_and_the_rest_stays_in_its_order(store: Store, scribe: Scribe) -> None:
    party = scribe.join("Blade Works")
    scribe.disclose(party, "z", "a", "m")
    scribe.mention(party)
    scribe.disclose(party, "z")
    store.commit(scribe.take())
    rows = list(store.scan("disclosure"))
    for _ in range(2):  # twice is as well as once
        store.erase({(rows[0][0], name_of("a")), (rows[0][0], name_of("unknown")), (99, name_of("z"))})
        assert [row[2] for row in store.scan("disclosure")] == ["z", "m", "z"]
    store.erase({(rows[0][0], name_of("z")), (rows[0][0], name_of("m"))})
    assert list(store.scan("disclosure")) == [rows[3]]
    store.erase(set())
    scribe.mention(party)
    store.commit(scribe.take())
    assert list(store.scan("disclosure")) == [rows[3]]
