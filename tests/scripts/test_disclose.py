"""Private values on the command line: shown, granted, inspected, erased, on a real ledger behind a real service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from identity.did import did_of
from identity.keys import read_key
from ledger.store.sql import SqlStore
from tests.scripts.house import ORIGIN, Hands, checkpoint_covers, found, run, served

AUDIT = ("--code", "audit", "--ground", "Art. 58 GDPR, case 4711")
GDPR = ("--code", "gdpr-17", "--ground", "consent was withdrawn")


class Town:
    """A ledger whose charter lets the court look and erase; parties join it in private."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.hands = Hands(url, folder.parent)
        self.partner, self.other, _ = map(self.hands.join, ("partner", "other", "court"))

    def private(self, name: str) -> tuple[str, str]:
        """Somebody joins under a name that is withheld: the index of that entry, and the party id."""
        joined = self.hands.json("join", "--name", f"{name} Works", "--private", by=name)
        return str(joined["index"]), joined["subject"]

    def values(self, *more: str | Path, by: str, command: str = "disclose") -> Any:
        return self.hands.json(command, *more, by=by)["values"]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    room = tmp_path_factory.mktemp("town")
    assert run("key", "new", room / "court.key", home=room).exit_code == 0
    did = did_of(read_key(room / "court.key").public)
    charter = ("--authority", f"{did}=court", "--inspector", "court", "--eraser", "court")
    made = run("init", room / "ledger", "--origin", ORIGIN, *charter, home=room)
    assert made.exit_code == 0, made.output
    with served(room / "ledger") as url:
        yield Town(room / "ledger", url)


def test_values_are_shown_to_their_party_and_to_whom_it_lets_see_them(town: Town) -> None:
    hands = town.hands
    entry, party = town.private("factory")
    shown = {"/name": "factory Works"}
    assert "factory Works" in hands.done("disclose", entry, by="factory")
    assert town.values(party, "--field", "/name", by="factory") == shown
    hands.refused("disclosure_denied", "disclose", entry, by="partner")
    assert f"is not private in entry {entry}" in hands.misused("disclose", entry, "--field", "/roles", by="factory")
    assert "neither an index nor" in hands.misused("disclose", "nonsense", by="factory")
    hands.refused("statement_of_another", "grant", entry, "--to", town.other, by="partner")
    granted = hands.json("grant", entry, "--to", town.partner, "--field", "/name", "--until", "1d", by="factory")
    assert town.values(entry, by="partner") == shown
    hands.refused("disclosure_denied", "disclose", entry, by="other")
    hands.done("withdraw", granted["subject"], by="factory")
    hands.refused("disclosure_denied", "disclose", entry, by="partner")
    hands.done("grant", party, "--to", town.partner, "--to", town.other, by="factory")
    assert town.values(entry, by="partner") == town.values(entry, by="other") == shown


def test_an_entry_with_nothing_private_says_so(town: Town) -> None:
    hands = town.hands
    entry = str(hands.json("join", "--name", "Open Works", by="open")["index"])
    for command in (("disclose", entry), ("erase", entry, "--all", *GDPR), ("erase", entry, "--field", "/name", *GDPR)):
        told = hands.refused("field_not_private", *command, by="open")
        assert f"entry {entry}, party.joined of " in told
        assert "has no private values\n" in told


def test_an_authority_that_has_not_joined_is_told_to(tmp_path: Path) -> None:
    assert run("key", "new", tmp_path / "court.key", home=tmp_path).exit_code == 0
    did = did_of(read_key(tmp_path / "court.key").public)
    made = run("init", tmp_path / "ledger", "--origin", ORIGIN, "--authority", f"{did}=court", "--inspector", "court",
               home=tmp_path)  # fmt: skip
    assert made.exit_code == 0, made.output
    with served(tmp_path / "ledger") as url:
        hands = Hands(url, tmp_path)
        entry = str(hands.json("join", "--name", "Works", "--private", by="works")["index"])
        for command in (("inspect", entry, *AUDIT), ("leave",)):
            told = hands.refused("party_unknown", *command, by="court")
            assert f"{did}; the charter names it as court, which joins like everybody" in told.replace(
                " has not joined", ""
            )
        hands.join("court", "--role", "court")
        assert hands.json("inspect", entry, *AUDIT, by="court")["values"] == {"/name": "Works"}


def test_a_delegate_sees_for_its_party_what_it_could_state(town: Town) -> None:
    hands = town.hands
    entry, _ = town.private("employer")
    for name, kind in (("clerk", "party.*"), ("robot", "asset.*")):
        did = did_of(read_key(hands.key(name)).public)
        hands.done("delegate", did, "--kind", kind, "--until", "1d", by="employer")
    assert town.values(entry, by="clerk") == {"/name": "employer Works"}
    hands.refused("disclosure_denied", "disclose", entry, by="robot")


def test_what_is_shown_can_be_kept_and_goes_into_a_pack(town: Town, tmp_path: Path) -> None:
    hands = town.hands
    entry, _ = town.private("keeper")
    kept, page = tmp_path / "keeper.sd-jwt", tmp_path / "pack.html"
    assert "whoever has the file" in hands.run("disclose", entry, "--out", kept, by="keeper").stderr
    assert kept.stat().st_mode & 0o777 == 0o600
    assert hands.json("pack", entry, "--disclosure", kept, "--out", page)["disclosed"] == 1
    assert "proven" in hands.done("verify", page)
    hands.refused("file_exists", "disclose", entry, "--out", kept, by="keeper")


