"""COSE receipts and their keys over HTTP: what a SCITT tool fetches, and what it can check without us."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from api import scitt
from api.keyring import signer_with
from api.scitt import RootSigner
from identity.canonical import b64encode
from identity.keys import SigningKey, write_key
from identity.note import Signer, Verifier, format_vkey
from ledger.errors import Problem, Unavailable
from ledger.log.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from ledger.log.cose import open_cose_receipt, thumbprint
from ledger.log.merkle import leaf_hash
from tests.api.house import House, TestClient, code_of
from tests.cast import LOG, ORIGIN, seed

BYTES = {"Accept": "application/octet-stream"}
CBOR = {"Accept": "application/cbor"}
KEYS = "/.well-known/scitt-keys"
LATER = SigningKey.from_seed("Ed25519", seed("log later"))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A ledger of four entries, served."""
    house = House.build(tmp_path_factory.mktemp("scitt") / "ledger")
    house.play.join("factory", "partner")
    house.play.register("factory")
    with house.served() as client:
        house.tell(client)
        yield client


def fetched(client: TestClient, index: int) -> tuple[bytes, bytes]:
    """The COSE receipt of an entry, and the entry's bytes."""
    answer = client.get(f"/v1/entries/{index}/receipt.cose")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/scitt-receipt+cose"
    return answer.content, client.get(f"/v1/entries/{index}", headers=BYTES).content


def test_every_entry_is_proven_against_the_root_of_the_checkpoint(told: TestClient) -> None:
    checkpoint = open_checkpoint(told.get("/checkpoint").content, [LOG.verifier])
    for index in range(4):
        data, entry = fetched(told, index)
        parsed, proven = open_cose_receipt(data, entry, [LOG.verifier])
        assert (parsed.index, proven) == (index, checkpoint)


def test_an_outsider_needs_nothing_but_the_published_key_and_the_specifications(told: TestClient) -> None:
    """RFC 9942 and 9052 done by hand for entry 3 of 4: two siblings, both on the left."""
    data, entry = fetched(told, 3)
    tag = cbor2.loads(data)
    protected, unprotected, payload, signature = tag.value
    assert (tag.tag, payload) == (18, None)
    header = cbor2.loads(protected)
    assert (header[1], header[395], header[15]) == (-8, 1, {1: ORIGIN, 2: "checkpoint/4"})
    size, index, (near, far) = cbor2.loads(unprotected[396][-1][0])
    assert (size, index) == (4, 3)
    root = sha256(b"\x01" + far + sha256(b"\x01" + near + leaf_hash(entry)).digest()).digest()
    answer = told.get(f"{KEYS}/{b64encode(header[4])}", headers=CBOR)
    assert answer.headers["content-type"] == "application/cbor"
    key = cbor2.loads(answer.content)
    assert (key[1], key[-1], key[2]) == (1, 6, header[4])
    message = cbor2.dumps(["Signature1", protected, b"", root])
    Ed25519PublicKey.from_public_bytes(key[-2]).verify(signature, message)


def test_a_receipt_is_against_the_present_root(house: House, client: TestClient) -> None:
    house.play.join("factory")
    house.tell(client)
    before, entry = fetched(client, 1)
    house.play.join("partner")
    house.tell(client)
    after, _ = fetched(client, 1)
    assert [open_cose_receipt(data, entry, [LOG.verifier])[1].size for data in (before, after)] == [2, 3]


def test_the_key_set_holds_the_key_in_force(told: TestClient) -> None:
    answer = told.get(KEYS, headers=CBOR)
    assert answer.headers["content-type"] == "application/cbor"
    (key,) = cbor2.loads(answer.content)
    assert (key[2], key[-2]) == (thumbprint(LOG.verifier), LOG.verifier.public_key)
    one = told.get(f"{KEYS}/{b64encode(thumbprint(LOG.verifier))}", headers=CBOR)
    assert cbor2.loads(one.content) == key


@pytest.mark.parametrize(
    "kid", ["A" * 43, "A", thumbprint(LOG.verifier).hex(), b64encode(thumbprint(LOG.verifier)) + "="]
)
def test_a_key_that_is_not_there(told: TestClient, kid: str) -> None:
    answer = told.get(f"{KEYS}/{kid}", headers=CBOR)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/concise-problem-details+cbor")
    assert cbor2.loads(answer.content) == {-1: "No such key", -2: "No key could be found for this kid value"}
    plain = told.get(f"{KEYS}/{kid}", headers={"Accept": "application/json"})
    assert (plain.status_code, code_of(plain)) == (404, "cose_key_absent")


