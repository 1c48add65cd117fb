"""Who may read a ledger that its charter opens to members only: whoever proves by a token to be one (identity.token).

Members are the parties, by the keys that speak for them at present; those who act for one under a delegation that is in
force; the authorities that the charter recognises, and its governance. The ledger says who, no configuration does. A
token is good for one request. Which were spent is kept as long as they would hold; of those from before the service
began nobody knows, so each names what the service made up when it began.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable

from identity.token import LIFETIME_MAX_S, SKEW_S, Token, open_token
from ledger.circulation.charter import Ledger
from ledger.errors import Unavailable, Unverifiable, declare
from ledger.read import Reader
from ledger.sight import askers

SPENT_MAX = 200_000  # tokens remembered, of members only: some 40 MB
SPENT_EACH = 100_000  # of one DID: 277 a second, so that none alone uses up what all have

declare(
    "unverifiable",
    readers_members=(
        "this ledger shows its entries to members only",
        "prove to be one by a token: cadastre COMMAND --as KEY; checkpoints, kinds and refusals are open to everybody",
    ),
    token_spent=("the token was used before", "sign another for each request"),
    token_stale=("the token names another nonce than the service's", "take tokenNonce of GET /v1/ledger anew"),
    reader_unknown=("the DID that the token is from is no member here", "join the ledger, or read with a member's key"),
)
declare("service", tokens_full=("more tokens were used than the service remembers", "ask again in a minute"))

SCHEME = "bearer "


class Members:
    """The door for readers of one ledger. ``clock`` gives POSIX seconds. For one event loop.

    ``nonce``, which tokens must name, is of this run of the service alone: 16 random bytes, base64url.
    """

    def __init__(self, reader: Reader, audience: str, nonce: str, clock: Callable[[], float]) -> None:
        self.nonce = nonce
        self._reader = reader
        self._audience = audience
        self._clock = clock
        self._spent: set[tuple[str, str]] = set()
        self._order: deque[tuple[int, tuple[str, str]]] = deque()  # when it may be forgotten, and which
        self._each: Counter[str] = Counter()  # how many of each key

    def verify(self, authorization: str | None, charter: Ledger) -> Token:
        """The token in an Authorization header, if a member has signed it. Any thread may ask.

        Raises what ``open_token`` raises, ``readers_members`` where there is none, ``token_stale``, ``reader_unknown``.
        Cost: a verification of a signature and a few look-ups.
        """
        if authorization is None or not authorization.lower().startswith(SCHEME):
            raise Unverifiable("readers_members")
        token = open_token(authorization[len(SCHEME) :].strip(), self._audience, int(self._clock()))
        if token.nonce != self.nonce:
            raise Unverifiable("token_stale")
        if not self._is_member(token, charter):
            raise Unverifiable("reader_unknown", token.iss)
        return token

    def spend(self, token: Token) -> None:
        """Take the token for one request. Raises ``token_spent``, and ``Unavailable`` (``tokens_full``)."""
        now, key = int(self._clock()), (token.key, token.jti)
        while self._order and self._order[0][0] < now:
            self._forget(self._order.popleft()[1])
        if key in self._spent:
            raise Unverifiable("token_spent")
        if len(self._spent) >= SPENT_MAX:
            raise Unavailable("tokens_full", f"{SPENT_MAX} are remembered")
        if self._each[token.key] >= SPENT_EACH:
            raise Unavailable("tokens_full", f"{SPENT_EACH} of this key are remembered")
        self._spent.add(key)
        self._each[token.key] += 1
        self._order.append((now + LIFETIME_MAX_S + SKEW_S, key))

    def _forget(self, key: tuple[str, str]) -> None:
        self._spent.discard(key)
        self._each[key[0]] -= 1
        if not self._each[key[0]]:
            del self._each[key[0]]

    def _is_member(self, token: Token, charter: Ledger) -> bool:
        """Whether the key speaks for a party, or for somebody the charter names, or acts for a party."""
        now = int(self._clock())
        if any(True for _ in askers(self._reader, token.iss, token.key, now, token.principal)):
            return True
        named = {charter.governance, *(authority["did"] for authority in charter.authorities)}
        return token.iss in named and token.iss == f"did:key:{token.key}"
