"""The writer: every outcome of a batch, every way a batch can fail, and what it says afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, cast

import pytest

from identity.canonical import b64encode
from identity.note import Signer, Verifier, format_vkey, sign_note
from ledger import tip as module
from ledger.append import Admitted, Outcome, Writer
from ledger.errors import Corrupt, Malformed, Problem, Unavailable, Unverifiable
from ledger.log.chain import check_follows, format_entry, link_of, parse_entry
from ledger.log.checkpoint import open_checkpoint
from ledger.log.merkle import leaf_hash, root_of
from ledger.log.receipt import open_receipt
from ledger.statement import receive
from ledger.store import Batch, Store
from ledger.store.memory import MemoryStore
from ledger.store.sql import SqlStore
from tests.cast import CAST, DAY, LOG, ORIGIN, START, Play, actor, description, life, seed

MICRO = 1_000_000
OTHER = Signer(ORIGIN, seed("other log"))


@dataclass
class PlayClock:
    """A clock told when to move: ``seconds`` on both clocks, ``leap`` on the wall only."""

    seconds: float = START
    leap: float = 0.0

    def wall(self) -> int:
        return round((self.seconds + self.leap) * MICRO)

    def steady(self) -> int:
        return round(self.seconds * MICRO)


@dataclass
class Keys:
    """The log keys the service holds."""

    signers: list[Signer] = field(default_factory=lambda: [LOG])

    def __call__(self, verifier: Verifier) -> Signer | None:
        return next((signer for signer in self.signers if signer.verifier == verifier), None)


class Failing:
    """A store whose next commit fails, before or after it took effect; and whose reading fails if told to."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.fail: str | None = None  # "before" or "after" the commit
        self.away = False

    def commit(self, batch: Batch) -> None:
        fail, self.fail = self.fail, None
        if fail == "before":
            raise OSError("no space left on device")
        self.store.commit(batch)
        if fail == "after":
            raise OSError("input/output error")

    def head(self) -> Any:
        if self.away:
            raise Unavailable("store_unreadable")
        return self.store.head()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


@dataclass
class House:
    """A writer over a store, and a play that signs for it."""

    store: Failing
    writer: Writer
    play: Play
    clock: PlayClock
    keys: Keys
    reopen: Callable[[], Store] | None = None

    def append(self, *sent: bytes) -> list[Outcome]:
        return self.writer.append([receive(one) for one in sent])

    def open(self, published: bytes | None = None) -> Writer:
        known = {} if published is None else {"the checkpoint": published}
        return Writer.open(cast(Store, self.store), ORIGIN, self.clock, self.keys, known)

    def join(self, *names: str) -> list[bytes]:
        return [self.play.sign("party.joined", by=name, body={"name": CAST[name].legal}) for name in names]

    def asset(self, by: str, title: str = "Spindle", **claims: Any) -> bytes:
        return self.play.sign("asset.registered", by=by, body=description(title), **claims)

    def amend(self, **body: Any) -> bytes:
        ledger = self.play.world.ledger
        return self.play.sign("ledger.amended", by="governance", sub=ledger, body=body)

    @property
    def head(self) -> Any:
        assert self.writer.head is not None
        return self.writer.head


