"""The judgement of an audit pack: what its bytes prove, by themselves and under a reader's policy.

Looked at in this order; the first that fails is the verdict, and the entry it concerns is named:

1. the data are one spelling of a pack of this version, and its checkpoint one of a checkpoint of its origin;
2. each entry, by index: one spelling of an entry of this origin, later than the one before it in the pack, linked to
   its neighbour where that is here; its statement of its form, addressed to this ledger and signed by a key of its
   issuer; a charter or amendment signed by governance, of rules that are known; what it says to have ``seen``, where
   that is here; its disclosures of private fields that it has; its bytes the leaf at its place under the root;
3. the entry that the pack is about is there; every act is signed by a key that speaks for its party, by the acts
   before it in the pack, or for whom a delegation there was given to (``ledger.pack.voices``); and no amendment is left
   out between two that are here;
4. of each subject of the pack, every act that advanced it is there, from the one that opened it to the last one here;
5. the checkpoint is signed by the log key that the charter has at its size, and by a key that the policy names for this
   log, if it names any: what a pack's own charter says of keys makes none of them believed;
6. no other checkpoint in the pack has its size and another root. The log has *diverged* only if a trusted key signed
   both: one that the policy names, or where it names none, the one in force;
7. the cosigners that the policy asks for have seen it, at no earlier time than that of the entries.

Not judged: whether later amendments or acts exist that the pack does not hold, those included that advanced its
subject or ended a key or a delegation, and whether each act was lawful where it stands, the lines of DID logs among
them. An audit of the whole ledger tells.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from identity import disclosure, jws
from identity.canonical import b64encode as b64url
from identity.note import Verifier, parse_note, parse_vkey
from ledger import circulation
from ledger.audit.verdict import Finding, Word
from ledger.circulation.charter import LedgerAmended, LedgerOpened, Limits
from ledger.errors import Malformed, Problem, Unavailable, Unverifiable, declare
from ledger.log.chain import Entry, audience_of, link_of, parse_entry
from ledger.log.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from ledger.log.cosignature import Seen, cosignatures
from ledger.log.merkle import EMPTY_ROOT, check_inclusion, leaf_hash
from ledger.log.policy import EMPTY, Policy, parse_policy
from ledger.pack.data import Pack, Piece, parse_data
from ledger.pack.voices import Voices
from ledger.statement import Statement, read
from ledger.world import RULES, SKEW_S

assert circulation  # imported for its kinds

declare(
    "corrupt",
    pack_incomplete=("the pack lacks an entry that it should have", "ask for it again, or fetch the entry yourself"),
    pack_misplaced=("an entry of the pack is not where it should be", "ask for the pack again"),
    pack_misaddressed=("a statement is addressed to another ledger", "do not rely on it"),
    pack_missigned=("an act is signed by somebody whose act it cannot be", "do not rely on it"),
    pack_seen_other=("a signer saw another entry than the one that is here", "keep the pack: one of the two is forged"),
)


@dataclass(frozen=True)
class Act:
    """An entry of a pack whose bytes hold by themselves. ``shown``: pointer within the body -> disclosed value."""

    entry: Entry
    statement: Statement
    link: bytes  # SHA-256 of its bytes
    shown: dict[str, Any] = field(default_factory=dict)

    def touches(self, subject: str) -> bool:
        """Whether it is about the subject, pins it or opens it."""
        claims = self.statement.claims
        return subject == claims.sub or subject in claims.prev or subject in self.statement.opened.values()


@dataclass(frozen=True)
class Judged:
    """What a pack comes to. ``index`` is the entry at fault, else the one that the pack is about."""

    word: Word
    size: int
    root: bytes  # 32 bytes
    index: int | None = None
    reason: str | None = None
    detail: str = ""
    acts: Sequence[Act] = ()  # those that hold
    seen: Sequence[Seen] = ()
    pack: Pack | None = None
    uncompared: Sequence[int] = ()  # sizes of checkpoints beside it that could not be compared
    voices: Voices = field(default_factory=Voices)  # whose keys are whose, by the acts that hold

    @property
    def proven(self) -> bool:
        return self.word in ("consistent", "witnessed")

    def line(self) -> str:
        """``pack: consistent  size=9 root=rKbD…83cs=  index=7``: the last line of every judgement."""
        named = {"index": self.index, "reason": self.reason}
        tail = " ".join(f"{name}={value}" for name, value in named.items() if value is not None)
        line = f"pack: {self.word}  size={self.size} root={b64encode(self.root).decode()}"
        return f"{line}  {tail}" if tail else line

    def remarks(self) -> list[str]:
        """What a verdict that proves does not say, in words."""
        found = [f"a checkpoint of size {size} beside it is not compared" for size in self.uncompared]
        if self.pack is not None and self.pack.subjects:
            found.append(LATEST)
        for act in self.acts:
            if act.entry.index != self.index:
                continue
            found += [TOLD.format(party=party, index=index) for party, index in self.voices.told(act.statement)]
            if self.voices.doubts(act.statement, act.entry.index):
                found.append(DOUBTFUL)
            chain = self.voices.under(act.statement)
            found += [UNREVOKED.format(delegation=one.id) for one in chain if one.revoked is None]
            if self.voices.doubts_under(act.statement, act.entry.index):
                found.append(DOUBTFUL_UNDER)
        return found


LATEST = "the latest acts on its subjects can have been left out: cadastre prove ID proves how each stands"

TOLD = (
    "the keys of {party} are told up to entry {index}: other entries that ended one, or declared it compromised, "
    "can have been left out"
)

DOUBTFUL = "the key that signed it is said to be compromised since then or before: it may have been somebody else"

UNREVOKED = "that {delegation} was revoked can have been left out: cadastre show {delegation}"

DOUBTFUL_UNDER = (
    "a delegation under which it was done is said to be compromised since then or before, or was given with a key that "
    "is: it may have been somebody else"
)

Roots = Callable[[int], bytes]
"""The root that the tree of a pack's checkpoint had at a smaller size, proven; raises ``Problem`` where it is not."""


