"""COSE receipts: bytes written by hand, judged by OpenSSL and by another implementation; every altered one refused."""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from identity.errors import Malformed, Problem
from identity.note import Signer, Verifier, open_note, sign_note
from identity.signature import COSIGNATURE_ED25519
from ledger.log.chain import Entry, format_entry, parse_entry
from ledger.log.checkpoint import Checkpoint, sign_checkpoint
from ledger.log.cose import (
    RECEIPT_BYTES_MAX,
    CoseReceipt,
    SignedRoot,
    format_cose_key,
    format_cose_keys,
    format_cose_receipt,
    open_cose_receipt,
    parse_cose_receipt,
    sign_root,
    thumbprint,
)
from ledger.log.merkle import Frontier, Growth, leaf_hash, node_hash, root_from
from tests.ledger.log.sample import ENTRIES, LOG, ORIGIN, SIZE
from tests.shared import shared

FORMER = Signer(ORIGIN, bytes([6]) * 32)
NAMESAKE = Signer("example.com/other", bytes([3]) * 32)  # the same key under another name
KNOWN = [FORMER.verifier, NAMESAKE.verifier, LOG.verifier]


def tree_of(size: int) -> Growth:
    tree = Growth(Frontier())
    for entry in ENTRIES[:size]:
        tree.append(leaf_hash(entry))
    return tree


def receipt(index: int, size: int = SIZE, signer: Signer = LOG) -> CoseReceipt:
    tree = tree_of(size)
    checkpoint = sign_checkpoint(Checkpoint(ORIGIN, size, tree.root()), signer)
    return CoseReceipt(sign_root(checkpoint, signer), index, tree.inclusion_proof(index))


SEVENTH = receipt(7)
DATA = format_cose_receipt(SEVENTH)


# ---- The bytes -----------------------------------------------------------------------------------------------


def test_a_receipt_is_these_bytes() -> None:
    protected = b"".join(
        [
            b"\xa4",
            b"\x01\x27",  # 1: -8
            b"\x04\x58\x20" + SEVENTH.signed.kid,
            b"\x0f\xa2" + b"\x01\x74example.com/registry" + b"\x02\x6dcheckpoint/21",
            b"\x19\x01\x8b\x01",  # 395: 1
        ]
    )
    hashes = b"".join(b"\x58\x20" + node for node in SEVENTH.proof)
    proof = b"\x83\x15\x07\x85" + hashes  # [21, 7, [five hashes]]
    assert (
        b"".join(
            [
                b"\xd2\x84",  # 18([
                b"\x58" + bytes([len(protected)]) + protected,
                b"\xa1\x19\x01\x8c\xa1\x20\x81" + b"\x58" + bytes([len(proof)]) + proof,  # {396: {-1: [<<proof>>]}}
                b"\xf6",  # nil
                b"\x58\x40" + SEVENTH.signed.signature,
            ]
        )
        == DATA
    )
    assert len(DATA) == 335


def test_openssl_finds_the_signature_over_the_root_in_its_context() -> None:
    protected, _, payload, signature = cbor2.loads(DATA).value
    assert payload is None
    message = cbor2.dumps(["Signature1", protected, b"", tree_of(SIZE).root()])
    Ed25519PublicKey.from_public_bytes(LOG.verifier.public_key).verify(signature, message)


def test_the_key_id_is_the_thumbprint_of_the_required_members_alone() -> None:
    key = LOG.verifier.public_key
    assert thumbprint(LOG.verifier) == sha256(bytes.fromhex("a301012006215820") + key).digest()
    assert SEVENTH.signed.kid == thumbprint(NAMESAKE.verifier) != thumbprint(FORMER.verifier)


def test_a_key_is_an_octet_key_pair_under_its_id() -> None:
    expected = {1: 1, 2: thumbprint(LOG.verifier), 3: -8, -1: 6, -2: LOG.verifier.public_key}
    assert cbor2.loads(format_cose_key(LOG.verifier)) == expected
    assert format_cose_key(LOG.verifier).hex().startswith("a50101025820")  # in deterministic order
    both = format_cose_keys([LOG.verifier, FORMER.verifier])
    assert both == b"\x82" + format_cose_key(LOG.verifier) + format_cose_key(FORMER.verifier)


