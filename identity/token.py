"""Tokens: who asks, said by themselves, for one request and no other.

Where not everybody may read, a reader signs a token with the key of a DID and sends it along (RFC 6750). It is a
compact JWS in the spelling of statements, of a type of its own, so that neither passes for the other:

    header   {"alg":"Ed25519","kid":"did:key:z6Mk…#z6Mk…","typ":"cadastre-token+jwt"}
    payload  {"aud":"<ledger>","exp":1760000060,"iat":1760000000,"iss":"did:key:z6Mk…","jti":"<22 letters>",
              "nonce":"<22 letters>"}                 and, if it is said, "for":"<party, DID or delegation>"

``aud`` binds it to one ledger, ``exp`` to a few minutes, ``jti`` to one use: whoever takes tokens refuses one it has
seen. ``nonce`` is what the service made up when it began (as in RFC 9449 section 8): since it remembers no tokens from
before, it takes none. ``for`` says for whom it is asked, where the key could ask for several. What a DID may do is no
matter of the token: the ledger knows. Which request it is for, a token does not say: whoever is sent one can use it
once, for any that its signer may make. So a key reads only from addresses that are trusted with that, and over TLS.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from identity import jws
from identity.canonical import b64encode
from identity.did import did_of
from identity.errors import Malformed, Problem, Unverifiable, declare
from identity.signer import StatementSigner

TYPE = "cadastre-token+jwt"
LIFETIME_S = 60  # of a token, if nothing else is asked for
LIFETIME_MAX_S = 300
SKEW_S = 60  # by so much a reader's clock may be ahead
NUMBER_BYTES = 16  # of jti and nonce
TOKEN_BYTES_MAX = 4_096

_NUMBER = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]")

declare(
    "malformed",
    token_malformed=("this is not a token", "send Authorization: Bearer TOKEN as docs/format.md has it"),
)
declare(
    "unverifiable",
    token_unsigned=("the token is not signed by the DID that it is from", "sign it with a key of iss"),
    token_elsewhere=("the token is for another ledger", "name this ledger in aud, as GET /v1/ledger gives it"),
    token_expired=("the token holds no more, not yet, or too long", "set the clock right and sign another"),
)


class Token(NamedTuple):
    """What a valid token says: who asks, until when it holds (POSIX seconds), its own number, the service's nonce.

    ``principal`` is the party, DID or delegation for which it is asked; None for whatever the key may ask for.

    ``key`` is the Multikey that signed it. Whether that speaks for ``iss`` at present, where ``iss`` is no did:key, is
    the ledger's question, too.
    """

    iss: str
    key: str
    exp: int
    jti: str
    nonce: str
    principal: str | None = None


def sign_token(
    key: StatementSigner,
    audience: str,
    nonce: str,
    now: int,
    number: bytes,
    lifetime: int = LIFETIME_S,
    principal: str | None = None,
) -> str:
    """A token of the key's did:key for this ledger, from ``now`` (POSIX seconds) on.

    ``nonce`` is the one that the service shows (``GET /v1/ledger``), ``number`` 16 random bytes.
    """
    claims = {"aud": audience, "exp": now + lifetime, "iat": now, "iss": did_of(key.public)}
    claims |= {"jti": b64encode(number), "nonce": nonce} | ({} if principal is None else {"for": principal})
    return jws.sign(claims, key, TYPE).decode()


def open_token(token: str, audience: str, now: int) -> Token:
    """The token, if it is whole, for this ledger, valid at ``now`` and signed by a key of its issuer.

    Left to the caller: that it was not seen before, and what its issuer may do. Raises ``token_malformed``,
    ``token_elsewhere``, ``token_expired`` or ``token_unsigned``. Cost: a verification of a signature.
    """
    signed, claims = _read(token)
    if claims["aud"] != audience:
        raise Unverifiable("token_elsewhere", f"aud is not {audience}", pointer="/payload/aud")
    iat, exp = claims["iat"], claims["exp"]
    if not (iat - SKEW_S <= now <= exp and 0 < exp - iat <= LIFETIME_MAX_S):
        detail = f"from {iat} to {exp}, at {now}; for at most {LIFETIME_MAX_S} s"
        raise Unverifiable("token_expired", detail, pointer="/payload/exp")
    if signed.kid.partition("#")[0] != claims["iss"]:
        raise Unverifiable("token_unsigned", f"kid does not belong to {claims['iss']}", pointer="/header/kid")
    try:
        jws.verify(signed)
    except Problem as wrong:
        raise Unverifiable("token_unsigned", str(wrong), pointer=wrong.pointer) from None
    return Token(claims["iss"], signed.kid.partition("#")[2], exp, claims["jti"], claims["nonce"], claims.get("for"))


def _read(token: str) -> tuple[jws.Signed, dict[str, Any]]:
    """The token and its claims: exactly those above, each of its type."""
    if len(token) > TOKEN_BYTES_MAX or not token.isascii():
        raise Malformed("token_malformed", f"not at most {TOKEN_BYTES_MAX} letters of ASCII")
    try:
        signed = jws.parse(token.encode(), TYPE)
    except Malformed as wrong:
        raise Malformed("token_malformed", str(wrong), pointer=wrong.pointer) from None
    for name in sorted(_CLAIMS.keys() | signed.claims.keys()):
        if type(signed.claims.get(name)) is not (str if name == "for" else _CLAIMS.get(name)):
            raise Malformed("token_malformed", pointer=f"/payload/{name}")
    for name in ("jti", "nonce"):
        if not _NUMBER.fullmatch(signed.claims[name]):
            raise Malformed("token_malformed", "16 bytes in base64url are asked for", pointer=f"/payload/{name}")
    return signed, signed.claims


_CLAIMS = {"aud": str, "exp": int, "iat": int, "iss": str, "jti": str, "nonce": str}
