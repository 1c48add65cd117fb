"""docs/format.md is true to the byte: every block marked ``example:NAME`` is computed again here and compared.

``python -m tests.docs.test_format`` writes the computed blocks into the page.
"""

import hashlib
import json
import re
from base64 import b64encode as base64
from pathlib import Path

import pytest

import ledger.circulation  # noqa: F401 - declares the kinds
from identity import disclosure, jws, webvh
from identity.alias import read_alias
from identity.canonical import b64decode, b64encode
from identity.credential.form import CONTEXT
from identity.credential.secured import issue, issue_jwt
from identity.did import did_of, kid_of, multibase_of
from identity.keys import SigningKey
from identity.note import Signer, format_vkey
from identity.status import ENTRIES_MIN, bits_of, entry_of, make_list, with_value
from ledger import statement
from ledger.circulation.party import Party
from ledger.circulation.speaker import consent_message
from ledger.errors import Refused
from ledger.log import merkle
from ledger.log.chain import LINK_OF_FIRST, Entry, format_entry, link_of
from ledger.log.checkpoint import Checkpoint, sign_checkpoint
from ledger.log.fork import Checkpoints, check_fork, format_fork
from ledger.log.map import lookup_key, map_root, member_key, member_value, subject_key, subject_value
from ledger.log.merkle import EMPTY_ROOT
from ledger.log.page import MapTree
from ledger.log.receipt import Receipt, format_receipt, open_receipt
from ledger.log.refusal import Refusal, check_refusal_signed, parse_refusal_file, refusal_key_name, sign_refusal
from ledger.log.stateproof import Standing, StateProof, format_state_proof
from ledger.statemap import lookups_proven
from ledger.world import STATES, Subject, World
from scripts.proofs.state import prove

PAGE = Path(__file__).resolve().parents[2] / "docs" / "format.md"
BLOCK = re.compile(r"```text example:([a-z-]+)\n(.*?)```\n", re.DOTALL)

ORIGIN = "registry.example/steel"
OPENED = 1_790_000_000  # seconds
WRITTEN = (
    "LEI: 5299 00T8 BM49 AURS DO55",
    "gln:0614141-00001-2",
    "gtin:4012345123456",
    "bpn:BPNL 0000 0000 0065",
    "uscc:91350100m000100y43",
    "88.118.8/abc",
)


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

    third = _sign(factory, world.audience, "party.joined", {"name": "Shenyang Blade Works, again"}, 2)
    refusing = Signer(refusal_key_name(ORIGIN), bytes([5]) * 32)
    with pytest.raises(Refused) as refused:
        world.check(statement.receive(third), time + 1_000_000)
    told = Refusal(ORIGIN, statement.receive(third).id, refused.value.code, 2, link_of(entry1), time + 1_000_000)
    refusal = sign_refusal(third, told, refusing)
    check_refusal_signed(parse_refusal_file(refusal), refusing.verifier)

    other = sign_checkpoint(Checkpoint(ORIGIN, 1, merkle.leaf_hash(b"another entry 0")), log)
    fork = Checkpoints(leaves[0], [leaves[1]], other, checkpoint)
    check_fork(fork, [log.verifier])

    stood = list(world.subjects())
    committed = _committed(service, log, world, [entry0, entry1], time + 2_000_000)

    header, _, signature = second.split(b".")
    signed = jws.parse(second)
    subject = next(found for found in world.subjects() if found.type == "party")
    return {
        "dids": "\n".join(
            f"{name:<10} seed 32 x {n:02x}   {did_of(key.public)}"
            for n, name, key in ((1, "governance", governance), (2, "service", service), (3, "factory", factory))
        ),
        "did-log": _did_log(factory),
        "aliases": "\n".join(f"{written:<30}  {read_alias(written)}" for written in WRITTEN),
        **_credentials(service, factory),
        "vkey": format_vkey(log.verifier),
        "header": b64decode(header).decode(),
        "payload": signed.payload.decode(),
        "statement": second.decode(),
        "signature": b64decode(signature).hex(),
        "statement-id": f"hex        {party.digest.hex()}\nbase64url  {party.id}\nsubject    {party.opened['party']}",
        "consent": consent_message(world.audience, party.opened["party"], did_of(service.public)).decode(),
        "disclosure": f"{b64decode(shown.encode()).decode()}\n{shown}\n{disclosure.digest(shown)}",
        "sent": sent.decode(),
        "entry-zero": entry0.decode(),
        "entry-one": entry1.decode(),
        "leaves": "\n".join(leaf.hex() for leaf in leaves),
        "root": f"{root.hex()}\n{base64(root).decode()}",
        "checkpoint": checkpoint.decode(),
        "receipt": receipt.decode(),
        "refusal": f"{format_vkey(refusing.verifier)}\n\n{refusal.decode()}",
        "fork": format_fork(fork).decode(),
        "state": subject.state.encode().decode(),
        "state-map": _state_map(stood),
        "state-proof": committed.decode(),
        "audience": f"{hashlib.sha256(entry0).hexdigest()}\n{world.audience}",
    }