def judge(data: bytes, policy: Policy | None = None, roots: Roots | None = None) -> Judged:
    """Judge the data of a pack; under its own policy, if it has one, unless the reader brings theirs.

    ``roots``: of whoever has the tree too, so that checkpoints of smaller sizes can be compared. Cost: one verification
    of a signature for each entry. Never raises for what the bytes are.
    """
    run = _Run(roots)
    try:
        run.read(data)
        run.check_entries()
        run.check_whole()
        run.check_subjects()
        seen, reason = run.check_checkpoint(policy)
    except Finding as finding:
        return run.judged(finding.word, finding.index, finding.reason, finding.detail)
    except Unavailable:  # who was asked for the tree
        raise
    except Problem as wrong:
        return run.judged("corrupt", wrong.index, wrong.code, wrong.detail or wrong.title)
    assert run.pack is not None
    return run.judged("consistent" if reason else "witnessed", run.pack.index, _told(reason), seen=seen)


def _is_signed(note: bytes, keys: Sequence[Verifier]) -> bool:
    """Whether one of these keys signed a checkpoint. Raises ``Problem`` where a line of one of them does not hold."""
    try:
        open_checkpoint(note, keys)
    except Unverifiable as unsigned:
        if unsigned.code != "note_unsigned":
            raise
        return False
    return True


def _told(reason: str | None) -> str | None:
    return reason if reason == "quorum_not_met" else None


