"""Keys in a token, with SoftHSM: what they sign, that they stay there, and everything that can be wrong."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from pkcs11 import PKCS11Error, _pkcs11
from pkcs11.constants import Attribute, ObjectClass
from pkcs11.exceptions import AttributeSensitive, DeviceRemoved, PinIncorrect, PinInvalid, PinLocked
from pkcs11.mechanisms import KeyType
from pkcs11.util.ec import encode_named_curve_parameters

from identity import jws
from identity.did import did_of
from identity.errors import Halted
from identity.keys import ALGORITHMS, Algorithm, SigningKey
from identity.keyuri import parse_key_uri
from identity.pkcs11 import EDWARDS25519, P256, TokenKey, _told, make_key, open_key
from identity.signer import StatementSigner
from tests.softhsm import PIN, SoftHsm, softhsm

SEED = bytes(range(32))
UNCOMPRESSED = serialization.PublicFormat.UncompressedPoint
COMPRESSED = serialization.PublicFormat.CompressedPoint
OLD_ED25519 = bytes.fromhex("06092b06010401da470f01")
OID_ED25519 = bytes.fromhex("06032b6570")


@pytest.fixture
def hsm() -> SoftHsm:
    return softhsm()


def nobody() -> str:
    pytest.fail("asked for the PIN")


def refusal(uri: str, pin: str = PIN, module: Path | None = None) -> Halted:
    """Why the key of this name cannot be opened."""
    with pytest.raises(Halted) as caught, open_key(parse_key_uri(uri), lambda: pin, module):
        pass
    assert caught.value.advice
    return caught.value


def put(hsm: SoftHsm, key: SigningKey, label: str, id_: bytes = b"", **halves: Any) -> None:
    """Write a key that is known into the token, as other software may have: with these ``halves``."""
    private_der = serialization.load_pem_private_key(key.pkcs8(), None)
    if isinstance(private_der, ed25519.Ed25519PrivateKey):
        type_, curve, point = KeyType.EC_EDWARDS, EDWARDS25519, b"\x04\x20" + key.public.raw
        secret = private_der.private_bytes_raw()
    else:
        assert isinstance(private_der, ec.EllipticCurvePrivateKey)
        bare = private_der.public_key().public_bytes(serialization.Encoding.X962, UNCOMPRESSED)
        type_, curve, point = KeyType.EC, P256, b"\x04\x41" + bare
        secret = private_der.private_numbers().private_value.to_bytes(32, "big")
    both = {Attribute.TOKEN: True, Attribute.KEY_TYPE: type_, Attribute.LABEL: label, Attribute.ID: id_}
    curves = halves.get("curve", curve)
    with hsm.session() as session:
        if halves.get("private", True):
            private = {Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.PRIVATE: True, Attribute.SIGN: True}
            session.create_object({**both, **private, Attribute.EC_PARAMS: curves, Attribute.VALUE: secret})
        for one in halves.get("points", [point]):
            public = {Attribute.CLASS: ObjectClass.PUBLIC_KEY, Attribute.EC_PARAMS: curves, Attribute.EC_POINT: one}
            session.create_object({**both, **public})


# -- what they sign ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_key_made_in_the_token_signs_and_its_public_half_verifies(hsm: SoftHsm, alg: Algorithm) -> None:
    uri = parse_key_uri(hsm.uri(f"made-{alg}"))
    public = make_key(uri, alg, nobody)
    with open_key(uri, nobody) as key:
        assert (key.alg, key.public) == (alg, public)
        for message in (b"", b"message", bytes(1), bytes(50_000)):
            public.verify(message, key.sign(message))
        assert repr(key) == f"TokenKey({public!r})"


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_key_that_is_known_is_the_same_in_the_token_and_in_a_file(hsm: SoftHsm, alg: Algorithm) -> None:
    file = SigningKey.from_seed(alg, sha256(b"known").digest())
    put(hsm, file, f"known-{alg}", b"\x01" + alg.encode())
    with open_key(parse_key_uri(hsm.uri(f"known-{alg}")), nobody) as key:
        assert key.public == file.public
        file.public.verify(b"message", key.sign(b"message"))
        if alg == "Ed25519":
            assert key.sign(b"message") == file.sign(b"message")


def test_halves_without_an_id_are_tied_by_their_label(hsm: SoftHsm) -> None:
    for label in ("no-id", "no-id-either"):
        put(hsm, SigningKey.from_seed("ES256", sha256(label.encode()).digest()), label)
    with open_key(parse_key_uri(hsm.uri("no-id")), nobody) as key:
        assert key.public == SigningKey.from_seed("ES256", sha256(b"no-id").digest()).public


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_statement_signed_in_the_token_is_one_like_any_other(hsm: SoftHsm, alg: Algorithm) -> None:
    uri = parse_key_uri(hsm.uri(f"stating-{alg}"))
    make_key(uri, alg, nobody)
    with open_key(uri, nobody) as key:
        signer: StatementSigner = key
        first, second = (jws.sign({"iss": did_of(key.public)}, signer) for _ in range(2))
    for sent in (first, second):
        jws.verify(jws.parse(sent))
    assert jws.statement_id(first) == jws.statement_id(second)
    assert (first == second) == (alg == "Ed25519")  # a token's P-256 signatures differ, and no id depends on them


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_the_private_half_cannot_be_taken_out(hsm: SoftHsm, alg: Algorithm) -> None:
    make_key(parse_key_uri(hsm.uri(f"kept-{alg}")), alg, nobody)
    with hsm.session() as session:
        (private,) = session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.LABEL: f"kept-{alg}"})
        kept = (Attribute.SENSITIVE, Attribute.ALWAYS_SENSITIVE, Attribute.NEVER_EXTRACTABLE, Attribute.TOKEN)
        assert [private[one] for one in kept] == [True] * 4
        assert not private[Attribute.EXTRACTABLE]
        with pytest.raises(AttributeSensitive):
            private[Attribute.VALUE]


@pytest.mark.parametrize("curve", [EDWARDS25519, OID_ED25519, OLD_ED25519], ids=["name", "oid", "before"])
@pytest.mark.parametrize("around", [b"\x04\x20", b"\x03\x21\x00", b""], ids=["octets", "bits", "bare"])
def test_each_spelling_that_tokens_have_for_an_ed25519_point_is_read(hsm: SoftHsm, curve: bytes, around: bytes) -> None:
    name = f"spelled-{curve.hex()}-{around.hex()}"
    file = SigningKey.from_seed("Ed25519", sha256(name.encode()).digest())
    put(hsm, file, name, name.encode(), points=[around + file.public.raw], curve=curve)
    with open_key(parse_key_uri(hsm.uri(name)), nobody) as key:
        assert key.public == file.public


@pytest.mark.parametrize("form", [UNCOMPRESSED, COMPRESSED], ids=["uncompressed", "compressed"])
@pytest.mark.parametrize("wrapped", [True, False])
def test_each_spelling_that_tokens_have_for_a_p_256_point_is_read(
    hsm: SoftHsm, form: serialization.PublicFormat, wrapped: bool
) -> None:
    name = f"spelled-{form}-{wrapped}"
    file = SigningKey.from_seed("ES256", sha256(name.encode()).digest())
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), file.public.raw).public_bytes(
        serialization.Encoding.X962, form
    )
    put(hsm, file, name, name.encode(), points=[bytes([4, len(point)]) * wrapped + point])
    with open_key(parse_key_uri(hsm.uri(name)), nobody) as key:
        assert key.public == file.public


# -- sessions ----------------------------------------------------------------------------------------------------------


def test_keys_of_one_token_share_its_session_and_the_last_one_logs_out(hsm: SoftHsm) -> None:
    one, other = (parse_key_uri(hsm.uri(f"sharing-{number}", pin=False)) for number in range(2))
    asked: list[str] = []

    def pin() -> str:
        asked.append("once")
        return PIN

    for uri in (one, other):
        make_key(uri, "ES256", pin)
    assert len(asked) == 2
    with open_key(one, pin) as first:
        with open_key(other, nobody) as second:
            second.public.verify(b"m", second.sign(b"m"))
        first.public.verify(b"m", first.sign(b"m"))  # still logged in
    assert len(asked) == 3
    assert refusal(hsm.uri("sharing-0", pin=False), "wrong").code == "hsm_pin_wrong"  # logged out
    with hsm.session() as session:  # nobody is logged in
        assert session.token.label == "works"


def test_what_fails_within_still_logs_out(hsm: SoftHsm) -> None:
    uri = parse_key_uri(hsm.uri("failing"))
    make_key(uri, "ES256", nobody)
    with pytest.raises(ZeroDivisionError), open_key(uri, nobody):
        1 / 0  # noqa: B018
    with hsm.session():
        pass


def test_threads_share_a_token(hsm: SoftHsm) -> None:
    uris = [parse_key_uri(hsm.uri(f"threaded-{alg}")) for alg in ALGORITHMS]
    for uri, alg in zip(uris, ALGORITHMS, strict=True):
        make_key(uri, alg, nobody)
    with open_key(uris[0], nobody) as one, open_key(uris[1], nobody) as other, ThreadPoolExecutor(4) as threads:
        keys: list[TokenKey] = [one, other] * 50
        signed = list(threads.map(lambda at: keys[at].sign(b"%d" % at), range(len(keys))))
    for at, signature in enumerate(signed):
        keys[at].public.verify(b"%d" % at, signature)


# -- what can be wrong -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pin", ["wrong", "1", "x" * 300])
def test_a_wrong_pin_is_given_once(hsm: SoftHsm, pin: str) -> None:
    assert refusal(hsm.uri("any", pin=False), pin).code == "hsm_pin_wrong"


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (PinIncorrect(), "hsm_pin_wrong"),
        (PinInvalid(), "hsm_pin_wrong"),
        (PinLocked(), "hsm_pin_locked"),
        (DeviceRemoved(), "hsm_failed"),
        (PKCS11Error("of its own"), "hsm_failed"),
    ],
)
def test_what_the_token_answers_is_told_by_a_code(hsm: SoftHsm, fault: PKCS11Error, code: str) -> None:
    with pytest.raises(Halted) as caught, _told():
        raise fault
    assert caught.value.code == code
    assert caught.value.detail == ("" if code == "hsm_pin_wrong" else f"{type(fault).__name__} {fault}".strip())


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        (None, 0, "No such file"),
        (PIN, 0o640, "others may read it"),
        ("", 0o600, "no PIN of one line"),
        ("\n", 0o600, "no PIN of one line"),
        (f"{PIN}\n{PIN}\n", 0o600, "no PIN of one line"),
        ("x" * 2_000, 0o600, "no PIN of one line"),
        ("\udcff", 0o600, "it is not UTF-8"),
    ],
)
def test_a_file_that_holds_no_pin_is_told(
    hsm: SoftHsm, tmp_path: Path, content: str | None, mode: int, said: str
) -> None:
    file = tmp_path / "pin"
    if content is not None:
        file.write_bytes(content.encode(errors="surrogateescape"))
        file.chmod(mode)
    why = refusal(f"{hsm.uri('any', pin=False)}&pin-source=file:{file}")
    assert why.code == "hsm_pin_unreadable"
    assert said in why.detail
    assert PIN not in str(why)


def test_the_pin_of_a_file_may_end_with_a_line_break(hsm: SoftHsm, tmp_path: Path) -> None:
    file = tmp_path / "pin"
    for ending in ("", "\n", "\r\n"):
        file.touch(mode=0o600)
        file.write_bytes((PIN + ending).encode())
        assert refusal(f"{hsm.uri('none-of-it', pin=False)}&pin-source=file:{file}").code == "hsm_key_missing"


@pytest.mark.parametrize("asked", ["token=wirks", "token=", "serial=0", "token=works;model=other", "manufacturer=x"])
def test_a_token_that_is_not_there_is_told_with_those_that_are(hsm: SoftHsm, asked: str) -> None:
    why = refusal(hsm.uri("any").replace("token=works", asked))
    assert why.code == "hsm_token_missing"
    assert why.detail == "there are: 'bank house', 'twin', 'twin', 'works'"


def test_two_tokens_of_one_label_are_told_apart_by_their_serials(hsm: SoftHsm) -> None:
    why = refusal(hsm.uri("any").replace("token=works", "token=twin"))
    assert why.code == "hsm_token_ambiguous"
    first, second = why.detail.removeprefix("of the serials ").split(", ")
    for serial, alg in ((first, ALGORITHMS[0]), (second, ALGORITHMS[1])):
        uri = parse_key_uri(hsm.uri("apart").replace("token=works", f"token=twin;serial={serial}"))
        public = make_key(uri, alg, nobody)
        with open_key(uri, nobody) as key:
            assert key.public == public


def test_a_label_with_a_space_is_spelled_with_percent_20(hsm: SoftHsm) -> None:
    assert refusal(hsm.uri("any").replace("token=works", "token=bank%20house")).code == "hsm_key_missing"


def test_a_key_that_is_not_there_is_told(hsm: SoftHsm) -> None:
    assert refusal(hsm.uri("nobody-made-it")).code == "hsm_key_missing"


def test_two_keys_of_one_label_are_told_apart_by_their_ids(hsm: SoftHsm) -> None:
    keys = [SigningKey.from_seed("ES256", sha256(b"label %d" % number).digest()) for number in range(2)]
    for number, file in enumerate(keys):
        put(hsm, file, "labelled", b"L%d" % number)
    why = refusal(hsm.uri("labelled"))
    assert why.code == "hsm_key_ambiguous"
    assert sorted(why.detail.removeprefix("of the ids ").split(", ")) == ["%4c%30", "%4c%31"]
    for number, file in enumerate(keys):
        for uri in (hsm.uri("labelled", f"id=L%3{number}"), hsm.uri("x").replace("object=x", f"id=L{number}")):
            with open_key(parse_key_uri(uri), nobody) as key:
                assert key.public == file.public


def test_a_key_is_never_made_twice(hsm: SoftHsm) -> None:
    public = make_key(parse_key_uri(hsm.uri("single")), "ES256", nobody)
    for uri in (hsm.uri("single"), hsm.uri("single", "id=other"), hsm.uri("other", "id=single")):
        with pytest.raises(Halted, match="hsm_key_exists"):
            make_key(parse_key_uri(uri), "Ed25519", nobody)
    with open_key(parse_key_uri(hsm.uri("single")), nobody) as key:
        assert key.public == public


def test_a_key_is_made_under_a_label(hsm: SoftHsm) -> None:
    with pytest.raises(Halted, match="hsm_uri_malformed"):
        make_key(parse_key_uri(f"pkcs11:token=works;id=a?module-path={hsm.module}"), "ES256", nobody)


def test_a_key_of_another_type_or_curve_is_told(hsm: SoftHsm) -> None:
    with hsm.session() as session:
        session.generate_keypair(KeyType.RSA, 2048, label="rsa", id=b"rsa", store=True)
        curve = {Attribute.EC_PARAMS: encode_named_curve_parameters("secp384r1")}
        session.generate_keypair(KeyType.EC, label="p384", id=b"p384", store=True, public_template=curve)
    why = refusal(hsm.uri("rsa"))
    assert (why.code, why.detail) == ("hsm_key_type", "it is of type RSA")
    why = refusal(hsm.uri("p384"))
    assert (why.code, why.detail) == ("hsm_key_type", "it is on the curve 06052b81040022")


@pytest.mark.parametrize("alg", ALGORITHMS)
@pytest.mark.parametrize(
    ("case", "points", "said"),
    [
        ("none", [], "there are 0"),
        ("two", [b"\x04\x20" + bytes(32), b"\x04\x20" + bytes(32)], "there are 2"),
        ("another length", [b"\x04\x1f" + bytes(31)], "its point is unsound"),
        ("nothing", [b"\x04\x00"], "its point is unsound"),
        ("of no curve", [b"\x04\x41\x04" + bytes(64)], "its point is unsound"),
        ("of small order", [b"\x04\x20\x01" + bytes(31)], "its point is unsound"),
    ],
)
def test_without_one_sound_public_half_there_is_no_key(
    hsm: SoftHsm, alg: Algorithm, case: str, points: list[bytes], said: str
) -> None:
    name = f"halved-{alg}-{case.replace(' ', '-')}"
    put(hsm, SigningKey.from_seed(alg, SEED), name, name.encode(), points=points)
    why = refusal(hsm.uri(name))
    assert why.code == "hsm_public_missing"
    assert said in why.detail


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_halves_that_do_not_belong_together_sign_nothing(hsm: SoftHsm, alg: Algorithm) -> None:
    name = f"mismatched-{alg}"
    put(hsm, SigningKey.from_seed(alg, SEED), name, name.encode(), points=[])
    put(hsm, SigningKey.from_seed(alg, bytes(32)), name, name.encode(), private=False)
    with open_key(parse_key_uri(hsm.uri(name)), nobody) as key, pytest.raises(Halted, match="hsm_signature_wrong"):
        key.sign(b"message")


def test_a_key_that_is_taken_away_signs_no_more(hsm: SoftHsm) -> None:
    uri = parse_key_uri(hsm.uri("taken"))
    make_key(uri, "ES256", nobody)
    with open_key(uri, nobody) as key:
        key.sign(b"message")
        with key._private.session.token.open(rw=True) as writing:
            for found in writing.get_objects({Attribute.LABEL: "taken"}):
                found.destroy()
        with pytest.raises(Halted, match="hsm_failed") as caught:
            key.sign(b"message")
    assert caught.value.advice


@pytest.fixture
def libraries(hsm: SoftHsm, tmp_path: Path) -> dict[str, Path | None]:
    (tmp_path / "text.so").write_text("no library")
    return {
        "none": None,
        "absent": tmp_path / "absent.so",
        "a folder": tmp_path,
        "relative": Path("libsofthsm2.so"),
        "text": tmp_path / "text.so",
        "of something else": Path(_pkcs11.__file__),
    }


@pytest.mark.parametrize("which", ["none", "absent", "a folder", "relative", "text", "of something else"])
def test_a_library_that_is_none_is_told(libraries: dict[str, Path | None], which: str) -> None:
    why = refusal("pkcs11:object=signing", module=libraries[which])
    assert why.code == "hsm_module_failed"
    assert "CADASTRE_PKCS11_MODULE" in why.advice


def test_the_library_may_be_given_beside_the_uri(hsm: SoftHsm) -> None:
    assert refusal("pkcs11:token=works;object=absent", module=Path(hsm.module)).code == "hsm_key_missing"


def test_without_the_extra_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pkcs11", None)
    why = refusal("pkcs11:object=signing?module-path=/usr/lib/any.so")
    assert why.code == "hsm_extra_missing"
    assert "cadastre[hsm]" in why.advice


def test_without_the_extra_all_else_goes_on() -> None:
    code = "import sys; sys.modules['pkcs11'] = None; import identity.pkcs11, identity.keyuri"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).resolve().parents[2])
