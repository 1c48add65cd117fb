"""The world: what the rules see. State of subjects in, an act, a verdict and the changed state out; nothing else.

``World.admit`` is the one place where an act is judged and takes effect. The writer uses it with the subjects it
fetched for a batch, the auditor with a world it built from nothing: the same rules on the same inputs, so their
verdicts agree. No clock, no store and no key is in reach here; time is the entry's own.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any, ClassVar, Generic, Protocol, TypeVar, cast

import orjson

from identity.instant import format_instant
from ledger.errors import Refused, declare
from ledger.statement import Kind, Stated, Statement, stated_in

RULES = 1
"""The newest rules version this software knows. ``ledger.amended`` raises a ledger's version; never beyond this."""

SKEW_S = 60
"""Seconds by which a signer's clock may run ahead of the ledger's (design section 3, ``iat``)."""

declare(
    "rule",
    ledger_not_open=("the first entry of a ledger is its charter", "open it with: cadastre init"),
    audience_wrong=(
        "the statement was made for another ledger",
        "sign with this ledger's audience, as GET /v1/ledger or cadastre sign --ledger URL has it",
    ),
    kind_not_yet=("the kind is not in force on this ledger", "wait for the charter to be amended to its rules version"),
    act_not_yet_valid=("the statement is dated in the future", "set the signer's clock right and sign again"),
    act_expired=("the statement has expired", "sign it again with a later exp"),
    act_valid_too_long=("exp lies further from iat than the charter allows", "sign it again with an earlier exp"),
    key_not_of_issuer=("the signing key does not belong to the issuer", "sign with a key of iss"),
    key_retired=("the signing key was replaced", "sign with a key that speaks for the party: cadastre show DID"),
    key_compromised=("the signing key was declared compromised", "sign with a key that speaks for the party"),
    did_succeeded=("the party speaks through another DID", "sign as that DID: cadastre show DID"),
    party_left=("the party has left the ledger", "join again under another DID"),
    delegation_unknown=("no delegation with this id is in force", "sign with a key of the issuer, without via"),
    delegation_doubtful=(
        "the delegation was given with a key that others may have had by then",
        "ask the party for another, given with a key that speaks for it",
    ),
    delegation_of_another=("the delegation was given by another party", "name in iss the party that gave it"),
    key_not_of_delegate=("the signing key does not belong to the delegate", "sign with a key of whom it was given to"),
    act_personal=("this act is nobody's to do for another", "sign it with a key of the issuer, without via"),
    signer_not_service=("only the service key of the charter may sign this", "the service signs it by itself"),
    signer_not_governance=("only the governance key of the charter may sign this", "sign with the governance key"),
    credential_demanded=(
        "the charter demands a credential of whoever does this",
        "have one recorded by an issuer that counts: issuers and demands of cadastre show LEDGER",
    ),
    party_known=("this DID speaks for a party already", "use the party it speaks for: cadastre show DID"),
    party_unknown=("no party speaks through this DID", "join first: cadastre join --name NAME --as KEY"),
    subject_unknown=("no such subject on this ledger", "check the id: cadastre search, cadastre show ID"),
    pin_stale=("another act came first", "read the subject's last act, decide again and sign with it in prev"),
    entry_not_yet=("the ledger has no such entry yet", "name one that is recorded: cadastre history ID"),
    seen_ahead=("seen names an entry this ledger does not have", "compare both copies: this may be a fork"),
    seen_forked=("seen names another entry than this ledger has there", "keep your copy: this is evidence of a fork"),
)


class Charter(Protocol):
    """What the world reads of the charter; the noun itself is in ``circulation.charter``."""

    @property
    def rules(self) -> int: ...
    @property
    def governance(self) -> str: ...
    @property
    def service(self) -> str: ...
    @property
    def validity(self) -> int: ...
    @property
    def demands(self) -> Sequence[Any]: ...
    def lacking(self, kind: str, held: Sequence[Any], seconds: int) -> str | None:
        """What is demanded for acts of a kind and not among the credentials ``held`` at a time; None if nothing is."""


