"""The judge of packs: the table of cases, and that nothing can be changed unseen."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from functools import partial

import pytest

from identity.note import Note, format_note, format_vkey, parse_note
from identity.signature import COSIGNATURE_MLDSA44
from ledger.audit.tree import Tree
from ledger.circulation.key import KeyState
from ledger.log.cosignature import Cosigner
from ledger.log.merkle import EMPTY_ROOT, leaf_hash
from ledger.log.policy import parse_policy
from ledger.pack.data import PIECES_MAX, format_data
from ledger.pack.evidence import ScanEvidence, root_at
from ledger.pack.gather import gather
from ledger.pack.judge import DOUBTFUL, DOUBTFUL_UNDER, LATEST, TOLD, UNREVOKED, Judged, judge
from tests.cast import CAST, LOG, ORIGIN, Play, charter, seed
from tests.ledger.pack.cases import Case, cases
from tests.ledger.pack.pressed import Listed, checkpoint, cosigned, entries, honest, story
from tests.ledger.pack.turned import crowded, doubted, turned
from tests.logs import multikey


@pytest.mark.parametrize("case", cases().values(), ids=lambda case: case.name)
def test_the_table(case: Case) -> None:
    judged = judge(case.data, None if case.policy is None else parse_policy(case.policy.encode()))
    assert (judged.word, judged.index) == (case.word, case.index), judged.line() + " " + judged.detail


REASONS = {
    "a space": "pack_malformed",
    "a later version": "pack_newer",
    "without the entry": "pack_incomplete",
    "without the charter": "pack_misplaced",
    "an act for another ledger": "pack_misaddressed",
    "an amendment by a party": "pack_missigned",
    "an act that saw another history": "pack_seen_other",
    "a statement twice": "statement_repeated",
    "beside another root of this size": "checkpoint_other",
    "the same, the key in force believed": "checkpoint_other",
    "the same, that key believed": "log_key_unknown",
    "the same beside that log's checkpoint": "checkpoint_other",
    "the key that was replaced believed": "log_key_unknown",
    "seen by nobody": "quorum_not_met",
    "seen before it was entered": "entry_time_beyond",
    "another key believed": "log_key_unknown",
    "rules of a later version": "rules_unknown",
    "an act of no kind": "kind_unknown",
    "under a key that fits every message": "public_key_invalid",
    "an act in another's name": "pack_missigned",
    "by the key after it, without the rotation": "pack_incomplete",
    "the joining, without the rotation": "pack_incomplete",
    "after the move, without the move": "pack_incomplete",
    "after the recovery, without the opening": "pack_incomplete",
    "by a machine, without the delegation": "pack_incomplete",
    "by a party at the end of a chain, without the delegation given on": "pack_incomplete",
    "by a key that ended": "pack_missigned",
    "by a key that nobody knows": "pack_incomplete",
    "as the DID that moved on": "pack_missigned",
    "by a key that was compromised": "pack_missigned",
    "by the DID that was succeeded": "pack_missigned",
    "by the DID before the recovery": "pack_missigned",
    "by another than the delegate": "pack_missigned",
    "by a delegate as if for itself": "pack_missigned",
    "below a delegation that was revoked": "pack_missigned",
    "another party's rotation": "pack_missigned",
    "a rotation that states another's log": "pack_missigned",
    "a rotation by a key that it does not name": "pack_missigned",
    "a rotation with a line left out": "pack_incomplete",
    "a joining of one who joined": "pack_missigned",
    "a succession of another party": "pack_missigned",
    "a succession to another party's DID": "pack_missigned",
    "a succession under a delegation": "pack_missigned",
    "a recovery for another": "pack_missigned",
    "a recovery of another party": "pack_missigned",
    "a revocation by another party": "pack_missigned",
}


@pytest.mark.parametrize(("name", "reason"), REASONS.items())
def test_the_reason_is_named(name: str, reason: str) -> None:
    case = cases()[name]
    judged = judge(case.data, None if case.policy is None else parse_policy(case.policy.encode()))
    assert judged.reason == reason, judged.detail


def test_what_became_of_a_signer_s_key_is_told_as_far_as_the_pack_shows() -> None:
    told = turned()
    at, name = told.at, "by the key after it"
    judged = judge(cases()[f"turned, {name}"].data)
    act = next(act for act in judged.acts if act.entry.index == at[name])
    key: KeyState = {"key": multikey("works-2"), "index": at["the rotation"], "ended": at["the move"]}
    assert judged.voices.key(act.statement, at[name]) == {**key, "compromised": at["the move"] - 2}
    name = "by a party at the end of a chain"
    judged = judge(cases()[f"turned, {name}"].data)
    act = next(act for act in judged.acts if act.entry.index == at[name])
    chain = [(one.index, one.revoked) for one in judged.voices.under(act.statement)]
    given = [at["the delegation"], at["the delegation given on"], at["the delegation given on again"]]
    assert chain == [(given[0], None), (given[1], at["the revocation"]), (given[2], None)]


def test_a_verdict_names_what_it_does_not_say() -> None:
    of_factory = told_of(story().party("factory"), 1)
    cut = judge(cases()["without the last act on its subject, which nothing here shows"].data)
    assert cut.remarks() == [LATEST, of_factory]
    assert judge(cases()["without history"].data).remarks() == [of_factory]
    works, at = turned().play.party("works"), turned().at
    of_works = told_of(works, at["the move back"])
    assert judge(cases()["turned, the rotation to P-256"].data).remarks() == [LATEST, of_works, DOUBTFUL]
    after = judge(cases()["turned, by the key after it"].data)
    assert after.remarks() == [LATEST, of_works], "it was compromised later"
    older = judge(cases()["beside an older checkpoint"].data)
    assert older.remarks() == ["a checkpoint of size 20 beside it is not compared", LATEST, of_factory]


UNDER = {  # what was done -> whether it is doubtful, and which delegations are not known to be revoked
    "under one given before": (False, ["before"]),
    "under one that is not compromised yet": (False, ["before"]),
    "under one that was compromised": (True, ["before"]),
    "under one given with a key that was compromised": (True, ["doubtful"]),
    "under one given after": (False, []),
    "under one that a party gave on": (False, ["party's", "on"]),
}


@pytest.mark.parametrize(("name", "doubtful", "left"), [(name, *told) for name, told in UNDER.items()])
def test_what_was_done_under_a_delegation_is_doubtful_as_that_is(name: str, doubtful: bool, left: list[str]) -> None:
    made = doubted()
    judged = judge(format_data(made.pack(name)))
    assert judged.word == "consistent", judged.detail
    remarks = judged.remarks()
    assert (DOUBTFUL_UNDER in remarks, DOUBTFUL in remarks) == (doubtful, False)
    unrevoked = [UNREVOKED.format(delegation=made.delegations[one]) for one in left]
    assert [one for one in remarks if "was revoked" in one] == unrevoked
    told = [
        party for party in ("works", "partner") if any(f"keys of {made.play.party(party)}" in one for one in remarks)
    ]
    assert told == (["works", "partner"] if name == "under one that a party gave on" else ["works"])


def told_of(party: str, index: int) -> str:
    return TOLD.format(party=party, index=index)


def test_up_to_where_keys_are_told_is_said_of_whose_act_it_is_and_of_whose_key_signed() -> None:
    play, at = turned().play, turned().at
    said = judge(cases()["turned, by a party at the end of a chain"].data).remarks()
    of_keys = [told_of(play.party("works"), at["the move back"]), told_of(play.party("partner"), 1)]
    assert [one for one in said if "was revoked" not in one] == [LATEST, *of_keys]
    assert not [one for one in judge(cases()["the pack of entry 0"].data).remarks() if "keys of" in one]
    works, at = crowded().play.party("works"), crowded().at
    told = {6: "the second line more", 7: "the alarm", 12: "the recovery", PIECES_MAX: "the recovery"}
    for room, last in told.items():
        judged = judge(cases()[f"by a party, with room for {room}"].data)
        assert told_of(works, at[last]) in judged.remarks()


def test_who_has_the_tree_compares_checkpoints_of_smaller_sizes() -> None:
    copy = ScanEvidence(Listed(entries(), checkpoint(entries())))

    def beside(*notes: bytes) -> Judged:
        return judge(format_data(replace(honest(19), known=notes)), None, partial(root_at, copy))

    other = [*entries()[:19], b"another"]
    assert beside(checkpoint(entries()[:20], LOG)).remarks() == [LATEST, told_of(story().party("factory"), 1)]
    assert beside(checkpoint(other)).word == "diverged"
    assert (beside(checkpoint(other, LOG)).word, beside(checkpoint(other, LOG)).reason) == (
        "corrupt",
        "checkpoint_other",
    )
    assert beside(checkpoint([*entries(), b"one more"])).uncompared == (33,)
    copy.nodes = Tree(map(leaf_hash, [*other, *entries()[20:]])).nodes
    lying = beside(checkpoint(other))
    assert (lying.word, lying.reason) == ("corrupt", "proof_wrong"), "a tree that is not the signed one"


def test_no_bit_of_a_pack_can_change_unseen() -> None:
    data = format_data(replace(honest(1), checkpoint=checkpoint(entries())))
    assert judge(data).word == "consistent"
    for at in range(0, len(data), 3):
        changed = data[:at] + bytes([data[at] ^ 1 << at % 7]) + data[at + 1 :]
        assert judge(changed).word == "corrupt", at


def test_the_line_says_what_holds_and_where_it_does_not() -> None:
    root = b64encode(judge(cases()["honest"].data).root).decode()
    assert judge(cases()["honest"].data).line() == f"pack: consistent  size=32 root={root}  index=19"
    broken = judge(cases()["the proof of entry 7 altered"].data)
    assert broken.line() == f"pack: corrupt  size=32 root={root}  index=7 reason=proof_wrong"
    assert [act.entry.index for act in broken.acts] == [0, 1, 2, 3, 4, 5]
    nothing = judge(b"")
    assert nothing.line() == f"pack: corrupt  size=0 root={b64encode(EMPTY_ROOT).decode()}  reason=pack_malformed"


def test_what_is_disclosed_is_told_beside_the_act() -> None:
    lender = next(act for act in judge(cases()["honest"].data).acts if act.entry.index == 4)
    assert lender.shown == {"/name": CAST["lender"].legal, "/contact": {"email": "data@ribeira.example"}}


def test_a_signature_by_the_second_key_of_the_log_is_checked_where_it_is_there() -> None:
    """ML-DSA-44, by the charter's own word."""
    quantum = Cosigner(ORIGIN, COSIGNATURE_MLDSA44, seed("log-mldsa"))
    play = Play(founding=charter(mldsaKey=format_vkey(quantum.verifier)))
    play.join("factory")
    log = [played.entry for played in play.entries]
    both = cosigned(checkpoint(log, LOG), play.seconds, quantum)
    pack = gather(ScanEvidence(Listed(log, both)), 1)
    assert judge(format_data(pack)).word == "consistent"
    note = parse_note(both)
    spoilt = replace(note.signatures[1], signature=note.signatures[1].signature[:-1] + b"\0")
    judged = judge(format_data(replace(pack, checkpoint=format_note(Note(note.text, (note.signatures[0], spoilt))))))
    assert (judged.word, judged.reason) == ("corrupt", "note_signature_invalid")