def test_a_key_that_only_cosigns_is_no_key_of_receipts() -> None:
    witness = Verifier(ORIGIN, COSIGNATURE_ED25519, LOG.verifier.public_key)
    with pytest.raises(ValueError, match="not type 0x04"):
        thumbprint(witness)
    with pytest.raises(Problem, match="cose_key_unknown"):
        open_cose_receipt(DATA, ENTRIES[7], [witness])


def test_what_is_signed_can_never_be_the_text_of_a_note() -> None:
    """One key signs notes and receipts: nothing that passes for one may pass for the other."""
    message = cbor2.dumps(["Signature1", b"any", b"", bytes(32)])
    with pytest.raises(Problem, match="note_malformed"):
        open_note(sign_note(message + b"\n", LOG), [LOG.verifier])


# ---- Opening -------------------------------------------------------------------------------------------------


def test_every_entry_of_every_small_log_is_proven_by_its_receipt() -> None:
    for size in range(2, SIZE + 1):
        tree = tree_of(size)
        signed = sign_root(sign_checkpoint(Checkpoint(ORIGIN, size, tree.root()), LOG), LOG)
        for index in range(size):
            made = CoseReceipt(signed, index, tree.inclusion_proof(index))
            data = format_cose_receipt(made)
            assert parse_cose_receipt(data) == made
            opened = open_cose_receipt(data, ENTRIES[index], KNOWN)
            assert opened == (parse_entry(ENTRIES[index]), Checkpoint(ORIGIN, size, tree.root()))


@given(st.integers(2, 70_000), st.data())
def test_the_proof_is_followed_as_in_any_tree(size: int, data: st.DataObject) -> None:
    """In trees too large to build: the siblings are invented, and the root is what they lead to."""
    index = data.draw(st.integers(0, size - 1))
    entry = format_entry(Entry(ORIGIN, index, 1, bytes(32), b"e30.e30.e30"))
    node, proof, place, width = leaf_hash(entry), list[bytes](), index, size
    while width > 1:
        if place & 1 or place + 1 < width:  # else it is moved up as it is
            proof.append(sha256(b"%d" % len(proof)).digest())
            node = node_hash(proof[-1], node) if place & 1 else node_hash(node, proof[-1])
        place, width = place >> 1, (width + 1) >> 1
    signed = sign_root(sign_checkpoint(Checkpoint(ORIGIN, size, node), LOG), LOG)
    made = format_cose_receipt(CoseReceipt(signed, index, proof))
    assert open_cose_receipt(made, entry, KNOWN)[1] == Checkpoint(ORIGIN, size, node)


def test_a_former_key_still_proves_what_it_signed() -> None:
    data = format_cose_receipt(receipt(7, signer=FORMER))
    assert open_cose_receipt(data, ENTRIES[7], KNOWN)[0].index == 7


def test_the_same_root_is_signed_with_the_same_bytes() -> None:
    assert format_cose_receipt(receipt(7)) == DATA


def test_only_the_root_of_a_checkpoint_of_this_very_key_is_signed() -> None:
    for note in (sign_checkpoint(Checkpoint(ORIGIN, 2, bytes(32)), FORMER), b"", sign_note(b"text\n", LOG)):
        with pytest.raises(Problem):
            sign_root(note, LOG)
    forged = sign_checkpoint(Checkpoint(ORIGIN, 2, bytes(32)), LOG).replace(b"\n2\n", b"\n3\n")
    with pytest.raises(Problem, match="note_signature_invalid"):
        sign_root(forged, LOG)


# ---- Hostile receipts ----------------------------------------------------------------------------------------


