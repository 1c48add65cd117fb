"""State proofs by the command line: fetched or made, verified offline, and refused where anything was changed."""

from __future__ import annotations

import shutil
import sqlite3
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest

from api.client import Client
from identity.did import did_of
from identity.errors import Malformed, Unverifiable
from identity.keys import read_key
from identity.note import Signer, Verifier
from ledger.log import merkle
from ledger.log.checkpoint import Checkpoint, sign_checkpoint
from ledger.log.map import lookup_key, subject_key
from ledger.log.receipt import Receipt
from ledger.log.stateproof import (
    Listing,
    Missing,
    Shown,
    StateProof,
    check_shown,
    format_state_proof,
    parse_state_proof,
)
from scripts.proofs.state import prove, recognises
from tests.cast import CAST, LOG, ORIGIN, Play, actor, seed
from tests.ledger.audit.forged import acts, linked
from tests.ledger.committed import Kept, leaves_of
from tests.ledger.log.test_map import way
from tests.scripts.house import Hands, checkpoint_covers, found, run, spoken
from tests.waiting import WAIT_S

LIFTED = {"CADASTRE_SERVE_ADDRESS_RATE": "0", "CADASTRE_SERVE_SIGNER_RATE": "0"}
NOBODY = "party_00000000000000000000000000"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return found(tmp_path_factory.mktemp("own") / "ledger")


@pytest.fixture(scope="module")
def hands(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hands]:
    with spoken("serve", folder, "--workers", "0", CADASTRE_SERVE_COMMIT_SECONDS="0.05", **LIFTED) as (service, url):
        yield Hands(url, tmp_path_factory.mktemp("hands"))
        service.terminate()
        service.wait(20)


@pytest.fixture(scope="module")
def asset(hands: Hands) -> str:
    data = hands.room / "data.csv"
    data.write_text("1,2\n")
    hands.join("factory")
    return hands.register("factory", data)


def proven(hands: Hands, room: Path, what: str, *more: str) -> tuple[Path, Any]:
    """Fetch proofs until the service has committed to what was recorded last; then verify the last one offline."""
    due = hands.json("show", what)["index"] if what != NOBODY and not more else 0
    end = time.monotonic() + WAIT_S
    for number in range(1_000):
        file = room / f"{number}.proof"
        result = hands.run("prove", what, "--out", file, *more, "--json")
        if result.exit_code == 0 and orjson.loads(result.stdout)["size"] > due:
            break
        assert time.monotonic() < end, result.output
        time.sleep(0.1)
    verified = orjson.loads(hands.done("verify", file, "--json"))
    assert verified | {"file": str(file)} == orjson.loads(result.stdout)
    return file, verified


def test_a_subject_is_proven_as_it_stands(hands: Hands, asset: str, tmp_path: Path) -> None:
    file, told = proven(hands, tmp_path, asset)
    shown = hands.json("show", asset)
    assert (told["subject"], told["state"], told["index"]) == (asset, shown["state"], shown["index"])
    text = hands.done("verify", file)
    assert text.startswith(f"proven: {asset}, as of size {told['size']} of house.example/ledger\n")
    assert "witnessed" not in text


def test_an_absence_and_a_list_are_proven(hands: Hands, asset: str, tmp_path: Path) -> None:
    offer = hands.offer("factory", asset)
    file, told = proven(hands, tmp_path, NOBODY)
    assert told["absent"]
    assert f"proven: there is no {NOBODY}, as of size" in hands.done("verify", file)
    end = time.monotonic() + WAIT_S
    while True:
        (room := tmp_path / f"{time.monotonic_ns()}").mkdir()
        file, told = proven(hands, room, asset, "--lookup", "offer.asset")
        if told["members"]:
            break
        assert time.monotonic() < end
    assert told["members"] == [offer]
    assert f"proven: all 1 of type offer with asset {asset}, as of size" in hands.done("verify", file)
    holder, did = hands.json("show", asset)["state"]["holder"], did_of(read_key(hands.key("factory")).public)
    for what in (holder, did):
        (room := tmp_path / what).mkdir()
        file, told = proven(hands, room, what, "--lookup", "asset.holder", "--at", str(told["size"]))
        assert (told["value"], told["members"]) == (holder, [asset])
    file, told = proven(hands, room.parent, NOBODY, "--lookup", "transfer.to")
    assert told["members"] == []
    assert f"proven: there is no transfer with to {NOBODY}, as of size" in hands.done("verify", file)


