"""Audit packs on the command line: made from whatever shows a ledger, opened in a browser, judged without one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from api.client import Client
from api.keyring import FolderKeyring
from identity import jws
from identity.did import did_of
from identity.disclosure import show
from identity.keys import read_key
from identity.note import format_vkey, parse_note, parse_vkey
from identity.signature import COSIGNATURE_ED25519
from ledger.log.chain import parse_entry
from ledger.log.checkpoint import parse_checkpoint, sign_checkpoint
from ledger.log.cosignature import Cosigner, with_cosignatures
from ledger.pack.data import parse_data
from ledger.pack.page import format_page, is_ours, parse_page, script_digest
from tests.cast import LOG, seed
from tests.ledger.pack.cases import cases
from tests.ledger.pack.reader import Reader, chromium
from tests.scripts.house import ORIGIN, Hands, published_covers, run


@pytest.fixture(scope="module")
def asset(own_hands: Hands, own_folder: Path) -> str:
    """Registered in entry 2 by a party whose name is private; the folder shows it too."""
    own_hands.join("factory", "--private")
    file = own_hands.room / "data.csv"
    file.write_text("1;2\n")
    made = own_hands.register("factory", file)
    own_hands.offer("factory", made)
    published_covers(own_folder, 4)
    return made


@pytest.fixture(scope="module")
def hands(own_hands: Hands, asset: str) -> Hands:
    """Of a ledger that has the asset, whichever test comes first."""
    return own_hands


@pytest.fixture(scope="module")
def pack(hands: Hands, asset: str) -> Path:
    out = hands.room / "p2.html"
    said = hands.done("pack", "2", "--out", out)
    assert said.startswith(f"packed: entry 2 of {ORIGIN} into {out}\n")
    assert f"script     {script_digest()}" in said
    assert said.splitlines()[-1].startswith("pack: consistent  size=")
    return out


def test_a_pack_is_judged_without_its_page(hands: Hands, pack: Path) -> None:
    said = hands.done("verify", pack)
    assert f"proven: entry 2 of {ORIGIN}" in said
    assert said.splitlines()[-1] == pack_line(hands, pack)
    assert hands.json("verify", pack)["page"] == "ours"
    assert is_ours(pack.read_bytes())


def pack_line(hands: Hands, pack: Path) -> str:
    found = hands.json("verify", pack)
    return f"pack: {found['verdict']}  size={found['size']} root={found['root']}  index={found['index']}"


def test_a_pack_of_a_running_ledger_opens_in_a_browser(hands: Hands, pack: Path, tmp_path: Path) -> None:
    with chromium() as browser, Reader.at(browser, tmp_path) as reader:
        assert reader.open(pack.read_bytes()) == "consistent"
        assert reader.text("#line") == pack_line(hands, pack)
        assert "name withheld" in reader.text("#behind")
        assert (reader.asked, reader.wrong) == ([reader.page.url], [])


def test_an_act_that_an_altered_page_hides_is_still_found(hands: Hands, pack: Path, tmp_path: Path) -> None:
    """The page's own script is not believed, and that it is another one is told."""
    file = tmp_path / "altered.html"
    file.write_bytes(pack.read_bytes().replace(b"What this file proves", b"All is well: believe me"))
    ended = hands.run("verify", file)
    assert ended.exit_code == 0
    assert "do not believe what it shows" in ended.stderr
    data = parse_page(pack.read_bytes())
    file.write_bytes(format_page(data.replace(b'"index":2', b'"index":3')))
    assert "entry 3: " in hands.refused("pack_misplaced", "verify", file)
    file.write_bytes(format_page(cases()["a later version"].data))
    assert "newer release" in hands.refused("pack_newer", "verify", file)
    file.write_bytes(pack.read_bytes().replace(b'<script id="pack"', b'<script id="pack" type="application/json">' * 2))
    hands.refused("pack_malformed", "verify", file)


