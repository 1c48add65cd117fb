"""What changes of subjects mean to the map: the same as the map of all of them, whatever was changed in between."""

from __future__ import annotations

import random

from ledger.log.map import map_root
from ledger.log.merkle import EMPTY_ROOT
from ledger.log.page import MapTree
from ledger.statemap import MapChanges, listed
from tests.cast import Play, whole_life
from tests.ledger.committed import lists_of, root_of


def test_changes_lead_from_any_size_to_any_later_one() -> None:
    whole = whole_life()
    for seed in range(5):
        chosen, play = random.Random(seed), Play()
        pages: dict[bytes, bytes] = {}
        tree = MapTree(lambda wanted, pages=pages: {one: pages[one] for one in wanted if one in pages})  # type: ignore[misc]
        waiting = [*play.entries[0].change.changed]
        root, made = EMPTY_ROOT, MapChanges()
        for played in whole.entries[1:]:
            play.seconds = played.time // 1_000_000
            waiting += play.admit(played.sent).change.changed
            if chosen.random() < 0.3:
                made = MapChanges()
                assert made.add(waiting) == len(waiting)
                update = tree.update(root, made.keys, made.lists)
                pages |= update.pages
                root, waiting = update.root, []
                assert root == root_of(play.world.subjects())


def test_a_list_left_by_its_last_member_is_gone() -> None:
    """An asset passes on: the list of its holder's assets is the new holder's only."""
    play = Play()
    play.join("factory", "partner")
    asset = play.register("factory")
    before = lists_of(play.world.subjects())
    play.transfer("factory", asset, "partner")
    after = lists_of(play.world.subjects())
    assert ("asset", "holder", play.party("factory")) in before
    assert ("asset", "holder", play.party("factory")) not in after
    made = MapChanges()
    made.add(pair for played in play.entries for pair in played.change.changed)
    lists = {key: {member for member, value in members.items() if value} for key, members in made.lists.items()}
    assert sorted(map(len, filter(None, lists.values()))) == sorted(map(len, after.values()))
    tree = MapTree(lambda _: {})
    assert tree.update(EMPTY_ROOT, made.keys, made.lists).root == root_of(play.world.subjects()) != map_root({})


def test_only_declared_look_ups_have_lists() -> None:
    play = whole_life()
    for subject in play.world.subjects():
        names = {name for _, name, _ in listed(subject.state)}
        assert names <= {*subject.state.PROVEN} & {name for name, _ in subject.state.lookups()}
