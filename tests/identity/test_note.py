"""Signed notes against the vectors of Go, transparency-dev and C2SP, and every way to spoil one."""

import base64
import json
from hashlib import sha512
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.bindings import (
    crypto_core_ed25519_add,
    crypto_core_ed25519_scalar_add,
    crypto_core_ed25519_scalar_mul,
    crypto_core_ed25519_scalar_reduce,
    crypto_scalarmult_ed25519_base_noclamp,
)

from identity.errors import Malformed, Problem, Unverifiable
from identity.note import (
    NOTE_BYTES_MAX,
    SIGNATURES_MAX,
    Note,
    Signature,
    Signer,
    Verifier,
    check_key_name,
    format_note,
    format_signing_key,
    format_vkey,
    open_note,
    parse_note,
    parse_signature,
    parse_signing_key,
    parse_vkey,
    sign_note,
)
from identity.signature import ED25519, SIGNATURE_TYPES, key_id
from tests.shared import shared

ANNA = Signer("anna.example", bytes([1]) * 32)
BELA = Signer("bela.example", bytes([2]) * 32)
TEXT = b"first line\n\nafter an empty line: \xc3\xa8\n"

# Every point of order 1, 2, 4 and 8, in its spellings (curve25519-dalek, "EIGHT_TORSION"; the last: y = p, p + 1).
SMALL_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]


def load(path: str) -> Any:
    return json.loads(Path(shared(path)).read_text())


def note_bytes(case: dict[str, Any]) -> bytes:
    if "repeat" in case:
        return (case["text"] + "\n" + case["signature_line"] * case["repeat"]).encode()
    return base64.b64decode(case["note_b64"]) if "note_b64" in case else case["note"].encode()


def refusal(call: Any, *arguments: Any) -> str:
    with pytest.raises(Problem) as caught:
        call(*arguments)
    return caught.value.code


# ---- Opening and signing


def test_a_signed_note_opens_with_the_verifier_of_its_signer() -> None:
    opened = open_note(sign_note(TEXT, ANNA), [ANNA.verifier])
    assert opened.text == TEXT
    assert [line.name for line in opened.verified] == ["anna.example"]
    assert opened.unverified == ()


def test_signatures_of_unknown_keys_are_handed_on_unverified() -> None:
    opened = open_note(sign_note(TEXT, BELA, ANNA), [ANNA.verifier])
    assert [line.name for line in opened.verified] == ["anna.example"]
    assert opened.unverified == (BELA.sign(TEXT),)


def test_a_note_that_no_known_key_signed_is_refused() -> None:
    assert refusal(open_note, sign_note(TEXT, ANNA), [BELA.verifier]) == "note_unsigned"
    assert refusal(open_note, sign_note(TEXT, ANNA), []) == "note_unsigned"


def test_one_failing_signature_of_a_known_key_spoils_the_whole_note() -> None:
    forged = Signature("bela.example", BELA.verifier.key_id, ANNA.sign(TEXT).signature)
    for lines in [(ANNA.sign(TEXT), forged), (forged, ANNA.sign(TEXT)), (BELA.sign(TEXT), forged)]:
        data = format_note(Note(TEXT, lines))
        assert refusal(open_note, data, [ANNA.verifier, BELA.verifier]) == "note_signature_invalid"
    assert open_note(format_note(Note(TEXT, (ANNA.sign(TEXT), forged))), [ANNA.verifier]).unverified == (forged,)


def test_a_signature_of_the_wrong_length_does_not_hold() -> None:
    line = ANNA.sign(TEXT)
    for signature in [line.signature[:-1], line.signature + b"\0", b"\0"]:
        data = format_note(Note(TEXT, (Signature(line.name, line.key_id, signature),)))
        assert refusal(open_note, data, [ANNA.verifier]) == "note_signature_invalid"


def test_the_beginning_of_a_text_cannot_be_moved_into_the_signature() -> None:
    line = ANNA.sign(b"do not\npay\n")
    moved = Signature(line.name, line.key_id, line.signature + b"do not\n")
    assert refusal(open_note, format_note(Note(b"pay\n", (moved,))), [ANNA.verifier]) == "note_signature_invalid"


def test_a_signature_holds_for_no_other_text() -> None:
    data = format_note(Note(b"another\n", (ANNA.sign(TEXT),)))
    assert refusal(open_note, data, [ANNA.verifier]) == "note_signature_invalid"


