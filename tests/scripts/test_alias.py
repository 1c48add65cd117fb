"""Aliases by the command line: claimed, attested, disputed; and who has one, shown and proven."""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pytest

from api.client import Client
from identity.canonical import b64encode
from identity.did import did_of
from identity.keys import read_key
from tests.scripts.house import ORIGIN, Hands, found, run, spoken
from tests.waiting import eventually

LEI, HANDLE, GTIN = "lei:529900T8BM49AURSDO55", "handle:88.118.8/o'neill", "gtin:04012345123456"


@pytest.fixture(scope="module")
def hands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hands]:
    """A ledger that commits to its state, whose charter makes the registry a registrar."""
    folder = found(tmp_path_factory.mktemp("own") / "ledger")
    lifted = {"CADASTRE_SERVE_ADDRESS_RATE": "0", "CADASTRE_SERVE_SIGNER_RATE": "0"}
    with spoken("serve", folder, "--workers", "0", CADASTRE_SERVE_COMMIT_SECONDS="0.05", **lifted) as (service, url):
        hands = Hands(url, tmp_path_factory.mktemp("hands"))
        for name in ("factory", "partner", "registry"):
            hands.join(name)
        amended = hands.room / "amended.json"
        did = did_of(read_key(hands.key("registry")).public)
        amended.write_bytes(orjson.dumps({"authorities": [{"did": did, "roles": ["registrar"]}]}))
        ledger = hands.json("show", "0")["subject"]
        governance = ("act", "ledger.amended", "--sub", ledger, "--body", amended)
        done = run(*governance, "--as", folder / "keys" / "governance.key", home=hands.home, CADASTRE_LEDGER=url)
        assert done.exit_code == 0, done.output
        yield hands
        service.terminate()
        service.wait(20)


def party(hands: Hands, name: str) -> str:
    return str(hands.json("show", did_of(read_key(hands.key(name)).public))["id"])


def aliases(hands: Hands, subject: str) -> dict[str, str]:
    return {one["alias"]: one["status"] for one in hands.json("show", subject)["state"]["aliases"]}


def shown(hands: Hands, alias: str) -> Any:
    """Who has an alias, once the service has committed to what is recorded."""
    told: Any = None

    def committed() -> bool:
        nonlocal told
        told = hands.json("show", alias)
        return bool(told["proof"] and all(one["proven"] for one in told["holders"]) and not told["former"])

    eventually(committed, lambda: f"not committed to: {told}")
    return told


@pytest.fixture(scope="module")
def claimed(hands: Hands) -> str:
    """The party of the factory, which claims a LEI as its partner does."""
    hands.done("alias", "add", "LEI:5299 00T8 BM49 AURS DO55", "88.118.8/o'neill", by="factory")
    hands.done("alias", "add", LEI, by="partner")
    return party(hands, "factory")


def test_an_alias_is_claimed_attested_for_one_and_disputed(hands: Hands, claimed: str, tmp_path: Path) -> None:
    assert aliases(hands, claimed) == {LEI: "claimed", HANDLE: "claimed"}
    extract = tmp_path / "extract.pdf"
    extract.write_bytes(b"%PDF extract of the register")
    evidence = ("--evidence", extract)
    hands.refused("not_a_registrar", "alias", "attest", claimed, LEI, *evidence, by="partner")
    told = hands.json("alias", "attest", claimed, LEI, *evidence, by="registry")
    assert told["evidence"] == b64encode(sha256(extract.read_bytes()).digest())
    state = hands.json("show", told["subject"])["state"]
    assert (state["subject"], state["alias"], state["evidence"]) == (claimed, LEI, told["evidence"])
    partner = party(hands, "partner")
    hands.refused("alias_attested_already", "alias", "attest", partner, LEI, *evidence, by="registry")
    hands.refused("alias_not_attested", "alias", "dispute", partner, LEI, "--reason", "r", by="registry")
    found = {one["subject"]: one["status"] for one in shown(hands, LEI)["holders"]}
    assert found == {claimed: "attested", partner: "claimed"}
    assert f"{LEI}  attested by {told['subject']}" in hands.done("show", claimed)
    hands.done("alias", "dispute", claimed, LEI, "--reason", "it was merged", by="registry")
    assert aliases(hands, claimed)[LEI] == "claimed"
    found = {one["subject"]: one["status"] for one in shown(hands, LEI)["holders"]}
    assert set(found.values()) == {"claimed"}