def altered(**changes: Any) -> bytes:
    """The receipt with other members, said in deterministic CBOR: what only looking at members refuses."""
    signed = SEVENTH.signed
    header = {1: -8, 4: signed.kid, 15: {1: ORIGIN, 2: "checkpoint/21"}, 395: 1}
    parts: dict[str, Any] = {"size": 21, "index": 7, "path": [*SEVENTH.proof], "proofs": None, "vdp": None}
    parts |= {"header": header, "unprotected": None, "payload": None, "signature": signed.signature, "tag": 18}
    parts |= changes
    proof = cbor2.dumps([parts["size"], parts["index"], parts["path"]], canonical=True)
    vdp = parts["vdp"] or {-1: [proof] if parts["proofs"] is None else parts["proofs"]}
    protected = header if parts["header"] is None else parts["header"]
    protected = protected if isinstance(protected, bytes) else cbor2.dumps(protected, canonical=True)
    unprotected = {396: vdp} if parts["unprotected"] is None else parts["unprotected"]
    value = [protected, unprotected, parts["payload"], parts["signature"]]
    return cbor2.dumps(cbor2.CBORTag(parts["tag"], value), canonical=True)


def header(**changes: Any) -> bytes:
    names = {"alg": 1, "kid": 4, "claims": 15, "vds": 395}
    whole = {1: -8, 4: SEVENTH.signed.kid, 15: {1: ORIGIN, 2: "checkpoint/21"}, 395: 1}
    whole |= {names.get(name, name): value for name, value in changes.items()}
    return altered(header={label: value for label, value in whole.items() if value is not None})


def test_the_hostile_ones_differ_from_a_good_one_in_what_they_name_only() -> None:
    assert altered() == header() == DATA


