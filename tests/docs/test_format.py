"""docs/format.md is true to the byte: every block marked ``example:NAME`` is computed again here and compared.

``python -m tests.docs.test_format`` writes the computed blocks into the page.
"""

import hashlib
import re
from base64 import b64encode as base64
from pathlib import Path

import pytest

import ledger.circulation  # noqa: F401 - declares the kinds
from identity import disclosure, jws
from identity.canonical import b64decode, b64encode
from identity.did import did_of
from identity.keys import SigningKey
from identity.note import Signer, format_vkey
from ledger import statement
from ledger.log import merkle
from ledger.log.chain import LINK_OF_FIRST, Entry, format_entry, link_of
from ledger.log.checkpoint import Checkpoint, sign_checkpoint
from ledger.log.receipt import Receipt, format_receipt, open_receipt
from ledger.world import World

PAGE = Path(__file__).resolve().parents[2] / "docs" / "format.md"
BLOCK = re.compile(r"```text example:([a-z-]+)\n(.*?)```\n", re.DOTALL)

ORIGIN = "registry.example/steel"
OPENED = 1_790_000_000  # seconds


def example() -> dict[str, str]:
    """Every block of the worked example, from nothing but the seeds and the texts below."""
    governance, service, factory = (SigningKey.from_seed("Ed25519", bytes([n]) * 32) for n in (1, 2, 3))
    log = Signer(ORIGIN, bytes([4]) * 32)
    world = World(ORIGIN, complete=True)

    charter = {
        "governance": did_of(governance.public),
        "logKey": format_vkey(log.verifier),
        "rules": 1,
        "service": did_of(service.public),
    }
    first = _sign(governance, ORIGIN, "ledger.opened", charter, 0)
    opened = statement.receive(first)
    world.admit(opened, OPENED * 1_000_000)
    entry0 = format_entry(Entry(ORIGIN, 0, OPENED * 1_000_000, LINK_OF_FIRST, first))
    world.opened(link_of(entry0))

    email, shown = disclosure.hide({"email": "data@shenyang-blades.example"}, bytes(range(16)))
    joined = {"contact": email, "name": "Shenyang Blade Works 沈阳叶片厂", "roles": ["factory"]}
    second = _sign(factory, world.audience, "party.joined", joined, 1)
    sent = second + b"~" + shown.encode() + b"~"
    party = statement.receive(sent)
    time = OPENED * 1_000_000 + 2_500_000
    world.admit(party, time)
    entry1 = format_entry(Entry(ORIGIN, 1, time, link_of(entry0), second))

    leaves = [merkle.leaf_hash(entry0), merkle.leaf_hash(entry1)]
    root = merkle.root_of(leaves)
    checkpoint = sign_checkpoint(Checkpoint(ORIGIN, 2, root), log)
    receipt = format_receipt(Receipt(entry1, 1, [leaves[0]], checkpoint))
    assert open_receipt(receipt, [log.verifier])[0].index == 1

    header, _, signature = second.split(b".")
    signed = jws.parse(second)
    subject = next(found for found in world.subjects() if found.type == "party")
    return {
        "dids": "\n".join(
            f"{name:<10} seed 32 x {n:02x}   {did_of(key.public)}"
            for n, name, key in ((1, "governance", governance), (2, "service", service), (3, "factory", factory))
        ),
        "vkey": format_vkey(log.verifier),
        "header": b64decode(header).decode(),
        "payload": signed.payload.decode(),
        "statement": second.decode(),
        "signature": b64decode(signature).hex(),
        "statement-id": f"hex        {party.digest.hex()}\nbase64url  {party.id}\nsubject    {party.opened['party']}",
        "disclosure": f"{b64decode(shown.encode()).decode()}\n{shown}\n{disclosure.digest(shown)}",
        "sent": sent.decode(),
        "entry-zero": entry0.decode(),
        "entry-one": entry1.decode(),
        "leaves": "\n".join(leaf.hex() for leaf in leaves),
        "root": f"{root.hex()}\n{base64(root).decode()}",
        "checkpoint": checkpoint.decode(),
        "receipt": receipt.decode(),
        "state": subject.state.encode().decode(),
        "audience": f"{hashlib.sha256(entry0).hexdigest()}\n{world.audience}",
    }


def _sign(key: SigningKey, audience: str, kind: str, body: object, n: int) -> bytes:
    claims = {
        "aud": audience,
        "body": body,
        "exp": OPENED + 3600,
        "iat": OPENED,
        "iss": did_of(key.public),
        "jti": b64encode(bytes([n]) * 16),
        "kind": kind,
        "prev": {},
        "sub": None,
    }
    return jws.sign(claims, key)


def _fold(text: str) -> str:
    """Blocks end with one newline; nothing else is changed."""
    return text if text.endswith("\n") else text + "\n"


@pytest.mark.parametrize("name", sorted(example()))
def test_the_page_shows_the_computed_bytes(name: str) -> None:
    shown = dict(BLOCK.findall(PAGE.read_text()))
    assert shown[name] == _fold(example()[name])


def test_the_page_has_no_block_that_is_not_computed() -> None:
    assert {name for name, _ in BLOCK.findall(PAGE.read_text())} == set(example())


def _write() -> None:
    computed = example()
    page = BLOCK.sub(lambda m: f"```text example:{m[1]}\n{_fold(computed[m[1]])}```\n", PAGE.read_text())
    PAGE.write_text(page)


if __name__ == "__main__":
    _write()