def test_whoever_has_an_alias_is_shown_with_a_proof_of_the_whole_list(
    hands: Hands, claimed: str, tmp_path: Path
) -> None:
    told = shown(hands, "88.118.8/o'neill")
    assert [(one["subject"], one["type"], one["status"]) for one in told["holders"]] == [(claimed, "party", "claimed")]
    assert told["proof"]["origin"] == ORIGIN
    text = hands.done("show", HANDLE)
    assert text.startswith(f"{HANDLE}\n{claimed}  claimed  proven  factory Works\n")
    assert re.search(rf"\nproven: all 1 that had it, as of size [0-9]+ of {ORIGIN}\n", text)
    assert "next: cadastre prove 'handle:88.118.8/o'\"'\"'neill' --lookup party.alias --out FILE" in text
    kept = tmp_path / "who.proof"
    assert f"party.alias is proven by {kept}" in hands.done("show", HANDLE, "--proof", kept)
    assert f"proven: all 1 of type party with alias {HANDLE}" in hands.done("verify", kept)
    hands.refused("file_exists", "show", HANDLE, "--proof", kept)
    other = tmp_path / "listed.proof"
    hands.done("prove", HANDLE, "--lookup", "party.alias", "--out", other)
    assert claimed in hands.done("verify", other)
    hands.refused("lookup_value_malformed", "prove", "88.1", "--lookup", "party.alias", "--out", tmp_path / "no.proof")


def test_that_nobody_has_an_alias_is_proven_too(hands: Hands, claimed: str, tmp_path: Path) -> None:
    shown(hands, LEI)
    kept = tmp_path / "nobody.proof"
    told = hands.refused("subject_absent", "show", "gln:0614141000012", "--proof", kept)
    assert "nobody has gln:0614141000012, proven as of size" in told
    assert "there is no party with alias gln:0614141000012" in hands.done("verify", kept)


def test_an_asset_has_aliases_that_its_holder_claims(hands: Hands, claimed: str, tmp_path: Path) -> None:
    data = tmp_path / "blades.csv"
    data.write_text("1,2\n")
    asset = hands.register("factory", data)
    hands.refused("asset_not_yours", "alias", "add", GTIN, "--of", asset, by="partner")
    hands.refused("alias_unfit", "alias", "add", LEI, "--of", asset, by="factory")
    hands.done("alias", "add", "gtin:4012345123456", "--of", asset, by="factory")
    assert [one["subject"] for one in shown(hands, "gtin:4012345123456")["holders"]] == [asset]
    assert f"aliases         {GTIN}  claimed\n" in hands.done("show", asset)
    hands.done("alias", "remove", GTIN, "--of", asset, by="factory")
    assert aliases(hands, asset) == {}


def test_a_digit_that_is_wrong_is_told_before_anything_is_sent(hands: Hands, claimed: str) -> None:
    for alias in ("lei:529900T8BM49AURSDO56", "gln:0614141000013", "88.118", "uscc:91350100M000100Y44"):
        told = hands.refused("alias_malformed", "show", alias)
        if ":" in alias:
            assert "check digits" in told
            hands.refused("alias_malformed", "alias", "add", alias, by="factory")
    hands.refused("alias_claimed_already", "alias", "add", LEI, by="factory")
    hands.refused("alias_not_claimed", "alias", "remove", "gln:0614141000012", by="factory")
    hands.misused("show", LEI, "--at", "3")
    hands.misused("show", claimed, "--proof", "x.proof")