PROOF = cbor2.dumps([21, 7, [*SEVENTH.proof]])
MALFORMED: dict[str, bytes] = {
    "nothing": b"",
    "text": b"c2sp.org/tlog-proof@v1\n",
    "a number": b"\x00",
    "a tag too few": DATA[1:],
    "another tag": altered(tag=98),
    "a tag too many": b"\xd9\xd9\xf7" + DATA,
    "a byte too few": DATA[:-1],
    "a byte too many": DATA + b"\x00",
    "far too long": DATA + bytes(RECEIPT_BYTES_MAX),
    "an array without end": DATA.replace(b"\xd2\x84", b"\xd2\x9f", 1) + b"\xff",
    "an array of a longer spelling": DATA.replace(b"\xd2\x84", b"\xd2\x98\x04", 1),
    "the root attached": altered(payload=tree_of(SIZE).root()),
    "an empty payload attached": altered(payload=b""),
    "no signature": altered(signature=b""),
    "a signature too long": altered(signature=SEVENTH.signed.signature + b"\x00"),
    "a signature in text": altered(signature="A" * 64),
    "no protected header": altered(header=b""),
    "a protected header without members": altered(header={}),
    "a protected header that is an array": altered(header=[1, 2]),
    "a protected header in reverse order": altered(
        header=cbor2.dumps({395: 1, 15: {1: ORIGIN, 2: "checkpoint/21"}, 4: SEVENTH.signed.kid, 1: -8})
    ),
    "a label twice": altered(header=b"\xa5\x01\x27" + cbor2.loads(DATA).value[0][1:]),
    "another algorithm": header(alg=-7),
    "an algorithm by name": header(alg="EdDSA"),
    "no algorithm": header(alg=None),
    "another tree": header(vds=2),
    "no tree": header(vds=None),
    "the tree as true": header(vds=True),
    "no key id": header(kid=None),
    "a key id too short": header(kid=SEVENTH.signed.kid[:8]),
    "a key id in text": header(kid="A" * 32),
    "no claims": header(claims=None),
    "no issuer": header(claims={2: "checkpoint/21"}),
    "an issuer that is a number": header(claims={1: 1, 2: "checkpoint/21"}),
    "no subject": header(claims={1: ORIGIN}),
    "a subject spelled otherwise": header(claims={1: ORIGIN, 2: "checkpoint/021"}),
    "a claim too many": header(claims={1: ORIGIN, 2: "checkpoint/21", 6: 1_767_139_200}),
    "critical labels": altered(header={1: -8, 2: [395], 4: SEVENTH.signed.kid, 15: {1: ORIGIN, 2: "checkpoint/21"}}),
    "a label too many": altered(
        header={1: -8, 4: SEVENTH.signed.kid, 15: {1: ORIGIN, 2: "checkpoint/21"}, 395: 1, -65_537: "grade"}
    ),
    "no unprotected header": altered(unprotected={}),
    "an unprotected header too rich": altered(unprotected={396: {-1: [PROOF]}, 4: b"other"}),
    "no proof": altered(proofs=[]),
    "two proofs": altered(proofs=[PROOF, PROOF]),
    "a proof that is no bytes": altered(proofs=[[21, 7, [*SEVENTH.proof]]]),
    "a proof of consistency": altered(vdp={-2: [PROOF]}),
    "a proof of consistency as well": altered(vdp={-1: [PROOF], -2: [PROOF]}),
    "bytes after the proof": altered(proofs=[PROOF + b"\x00"]),
    "a size spelled longer": altered(proofs=[PROOF.replace(b"\x83\x15", b"\x83\x18\x15", 1)]),
    "a size of bytes": altered(proofs=[PROOF.replace(b"\x83\x15", b"\x83\x41\x15", 1)]),
    "a fraction as size": altered(size=21.0),
    "another size": altered(size=22),
    "the size of a tree where the path is as long": altered(size=20),
    "a size out of range": altered(size=2**63),
    "an index beyond": altered(index=21),
    "an index below": altered(index=-1),
    "an index that is true": altered(index=True),
    "no path": altered(path=[]),
    "a path of 64 hashes": altered(path=[bytes(32)] * 64),
    "a hash too short": altered(path=[*SEVENTH.proof[:-1], bytes(31)]),
    "a hash in text": altered(path=[*SEVENTH.proof[:-1], "A" * 32]),
    "a path of one number": altered(path=5),
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
def test_other_spellings_and_other_members_are_refused(data: bytes) -> None:
    with pytest.raises(Malformed, match="cose_receipt_malformed"):
        parse_cose_receipt(data)


@pytest.mark.parametrize(
    ("data", "entry", "keys", "code"),
    [
        (DATA, ENTRIES[7][:-1], KNOWN, "entry_malformed"),  # (2)
        (DATA, ENTRIES[8], KNOWN, "receipt_index_wrong"),  # (3)
        (altered(index=8), ENTRIES[7], KNOWN, "receipt_index_wrong"),  # (3)
        (DATA, ENTRIES[7].replace(b"example.com/registry", b"example.com/register"), KNOWN, "receipt_origin_wrong"),
        (header(claims={1: "example.com/other", 2: "checkpoint/21"}), ENTRIES[7], KNOWN, "receipt_origin_wrong"),
        (DATA, ENTRIES[7], [], "cose_key_unknown"),  # (4)
        (DATA, ENTRIES[7], [FORMER.verifier], "cose_key_unknown"),  # (4)
        (DATA, ENTRIES[7], [NAMESAKE.verifier], "cose_key_unknown"),  # (4)
        (altered(path=SEVENTH.proof[1:]), ENTRIES[7], KNOWN, "proof_malformed"),  # (5)
        (altered(path=[*SEVENTH.proof, bytes(32)]), ENTRIES[7], KNOWN, "proof_malformed"),  # (5)
        (altered(path=[*reversed(SEVENTH.proof)]), ENTRIES[7], KNOWN, "cose_receipt_wrong"),  # (6)
        (DATA, ENTRIES[7].replace(b".7\n", b".8\n"), KNOWN, "cose_receipt_wrong"),  # (6)
        (header(kid=thumbprint(FORMER.verifier)), ENTRIES[7], KNOWN, "cose_receipt_wrong"),  # (6)
        (altered(signature=bytes(64)), ENTRIES[7], KNOWN, "cose_receipt_wrong"),  # (6)
        (altered(signature=receipt(7, 20).signed.signature), ENTRIES[7], KNOWN, "cose_receipt_wrong"),  # (6)
    ],
)
def test_each_step_refuses_what_only_it_can_see(data: bytes, entry: bytes, keys: list[Verifier], code: str) -> None:
    with pytest.raises(Problem) as caught:
        open_cose_receipt(data, entry, keys)
    assert caught.value.code == code


def test_a_size_that_leads_to_the_same_root_is_refused_for_the_one_signed() -> None:
    """Leaf 0 has the same path in trees of 5 to 8 leaves: without the signed size each would pass for the other."""
    first = receipt(0, 5)
    for size in (6, 7, 8):
        forged = replace(first, signed=replace(first.signed, size=size))  # says checkpoint/6: the signature fails
        with pytest.raises(Problem, match="cose_receipt_wrong"):
            open_cose_receipt(format_cose_receipt(forged), ENTRIES[0], KNOWN)
        honest = format_cose_receipt(first)
        small, large = b"\x83\x05\x00\x83", bytes([0x83, size, 0, 0x83])  # says checkpoint/5 and proves another
        assert small in honest
        with pytest.raises(Malformed, match="another size"):
            open_cose_receipt(honest.replace(small, large, 1), ENTRIES[0], KNOWN)


def test_an_index_that_leads_to_the_same_root_is_refused_for_that_of_the_entry() -> None:
    """The last of 5 leaves has the path of leaf 1 of 2: one hash, on the left."""
    last = receipt(4, 5)
    assert len(last.proof) == 1
    moved = replace(last, index=1, signed=replace(last.signed, size=2))
    with pytest.raises(Problem, match="receipt_index_wrong"):
        open_cose_receipt(format_cose_receipt(moved), ENTRIES[4], KNOWN)


def test_a_tree_of_one_leaf_has_no_receipt() -> None:
    with pytest.raises(Malformed, match="1 to 63 hashes"):
        parse_cose_receipt(format_cose_receipt(receipt(0, 1)))


def test_any_altered_bit_of_a_receipt_is_noticed() -> None:
    for place in range(len(DATA)):
        for bit in range(8):
            data = bytearray(DATA)
            data[place] ^= 1 << bit
            with pytest.raises(Problem):
                open_cose_receipt(bytes(data), ENTRIES[7], KNOWN)


def test_any_cut_of_a_receipt_is_noticed() -> None:
    for end in range(len(DATA)):
        with pytest.raises(Malformed, match="cose_receipt_malformed"):
            parse_cose_receipt(DATA[:end])


@given(st.data())
def test_any_altered_stretch_of_a_receipt_is_noticed(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(DATA) - 1))
    end = data.draw(st.integers(start, min(len(DATA), start + 40)))
    put = data.draw(st.binary(max_size=40).filter(lambda put: put != DATA[start:end]))
    with pytest.raises(Problem):
        open_cose_receipt(DATA[:start] + put + DATA[end:], ENTRIES[7], KNOWN)