def _did_log(factory: SigningKey) -> str:
    """Two entries of a did:webvh: the factory's key makes the DID, and one that it announced adds a name."""
    spare, after = (SigningKey.from_seed("Ed25519", bytes([n]) * 32) for n in (6, 7))
    did = webvh.draft_did("registry.example", ["org", "factory"])
    document = {"@context": ["https://www.w3.org/ns/did/v1"], "id": did}
    first = webvh.first_line(document, factory, OPENED, next_key_hashes=[webvh.key_hash(multibase_of(spare.public))])
    standing = webvh.advance(None, first, OPENED)
    renamed = {**standing.document, "alsoKnownAs": [webvh.location(standing.did).web]}
    announced = [webvh.key_hash(multibase_of(after.public))]
    second = webvh.next_line(standing, spare, OPENED + 60, document=renamed, next_key_hashes=announced)
    return webvh.format_log([first, second]).decode()


def _credentials(assessor: SigningKey, factory: SigningKey) -> dict[str, str]:
    """What the second key says of the third, in both forms, and the list by which it could take that back."""
    url, issuer, method = "https://registry.example/status/1", did_of(assessor.public), kid_of(assessor.public)
    said = {
        "@context": [CONTEXT],
        "type": "VerifiableCredential",
        "issuer": issuer,
        "validFrom": "2026-09-01T00:00:00Z",
        "credentialSubject": {"id": did_of(factory.public), "name": "Shenyang Blade Works 沈阳叶片厂"},
        "credentialStatus": entry_of("revocation", 94_567, url),
    }
    bits = with_value(bytes(ENTRIES_MIN // 8), 94_567, 1)
    listed = make_list(url, issuer, "revocation", bits, "2026-09-01T00:00:00Z")
    shown = re.search(r'"encodedList":"([^"]+)"', PAGE.read_text())
    if shown:  # GZIP has many spellings
        listed["credentialSubject"]["encodedList"] = shown[1]
        assert bits_of(listed) == bits
    proven = (issue(one, assessor, method, OPENED) for one in (said, listed))
    first, second = (json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in proven)
    return {"credential": first, "credential-jwt": issue_jwt(said, assessor, method), "status-list": second}


def _leaves(stood: list[Subject]) -> tuple[dict[bytes, bytes], bytes]:
    """The state map of the example, and the key of the list of parties that speak through the factory's DID."""
    leaves = {subject_key(s.id): subject_value(s.type, s.index, s.last, s.state.encode()) for s in stood}
    party = next(one for one in stood if one.type == "party")
    assert isinstance(party.state, Party)
    key = lookup_key("party", "did", party.state.dids[0])
    leaves[key] = map_root({member_key(key, party.id): member_value(party.id)})
    return leaves, key


def _state_map(stood: list[Subject]) -> str:
    leaves, listed = _leaves(stood)
    lines = [f"{one.id}\n  {subject_key(one.id).hex()}\n  {leaves[subject_key(one.id)].hex()}" for one in stood]
    lines.append(f"party, did, that of the factory\n  {listed.hex()}\n  {leaves[listed].hex()}")
    return "\n".join([*lines, f"root\n  {map_root(leaves).hex()}"])


def _committed(service: SigningKey, log: Signer, world: World, entries: list[bytes], time: int) -> bytes:
    """The proof of the party's state, once the service has committed to it."""
    stood = list(world.subjects())
    leaves, _ = _leaves(stood)
    state, party = (next(one for one in stood if one.type == type_) for type_ in ("state", "party"))
    body = {"root": b64encode(map_root(leaves)), "size": 2}
    sent = _sign(service, world.audience, "state.committed", body, 3, state)
    world.admit(statement.receive(sent), time)
    third = format_entry(Entry(ORIGIN, 2, time, link_of(entries[1]), sent))
    hashes = [merkle.leaf_hash(entry) for entry in (*entries, third)]
    checkpoint = sign_checkpoint(Checkpoint(ORIGIN, 3, merkle.root_of(hashes)), log)
    receipts = [
        Receipt(third, 2, [merkle.node_hash(*hashes[:2])], checkpoint),
        Receipt(entries[0], 0, hashes[1:], checkpoint),
    ]
    tree = MapTree(lambda _: {})  # what it makes stays at hand
    tree.update(EMPTY_ROOT, leaves)
    shown = Standing(party.id, party.index, party.last, party.state.encode())
    data = format_state_proof(StateProof(shown, tree.prove(map_root(leaves), subject_key(party.id)), receipts))
    assert prove(data, [log.verifier]).size == 2
    return data


def _sign(key: SigningKey, audience: str, kind: str, body: object, n: int, sub: Subject | None = None) -> bytes:
    claims = {
        "aud": audience,
        "body": body,
        "exp": OPENED + 3600,
        "iat": OPENED,
        "iss": did_of(key.public),
        "jti": b64encode(bytes([n]) * 16),
        "kind": kind,
        "prev": {} if sub is None else {sub.id: sub.last},
        "sub": None if sub is None else sub.id,
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


def test_the_page_lists_what_can_be_proven() -> None:
    """All types, and all lists with the form of their values: who verifies must know of them."""
    part = PAGE.read_text().partition("## State proof\n")[2].partition("\n## ")[0]
    types = re.search(r"id is its type \(([^)]+)\)", part)
    assert types
    assert re.findall(r"`([a-z]+)`", types[1]) == sorted(STATES)
    rows = re.findall(r"^\| (`.+`) \| (?:id of an? )?(\w+).* \|$", part, re.MULTILINE)
    told = {name.replace(" ", "."): form.lower() for names, form in rows for name in re.findall(r"`([^`]+)`", names)}
    assert told == lookups_proven()


if __name__ == "__main__":
    _write()