class Speaker(Protocol):
    """What the world reads of a party; the noun itself is in ``circulation.party``."""

    @property
    def left(self) -> bool: ...
    @property
    def credentials(self) -> Sequence[Any]: ...
    def denies(self, did: str, key: str) -> str | None:
        """The code of the reason why a key, named so under this DID, does not speak for the party; None if it does."""

    def doubts(self, key: str, index: int) -> bool:
        """Whether somebody else may have signed with a key of the party what stands at an index."""


class Mandate(Protocol):
    """What the world reads of a delegation; the noun itself is in ``circulation.delegation``.

    ``chain`` are the ids of the delegations it goes back to, the party's own first; ``key``, ``giver`` and ``opened``
    are the key that it was signed with, the party that this key spoke for (None for one that was no party's), and the
    index of its entry.
    """

    @property
    def key(self) -> str: ...
    @property
    def giver(self) -> str | None: ...
    @property
    def opened(self) -> int: ...
    @property
    def party(self) -> str: ...
    @property
    def to(self) -> str: ...
    @property
    def act(self) -> str: ...
    @property
    def chain(self) -> Sequence[str]: ...
    def denies(self, statement: Statement, on: State | None, seconds: int) -> tuple[str, str] | None:
        """Code and detail of the reason why it does not cover an act at a time; None if it does.

        ``on`` is the state of what the act goes on with.
        """


S = TypeVar("S", bound="State")
K = TypeVar("K", bound=Kind)

STATES: dict[str, type[State]] = {}