def test_a_ledger_that_hides_a_holder_or_invents_an_attestation_is_found_out(
    hands: Hands, claimed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown(hands, LEI)
    honest = Client.search

    def lying(at: Client, text: str = "", **conditions: Any) -> Iterator[Any]:
        for one in honest(at, text, **conditions):
            if one.id == claimed:  # the partner is left out, and the factory's claim made more than it is
                said = [{**alias, "status": "attested"} for alias in one.state["aliases"]]
                yield one.model_copy(update={"state": one.state | {"aliases": said}})

    monkeypatch.setattr("api.client.Client.search", lying)
    told = hands.json("show", LEI)
    assert [(one["status"], one["proven"]) for one in told["holders"]] == [("attested", False)]
    assert told["former"] == [party(hands, "partner")]
    text = hands.done("show", LEI)
    assert "attested  shown, not proven  factory Works\n" in text
    assert f"{told['former'][0]}  no more\n" in text


def test_what_is_later_than_the_proof_is_said_to_be(
    hands: Hands, claimed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    alias = "handle:88.118.8/later"
    size = shown(hands, LEI)["proof"]["size"]
    lookups = [f"{type_}.{name}" for type_ in ("asset", "party") for name in ("alias", "attested")]
    with Client(hands.url) as client:
        before = {lookup: client.state_proof(alias, lookup) for lookup in lookups}
    hands.done("alias", "add", alias, by="partner")
    monkeypatch.setattr("api.client.Client.state_proof", lambda _, what, lookup, at: before[lookup])
    text = hands.done("show", alias).splitlines()
    assert text[1] == f"{party(hands, 'partner')}  claimed  later than the proof  partner Works"
    assert text[2] == f"proven: nobody had it, as of size {size} of {ORIGIN}"
    assert text[3] == "the proof is of that older state: for one of what is shown, ask again in a minute"


def test_a_name_that_is_withheld_is_told_from_one_that_was_erased(hands: Hands, claimed: str) -> None:
    alias = "handle:88.118.8/hidden"
    hidden = hands.json("join", "--name", "Hidden", "--private", by="hidden")["subject"]
    hands.done("alias", "add", alias, by="hidden")
    shown(hands, alias)
    assert hands.done("show", alias).splitlines()[1] == f"{hidden}  claimed  proven  withheld"
    assert hands.done("search", "--type", "party").splitlines()[0].endswith("  withheld")
    hands.done("erase", hidden, "--all", "--code", "gdpr-17", "--ground", "asked for", by="hidden")
    assert hands.done("show", alias).splitlines()[1] == f"{hidden}  claimed  proven  erased"
    assert hands.done("search", "--type", "party").splitlines()[0].endswith("  erased")


def test_a_proof_of_something_else_is_not_believed(
    hands: Hands, claimed: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shown(hands, LEI)
    hands.done("show", LEI, "--proof", tmp_path / "lei.proof")
    file = (tmp_path / "lei.proof").read_bytes()
    monkeypatch.setattr("api.client.Client.state_proof", lambda *_: file)
    hands.refused("state_proof_other", "show", HANDLE)


def test_what_is_not_committed_to_is_shown_and_not_proven(url: str, tmp_path: Path) -> None:
    hands = Hands(url, tmp_path)  # whose ledger commits to nothing
    hands.join("factory")
    hands.done("alias", "add", LEI, by="factory")
    told = hands.json("show", LEI)
    assert (told["proof"], [one["proven"] for one in told["holders"]]) == (None, [False])
    text = hands.done("show", LEI)
    assert "claimed  shown, not proven  factory Works\n" in text
    assert text.endswith("shown, not proven: the service has committed to no state yet; ask again in a minute\n")
    hands.refused("state_uncommitted", "show", LEI, "--proof", tmp_path / "x.proof")
    assert not (tmp_path / "x.proof").exists()
    told = hands.refused("subject_absent", "show", HANDLE)
    assert "proven" not in told