def test_a_key_that_signs_twice_in_two_ways_counts_once() -> None:
    seed = bytes([1]) * 32
    secret = bytearray(sha512(seed).digest()[:32])  # RFC 8032, section 5.1.6, with a nonce of our own
    secret[0] &= 248
    secret[31] = secret[31] & 127 | 64
    nonce = crypto_core_ed25519_scalar_reduce(sha512(b"nonce").digest())
    point = crypto_scalarmult_ed25519_base_noclamp(nonce)
    digest = crypto_core_ed25519_scalar_reduce(sha512(point + ANNA.verifier.public_key + TEXT).digest())
    product = crypto_core_ed25519_scalar_mul(digest, crypto_core_ed25519_scalar_reduce(bytes(secret) + bytes(32)))
    scalar = crypto_core_ed25519_scalar_add(nonce, product)
    first, second = ANNA.sign(TEXT), Signature(ANNA.name, ANNA.verifier.key_id, point + scalar)
    assert first != second
    assert open_note(format_note(Note(TEXT, (second, first, second))), [ANNA.verifier]).verified == (second,)


def test_the_same_key_under_another_name_is_an_unknown_key() -> None:
    other = Verifier("other.example", ED25519, ANNA.verifier.public_key)
    assert refusal(open_note, sign_note(TEXT, ANNA), [other]) == "note_unsigned"


@given(st.data())
def test_any_altered_byte_of_a_note_is_noticed(data: st.DataObject) -> None:
    note = bytearray(sign_note(TEXT, ANNA))
    place = data.draw(st.integers(0, len(note) - 1))
    note[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(Problem):
        open_note(bytes(note), [ANNA.verifier])


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]) | st.just("\n"), max_size=60))
def test_any_text_without_control_characters_comes_back_as_it_was_signed(text: str) -> None:
    data = sign_note(f"{text}\n".encode(), ANNA, BELA)
    assert open_note(data, [BELA.verifier]).text == f"{text}\n".encode()
    assert format_note(parse_note(data)) == data


# ---- Framing


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"\n\n",
        b"text\n",
        b"text\n\n",
        b"text\n\n\n",
        b"text\n\nno dash name AAAAAAAA\n",
        "x— name AAAAAAA=\n".encode(),
        "text\n— name AAAAAAA=\n".encode(),
        "\n— name AAAAAAA=\n".encode(),
        "text\n\n— name\n".encode(),
        "text\n\n— name AAAAAA==\n".encode(),  # four bytes: a key id and no signature
        "text\n\n— name AAAAAAB=\n".encode(),  # five bytes, spare bits set
        "text\n\n— name AAAA AAA=\n".encode(),
        "text\n\n— na+me AAAAAAA=\n".encode(),
        "text\n\n— na\u2003me AAAAAAA=\n".encode(),
        "text\n\n—  AAAAAAA=\n".encode(),
        "text\n\n—\u00a0name AAAAAAA=\n".encode(),
        b"text\n\n- name AAAAAAA=\n",
        "text\n\n— name AAAAAAA=".encode(),
        "text\n\n— name AAAAAAA=\n\n".encode(),
        "text\r\n\n— name AAAAAAA=\n".encode(),
        "te\txt\n\n— name AAAAAAA=\n".encode(),
        "te\0xt\n\n— name AAAAAAA=\n".encode(),
        "text\n\n— name AAAAAAA=\n".encode("utf-16"),
        b"te\xffxt\n\n" + "— name AAAAAAA=\n".encode(),
    ],
)
def test_malformed_notes_are_refused(data: bytes) -> None:
    assert refusal(parse_note, data) == "note_malformed"


def test_the_well_formed_neighbour_of_those_notes_is_accepted() -> None:
    note = parse_note("text\n\n— name AAAAAAA=\n".encode())
    assert note == Note(b"text\n", (Signature("name", bytes(4), bytes(1)),))


def test_the_last_empty_line_ends_the_text() -> None:
    inner = sign_note(b"inner\n", ANNA)
    assert parse_note(sign_note(inner, BELA)).text == inner


def test_notes_are_capped_in_lines_and_in_bytes() -> None:
    line = ANNA.sign(TEXT)
    assert len(parse_note(format_note(Note(TEXT, (line,) * SIGNATURES_MAX))).signatures) == SIGNATURES_MAX
    assert refusal(parse_note, format_note(Note(TEXT, (line,) * (SIGNATURES_MAX + 1)))) == "note_malformed"
    frame = len(sign_note(b"\n", ANNA))
    longest = b"a" * (NOTE_BYTES_MAX - frame) + b"\n"
    assert parse_note(sign_note(longest, ANNA)).text == longest
    assert refusal(parse_note, sign_note(b"a" + longest, ANNA)) == "note_malformed"


