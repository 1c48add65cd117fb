"""Who may read a ledger that its charter opens to members only: whoever proves by a token to be one (identity.token).

Members are the parties, by the keys that speak for them at present; those who act for one under a delegation that is in
force; the authorities that the charter recognises, and its governance. The ledger says who, no configuration does. A
token is good for one request. Which were spent is kept as long as they would hold; of those from before the service
began nobody knows, so each names what the service made up when it began.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from identity.token import LIFETIME_MAX_S, SKEW_S, Token, open_token
from ledger.circulation.charter import Ledger
from ledger.circulation.delegation import Delegation
from ledger.circulation.party import Party
from ledger.errors import Unavailable, Unverifiable, declare
from ledger.read import Reader
from ledger.world import State

LISTED_MAX = 100  # delegations to one DID that are looked at
SPENT_MAX = 200_000  # tokens remembered, of members only: some 40 MB

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
        now, key = int(self._clock()), (token.iss, token.jti)
        while self._order and self._order[0][0] < now:
            self._spent.discard(self._order.popleft()[1])
        if key in self._spent:
            raise Unverifiable("token_spent")
        if len(self._spent) >= SPENT_MAX:
            raise Unavailable("tokens_full", f"{SPENT_MAX} are remembered")
        self._spent.add(key)
        self._order.append((now + LIFETIME_MAX_S + SKEW_S, key))

    def _is_member(self, token: Token, charter: Ledger) -> bool:
        """Whether the key speaks for a party, or for somebody the charter names, or acts for a party."""
        did, key = token.iss, token.key
        holder = self._reader.store.lookup([("did", did)]).get(("did", did))
        if holder is not None:
            return _speaks(self._reader.subject(holder).state, did, key)
        if did in {charter.governance, *(authority["did"] for authority in charter.authorities)}:
            return True
        if any(_speaks(one.state, None, key) for one in self._reader.listed("party", "key", key, LISTED_MAX)):
            return True
        return any(self._acts(one.state) for one in self._reader.listed("delegation", "delegate", did, LISTED_MAX))

    def _acts(self, delegation: State) -> bool:
        """Whether a delegation holds at present, with all that it goes back to."""
        assert isinstance(delegation, Delegation)
        chain = [*(self._reader.subject(one).state for one in delegation.chain), delegation]
        now = int(self._clock())
        if not all(isinstance(one, Delegation) and one.holds(now) for one in chain):
            return False
        root, party = chain[0], self._reader.subject(delegation.party).state
        assert isinstance(root, Delegation)
        assert isinstance(party, Party)
        return not party.left and not party.doubts(root.key, root.opened)


def _speaks(party: State, did: str | None, key: str) -> bool:
    """Whether a key speaks for a party; as that DID, unless it is named by itself."""
    return isinstance(party, Party) and not party.left and party.denies(did or party.did, key) is None
