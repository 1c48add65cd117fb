"""Operators who hold the log key and the store, and lie: what the entries themselves give away, and to whom."""

from __future__ import annotations

from dataclasses import replace

import pytest

from identity.canonical import b64encode
from identity.note import Signer, format_vkey
from ledger.audit import Verdict, Workers, audit
from ledger.errors import Unverifiable
from ledger.log.chain import format_entry, link_of, parse_entry
from ledger.log.fork import Checkpoints, check_fork, parse_fork
from tests.cast import DAY, LOG, ORIGIN, Play, charter, description, seed
from tests.ledger.audit.forged import Shown, acts, linked, signed

OTHER = Signer(ORIGIN, seed("another log key"))


@pytest.fixture
def play() -> Play:
    """Charter, two parties, an asset, its offer, a licence (four acts) and a revision: entries 0 to 9."""
    play = Play()
    play.join("factory", "partner")
    asset = play.register("factory")
    play.license("partner", play.offer("factory", asset))
    play.act("asset.revised", by="factory", sub=asset, body=description("Spindle vibration, revised"))
    return play


@pytest.fixture
def entries(play: Play) -> list[bytes]:
    return [played.entry for played in play.entries]


def judged(entries: list[bytes], workers: Workers, checkpoint: bytes | None = None, **known: list[bytes]) -> Verdict:
    return audit(Shown(entries, checkpoint), workers, **known)


def named(verdict: Verdict) -> tuple[str, int | None, str | None]:
    return verdict.word, verdict.index, verdict.reason


def appended(play: Play, sent: bytes) -> list[bytes]:
    """The entries of a play and one more, which no writer would admit."""
    entries = [played.entry for played in play.entries]
    return linked([*acts(entries), (parse_entry(entries[-1]).time + 1, sent)])


def test_an_honest_ledger_is_consistent(entries: list[bytes], workers: Workers) -> None:
    verdict = judged(entries, workers)
    assert (verdict.word, verdict.size, verdict.reason) == ("consistent", 10, None)


@pytest.mark.parametrize("index", range(1, 9))
def test_an_entry_dropped(entries: list[bytes], index: int, workers: Workers) -> None:
    del entries[index]
    assert named(judged(entries, workers)) == ("corrupt", index, "entry_index_wrong")


def test_an_entry_dropped_and_all_after_it_linked_anew(entries: list[bytes], workers: Workers) -> None:
    without_asset = acts(entries)
    del without_asset[3]
    assert named(judged(linked(without_asset), workers)) == ("corrupt", 3, "subject_unknown")


def test_an_act_that_was_pinned_dropped_and_all_after_it_linked_anew(play: Play, workers: Workers) -> None:
    asset = play.entries[3].subject
    play.act("asset.revised", by="factory", sub=asset, body=description("Spindle vibration, revised again"))
    without_revision = acts([played.entry for played in play.entries])
    del without_revision[9]
    assert named(judged(linked(without_revision), workers)) == ("corrupt", 9, "pin_stale")


def test_two_entries_swapped(entries: list[bytes], workers: Workers) -> None:
    entries[4], entries[5] = entries[5], entries[4]
    assert named(judged(entries, workers)) == ("corrupt", 4, "entry_index_wrong")


def test_two_acts_swapped_and_linked_anew(entries: list[bytes], workers: Workers) -> None:
    given = acts(entries)
    given[3], given[4] = (given[3][0], given[4][1]), (given[4][0], given[3][1])
    assert named(judged(linked(given), workers)) == ("corrupt", 3, "subject_unknown")


def test_the_end_cut_off_under_the_checkpoint_that_was_signed(entries: list[bytes], workers: Workers) -> None:
    verdict = judged(entries[:7], workers, signed(entries))
    assert named(verdict) == ("diverged", 7, "checkpoint_beyond")
    assert verdict.size == 7


def test_the_end_cut_off_and_signed_anew_before_an_auditor_who_kept_a_checkpoint(
    entries: list[bytes], workers: Workers
) -> None:
    assert judged(entries[:7], workers).word == "consistent"
    kept = [signed(entries)]
    assert named(judged(entries[:7], workers, known=kept)) == ("diverged", 7, "checkpoint_beyond")


def test_a_time_forged_within_what_the_rules_allow_before_an_auditor_who_kept_a_checkpoint(
    entries: list[bytes], workers: Workers
) -> None:
    given = acts(entries)
    given[9] = (given[9][0] + 1_000_000, given[9][1])
    forged = linked(given)
    assert judged(forged, workers).word == "consistent"
    assert named(judged(forged, workers, known=[signed(entries)])) == ("diverged", None, "checkpoint_other")
    assert judged(forged, workers, known=[signed(entries[:9])]).word == "consistent"


