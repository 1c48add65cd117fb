"""The one writer: verified statements in, entries out; each durable before anything is said about it.

A batch goes through these steps, and a reader of this file can follow them in :meth:`Writer.append`:

1. Is the clock fit to date entries?
2. Which of the statements are in the ledger already? They get the entry they have.
3. Fetch what the acts touch, once for the batch.
4. One after the other: judge, fold, give index, time and link; a refused act leaves no trace.
5. Grow the tree; commit entries, state, look-ups and tiles in one transaction. The point of no return.
6. Sign the checkpoint over what is durable, record it outside the store; sign what the rules refused.
7. Erase the private values that these entries have erased; answer.

Whatever goes wrong from step 4 on stops the writer: it opens the store again, verifies the tail and that it extends
what was signed, and only then says which statements are in. A commit that reported an error may have happened; the
answer is in the store, not in the error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, cast

from identity.note import Signer, Verifier, parse_note, parse_vkey
from ledger.circulation.charter import Ledger
from ledger.erasure import Gone, all_erased, erased_by
from ledger.errors import Corrupt, Malformed, Problem, Refused, Unavailable, declare
from ledger.log import merkle, tile
from ledger.log.chain import check_origin, parse_entry
from ledger.log.checkpoint import Checkpoint, SignedHead, open_checkpoint, parse_checkpoint, sign_checkpoint
from ledger.log.receipt import Receipt, format_receipt
from ledger.log.refusal import Refusal, sign_refusal
from ledger.statement import Statement
from ledger.store import Batch, Store
from ledger.tip import Tip

NOTHING: Mapping[str, bytes] = {}

declare(
    "service",
    clock_behind=(
        "the writer's clock stands behind the last entry",
        "set the clock right; appends go on by themselves",
    ),
    clock_leapt=("the writer's clock leapt", "set the clock right; appends go on by themselves"),
    log_key_absent=(
        "the service does not hold the log key the charter names",
        "put its key file into DIR/keys as log.key or log-NAME.key; if it is lost: cadastre init NEWDIR --origin "
        "NEWNAME --succeeds SOURCE",
    ),
    store_older=(
        "the store lacks entries that were signed",
        "fill it again: cadastre restore DIR --from SOURCE (a mirror, the published log, a newer copy); where nobody "
        "has them, open a successor: cadastre init NEWDIR --origin NEWNAME --succeeds SOURCE",
    ),
    store_other=(
        "the store holds another history than the one that was signed",
        "keep it, and fill another: cadastre restore DIR --from SOURCE (a mirror, the published log, another copy)",
    ),
    ledger_empty=(
        "the ledger has no charter yet",
        "where it had entries, they were lost: cadastre restore DIR --from SOURCE; where its making was cut off, make "
        "it in another folder: cadastre init DIR --origin NAME",
    ),
)


class Clock(Protocol):
    """Time for the writer, in microseconds: ``wall`` since the Unix epoch, ``steady`` from anywhere but never back."""

    def wall(self) -> int: ...
    def steady(self) -> int: ...


Keyring = Callable[[Verifier], Signer | None]
"""Finds the signer for a key the charter names: of the log, or of refusals."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """An entry, durable and covered by a signed checkpoint. ``again``: it was in the ledger before it was sent."""

    entry: bytes
    index: int
    time: int  # microseconds
    id: str
    subject: str
    prove: Callable[[], Sequence[bytes]]  # the inclusion proof, made when somebody wants it
    checkpoint: bytes
    again: bool = False

    def receipt(self) -> bytes:
        """The file that proves this entry (``ledger.log.receipt``). About 15 microseconds."""
        return format_receipt(Receipt(self.entry, self.index, self.prove(), self.checkpoint))


Outcome = Admitted | Problem


@dataclass(frozen=True, slots=True)
class Place:
    """Where a statement of a batch stands. ``again``: it stood there before."""

    index: int
    again: bool
    time: int | None = None  # microseconds; None where only the stored entry tells


@dataclass(frozen=True, slots=True)
class Rejected:
    """A statement of a batch that the rules refused.

    ``told`` is what the refusal key ``vkey`` signs of it, once the entries it rests on are durable.
    """

    why: Refused
    told: Refusal
    vkey: str


class Writer:
    """Appends to one ledger. Not thread-safe: one caller at a time; ``head`` and ``charter`` may be read by any thread.

    ``head`` is what the ledger has signed last, ``charter`` the charter in force there; both None before entry 0.
    ``anchored`` is for whoever opens it to say: whether the store was compared with a record of signed heads.
    """

    def __init__(
        self,
        store: Store,
        origin: str,
        clock: Clock,
        keyring: Keyring,
        reopen: Callable[[], Store] | None = None,
        record: Callable[[bytes], None] | None = None,
    ) -> None:
        check_origin(origin)
        self._store = store
        self._origin = origin
        self._clock = clock
        self._keyring = keyring
        self._reopen = reopen
        self._record = record
        self.head: SignedHead | None = None
        self.charter: Ledger | None = None
        self.anchored = False
        self.delayed: Problem | None = None  # what keeps an erasure from being carried out
        self._gone: set[Gone] = set()  # erased by entries, and perhaps not from the store yet
        # The present, which _resume takes from the store; _wall and _steady are what the clock said last. While
        # _stopped it may be wrong and is taken up anew.
        self._stopped = True
        self._tip = Tip(store, origin)
        self._signing: tuple[tuple[str, ...], list[Signer]] | None = None  # the log keys that sign, and with what
        self._refusers: dict[str, Signer] = {}  # refusal keys that were asked for and are held
        self._wall = self._steady = 0

    @classmethod
    def open(
        cls,
        store: Store,
        origin: str,
        clock: Clock,
        keyring: Keyring,
        published: Mapping[str, bytes] | None = None,
        reopen: Callable[[], Store] | None = None,
        record: Callable[[bytes], None] | None = None,
    ) -> Writer:
        """Take up writing where the store ends, after verifying its tail.

        ``published`` are checkpoints known outside the store, by where they are from; ``reopen`` opens the store anew
        after a failure (without it a store that takes no further batch stays so); ``record`` makes each signed
        checkpoint durable outside the store, before anybody is told of it. Raises ``Unavailable`` (``store_older``,
        ``store_other``) where the store does not extend a checkpoint: no origin ever signs two histories. Raises
        ``Corrupt`` if the tail does not hold together. Cost: milliseconds, whatever the size.
        """
        writer = cls(store, origin, clock, keyring, reopen, record)
        writer._resume(published or {})
        return writer

    def close(self) -> None:
        """Let go of the store."""
        self._store.close()

    def refuser(self, vkey: str) -> Signer | None:
        """What signs refusals as the charter's refusal key; None if that is not held, and they go out unsigned."""
        if vkey not in self._refusers:
            try:
                held = self._keyring(parse_vkey(vkey))
            except (Problem, OSError):  # a key file that cannot be read holds up nobody's act
                held = None
            if held is None:
                return None
            self._refusers[vkey] = held
        return self._refusers[vkey]

    # -- appending -------------------------------------------------------------------------------------------

    def append(self, statements: Sequence[Statement]) -> list[Outcome]:
        """Admit verified statements in this order. One outcome for each, in step.

        Raises ``Unavailable`` or ``Corrupt`` if nothing can be said about the batch: a clock that is wrong, a store
        that stays away. Any other exception is our mistake in a rule; nothing of the batch was admitted then.
        """
        if self._stopped:
            self._begin_again()
        now = self._date()  # (1)
        known = dict(self._store.indexes([statement.digest for statement in statements]))  # (2)
        self._tip.fetch([statement for statement in statements if statement.digest not in known])  # (3)
        self._stopped = True  # until it is known how this ends
        batch, places = self._admit(statements, known, now)  # (4)
        growth = None
        if batch.entries:
            try:
                growth = self._tip.commit(batch)  # (5)
                self._sign(growth.root())  # (6)
            except Exception as error:
                return self._look_again(statements, places, batch, error)
        self._stopped = False
        self._erase()  # (7)
        return self._answer(statements, places, batch, growth)

    def _erase(self) -> None:
        """Carry out what was erased. What cannot be now, while others read, is tried again with each batch."""
        try:
            self._store.erase(self._gone)
        except Problem as problem:
            self.delayed = problem
            return
        self._gone, self.delayed = set(), None

    def _admit(
        self, statements: Sequence[Statement], known: dict[bytes, int], now: int
    ) -> tuple[Batch, list[Place | Rejected | Problem]]:
        """Judge each statement; returns the batch to commit and for each statement its place or its refusal."""
        tip = self._tip
        batch = tip.begin()
        places: list[Place | Rejected | Problem] = []
        for statement in statements:
            if statement.digest in known:
                places.append(Place(known[statement.digest], again=True))
                continue
            time = max(now, tip.time + 1)
            try:
                self._check_log_key(statement)
                index = tip.add(batch, statement, time)
            except Refused as why:
                places.append(self._rejected(statement, time, why))
                continue
            except Problem as problem:
                places.append(problem)
                continue
            known[statement.digest] = index
            self._gone.update(erased_by(statement))
            places.append(Place(index, again=False, time=time))
        return batch, places

    def _rejected(self, statement: Statement, time: int, why: Refused) -> Rejected | Refused:
        tip = self._tip
        if tip.charter is None or (vkey := tip.charter.refusalKey) is None:
            return why
        return Rejected(why, Refusal(self._origin, statement.id, why.code, tip.size, tip.link, time), vkey)

    def _sign(self, root: bytes) -> None:
        charter = cast(Ledger, self._tip.charter)
        size = self._tip.size
        signers = self._signers(tuple(charter.log_keys(self._tip.time // 1_000_000)))
        checkpoint = sign_checkpoint(Checkpoint(self._origin, size, root), *signers)
        if self._record is not None:
            self._record(checkpoint)
        self.head, self.charter = SignedHead(size, root, checkpoint), charter

    def _signers(self, vkeys: tuple[str, ...]) -> list[Signer]:
        """The first of these log keys, which must be held, and as many of the others as are."""
        if self._signing is None or self._signing[0] != vkeys:
            held = [self._keyring(parse_vkey(vkey)) for vkey in vkeys]
            if held[0] is None:
                raise Unavailable("log_key_absent", vkeys[0])
            self._signing = vkeys, [signer for signer in held if signer is not None]
        return self._signing[1]

    def _answer(
        self,
        statements: Sequence[Statement],
        places: Sequence[Place | Rejected | Problem],
        batch: Batch,
        growth: merkle.Growth | None,
    ) -> list[Outcome]:
        """What to say of each statement: proofs are against the head just signed.

        ``growth`` proves the entries of the batch without a read; the tiles prove those that were there before.
        """
        nodes = tile.nodes_from_tiles(self._tip.read_tile, self._tip.size)
        vkeys = {place.vkey for place in places if isinstance(place, Rejected)}
        refusers = {vkey: self.refuser(vkey) for vkey in vkeys}
        answers: list[Outcome] = []
        for statement, place in zip(statements, places, strict=True):
            if isinstance(place, Rejected):
                if (signer := refusers[place.vkey]) is not None:
                    place.why.refusal = sign_refusal(statement.signed.compact, place.told, signer)
                answers.append(place.why)
            elif isinstance(place, Problem):
                answers.append(place)
            elif growth is not None and place.index >= batch.size:
                data = batch.entries[place.index - batch.size]
                answers.append(self._admitted(statement, place, data, partial(growth.inclusion_proof, place.index)))
            else:
                stored = self._tip.read_entry(place.index)
                proof = merkle.inclusion_proof(place.index, self._tip.size, nodes)
                answers.append(self._admitted(statement, place, stored, partial(list, proof)))
        return answers

    def _admitted(
        self, statement: Statement, place: Place, data: bytes, prove: Callable[[], Sequence[bytes]]
    ) -> Admitted:
        assert self.head is not None
        subject = statement.claims.sub or next(iter(statement.opened.values()))
        time = place.time or parse_entry(data).time
        return Admitted(data, place.index, time, statement.id, subject, prove, self.head.checkpoint, again=place.again)

    # -- what a batch needs ----------------------------------------------------------------------------------

    def _date(self) -> int:
        """The wall clock, if it may date entries: not far behind the last one, and in step with the steady clock."""
        wall, steady = self._clock.wall(), self._clock.steady()
        if (charter := self._tip.charter) is not None:
            limit = charter.clock * 1_000_000
            if wall < self._tip.time - limit:
                raise Unavailable("clock_behind", f"by {(self._tip.time - wall) // 1_000_000} s")
            leap = (wall - self._wall) - (steady - self._steady)
            if leap > limit:
                raise Unavailable("clock_leapt", f"by {leap // 1_000_000} s")
        self._wall, self._steady = wall, steady
        return wall

    def _check_log_key(self, statement: Statement) -> None:
        """Before a log key comes into force, the service must hold it: else no checkpoint could be signed.

        Whoever may bring none into force learns nothing here: the rules refuse their act by its own name.
        """
        body, world = statement.body, self._tip.world
        if body.ON != "ledger" and "ledger" not in body.OPENS:
            return  # before the body is searched for a member it has not, which takes long
        named = getattr(body, "logKey", None)
        if isinstance(named, str):
            if world.has_charter and statement.signed.kid.partition("#")[0] != world.charter.governance:
                return
            try:
                held = self._keyring(parse_vkey(named))
            except Problem:
                return  # the rule refuses it by its own name
            if held is None:
                raise Unavailable("log_key_absent", named)

    # -- taking up and going on ------------------------------------------------------------------------------

    def _look_again(
        self,
        statements: Sequence[Statement],
        places: Sequence[Place | Rejected | Problem],
        batch: Batch,
        error: Exception,
    ) -> list[Outcome]:
        """After a failed commit: reopen, verify, and answer from what the store holds: the whole batch or nothing."""
        self._begin_again()
        if self._store.indexes(batch.ids[:1]):
            return self._answer(statements, places, batch, None)
        failed = Unavailable("store_failed", "the commit failed and did not take effect")
        failed.__cause__ = error
        # A refusal may rest on an act of the batch that has not happened: only what was in before keeps its answer.
        before = [place if isinstance(place, Place) and place.index < batch.size else failed for place in places]
        return self._answer(statements, before, batch, None)

    def _begin_again(self) -> None:
        if self._reopen is not None:
            self._store.close()
            self._store = self._reopen()
        self._resume()

    def _resume(self, published: Mapping[str, bytes] = NOTHING) -> None:
        """Take the end of the store as the present, once it holds together and extends all that was signed."""
        self._stopped = True
        self._signing = None
        self._wall, self._steady = self._clock.wall(), self._clock.steady()
        tip = self._tip = Tip.at(self._store, self._origin)
        try:
            for name, checkpoint in published.items():
                self._check_published(name, checkpoint)
            if self.head is not None:
                self._check_extends("the last head", self.head.size, self.head.root)
        except Malformed as wrong:
            raise Corrupt("store_corrupt", str(wrong)) from wrong
        if tip.size:
            self._sign(tip.root())
        self._gone = set(all_erased(self._store))
        self._erase()
        self._stopped = False

    def _check_published(self, name: str, published: bytes) -> None:
        """The store must extend the checkpoint that outsiders may hold.

        Its size is looked at before its signature: a store from before a change of the log key cannot know that key.
        """
        size = parse_checkpoint(parse_note(published).text).size
        if size > self._tip.size:
            raise Unavailable("store_older", f"it has {self._tip.size} entries, {name} is of {size}")
        charter = cast(Ledger, self._tip.charter)
        vkeys = (charter.logKey, *charter.formerLogKeys)
        try:
            checkpoint = open_checkpoint(published, [parse_vkey(vkey) for vkey in vkeys])
        except Problem as wrong:
            raise Unavailable("store_other", f"{name}: {wrong}") from wrong
        self._check_extends(name, checkpoint.size, checkpoint.root)

    def _check_extends(self, name: str, size: int, root: bytes) -> None:
        if size > self._tip.size:
            raise Unavailable("store_older", f"it has {self._tip.size} entries, {name} is of {size}")
        if self._tip.root_at(size) != root:
            raise Unavailable("store_other", f"{name} has another root at size {size}")