class _Run:
    def __init__(self, roots: Roots | None) -> None:
        self.roots = roots
        self.uncompared: list[int] = []
        self.pack: Pack | None = None
        self.checkpoint: Checkpoint | None = None
        self.acts: dict[int, Act] = {}
        self.by_id: dict[str, int] = {}
        self.charter = _Charter()
        self.voices = Voices()

    def judged(
        self, word: Word, index: int | None, reason: str | None, detail: str = "", seen: Sequence[Seen] = ()
    ) -> Judged:
        at = self.checkpoint
        size, root = (at.size, at.root) if at else (0, EMPTY_ROOT)
        acts, uncompared = tuple(self.acts.values()), tuple(self.uncompared)
        return Judged(word, size, root, index, reason, detail, acts, seen, self.pack, uncompared, self.voices)

    # -- 1 ---------------------------------------------------------------------------------------------------

    def read(self, data: bytes) -> None:
        try:
            self.pack = parse_data(data)
        except Malformed as wrong:
            if wrong.code == "pack_newer":
                raise Finding("newer", wrong.code, wrong.detail) from None
            raise
        self.checkpoint = parse_checkpoint(parse_note(self.pack.checkpoint).text)
        if self.checkpoint.origin != self.pack.origin:
            raise Finding("corrupt", "pack_misplaced", f"{self.checkpoint.origin} signed it, not {self.pack.origin}")

    # -- 2 ---------------------------------------------------------------------------------------------------

    def check_entries(self) -> None:
        assert self.pack is not None
        before: Act | None = None
        for piece in self.pack.pieces:
            claimed = before.entry.index + 1 if before else 0
            try:
                entry = parse_entry(piece.entry)
                claimed = entry.index
                before = self._check_entry(piece, entry, before)
            except Finding:
                raise
            except Problem as wrong:
                raise Finding("corrupt", wrong.code, wrong.detail or wrong.title, index=claimed) from wrong

    def _check_entry(self, piece: Piece, entry: Entry, before: Act | None) -> Act:
        pack, checkpoint, index = self.pack, self.checkpoint, entry.index
        assert pack is not None
        assert checkpoint is not None
        if entry.origin != pack.origin:
            raise Finding("corrupt", "pack_misplaced", f"it is of {entry.origin}", index=index)
        if (before is None) != (index == 0):
            raise Finding("corrupt", "pack_misplaced", "the first entry of a pack is the charter", index=index)
        if before is not None:
            _check_after(entry, before)
        signed = jws.parse(entry.statement)
        jws.verify(signed)
        if "via" not in signed.claims and signed.kid.partition("#")[0] != signed.claims.get("iss"):
            raise Finding("corrupt", "pack_missigned", f"{signed.kid} signs for another", index=index)
        self.charter.check_rules(signed.claims, index)
        act = Act(entry, read(signed), link_of(piece.entry), _disclosed(signed.claims, piece))
        self._check_statement(act)
        check_inclusion(leaf_hash(piece.entry), index, checkpoint.size, piece.proof, checkpoint.root)
        self.acts[index] = act
        self.by_id[act.statement.id] = index
        return act

    def _check_statement(self, act: Act) -> None:
        index, claims = act.entry.index, act.statement.claims
        if act.statement.id in self.by_id:
            raise Finding("corrupt", "statement_repeated", f"it stands at {self.by_id[act.statement.id]}", index=index)
        self.charter.take(act)
        if claims.aud != (self.charter.audience if index else act.entry.origin):
            raise Finding("corrupt", "pack_misaddressed", f"to {claims.aud}", index=index)
        seen = act.statement.seen()
        if seen is not None and seen[0] in self.acts and self.acts[seen[0]].link != seen[1]:
            raise Finding("corrupt", "pack_seen_other", f"of entry {seen[0]}", index=index)

    # -- 3 and 4 ---------------------------------------------------------------------------------------------

    def check_whole(self) -> None:
        assert self.pack is not None
        if self.pack.index not in self.acts:
            raise Finding("corrupt", "pack_incomplete", "the entry it is about", index=self.pack.index)
        for index, act in self.acts.items():
            self.voices.take(act.statement, index)

    def check_subjects(self) -> None:
        assert self.pack is not None
        about = self.acts[self.pack.index]
        for subject in self.pack.subjects:
            if not about.touches(subject):
                raise Finding("corrupt", "pack_misplaced", f"{subject} is not its subject", index=self.pack.index)
            acts = [act for act in self.acts.values() if subject in act.statement.claims.prev]
            openings = [act for act in self.acts.values() if subject in act.statement.opened.values()]
            if not openings:
                raise Finding("corrupt", "pack_incomplete", f"the act that opened {subject}", index=self.pack.index)
            for act in acts:
                self._check_pin(subject, act, openings[0])

    def _check_pin(self, subject: str, act: Act, opening: Act) -> None:
        """What an act pins is here, before it, and itself opened or pinned the subject."""
        index = self.by_id.get(act.statement.claims.prev[subject])
        if index is None or index >= act.entry.index:
            raise Finding("corrupt", "pack_incomplete", f"what {subject} was last advanced by", index=act.entry.index)
        pinned = self.acts[index]
        if pinned is not opening and subject not in pinned.statement.claims.prev:
            raise Finding("corrupt", "pack_misplaced", f"it pins entry {index} for {subject}", index=act.entry.index)

    # -- 5 to 7 ----------------------------------------------------------------------------------------------

    def check_checkpoint(self, policy: Policy | None) -> tuple[Sequence[Seen], str | None]:
        """Who has seen the checkpoint, and why it is not witnessed, None if it is."""
        pack, checkpoint = self.pack, self.checkpoint
        assert pack is not None
        assert checkpoint is not None
        if policy is None:
            policy = EMPTY if pack.policy is None else parse_policy(pack.policy.encode())
        open_checkpoint(pack.checkpoint, [parse_vkey(self.charter.log_key)])
        open_checkpoint(pack.checkpoint, self.charter.verifiers())
        believed = policy.log_keys(pack.origin)
        if believed and not _is_signed(pack.checkpoint, believed):
            raise Finding(
                "corrupt", "log_key_unknown", "no key that the policy names for this log signed the checkpoint"
            )
        for note in pack.known:
            self._check_known(note, believed or self.charter.verifiers())
        if policy.quorum is None:
            return (), "quorum_none"
        seen = cosignatures(pack.checkpoint, [witness.verifier for witness in policy.witnesses.values()])
        fitting = [one for one in seen if self._first_later(one.time) is None]
        if policy.is_met(seen) and not policy.is_met(fitting):
            index = self._first_later(min(one.time for one in seen))
            raise Finding("corrupt", "entry_time_beyond", "witnesses had seen it before", index=index)
        return seen, None if policy.is_met(fitting) else "quorum_not_met"

    def _check_known(self, note: bytes, trusted: Sequence[Verifier]) -> None:
        assert self.checkpoint is not None
        other = open_checkpoint(note, self.charter.ever())
        if other.size == self.checkpoint.size:
            root = self.checkpoint.root
        elif other.size < self.checkpoint.size and self.roots is not None:
            root = self.roots(other.size)
        else:
            self.uncompared.append(other.size)
            return
        if other.root == root:
            return
        if _is_signed(note, trusted):
            raise Finding("diverged", "checkpoint_other", f"at size {other.size} it signed another root")
        detail = f"a key that is not trusted signed another root at size {other.size}"
        raise Finding("corrupt", "checkpoint_other", detail)

    def _first_later(self, seen: int) -> int | None:
        latest = (seen + 1 + SKEW_S + self.charter.clock) * 1_000_000
        return next((index for index, act in self.acts.items() if act.entry.time > latest), None)