def test_whoever_has_never_met_the_ledger_takes_nothing_as_proven(hands: Hands, pack: Path, tmp_path: Path) -> None:
    nobody = run("verify", pack, home=tmp_path)
    assert (nobody.exit_code, nobody.stdout) == (1, "")
    assert nobody.stderr.startswith(f"disproven: log_key_unknown: {ORIGIN}")
    told = run("verify", pack, "--policy", hands.home / "policy", home=tmp_path)
    assert told.exit_code == 0, told.output
    another = tmp_path / "policy"
    key = Cosigner(ORIGIN, COSIGNATURE_ED25519, seed("another log")).verifier
    another.write_text(f"log {format_vkey(type(key)(ORIGIN, 1, key.public_key))}\nquorum none\n")
    wrong = run("verify", pack, "--policy", another, home=tmp_path)
    assert wrong.exit_code == 1
    assert "log_key_unknown" in wrong.stderr
    assert wrong.stdout.splitlines()[-1].startswith("pack: corrupt  ")


def test_a_pack_under_another_charter_than_the_one_met_is_not_proven(hands: Hands, pack: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "policy").write_bytes((hands.home / "policy").read_bytes())
    assert run("verify", pack, home=home).exit_code == 0, "nothing is known of its charter"
    (home / "charters").write_text(f"other.example/l#{'A' * 43}\n{ORIGIN}#{'A' * 43}\n")
    for more in ((), ("--policy", hands.home / "policy")):
        met = run("verify", pack, *more, home=home)
        assert (met.exit_code, met.stdout) == (1, "")
        assert met.stderr.startswith(f"disproven: charter_changed: shown {ORIGIN}#")


def test_a_ledger_that_only_names_the_log_key_known_here_proves_nothing(tmp_path: Path) -> None:
    """Its pack holds by itself, and its own governance has led from the true key to one that signed it."""
    forged, home = tmp_path / "forged.html", tmp_path / "home"
    home.mkdir()
    (home / "policy").write_text(f"log {format_vkey(LOG.verifier)}\nquorum none\n")
    names = ("a ledger that names another's key", "the same beside that log's checkpoint")
    for name, reason in zip(names, ("log_key_unknown", "log_key_unknown"), strict=True):
        forged.write_bytes(format_page(cases()[name].data))
        ended = run("verify", forged, home=home)
        assert ended.exit_code == 1
        assert ended.stdout.splitlines()[-1].startswith("pack: corrupt  ")
        assert reason in ended.stderr
    forged.write_bytes(format_page(cases()["beside another root of this size"].data))
    unmet = run("verify", forged, home=tmp_path / "nobody")
    assert "log_key_unknown" in unmet.stderr, "who knows no key of the log accuses nobody"
    assert "diverged" not in unmet.output


def test_a_verdict_names_what_it_does_not_say(hands: Hands, pack: Path) -> None:
    said = hands.run("verify", pack)
    assert "the latest acts on its subjects can have been left out" in said.stderr
    assert "are told up to entry 1: other entries that ended one" in said.stderr
    assert len(hands.json("verify", pack)["remarks"]) == 2


