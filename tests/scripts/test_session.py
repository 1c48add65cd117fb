"""A command's dealings with a ledger: what it is told must be proven, also while the ledger replaces its log key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import typer

from api.client import Client
from identity.canonical import b64decode, b64encode
from identity.errors import Unverifiable
from identity.keys import SigningKey, write_key
from identity.note import Signer, format_vkey
from ledger.log.policy import EMPTY
from ledger.log.receipt import Receipt, format_receipt
from scripts.audit import open_source
from scripts.follow import _trusted
from scripts.session import Session
from scripts.trust import Home
from tests.cast import LOG, Play, charter
from tests.scripts.fake import NEXT, OTHER, Fake, rotate
from tests.scripts.house import ORIGIN, Hands, run


@pytest.fixture(scope="module")
def hands(own_hands: Hands) -> Hands:
    return own_hands


def test_the_log_key_is_replaced_by_governance_while_everybody_goes_on(
    hands: Hands, own_folder: Path, tmp_path: Path
) -> None:
    hands.join("factory")
    charter, old = hands.json("show", "0")["subject"], tmp_path / "old"
    hands.done("receipt", "1", "--out", old)
    key = own_folder / "keys" / "log-next.key"
    hands.done("key", "new", key)
    vkey = hands.json("key", "show", key, "--origin", ORIGIN)["vkey"]
    body = tmp_path / "body.json"
    body.write_bytes(orjson.dumps({"logKey": vkey, "limits": {"overlap": 0}}))
    governance = str(own_folder / "keys" / "governance.key")
    amend = ("act", "ledger.amended", "--body", body, "--sub", charter, "--as", governance)
    result = hands.run(*amend)
    assert result.exit_code == 0, result.output
    assert "replaced its log key by act of its charter" in result.stderr
    assert vkey in (hands.home / "policy").read_text()
    hands.join("partner")
    assert "proven: entry 1" in hands.done("verify", old)
    elsewhere = run("show", "1", home=tmp_path / "elsewhere", CADASTRE_LEDGER=hands.url)
    assert "met for the first time" in elsewhere.stderr
    spent = run("verify", old, home=tmp_path / "elsewhere")
    assert spent.exit_code == 1
    assert "disproven: note_unsigned" in spent.stderr
    assert "consistent" in hands.done("audit", hands.url, "--workers", "0")


def session(receipt: bytes, **answered: Any) -> Session:
    """A session with a service that answers every statement so."""
    members = {**answered, "receipt": receipt.decode()}
    transport = httpx.MockTransport(lambda _: httpx.Response(201, json=members))
    return Session(Client("http://ledger.example", transport=transport), [LOG.verifier])


def test_an_answer_counts_only_if_its_receipt_proves_all_of_it() -> None:
    play = Play()
    mine = play.act("party.joined", by="factory", body={"name": "Mine"})
    other = play.sign("party.joined", by="partner", body={"name": "Other"})
    fake = Fake(play)
    receipt = format_receipt(Receipt(mine.entry, 1, [fake.leaves()[0]], fake.checkpoint()))
    honest: dict[str, Any] = {"index": 1, "time": mine.time, "id": mine.id, "subject": mine.subject}
    assert session(receipt, **honest).submit(mine.sent).index == 1
    lies: list[dict[str, Any]] = [{"index": 0}, {"time": 1}, {"id": "A" * 43}, {"subject": f"party_{'0' * 26}"}]
    for sent, answered in [(other, honest), *((mine.sent, honest | lie) for lie in lies)]:
        with pytest.raises(Unverifiable) as refused:
            session(receipt, **answered).submit(sent)
        assert refused.value.code == "receipt_other"


def test_another_signature_under_the_same_statement_is_the_same_act() -> None:
    """ES256 has more than one signature for a message; the entry holds the one that came first."""
    play = Play()
    mine = play.act("party.joined", by="partner", body={"name": "Mine"})
    signed, _, signature = mine.sent.rpartition(b".")
    r_s = b64decode(signature)
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    turned = r_s[:32] + (order - int.from_bytes(r_s[32:])).to_bytes(32)
    fake = Fake(play)
    receipt = format_receipt(Receipt(mine.entry, 1, [fake.leaves()[0]], fake.checkpoint()))
    honest: dict[str, Any] = {"index": 1, "time": mine.time, "id": mine.id, "subject": mine.subject}
    assert session(receipt, **honest).submit(signed + b"." + b64encode(turned).encode()).id == mine.id


@pytest.mark.parametrize("signer", [LOG, OTHER])
def test_an_address_that_shows_the_known_key_and_another_history_is_not_read(
    signer: Signer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Name, charter and key it can copy. What it shows beside them is signed by a key that was replaced, or another."""
    honest, forged = Play(), Play(founding=charter(logKey=format_vkey(signer.verifier)))
    rotate(honest, NEXT)
    known = Fake(honest)._about()
    Home(tmp_path).add_log(LOG.verifier, "http://ledger.example")
    Home(tmp_path).add_log(NEXT.verifier, "http://ledger.example")
    Home(tmp_path).add_charter(honest.world.audience)
    monkeypatch.setenv("CADASTRE_HOME", str(tmp_path))

    lying = Fake(forged, signer, lies=known)
    for module in ("session", "follow"):
        monkeypatch.setattr(f"scripts.{module}.Client", lambda *_, **__: lying.client())
    with pytest.raises(Unverifiable) as refused, open_source("http://ledger.example"):
        pass
    assert refused.value.code == "note_unsigned"
    assert _trusted("http://ledger.example", None, EMPTY)(ORIGIN) == [NEXT.verifier], "so it is followed by this alone"
    monkeypatch.setattr("scripts.session.Client", lambda *_, **__: Fake(honest, NEXT).client())
    with open_source("http://ledger.example") as source:
        assert source.size == 2


def test_a_sealed_key_is_asked_for_its_passphrase(hands: Hands, tmp_path: Path) -> None:
    file = tmp_path / "sealed.key"
    write_key(file, SigningKey.generate("Ed25519"), b"secret")
    joined = hands.run("join", "--name", "Sealed", "--as", str(file), typed="secret\n")
    assert joined.exit_code == 0, joined.output
    hands.refused("key_passphrase_wrong", "join", "--name", "Sealed", "--as", str(file), typed="other\n")


@pytest.mark.parametrize(
    ("types", "said"),
    [
        (["delegation"], "a delegation"),
        (["credential"], "a credential"),
        (["asset"], "an asset"),
        (["party", "asset"], "a party or an asset"),
    ],
)
def test_an_id_of_another_type_is_told_apart_in_words(types: list[str], said: str) -> None:
    at = Session(Client("http://ledger.example"), [])
    with pytest.raises(typer.BadParameter, match=f"^'x_1' is not the id of {said}$"):
        at.subject("x_1", *types)
