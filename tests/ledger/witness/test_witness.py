"""A witness cosigns one history of each log, whatever it is asked, by how many at once, and whenever it dies."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from identity.errors import Problem
from identity.note import (
    Note,
    Signer,
    format_note,
    format_signature,
    open_note,
    parse_note,
    sign_note,
)
from identity.signature import COSIGNATURE_ED25519, COSIGNATURE_MLDSA44
from ledger.log.checkpoint import Checkpoint, format_checkpoint, sign_checkpoint
from ledger.log.cosignature import Cosigner
from ledger.log.merkle import EMPTY_ROOT
from ledger.log.witness import Request, format_request, parse_request
from ledger.store.files import replace_file
from ledger.witness.folder import WitnessFolder
from ledger.witness.logs import LogList, add_logs
from ledger.witness.memory import PROVEN_MAX, UNPROVEN_MAX, Cosigned, Memory, log_id
from ledger.witness.witness import Witness
from tests.ledger.witness.room import FORK, LOG, NAME, ORIGIN, START, THIEF, TRUE, History, Room
from tests.shared import shared

ROOT = Path(__file__).resolve().parents[3]


# ---- One history -------------------------------------------------------------------------------------------


def test_a_log_is_cosigned_as_it_grows_by_both_keys(room: Room) -> None:
    for old, new in [(0, 1), (1, 2), (2, 7), (7, 8), (8, 40)]:
        assert room.times(TRUE.request(old, new)) == [START, START]
        assert room.last() == (new, TRUE.root(new))


def test_the_same_checkpoint_is_cosigned_again_with_a_later_time(room: Room) -> None:
    room.ask(TRUE.request(0, 7))
    room.seconds += 60
    assert room.times(TRUE.request(7, 7)) == [START + 60, START + 60]
    assert room.last() == (7, TRUE.root(7))


def test_an_empty_log_is_cosigned(room: Room) -> None:
    room.times(TRUE.request(0, 0))
    assert room.last() == (0, EMPTY_ROOT)
    room.times(TRUE.request(0, 5))


def asking(old: int, proof: Sequence[bytes], checkpoint: bytes) -> bytes:
    return format_request(Request(old, proof, checkpoint))


STRANGER = History(origin="other.example").request(0, 3, Signer("other.example", b"o" * 32))
REFUSED = [
    ("a fork that extends", FORK.request(5, 9), "witness_proof_wrong"),
    ("a fork of the same size", FORK.request(5, 5), "witness_proof_wrong"),
    ("a fork with the true proof", asking(5, TRUE.proof(5, 9), FORK.checkpoint(9)), "witness_proof_wrong"),
    ("a log that shrank", TRUE.request(3, 3), "old is 5"),
    ("a log that shrank and says so", asking(5, [], TRUE.checkpoint(3)), "witness_old_beyond"),
    ("a log that forgot", TRUE.request(0, 9), "old is 5"),
    ("an old that nobody cosigned", TRUE.request(7, 9), "old is 5"),
    ("signed by a key of the same name", TRUE.request(5, 9, THIEF), "note_unsigned"),
    ("another log", STRANGER, "witness_log_unknown"),
    ("a hash too many", asking(5, [*TRUE.proof(5, 9), bytes(32)], TRUE.checkpoint(9)), "witness_proof_wrong"),
    ("a hash too few", asking(5, TRUE.proof(5, 9)[:-1], TRUE.checkpoint(9)), "witness_proof_wrong"),
    ("hashes between equal sizes", asking(5, [bytes(32)], TRUE.checkpoint(5)), "witness_proof_wrong"),
    ("no request", b"old 5\n", "witness_request_malformed"),
]


@pytest.mark.parametrize(("request_", "no"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_anything_else_is_refused_and_changes_nothing(room: Room, request_: bytes, no: str) -> None:
    room.ask(TRUE.request(0, 5))
    before = room.witness.checkpoint(log_id(ORIGIN))
    assert room.ask(request_) == no
    assert room.witness.checkpoint(log_id(ORIGIN)) == before
    room.times(TRUE.request(5, 9))


def test_a_signature_that_does_not_hold_is_refused_whatever_others_do(room: Room) -> None:
    text = parse_note(TRUE.checkpoint(5)).text
    false = parse_note(FORK.checkpoint(5)).signatures[0]
    checkpoint = format_note(Note(text, (*parse_note(TRUE.checkpoint(5, THIEF)).signatures, false)))
    assert room.ask(asking(0, [], checkpoint)) == "note_signature_invalid"


def test_from_nothing_there_is_no_proof_to_give(room: Room) -> None:
    assert room.ask(asking(0, [bytes(32)], TRUE.checkpoint(5))) == "witness_proof_wrong"
    assert room.last() is None


def test_an_empty_tree_has_one_root(room: Room) -> None:
    false = sign_checkpoint(Checkpoint(ORIGIN, 0, bytes(32)), LOG)
    assert room.ask(asking(0, [], false)) == "witness_proof_wrong"
    assert room.evidence() == [(True, 0)], "the signature alone convicts the log"
    assert room.last() is None


def test_a_log_may_sign_with_keys_of_both_types_and_follow_one_with_another(tmp_path: Path) -> None:
    later = Signer(ORIGIN, b"n" * 32)
    mldsa = Cosigner(ORIGIN, COSIGNATURE_MLDSA44, b"m" * 32)
    room = Room.build(tmp_path / "witness", LOG.verifier, later.verifier, mldsa.verifier)
    room.times(TRUE.request(0, 3))
    room.times(TRUE.request(3, 5, later))
    text = parse_note(TRUE.checkpoint(9)).text
    signed = format_note(Note(text, (mldsa.cosign(text, START),)))
    room.times(asking(5, TRUE.proof(5, 9), signed))
    assert room.last() == (9, TRUE.root(9))


def test_lines_of_strangers_are_neither_kept_nor_shown(room: Room) -> None:
    stranger = Signer("stranger.example", b"s" * 32)
    text = parse_note(TRUE.checkpoint(5)).text
    checkpoint = sign_note(text, stranger, LOG, THIEF)
    room.times(asking(0, [], checkpoint))
    shown = parse_note(room.witness.checkpoint(log_id(ORIGIN)))
    assert [line.name for line in shown.signatures] == [ORIGIN, NAME, NAME]
    assert not open_note(format_note(shown), [LOG.verifier, *room.witness.verifiers]).unverified


def test_lines_of_strangers_are_not_kept_as_evidence(room: Room) -> None:
    room.ask(TRUE.request(0, 5))
    checkpoint = sign_note(parse_note(FORK.checkpoint(5)).text, Signer("stranger.example", b"s" * 32), LOG, THIEF)
    room.ask(asking(5, [], checkpoint))
    kept = room.witness.evidence(1)
    assert kept.checkpoint == FORK.checkpoint(5)
    assert kept.request == asking(5, [], FORK.checkpoint(5))


def test_extension_lines_are_cosigned_as_they_are(room: Room) -> None:
    text = format_checkpoint(Checkpoint(ORIGIN, 5, TRUE.root(5), ("more", "to say")))
    room.times(asking(0, [], sign_note(text, LOG)))
    assert parse_note(room.witness.checkpoint(log_id(ORIGIN))).text == text


def test_time_never_goes_back_for_a_log(room: Room) -> None:
    assert room.times(TRUE.request(0, 3)) == [START, START]
    room.seconds = 5
    assert room.times(TRUE.request(3, 4)) == [START, START]
    room.seconds = START + 1
    assert room.times(TRUE.request(4, 4)) == [START + 1, START + 1]


def test_a_clock_that_was_never_set_still_gives_a_time(room: Room) -> None:
    room.seconds = 0
    assert room.times(TRUE.request(0, 3)) == [1, 1]


def test_what_was_never_cosigned_cannot_be_fetched(room: Room) -> None:
    for log in (log_id(ORIGIN), log_id(ORIGIN).upper(), "", "x"):
        with pytest.raises(Problem, match="checkpoint_uncosigned"):
            room.witness.checkpoint(log)


# ---- Evidence ----------------------------------------------------------------------------------------------


def test_a_fork_is_kept_with_both_signed_checkpoints(room: Room) -> None:
    room.ask(TRUE.request(0, 5))
    assert room.ask(FORK.request(5, 5)) == "witness_proof_wrong"
    (kept,) = room.alarms
    assert (kept.proven, kept.size, kept.root, kept.time) == (True, 5, FORK.root(5), START)
    for note, history in ((kept.checkpoint, FORK), (kept.against or b"", TRUE)):
        assert open_note(note, [LOG.verifier]).text == parse_note(history.checkpoint(5)).text
    assert parse_request(kept.request).checkpoint == kept.checkpoint
    assert room.witness.evidence(1) == replace(kept, number=1)


@pytest.mark.parametrize("old", [0, 3, 5, 9])
def test_a_fork_is_kept_whatever_its_old_is_and_whatever_is_answered(room: Room, old: int) -> None:
    room.ask(TRUE.request(0, 5))
    room.ask(asking(old, [], FORK.checkpoint(5)))
    assert room.evidence() == [(True, 5)]
    assert room.last() == (5, TRUE.root(5))


def test_a_wrong_proof_proves_nothing_against_the_log(room: Room) -> None:
    room.ask(TRUE.request(0, 5))
    room.ask(asking(5, [], TRUE.checkpoint(9)))
    assert room.evidence() == [(False, 9)]
    room.times(TRUE.request(5, 9))
    assert room.evidence() == [(False, 9)]


def test_what_a_later_checkpoint_contradicts_becomes_proven(room: Room) -> None:
    room.ask(TRUE.request(0, 5))
    room.ask(FORK.request(5, 9))
    assert room.evidence() == [(False, 9)]
    room.times(TRUE.request(5, 9))
    assert room.evidence() == [(True, 9)]
    kept = room.alarms[-1]
    assert open_note(kept.checkpoint, [LOG.verifier]).text == parse_note(FORK.checkpoint(9)).text
    assert open_note(kept.against or b"", [LOG.verifier]).text == parse_note(TRUE.checkpoint(9)).text


def test_two_refused_checkpoints_of_one_size_are_a_fork(room: Room) -> None:
    room.ask(TRUE.request(0, 5))
    for history in (FORK, History(parting=4, mark=b'"')):
        room.ask(history.request(5, 9))
    assert room.evidence() == [(False, 9), (True, 9)]


def test_a_shrunk_or_repeated_checkpoint_is_no_evidence(room: Room) -> None:
    room.ask(TRUE.request(0, 9))
    room.ask(TRUE.request(9, 9))
    room.ask(TRUE.request(0, 5))
    room.ask(TRUE.request(0, 9))
    room.ask(TRUE.request(9, 9, THIEF))
    assert room.evidence() == []


def test_the_same_evidence_is_kept_once(room: Room) -> None:
    room.ask(TRUE.request(0, 5))
    for _ in range(3):
        room.ask(FORK.request(5, 5))
        room.ask(FORK.request(5, 9))
    assert room.evidence() == [(True, 5), (False, 9)]
    assert len(room.alarms) == 2


def test_evidence_is_bounded_and_nobody_crowds_out_a_proven_fork(room: Room) -> None:
    room.ask(TRUE.request(0, 5))
    room.ask(FORK.request(5, 5))
    long = History(2 * UNPROVEN_MAX + 10)
    for size in range(6, 6 + UNPROVEN_MAX + 4):
        room.ask(asking(5, [], long.checkpoint(size)))
    last = [(False, size) for size in range(10, 10 + UNPROVEN_MAX)]
    assert room.evidence() == [(True, 5), *last]
    for number in range(PROVEN_MAX + 4):
        room.ask(History(parting=0, mark=b"%d" % number).request(5, 5))
    proven = [one for one in room.evidence() if one[0]]
    assert len(proven) == PROVEN_MAX
    assert room.witness.evidence(1).root == FORK.root(5)


def test_evidence_of_others_is_not_there(room: Room) -> None:
    with pytest.raises(Problem, match="evidence_absent"):
        room.witness.evidence(7)


# ---- A model -----------------------------------------------------------------------------------------------

HISTORIES = (History(12), History(12, parting=4))
requests = st.tuples(st.integers(0, 1), st.integers(0, 12), st.integers(0, 12), st.booleans(), st.booleans())


@settings(max_examples=40)
@given(st.lists(requests, min_size=1, max_size=12))
@example([(0, 0, 5, True, True), (1, 5, 5, True, True)])
def test_a_witness_answers_as_the_specification_says(asked: list[tuple[int, int, int, bool, bool]]) -> None:
    """The model: what was cosigned last is a size and a history; below 4 both histories are one."""
    size, told = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        room = Room.build(Path(folder, "witness"))
        for history, old, new, signed, proved in asked:
            one = HISTORIES[history]
            proof = one.proof(old, new) if proved else [bytes(32)]
            answer = room.ask(asking(old, proof, one.checkpoint(new, LOG if signed else THIEF)))
            same = size <= 4 or told == history
            if not signed:
                assert answer == "note_unsigned"
            elif old > new:
                assert answer == "witness_old_beyond"
            elif old != size:
                assert answer == f"old is {size}"
            elif not (same and proved):
                assert answer == "witness_proof_wrong"
            else:
                assert not isinstance(answer, str)
                assert len(answer) == 2
                size, told = new, history
        assert room.last() in (None, (size, HISTORIES[told].root(size)))
        room.witness.close()


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_by_name(data: bytes) -> None:
    for asked in (data, b"old 0\n\n" + data, b"old 0\n\n" + ORIGIN.encode() + b"\n" + data):
        assert isinstance(GARBAGE.ask(asked), str)


@given(st.lists(st.tuples(st.integers(0, 2_000), st.integers(0, 255)), min_size=1, max_size=3))
def test_a_request_that_was_touched_is_refused_by_name(changes: list[tuple[int, int]]) -> None:
    request = TRUE.request(3, 9)
    harmed = bytearray(request)
    for place, byte in changes:
        harmed[place % len(harmed)] = byte
    if bytes(harmed) != request:
        assert isinstance(GARBAGE.ask(bytes(harmed)), str)
    assert GARBAGE.last() == (3, TRUE.root(3))


_kept = tempfile.TemporaryDirectory()
GARBAGE = Room.build(Path(_kept.name, "witness"))
GARBAGE.ask(TRUE.request(0, 3))


# ---- Many at once, and the end of it -------------------------------------------------------------------------


def test_those_who_ask_at_once_are_never_told_two_histories(tmp_path: Path) -> None:
    """Two witnesses with one memory, as two processes would have, and four that ask each at the same moment."""
    room = Room.build(tmp_path / "witness")
    rooms = [room, Room.open(room.folder)]
    forks = [History(parting=step, mark=b"%d" % number) for step in (0,) for number in range(4)]
    given_: list[tuple[int, int, int]] = []  # old, size, history

    def tell(one: Room, history: int, start: threading.Barrier) -> None:
        old = 0
        for _ in range(8):
            start.wait()
            new = old + 1 + history % 3
            answer = one.ask(forks[history].request(old, new))
            if not isinstance(answer, str):
                given_.append((old, new, history))
                old = new
            elif answer.startswith("old is"):
                old = int(answer.split()[-1])

    start = threading.Barrier(8)
    askers = [threading.Thread(target=tell, args=(rooms[n % 2], n % 4, start)) for n in range(8)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert {history for _, _, history in given_} == {given_[0][2]}, "one history alone was cosigned"
    size = 0
    for old, new, _ in sorted(given_):
        assert old in (size, new)
        size = new
    assert {one.last() for one in rooms} == {(size, forks[given_[0][2]].root(size))}
    for one in rooms:
        one.witness.close()


def test_logs_do_not_hinder_each_other(tmp_path: Path) -> None:
    names = [f"log{number}.example" for number in range(4)]
    signers = [Signer(name, bytes([number]) * 32) for number, name in enumerate(names)]
    room = Room.build(tmp_path / "witness", *(signer.verifier for signer in signers))
    failed: list[object] = []

    def grow(signer: Signer) -> None:
        history = History(origin=signer.name)
        failed.extend(
            answer for n in range(6) if isinstance(answer := room.ask(history.request(n, n + 1, signer)), str)
        )

    growing = [threading.Thread(target=grow, args=(signer,)) for signer in signers]
    for one in growing:
        one.start()
    for one in growing:
        one.join()
    assert failed == []
    assert [sight.last.size for sight in room.witness.seen() if sight.last] == [6] * 4


_DYING = """
import os, signal, sys
from pathlib import Path
from ledger.witness import witness as answering
from ledger.witness.folder import WitnessFolder
from ledger.witness.memory import Turn

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[2] == "after the commit":
    answering.format_signature = die
