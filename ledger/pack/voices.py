"""Who speaks for whom in a pack: which keys are whose, and what was delegated, by the acts that are in it.

Every act is looked at in its order. A key speaks for a party from the act by which it came (``party.joined``,
``party.rotated``, ``party.succeeded``, ``recovery.completed``) to the one by which it ended; of a did:webvh these are
the keys that the last line of the log in that act gives to ``assertionMethod``. An act under a delegation (``via``) is
the party's own if that delegation is here, was given by that party, to the DID whose key signed, and neither it nor one
that it goes back to was revoked before.

Not looked at, but taken from the ledger, whose rules an audit replays: the proofs, hashes and witnesses of log lines
(only that no line is left out between two that are here), that a DID which took over had consented, that enough
trustees meant a recovery and waited, and the bounds of delegations.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ledger.audit.verdict import Finding
from ledger.circulation.delegation import DelegationRevoked, PartyDelegated
from ledger.circulation.key import Compromise, KeyState, denies, doubts, first_keys
from ledger.circulation.party import PartyJoined, PartyRotated, PartySucceeded
from ledger.circulation.recovery import RecoveryCompleted, RecoveryOpened
from ledger.circulation.speaker import keys_named
from ledger.statement import Statement


@dataclass
class Voice:
    """A party: through which DIDs it spoke, the last of them last, by which keys, and how long its log is (0: none).

    ``told``: the last entry here that changed any of it.
    """

    dids: list[str]
    keys: list[KeyState]
    lines: int = 0
    told: int = 0

    def turn(self, spoken: _Spoken, compromised: Iterable[Compromise], index: int) -> None:
        """Let it speak so from an index on."""
        since = {one.key: one.since for one in compromised}
        for one in self.keys:
            if "ended" not in one and one["key"] not in spoken.keys:
                one["ended"] = index
            if one["key"] in since:
                one["compromised"] = min(since[one["key"]], one.get("compromised", since[one["key"]]))
        speaking = {one["key"] for one in self.keys if "ended" not in one}
        self.keys += first_keys((key for key in spoken.keys if key not in speaking), index)
        self.lines, self.told = spoken.lines, index
        if spoken.did != self.dids[-1]:
            self.dids.append(spoken.did)


@dataclass
class Mandate:
    """A delegation: the statement and the entry by which it was given, by which party, to which DID.

    ``chain``: ids of those it goes back to, the party's own first; ``revoked``: the entry that ended it;
    ``compromised``: the index from which acts under it are doubtful.
    """

    id: str
    given: Statement
    index: int
    party: str
    to: str
    chain: tuple[str, ...]
    revoked: int | None = None
    compromised: int | None = None


@dataclass(frozen=True)
class _Spoken:
    """How a DID speaks by what an act says of it."""

    did: str
    keys: list[str]
    lines: int = 0


@dataclass
class Voices:
    """What the acts of a pack come to. ``speaks``: DID -> the party that speaks, or spoke, through it."""

    parties: dict[str, Voice] = field(default_factory=dict)
    speaks: dict[str, str] = field(default_factory=dict)
    mandates: dict[str, Mandate] = field(default_factory=dict)
    _recoveries: dict[str, tuple[str, str]] = field(default_factory=dict)

    def take(self, statement: Statement, index: int) -> None:
        """See that the next act is signed by whose act it is, and let it take effect.

        Raises ``Finding``: ``pack_incomplete`` where what its key rests on is not here, ``pack_missigned`` where what
        is here says otherwise.
        """
        try:
            self._check(statement)
            self._fold(statement, index)
        except Finding as finding:
            raise Finding(finding.word, finding.reason, finding.detail, index=index) from None

    def under(self, statement: Statement) -> list[Mandate]:
        """The delegations under which an act was done, the party's own first."""
        mandate = self.mandates.get(statement.delegation() or "")
        return [] if mandate is None else [*(self.mandates[one] for one in mandate.chain), mandate]

    def key(self, statement: Statement, index: int) -> KeyState | None:
        """What became of the key that signed the act at an index; None for one that is no party's."""
        did, key = statement.key
        keys = self.parties[self.speaks[did]].keys if did in self.speaks else []
        return next((one for one in reversed(keys) if one["key"] == key and one["index"] <= index), None)

    def told(self, statement: Statement) -> list[tuple[str, int]]:
        """Whose act it is, whose key signed it, and whose keys gave what it was done under: each party with the last
        entry here that says how it speaks.
        """
        dids = (statement.claims.iss, statement.key[0], *(one.given.key[0] for one in self.under(statement)))
        parties = [self.speaks[did] for did in dids if did in self.speaks]
        return [(party, self.parties[party].told) for party in dict.fromkeys(parties)]

    def doubts(self, statement: Statement, index: int) -> bool:
        """Whether the key that signed the act at an index is said to be compromised since then or before."""
        key = self.key(statement, index)
        return key is not None and doubts([key], key["key"], index)

    def doubts_under(self, statement: Statement, index: int) -> bool:
        """Whether a delegation under which the act at an index was done is said to be compromised since then or before,
        or was given with a key that is.
        """
        chain = self.under(statement)
        over = any(one.compromised is not None and one.compromised <= index for one in chain)
        return over or any(self.doubts(one.given, one.index) for one in chain)

    # -- whose act it is -------------------------------------------------------------------------------------

    def _check(self, statement: Statement) -> None:
        if statement.claims.via is not None:
            self._check_mandate(statement)
        elif statement.body.SIGNER == "party":
            self._check_key(*statement.key)

    def _check_key(self, did: str, key: str) -> None:
        voice = self.parties[self._party(did)]
        if voice.dids[-1] != did:
            raise _missigned(f"{did} speaks for nobody any more")
        if (reason := denies(voice.keys, key)) == "key_not_of_issuer":
            raise _incomplete(f"by what {key} speaks for {did}")
        if reason is not None:
            raise _missigned(f"{key} speaks for nobody any more")

    def _check_mandate(self, statement: Statement) -> None:
        claims, (did, key) = statement.claims, statement.key
        if statement.body.PERSONAL:
            raise _missigned(f"{claims.kind} is done for nobody else")
        chain = self.under(statement)
        if not chain or chain[-1].given.id != claims.via:
            raise _incomplete(f"the delegation {claims.via}")
        if chain[-1].party != self._party(claims.iss):
            raise _missigned(f"the delegation is of {chain[-1].party}")
        if chain[-1].to != did:
            raise _missigned(f"the delegation was given to {chain[-1].to}")
        for one in chain:
            if one.revoked is not None:
                raise _missigned(f"{one.id} was revoked by entry {one.revoked}")
        if did in self.speaks or not did.startswith("did:key:"):
            self._check_key(did, key)

    def _party(self, did: str) -> str:
        if did not in self.speaks:
            raise _incomplete(f"where {did} joined")
        return self.speaks[did]

    # -- what comes of it ------------------------------------------------------------------------------------

    def _fold(self, statement: Statement, index: int) -> None:
        body, claims = statement.body, statement.claims
        if isinstance(body, PartyJoined):
            party, spoken = statement.opened["party"], _spoken(claims.body, claims.iss)
            self._speak(party, spoken, statement.key[1])
            self.parties[party] = Voice([claims.iss], first_keys(spoken.keys, index), spoken.lines, index)
        elif isinstance(body, PartyRotated):
            self._rotate(statement, body, index)
        elif isinstance(body, PartySucceeded):
            if self.speaks[claims.iss] != claims.sub:
                raise _missigned(f"{claims.iss} speaks for another party")
            spoken = _spoken(claims.body, body.did)
            self._speak(str(claims.sub), spoken)
            self.parties[str(claims.sub)].turn(spoken, body.compromised, index)
        elif isinstance(body, RecoveryOpened):
            self._recoveries[statement.opened["recovery"]] = body.party, body.did
        elif isinstance(body, RecoveryCompleted):
            self._recover(statement, body, index)
        elif isinstance(body, PartyDelegated):
            self._delegate(statement, body, index)
        elif isinstance(body, DelegationRevoked) and (mandate := self.mandates.get(str(claims.sub))) is not None:
            if mandate.party != self.speaks[claims.iss]:
                raise _missigned(f"the delegation is of {mandate.party}")
            if mandate.revoked is None:
                mandate.revoked, mandate.compromised = index, body.doubtful_from(index)

    def _speak(self, party: str, spoken: _Spoken, key: str | None = None) -> None:
        """A DID comes to speak, for nobody else; where it signs that itself, by a key that it is said to have."""
        if spoken.did in self.speaks:
            raise _missigned(f"{spoken.did} speaks for {self.speaks[spoken.did]}")
        if key is not None and key not in spoken.keys:
            raise _missigned(f"{key} is no key of {spoken.did}")
        self.speaks[spoken.did] = party

    def _rotate(self, statement: Statement, body: PartyRotated, index: int) -> None:
        """Other keys of the same log: who signs has one of before, or one of after."""
        issuer, party, key = statement.claims.iss, self._party(statement.claims.iss), statement.key[1]
        voice = self.parties[party]
        if party != statement.claims.sub or voice.dids[-1] != issuer:
            raise _missigned(f"{issuer} does not speak for {statement.claims.sub}")
        spoken = _spoken(statement.claims.body, None, voice.lines)
        if spoken.did.split(":")[:3] != issuer.split(":")[:3]:
            raise _missigned(f"the log is of {spoken.did}")
        if key not in spoken.keys and denies(voice.keys, key) is not None:
            raise _missigned(f"{key} speaks neither before nor after")
        if self.speaks.get(spoken.did) != party:  # a log may come back to where it was
            self._speak(party, spoken)
        voice.turn(spoken, body.compromised, index)

    def _recover(self, statement: Statement, body: RecoveryCompleted, index: int) -> None:
        opened = self._recoveries.get(str(statement.claims.sub))
        if opened is None or body.party not in self.parties:
            raise _incomplete("the opening of the recovery, or where its party joined")
        if opened != (body.party, statement.claims.iss):
            raise _missigned(f"the recovery is of {opened[0]}, for {opened[1]}")
        spoken = _spoken(statement.claims.body, statement.claims.iss)
        self._speak(body.party, spoken, statement.key[1])
        self.parties[body.party].turn(spoken, body.compromised, index)

    def _delegate(self, statement: Statement, body: PartyDelegated, index: int) -> None:
        id_, above = statement.opened["delegation"], self.under(statement)
        chain = tuple(one.id for one in above)
        self.mandates[id_] = Mandate(id_, statement, index, self.speaks[statement.claims.iss], body.to, chain)


def _spoken(body: Mapping[str, Any], did: str | None, lines: int = 0) -> _Spoken:
    """How a DID speaks by what an act states: a did:key by itself, else by the lines of a log, which go on here."""
    if did is not None and did.startswith("did:key:"):
        return _Spoken(did, [did.removeprefix("did:key:")])
    state: Any = None
    for line in body.get("log") or ():
        lines += 1
        version, state = line.get("versionId"), line.get("state")
        if not isinstance(version, str) or not version.startswith(f"{lines}-"):
            raise _incomplete(f"line {lines} of the log")
    named = state.get("id") if isinstance(state, dict) else None
    if not isinstance(named, str) or did not in (None, named):
        raise _missigned(f"no log of {did}")
    keys = [key for key in keys_named(named, state, "assertionMethod") if key.startswith(("z6Mk", "zDn"))]
    return _Spoken(named, keys, lines)


def _incomplete(what: str) -> Finding:
    return Finding("corrupt", "pack_incomplete", what)


def _missigned(why: str) -> Finding:
    return Finding("corrupt", "pack_missigned", why)