def test_a_known_checkpoint_of_another_history_convicts_the_log(entries: list[bytes], workers: Workers) -> None:
    given = acts(entries)
    given[9] = (given[9][0] + 1_000_000, given[9][1])
    forged = linked(given)
    verdict = judged(forged, workers, known=[signed(entries)])
    assert verdict.evidence is not None
    evidence = parse_fork(verdict.evidence)
    assert isinstance(evidence, Checkpoints)
    assert check_fork(evidence, [LOG.verifier]).first.size == len(entries) == 10
    beyond = judged(forged, workers, signed(forged[:9]), known=[signed(entries)])
    assert (beyond.reason, beyond.evidence) == ("checkpoint_other", None), "both can extend what is shown"


def test_a_time_forged_beyond_the_end_of_the_act(entries: list[bytes], workers: Workers) -> None:
    given = acts(entries)
    given[9] = (given[9][0] + DAY * 1_000_000, given[9][1])
    assert named(judged(linked(given), workers)) == ("corrupt", 9, "act_expired")


def test_a_time_forged_to_lie_before_the_entry_before(entries: list[bytes], workers: Workers) -> None:
    given = acts(entries)
    given[6] = (given[5][0], given[6][1])
    assert named(judged(linked(given), workers)) == ("corrupt", 6, "entry_time_wrong")


def test_an_altered_link(entries: list[bytes], workers: Workers) -> None:
    entry = parse_entry(entries[4])
    entries[4] = format_entry(replace(entry, link=entry.link[::-1]))
    assert named(judged(entries, workers)) == ("corrupt", 4, "entry_link_wrong")


def test_an_altered_entry_is_named_and_not_its_sound_follower(play: Play, workers: Workers) -> None:
    for _ in range(4):
        play.tick(minutes=1)
        play.register("factory", title=f"Casting {play.seconds}")
    entries = [played.entry for played in play.entries]
    entry = parse_entry(entries[11])
    entries[11] = format_entry(replace(entry, time=entry.time + 7))
    assert named(judged(entries, workers)) == ("corrupt", 11, "entry_altered")


def test_an_act_signed_by_another_key_than_its_issuers(play: Play, workers: Workers) -> None:
    asset = play.entries[3].subject
    sent = play.sign("asset.retired", by="factory", key="stranger", sub=asset, body={"reason": "mine"})
    assert named(judged(appended(play, sent), workers)) == ("corrupt", 10, "key_not_of_issuer")


def test_an_act_of_somebody_whose_asset_it_is_not(play: Play, workers: Workers) -> None:
    asset = play.entries[3].subject
    sent = play.sign("asset.retired", by="partner", sub=asset, body={"reason": "mine"})
    assert named(judged(appended(play, sent), workers)) == ("corrupt", 10, "asset_not_yours")


def test_an_act_nobody_signed(play: Play, workers: Workers) -> None:
    sent = play.sign("asset.registered", by="factory", body=description("Another"))
    forged = sent[:-86] + play.entries[3].statement.signed.compact[-86:]
    assert named(judged(appended(play, forged), workers)) == ("corrupt", 10, "signature_invalid")


def test_garbage_in_place_of_a_statement(play: Play, workers: Workers) -> None:
    for garbage in (b"a.b.c", b"e30.e30.e30", b"!", b"\xff"):
        assert judged(appended(play, garbage), workers).index == 10


def test_a_statement_entered_twice(play: Play, workers: Workers) -> None:
    again = play.entries[3].statement.signed.compact
    assert named(judged(appended(play, again), workers)) == ("corrupt", 10, "statement_repeated")


def test_a_statement_made_for_another_ledger(play: Play, workers: Workers) -> None:
    elsewhere = Play(founding=charter(names="plain"))
    elsewhere.join("factory")
    sent = elsewhere.sign("asset.registered", by="factory", body=description("Another"))
    assert named(judged(appended(play, sent), workers)) == ("corrupt", 10, "audience_wrong")


def test_entries_of_another_origin(entries: list[bytes], workers: Workers) -> None:
    elsewhere = linked(acts(entries), "other.example/ledger")
    assert named(judged([*entries[:6], *elsewhere[6:]], workers)) == ("corrupt", 6, "entry_origin_wrong")
    assert named(judged(elsewhere, workers, signed(entries))) == ("corrupt", 0, "audience_wrong")


def test_a_checkpoint_by_another_key(entries: list[bytes], workers: Workers) -> None:
    assert named(judged(entries, workers, signed(entries, OTHER))) == ("corrupt", None, "note_unsigned")


def test_a_checkpoint_with_a_signature_that_does_not_hold(entries: list[bytes], workers: Workers) -> None:
    mixed = signed(entries[:4]).splitlines()[:4] + signed(entries).splitlines()[4:]
    verdict = judged(entries, workers, b"\n".join(mixed) + b"\n")
    assert named(verdict) == ("corrupt", None, "note_signature_invalid")