ITEMS: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.binary(max_size=70) | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from([-2, -1, 1, 2, 4, 15, 395, 396]) | st.text(max_size=3), inner, max_size=4)
        | st.builds(cbor2.dumps, inner)
        | st.builds(cbor2.CBORTag, st.sampled_from([18, 98, 24, 55_799, 1_000_000]), inner)
    ),
    max_leaves=12,
)
NAMES = ["size", "index", "path", "proofs", "vdp", "header", "unprotected", "payload", "signature"]


@given(st.sampled_from(NAMES), ITEMS)
def test_whatever_stands_for_a_member_is_refused_by_name(name: str, item: Any) -> None:
    data = altered(**{name: item})
    if data != DATA:
        with pytest.raises(Problem):
            open_cose_receipt(data, ENTRIES[7], KNOWN)


@given(ITEMS)
def test_whatever_is_cbor_is_refused_by_name(item: Any) -> None:
    with pytest.raises(Malformed, match="cose_receipt_malformed"):
        parse_cose_receipt(cbor2.dumps(item))


@given(st.binary(max_size=300), st.sampled_from([b"", b"\xd2\x84", DATA[:100], DATA[:-66]]))
def test_whatever_is_bytes_is_refused_by_name(data: bytes, begin: bytes) -> None:
    with pytest.raises(Problem):
        open_cose_receipt(begin + data, ENTRIES[7], KNOWN)


