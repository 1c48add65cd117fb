"""did:key: known answers of others, each refusal by name, one spelling."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.canonical import b64decode
from identity.did import (
    base58_decode,
    base58_encode,
    check_did,
    did_of,
    key_named,
    key_of,
    key_spelled,
    kid_of,
    multibase_of,
    split,
)
from identity.errors import Malformed, Problem, Unverifiable
from identity.keys import ALGORITHMS, Algorithm, PublicKey, SigningKey
from tests.identity.test_keys import SMALL_ORDER
from tests.shared import shared

KEY = SigningKey.from_seed("Ed25519", bytes(32)).public
DID = "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"
KID = f"{DID}#z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"


def vectors(name: str) -> Any:
    return json.loads(shared(f"vectors/identity/did-key/{name}.json").read_bytes())


def did_for(data: bytes) -> str:
    return "did:key:z" + base58_encode(data)


def code_of(did: str) -> str:
    with pytest.raises(Problem) as caught:
        key_of(did)
    return caught.value.code


# -- known answers -----------------------------------------------------------------------------------------------------


def test_known_keys_and_dids_name_each_other() -> None:
    judged = set()
    for known in vectors("did_key_known_answers")["dids"]:
        raw = bytes.fromhex(known["public_key_hex"])
        if known["key_type"] == "Ed25519":
            key = PublicKey.ed25519(raw)
        elif known["key_type"] == "P-256":
            key = PublicKey.p256(raw)
        else:
            with pytest.raises(Malformed, match=f"did_key_type_unsupported: {known['key_type']}"):
                key_of(known["did"])
            judged.add("refused")
            continue
        assert key_of(known["did"]) == key_named(known["verification_method_id"]) == key
        assert did_of(key) == known["did"]
        assert kid_of(key) == known["verification_method_id"]
        judged.add(key.alg)
    assert judged == {"Ed25519", "ES256", "refused"}


def test_ed25519_keys_of_the_specification() -> None:
    answers = vectors("ed25519-x25519")
    assert answers
    for did, known in answers.items():
        key = SigningKey.from_seed("Ed25519", bytes.fromhex(known["seed"])).public
        assert key.raw == raw_of(known["verificationKeyPair"])
        assert key_of(did) == key
        assert did_of(key) == did
        with pytest.raises(Malformed, match="did_key_type_unsupported: X25519"):
            key_of("did:key:" + known["keyAgreementKeyPair"]["id"].partition("#")[2])


def raw_of(known: dict[str, Any]) -> bytes:
    """The key in a verification method of the older drafts: base58, or a JWK that may hold a point in two halves."""
    jwk = known.get("publicKeyJwk")
    if jwk is None:
        return base58_decode(known["publicKeyBase58"])
    x, y = b64decode(jwk["x"]), b64decode(jwk.get("y", ""))
    return bytes([2 + y[-1] % 2]) + x if y else x


def test_nist_keys_of_the_specification() -> None:
    judged = []
    for did, known in vectors("nist-curves").items():
        method = known["verificationMethod"]
        curve = method["publicKeyJwk"]["crv"] if "publicKeyJwk" in method else "P-256"
        judged.append(curve)
        if curve == "P-256":
            key = PublicKey.p256(raw_of(method))
            assert key_of(did) == key
            assert did_of(key) == did
        else:
            with pytest.raises(Malformed, match=f"did_key_type_unsupported: {curve}"):
                key_of(did)
    assert sorted(judged) == ["P-256"] * 3 + ["P-384"] * 2 + ["P-521"] * 2


def test_x25519_dids_of_the_specification_are_refused_by_name() -> None:
    answers = vectors("x25519")["didDocument"]
    assert answers
    for did in answers:
        with pytest.raises(Malformed, match="did_key_type_unsupported: X25519"):
            key_of(did)


def test_bad_dids_of_the_test_suite_raise_the_error_of_the_specification() -> None:
    codes = {
        "invalidDid": "did_malformed",
        "methodNotSupported": "did_method_unsupported",
        "invalidPublicKeyLength": "public_key_length",
        "invalidDidUrl": "did_url_malformed",
    }
    for case in vectors("did_key_errors")["cases"]:
        with pytest.raises(Malformed) as caught:
            (key_named if "#" in case["input"] else key_of)(case["input"])
        assert caught.value.code == codes[case["error"]], case["why"]


# -- one spelling ------------------------------------------------------------------------------------------------------


@given(st.sampled_from(ALGORITHMS), st.binary(min_size=32, max_size=32))
def test_every_key_has_one_did_and_every_did_its_key(alg: Algorithm, seed: bytes) -> None:
    key = SigningKey.from_seed(alg, seed).public
    did = did_of(key)
    assert did.startswith({"Ed25519": "did:key:z6Mk", "ES256": "did:key:zDn"}[alg])
    assert key_of(did) == key
    assert split(kid_of(key)) == (did, multibase_of(key))
    assert key_named(kid_of(key)) == key


@given(st.integers(0, len(DID) - 1), st.sampled_from("019AaZz:#%-. \n") | st.characters())
def test_a_changed_letter_is_refused_or_names_another_key(place: int, letter: str) -> None:
    did = DID[:place] + letter + DID[place + 1 :]
    try:
        key = key_of(did)
    except Malformed:
        return
    assert did_of(key) == did


@given(st.text(max_size=40) | st.text("did:key#z1%/?", max_size=40) | st.binary(max_size=40).map(did_for))
def test_any_text_ends_in_a_key_or_in_a_problem(text: str) -> None:
    for read in (key_of, key_named):
        try:
            key = read(text)
        except Problem:
            continue
        assert text in (did_of(key), kid_of(key))


def test_there_is_one_spelling_of_the_multicodec() -> None:
    assert key_of(did_for(b"\xed\x01" + KEY.raw)) == KEY
    assert code_of(did_for(b"\xed\x81\x00" + KEY.raw)) == "did_malformed"
    assert code_of(did_for(b"\xed")) == "did_malformed"
    assert code_of(did_for(b"")) == "did_malformed"
    assert code_of(did_for(b"\xff" * 12)) == "did_malformed"


# -- refusals by name --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "did",
    [
        "",
        "did",
        "did:key",
        "did:key:",
        "did::z6Mk",
        "DID" + DID[3:],
        "did:KEY" + DID[7:],
        " " + DID,
        DID + " ",
        DID + "\n",
        DID + ":",
        DID + "é",
        DID + "%zz",
        "did:key:1" + DID[7:],
        "did:key:1.1" + DID[7:],
        DID.replace(":z", ":m"),
        DID.replace("z6", "z06"),
        DID + "I",
        "did:key:z" + "1" * 504,
        KID,
    ],
)
def test_what_is_not_a_did_key_is_refused(did: str) -> None:
    assert code_of(did) == "did_malformed"


@pytest.mark.parametrize(
    "did", ["did:web:example.com", "did:webvh:Qm1:example.com:org", "did:example:a%2Fb", "did:k:z6"]
)
def test_another_method_is_refused_by_name(did: str) -> None:
    with pytest.raises(Malformed, match="did_method_unsupported: " + did[: did.index(":", 4)]):
        key_of(did)


def test_a_type_without_a_name_is_refused_by_its_number() -> None:
    with pytest.raises(Malformed, match="did_key_type_unsupported: multicodec 0x3f"):
        key_of(did_for(b"\x3f" + bytes(32)))


@pytest.mark.parametrize("prefix", [b"\xed\x01", b"\x80\x24"])
@pytest.mark.parametrize("size", [0, 1, 31, 34, 64])
def test_a_key_of_the_wrong_length_is_refused(prefix: bytes, size: int) -> None:
    assert code_of(did_for(prefix + bytes(size))) == "public_key_length"


@pytest.mark.parametrize("raw", SMALL_ORDER, ids=bytes.hex)
def test_a_key_of_small_order_is_refused(raw: bytes) -> None:
    assert code_of(did_for(b"\xed\x01" + raw)) == "public_key_invalid"


def test_a_point_off_the_curve_is_refused() -> None:
    assert code_of(did_for(b"\x80\x24\x02" + bytes(31) + b"\x01")) == "public_key_invalid"
    assert code_of(did_for(b"\x80\x24\x05" + bytes(32))) == "public_key_invalid"


# -- DID URLs ----------------------------------------------------------------------------------------------------------


def test_a_did_url_comes_apart_at_the_fragment() -> None:
    assert split(KID) == (DID, DID[8:])
    assert split("did:web:example.com:org#key-1") == ("did:web:example.com:org", "key-1")
    assert split("did:web:example.com%3A8443#a/b?c") == ("did:web:example.com%3A8443", "a/b?c")


@pytest.mark.parametrize(
    ("did_url", "code"),
    [
        ("", "did_url_malformed"),
        (DID, "did_url_malformed"),
        (DID + "#", "did_url_malformed"),
        ("#" + DID[8:], "did_malformed"),
        (DID + "/path#key", "did_url_malformed"),
        (DID + "?query#key", "did_url_malformed"),
        (KID + "#", "did_url_malformed"),
        (KID + "%", "did_url_malformed"),
        (KID + "\n", "did_url_malformed"),
        (KID + "é", "did_url_malformed"),
        (DID + "#" + "a" * 1024, "did_url_malformed"),
        ("did:web:" + "a" * 505 + "#key", "did_malformed"),
        ("key:z6Mk#key", "did_malformed"),
    ],
)
def test_what_does_not_name_a_key_is_refused(did_url: str, code: str) -> None:
    with pytest.raises(Malformed) as caught:
        split(did_url)
    assert caught.value.code == code


def test_a_fragment_that_names_no_key_of_the_did_is_refused() -> None:
    with pytest.raises(Unverifiable) as caught:
        key_named(DID + "#key-1")
    assert caught.value.code == "did_key_unknown"


def test_a_refusal_shows_hostile_text_short_and_in_ascii() -> None:
    with pytest.raises(Malformed) as caught:
        key_of("did:key:\u202e" + "x" * 10_000)
    assert str(caught.value).isascii()
    assert len(str(caught.value)) < 200


# -- base58btc ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "text"),
    [  # draft-msporny-base58 section 5
        (b"Hello World!", "2NEpo7TZRRrLZSi2U"),
        (
            b"The quick brown fox jumps over the lazy dog.",
            "USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z",
        ),
        (bytes.fromhex("0000287fb4cd"), "11233QC4"),
        (b"", ""),
        (bytes(3), "111"),
    ],
)
def test_known_answers_of_base58(data: bytes, text: str) -> None:
    assert base58_encode(data) == text
    assert base58_decode(text) == data


@given(st.binary(max_size=40), st.text("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", max_size=40))
def test_bytes_and_base58_texts_are_in_one_to_one_correspondence(data: bytes, text: str) -> None:
    assert base58_decode(base58_encode(data)) == data
    assert base58_encode(base58_decode(text)) == text


@pytest.mark.parametrize("letter", ["0", "O", "I", "l", " ", "é", "\n"])
def test_a_letter_that_is_not_base58_is_refused(letter: str) -> None:
    with pytest.raises(Malformed, match="did_malformed"):
        base58_decode(f"z{letter}z")


# -- did:webvh ---------------------------------------------------------------------------------------------------------

SCID = "QmPEQVM1JPTyrvEgBcDXwjK4TeyLGSX1PxjgyeAisdWM1p"
WEBVH = f"did:webvh:{SCID}:ledger.example%3A8443:org:acme"


@given(st.sampled_from(ALGORITHMS), st.binary(min_size=32, max_size=32))
def test_the_fragment_of_a_did_webvh_spells_its_key(alg: Algorithm, seed: bytes) -> None:
    key = SigningKey.from_seed(alg, seed).public
    assert key_named(f"{WEBVH}#{multibase_of(key)}") == key_spelled(multibase_of(key)) == key


@pytest.mark.parametrize(
    ("did_url", "code"),
    [
        (f"{WEBVH}#key-1", "did_key_unknown"),
        (f"{WEBVH}#z", "did_malformed"),
        (f"{WEBVH}#z0", "did_malformed"),
        (f"{WEBVH}#z6LSfHfAMAopsuBxaBzvp51GXrPf38Az13j2fmwqadbwwrzJ", "did_key_type_unsupported"),
        (f"{WEBVH}#z{base58_encode(bytes([0xED, 1]) + SMALL_ORDER[0])}", "public_key_invalid"),
        (f"{WEBVH}#z{'1' * 1000}", "did_url_malformed"),
        (f"{WEBVH}#z{'1' * 600}", "did_malformed"),
        (f"{WEBVH}/path#{multibase_of(KEY)}", "did_url_malformed"),
        (WEBVH, "did_url_malformed"),
        (f"did:webvh:Qm1:ledger.example#{multibase_of(KEY)}", "did_scid_malformed"),
        (f"did:webvh:{SCID}#{multibase_of(KEY)}", "did_place_malformed"),
        (f"did:web:ledger.example#{multibase_of(KEY)}", "did_method_unsupported"),
    ],
)
def test_what_names_no_key_of_a_did_webvh(did_url: str, code: str) -> None:
    with pytest.raises(Problem) as caught:
        key_named(did_url)
    assert caught.value.code == code


def test_a_did_webvh_is_no_key() -> None:
    assert code_of(WEBVH) == "did_method_unsupported"


@pytest.mark.parametrize(
    "did",
    [
        DID,
        did_of(SigningKey.from_seed("ES256", bytes(32)).public),
        WEBVH,
        f"did:webvh:{SCID}:ledger.example",
        f"did:webvh:{SCID}:ledger.example:a%20b",
    ],
)
def test_a_did_in_good_form(did: str) -> None:
    check_did(did)


@pytest.mark.parametrize(
    ("did", "code"),
    [
        (KID, "did_malformed"),
        (DID[:-1], "did_key_type_unsupported"),
        (f"{WEBVH}#x", "did_malformed"),
        (f"{WEBVH}/x", "did_malformed"),
        (f"{WEBVH}?x", "did_malformed"),
        (f"{WEBVH}:", "did_malformed"),
        ("did:webvh:{SCID}:ledger.example", "did_malformed"),
        (f"did:webvh:{SCID}", "did_place_malformed"),
        (f"did:webvh:{SCID}:localhost", "did_place_malformed"),
        (f"did:webvh:{SCID}:10.0.0.1", "did_place_malformed"),
        (f"did:webvh:{SCID[:-1]}:ledger.example", "did_scid_malformed"),
        (f"did:webvh:{SCID}a:ledger.example", "did_scid_malformed"),
        (f"did:webvh:{SCID[:-1]}0:ledger.example", "did_scid_malformed"),
        (f"did:webvh:zQ{SCID[2:]}:ledger.example", "did_scid_malformed"),
        ("did:web:ledger.example", "did_method_unsupported"),
        (f"did:tdw:{SCID}:ledger.example", "did_method_unsupported"),
    ],
)
def test_a_did_that_is_not(did: str, code: str) -> None:
    with pytest.raises(Malformed) as caught:
        check_did(did)
    assert caught.value.code == code