class _Charter:
    """What the charter's acts in a pack come to, as of the last of them."""

    def __init__(self) -> None:
        self.governance = self.service = self.audience = ""
        self.clock = 0
        self.log_keys: list[str] = []
        self.mldsa_keys: list[str] = []
        self._last = self._ledger = ""

    @property
    def log_key(self) -> str:
        return self.log_keys[-1]

    def verifiers(self) -> list[Verifier]:
        """The keys in force, both of which sign what is published."""
        return [parse_vkey(vkey) for vkey in (self.log_key, *self.mldsa_keys[-1:])]

    def ever(self) -> list[Verifier]:
        """All keys that were ever the log's."""
        return [parse_vkey(vkey) for vkey in dict.fromkeys((*self.log_keys, *self.mldsa_keys))]

    def check_rules(self, claims: dict[str, Any], index: int) -> None:
        """Raises ``Finding`` (newer) where governance, whose signature is verified, goes over to unknown rules."""
        body = claims.get("body")
        if claims.get("kind") != (LedgerAmended.NAME if index else LedgerOpened.NAME) or not isinstance(body, dict):
            return
        governance = self.governance if index else body.get("governance")
        rules = body.get("rules")
        if claims.get("iss") == governance and type(rules) is int and rules > RULES:
            raise Finding("newer", "rules_unknown", f"rules version {rules}; the newest known is {RULES}", index=index)

    def take(self, act: Act) -> None:
        """Fold a charter or amendment; check who signs what only governance or the service may."""
        statement, index = act.statement, act.entry.index
        body, issuer = statement.body, statement.claims.iss
        if (index == 0) != isinstance(body, LedgerOpened):
            raise Finding("corrupt", "pack_misplaced", "entry 0 alone is the charter", index=index)
        if isinstance(body, LedgerOpened):
            self.governance, self.service, self._ledger = body.governance, body.service, statement.opened["ledger"]
            self.audience = f"{act.entry.origin}#{b64url(act.link)}"
            self._amend(body, statement.id, body.limits)
        allowed = {"governance": self.governance, "service": self.service}.get(body.SIGNER, issuer)
        if issuer != allowed:
            raise Finding("corrupt", "pack_missigned", f"{statement.claims.kind} by {issuer}", index=index)
        if isinstance(body, LedgerAmended):
            if statement.claims.prev.get(self._ledger) != self._last:
                raise Finding("corrupt", "pack_incomplete", "an amendment before this one", index=index)
            self.service = body.service or self.service
            self._amend(body, statement.id, body.limits)

    def _amend(self, body: LedgerOpened | LedgerAmended, id_: str, limits: Limits | None) -> None:
        if limits is not None:
            self.clock = limits.clock
        if body.logKey is not None:
            self.log_keys.append(body.logKey)
        if body.mldsaKey is not None:
            self.mldsa_keys.append(body.mldsaKey)
        self._last = id_


def _check_after(entry: Entry, before: Act) -> None:
    index = entry.index
    if index <= before.entry.index:
        raise Finding("corrupt", "pack_misplaced", f"it stands after entry {before.entry.index}", index=index)
    if entry.time <= before.entry.time:
        raise Finding("corrupt", "entry_time_wrong", f"not later than entry {before.entry.index}", index=index)
    if index == before.entry.index + 1 and entry.link != before.link:
        raise Finding("corrupt", "entry_link_wrong", f"it does not link to entry {index - 1}", index=index)


def _disclosed(claims: dict[str, Any], piece: Piece) -> dict[str, Any]:
    if not piece.disclosures:
        return {}
    fields = disclosure.hidden(claims.get("body", {}), pointer="")
    disclosure.reveal(claims.get("body", {}), piece.disclosures)
    return {fields[disclosure.digest(one)]: disclosure.show(one) for one in piece.disclosures}


def digest_of_charter(judged: Judged) -> str:
    """``<origin>#<base64url SHA-256 of entry 0>``: the ledger that every statement of the pack names."""
    assert judged.pack is not None
    return audience_of(judged.pack.origin, judged.pack.pieces[0].entry)