def test_a_service_that_answers_for_another_statement_is_not_followed(
    hands: Hands, asset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = hands.json("show", "2")["id"]
    real = Client.statement
    monkeypatch.setattr(Client, "statement", lambda self, _: real(self, first))
    hands.refused("answer_strange", "pack", "2", "--out", tmp_path / "p.html")
    assert not (tmp_path / "p.html").exists()


# ---- Where it is made from ---------------------------------------------------------------------------------


def test_a_folder_a_bundle_and_a_published_log_give_the_same_pack(
    hands: Hands, own_folder: Path, asset: str, pack: Path, tmp_path: Path
) -> None:
    hands.done("export", own_folder, tmp_path / "bundle")
    hands.done("publish", own_folder, "--to", tmp_path / "public")
    sources = {"folder": own_folder, "bundle": tmp_path / "bundle", "published": tmp_path / "public"}
    for name, source in sources.items():
        out = tmp_path / f"{name}.html"
        hands.done("pack", "2", "--out", out, "--from", source)
        mine, first = (parse_data(parse_page(file.read_bytes())) for file in (out, pack))
        assert [one.entry for one in mine.pieces] == [one.entry for one in first.pieces], name  # of whichever size
        assert mine.subjects == first.subjects
        of_asset = tmp_path / f"{name} by id.html"
        hands.done("pack", asset, "--out", of_asset, "--from", source)
        assert parse_data(parse_page(of_asset.read_bytes())).index == 2
    hands.done("pack", asset, "--out", tmp_path / "by id.html")
    short = hands.room / "short.html"
    hands.done("pack", "2", "--out", short, "--no-history")
    assert len(parse_data(parse_page(short.read_bytes())).pieces) == 3


def test_what_cannot_be_packed_is_not_written(hands: Hands, pack: Path, own_folder: Path) -> None:
    out = hands.room / "none.html"
    for more in ((), ("--from", str(own_folder))):
        hands.refused("entry_absent", "pack", "99", "--out", out, *more)
        hands.refused("subject_absent", "pack", f"asset_{'0' * 26}", "--out", out, *more)
    hands.refused("file_exists", "pack", "2", "--out", pack)
    hands.refused("bundle_missing", "pack", "2", "--out", out, "--from", hands.room / "nowhere")
    hands.misused("pack", "2", "--out", out, "--disclose", "all")
    hands.misused("pack", "2", "--out", out, "--disclose", "price", "--from", own_folder)
    assert not out.exists()


def test_who_signs_for_whom_comes_along_from_a_service_as_from_its_folder(
    hands: Hands, own_folder: Path, tmp_path: Path
) -> None:
    hands.join("old")
    hands.done("succeed", "--to", hands.key("new"), by="old")
    device = did_of(read_key(hands.key("device")).public)
    given = hands.json("delegate", device, "--kind", "asset.registered", "--until", "30d", by="new")
    file = tmp_path / "data.csv"
    file.write_text("by the device\n")
    index = str(hands.json("show", hands.register("device", file))["index"])
    ended = hands.json("revoke", given["subject"], by="new")["index"]
    published_covers(own_folder, ended + 1)
    made = [tmp_path / "service.html", tmp_path / "folder.html"]
    hands.done("pack", index, "--out", made[0])
    hands.done("pack", index, "--out", made[1], "--from", own_folder)
    one, other = (parse_data(parse_page(file.read_bytes())).pieces for file in made)
    assert one == other
    assert ended in [parse_entry(piece.entry).index for piece in one]
    new = did_of(read_key(hands.key("new")).public)
    said = " ".join(hands.done("verify", made[0]).split())
    under = f"under {given['subject']}, of entry {given['index']}, given to {device}, revoked by entry {ended}"
    assert f" signed by {device} for {new} {under} kind asset.registered " in said
    receipt, id_ = tmp_path / "receipt", given["subject"]
    hands.done("receipt", index, "--out", receipt)
    told = " ".join(hands.done("verify", receipt).split())
    assert f" signed by {device} for {new} under {id_}, not judged here: cadastre pack {index} kind " in told
    members = hands.json("verify", receipt)
    assert (members["issuer"], members["signer"], members["delegation"]) == (new, device, id_)
    hands.done("pack", str(ended), "--out", tmp_path / "revoked.html")
    said = " ".join(hands.done("verify", tmp_path / "revoked.html").split())
    assert f" signed by {new} key {new.removeprefix('did:key:')}, from entry {given['index'] - 1} kind " in said


# ---- Private values ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chosen", "count"),
    [((), 0), (("/name",), 1), (("1:/name",), 1), (("2:/name",), 0), (("/contact", "/price"), 0), (("all",), 1)],
)
def test_private_values_go_along_only_if_they_are_named(
    hands: Hands, own_folder: Path, asset: str, tmp_path: Path, chosen: tuple[str, ...], count: int
) -> None:
    out = tmp_path / "p.html"
    options = [word for one in chosen for word in ("--disclose", one)]
    if chosen and not count:
        hands.refused("nothing_disclosed", "pack", "2", "--out", out, "--from", own_folder, *options)
        assert not out.exists()
        return
    found = hands.json("pack", "2", "--out", out, "--from", own_folder, *options)
    assert found["disclosed"] == count
    assert ("factory Works" in disclosed(out)) == (count > 0)
    assert hands.json("verify", out)["verdict"] == "consistent"


def disclosed(out: Path) -> str:
    """What is disclosed in a pack, in words."""
    pieces = parse_data(parse_page(out.read_bytes())).pieces
    return " ".join(str(show(one)) for piece in pieces for one in piece.disclosures)