HEAVY = {
    "a length that no memory holds": b"\xd2\x84\x5b" + b"\xff" * 8,
    "an array that no memory holds": b"\xd2\x84\x9b\x7f" + b"\xff" * 7,
    "a thousand arrays in each other": b"\x81" * 1_000 + b"\x00",
    "a thousand tags in each other": b"\xd2" * 1_000 + b"\x00",
    "a number of no end": b"\xc5\x82\x1b\x7f" + b"\xff" * 7 + b"\x01",
    "a value that holds itself": b"\xd8\x1c\x81\xd8\x1d\x00",
    "a pattern": b"\xd8\x23\x68(a+)+(((",
    "a date before all time": b"\xc1\x3b\x7f" + b"\xff" * 7,
}


@pytest.mark.parametrize(
    "data", [wrap(one) for one in HEAVY.values() for wrap in (bytes, lambda one: altered(header=one))]
)
def test_what_is_heavy_to_decode_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(Malformed, match="cose_receipt_malformed"):
        parse_cose_receipt(data)


# ---- Shared vectors ------------------------------------------------------------------------------------------


def test_every_inclusion_vector() -> None:
    verdicts = {False: 0, True: 0}
    for file in sorted(Path(shared("vectors/merkle/inclusion")).rglob("*.json")):
        case = json.loads(file.read_text())
        leaf, root = (base64.b64decode(case[name]) for name in ("leafHash", "root"))
        proof = [base64.b64decode(one) for one in case["proof"] or []]
        if not proof:
            continue  # COSE has no receipt of such
        try:
            signed = SignedRoot(ORIGIN, case["treeSize"], bytes(32), bytes(64))
            parsed = parse_cose_receipt(format_cose_receipt(CoseReceipt(signed, case["leafIdx"], proof)))
            refused = root_from(leaf, parsed.index, parsed.signed.size, parsed.proof) != root
        except Problem:
            refused = True
        assert refused == case["wantErr"], f"{file}: {case['desc']}"
        verdicts[refused] += 1
    assert verdicts[False] >= 4
    assert verdicts[True] >= 60


# ---- Another implementation ----------------------------------------------------------------------------------


def judged(data: bytes, entry: bytes, key: Verifier = LOG.verifier) -> Any:
    """What scitt-cose, which shares no code with ours but the CBOR library, makes of a receipt."""
    other = pytest.importorskip("scitt_cose.receipt", reason="needs scitt-cose, another implementation of RFC 9942")
    public = Ed25519PublicKey.from_public_bytes(key.public_key)
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return other.verify_receipt(data, leaf_entry_hex=entry.hex(), log_public_key_pem=pem)


def every_receipt() -> Iterator[tuple[int, int, bytes]]:
    for size in (2, 3, 5, 8, 21):
        for index in range(size):
            yield size, index, format_cose_receipt(receipt(index, size))


def test_another_implementation_accepts_every_receipt() -> None:
    for size, index, data in every_receipt():
        found = judged(data, ENTRIES[index])
        assert found.ok, found.errors
        assert (found.tree_size, found.leaf_index, found.root) == (size, index, tree_of(size).root().hex())
        assert (found.issuer, found.subject) == (ORIGIN, f"checkpoint/{size}")
        assert found.protected_header_ext == {4: thumbprint(LOG.verifier)}


@pytest.mark.parametrize(
    "refused",
    [
        lambda: judged(DATA, ENTRIES[8]),
        lambda: judged(DATA, ENTRIES[7], FORMER.verifier),
        lambda: judged(altered(signature=bytes(64)), ENTRIES[7]),
        lambda: judged(altered(path=[*reversed(SEVENTH.proof)]), ENTRIES[7]),
    ],
)
def test_another_implementation_refuses_what_we_refuse(refused: Callable[[], Any]) -> None:
    assert not refused().ok


def test_a_key_id_fits_an_address() -> None:
    name = base64.urlsafe_b64encode(thumbprint(LOG.verifier)).rstrip(b"=")
    assert len(name) == 43
