"""A real service and a real witness: what is signed is cosigned soon, published so, and told with every receipt."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from api.keyring import cosigner_with
from identity.keys import SigningKey
from identity.note import Verifier, format_vkey, parse_vkey
from ledger.audit import Workers, audit
from ledger.errors import Malformed
from ledger.log.checkpoint import open_checkpoint
from ledger.log.cosignature import cosignatures
from ledger.log.policy import check_witnessed, parse_policy
from ledger.log.receipt import open_receipt, parse_receipt
from ledger.mirror import open_published
from tests.api.house import House
from tests.api.running import client_of, running
from tests.cast import LOG, ORIGIN, seed
from tests.scripts.house import spoken
from tests.waiting import eventually

SECOND = cosigner_with(ORIGIN, SigningKey.from_seed("Ed25519", seed("log"))).verifier


def policy_of(url: str) -> bytes:
    """A policy that asks for both keys of the witness at this address."""
    vkeys = httpx.get(f"{url}/seen", trust_env=False).json()["vkeys"]
    lines = [f"witness w{number} {vkey} {url}" for number, vkey in enumerate(vkeys)]
    return "\n".join([f"log {format_vkey(LOG.verifier)}", *lines, "group both all w0 w1", "quorum both", ""]).encode()


@pytest.mark.parametrize("workers", [0, 1])
def test_what_is_signed_is_cosigned_and_a_receipt_comes_better_later(tmp_path: Path, workers: int) -> None:
    house = House.build(tmp_path / "ledger", mldsaKey=format_vkey(SECOND))
    public = house.folder.path / "public"
    with spoken("witness", tmp_path / "witness", "--name", "w.example", "--log", format_vkey(LOG.verifier)) as (
        witness,
        url,
    ):
        policy = parse_policy(policy_of(url))
        file = tmp_path / "policy"
        file.write_bytes(policy_of(url))
        witnesses = [one.verifier for one in policy.witnesses.values()]

        def seen(note: bytes, *, by: list[Verifier]) -> bool:
            return len(cosignatures(note, by)) == len(by)

        with (
            running(house, workers=workers, publish_seconds=0.05, policy=file) as service,
            client_of(service) as client,
        ):
            house.play.join("factory")
            house.tell(client)  # type: ignore[arg-type]
            eventually(lambda: seen(client.get("/checkpoint").content, by=witnesses))
            receipt = client.get("/v1/entries/1/receipt").content
            assert open_receipt(receipt, [LOG.verifier])[1].size == 2
            assert len(check_witnessed(parse_receipt(receipt).checkpoint, policy)) == 2
            eventually(lambda: seen((public / "checkpoint").read_bytes(), by=[*witnesses, SECOND]))
            published = (public / "checkpoint").read_bytes()
            assert open_checkpoint(published, [SECOND]) == open_checkpoint(published, [LOG.verifier])
            assert "cadastre_cosigned_entries 2.0" in client.get("/metrics").text
            witness.kill()
            witness.wait()
            house.play.join("partner")
            (answer,) = house.tell(client)  # type: ignore[arg-type]
            assert answer["index"] == 2
            later = client.get("/v1/entries/2/receipt").content  # at once, and not cosigned
            assert open_receipt(later, [LOG.verifier])[1].size == 3
            assert not cosignatures(parse_receipt(later).checkpoint, witnesses)
            assert client.get("/v1/entries/1/receipt").content == receipt  # as it was
            eventually(lambda: open_checkpoint((public / "checkpoint").read_bytes(), [SECOND]).size == 3)
    with Workers(0) as helpers:
        assert audit(open_published(public), helpers, policy=policy).reason == "quorum_not_met"
        verdict = audit(open_published(public), helpers, policy=policy, known=[published])
    assert (verdict.word, verdict.size) == ("witnessed", 3)


@pytest.mark.parametrize("text", [None, "nonsense\n"])
def test_a_policy_that_will_not_do_keeps_it_from_starting(house: House, tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "policy"
    if text is not None:
        file.write_text(text)
    with pytest.raises(Malformed), house.served(policy=file):
        pass


def test_a_ledger_names_both_its_keys(tmp_path: Path) -> None:
    house = House.build(tmp_path / "ledger", mldsaKey=format_vkey(SECOND))
    with house.served() as client:
        about = client.get("/v1/ledger").json()
    assert [parse_vkey(about[name]) for name in ("vkey", "mldsaVkey")] == [LOG.verifier, SECOND]