def test_what_cannot_be_proven_is_said(hands: Hands, asset: str, tmp_path: Path) -> None:
    proven(hands, tmp_path, asset)
    out = tmp_path / "no.proof"
    hands.refused("size_uncommitted", "prove", asset, "--out", out, "--at", "1000000")
    hands.refused("lookup_unproven", "prove", asset, "--out", out, "--lookup", "offer.status")
    hands.refused("subject_id_malformed", "prove", "nobody", "--out", out)
    holder = hands.json("show", asset)["state"]["holder"]
    for value in (f"{holder} ", asset, "did:key:z6Mk"):
        hands.refused("lookup_value_malformed", "prove", value, "--out", out, "--lookup", "asset.holder")
    stranger = did_of(read_key(hands.key("stranger")).public)
    for more in ((), ("--lookup", "asset.holder")):
        hands.refused("subject_absent", "prove", stranger, "--out", out, *more)
    assert not out.exists()


def test_a_ledger_that_proves_something_else_is_not_believed(hands: Hands, asset: str, tmp_path: Path) -> None:
    file, _ = proven(hands, tmp_path, asset)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("api.client.Client.state_proof", lambda *_: file.read_bytes())
        for asked in (
            (NOBODY,),
            (asset, "--lookup", "offer.asset"),
            (asset, "--at", str(orjson.loads(hands.done("verify", file, "--json"))["size"] + 1)),
        ):
            hands.refused("state_proof_other", "prove", *asked, "--out", tmp_path / "other.proof")


def test_a_ledger_cannot_put_another_party_in_the_place_of_a_did(hands: Hands, asset: str, tmp_path: Path) -> None:
    other = hands.json("show", hands.join("another"))["id"]
    proven(hands, tmp_path, other)
    asked, did = Client.state_proof, did_of(read_key(hands.key("factory")).public)

    def lying(at: Client, what: str, lookup: str | None = None, size: int | None = None) -> bytes:
        return asked(at, what if lookup == "party.did" else other, lookup, size)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("api.client.Client.state_proof", lying)
        for more in ((), ("--lookup", "asset.holder")):
            hands.refused("state_proof_other", "prove", did, "--out", tmp_path / "other.proof", *more)
    hands.done("prove", did, "--out", tmp_path / "own.proof", "--lookup", "asset.holder")


def copied(folder: Path, to: Path) -> Path:
    """A ledger's folder as it stands while it is served: what follows from the store first, the store last."""
    to.mkdir()
    _copy_database(folder / "map.db", to / "map.db")
    shutil.copytree(folder, to, ignore=shutil.ignore_patterns("*.db*", "*.part*"), dirs_exist_ok=True)
    _copy_database(folder / "ledger.db", to / "ledger.db")
    return to


def _copy_database(path: Path, to: Path) -> None:
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)


def test_from_the_folder_and_at_older_sizes_made_again(folder: Path, hands: Hands, asset: str, tmp_path: Path) -> None:
    _, told = proven(hands, tmp_path, asset)
    joined = hands.json("join", "--name", "Second", by="second")
    checkpoint_covers(folder, joined["index"] + 1)  # and so the commitment that came before
    copy = copied(folder, tmp_path / "copy")
    made = tmp_path / "made.proof"
    assert run("prove", asset, "--out", made, "--from", copy, home=hands.home).exit_code == 0
    hands.done("verify", made)
    did = did_of(read_key(hands.key("factory")).public)
    for number, more in enumerate(((), ("--lookup", "asset.holder"))):
        owned = run("prove", did, "--out", tmp_path / f"{number}.did", "--from", copy, *more, home=hands.home)
        assert owned.exit_code == 0, owned.output
    assert asset in hands.done("verify", tmp_path / "1.did")
    wrong = run(
        "prove", f"{NOBODY} ", "--out", tmp_path / "no", "--from", copy, "--lookup", "asset.holder", home=hands.home
    )
    assert "lookup_value_malformed" in wrong.stderr
    first = run("prove", asset, "--out", tmp_path / "first.proof", "--from", copy, "--at", "1", home=hands.home)
    if "map_root_absent" in first.stderr:  # else it is kept yet
        assert "next:" in first.stderr
    for path in copy.glob("map*"):
        path.unlink()
    gone = run("prove", asset, "--out", tmp_path / "gone.proof", "--from", copy, home=hands.home)
    assert "map_root_absent" in gone.stderr
    size = str(told["size"])
    rebuilt = run("rebuild", copy, "--at", size, home=hands.home)
    assert rebuilt.stdout.startswith(f"rebuilt: {copy}/map-{size}.db  size={size} root="), rebuilt.output
    again = tmp_path / "again.proof"
    assert run("prove", asset, "--out", again, "--from", copy, "--at", size, home=hands.home).exit_code == 0
    assert orjson.loads(hands.done("verify", again, "--json"))["state"] == told["state"]
    latest = orjson.loads(run("rebuild", copy, "--json", home=hands.home).stdout)
    assert latest["size"] >= told["size"]
    assert run("prove", asset, "--out", tmp_path / "x", "--from", copy, home=hands.home).exit_code == 0
    assert "size_uncommitted" in run("rebuild", copy, "--at", "999999", home=hands.home).stderr


