"""Proofs of state at every size that is kept: subjects, absences and lists, all as a plain dict has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.errors import Absent, Malformed
from ledger.log.map import check_list
from ledger.log.stateproof import Listing, Missing, Standing, StateProof, check_shown, parse_state_proof
from ledger.prove import Prover, lookups_proven
from ledger.store.map import KEPT, MapHead
from ledger.world import STATES, Subject
from tests.cast import Play, life
from tests.ledger.committed import Kept, lists_of

NOBODY = "party_00000000000000000000000000"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    kept = Kept.build(tmp_path_factory.mktemp("kept") / "ledger", Play())
    for played in life().entries[1:12]:
        kept.play.seconds = played.time // 1_000_000
        kept.play.admit(played.sent)
    return kept


def opened(data: bytes, head: MapHead) -> StateProof:
    proof = parse_state_proof(data)
    check_shown(head.root, proof.shown, proof.proof)
    return proof


def check_everything(prover: Prover, head: MapHead, subjects: list[Subject], at: int | None) -> None:
    for one in subjects:
        shown = opened(prover.subject(one.id, at), head).shown
        assert shown == Standing(one.id, one.index, one.last, one.state.encode())
    assert opened(prover.subject(NOBODY, at), head).shown == Missing(NOBODY)
    for (type_, name, value), ids in lists_of(subjects).items():
        shown = opened(prover.listing(f"{type_}.{name}", value, at), head).shown
        assert shown == Listing(type_, name, value, tuple(sorted(ids)))
    shown = opened(prover.listing("offer.asset", NOBODY, at), head).shown
    assert shown == Listing("offer", "asset", NOBODY, ())


def test_everything_is_proven_at_each_size_committed_to(tmp_path: Path) -> None:
    kept, known = Kept.build(tmp_path / "ledger", Play()), []
    for number, played in enumerate(life().entries[1:], 1):
        kept.play.seconds = played.time // 1_000_000
        kept.play.admit(played.sent)
        if number % 5 == 0:
            subjects = [*kept.play.world.subjects()]
            known.append((kept.commit(), subjects))
            check_everything(kept.prover(), *known[-1], None)
    assert 3 < len(known) < KEPT
    for head, subjects in known:
        check_everything(kept.prover(), head, subjects, head.size)


def test_a_proof_brings_commitment_and_charter_against_one_checkpoint(kept: Kept) -> None:
    head = kept.commit()
    proof = opened(kept.prover().subject(NOBODY), head)
    assert [receipt.index for receipt in proof.receipts] == [head.size, 0]
    assert {receipt.checkpoint for receipt in proof.receipts} == {kept.head.checkpoint}


def test_what_there_is_no_proof_of_is_said(kept: Kept, tmp_path: Path) -> None:
    prover = Kept.build(tmp_path / "ledger").prover()
    with pytest.raises(Absent, match="state_uncommitted"):
        prover.subject(NOBODY)
    kept.play.register("factory")
    head = kept.commit()
    prover = kept.prover()
    for at in (head.size - 1, head.size + 1, 1, 2**40):
        with pytest.raises(Absent, match="size_uncommitted"):
            prover.subject(NOBODY, at)
    for name in ("", "party", "party_", "party_0", NOBODY + "\n", NOBODY[:-1] + "u", "did:key:z6Mk"):
        with pytest.raises(Malformed, match="subject_id_malformed"):
            prover.subject(name)
    for lookup in ("", "offer", "asset", "offer.status", "asset.keyword", "offer.asset.x", "no.asset"):
        with pytest.raises(Malformed, match="lookup_unproven"):
            prover.listing(lookup, NOBODY)
    for value in ("", "two\nlines"):
        with pytest.raises(Malformed, match="subject_id_malformed"):
            prover.listing("offer.asset", value)


def test_a_list_that_is_too_long_is_refused_by_name(kept: Kept) -> None:
    holder = kept.play.party("factory")
    kept.play.register("factory", title="One more")
    kept.play.register("factory", title="And another")
    kept.commit()
    shown = parse_state_proof(kept.prover().listing("asset.holder", holder)).shown
    assert isinstance(shown, Listing)
    count = len(shown.ids)
    assert count > 1
    assert kept.prover().listing("asset.holder", holder, most=count) == kept.prover().listing("asset.holder", holder)
    with pytest.raises(Malformed, match="list_too_long"):
        kept.prover().listing("asset.holder", holder, most=count - 1)


def test_sizes_whose_pages_are_gone_are_refused_by_name(tmp_path: Path) -> None:
    kept = Kept.build(tmp_path / "ledger")
    heads = []
    for number in range(KEPT + 2):
        kept.play.join(*(["factory"] if number == 0 else []))
        kept.play.register("factory", title=f"number {number}")
        heads.append(kept.commit())
    prover = kept.prover()
    for head in heads[:2]:
        with pytest.raises(Absent, match="map_root_absent"):
            prover.subject(NOBODY, head.size)
    for head in heads[2:]:
        opened(prover.subject(NOBODY, head.size), head)


def test_look_ups_are_proven_that_states_declare() -> None:
    for type_, state in STATES.items():
        assert len(set(state.PROVEN)) == len(state.PROVEN), type_
    assert {"offer.asset", "transfer.asset", "agreement.asset", "asset.holder", "version.sha256"} <= {*lookups_proven()}
    assert not {"offer.status", "asset.classification", "asset.keyword"} & {*lookups_proven()}


def test_a_dropped_or_added_member_is_disproven(kept: Kept) -> None:
    head = kept.commit() if kept.pass_().due else kept.pass_().head
    proof = parse_state_proof(kept.prover().listing("asset.holder", kept.play.party("factory")))
    assert isinstance(proof.shown, Listing)
    lookup = (proof.shown.type, proof.shown.name, proof.shown.value)
    check_list(head.root, lookup, proof.shown.ids, proof.proof)
    others = [one.id for one in kept.play.world.subjects() if one.type == "asset" and one.id not in proof.shown.ids]
    for ids in ([], proof.shown.ids[1:], proof.shown.ids[:-1], [*proof.shown.ids, "asset_" + "0" * 26, *others]):
        with pytest.raises(Exception, match=r"map_proof_(wrong|malformed)"):
            check_list(head.root, lookup, ids, proof.proof)