@dataclass(frozen=True)
class State:
    """Base of what is known of a subject: a frozen dataclass of plain JSON values, spelled as on the wire.

    A field that comes with a later rules version has a default and says since when: ``metadata={"since": 2}``. At its
    default it is left out of the bytes, so the oldest state still reads, and replays to the bytes it had.
    ``lookups`` and ``words`` are pure functions of the state: finding a subject needs no bookkeeping of its own.
    ``UNIQUE`` names the look-ups that rules may use; one of those never leads to two subjects. ``PROVEN`` names those
    whose lists the state map proves (``ledger.statemap``): what answers who and which, each with the form of its values
    (``ledger.values.is_of``). It is part of what a root commits to, so it never changes for a type that there is.
    """

    TYPE: ClassVar[str] = ""
    UNIQUE: ClassVar[tuple[str, ...]] = ()
    PROVEN: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(cls, *, of: str, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if of in STATES:
            raise ValueError(f"state declared twice: {of}")
        cls.TYPE = of
        STATES[of] = cls

    def lookups(self) -> Iterable[tuple[str, str]]:
        """The (name, value) pairs under which this subject is listed."""
        return ()

    def words(self) -> Iterable[str]:
        """The words under which this subject is found by search (``ledger.words``)."""
        return ()

    def sees(self) -> Iterable[str]:
        """Ids of the parties who see what others of them state in private about this subject; nobody unless it says."""
        return ()

    def encode(self) -> bytes:
        """Canonical JSON (RFC 8785 on the subset of design section 3)."""
        shown, added = self.__dict__, self._added()
        if added:
            shown = {name: value for name, value in shown.items() if name not in added or value != added[name]}
        return orjson.dumps(shown, option=orjson.OPT_SORT_KEYS)

    @classmethod
    @cache
    def _added(cls) -> dict[str, Any]:
        """The fields that came with a later rules version, and their defaults."""
        return {one.name: one.default for one in fields(cls) if "since" in one.metadata}


def decode_state(type_: str, data: bytes) -> State:
    """The state stored as ``data``. Fields absent there take their declared defaults."""
    cls = STATES[type_]
    state = object.__new__(cls)
    state.__dict__.update(orjson.loads(data))
    return state


@dataclass(frozen=True, slots=True)
class Subject:
    """A subject as the world holds it.

    ``no`` counts subjects in the order they were opened, from 0. ``index`` is the entry that last changed the state,
    ``last`` the statement id of the act that last advanced it: what the next ``prev`` must name.
    """

    id: str
    no: int
    index: int
    last: str
    state: State

    @property
    def type(self) -> str:
        return self.state.TYPE


@dataclass(frozen=True, slots=True)
class Act(Generic[K]):
    """What a rule may know of an act: its author, body and place. ``time`` is the entry's, in microseconds.

    ``shown`` is for what ``check`` found out at some cost and ``fold``, which follows it at once, needs again.
    """

    statement: Statement
    body: K
    index: int
    time: int
    party: str
    shown: dict[str, Any] = field(default_factory=dict, compare=False)

    @property
    def id(self) -> str:
        return self.statement.id

    @property
    def iss(self) -> str:
        return self.statement.claims.iss

    @property
    def seconds(self) -> int:
        """The entry's time in whole POSIX seconds."""
        return self.time // 1_000_000

    @property
    def sub(self) -> str:
        """The subject the act is about: the one it names, or the one it opens."""
        return self.statement.claims.sub or self.statement.opened[self.body.OPENS[0]]

    @property
    def via(self) -> str | None:
        """The delegation under which the act was done; None for the party's own."""
        return self.statement.delegation()

    @property
    def continues(self) -> bool:
        """Whether the act goes on with an existing subject (rather than opening one)."""
        return self.statement.claims.sub is not None

    def opens(self, type_: str) -> str:
        """The id of the subject of this type that the act opens."""
        return self.statement.opened[type_]


@dataclass(slots=True)
class Change:
    """What one admitted act did: each changed subject before (None if opened) and after, and all it mentions."""

    subject: str  # what the act was about
    changed: list[tuple[Subject | None, Subject]] = field(default_factory=list)
    mentioned: list[int] = field(default_factory=list)  # numbers (``Subject.no``) of touched subjects, ascending


class World:
    """The state the rules see. ``complete`` worlds hold the whole ledger; others only what was loaded into them."""

    def __init__(self, origin: str, *, complete: bool = False) -> None:
        self.origin = origin
        self.size = 0  # entries admitted
        self.count = 0  # subjects opened
        self.ledger: str | None = None  # id of the charter's subject
        self.audience = origin  # what statements must be addressed to; the charter itself to the bare origin
        self._complete = complete
        self._subjects: dict[str, Subject | None] = {}
        self._found: dict[tuple[str, str], str | None] = {}  # unique look-ups: ("did", DID) -> party id
        self._hashes: dict[int, bytes] = {}
        self._stated: dict[int, Stated | None] = {}  # index -> what the entry says in private
        self._open: set[str] = set()  # subjects the act at hand may see
        self._advanced: dict[str, str] = {}  # those of them it advances -> its statement id
        self._change = Change("")

    # -- what the writer or auditor puts in ------------------------------------------------------------------

    def load(self, subject_id: str, subject: Subject | None) -> None:
        """Make a subject known, or its absence. What the world has already is newer and stays."""
        self._subjects.setdefault(subject_id, subject)

    def load_found(self, name: str, value: str, subject_id: str | None) -> None:
        """Make known which one subject has this look-up key, or that none has."""
        self._found.setdefault((name, value), subject_id)

    def load_hash(self, index: int, digest: bytes) -> None:
        """Make known the SHA-256 of the entry at an index, for ``seen`` claims."""
        self._hashes[index] = digest

    def load_stated(self, index: int, stated: Stated | None) -> None:
        """Make known what the entry at an index says in private, None if nothing."""
        self._stated.setdefault(index, stated)

    def opened(self, charter_hash: bytes) -> None:
        """From the charter on, statements are addressed to ``origin#hash`` of entry 0: this ledger, no namesake."""
        digest = base64.urlsafe_b64encode(charter_hash).rstrip(b"=").decode()
        self.audience = f"{self.origin}#{digest}"

    def forget(self) -> None:
        """Let go of what was loaded, the charter aside; it can be loaded again."""
        kept = {self.ledger: self._subjects[self.ledger]} if self.ledger is not None else {}
        self._subjects, self._found, self._hashes, self._stated = dict(kept), {}, {}, {}

    @property
    def loaded(self) -> int:
        """How many subjects, look-ups, hashes and entries are held, absent ones included: what a writer must bound."""
        return len(self._subjects) + len(self._found) + len(self._hashes) + len(self._stated)

    @property
    def has_charter(self) -> bool:
        return self.ledger is not None and self._subjects.get(self.ledger) is not None

    def knows(self, subject_id: str) -> bool:
        return self._complete or subject_id in self._subjects

    def knows_found(self, name: str, value: str) -> bool:
        return self._complete or (name, value) in self._found

    def knows_stated(self, index: int) -> bool:
        return self._complete or index in self._stated

    def givers(self, delegation: str) -> Sequence[str]:
        """The ids of the parties that gave a delegation and those it goes back to, all of which the world knows."""
        mandates = [self._mandate(one) for one in (*self.chain(delegation), delegation)]
        return [one.giver for one in mandates if one is not None and one.giver is not None]

    def chain(self, delegation: str) -> Sequence[str]:
        """The ids of the delegations that one goes back to; none where there is no such delegation."""
        mandate = self._mandate(delegation)
        return () if mandate is None else mandate.chain

    def subjects(self) -> Iterable[Subject]:
        return (subject for subject in self._subjects.values() if subject is not None)

    # -- what rules read -------------------------------------------------------------------------------------

    @property
    def charter(self) -> Charter:
        """The charter in force."""
        assert self.ledger is not None
        return cast(Charter, self._need(self.ledger).state)

    def party(self, did: str) -> str | None:
        """Id of the party that speaks, or once spoke, through this DID at this index; None if there is none."""
        return self.found("did", did)

    def found(self, name: str, value: str) -> str | None:
        """Id of the one subject listed under a unique look-up, or None. ``LookupError`` if the act did not say so."""
        key = (name, value)
        if not self._complete and key not in self._found:
            raise LookupError(f"{name} {value} was not loaded")
        return self._found.get(key)

    def get(self, state: type[S], subject_id: str) -> S:
        """The state of a touched subject. Raises ``Refused("subject_unknown")`` if there is none of this type."""
        found = self.find(subject_id)
        if found is None or not isinstance(found.state, state):
            raise Refused("subject_unknown", f"there is no {state.TYPE} {subject_id}", subject=subject_id)
        return found.state

    def find(self, subject_id: str) -> Subject | None:
        """The subject, or None. Reading one the act did not declare in ``touches`` is our mistake: ``LookupError``."""
        if subject_id not in self._open:
            raise LookupError(f"{subject_id} is read but not touched")
        if not self._complete and subject_id not in self._subjects:
            raise LookupError(f"{subject_id} was not loaded")
        return self._subjects.get(subject_id)

    def stated(self, index: int) -> Stated | None:
        """What the entry at an index, which the act ``regards``, says in private; None if nothing.

        Raises ``Refused`` (``entry_not_yet``), and ``LookupError`` if it was not loaded.
        """
        if index >= self.size:
            raise Refused("entry_not_yet", f"the ledger has {self.size} entries", index=index)
        if not self._complete and index not in self._stated:
            raise LookupError(f"entry {index} was not loaded")
        return self._stated.get(index)

    # -- what folds write ------------------------------------------------------------------------------------

    def put(self, subject_id: str, state: State) -> None:
        """Give a touched or opened subject this state."""
        before = self.find(subject_id)
        last = self._advanced.get(subject_id)
        if before is None:
            assert subject_id.startswith(f"{state.TYPE}_")
            after = Subject(subject_id, self.count, self.size, last or "", state)
            self.count += 1
        else:
            after = Subject(subject_id, before.no, self.size, last or before.last, state)
        self._set(before, after)

    # -- the one way in --------------------------------------------------------------------------------------

    def admit(self, statement: Statement, time: int) -> Change:
        """Judge a verified statement as the next entry, at ``time`` (microseconds), and let it take effect.

        The caller has seen to it that no entry holds this statement already (its id tells): the writer answers with
        that entry, the audit calls it corrupt. Raises ``Refused`` and changes nothing, or returns what changed. Cost:
        tens of microseconds.
        """
        act = self._judge(statement, time)
        change = self._change = Change(act.sub)
        advanced = (*statement.opened.values(), *act.body.advances(statement.claims.sub))
        self._advanced = dict.fromkeys(advanced, statement.id)
        act.body.fold(self, act)
        for name in advanced:  # what the fold left as it was
            if (subject := self._need(name)).last != statement.id:
                self.put(name, subject.state)
        if act.sub != self.ledger:  # every act is under the charter: to say so of each would say nothing
            self._open.discard(cast(str, self.ledger))
        if (stated := stated_in(statement)) is not None:
            self._stated[self.size] = stated
        change.mentioned = sorted(found.no for name in self._open if (found := self._subjects.get(name)) is not None)
        self.size += 1
        return change

    def check(self, statement: Statement, time: int) -> None:
        """Judge a verified statement as :meth:`admit` would, and change nothing either way. Raises ``Refused``."""
        self._judge(statement, time)

    def _judge(self, statement: Statement, time: int) -> Act[Any]:
        claims, body = statement.claims, statement.body
        if (self.size == 0) != (body.NAME == "ledger.opened"):
            raise Refused("ledger_not_open" if self.size == 0 else "ledger_open_already")
        if claims.aud != self.audience:
            raise Refused("audience_wrong", f"aud is not {self.audience}", pointer="/payload/aud")
        party = self._touch(statement)
        if self.size:
            self._check_dates(statement, time)
        if claims.via is None and statement.key[0] != claims.iss:
            raise Refused("key_not_of_issuer", f"kid does not belong to {claims.iss}", pointer="/header/kid")
        self._check_signer(statement, party)
        if claims.via is not None:
            self._check_mandate(statement, party, time // 1_000_000)
        elif body.SIGNER == "party":
            self._check_key(statement, cast(str, party))
        if not body.PERSONAL and self.charter.demands:
            self._check_demands(statement, cast(str, party), time // 1_000_000)
        self._check_pins(statement)
        self._check_seen(statement)
        act: Act[Any] = Act(statement, body, self.size, time, party or "")
        body.check(self, act)
        return act

    def _touch(self, statement: Statement) -> str | None:
        """Open exactly what this act may see; returns the signer's party."""
        self._open = {*statement.touched(), *statement.opened.values()}
        if self.ledger is not None:
            self._open.add(self.ledger)
        party = self.party(statement.claims.iss)
        if party is not None:
            self._open.add(party)
        if (delegation := statement.delegation()) is not None:
            self._open.add(delegation)
        return party

    def _check_dates(self, statement: Statement, time: int) -> None:
        claims, charter, seconds = statement.claims, self.charter, time // 1_000_000
        if charter.rules < statement.body.SINCE:
            raise Refused("kind_not_yet", f"{claims.kind} holds from rules version {statement.body.SINCE}")
        if claims.iat - SKEW_S > seconds:
            detail = f"iat is {format_instant(claims.iat)}, it is {format_instant(seconds)}"
            raise Refused("act_not_yet_valid", detail, pointer="/payload/iat")
        if claims.exp < seconds:
            detail = f"exp is {format_instant(claims.exp)}, it is {format_instant(seconds)}"
            raise Refused("act_expired", detail, pointer="/payload/exp")
        if claims.exp - claims.iat > charter.validity:
            raise Refused("act_valid_too_long", f"at most {charter.validity} s", pointer="/payload/exp")

    def _check_signer(self, statement: Statement, party: str | None) -> None:
        iss, signer = statement.claims.iss, statement.body.SIGNER
        if signer == "governance":
            if self.size and iss != self.charter.governance:
                raise Refused("signer_not_governance", pointer="/payload/iss")
        elif signer == "service":
            if iss != self.charter.service:
                raise Refused("signer_not_service", pointer="/payload/iss")
        elif signer == "newcomer":
            if party is not None:
                raise Refused("party_known", f"{iss} speaks for {party}", subject=party, pointer="/payload/iss")
        elif party is None:
            raise Refused("party_unknown", f"nobody joined as {iss}", pointer="/payload/iss")
        elif signer == "party" and self._speaker(party).left:
            raise Refused("party_left", f"{party} has left", subject=party, pointer="/payload/iss")

    def _check_key(self, statement: Statement, party: str) -> None:
        """The key that signed speaks for the party at this index."""
        did, key = statement.key
        if (code := self._speaker(party).denies(did, key)) is not None:
            raise Refused(code, f"{key} does not speak for {party}", subject=party, pointer="/header/kid")

    def _check_mandate(self, statement: Statement, party: str | None, seconds: int) -> None:
        """What ``via`` names lets the key's owner do this for the issuer: that delegation, and all it goes back to."""
        if statement.body.PERSONAL:
            raise Refused("act_personal", pointer="/payload/via")
        delegation = cast(str, statement.delegation())
        leaf = self._mandate(delegation)
        if leaf is None or leaf.act != statement.claims.via:
            raise Refused("delegation_unknown", pointer="/payload/via")
        if leaf.party != party:
            raise Refused("delegation_of_another", f"it is {leaf.party} that gave it", pointer="/payload/via")
        did = statement.key[0]
        if leaf.to != did:
            raise Refused("key_not_of_delegate", f"it was given to {leaf.to}", pointer="/header/kid")
        if (delegate := self.party(did)) is not None:
            if self._speaker(delegate).left:
                raise Refused("party_left", f"{delegate} has left", subject=delegate, pointer="/header/kid")
            self._check_key(statement, delegate)
        sub = statement.claims.sub
        on = None if sub is None or (found := self.find(sub)) is None else found.state
        mandates = [self._mandate(one) for one in (*leaf.chain, delegation)]
        for mandate in mandates:
            assert mandate is not None, "a delegation was opened under one that there is"
            if (wrong := mandate.denies(statement, on, seconds)) is not None:
                raise Refused(*wrong, pointer="/payload/via")
            if mandate.giver is not None and self._speaker(mandate.giver).doubts(mandate.key, mandate.opened):
                detail = f"by entry {mandate.opened}, with {mandate.key}"
                raise Refused("delegation_doubtful", detail, pointer="/payload/via")

    def _check_demands(self, statement: Statement, party: str, seconds: int) -> None:
        """The party whose act it is holds what the charter demands for it, whoever signs."""
        lacking = self.charter.lacking(statement.claims.kind, self._speaker(party).credentials, seconds)
        if lacking is not None:
            raise Refused("credential_demanded", f"{party} holds no {lacking}", subject=party)

    def _check_pins(self, statement: Statement) -> None:
        sub = statement.claims.sub
        if sub is not None and self.find(sub) is None:
            raise Refused("subject_unknown", f"there is no {sub}", subject=sub, pointer="/payload/sub")
        for name, pin in statement.claims.prev.items():
            found = self.find(name)
            if found is None:
                raise Refused("subject_unknown", f"there is no {name}", subject=name, pointer=f"/payload/prev/{name}")
            if found.last != pin:
                detail = f"{name} was last advanced by {found.last}"
                raise Refused("pin_stale", detail, subject=name, pointer=f"/payload/prev/{name}")

    def _check_seen(self, statement: Statement) -> None:
        seen = statement.seen()
        if seen is None:
            return
        index, digest = seen
        if index >= self.size:
            raise Refused("seen_ahead", f"the ledger has {self.size} entries", pointer="/payload/seen")
        if self._hashes[index] != digest:
            raise Refused("seen_forked", f"entry {index} has another hash here", index=index, pointer="/payload/seen")

    def _set(self, before: Subject | None, after: Subject) -> None:
        changed = self._change.changed
        for place, (first, now) in enumerate(changed):
            if now.id == after.id:
                changed[place] = (first, after)
                break
        else:
            changed.append((before, after))
        self._subjects[after.id] = after
        if before is None or before.state is not after.state:
            self._find_under(before, after)

    def _find_under(self, before: Subject | None, after: Subject) -> None:
        """Keep the unique look-ups up to date, and which subject is the charter."""
        if after.type == "ledger":
            self.ledger = after.id
        if after.state.UNIQUE:
            for key in before.state.lookups() if before is not None else ():
                if key[0] in after.state.UNIQUE:
                    self._found[key] = None
            for key in after.state.lookups():
                if key[0] in after.state.UNIQUE:
                    self._found[key] = after.id

    def _speaker(self, party: str) -> Speaker:
        return cast(Speaker, self._need(party).state)

    def _mandate(self, delegation: str) -> Mandate | None:
        found = self._subjects.get(delegation)
        if found is not None:
            return cast(Mandate, found.state)
        if not self.knows(delegation):
            raise LookupError(f"{delegation} was not loaded")
        return None

    def _need(self, subject_id: str) -> Subject:
        found = self._subjects.get(subject_id)
        assert found is not None, subject_id
        return found
