"""Was a refusal lawful? The log is audited, and on the way the refused statement is judged where it was refused.

What must hold, in the order in which it is looked at:

1. The file is of its one spelling, and the statement in it is verified (``ledger.log.refusal``, ``identity.jws``).
2. The log is in order: every entry, signature, link and rule, and its log key has signed for as many entries as the
   rules saw; and as many witnesses as a policy asks for have seen that.
3. The refusal key that the charter named at that size has signed the refusal.
4. The entry before it is the one that the refusal links to: else the ledger has told two histories.
5. It is dated later than that entry, and, but for what the clock may err, no later than the entry that followed.
6. The statement was not in the ledger already, and the rules refuse it at that size and time, by the same code.

Nothing bounds the time from below but the entry before: a ledger that refuses an act for its date (``iat``, ``exp``) is
to be compared with the clock of whoever got the answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import cast

from identity.jws import parse, verify
from identity.note import parse_note, parse_vkey
from ledger.audit import Progress, audit
from ledger.audit.replay import Replay
from ledger.audit.source import Chunk, Source
from ledger.audit.verdict import Verdict
from ledger.audit.workers import Workers
from ledger.circulation.charter import Ledger
from ledger.errors import Corrupt, Newer, Refused, Unverifiable, declare
from ledger.log.checkpoint import parse_checkpoint
from ledger.log.policy import EMPTY, Policy
from ledger.log.refusal import Refusal, RefusalFile, check_refusal_signed
from ledger.statement import Statement, read
from ledger.world import SKEW_S, World

declare(
    "unverifiable",
    refusal_source_unsound=("the log does not pass an audit, so it decides nothing", "see: cadastre audit SOURCE"),
    refusal_source_other=("the refusal is of another ledger than the log", "name the log of the ledger that refused"),
    refusal_beyond=("the log has not signed for as many entries as the rules saw", "wait, or take a later copy"),
    refusal_key_absent=("the charter named no refusal key at that size", "ask the operator; it proves nothing"),
    refusal_ahead=("the refusal is dated ahead of this machine's clock", "set it right, or try again at that time"),
)
declare(
    "corrupt",
    refusal_unlawful=("the rules do not say what the ledger signed", "keep refusal and log: they prove it together"),
    refusal_misdated=("the refusal is dated where no entry can stand", "keep both: its clock was wrong, or it lied"),
    refusal_diverged=("the refusal is of another history than the log", "keep both: the ledger told two histories"),
)


@dataclass(frozen=True, slots=True)
class Lawful:
    """A refusal that holds: what was refused, why, and how far the log is proven that was replayed."""

    refusal: Refusal
    statement: Statement
    why: Refused
    log: Verdict


def check_lawful(
    file: RefusalFile,
    source: Source,
    workers: Workers,
    now: int,
    *,
    policy: Policy = EMPTY,
    progress: Progress | None = None,
) -> Lawful:
    """Steps 1 to 6 above; ``now`` in microseconds. Cost: that of an audit, without what a store derives from entries.

    Raises ``Corrupt`` for what the ledger must answer for (``refusal_unlawful``, ``refusal_misdated``,
    ``refusal_diverged``); ``Malformed`` or ``Unverifiable`` where the file proves nothing, or nothing with this log;
    ``Newer``; and what ``audit`` raises.
    """
    signed = parse(file.statement)
    statement = read(signed)
    verify(signed)  # (1)
    replay = _Judging(file.refusal, statement)
    log = audit(_Entries(source), workers, policy=policy, progress=progress, replay=replay)
    _check_log(log, source.checkpoint, policy, file.refusal)  # (2)
    at = replay.moment()
    _check_signed(file, at, replay.world, statement.claims.aud)  # (3)
    if at.link != file.refusal.link:  # (4)
        raise Corrupt("refusal_diverged", f"entry {file.refusal.size - 1} has another hash in the log")
    _check_dated(file.refusal, at, now)  # (5)
    return Lawful(file.refusal, statement, _check_said(file.refusal, at), log)  # (6)


@dataclass(frozen=True, slots=True)
class _Moment:
    """The log as the rules saw it: the charter in force, and the entry before. ``later`` is the time of the one after.

    ``index``: where the statement stood already. ``said``: why the rules refuse it, None if they do not.
    """

    charter: Ledger
    link: bytes
    time: int
    index: int | None
    said: Refused | None
    later: int | None = None


class _Judging(Replay):
    """A replay that stops for a moment where a statement was refused."""

    def __init__(self, refusal: Refusal, statement: Statement) -> None:
        super().__init__()
        self._refusal = refusal
        self._statement = statement
        self._moment: _Moment | None = None

    def moment(self) -> _Moment:
        """What was found there; of a replay that has come so far."""
        return self._moment or self._look()

    def _admit(self, statement: Statement, time: int, link: bytes) -> None:
        if self.size == self._refusal.size:
            self._moment = replace(self._look(), later=time)
        super()._admit(statement, time, link)

    def _look(self) -> _Moment:
        index = self.statements.get(self._statement.id)
        said = None if index is not None else self.refused(self._statement, self._refusal.time)
        time, link = self.last
        return _Moment(cast(Ledger, self.world.charter), link, time, index, said)


class _Entries(Source):
    """The entries of a source and its checkpoint, and nothing of what it derives from them."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.size = source.size
        self.checkpoint = source.checkpoint

    def chunks(self) -> Iterator[Chunk]:
        return (Chunk(chunk.start, chunk.entries) for chunk in self._source.chunks())

    def entry(self, index: int) -> bytes | None:
        return self._source.entry(index)

    def subjects(self) -> None:
        return None

    def leaf(self, index: int) -> bytes | None:
        return self._source.leaf(index)


