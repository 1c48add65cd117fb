"""Proofs of state at every size that is kept: subjects, absences and lists, all as a plain dict has them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from ledger.errors import Absent, Corrupt, Malformed
from ledger.log.map import check_list, lookup_key
from ledger.log.page import MapTree, Page, format_page
from ledger.log.stateproof import Listing, Missing, Standing, StateProof, check_shown, parse_state_proof
from ledger.prove import Prover
from ledger.statemap import lookups_proven
from ledger.store.map import KEPT, MapHead, map_at, turn
from ledger.values import is_of
from ledger.world import STATES, Subject
from tests.cast import CAST, Play, life, whole_life
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
    shown = opened(prover.listing("offer.holder", NOBODY, at), head).shown
    assert shown == Listing("offer", "holder", NOBODY, ())


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
    kept.play.register("factory", title="Committed to")
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
    party, did = kept.play.party("factory"), CAST["factory"].did
    for lookup, values in {
        "offer.asset": ("", "two\nlines", party, did, "asset", party.replace("party", "asset") + " "),
        "asset.holder": (f"{party} ", party.upper(), f"{did} ", "did:key:z6Mk", "did:web:a.example"),
        "party.did": (party, f"{did}\n", "did:key:z6Mk"),
        "version.sha256": ("A" * 42, "A" * 42 + "B", "A" * 43 + "="),
    }.items():
        for value in values:
            with pytest.raises(Malformed, match="lookup_value_malformed"):
                prover.listing(lookup, value)
    for name in ("owner_" + NOBODY[6:], f"{did} "):
        with pytest.raises(Malformed, match="subject_id_malformed"):
            prover.subject(name)
    assert opened(prover.listing("version.sha256", "A" * 43), head).shown == Listing("version", "sha256", "A" * 43, ())


def test_a_did_stands_for_its_party(kept: Kept) -> None:
    head = kept.commit() if kept.pass_().due else kept.pass_().head
    prover, party, did = kept.prover(), kept.play.party("factory"), CAST["factory"].did
    assert prover.subject(did) == prover.subject(party)
    shown = opened(prover.listing("asset.holder", did), head).shown
    assert isinstance(shown, Listing)
    assert shown.ids
    assert prover.file(did, "asset.holder") == prover.listing("asset.holder", party)
    assert opened(prover.listing("party.did", did), head).shown == Listing("party", "did", did, (party,))
    with pytest.raises(Absent, match="subject_absent"):
        prover.listing("asset.holder", CAST["stranger"].did)


def test_members_that_are_no_ids_are_damage(tmp_path: Path) -> None:
    """A page that somebody made, with a checksum of its own."""
    kept = Kept.build(tmp_path / "ledger")
    kept.play.join("factory")
    head, did = kept.commit(), CAST["factory"].did
    for name in (b"\xff" * 32, b"\x1b" * 32):
        with turn(map_at(kept.folder.path)) as at:
            inner = MapTree(at.read).get(head.root, lookup_key("party", "did", did))
            assert inner is not None
        data = format_page(Page(0, {0: bytes(32) + name}), inner)
        with sqlite3.connect(map_at(kept.folder.path)) as connection:
            connection.execute("UPDATE page SET data = ? WHERE hash = ?", (data, inner))
        connection.close()
        with pytest.raises(Corrupt, match="map_page_corrupt"):
            kept.prover().listing("party.did", did)


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
    assert {*lookups_proven().values()} <= {*STATES, "did", "digest", "alias"}
    for subject in whole_life().world.subjects():
        for name, value in subject.state.lookups():
            form = subject.state.PROVEN.get(name)
            assert form is None or is_of(form, value), (subject.type, name, value)
    assert {"offer.asset", "transfer.asset", "agreement.asset", "asset.holder", "version.sha256"} <= {*lookups_proven()}
    assert {"party.did", "delegation.delegator", "delegation.delegate", "recovery.party"} <= {*lookups_proven()}
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
