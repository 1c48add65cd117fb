"""Tokens: what one says, and everything that is none."""

from __future__ import annotations

from typing import Any

import pytest

from identity import jws
from identity.did import did_of, kid_of, multibase_of
from identity.errors import Malformed, Problem, Unverifiable
from identity.keys import SigningKey
from identity.token import LIFETIME_MAX_S, SKEW_S, TYPE, open_token, sign_token

NOW = 1_760_000_000
AUDIENCE = "cast.example/ledger#" + "A" * 43
KEY = SigningKey.from_seed("Ed25519", bytes(32))
OTHER = SigningKey.from_seed("ES256", bytes(31) + b"\1")
NUMBER, NONCE = bytes(range(16)), "EBESExQVFhcYGRobHB0eHw"


def claims(**changes: Any) -> dict[str, Any]:
    said = {
        "aud": AUDIENCE,
        "exp": NOW + 60,
        "iat": NOW,
        "iss": did_of(KEY.public),
        "jti": "AAECAwQFBgcICQoLDA0ODw",
    } | {"nonce": NONCE}
    return {name: value for name, value in (said | changes).items() if value is not ...}


def refusal(token: str, now: int = NOW) -> str:
    with pytest.raises(Problem) as refused:
        open_token(token, AUDIENCE, now)
    assert isinstance(refused.value, Malformed | Unverifiable)
    return refused.value.code


@pytest.mark.parametrize("key", [KEY, OTHER], ids=["Ed25519", "ES256"])
def test_a_token_says_who_asks_from_when_until_when_and_once(key: SigningKey) -> None:
    token = open_token(sign_token(key, AUDIENCE, NONCE, NOW, NUMBER), AUDIENCE, NOW)
    assert token == (did_of(key.public), multibase_of(key.public), NOW + 60, "AAECAwQFBgcICQoLDA0ODw", NONCE, None)
    for_ = sign_token(key, AUDIENCE, NONCE, NOW, NUMBER, principal="did:key:z6Mk")
    assert open_token(for_, AUDIENCE, NOW) == token._replace(principal="did:key:z6Mk")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"aud": "cast.example/ledger"}, "token_elsewhere"),
        ({"aud": AUDIENCE + "A"}, "token_elsewhere"),
        ({"aud": [AUDIENCE]}, "token_malformed"),
        ({"iss": did_of(OTHER.public)}, "token_unsigned"),
        ({"iss": ...}, "token_malformed"),
        ({"exp": NOW + LIFETIME_MAX_S + 1}, "token_expired"),
        ({"exp": NOW - 1}, "token_expired"),
        ({"exp": NOW, "iat": NOW}, "token_expired"),
        ({"exp": True}, "token_malformed"),
        ({"iat": ...}, "token_malformed"),
        ({"jti": "short"}, "token_malformed"),
        ({"for": None}, "token_malformed"),
        ({"for": ["party"]}, "token_malformed"),
        ({"jti": "AAECAwQFBgcICQoLDA0ODx"}, "token_malformed"),
        ({"nonce": ...}, "token_malformed"),
        ({"nonce": "of another length"}, "token_malformed"),
        ({"scope": "all"}, "token_malformed"),
    ],
)
def test_what_says_anything_else_is_refused(changes: dict[str, Any], code: str) -> None:
    assert refusal(jws.sign(claims(**changes), KEY, TYPE).decode()) == code


def test_it_holds_from_a_minute_before_it_was_signed_to_its_last_second() -> None:
    token = sign_token(KEY, AUDIENCE, NONCE, NOW, NUMBER, LIFETIME_MAX_S)
    for now in (NOW - SKEW_S, NOW, NOW + LIFETIME_MAX_S):
        open_token(token, AUDIENCE, now)
    for now in (NOW - SKEW_S - 1, NOW + LIFETIME_MAX_S + 1):
        assert refusal(token, now) == "token_expired"


def test_a_flipped_letter_is_found_wherever_it_is() -> None:
    token = sign_token(KEY, AUDIENCE, NONCE, NOW, NUMBER)
    for at, letter in enumerate(token):
        other = "A" if letter != "A" else "B"
        assert refusal(token[:at] + other + token[at + 1 :]).startswith("token_"), at


@pytest.mark.parametrize("text", ["", "a", "a.b.c", "é" * 10, "A" * 5_000, "..", "\n"])
def test_what_is_no_token_at_all_is_malformed(text: str) -> None:
    assert refusal(text) == "token_malformed"


def test_a_statement_is_no_token_and_a_token_no_statement() -> None:
    assert refusal(jws.sign(claims(), KEY).decode()) == "token_malformed"
    with pytest.raises(Malformed, match="header_malformed"):
        jws.parse(sign_token(KEY, AUDIENCE, NONCE, NOW, NUMBER).encode())


def test_the_key_is_of_the_did_it_is_from() -> None:
    token = sign_token(OTHER, AUDIENCE, NONCE, NOW, NUMBER)
    assert kid_of(OTHER.public).startswith(open_token(token, AUDIENCE, NOW).iss)
