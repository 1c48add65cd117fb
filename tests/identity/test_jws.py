"""Statements on the wire: signed by us, verified by a library that is not ours, and every hostile spelling refused."""

import json
from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws as jose
from joserfc.jwk import ECKey, OKPKey

from identity.canonical import b64decode, b64encode, encode
from identity.did import kid_of
from identity.errors import Malformed, Problem, Unverifiable
from identity.jws import MAX_PAYLOAD, MAX_STATEMENT, Signed, parse, peek, sign, statement_id, verify
from identity.keys import ALGORITHMS, Algorithm, PublicKey, SigningKey
from tests.shared import shared

KEYS = {alg: SigningKey.from_seed(alg, bytes(range(32))) for alg in ALGORITHMS}
KEY = KEYS["Ed25519"]
KID = kid_of(KEY.public)
WEB = "did:web:example.com#key-1"
X25519 = "did:key:z6LSeu9HkTHSfLLeUs2nnzUSNedgDUevfNQgQjQC23ZCit6F"
STRANGER = SigningKey.from_seed("Ed25519", bytes(32))
CLAIMS = {"body": {"name": "Wärme", "rows": 12}, "kind": "asset.registered", "sub": None}
GOOD = {alg: sign(CLAIMS, key) for alg, key in KEYS.items()}
MINE = GOOD["Ed25519"]
INPUT = MINE.rpartition(b".")[0]

bodies = st.dictionaries(
    st.text("abcdefg_", max_size=6),
    st.none() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=20),
    max_size=6,
)


def put_together(header: Any, payload: bytes, key: SigningKey = KEY) -> bytes:
    """A JWS with a signature that fits, whatever its header and payload say."""
    protected = header if isinstance(header, bytes) else encode(header)
    signing_input = f"{b64encode(protected)}.{b64encode(payload)}".encode()
    return signing_input + b"." + b64encode(key.sign(signing_input)).encode()


def header(**changes: Any) -> dict[str, Any]:
    return {"alg": "Ed25519", "kid": KID, "typ": "cadastre+jwt"} | changes


def fault_of(compact: bytes) -> tuple[str, str | None]:
    with pytest.raises(Malformed) as caught:
        parse(compact)
    return caught.value.code, caught.value.pointer


# -- signing and reading -----------------------------------------------------------------------------------------------


@given(st.sampled_from(ALGORITHMS), bodies)
def test_what_is_signed_parses_verifies_and_says_the_same(alg: Algorithm, claims: dict[str, Any]) -> None:
    compact = sign(claims, KEYS[alg])
    signed = parse(compact)
    verify(signed)
    assert signed.claims == claims
    assert (signed.alg, signed.kid) == (alg, kid_of(KEYS[alg].public))
    assert signed.payload == encode(claims)
    assert peek(compact) == signed


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_library_that_is_not_ours_verifies_our_signature(alg: Algorithm) -> None:
    importer = {"Ed25519": OKPKey, "ES256": ECKey}[alg]
    theirs = importer.import_key(_jwk(KEYS[alg].public))
    found = jose.deserialize_compact(GOOD[alg], theirs, algorithms=[alg])
    assert found.payload == encode(CLAIMS)
    assert found.headers() == {"alg": alg, "kid": kid_of(KEYS[alg].public), "typ": "cadastre+jwt"}


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_we_verify_the_signature_of_a_library_that_is_not_ours(alg: Algorithm) -> None:
    theirs: OKPKey | ECKey
    if alg == "Ed25519":
        theirs = OKPKey.generate_key("Ed25519")
        public = PublicKey.ed25519(b64decode(theirs.as_dict()["x"]))
    else:
        theirs = ECKey.generate_key("P-256")
        x, y = b64decode(theirs.as_dict()["x"]), b64decode(theirs.as_dict()["y"])
        public = PublicKey.p256(bytes([2 + y[-1] % 2]) + x)
    protected = {"alg": alg, "kid": kid_of(public), "typ": "cadastre+jwt"}
    verify(parse(jose.serialize_compact(protected, encode(CLAIMS), theirs, algorithms=[alg]).encode()))


def _jwk(public: PublicKey) -> dict[str, str | list[str]]:
    if public.alg == "Ed25519":
        return {"kty": "OKP", "crv": "Ed25519", "x": b64encode(public.raw)}
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public.raw)
    whole = point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return {"kty": "EC", "crv": "P-256", "x": b64encode(whole[1:33]), "y": b64encode(whole[33:])}