# ---- What is judged, step by step -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """A ledger whose service key was replaced."""
    kept = Kept.build(tmp_path_factory.mktemp("kept") / "ledger", Play())
    kept.play.cast["replacement"] = actor("replacement")
    kept.play.join("factory")
    kept.commit()
    body = {"service": kept.play.cast["replacement"].did}
    kept.play.act("ledger.amended", by="governance", sub=kept.play.world.ledger, body=body)
    kept.play.act("ledger.amended", by="governance", sub=kept.play.world.ledger, body={"names": "plain"})
    kept.commit(by="replacement")
    return kept


def judged(data: bytes, keys: list[Verifier] | None = None, charters: tuple[str, ...] = ()) -> str:
    """The code by which a proof is disproven, or "proven"."""
    try:
        prove(data, [LOG.verifier] if keys is None else keys, charters)
    except (Malformed, Unverifiable) as wrong:
        return wrong.code
    return "proven"


def changed(proof: StateProof, receipts: list[Receipt]) -> bytes:
    return format_state_proof(StateProof(proof.shown, proof.proof, receipts))


def test_the_charter_must_lead_to_the_commitment(kept: Kept) -> None:
    data = kept.prover().subject(NOBODY)
    proof = parse_state_proof(data)
    commitment, charter, amendment = proof.receipts
    other = kept.prover()._reader.receipts([1, len(kept.play.entries) - 2])
    assert judged(data) == "proven"
    for name, receipts in {
        "without the amendment": [commitment, charter],
        "without the charter": [commitment, amendment],
        "the amendment twice": [commitment, charter, amendment, amendment],
        "an amendment of something else": [commitment, charter, amendment, other[1]],
        "no amendment at all": [commitment, charter, other[0]],
        "another charter": [commitment, other[0], amendment],
        "no commitment": [other[0], charter, amendment],
        "the amendment as commitment": [amendment, charter],
    }.items():
        assert judged(changed(proof, receipts)) == "commitment_unfounded", name
    old = parse_state_proof(kept.prover().subject(NOBODY, 2)).receipts
    assert len(old) == 2, "the amendment came later"
    assert judged(changed(proof, [old[0], charter])) == "map_proof_wrong"
    assert judged(changed(proof, [old[0], charter, amendment])) == "commitment_unfounded"


def test_only_a_trusted_log_and_the_charter_met_before_count(kept: Kept) -> None:
    data = kept.prover().subject(NOBODY)
    audience = kept.play.world.audience
    assert judged(data, charters=(audience, "other.example#AAAA")) == "proven"
    assert judged(data, charters=(audience[:-1] + "_",)) == "charter_changed"
    assert judged(data, [Signer(ORIGIN, seed("another log")).verifier]) == "note_unsigned"


def test_a_root_by_another_key_or_of_entries_to_come_is_refused(tmp_path: Path) -> None:
    """Of a ledger whose operator enters what the rules forbid."""
    kept = Kept.build(tmp_path / "ledger")
    kept.play.join("factory")
    head = kept.commit()
    data = kept.prover().subject(NOBODY)
    proof = parse_state_proof(data)
    forged = _entered(kept, by="factory", size=head.size)
    assert judged(changed(proof, forged)) == "commitment_unfounded"
    assert judged(changed(proof, _entered(kept, by="service", size=head.size))) == "proven"
    assert judged(changed(proof, _entered(kept, by="service", size=50))) == "commitment_unfounded"