def test_an_authority_says_why_it_looks_and_the_party_sees_that(town: Town, tmp_path: Path) -> None:
    hands = town.hands
    entry, party = town.private("watched")
    hands.refused("inspector_not_entitled", "inspect", entry, *AUDIT, by="partner")
    hands.refused("disclosure_denied", "disclose", entry, by="court")
    told = hands.done("inspect", entry, *AUDIT, "--out", tmp_path / "kept", by="court")
    assert "recorded: disclosure.inspected" in told
    assert "watched Works" in told
    assert town.values(entry, "--field", "/name", *AUDIT, by="court", command="inspect") == {"/name": "watched Works"}
    hands.refused("disclosure_denied", "disclose", entry, by="court")
    assert hands.done("history", party).count("disclosure.inspected") == 2


def test_what_is_erased_shows_as_such_and_all_proofs_hold(town: Town, tmp_path: Path) -> None:
    hands = town.hands
    entry, party = town.private("leaver")
    assert "withheld" in hands.done("show", entry)
    assert "withheld" in hands.done("show", party)
    assert "--all" in hands.misused("erase", entry, *GDPR, by="leaver")
    hands.refused("eraser_not_entitled", "erase", entry, "--all", *GDPR, by="partner")
    erased = hands.json("erase", entry, "--field", "/name", *GDPR, by="leaver")
    assert erased["entry"] == int(entry)
    hands.refused("private_field_erased", "erase", entry, "--all", *GDPR, by="leaver")
    for shown in (entry, party):
        told = hands.done("show", shown)
        assert "erased" in told
        assert "withheld" not in told
    told = hands.json("disclose", entry, by="leaver")
    assert (told["values"], told["withheld"], told["erased"]) == ({}, [], ["/name"])
    assert "erased" in hands.done("disclose", entry, by="leaver")
    checkpoint_covers(town.folder, erased["index"] + 1)
    disclose = ("--disclose", f"{entry}:/name", "--out", tmp_path / "pack.html")
    hands.refused("nothing_disclosed", "pack", entry, "--from", town.folder, *disclose)
    assert f"proven: entry {entry}" in hands.done("receipt", entry, "--out", tmp_path / "receipt")
    assert hands.done("audit", town.folder, "--workers", "0").startswith("audit: consistent")


def test_what_one_side_has_erased_of_a_price_stays_with_the_other(town: Town, tmp_path: Path) -> None:
    hands = town.hands
    (tmp_path / "data.csv").write_text("1\n")
    seller, buyer = hands.join("seller"), hands.join("buyer")
    offer = hands.offer("seller", hands.register("seller", tmp_path / "data.csv"))
    agreement = hands.json("request", offer, "--price", "90.00 EUR", "--hide", "price", by="buyer")["agreement"]
    requested = hands.json("show", agreement)["state"]["statedIn"]
    hands.done("agree", agreement, by="seller")
    agreed = hands.json("show", agreement)["state"]["statedIn"]
    assert (seller, buyer, requested) != (buyer, seller, agreed)
    assert priced(hands, agreement) == "withheld"
    hands.done("erase", str(requested), "--all", *GDPR, by="buyer")
    assert priced(hands, agreement) == "withheld"  # the state is as the seller stated it
    hands.done("erase", str(agreed), "--all", *GDPR, by="seller")
    assert priced(hands, agreement) == "erased"


def priced(hands: Hands, agreement: str) -> str:
    (line,) = [line for line in hands.done("show", agreement).splitlines() if line.startswith("price ")]
    return line.split()[-1]


def test_a_court_has_values_erased_of_anybodys_statement(town: Town) -> None:
    entry, _ = town.private("debtor")
    order = ("--code", "court-order", "--ground", "case 17 O 4")
    assert town.hands.json("erase", entry, "--all", *order, by="court")["kind"] == "disclosure.erased"
    assert town.hands.json("disclose", entry, by="debtor")["erased"] == ["/name"]


def test_a_copy_from_before_does_not_bring_back_what_was_erased(tmp_path: Path) -> None:
    folder, copy = found(tmp_path / "ledger"), tmp_path / "copy"
    with served(folder) as url:
        hands = Hands(url, tmp_path)
        hands.join("factory", "--private")
        checkpoint_covers(folder, 2)
        hands.done("backup", folder, copy)
        (text,) = private_in(copy)
        erased = hands.json("erase", "1", "--all", *GDPR, by="factory")
        checkpoint_covers(folder, erased["index"] + 1)
    assert text.encode() not in (folder / "ledger.db").read_bytes()
    told = run("restore", folder, "--from", copy, "--workers", "0", home=tmp_path / "home")
    assert "refused: restore_shorter: " in told.stderr, "the copy does not have the erasure"
    run("export", folder, tmp_path / "bundle", home=tmp_path / "home")
    (folder / "ledger.db").write_bytes((copy / "ledger.db").read_bytes())  # somebody puts the old copy in its place
    again = ("restore", folder, "--from", tmp_path / "bundle", "--workers", "0")
    for _ in range(2):  # from a store that has the value, and from one that has not
        made = run(*again, home=tmp_path / "home")
        assert made.exit_code == 0, made.output
        assert "1 private value is erased, as the ledger says\n" in made.stderr
        assert "ask those who stated them" not in made.stderr
        assert private_in(folder) == []
        assert text.encode() not in (folder / "ledger.db").read_bytes()
    told = orjson.loads(run(*again, "--json", home=tmp_path / "home").stdout)
    assert (told["erased"], told["withheld"], told["leftOut"]) == (1, 0, 0)


def private_in(folder: Path) -> list[str]:
    """The disclosures that a store keeps."""
    with SqlStore.snapshot(folder / "ledger.db") as store:
        return [str(row[2]) for row in store.scan("disclosure")]