@pytest.fixture(params=["memory", "sqlite"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """A ledger with a charter, over each store."""
    store: Store = MemoryStore() if request.param == "memory" else SqlStore.create(tmp_path / "ledger.db")
    failing, clock, keys, play = Failing(store), PlayClock(), Keys(), Play()
    writer = Writer.open(cast(Store, failing), ORIGIN, clock, keys)
    house = House(failing, writer, play, clock, keys)
    (opened,) = house.append(play.entries[0].sent)
    assert isinstance(opened, Admitted)
    assert opened.entry == play.entries[0].entry
    yield house
    store.close()


def codes(outcomes: list[Outcome]) -> list[str | int]:
    """For each outcome its index, or its code."""
    return [outcome.code if isinstance(outcome, Problem) else outcome.index for outcome in outcomes]


def check_ledger(house: House) -> None:
    """The store is one chain, the head its tree, and every receipt against the head opens."""
    size = house.head.size
    entries = list(house.store.entries(0, size + 1))
    previous, link = None, bytes(32)
    for data in entries:
        entry = parse_entry(data)
        check_follows(entry, previous, link)
        previous, link = entry, link_of(data)
    assert len(entries) == size
    assert root_of(map(leaf_hash, entries)) == house.head.root
    checkpoint = open_checkpoint(house.head.checkpoint, [signer.verifier for signer in (LOG, OTHER)])
    assert (checkpoint.size, checkpoint.root) == (size, house.head.root)


# -- outcomes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [1, 7, 100])
def test_a_whole_life_becomes_the_entries_the_play_foresaw(width: int) -> None:
    """The same statements in batches of any size: what the world alone gives, to the byte where times agree."""
    story, store, clock = life(), MemoryStore(), PlayClock()
    writer = Writer.open(store, ORIGIN, clock, Keys())
    charter, *acts = story.entries
    seconds = [list(group) for _, group in groupby(acts, lambda played: played.time // MICRO)]
    batches = [group[start : start + width] for group in seconds for start in range(0, len(group), width)]
    for batch in [[charter], *batches]:
        clock.seconds = batch[-1].time / MICRO
        outcomes = writer.append([played.statement for played in batch])
        assert codes(outcomes) == [played.index for played in batch]
        for played, outcome in zip(batch, outcomes, strict=True):
            assert isinstance(outcome, Admitted)
            assert outcome.subject == played.change.subject
            assert width > 1 or outcome.entry == played.entry
    assert writer.head is not None
    assert writer.head.size == len(story.entries)
    found = store.subjects(list(story.subjects))
    assert {name: (one.no, one.last, one.state) for name, one in found.items()} == {
        name: (one.no, one.last, one.state) for name, one in story.subjects.items()
    }


def test_every_receipt_of_a_batch_opens_against_its_checkpoint(house: House) -> None:
    for batch in (house.join("factory"), house.join("partner", "second"), house.join("lender", "stranger")):
        for outcome, sent in zip(house.append(*batch), batch, strict=True):
            assert isinstance(outcome, Admitted)
            entry, checkpoint = open_receipt(outcome.receipt(), [LOG.verifier])
            assert (entry.index, entry.statement, entry.time) == (outcome.index, sent, outcome.time)
            assert checkpoint.size == house.head.size
        check_ledger(house)


def test_the_same_statement_twice_in_one_batch_is_one_entry(house: House) -> None:
    (factory,) = house.join("factory")
    first, second = house.append(factory, factory)
    assert isinstance(first, Admitted)
    assert isinstance(second, Admitted)
    assert (first.index, first.again) == (1, False)
    assert (second.index, second.again) == (1, True)
    assert first.receipt() == second.receipt()
    assert house.head.size == 2


def test_the_same_statement_again_later_is_the_same_entry_against_the_present_head(house: House) -> None:
    factory, partner = house.join("factory", "partner")
    (first,) = house.append(factory)
    house.append(partner)
    (again,) = house.append(factory)
    assert isinstance(first, Admitted)
    assert isinstance(again, Admitted)
    assert (again.index, again.time, again.id, again.subject) == (first.index, first.time, first.id, first.subject)
    assert (first.again, again.again) == (False, True)
    assert open_receipt(again.receipt(), [LOG.verifier])[1].size == 3
    check_ledger(house)


def test_again_and_for_the_first_time_mix_in_one_batch(house: House) -> None:
    factory, partner, second = house.join("factory", "partner", "second")
    house.append(factory)
    outcomes = house.append(partner, factory, second, partner)
    assert codes(outcomes) == [2, 1, 3, 2]
    assert [one.again for one in outcomes if isinstance(one, Admitted)] == [False, True, False, True]
    for outcome in outcomes:
        assert isinstance(outcome, Admitted)
        assert open_receipt(outcome.receipt(), [LOG.verifier])[0].index == outcome.index


def test_a_statement_answered_again_is_not_judged_again(house: House) -> None:
    (factory,) = house.join("factory")
    house.append(factory)
    house.clock.seconds += DAY  # it would be expired by now
    assert codes(house.append(factory)) == [1]


def test_a_refused_act_leaves_no_trace_in_its_batch(house: House) -> None:
    factory, partner = house.join("factory", "partner")
    asset = house.asset("factory")
    late = house.asset("factory", "late", exp=START - 10, iat=START - 20)
    assert codes(house.append(factory, late, asset, house.asset("lender"), partner)) == [
        1,
        "act_expired",
        2,
        "party_unknown",
        3,
    ]
    assert house.head.size == 4
    assert len(house.store.listing(-1, 100)) == 2 + 2 + 2
    check_ledger(house)


def test_a_batch_of_refusals_only_changes_nothing(house: House) -> None:
    before = house.head
    assert codes(house.append(house.asset("lender"), house.asset("stranger"))) == ["party_unknown"] * 2
    assert house.head is before
    assert house.append() == []


def test_acts_build_on_earlier_ones_of_the_same_batch(house: House) -> None:
    play = house.play
    play.join("factory", "partner")
    asset = play.register("factory")
    play.act("asset.revised", by="factory", sub=asset, body=description("Spindle 2"))
    play.transfer("factory", asset, "partner")
    assert codes(house.append(*(played.sent for played in play.entries[1:]))) == list(range(1, 7))
    assert house.store.subjects([asset])[asset].state == play.subjects[asset].state
    check_ledger(house)


def test_disclosures_are_kept_beside_their_entry(house: House) -> None:
    body = {"name": "Banco Ribeira"}
    sent = house.play.sign("party.joined", by="lender", body=body, private=["name"])
    house.append(*house.join("factory"), sent)
    assert list(house.store.disclosures(2)) == list(receive(sent).disclosures)
    assert list(house.store.disclosures(1)) == []


# -- what a signer has seen ----------------------------------------------------------------------------------------


def seen(index: int, data: bytes) -> str:
    return f"{index}:{b64encode(link_of(data))}"


def test_what_a_signer_has_seen_is_checked_against_the_ledger(house: House) -> None:
    charter = house.play.entries[0].entry
    house.append(*house.join("factory"))
    good = house.asset("factory", "good", seen=seen(0, charter))
    forked = house.asset("factory", "forked", seen=seen(1, charter))
    ahead = house.asset("factory", "ahead", seen=seen(9, charter))
    assert codes(house.append(good, forked, ahead)) == [2, "seen_forked", "seen_ahead"]


def test_a_claim_to_have_seen_an_entry_of_the_very_batch_is_judged_like_any_other(house: House) -> None:
    charter = house.play.entries[0].entry
    (factory,) = house.join("factory")
    early = house.asset("factory", "early", seen=seen(1, charter))
    assert codes(house.append(factory, early)) == [1, "seen_forked"]


# -- the clock -----------------------------------------------------------------------------------------------------


def test_time_goes_strictly_up_even_where_the_clock_stands(house: House) -> None:
    outcomes = house.append(*house.join("factory", "partner")) + house.append(*house.join("second"))
    times = [outcome.time for outcome in outcomes if isinstance(outcome, Admitted)]
    assert times == [START * MICRO + 1, START * MICRO + 2, START * MICRO + 3]


def test_a_clock_a_little_behind_does_not_hold_the_ledger_up(house: House) -> None:
    house.clock.leap = -59
    (outcome,) = house.append(*house.join("factory"))
    assert isinstance(outcome, Admitted)
    assert outcome.time == START * MICRO + 1


def test_a_clock_behind_the_last_entry_stops_the_writer_until_it_is_right(house: House) -> None:
    house.clock.leap = -61
    with pytest.raises(Unavailable) as caught:
        house.append(*house.join("factory"))
    assert caught.value.code == "clock_behind"
    assert house.head.size == 1
    house.clock.leap = 0
    assert codes(house.append(*house.join("factory"))) == [1]


def test_a_clock_that_leapt_ahead_stops_the_writer_until_it_is_right(house: House) -> None:
    house.clock.seconds += DAY  # time passes on both clocks: no leap
    house.append(*house.join("factory", "partner"))
    house.clock.leap = 61
    for _ in range(2):
        with pytest.raises(Unavailable) as caught:
            house.append(*house.join("second"))
        assert caught.value.code == "clock_leapt"
    house.clock.leap = 59
    house.play.seconds = int(house.clock.seconds)
    assert codes(house.append(*house.join("second"))) == [1]


def test_the_charter_says_how_far_the_clock_may_jump(house: House) -> None:
    assert codes(house.append(house.amend(limits={"validity": DAY, "clock": 5}))) == [1]
    house.clock.leap = 6
    with pytest.raises(Unavailable) as caught:
        house.append(*house.join("factory"))
    assert caught.value.code == "clock_leapt"


# -- published checkpoints ---------------------------------------------------------------------------------------------


def refused(open_: Callable[[], Any]) -> str:
    with pytest.raises((Unavailable, Corrupt, Malformed)) as caught:
        open_()
    return caught.value.code


def test_taking_up_again_gives_the_same_head_and_goes_on(house: House) -> None:
    house.append(*house.join("factory", "partner"))
    writer = house.open(house.head.checkpoint)
    assert writer.head == house.head
    assert writer.charter == house.writer.charter
    house.writer = writer
    assert codes(house.append(house.asset("factory"), *house.join("second"))) == [3, 4]
    check_ledger(house)


def test_a_store_that_extends_the_published_checkpoint_is_taken_up(house: House) -> None:
    published = [house.head.checkpoint]
    for name in ("factory", "partner", "second"):
        house.append(*house.join(name))
        published.append(house.head.checkpoint)
    for checkpoint in published:
        assert house.open(checkpoint).head == house.head


class Twin:
    """Another copy of the ledger, made from the same charter, that goes its own way."""

    def __init__(self, house: House) -> None:
        self.writer = Writer.open(MemoryStore(), ORIGIN, PlayClock(), house.keys)
        self.append(house.play.entries[0].sent)

    def append(self, *sent: bytes) -> bytes:
        """Append; returns the checkpoint."""
        assert all(isinstance(one, Admitted) for one in self.writer.append([receive(one) for one in sent]))
        assert self.writer.head is not None
        return self.writer.head.checkpoint


def test_a_store_older_than_the_published_checkpoint_never_signs(house: House) -> None:
    factory, partner = house.join("factory", "partner")
    published = Twin(house).append(factory, partner)
    assert refused(lambda: house.open(published)) == "store_older"
    house.append(factory)
    assert refused(lambda: house.open(published)) == "store_older"
    house.append(partner)
    assert house.open(published).head == house.head


def test_a_store_with_another_history_never_signs(house: House) -> None:
    factory, partner, second = house.join("factory", "partner", "second")
    published = Twin(house).append(factory)
    house.append(partner)
    assert refused(lambda: house.open(published)) == "store_other"
    house.append(second)
    assert refused(lambda: house.open(published)) == "store_other"


def test_a_checkpoint_published_under_a_later_log_key_shows_that_the_store_is_older(house: House) -> None:
    house.keys.signers.append(OTHER)
    published = Twin(house).append(house.amend(logKey=format_vkey(OTHER.verifier)))
    assert refused(lambda: house.open(published)) == "store_older"


def test_a_checkpoint_of_somebody_else_is_not_taken_for_ours(house: House) -> None:
    text = house.head.checkpoint.partition(b"\n\n")[0] + b"\n"
    assert refused(lambda: house.open(sign_note(text, OTHER))) == "store_other"
    assert refused(lambda: house.open(b"no note")) == "store_corrupt"


def test_a_checkpoint_of_an_empty_store_shows_that_it_is_older(house: House) -> None:
    known = {"it": house.head.checkpoint}
    assert refused(lambda: Writer.open(MemoryStore(), ORIGIN, house.clock, house.keys, known)) == "store_older"


def test_a_store_of_another_origin_is_not_taken_up(house: House) -> None:
    store = cast(Store, house.store)
    assert refused(lambda: Writer.open(store, "other.example", house.clock, house.keys)) == "store_corrupt"
    assert refused(lambda: Writer.open(store, "not a name", house.clock, house.keys)) == "origin_malformed"


# -- the log key -------------------------------------------------------------------------------------------------------


def test_an_amendment_changes_the_log_key_from_its_own_batch_on(house: House) -> None:
    house.keys.signers.append(OTHER)
    before = house.head
    house.append(*house.join("factory"), house.amend(logKey=format_vkey(OTHER.verifier)), *house.join("partner"))
    assert open_checkpoint(before.checkpoint, [LOG.verifier]).size == 1
    assert open_checkpoint(house.head.checkpoint, [OTHER.verifier]).size == 4
    assert house.writer.charter is not None
    assert house.writer.charter.formerLogKeys == [format_vkey(LOG.verifier)]
    for published in (before.checkpoint, house.head.checkpoint):
        assert house.open(published).head == house.head


def test_a_replaced_log_key_signs_beside_the_next_until_the_overlap_is_over(house: House) -> None:
    house.keys.signers.append(OTHER)
    house.append(house.amend(logKey=format_vkey(OTHER.verifier), limits={"overlap": 3_600}))
    house.clock.seconds += 3_599
    house.play.tick(3_599)
    house.append(*house.join("factory"))
    for verifier in (LOG.verifier, OTHER.verifier):
        assert open_checkpoint(house.head.checkpoint, [verifier]).size == 3
    house.clock.seconds += 2
    house.play.tick(2)
    house.append(*house.join("partner"))
    assert open_checkpoint(house.head.checkpoint, [OTHER.verifier]).size == 4
    with pytest.raises(Unverifiable, match="note_unsigned"):
        open_checkpoint(house.head.checkpoint, [LOG.verifier])


def test_a_replaced_log_key_that_is_gone_is_not_missed(house: House) -> None:
    house.keys.signers[:] = [OTHER, *house.keys.signers]
    house.append(house.amend(logKey=format_vkey(OTHER.verifier)))
    house.keys.signers[:] = [OTHER]
    assert house.open(house.head.checkpoint).head is not None


def test_a_log_key_the_service_does_not_hold_does_not_come_into_force(house: House) -> None:
    (factory,) = house.join("factory")
    amended = house.amend(logKey=format_vkey(OTHER.verifier))
    assert codes(house.append(amended, factory)) == ["log_key_absent", 1]
    assert open_checkpoint(house.head.checkpoint, [LOG.verifier]).size == 2
    house.keys.signers.append(OTHER)
    assert codes(house.append(amended)) == [2]
    assert open_checkpoint(house.head.checkpoint, [OTHER.verifier]).size == 3


def test_only_governance_learns_whether_the_service_holds_a_log_key(house: House) -> None:
    house.append(*house.join("factory"))
    ledger, body = house.play.world.ledger, {"logKey": format_vkey(OTHER.verifier)}
    outsider = house.play.sign("ledger.amended", by="factory", sub=ledger, body=body)
    impostor = house.play.sign("ledger.amended", by="governance", key="factory", sub=ledger, body=body)
    for held in (False, True):
        assert codes(house.append(outsider, impostor)) == ["signer_not_governance", "key_not_of_issuer"]
        if not held:
            assert codes(house.append(house.amend(**body))) == ["log_key_absent"]
            house.keys.signers.append(OTHER)


def test_a_charter_whose_log_key_is_absent_opens_nothing(house: House) -> None:
    house.keys.signers.clear()
    store = MemoryStore()
    writer = Writer.open(store, ORIGIN, house.clock, house.keys)
    assert codes(writer.append([receive(house.play.entries[0].sent)])) == ["log_key_absent"]
    assert store.head() is None
    assert writer.head is None


def test_a_log_key_that_is_no_key_is_refused_by_the_rule(house: House) -> None:
    assert codes(house.append(house.amend(logKey="nonsense"))) == ["charter_key_unusable"]


def test_without_the_log_key_a_ledger_is_not_taken_up(house: House) -> None:
    house.keys.signers.clear()
    assert refused(house.open) == "log_key_absent"


# -- commits that fail -------------------------------------------------------------------------------------------------


def test_a_commit_that_failed_and_did_not_happen_is_answered_send_again(house: House) -> None:
    sent = house.join("factory", "partner")
    house.store.fail = "before"
    assert codes(house.append(*sent)) == ["store_failed"] * 2
    assert house.head.size == 1
    assert codes(house.append(*sent)) == [1, 2]
    check_ledger(house)


def test_a_commit_that_failed_and_happened_is_answered_with_its_entries(house: House) -> None:
    sent = [*house.join("factory", "partner"), house.asset("lender")]
    house.store.fail = "after"
    outcomes = house.append(*sent)
    assert codes(outcomes) == [1, 2, "party_unknown"]
    for outcome in outcomes[:2]:
        assert isinstance(outcome, Admitted)
        assert not outcome.again
        assert open_receipt(outcome.receipt(), [LOG.verifier])[1].size == 3
    assert house.head.size == 3
    assert codes(house.append(*house.join("second"))) == [3]
    check_ledger(house)


def test_refusals_that_rest_on_a_batch_that_did_not_happen_are_taken_back(house: House) -> None:
    """The second joining is refused because of the first; where neither happened, nobody is known."""
    first, second = house.join("factory")[0], house.join("factory")[0]
    house.store.fail = "before"
    assert codes(house.append(first, second)) == ["store_failed"] * 2
    assert codes(house.append(second, first)) == [1, "party_known"]


def test_what_was_in_before_a_failed_batch_keeps_its_answer(house: House) -> None:
    factory, partner = house.join("factory", "partner")
    house.append(factory)
    house.store.fail = "before"
    assert codes(house.append(partner, factory)) == ["store_failed", 1]


def test_a_store_that_stays_away_is_looked_for_with_every_append(house: House) -> None:
    sent = house.join("factory")
    house.store.fail, house.store.away = "after", True
    for _ in range(2):
        with pytest.raises(Unavailable) as caught:
            house.append(*sent)
        assert caught.value.code == "store_unreadable"
    house.store.away = False
    (outcome,) = house.append(*sent)
    assert isinstance(outcome, Admitted)
    assert (outcome.index, outcome.again) == (1, True)
    check_ledger(house)


def test_a_store_that_lost_what_was_signed_is_never_signed_for_again(house: House) -> None:
    """A disk that lied: what was committed and signed is gone when the store is opened again."""
    older = MemoryStore()
    Writer.open(older, ORIGIN, PlayClock(), house.keys).append([house.play.entries[0].statement])
    house.append(*house.join("factory"))
    signed = house.head
    house.store.store, house.store.fail = older, "before"
    for _ in range(2):
        with pytest.raises(Unavailable) as caught:
            house.append(*house.join("partner"))
        assert caught.value.code == "store_older"
    assert house.head == signed


def test_after_a_failure_the_store_is_opened_anew_if_the_writer_knows_how(house: House) -> None:
    opened: list[Failing] = []

    def reopen() -> Store:
        opened.append(Failing(house.store.store))
        return cast(Store, opened[-1])

    broken = Failing(house.store.store)
    writer = Writer.open(cast(Store, broken), ORIGIN, house.clock, house.keys, reopen=reopen)
    broken.fail = "before"
    broken.close = lambda: setattr(broken, "away", True)  # type: ignore[method-assign]
    assert codes(writer.append([receive(one) for one in house.join("factory")])) == ["store_failed"]
    assert codes(writer.append([receive(one) for one in house.join("factory")])) == [1]
    assert len(opened) == 1


def test_after_a_mistake_in_a_rule_nothing_of_the_batch_is_in_and_the_writer_goes_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = house.join("factory", "partner")
    with monkeypatch.context() as patched:
        patched.setattr(module, "format_entry", lambda entry: 1 // 0 if entry.index == 2 else format_entry(entry))
        with pytest.raises(ZeroDivisionError):
            house.append(*sent)
    assert house.head.size == 1
    assert codes(house.append(*sent)) == [1, 2]
    check_ledger(house)


# -- memory ------------------------------------------------------------------------------------------------------------


def test_what_the_writer_forgets_changes_no_outcome(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole story, once with everything remembered and once with nothing: the same entries."""
    story = life()
    heads = []
    for cache in (0, 10_000):
        monkeypatch.setattr(module, "CACHE", cache)
        clock = PlayClock()
        writer = Writer.open(MemoryStore(), ORIGIN, clock, house.keys)
        for played in story.entries:
            clock.seconds = played.time / MICRO
            assert codes(writer.append([played.statement])) == [played.index]
        heads.append(writer.head)
    assert heads[0] == heads[1]


def test_refused_strangers_do_not_fill_the_memory(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CACHE", 50)
    for number in range(100):
        name = f"stranger {number}"
        house.play.cast[name] = actor(name)
        assert codes(house.append(house.asset(name))) == ["party_unknown"]
        assert house.writer._tip.world.loaded < 60


# -- a store that contradicts itself -----------------------------------------------------------------------------------


class Damaged:
    """A store some of whose answers are replaced."""

    def __init__(self, store: Any, **answers: Any) -> None:
        self._store, self._answers = store, answers

    def __getattr__(self, name: str) -> Any:
        return self._answers.get(name) or getattr(self._store, name)


def test_a_tail_that_does_not_hold_together_is_not_taken_up(house: House) -> None:
    house.append(*house.join("factory", "partner", "second"))
    store = house.store
    entries = list(store.entries(0, 4))
    swapped = [entries[0], entries[2], entries[1], entries[3]]
    forged = [*entries[:2], entries[2].replace(b"\n2\n", b"\n7\n", 1), entries[3]]
    table: list[tuple[dict[str, Any], int | None]] = [
        ({"entries": lambda start, stop: iter(entries[start : stop - 1])}, 3),
        ({"entries": lambda start, stop: iter(swapped[start:stop])}, 1),
        ({"entries": lambda start, stop: iter(forged[start:stop])}, 2),
        ({"entries": lambda start, stop: iter([*entries[:3], b"no entry"])}, 3),
        ({"entries": lambda start, stop: iter([*entries[:3], entries[3] + b"\n"])}, 3),
        ({"tile": lambda level, index: None}, None),
        ({"tile": lambda level, index: bytes(32 * 4)}, 0),
        ({"tile": lambda level, index: bytes(32 * 3)}, None),
        ({"subjects": lambda ids: {}}, 0),
    ]
    for answers, index in table:
        damaged = cast(Store, Damaged(store, **answers))
        with pytest.raises(Corrupt) as caught:
            Writer.open(damaged, ORIGIN, house.clock, house.keys)
        assert (caught.value.code, caught.value.index) == ("store_corrupt", index)


def test_only_the_tail_is_read_when_a_ledger_is_taken_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TAIL", 2)
    house.append(*house.join("factory", "partner", "second"))
    asked = []
    entries = house.store.entries
    damaged = Damaged(house.store, entries=lambda start, stop: asked.append((start, stop)) or entries(start, stop))
    Writer.open(cast(Store, damaged), ORIGIN, house.clock, house.keys)
    assert asked == [(2, 4)]
