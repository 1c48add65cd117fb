"""Which entries go into a pack, from whatever shows them, and which private values."""

from __future__ import annotations

import pytest

import ledger.pack.gather
from identity import disclosure
from ledger.circulation.offer import OfferOpened
from ledger.errors import Absent, Corrupt, Unavailable
from ledger.log.chain import parse_entry
from ledger.pack.data import Pack, format_data
from ledger.pack.evidence import ScanEvidence, StoreEvidence, turns_of
from ledger.pack.gather import gather
from ledger.pack.judge import DOUBTFUL, judge
from tests.cast import LOG
from tests.ledger.pack.pressed import Listed, checkpoint, entries, honest, lived, stored, story, written
from tests.ledger.pack.turned import crowded, turned


def indexes(pack: Pack) -> list[int]:
    return [parse_entry(piece.entry).index for piece in pack.pieces]


def evidence() -> StoreEvidence:
    return StoreEvidence(*stored())


def test_an_entry_comes_with_charter_history_and_signers() -> None:
    assert indexes(honest(0)) == [0, 30, 31], "the charter and its amendments"
    assert indexes(honest(1)) == [0, 1, 30, 31], "a party: not all it ever did"
    assert indexes(honest(28)) == [0, 1, 2, 4, 7, 9, 20, 28, 30, 31], "an offer: who asked, and what became of it"
    assert indexes(honest(26)) == [0, 1, 3, 5, 19, 26, 27, 30, 31], "a transfer: what advanced the asset it pins"
    assert indexes(gather(evidence(), 26, history=False)) == [0, 1, 26, 30, 31]


def test_every_entry_can_be_packed_and_holds() -> None:
    for index in range(len(story().entries)):
        judged = judge(format_data(gather(evidence(), index)))
        assert (judged.word, judged.index) == ("consistent", index), judged.detail


def test_a_store_and_a_copy_of_the_entries_give_the_same_pack() -> None:
    copy = ScanEvidence(Listed(entries(), stored()[1]))
    for index in range(len(story().entries)):
        assert gather(copy, index) == gather(evidence(), index)


def test_what_lets_signers_speak_comes_along_from_a_store_as_from_a_copy() -> None:
    log, note = list(lived()[0].entries(0, 1_000)), lived()[1]
    store, copy = StoreEvidence(lived()[0], note), ScanEvidence(Listed(log, note))
    for index in range(len(log)):
        found = gather(store, index)
        assert found == gather(copy, index)
        judged = judge(format_data(found))
        assert (judged.word, judged.index) == ("consistent", index), judged.detail


def test_keys_come_with_their_whole_history_and_delegations_with_their_chain() -> None:
    at = turned().at
    keys = [at[name] for name in ("the joining", "the rotation", "the rotation to P-256", "the move")]
    assert set(keys) < set(indexes(turned().pack("by the key after it")))
    given = [at[name] for name in ("the delegation", "the delegation given on", "the delegation given on again")]
    assert {*keys, *given, at["the revocation"]} < set(indexes(turned().pack("by a party at the end of a chain")))
    revoked = turned().pack("the revocation")
    assert at["by a machine"] not in indexes(revoked), "a delegation: not all that is done under it"
    recovery = [at[name] for name in ("the succession", "the opening", "the recovery")]
    assert set(recovery) < set(indexes(turned().pack("after the recovery")))


def test_what_was_before_a_recovery_is_found_in_the_state_of_that_time() -> None:
    states = {
        30: (20, {"keys": [{"key": "z2", "index": 20}], "log": None, "recovered": 20}),
        20: (9, {"keys": [{"key": "z1", "index": 7, "ended": 9}], "log": {"entry": 9, "before": 5}, "recovered": 4}),
        9: (5, {"keys": [{"key": "z1", "index": 7}], "log": {"entry": 5, "before": None}, "recovered": 4}),
        4: (1, {"keys": [{"key": "z0", "index": 1}], "log": None, "recovered": None}),
    }
    assert turns_of("party_x", states.__getitem__, 30) == [1, 4, 5, 7, 9, 20]
    circling = {
        30: (29, {"keys": [], "recovered": 30, "log": {"entry": 29, "before": 28}}),
        29: (28, {"keys": [], "log": {"entry": 29, "before": 28}}),
    }
    assert turns_of("party_x", circling.__getitem__, 30) == [29], "evidence that leads in circles ends"


def test_lines_that_kept_the_keys_are_found_before_a_recovery_too() -> None:
    store, note = written(crowded().play)
    log, at = list(store.entries(0, 1_000)), crowded().at
    changed = [at[name] for name in ("the joining", "the first line more", "the second line more")]
    changed += [*range(at["the alarm"], at["the last line"] + 1), at["the recovery"]]
    for source in (StoreEvidence(store, note), ScanEvidence(Listed(log, note))):
        assert source.turns(crowded().play.party("works")) == changed
        for name in ("the second line more", "the last line", "after the recovery of the crowded"):
            made = gather(source, at[name])
            assert set(changed) < set(indexes(made))
            judged = judge(format_data(made))
            assert (judged.word, judged.index) == ("consistent", at[name]), judged.detail