def _check_log(log: Verdict, note: bytes | None, policy: Policy, refusal: Refusal) -> None:
    if log.word == "newer":
        raise Newer(log.index or 0, log.detail)
    if not log.proven or note is None:
        raise Unverifiable("refusal_source_unsound", log.line(), index=log.index)
    if policy.quorum is not None and log.word != "witnessed":
        raise Unverifiable("quorum_not_met", f"{policy.quorum} is asked for")
    if (size := parse_checkpoint(parse_note(note).text).size) < refusal.size:
        raise Unverifiable("refusal_beyond", f"the rules saw {refusal.size} entries, {size} are signed for")


def _check_signed(file: RefusalFile, at: _Moment, world: World, audience: str) -> None:
    """``audience`` is that of the statement: a refusal for want of it is signed by whoever was asked in vain."""
    if file.refusal.origin != world.origin:
        raise Unverifiable("refusal_source_other", f"the log is of {world.origin}, it of {file.refusal.origin}")
    try:
        if at.charter.refusalKey is None:
            raise Unverifiable("refusal_key_absent", f"at size {file.refusal.size}")
        check_refusal_signed(file, parse_vkey(at.charter.refusalKey))
    except Unverifiable as wrong:
        if wrong.code != "note_signature_invalid" and audience != world.audience:
            detail = f"the log is {world.audience}, the statement is for {audience}"
            raise Unverifiable("refusal_source_other", detail) from None
        raise


def _check_dated(refusal: Refusal, at: _Moment, now: int) -> None:
    if refusal.time <= at.time:
        raise Corrupt("refusal_misdated", f"{refusal.time}, no later than {at.time}, the time of the entry before")
    if at.later is not None and refusal.time > at.later + at.charter.clock * 1_000_000:
        raise Corrupt("refusal_misdated", f"{refusal.time}, while the entry that followed has {at.later}")
    if refusal.time > now + (SKEW_S + at.charter.clock) * 1_000_000:
        raise Unverifiable("refusal_ahead", f"{refusal.time}; it is {now}")


def _check_said(refusal: Refusal, at: _Moment) -> Refused:
    if at.index is not None:
        raise Corrupt("refusal_unlawful", f"{refusal.code}: the statement was in the ledger", index=at.index)
    if at.said is None:
        raise Corrupt("refusal_unlawful", f"{refusal.code}: the rules admit the statement at size {refusal.size}")
    if at.said.code != refusal.code:
        raise Corrupt("refusal_unlawful", f"{refusal.code}: the rules say {at.said}")
    return at.said