@pytest.mark.parametrize("text", [b"", b"abc", b"abc\r\n", b"a\tb\n", b"\xff\n", b"\n\x00\n"])
def test_texts_that_could_not_be_read_back_are_not_signed(text: bytes) -> None:
    assert refusal(sign_note, text, ANNA) == "note_malformed"


def test_a_signature_line_may_be_read_alone() -> None:
    line = ANNA.sign(TEXT)
    encoded = base64.b64encode(line.key_id + line.signature).decode()
    assert parse_signature(f"— anna.example {encoded}") == line
    for other in (f"- anna.example {encoded}", f"— anna.example {encoded}\n", "— anna.example AAAAAA==", ""):
        assert refusal(parse_signature, other) == "note_malformed"


# ---- Keys


@pytest.mark.parametrize("name", ["", " ", "a b", "a\tb", "a\u2028b", "\u3000", "a+b", "a\x01b", "a\nb"])
def test_key_names_without_names_in_them(name: str) -> None:
    with pytest.raises(ValueError, match="not a key name"):
        check_key_name(name)
    assert refusal(Verifier, name, ED25519, ANNA.verifier.public_key) == "vkey_malformed"


def test_a_key_name_that_is_not_utf_8_is_malformed() -> None:
    for parse, key in [(parse_vkey, format_vkey(ANNA.verifier)), (parse_signing_key, format_signing_key(ANNA))]:
        assert refusal(parse, key.replace("anna", "\udcff")).endswith("key_malformed")


@pytest.mark.parametrize("point", SMALL_ORDER)
def test_small_order_public_keys_are_refused(point: str) -> None:
    assert refusal(Verifier, "weak.example", ED25519, bytes.fromhex(point)) == "vkey_malformed"


def test_a_public_key_with_a_small_order_part_is_refused() -> None:
    mixed = crypto_core_ed25519_add(ANNA.verifier.public_key, bytes.fromhex(SMALL_ORDER[1]))
    assert refusal(Verifier, "mixed.example", ED25519, mixed) == "vkey_malformed"


@pytest.mark.parametrize("length", [0, 31, 33])
def test_public_keys_of_the_wrong_length_are_refused(length: int) -> None:
    assert refusal(Verifier, "short.example", ED25519, bytes(length)) == "vkey_malformed"


@pytest.mark.parametrize("code", [0x00, 0x02, 0x03, 0x05, 0xFA, 0xFF])
def test_types_that_cannot_be_verified_are_told_apart_from_malformed_keys(code: int) -> None:
    assert refusal(Verifier, "other.example", code, bytes(32)) == "vkey_type_unsupported"


def test_a_signing_key_is_shown_neither_by_repr_nor_by_errors() -> None:
    key = format_signing_key(ANNA)
    assert repr(ANNA) == "<Signer anna.example>"
    with pytest.raises(Malformed) as caught:
        parse_signing_key(key + "=")
    assert key[-20:] not in str(caught.value)


# ---- Shared vectors


def test_go_notes_sign_to_the_same_bytes() -> None:
    for case in load("vectors/tlog/golang-mod/notes.json")["sign"]:
        signers = [parse_signing_key(key) for key in case["signer_keys"]]
        assert sign_note(case["text"].encode(), *signers).decode() == case["note"]


def test_go_notes_open_to_the_same_names() -> None:
    for case in load("vectors/tlog/golang-mod/notes.json")["open_good"]:
        opened = open_note(note_bytes(case), map(parse_vkey, case["known"]))
        assert [line.name for line in opened.verified] == case["verified"], case["desc"]
        assert [line.name for line in opened.unverified] == case["unverified"], case["desc"]


def test_bad_go_notes_are_refused_each_for_its_reason() -> None:
    codes = {
        "no verifiable signature": "note_unsigned",
        "ambiguous key": "note_key_ambiguous",
        "malformed note": "note_malformed",
        "invalid signature": "note_signature_invalid",
    }
    for case in load("vectors/tlog/golang-mod/notes.json")["open_bad"]:
        verifiers = [parse_vkey(key) for key in case["known"]]
        assert refusal(open_note, note_bytes(case), verifiers) == codes[case["error"]], case["desc"]