def test_a_ledger_of_one_entry_has_no_cose_receipt(client: TestClient) -> None:
    answer = client.get("/v1/entries/0/receipt.cose")
    assert (answer.status_code, code_of(answer)) == (404, "cose_receipt_absent")
    assert client.get("/v1/entries/0/receipt").status_code == 200


@pytest.mark.parametrize(
    ("index", "status", "code"),
    [
        ("4", 404, "entry_absent"),
        (str(2**53 - 1), 404, "entry_absent"),
        (str(2**53), 400, "query_malformed"),
        ("-1", 400, "query_malformed"),
        ("01", 400, "query_malformed"),
        ("x", 400, "query_malformed"),
    ],
)
def test_an_entry_that_is_not_there(told: TestClient, index: str, status: int, code: str) -> None:
    answer = told.get(f"/v1/entries/{index}/receipt.cose")
    assert (answer.status_code, code_of(answer)) == (status, code)


def test_a_ledger_for_members_shows_its_keys_and_no_receipts(tmp_path_factory: pytest.TempPathFactory) -> None:
    house = House.build(tmp_path_factory.mktemp("members") / "ledger", readers="members")
    with house.served() as client:
        answer = client.get("/v1/entries/0/receipt.cose")
        assert (answer.status_code, code_of(answer)) == (401, "readers_members")
        assert len(cbor2.loads(client.get(KEYS).content)) == 1


def test_after_a_rotation_the_later_key_signs_and_the_former_one_still_proves(house: House, client: TestClient) -> None:
    later = signer_with(ORIGIN, LATER).verifier
    house.play.join("factory")
    house.tell(client)
    before, entry = fetched(client, 1)
    write_key(house.folder.keys / "log-later.key", LATER)
    ledger = client.get("/v1/ledger").json()["subject"]
    house.play.act("ledger.amended", by="governance", sub=ledger, body={"logKey": format_vkey(later)})
    house.tell(client)
    after, _ = fetched(client, 1)
    assert open_cose_receipt(before, entry, [later, LOG.verifier])[1].size == 2
    assert open_cose_receipt(after, entry, [later])[1].size == 3
    with pytest.raises(Problem, match="cose_key_unknown"):
        open_cose_receipt(before, entry, [later])
    keys = cbor2.loads(client.get(KEYS).content)
    assert [key[2] for key in keys] == [thumbprint(later), thumbprint(LOG.verifier)]
    for key in keys:
        assert cbor2.loads(client.get(f"{KEYS}/{b64encode(key[2])}").content) == key


# ---- Signing -------------------------------------------------------------------------------------------------


def checkpoint_of(size: int, *signers: Signer) -> bytes:
    return sign_checkpoint(Checkpoint(ORIGIN, size, bytes([size]) * 32), *signers)


def test_a_root_is_signed_once_while_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    signed: list[bytes] = []
    real = scitt.sign_root
    monkeypatch.setattr(scitt, "sign_root", lambda note, signer: signed.append(note) or real(note, signer))
    signer = RootSigner({LOG.verifier: LOG}.get)
    notes = [checkpoint_of(2, LOG), checkpoint_of(3, LOG)]
    for note in (notes[0], notes[0], notes[1], notes[1]):
        assert signer(note, [LOG.verifier]).size in (2, 3)
    assert signed == notes


def test_the_key_that_signed_the_checkpoint_signs_its_root() -> None:
    """A checkpoint may be a moment older than the charter that is read after it."""
    later = signer_with(ORIGIN, LATER)
    held: dict[Verifier, Signer] = {LOG.verifier: LOG, later.verifier: later}
    signer = RootSigner(held.get)
    both = [later.verifier, LOG.verifier]
    assert signer(checkpoint_of(2, LOG), both).kid == thumbprint(LOG.verifier)
    assert signer(checkpoint_of(3, later), both).kid == thumbprint(later.verifier)
    assert signer(checkpoint_of(4, LOG, later), both).kid == thumbprint(later.verifier)


def test_without_the_key_nothing_is_signed() -> None:
    later = signer_with(ORIGIN, LATER)
    with pytest.raises(Unavailable, match="log_key_absent"):
        RootSigner({}.get)(checkpoint_of(2, LOG), [LOG.verifier])
    with pytest.raises(Unavailable, match="log_key_absent"):
        RootSigner({later.verifier: later}.get)(checkpoint_of(2, LOG), [later.verifier])