def test_the_bytes_of_a_statement_are_pinned() -> None:
    compact = sign({"kind": "x"}, SigningKey.from_seed("Ed25519", bytes(32)))
    assert b64decode(compact.split(b".")[0]) == (
        b'{"alg":"Ed25519","kid":"did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp'
        b'#z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp","typ":"cadastre+jwt"}'
    )
    assert b64decode(compact.split(b".")[1]) == b'{"kind":"x"}'
    assert statement_id(compact) == "dGUt9lFvVcBGCfiyRk3XFk_liRVOXjl5eeaAEzFbVAM"


def test_the_rfc_8037_example_is_not_a_statement() -> None:
    example = json.loads(shared("vectors/signatures/rfc/rfc8037_okp_jose.json").read_bytes())
    compact = next(text for text in _texts(example) if text.count(".") == 2 and text.startswith("eyJ"))
    with pytest.raises(Malformed, match="header_malformed"):
        parse(compact.encode())


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for inner in value.values() for text in _texts(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in _texts(inner)]
    return [value] if isinstance(value, str) else []


def test_the_id_is_the_hash_of_what_was_signed() -> None:
    signed = parse(MINE)
    assert signed.signing_input == INPUT
    assert signed.id == statement_id(MINE) == b64encode(sha256(signed.signing_input).digest())
    assert len(signed.id) == 43


def test_two_signatures_of_one_statement_make_one_id() -> None:
    signed = parse(GOOD["ES256"])
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    mirrored = signed.signature[:32] + (order - int.from_bytes(signed.signature[32:], "big")).to_bytes(32, "big")
    other = parse(signed.signing_input + b"." + b64encode(mirrored).encode())
    verify(other)
    assert other != signed
    assert other.id == signed.id


def test_sign_refuses_what_parse_would_refuse() -> None:
    with pytest.raises(Malformed) as caught:
        sign({"body": {"price": 1.5}}, KEY)
    assert (caught.value.code, caught.value.pointer) == ("json_float", "/payload/body/price")
    with pytest.raises(Malformed) as caught:
        sign({"a": "x" * MAX_PAYLOAD}, KEY)
    assert (caught.value.code, caught.value.pointer) == ("payload_too_large", "/payload")


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_the_largest_statement_passes_and_one_byte_more_does_not(alg: Algorithm) -> None:
    largest = encode({"a": "x" * (MAX_PAYLOAD - 8)})
    assert len(largest) == MAX_PAYLOAD
    compact = sign({"a": "x" * (MAX_PAYLOAD - 8)}, KEYS[alg])
    assert len(compact) < MAX_STATEMENT
    verify(parse(compact))
    assert fault_of(put_together(header(), encode({"a": "x" * (MAX_PAYLOAD - 7)}))) == ("payload_too_large", "/payload")


# -- well formed? ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alg", ["EdDSA", "none", "HS256", "RS256", "ES384", "ed25519", ""])
def test_another_algorithm_is_refused_by_name(alg: str) -> None:
    with pytest.raises(Malformed, match=repr(alg)) as caught:
        parse(put_together(header(alg=alg), encode(CLAIMS)))
    assert (caught.value.code, caught.value.pointer) == ("alg_unsupported", "/header/alg")