def test_go_keys_have_one_spelling_each() -> None:
    vectors = load("vectors/tlog/golang-mod/notes.json")
    for key in vectors["keys"]:
        signer = parse_signing_key(key["signer_key"])
        assert format_vkey(signer.verifier) == key["vkey"]
        assert parse_vkey(key["vkey"]) == signer.verifier
        assert format_signing_key(signer) == key["signer_key"]
        for parse, text in [(parse_vkey, key["vkey"]), (parse_signing_key, key["signer_key"])]:
            for place in range(len(text)):
                assert refusal(parse, text[:place]).endswith("key_malformed")
                if place:
                    assert refusal(parse, text[place:]).endswith("key_malformed")
                mangled = text[:place] + chr(ord(text[place]) + 1) + text[place + 1 :]
                assert refusal(parse, mangled) in (
                    "vkey_malformed",
                    "signing_key_malformed",
                    "vkey_type_unsupported",
                )
    for vkey in vectors["vkey_bad"]:
        assert refusal(parse_vkey, vkey) in ("vkey_malformed", "vkey_type_unsupported")


def test_key_ids_of_every_type_and_refusal_of_the_types_without_a_verifier() -> None:
    vectors = load("vectors/tlog/formats/keys_and_signatures.json")
    for case in vectors["vkey_good"]:
        name, identity, key = case["vkey"].split("+", 2)
        raw = base64.b64decode(key)
        assert raw[0] == case["signature_type"]
        assert key_id(name, raw[0], raw[1:]).hex() == identity
        if SIGNATURE_TYPES[raw[0]].check is not None:
            assert format_vkey(parse_vkey(case["vkey"])) == case["vkey"]
        else:
            assert refusal(parse_vkey, case["vkey"]) == "vkey_type_unsupported"
    for case in vectors["vkey_bad"]:
        unknown = case["reason"] == "unknown signature type"
        assert refusal(parse_vkey, case["vkey"]) == ("vkey_type_unsupported" if unknown else "vkey_malformed")
    key = load("vectors/tlog/tlog-scales/checkpoints.json")["checkpoints"][1]["known"][0]["vkey"]
    name, identity, key = key.split("+", 2)
    assert key_id(name, 0x06, base64.b64decode(key)[1:]).hex() == identity
    assert SIGNATURE_TYPES[0x06].key_size == len(base64.b64decode(key)) - 1


def test_the_worked_examples_of_the_specification() -> None:
    examples = load("vectors/tlog/c2sp/examples.json")
    signed, unkeyed = examples["signed_note"]
    verifier = parse_vkey(signed["vkey"])
    assert (verifier.name, verifier.key_id.hex()) == (signed["name"], signed["key_id"])
    assert verifier.public_key.hex() == signed["public_key_hex"]
    assert open_note(signed["note"].encode(), [verifier]).verified[0].name == signed["name"]
    note = parse_note(unkeyed["note"].encode())
    assert note.text.decode() == unkeyed["text"]
    assert (note.signatures[0].name, note.signatures[0].key_id.hex()) == (unkeyed["name"], unkeyed["key_id"])


def test_notes_of_public_logs_open_with_their_ed25519_keys() -> None:
    for case in load("vectors/tlog/formats/checkpoints.json")["real"]["cases"]:
        opened = open_note(case["note"].encode(), map(parse_vkey, case["known"]))
        assert [line.name for line in opened.verified] == case["verified"], case["desc"]
    for case in load("vectors/tlog/tlog-scales/checkpoints.json")["checkpoints"]:
        lines = [(line["name"], line["key_id"], line["bytes"]) for line in case["signatures"]]
        note = parse_note(case["note"].encode())
        assert [(line.name, line.key_id.hex(), len(line.signature)) for line in note.signatures] == lines
        for known in case["known"]:
            if known["signature_type"] == ED25519:
                verifier = parse_vkey(known["vkey"])
                assert len(open_note(case["note"].encode(), [verifier]).verified) == 1
                other_size = case["note"].replace("\n1", "\n2", 1).encode()
                with pytest.raises(Unverifiable, match="note_signature_invalid"):
                    open_note(other_size, [verifier])


def test_notes_of_several_signers_verify_as_often_as_the_vectors_say() -> None:
    vectors = load("vectors/tlog/formats/checkpoints.json")
    verifiers = [parse_vkey(vectors["keys"][name]["vkey"]) for name in ("log", "known1", "known2")]
    for case in vectors["parse"]["cases"]:
        if case["verified_signatures"]:
            assert len(open_note(case["note"].encode(), verifiers).verified) == case["verified_signatures"]
        else:
            assert refusal(open_note, case["note"].encode(), verifiers) == "note_malformed"