def test_nobody_makes_a_pack_impossible_by_what_they_do_later() -> None:
    at = crowded().at
    lines = [at[name] for name in ("the joining", "the first line more", "the second line more")]
    needed = [0, *lines, at["the naming of trustees"], at["by a party"]]
    doubtful = {}
    for room in (6, 7, 9, 10):
        made = crowded().pack("by a party", room=room)
        assert len(made.pieces) <= room
        assert set(needed) <= set(indexes(made))
        assert not set(indexes(made)) & set(range(at["the alarm"] + 1, at["the last line"] + 1)), "they say nothing"
        judged = judge(format_data(made))
        assert judged.word == "consistent", judged.detail
        doubtful[room] = DOUBTFUL in judged.remarks()
        assert (at["the recovery"] in indexes(made)) == (room == 10)
    assert doubtful == {6: False, 7: True, 9: True, 10: True}, "that its key is compromised is told if there is room"
    assert indexes(crowded().pack("by a party", room=6)) == needed
    before = crowded().pack("by a party", room=12, size=at["the last line"])
    assert indexes(before) == [*needed, at["the alarm"]]


def test_what_came_later_comes_along_where_there_is_room() -> None:
    at = crowded().at
    made = crowded().pack("by a party")
    assert {*range(at["the alarm"], at["the last line"] + 1), at["the recovery"]} < set(indexes(made))
    with pytest.raises(Unavailable) as full:
        crowded().pack("the last line", room=100)
    assert full.value.code == "pack_too_long", "what it signed itself rests on all lines before"


def test_an_older_checkpoint_gives_the_pack_of_that_time() -> None:
    older = checkpoint(entries()[:25], LOG)
    for source in (StoreEvidence(stored()[0], older), ScanEvidence(Listed(entries(), older))):
        found = gather(source, 5)
        assert indexes(found)[-1] == 24
        assert judge(format_data(found)).line().startswith("pack: consistent  size=25 ")
        with pytest.raises(Absent) as absent:
            gather(source, 25)
        assert absent.value.code == "entry_absent"


def test_a_copy_that_ends_too_early_is_corrupt() -> None:
    with pytest.raises(Corrupt) as damage:
        ScanEvidence(Listed(entries()[:20], stored()[1]))
    assert (damage.value.code, damage.value.index) == ("entry_missing", 20)


def test_what_is_not_there_is_absent() -> None:
    for source in (evidence(), ScanEvidence(Listed(entries(), stored()[1]))):
        asked = {
            "statement_absent": lambda one: one.index_of("A" * 43),
            "subject_absent": lambda one: one.last("asset_x"),
            "entry_absent": lambda one: one.entry(99),
        }
        for code, ask in asked.items():
            with pytest.raises(Absent) as absent:
                ask(source)
            assert absent.value.code == code
        with pytest.raises(Absent):
            source.party("did:key:z")


class Circling(StoreEvidence):
    """Whichever statement is asked for stands at one place."""

    place = 0

    def index_of(self, statement: str) -> int:
        return self.place


@pytest.mark.parametrize("place", [-1, 0, 19, 27, 32])
def test_evidence_that_leads_in_circles_ends_nowhere_but_in_an_error(place: int) -> None:
    lying = Circling(*stored())
    lying.place = place
    with pytest.raises(Corrupt) as strange:
        gather(lying, 19)
    assert (strange.value.code, strange.value.index) == ("pack_misplaced", place)


class Ahead(StoreEvidence):
    """The act that advanced a subject pins itself, as far as can be seen: no signature could."""

    def index_of(self, statement: str) -> int:
        found = super().index_of(statement)
        return 27 if found == 19 else found


def test_each_step_back_leads_to_an_earlier_entry() -> None:
    with pytest.raises(Corrupt) as strange:
        gather(Ahead(*stored()), 27)
    assert (strange.value.code, strange.value.index) == ("pack_misplaced", 27)


def test_a_pack_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger.pack.gather, "PIECES_MAX", 10)
    with pytest.raises(Unavailable) as full:
        gather(evidence(), 19)
    assert full.value.code == "pack_too_long"
    assert len(gather(evidence(), 19, history=False).pieces) == 5


# ---- Private values ----------------------------------------------------------------------------------------


def shown(pack: Pack) -> dict[int, list[object]]:
    found = {parse_entry(piece.entry).index: piece.disclosures for piece in pack.pieces if piece.disclosures}
    return {index: [disclosure.show(one) for one in disclosures] for index, disclosures in found.items()}


QUIET = next(
    one.index for one in story().entries if isinstance(one.statement.body, OfferOpened) and one.statement.disclosures
)


def test_private_values_stay_behind_unless_they_are_chosen() -> None:
    assert shown(gather(evidence(), QUIET)) == {}
    price = gather(evidence(), QUIET, shown=lambda _index, pointer: pointer == "/price")
    assert shown(price) == {QUIET: [{"amount": 90_000_00, "currency": "CNY"}]}
    everything = gather(evidence(), QUIET, shown=lambda _index, _pointer: True)
    assert len(shown(everything)) > 1
    only = gather(evidence(), QUIET, shown=lambda index, pointer: index == QUIET)
    assert shown(only) == shown(price)


def test_whoever_holds_a_disclosure_can_show_it_where_it_fits() -> None:
    copy = ScanEvidence(Listed(entries(), stored()[1]))
    held = [*story().entries[QUIET].statement.disclosures, *story().entries[4].statement.disclosures]
    assert shown(gather(copy, QUIET, held=held)) == {QUIET: [{"amount": 90_000_00, "currency": "CNY"}]}
    assert shown(gather(copy, 19, held=held)).keys() == {4}