@pytest.mark.parametrize(
    ("case", "changed", "code", "pointer"),
    [
        ("another type", header(typ="JWT"), "header_malformed", "/header/typ"),
        ("a type in capitals", header(typ="CADASTRE+JWT"), "header_malformed", "/header/typ"),
        ("a media type", header(typ="application/cadastre+jwt"), "header_malformed", "/header/typ"),
        ("no type", {"alg": "Ed25519", "kid": KID}, "header_malformed", "/header/typ"),
        ("no algorithm", {"kid": KID, "typ": "cadastre+jwt"}, "header_malformed", "/header/alg"),
        ("no key", {"alg": "Ed25519", "typ": "cadastre+jwt"}, "header_malformed", "/header/kid"),
        ("nothing", {}, "header_malformed", "/header/alg"),
        ("an array", ["alg", "kid", "typ"], "header_malformed", "/header"),
        ("an algorithm that is no text", header(alg=["Ed25519"]), "header_malformed", "/header/alg"),
        ("a key that is no text", header(kid=None), "header_malformed", "/header/kid"),
        ("a key of the sender's choice", header(jwk={"kty": "OKP"}), "header_malformed", "/header/jwk"),
        ("a key from the network", header(jku="https://example.com/keys"), "header_malformed", "/header/jku"),
        ("a certificate from the network", header(x5u="https://example.com/"), "header_malformed", "/header/x5u"),
        ("an extension that must be understood", header(crit=["b64"]), "header_malformed", "/header/crit"),
        ("an unencoded payload", header(b64=False), "header_malformed", "/header/b64"),
        ("a name with pointer signs", header(**{"a/b": ""}), "header_malformed", "/header/a~1b"),
        ("a relative key", header(kid="#key-1"), "did_malformed", "/header/kid"),
        ("a key that is no URL", header(kid="key-1"), "did_url_malformed", "/header/kid"),
        ("a DID without a key", header(kid=KID.partition("#")[0]), "did_url_malformed", "/header/kid"),
        ("an empty key", header(kid=""), "did_url_malformed", "/header/kid"),
        ("a long key", header(kid=f"did:web:example.com#{'k' * 1100}"), "did_url_malformed", "/header/kid"),
        ("a longer key", header(kid=f"did:web:example.com#{'k' * 2000}"), "header_malformed", "/header"),
        ("another order", b'{"typ":"cadastre+jwt","alg":"Ed25519"}', "json_not_canonical", "/header"),
        ("a member twice", b'{"alg":"none",' + encode(header())[1:], "json_not_canonical", "/header"),
        ("white space", encode(header()) + b" ", "json_not_canonical", "/header"),
        ("not JSON", b"alg", "json_malformed", "/header"),
        ("empty", b"", "json_malformed", "/header"),
    ],
)
def test_another_header_is_refused(case: str, changed: Any, code: str, pointer: str) -> None:
    assert fault_of(put_together(changed, encode(CLAIMS))) == (code, pointer)


@pytest.mark.parametrize(
    ("case", "payload", "code", "pointer"),
    [
        ("empty", b"", "json_malformed", "/payload"),
        ("an array", b"[]", "payload_malformed", "/payload"),
        ("a text", b'"text"', "payload_malformed", "/payload"),
        ("nothing", b"null", "payload_malformed", "/payload"),
        ("white space", b'{"a": 1}', "json_not_canonical", "/payload"),
        ("a claim twice", b'{"a":1,"a":1}', "json_not_canonical", "/payload"),
        ("a float", b'{"body":{"price":[1.5]}}', "json_float", "/payload/body/price/0"),
        ("a large integer", b'{"iat":9007199254740992}', "json_integer_range", "/payload/iat"),
        ("a key beyond ASCII", '{"body":{"ü":1}}'.encode(), "json_key_not_ascii", "/payload/body"),
        (
            "32 levels within the object",
            b'{"a":' + b"[" * 32 + b"]" * 32 + b"}",
            "json_too_deep",
            "/payload/a" + "/0" * 31,
        ),
    ],
)
def test_another_payload_is_refused(case: str, payload: bytes, code: str, pointer: str) -> None:
    assert fault_of(put_together(header(), payload)) == (code, pointer)


@pytest.mark.parametrize(
    ("case", "compact", "code", "pointer"),
    [
        ("nothing", b"", "statement_malformed", None),
        ("one part", b"abc", "statement_malformed", None),
        ("two parts", INPUT, "statement_malformed", None),
        ("four parts", MINE + b".", "statement_malformed", None),
        ("dots", b"..", "json_malformed", "/header"),
        ("a JSON serialisation", b'{"payload":""}', "statement_malformed", None),
        ("a byte too many", b"." * (MAX_STATEMENT + 1), "statement_too_large", None),
        ("white space before", b" " + MINE, "base64url_malformed", "/header"),
        ("a line end after", MINE + b"\n", "base64url_malformed", "/signature"),
        ("a line end within", MINE.replace(b".", b".\n", 1), "base64url_malformed", "/payload"),
        ("a disclosure", MINE + b"~", "base64url_malformed", "/signature"),
        ("padding", MINE + b"==", "base64url_malformed", "/signature"),
        ("no signature", INPUT + b".", "signature_malformed", "/signature"),
        ("a short signature", INPUT + b"." + b"A" * 84, "signature_malformed", "/signature"),
        ("a long signature", INPUT + b"." + b"A" * 88, "signature_malformed", "/signature"),
        ("unused bits set", MINE[:-1] + bytes([MINE[-1] + 1]), "base64url_malformed", "/signature"),
    ],
)
def test_another_form_is_refused(case: str, compact: bytes, code: str, pointer: str | None) -> None:
    assert fault_of(compact) == (code, pointer)


