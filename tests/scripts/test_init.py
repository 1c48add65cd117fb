"""Making a ledger: all of it or nothing."""

from __future__ import annotations

import stat
from pathlib import Path

import orjson
import pytest
from typer.testing import Result

from identity.did import did_of
from identity.keys import read_key
from identity.note import parse_vkey
from ledger.log.checkpoint import open_checkpoint
from ledger.publish import charter_of
from ledger.store.sql import SqlStore
from tests.cast import CAST
from tests.scripts.house import ORIGIN, run

DID = CAST["factory"].did


def init(folder: Path, *more: str, origin: str = ORIGIN) -> Result:
    return run("init", folder, "--origin", origin, *more, home=folder.parent / "home")


def test_a_ledger_has_keys_store_charter_and_a_signed_checkpoint(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    made = init(folder, "--json")
    assert made.exit_code == 0, made.output
    shown = orjson.loads(made.stdout)
    for name in ("governance", "service", "log", "refusal"):
        assert stat.S_IMODE((folder / "keys" / f"{name}.key").stat().st_mode) == 0o600
    keys = {
        name: read_key(folder / "keys" / f"{name}.key").public for name in ("governance", "service", "log", "refusal")
    }
    assert len(set(keys.values())) == 4
    assert shown["governance"] == did_of(keys["governance"])
    assert shown["service"] == did_of(keys["service"])
    verifier = parse_vkey(shown["vkey"])
    assert verifier.public_key == keys["log"].raw
    assert open_checkpoint((folder / "checkpoint").read_bytes(), [verifier]).size == 1
    store = SqlStore.open(folder / "ledger.db")
    charter = store.subjects([shown["charter"]])[shown["charter"]].state
    store.close()
    assert (charter.joiners, charter.readers, charter.names) == ("anyone", "public", "either")  # type: ignore[attr-defined]


def test_people_are_told_to_take_governance_offline_and_how_to_serve(tmp_path: Path) -> None:
    said = init(tmp_path / "ledger").stdout
    assert f"Move {tmp_path}/ledger/keys/governance.key offline" in said
    assert f"cadastre serve {tmp_path}/ledger" in said
    assert f"Keep a copy of {tmp_path}/ledger/keys apart from the ledger" in said


def test_the_charter_says_who_joins_reads_and_counts(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    terms = ("--joiners", "listed", "--listed", DID, "--readers", "members", "--names", "private")
    made = init(folder, *terms, "--authority", f"{DID}=auditor", "--authority", f"{DID}=court", "--json")
    store = SqlStore.open(folder / "ledger.db")
    charter = store.subjects([orjson.loads(made.stdout)["charter"]]).popitem()[1].state  # type: ignore[attr-defined]
    store.close()
    assert (charter.joiners, charter.listed, charter.readers, charter.names) == (
        "listed",
        [DID],
        "members",
        "private",
    )
    assert charter.authorities == [{"did": DID, "roles": ["auditor", "court"]}]


def test_members_whom_nobody_chooses_are_told_of(tmp_path: Path) -> None:
    assert "anybody can join, and members read" in init(tmp_path / "hollow", "--readers", "members").stderr
    assert init(tmp_path / "chosen", "--readers", "members", "--joiners", "listed", "--listed", DID).stderr == ""


def test_a_folder_that_has_a_ledger_or_anything_else_is_refused_untouched(tmp_path: Path) -> None:
    folder, other = tmp_path / "ledger", tmp_path / "other"
    init(folder)
    before = (folder / "ledger.db").read_bytes()
    assert "refused: store_exists" in init(folder).stderr
    assert (folder / "ledger.db").read_bytes() == before
    other.mkdir()
    (other / "precious").write_text("data")
    assert "refused: folder_not_empty" in init(other).stderr
    assert [path.name for path in other.iterdir()] == ["precious"]


def test_a_folder_whose_store_was_lost_leads_to_restore(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    init(folder)
    (folder / "ledger.db").unlink()
    told = init(folder)
    assert told.exit_code == 1
    assert told.stderr.startswith("refused: folder_not_empty: ")
    assert "its store was lost: cadastre restore DIR --from SOURCE" in told.stderr


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (("--listed", "not-a-did"), "did_malformed"),
        (("--authority", "nobody=auditor"), "did_malformed"),
        (("--issuer", "Badge=did:nonsense"), "did_malformed"),
        (("--did-host", "localhost"), "did_place_malformed"),
        (("--demand", "asset.registered=Badge"), "demand_unmeetable"),
        (("--issuer", "Badge=assessor", "--demand", "asset.registered=Badge"), "demand_unmeetable"),
        (("--issuer", f"Badge={DID}", "--demand", "thing.done=Badge"), "demand_unmeetable"),
    ],
)
def test_a_charter_that_will_not_do_leaves_nothing_behind(tmp_path: Path, more: tuple[str, ...], code: str) -> None:
    made = init(tmp_path / "ledger", *more)
    assert made.exit_code == 1
    assert f"refused: {code}" in made.stderr
    assert not (tmp_path / "ledger").exists()


@pytest.mark.parametrize("origin", ["", "two words", "plus+sign", "ünïcode"])
def test_a_name_no_log_can_have_is_refused(tmp_path: Path, origin: str) -> None:
    made = init(tmp_path / "ledger", origin=origin)
    assert made.exit_code == 1
    assert "refused: origin_malformed" in made.stderr
    assert not (tmp_path / "ledger").exists()


def test_a_failure_half_way_takes_everything_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "ledger.db")

    monkeypatch.setattr(SqlStore, "create", full)
    made = init(tmp_path / "ledger")
    assert made.exit_code == 1
    assert "refused: file_failed: ledger.db: No space left on device" in made.stderr
    assert not (tmp_path / "ledger").exists()