elif sys.argv[2] == "before the commit":
    Turn.prove = die
elif sys.argv[2] == "before it is remembered":
    Turn.put = die
opened = WitnessFolder(Path(sys.argv[1])).open(lambda: 1_790_000_000, lambda _: None)
sys.stdout.buffer.write(opened.add_checkpoint(sys.stdin.buffer.read()))
"""


def die(folder: WitnessFolder, when: str, request: bytes) -> None:
    """A witness in a process of its own is killed in the middle of a request."""
    done = subprocess.run(
        [sys.executable, "-c", _DYING, str(folder.path), when],
        input=request,
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (-9, b""), done.stderr.decode()


def test_a_witness_that_dies_before_it_answers_remembers_what_it_signed(room: Room) -> None:
    room.ask(TRUE.request(0, 3))
    die(room.folder, "after the commit", TRUE.request(3, 9))
    room.witness.close()
    again = Room.open(room.folder)
    assert again.last() == (9, TRUE.root(9))
    assert again.ask(FORK.request(3, 9)) == "old is 9"
    assert again.ask(FORK.request(9, 9)) == "witness_proof_wrong"
    assert again.ask(TRUE.request(3, 9)) == "old is 9", "the log learns what nobody told it"
    again.times(TRUE.request(9, 9))


@pytest.mark.parametrize("when", ["before the commit", "before it is remembered"])
def test_a_witness_that_dies_before_it_remembers_has_signed_nothing(room: Room, when: str) -> None:
    room.ask(TRUE.request(0, 3))
    die(room.folder, when, TRUE.request(3, 9))
    room.witness.close()
    again = Room.open(room.folder)
    assert again.last() == (3, TRUE.root(3))
    again.times(TRUE.request(3, 7))


# ---- Known answers -----------------------------------------------------------------------------------------


def test_the_cosignature_and_address_of_a_witness_that_is_not_ours(tmp_path: Path) -> None:
    """The bytes that sunlight's witness gave for a checkpoint, from the same key at the same second."""
    keys = json.loads(Path(shared("vectors/tlog/sunlight/keys.json")).read_text())
    known = Path(shared("vectors/tlog/sunlight/witness"))
    theirs = next(one for one in keys["cosigners"] if one["name"] == "witness.example.org")
    log = Signer(keys["origin"], b"r" * 32)  # its own key is ECDSA, which logs of today do not use
    logs, memory = tmp_path / "logs", tmp_path / "witness.db"
    replace_file(logs, b"")
    add_logs(logs, [log.verifier])
    cosigner = Cosigner(theirs["name"], COSIGNATURE_ED25519, sha256(theirs["seed_phrase"].encode()).digest())
    Memory.create(memory, [theirs["vkey"]])
    witness = Witness([cosigner], LogList(logs), Memory.open(memory), lambda: int(keys["time"]), lambda _: None)
    (folder,) = known.iterdir()
    note = parse_note((folder / "checkpoint").read_bytes())
    lines = witness.add_checkpoint(asking(0, [], sign_note(note.text, log)))
    assert lines == format_signature(note.signatures[1])
    assert witness.checkpoint(folder.name).endswith(lines)
    witness.close()