def test_a_checkpoint_over_other_entries(entries: list[bytes], workers: Workers) -> None:
    other = signed([*entries[:9], b"something else"])
    assert named(judged(entries, workers, other)) == ("diverged", None, "checkpoint_other")


def test_a_checkpoint_of_a_smaller_size_is_lawful(entries: list[bytes], workers: Workers) -> None:
    assert judged(entries, workers, signed(entries[:6])).word == "consistent"


def test_a_known_checkpoint_of_another_log_is_no_verdict_but_a_mistake(entries: list[bytes], workers: Workers) -> None:
    with pytest.raises(Unverifiable):
        judged(entries, workers, known=[signed(entries, OTHER)])


def test_checkpoints_are_signed_by_the_log_key_in_force_at_their_size(play: Play, workers: Workers) -> None:
    before = [played.entry for played in play.entries]
    amended = {"logKey": format_vkey(OTHER.verifier)}
    play.act("ledger.amended", by="governance", sub=play.world.ledger, body=amended)
    entries = [played.entry for played in play.entries]
    assert judged(entries, workers, signed(before)).word == "consistent"
    assert judged(entries, workers, signed(entries, OTHER)).word == "consistent"
    assert judged(entries, workers, signed(entries)).reason == "note_unsigned"
    assert judged(entries, workers, signed(before, OTHER)).reason == "note_unsigned"


# ---- What signers have seen --------------------------------------------------------------------------------


def seen(index: int, entry: bytes) -> str:
    return f"{index}:{b64encode(link_of(entry))}"


def test_what_a_signer_has_seen_is_what_is_there(play: Play, entries: list[bytes], workers: Workers) -> None:
    play.act("asset.registered", by="factory", body=description("Another"), seen=seen(4, entries[4]))
    verdict = judged([played.entry for played in play.entries], workers)
    assert (verdict.word, verdict.size) == ("consistent", 11)


def test_a_signer_who_has_seen_another_history_gives_the_fork_away(
    play: Play, entries: list[bytes], workers: Workers
) -> None:
    sent = play.sign("asset.registered", by="factory", body=description("Another"), seen=seen(4, b"what I was shown"))
    assert named(judged(appended(play, sent), workers)) == ("corrupt", 10, "seen_forked")


def test_a_signer_who_has_seen_more_than_is_there(play: Play, entries: list[bytes], workers: Workers) -> None:
    sent = play.sign("asset.registered", by="factory", body=description("Another"), seen=seen(10, entries[4]))
    assert named(judged(appended(play, sent), workers)) == ("corrupt", 10, "seen_ahead")


# ---- Rules of a later release ------------------------------------------------------------------------------


def raised(play: Play, by: str = "governance", **more: object) -> bytes:
    return play.sign("ledger.amended", by=by, sub=play.world.ledger, body={"rules": 2, **more})


def test_rules_this_software_does_not_know_are_no_accusation(play: Play, workers: Workers) -> None:
    entries = appended(play, raised(play))
    later = play.sign("weather.reported", by="factory", body={"sun": True}, prev={})
    entries = linked([*acts(entries), (parse_entry(entries[-1]).time + 1, later)])
    verdict = judged(entries, workers)
    assert named(verdict) == ("newer", 10, "rules_unknown")
    assert verdict.size == 10


def test_an_amendment_to_later_rules_may_have_fields_of_theirs(play: Play, workers: Workers) -> None:
    assert named(judged(appended(play, raised(play, weather="sun")), workers)) == ("newer", 10, "rules_unknown")


def test_a_charter_of_later_rules(workers: Workers) -> None:
    play = Play(founding=None)
    sent = play.sign("ledger.opened", by="governance", body=charter(rules=2))
    assert named(judged(linked([(play.seconds * 1_000_000, sent)]), workers)) == ("newer", 0, "rules_unknown")


def test_only_governance_stops_an_audit(play: Play, workers: Workers) -> None:
    for sent in (raised(play, by="stranger"), raised(play, by="partner")):
        assert named(judged(appended(play, sent), workers)) == ("corrupt", 10, "signer_not_governance")


def test_a_kind_nobody_knows_under_rules_that_are_known(play: Play, workers: Workers) -> None:
    sent = play.sign("weather.reported", by="factory", body={"sun": True}, prev={})
    assert named(judged(appended(play, sent), workers)) == ("corrupt", 10, "kind_unknown")


def test_a_statement_that_has_not_the_form_of_its_kind(play: Play, workers: Workers) -> None:
    sent = play.sign("asset.registered", by="factory", body={"title": "nothing else"}, prev={})
    assert named(judged(appended(play, sent), workers)) == ("corrupt", 10, "body_malformed")


def test_an_empty_ledger_has_no_charter(workers: Workers) -> None:
    assert named(judged([], workers, b"")) == ("corrupt", 0, "entry_missing")