def test_a_charter_names_whose_credentials_count_and_what_asks_for_one(tmp_path: Path) -> None:
    other = CAST["partner"].did
    issuers = ("--issuer", f"Badge={DID}", "--issuer", "Badge=assessor", "--issuer", f"Pass={other}")
    demands = ("--demand", "asset.registered=Badge", "--demand", "offer.*=Pass/registrar")
    made = init(tmp_path / "ledger", "--authority", f"{other}=assessor", *issuers, *demands)
    assert made.exit_code == 0, made.output
    with SqlStore.snapshot(tmp_path / "ledger" / "ledger.db") as store:
        charter = charter_of(store)
    assert charter.issuers == [
        {"types": ["Badge"], "dids": [DID], "roles": ["assessor"]},
        {"types": ["Pass"], "dids": [other], "roles": []},
    ]
    assert charter.demands == [
        {"kind": "asset.registered", "type": "Badge", "role": None},
        {"kind": "offer.*", "type": "Pass", "role": "registrar"},
    ]


@pytest.mark.parametrize("wrong", ["Badge", "Badge=", "=did:key:x", "a badge=assessor"])
def test_an_issuer_is_a_type_and_a_did_or_role(tmp_path: Path, wrong: str) -> None:
    told = init(tmp_path / "ledger", "--issuer", wrong)
    assert told.exit_code == 2
    assert f"{wrong!r} is not TYPE=DID or TYPE=ROLE" in told.stderr


@pytest.mark.parametrize("wrong", ["asset.registered", "asset=Badge", "*=Badge", "asset.*=Badge/", "asset.*=a badge"])
def test_a_demand_is_a_kind_and_a_type(tmp_path: Path, wrong: str) -> None:
    told = init(tmp_path / "ledger", "--demand", wrong)
    assert told.exit_code == 2
    assert f"{wrong!r} is not KIND=TYPE" in told.stderr


def test_an_authority_is_a_did_and_a_role(tmp_path: Path) -> None:
    assert init(tmp_path / "ledger", "--authority", DID).exit_code == 2