def test_a_value_that_the_asker_holds_can_be_shown_from_anywhere(hands: Hands, tmp_path: Path) -> None:
    body = tmp_path / "body.json"
    body.write_bytes(orjson.dumps({"name": "Quiet Works", "contact": {"email": "quiet@works.example"}}))
    sent = tmp_path / "sent"
    hides = ("--hide", "/name", "--hide", "/contact")
    sent.write_text(hands.done("sign", "party.joined", "--body", body, *hides, by="quiet"))
    index = hands.json("submit", sent)["index"]
    out = tmp_path / "p.html"
    assert hands.json("pack", str(index), "--out", out, "--disclosure", sent)["disclosed"] == 2
    assert "Quiet Works" in disclosed(out)
    assert "disclosed /name" in hands.done("verify", out)


# ---- Witnesses ---------------------------------------------------------------------------------------------


def test_the_published_checkpoint_brings_its_cosignatures(
    hands: Hands, own_folder: Path, asset: str, tmp_path: Path
) -> None:
    witness = Cosigner("witness.example/w", COSIGNATURE_ED25519, seed("witness"))
    policy = tmp_path / "policy"
    logs = (hands.home / "policy").read_text().replace("quorum none\n", "")
    policy.write_text(f"{logs}witness w {format_vkey(witness.verifier)}\nquorum w\n")
    out, alone = tmp_path / "seen.html", tmp_path / "alone.html"
    hands.done("publish", own_folder)
    said = hands.done("pack", "2", "--out", alone, "--from", own_folder, "--policy", policy)
    assert "reason=quorum_not_met" in said.splitlines()[-1]
    hands.refused("quorum_not_met", "verify", alone, "--policy", policy)
    published = own_folder / "public" / "checkpoint"
    note = published.read_bytes()
    line = witness.cosign(parse_note(note).text, 2**32)
    published.write_bytes(with_cosignatures(note, [line]))
    try:
        hands.done("pack", "2", "--out", out, "--from", own_folder, "--policy", policy)
    finally:
        published.write_bytes(note)
    said = hands.done("verify", out, "--policy", policy)
    assert said.splitlines()[-1].startswith("pack: witnessed  ")
    assert "witnessed  by witness.example/w, 2106-02-07" in said
    assert hands.json("verify", out)["verdict"] == "consistent", "under the policy of this machine, which asks nobody"


# ---- Two histories -----------------------------------------------------------------------------------------


def test_a_checkpoint_of_another_history_makes_the_pack_the_proof_of_it(
    hands: Hands, own_folder: Path, pack: Path, tmp_path: Path
) -> None:
    hands.done("publish", own_folder)
    kept, out = tmp_path / "kept", tmp_path / "fork.html"
    kept.write_bytes((own_folder / "public" / "checkpoint").read_bytes())
    same = ("pack", "2", "--from", own_folder, "--known", kept)
    hands.done(*same, "--out", tmp_path / "same.html")
    charter = parse_entry(parse_data(parse_page(pack.read_bytes())).pieces[0].entry)
    log_key = jws.parse(charter.statement).claims["body"]["logKey"]
    signer = FolderKeyring(own_folder / "keys")(parse_vkey(log_key))
    assert signer is not None
    now = parse_checkpoint(parse_note(kept.read_bytes()).text)
    smaller, older = replace(now, size=2, root=bytes(32)), tmp_path / "older"
    older.write_bytes(sign_checkpoint(smaller, signer))
    for source in ((), ("--from", own_folder)):
        hands.refused("checkpoint_other", "pack", "2", *source, "--known", older, "--out", out)
        assert not out.exists(), "such a pack would prove nothing of it"
    copy = tmp_path / "early.html"
    note = tmp_path / "greater"
    note.write_bytes(sign_checkpoint(replace(now, size=now.size + 1), signer))
    ended = hands.run("pack", "2", "--from", own_folder, "--known", note, "--out", copy)
    assert f"a checkpoint of size {now.size + 1} beside it is not compared" in ended.stderr
    assert "is not compared" in hands.run("verify", copy).stderr
    kept.write_bytes(sign_checkpoint(replace(now, root=bytes(32)), signer))
    hands.refused("checkpoint_other", *same, "--out", out)
    ended = hands.run("verify", out)
    assert ended.exit_code == 1
    assert ended.stdout.splitlines()[-1].startswith("pack: diverged  ")