def _entered(kept: Kept, *, by: str, size: int) -> list[Receipt]:
    """Receipts of a commitment as entry 3, and of the charter, of a log that the same key signs."""
    proof = parse_state_proof(kept.prover().subject(NOBODY))
    body = orjson.loads(b64decode(proof.receipts[0].entry.split(b"\n")[5].split(b".")[1] + b"=="))["body"]
    state = kept.play.entries[0].opened("state")
    sent = kept.play.sign("state.committed", by=by, sub=state, body={**body, "size": size})
    entries = linked([*acts(one.entry for one in kept.play.entries), (kept.play.seconds * 10**6 + 99, sent)])
    growth = merkle.Growth(merkle.Frontier())
    for entry in entries:
        growth.append(merkle.leaf_hash(entry))
    note = sign_checkpoint(Checkpoint(LOG.name, len(entries), growth.root()), LOG)
    last = len(entries) - 1
    return [Receipt(entries[index], index, growth.inclusion_proof(index), note) for index in (last, 0)]


def test_no_byte_of_the_file_can_differ(kept: Kept) -> None:
    """But for the last letters of its signature lines: a signature may be spoilt where another still holds."""
    data = kept.prover().subject(kept.play.party("factory"))
    end = data.index(b"\n\n\xe2\x80\x94 ") + 2
    for place in range(0, end, 7):
        assert judged(data[:place] + bytes([data[place] ^ 2]) + data[place + 1 :]) != "proven", place
    assert judged(data[:-20]) != "proven"
    assert judged(data + b"\n") != "proven"


def test_members_cannot_be_left_out_nor_put_in(kept: Kept) -> None:
    did = CAST["factory"].did
    proof = parse_state_proof(kept.prover().listing("party.did", did))
    party = kept.play.party("factory")
    assert proof.shown == Listing("party", "did", did, (party,))
    for shown in (
        Listing("party", "did", did, ()),
        Listing("party", "did", did, (party, NOBODY[:-1] + "z")),
        Listing("party", "did", CAST["partner"].did, (party,)),
        Missing(party),
    ):
        code = judged(format_state_proof(StateProof(shown, proof.proof, proof.receipts)))
        assert code in ("map_proof_wrong", "map_proof_malformed", "state_proof_malformed"), shown


def test_what_there_cannot_be_is_not_proven_absent(tmp_path: Path) -> None:
    """The map has none of it, and whoever gets proofs of other absences can put it in their place."""
    kept = Kept.build(tmp_path / "ledger")
    kept.play.join("factory")
    leaves, head = leaves_of(kept.play.world.subjects()), kept.commit()
    receipts = parse_state_proof(kept.prover().subject(NOBODY)).receipts
    party, did = kept.play.party("factory"), CAST["factory"].did
    assert (
        judged(format_state_proof(StateProof(Missing(NOBODY), way(leaves, subject_key(NOBODY)), receipts))) == "proven"
    )
    texts: list[Shown] = [
        *(
            Missing(text)
            for text in (
                "",
                party.upper(),
                f"{party} ",
                did,
                f"x{party}",
                "party_\u202e" + "0" * 24,
                "owner_" + "0" * 26,
            )
        ),
        *(
            Listing("asset", "holder", text, ())
            for text in (did, f"{party} ", "x\x1b[2K\rproven: all is well", NOBODY[6:])
        ),
        *(Listing("asset", name, party, ()) for name in ("owner", "status", "holder ")),
        *(Listing("asset", "derivedFrom", text, ()) for text in (party, "asset_")),
        *(Listing("party", "did", text, ()) for text in (f"{did} ", "did:web:a.example", "did:key:z6Mk")),
        *(Listing("version", "sha256", text, ()) for text in ("A" * 42, "A" * 42 + "B", "A" * 43 + "=")),
    ]
    for shown in texts:
        key = lookup_key(shown.type, shown.name, shown.value) if isinstance(shown, Listing) else subject_key(shown.id)
        proof = way(leaves, key)
        check_shown(head.root, shown, proof)
        data = format_state_proof(StateProof(shown, proof, receipts))
        assert judged(data) == "state_proof_malformed", shown


def test_verify_knows_the_form_by_its_first_line(kept: Kept) -> None:
    data = kept.prover().subject(NOBODY)
    assert recognises(data)
    assert recognises(b"cadastre/state-proof@v2\n")
    assert not recognises(b"cadastre/map-proof/1\n")