def test_the_race_of_the_specification_cannot_happen(room: Room) -> None:
    """C2SP tlog-witness: A for N is checked, B for N+K is checked and persisted, A must not roll it back."""
    other = Room.open(room.folder)
    room.ask(TRUE.request(0, 3))
    entered, answers = threading.Event(), list[object]()
    asked = threading.Thread(target=lambda: (entered.set(), answers.append(other.ask(TRUE.request(3, 5)))))
    with room.witness._memory.turn(ORIGIN) as turn:  # B's turn
        asked.start()  # A
        entered.wait()
        asked.join(0.3)
        assert asked.is_alive(), "it waits for its turn"
        turn.put(Cosigned(ORIGIN, 7, TRUE.root(7), START, TRUE.checkpoint(7)))
    asked.join()
    assert answers == ["old is 7"]
    assert room.last() == (7, TRUE.root(7))
    other.witness.close()


def test_a_request_has_one_turn_in_which_it_is_judged_and_remembered(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two turns, one to look and one to write, another could cosign."""
    turns: list[str] = []
    turn = room.witness._memory.turn
    monkeypatch.setattr(room.witness._memory, "turn", lambda origin: (turns.append(origin), turn(origin))[1])
    for request in (TRUE.request(0, 5), FORK.request(5, 9), TRUE.request(3, 9)):
        room.ask(request)
    assert turns == [ORIGIN] * 3
    for request in (TRUE.request(5, 9, THIEF), STRANGER, b"nonsense"):
        room.ask(request)
    assert turns == [ORIGIN] * 3, "without a log's signature nobody takes a turn"