# -- whatever the bytes ------------------------------------------------------------------------------------------------


def respelled(signed: Signed) -> bytes:
    protected = encode(header(alg=signed.alg, kid=signed.kid))
    return ".".join(map(b64encode, (protected, encode(signed.claims), signed.signature))).encode()


def judged(compact: bytes) -> None:
    """Hostile bytes: refused as malformed, or in their one spelling; then refused as unverifiable, or ours."""
    try:
        signed = parse(compact)
    except Malformed:
        return
    assert respelled(signed) == compact
    assert peek(compact) == signed
    try:
        verify(signed)
    except Problem:
        return
    assert compact in GOOD.values()


@given(st.binary(max_size=80) | st.text("eyJhbGciOiJ.-_=~", max_size=60).map(str.encode))
def test_any_bytes_end_in_one_problem(compact: bytes) -> None:
    judged(compact)


@settings(max_examples=400)
@given(st.sampled_from(ALGORITHMS), st.data())
def test_a_statement_with_a_changed_byte_is_refused(alg: Algorithm, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(GOOD[alg]) - 1))
    letter = data.draw(st.sampled_from(b"ABab09-_.=~ \xff"))
    judged(GOOD[alg][:place] + bytes([letter]) + GOOD[alg][place + 1 :])


@settings(max_examples=300)
@given(st.sampled_from(ALGORITHMS), st.data())
def test_a_statement_with_bytes_dropped_or_added_is_refused(alg: Algorithm, data: st.DataObject) -> None:
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(GOOD[alg]))] * 2)))
    judged(GOOD[alg][:start] + data.draw(st.binary(max_size=3)) + GOOD[alg][end:])


members = st.sampled_from(["alg", "kid", "typ", "crit"])
contents = st.sampled_from(["Ed25519", "ES256", "EdDSA", KID, WEB, "cadastre+jwt", "JWT", 1, None])
near = st.fixed_dictionaries({"alg": contents, "kid": contents, "typ": st.just("cadastre+jwt")})


@given(st.dictionaries(members, contents) | near, bodies)
def test_of_all_headers_only_those_of_statements_pass(protected: dict[str, Any], claims: dict[str, Any]) -> None:
    compact = put_together(protected, encode(claims))
    if protected in [header(alg=alg, kid=kid) for alg in ALGORITHMS for kid in (KID, WEB)]:
        assert respelled(parse(compact)) == compact
    else:
        assert fault_of(compact)[1] in {f"/header/{name}" for name in ("alg", "kid", "typ", "crit")}


# -- verified? ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "protected", "key", "family", "code", "pointer"),
    [
        ("another method", header(kid=WEB), KEY, Malformed, "did_method_unsupported", "/header/kid"),
        ("another type", header(kid=X25519 + "#key"), KEY, Malformed, "did_key_type_unsupported", "/header/kid"),
        ("another name", header(kid=KID + "2"), KEY, Unverifiable, "did_key_unknown", "/header/kid"),
        ("another algorithm", header(alg="ES256"), KEY, Unverifiable, "alg_unfit", "/header/alg"),
        ("another key", header(kid=kid_of(KEYS["ES256"].public)), KEY, Unverifiable, "alg_unfit", "/header/alg"),
        ("another signer", header(), STRANGER, Unverifiable, "signature_invalid", "/signature"),
    ],
)
def test_a_signature_is_refused(
    case: str, protected: dict[str, Any], key: SigningKey, family: type[Problem], code: str, pointer: str
) -> None:
    signed = parse(put_together(protected, b"{}", key))
    with pytest.raises(family) as caught:
        verify(signed)
    assert (caught.value.code, caught.value.pointer) == (code, pointer)


def test_header_payload_and_signature_of_different_statements_do_not_fit() -> None:
    yours = sign({"kind": "other"}, KEY)
    for part in range(3):
        mixed = MINE.split(b".")
        mixed[part] = (GOOD["ES256"] if part == 0 else yours).split(b".")[part]
        with pytest.raises(Unverifiable):
            verify(parse(b".".join(mixed)))
