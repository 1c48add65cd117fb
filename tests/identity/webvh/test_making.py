"""What is made resolves: histories of every turn a log can take, at every version; what would be refused is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from identity.did import multibase_of
from identity.errors import Problem
from identity.keys import SigningKey
from identity.webvh import (
    Standing,
    Witness,
    advance,
    draft_did,
    first_line,
    format_log,
    format_witness_file,
    key_hash,
    next_line,
    resolve,
    sign_witness_proof,
    witnesses_of,
)
from tests.identity.webvh.forge import DIDS, KEYS, NAMES, START, document, first

DID = draft_did("ledger.example", ["org", "acme"])


def key(number: int) -> SigningKey:
    """The key that is in use after so many rotations."""
    return SigningKey.from_seed("Ed25519", number.to_bytes(32, "big"))


def name(number: int) -> str:
    return multibase_of(key(number).public)


class History:
    """A controller who takes one turn after another, and the witnesses that approve each."""

    def __init__(self, portable: bool, announced: bool, witness: Witness | None) -> None:
        self.using, self.moves = 1, 0
        self.announced = announced
        hashes = [key_hash(name(2))] if announced else []
        line = first_line(
            document(DID), key(1), START, next_key_hashes=hashes, portable=portable, witness=witness, ttl=60
        )
        self.lines, self.standings, self.approvals = [line], [advance(None, line, START)], list[dict[str, Any]]()
        self._approve(None)

    def take(self, **changes: Any) -> None:
        """The next entry, with whatever pre-rotation asks for beside ``changes``."""
        standing = self.standings[-1]
        if standing.deactivated:
            return
        signer = self.using
        if standing.next_key_hashes:
            self.using = signer = self.using + 1
        if self.announced:
            changes.setdefault("next_key_hashes", [key_hash("decoy"), key_hash(name(self.using + 1))])
        elif standing.next_key_hashes:
            changes.setdefault("next_key_hashes", [])
        line = next_line(standing, key(signer), standing.time + 1, **changes)
        self.lines.append(line)
        self.standings.append(advance(standing, line, standing.time + 1))
        self._approve(standing)

    def _approve(self, before: Standing | None) -> None:
        after = self.standings[-1]
        witness = witnesses_of(before, after)
        if witness is not None:
            signers = [KEYS[DIDS.index(did)] for did in witness.ids[: witness.threshold]]
            proofs = [sign_witness_proof(signer, after.version_id, after.time) for signer in signers]
            self.approvals.append({"versionId": after.version_id, "proof": proofs})

    # -- turns ---------------------------------------------------------------------------------------------------------

    def edit(self) -> None:
        standing = self.standings[-1]
        self.take(document={**standing.document, "alsoKnownAs": [standing.did, f"urn:{standing.number}"]})

    def rotate(self) -> None:
        """Without pre-rotation the keys change in an entry that the former ones sign; with it every entry rotates."""
        if self.standings[-1].next_key_hashes or self.standings[-1].deactivated:
            self.take()
        else:
            # The former key signs; the one that it names is in use from the next entry on.
            self.take(update_keys=[name(self.using + 1)], **self._announce(self.using + 2))
            self.using += 1

    def _announce(self, number: int) -> dict[str, Any]:
        return {"next_key_hashes": [key_hash(name(number))]} if self.announced else {}

    def begin(self) -> None:
        self.announced = True
        self.take()

    def end(self) -> None:
        self.announced = False
        self.take()

    def move(self) -> None:
        standing = self.standings[-1]
        if not standing.portable:
            return
        self.moves += 1
        did = f"did:webvh:{standing.scid}:host-{self.moves}.example"
        self.take(document={**standing.document, "id": did, "alsoKnownAs": [standing.did]})

    def stay(self) -> None:
        self.take(portable=False)

    def witness_one(self) -> None:
        self.take(witness=Witness(1, (DIDS[5], DIDS[6])))

    def witness_two(self) -> None:
        self.take(witness=Witness(2, (DIDS[6], DIDS[7])))

    def witness_none(self) -> None:
        self.take(witness={})

    def watch(self) -> None:
        self.take(watchers=["https://watcher.example/"], ttl=self.standings[-1].number)

    def deactivate(self) -> None:
        self.take(deactivated=True)


TURNS: list[Callable[[History], None]] = [
    History.edit,
    History.rotate,
    History.begin,
    History.end,
    History.move,
    History.stay,
    History.witness_one,
    History.witness_two,
    History.witness_none,
    History.watch,
    History.deactivate,
]


@settings(max_examples=50)
@given(
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, Witness(1, (DIDS[5],))]),
    st.lists(st.sampled_from(TURNS), max_size=10),
)
def test_whatever_a_controller_does_every_version_resolves(
    portable: bool, announced: bool, witness: Witness | None, turns: list[Callable[[History], None]]
) -> None:
    history = History(portable, announced, witness)
    for turn in turns:
        turn(history)
    data, file = format_log(history.lines), format_witness_file(history.approvals)
    now = START + len(history.lines)
    last = history.standings[-1]
    for one in history.standings:
        found = resolve(data, one.did, now, witness=file, version_number=one.number)
        assert found.standings == tuple(history.standings)
        assert found.document is not None
        assert found.document["id"] == one.did
        assert found.metadata["versionId"] == one.version_id
    assert found == resolve(data, history.standings[0].did, now, witness=file, version_id=last.version_id)
    assert found == resolve(data, last.did, now, witness=file, version_time=last.version_time)
    whole = resolve(data, last.did, now, witness=file)
    assert (whole.document is None) == last.deactivated
    assert json.loads(json.dumps(last.to_state())) == last.to_state()


def test_every_turn_is_taken_in_one_history() -> None:
    history = History(True, True, None)
    for turn in (*TURNS[:-1], History.begin, History.rotate, History.end, History.rotate, History.deactivate):
        turn(history)
    assert history.standings[-1].deactivated
    assert len(history.lines) == 16
    file = format_witness_file(history.approvals)
    found = resolve(format_log(history.lines), history.standings[0].did, START + 99, witness=file)
    assert found.document is None
    assert found.metadata["watchers"] == ["https://watcher.example/"]


# -- making ------------------------------------------------------------------------------------------------------------


def test_the_first_entry_is_that_of_an_independent_maker() -> None:
    made = first_line(document(DID), KEYS[0], START, next_key_hashes=[])
    assert [made] == first({"nextKeyHashes": [], "portable": False})


def test_a_draft_names_the_place_and_not_yet_the_scid() -> None:
    assert draft_did("ledger.example", ["org", "acme"], 8443) == "did:webvh:{SCID}:ledger.example%3A8443:org:acme"
    made = first_line(document(DID, service=[{"id": f"{DID}#x"}]), KEYS[0], START, next_key_hashes=[])
    did = advance(None, made, START).did
    assert made["state"]["service"] == [{"id": f"{did}#x"}]
    assert "{SCID}" not in json.dumps(made)
    with pytest.raises(Problem, match="did_place_malformed"):
        draft_did("localhost")


def test_what_would_be_refused_is_not_made() -> None:
    made = advance(None, first_line(document(DID), KEYS[0], START, next_key_hashes=[key_hash(NAMES[1])]), START)
    cases: list[tuple[str, Callable[[], object]]] = [
        ("webvh_rotation_silent", lambda: next_line(made, KEYS[1], START + 1)),
        ("webvh_key_unannounced", lambda: next_line(made, KEYS[2], START + 1, next_key_hashes=[])),
        ("webvh_time_not_later", lambda: next_line(made, KEYS[1], START, next_key_hashes=[])),
        ("webvh_portable_late", lambda: next_line(made, KEYS[1], START + 1, next_key_hashes=[], portable=True)),
        ("webvh_document_id", lambda: first_line(document("did:web:a.example"), KEYS[0], START, next_key_hashes=[])),
        ("webvh_key_unauthorised", lambda: first_line(
            document(DID), KEYS[0], START, next_key_hashes=[], update_keys=[NAMES[1]]
        )),
        ("proof_key_unfit", lambda: first_line(
            document(DID), SigningKey.from_seed("ES256", bytes(32)), START, next_key_hashes=[], update_keys=NAMES[:1]
        )),
    ]  # fmt: skip
    for code, make in cases:
        with pytest.raises(Problem) as caught:
            make()
        assert caught.value.code == code
