"""The one writer: verified statements in, entries out; each durable before anything is said about it.

A batch goes through these steps, and a reader of this file can follow them in :meth:`Writer.append`:

1. Is the clock fit to date entries?
2. Which of the statements are in the ledger already? They get the entry they have.
3. Fetch what the acts touch, once for the batch.
4. One after the other: judge, fold, give index, time and link; a refused act leaves no trace.
5. Grow the tree; commit entries, state, look-ups and tiles in one transaction. The point of no return.
6. Sign the checkpoint over what is durable, record it outside the store, and answer.

Whatever goes wrong from step 4 on stops the writer: it opens the store again, verifies the tail and that it extends
what was signed, and only then says which statements are in. A commit that reported an error may have happened; the
answer is in the store, not in the error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, cast

from identity.note import Signer, Verifier, parse_note, parse_vkey
from ledger.circulation.charter import Ledger
from ledger.errors import Corrupt, Malformed, Problem, Unavailable, declare
from ledger.log import merkle, tile
from ledger.log.chain import LINK_OF_FIRST, Entry, check_follows, check_origin, format_entry, link_of, parse_entry
from ledger.log.checkpoint import Checkpoint, SignedHead, open_checkpoint, parse_checkpoint, sign_checkpoint
from ledger.log.receipt import Receipt, format_receipt
from ledger.statement import Statement, accept
from ledger.store import Batch, Head, Store
from ledger.world import World

TAIL = 64  # entries whose links are verified when a store is opened
CACHE = 60_000  # subjects, look-ups and hashes the writer keeps in memory between batches

declare(
    "service",
    clock_behind=(
        "the writer's clock stands behind the last entry",
        "set the clock right; appends go on by themselves",
    ),
    clock_leapt=("the writer's clock leapt", "set the clock right; appends go on by themselves"),
    log_key_absent=(
        "the service does not hold the log key the charter names",
        "put its key file into DIR/keys as log.key or log-NAME.key",
    ),
    store_older=(
        "the store lacks entries whose checkpoint was published",
        "restore a newer copy; this one must not sign",
    ),
    store_other=(
        "the store holds another history than the published checkpoint",
        "restore the right copy of the store",
    ),
    ledger_empty=("the ledger has no charter yet", "open it with: cadastre init DIR --origin NAME"),
)


class Clock(Protocol):
    """Time for the writer, in microseconds: ``wall`` since the Unix epoch, ``steady`` from anywhere but never back."""

    def wall(self) -> int: ...
    def steady(self) -> int: ...


Keyring = Callable[[Verifier], Signer | None]
"""Finds the signer for a log key the charter names."""


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
        # The present, which _resume takes from the store: _time and _link are those of the last entry, _wall and
        # _steady what the clock said last. While _stopped it may be wrong and is taken up anew.
        self._stopped = True
        self._world = World(origin)
        self._nodes = tile.nodes_from_tiles(self._read_tile, 0)
        self._signing: tuple[tuple[str, ...], list[Signer]] | None = None  # the log keys that sign, and with what
        self._edge = tile.Edge()
        self._frontier = merkle.Frontier()
        self._time, self._link = 0, LINK_OF_FIRST
        self._wall = self._steady = 0

    @classmethod
    def open(
        cls,
        store: Store,
        origin: str,
        clock: Clock,
        keyring: Keyring,
        published: Sequence[bytes] = (),
        reopen: Callable[[], Store] | None = None,
        record: Callable[[bytes], None] | None = None,
    ) -> Writer:
        """Take up writing where the store ends, after verifying its tail.

        ``published`` are checkpoints known outside the store; ``reopen`` opens the store anew after a failure (without
        it a store that takes no further batch stays so); ``record`` makes each signed checkpoint durable outside the
        store, before anybody is told of it. Raises ``Unavailable`` (``store_older``, ``store_other``) where the store
        does not extend a checkpoint: no origin ever signs two histories. Raises ``Corrupt`` if the tail does not hold
        together. Cost: milliseconds, whatever the size.
        """
        writer = cls(store, origin, clock, keyring, reopen, record)
        writer._resume(published)
        return writer

    def close(self) -> None:
        """Let go of the store."""
        self._store.close()

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
        self._fetch([statement for statement in statements if statement.digest not in known])  # (3)
        self._stopped = True  # until it is known how this ends
        batch, places = self._admit(statements, known, now)  # (4)
        growth = merkle.Growth(self._frontier)
        if batch.entries:
            try:
                self._commit(batch, growth)  # (5)
                self._sign(growth.root())  # (6)
            except Exception as error:
                return self._look_again(statements, places, batch, error)
        self._stopped = False
        return self._answer(statements, places, batch, growth)

    def _admit(
        self, statements: Sequence[Statement], known: dict[bytes, int], now: int
    ) -> tuple[Batch, list[Place | Problem]]:
        """Judge each statement; returns the batch to commit and for each statement its place or its refusal."""
        world = self._world
        batch = Batch(world.size)
        places: list[Place | Problem] = []
        seen = {claim[0] for statement in statements if (claim := statement.seen()) is not None}
        last, link = self._time, self._link
        for statement in statements:
            if statement.digest in known:
                places.append(Place(known[statement.digest], again=True))
                continue
            index, time = world.size, max(now, last + 1)
            try:
                self._check_log_key(statement)
                change = world.admit(statement, time)
            except Problem as refusal:
                places.append(refusal)
                continue
            data = format_entry(Entry(self._origin, index, time, link, statement.signed.compact))
            batch.entries.append(data)
            batch.ids.append(statement.digest)
            batch.links.append(link)
            batch.changes.append(change)
            batch.disclosures.extend((index, text) for text in statement.disclosures)
            known[statement.digest] = index
            last, link = time, link_of(data)
            if index in seen:
                world.load_hash(index, link)
            if index == 0:
                world.opened(link)
            places.append(Place(index, again=False, time=time))
        self._time, self._link = last, link
        return batch, places

    def _commit(self, batch: Batch, growth: merkle.Growth) -> None:
        for data in batch.entries:
            growth.append(merkle.leaf_hash(data))
        tiles = self._edge.grow(growth.size, growth.node)
        batch.tiles = [(changed.level, changed.index, hashes) for changed, hashes in tiles]
        self._store.commit(batch)
        self._frontier = growth.frontier()

    def _sign(self, root: bytes) -> None:
        charter = cast(Ledger, self._world.charter)
        size = self._world.size
        signers = self._signers(tuple(charter.log_keys(self._time // 1_000_000)))
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
        places: Sequence[Place | Problem],
        batch: Batch,
        growth: merkle.Growth | None,
    ) -> list[Outcome]:
        """What to say of each statement: proofs are against the head just signed.

        ``growth`` proves the entries of the batch without a read; the tiles prove those that were there before.
        """
        nodes = tile.nodes_from_tiles(self._read_tile, self._world.size)
        answers: list[Outcome] = []
        for statement, place in zip(statements, places, strict=True):
            if isinstance(place, Problem):
                answers.append(place)
            elif growth is not None and place.index >= batch.size:
                data = batch.entries[place.index - batch.size]
                answers.append(self._admitted(statement, place, data, partial(growth.inclusion_proof, place.index)))
            else:
                stored = self._read_entry(place.index)
                proof = merkle.inclusion_proof(place.index, self._world.size, nodes)
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
        if self._world.size:
            limit = cast(Ledger, self._world.charter).clock * 1_000_000
            if wall < self._time - limit:
                raise Unavailable("clock_behind", f"by {(self._time - wall) // 1_000_000} s")
            leap = (wall - self._wall) - (steady - self._steady)
            if leap > limit:
                raise Unavailable("clock_leapt", f"by {leap // 1_000_000} s")
        self._wall, self._steady = wall, steady
        return wall

    def _fetch(self, statements: Iterable[Statement]) -> None:
        """Load into the world what these acts touch and it does not hold yet."""
        world, store = self._world, self._store
        if world.loaded > CACHE:
            world.forget()
        ids: set[str] = set()
        dids: set[str] = set()
        for statement in statements:
            ids |= statement.touched()
            for opened in statement.opened.values():  # its id follows from the statement's, which is not in; should
                world.load(opened, None)  # two ids ever begin alike, the store takes no second subject of one id
            dids.add(statement.claims.iss)
            seen = statement.seen()
            if seen is not None and seen[0] < world.size:
                world.load_hash(seen[0], link_of(self._read_entry(seen[0])))
        keys = [("did", did) for did in dids if not world.knows_found("did", did)]
        if keys:
            found = store.lookup(keys)
            for key in keys:
                world.load_found(*key, found.get(key))
        ids.update(party for did in dids if (party := world.party(did)) is not None)
        missing = [name for name in ids if not world.knows(name)]
        if missing:
            subjects = store.subjects(missing)
            for name in missing:
                world.load(name, subjects.get(name))

    def _check_log_key(self, statement: Statement) -> None:
        """Before a log key comes into force, the service must hold it: else no checkpoint could be signed.

        Whoever may bring none into force learns nothing here: the rules refuse their act by its own name.
        """
        body, world = statement.body, self._world
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

    def _read_entry(self, index: int) -> bytes:
        data = self._store.entry(index)
        if data is None:
            raise Corrupt("store_corrupt", f"entry {index} is missing", index=index)
        return data

    def _read_tile(self, wanted: tile.Tile) -> bytes:
        found = self._store.tile(wanted.level, wanted.index)
        if found is None:
            raise Corrupt("store_corrupt", f"tile {wanted.level}/{wanted.index} is missing")
        return found

    # -- taking up and going on ------------------------------------------------------------------------------

    def _look_again(
        self, statements: Sequence[Statement], places: Sequence[Place | Problem], batch: Batch, error: Exception
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

    def _resume(self, published: Sequence[bytes] = ()) -> None:
        """Take the end of the store as the present, once it holds together and extends all that was signed."""
        self._stopped = True
        self._signing = None
        head = self._store.head()
        self._world = World(self._origin)
        self._wall, self._steady = self._clock.wall(), self._clock.steady()
        size = head.size if head else 0
        self._time, self._link = 0, LINK_OF_FIRST
        try:
            self._nodes = tile.nodes_from_tiles(self._read_tile, size)
            self._edge = tile.Edge.at(size, self._read_tile)
            self._frontier = merkle.Frontier.at(size, self._nodes)
            if head is not None:
                self._resume_world(head)
                self._verify_tail(head)
            for checkpoint in published:
                self._check_published(checkpoint)
            if self.head is not None:
                self._check_extends(self.head.size, self.head.root)
        except Malformed as wrong:
            raise Corrupt("store_corrupt", str(wrong)) from wrong
        if head is not None:
            self._sign(self._frontier.root())
        self._stopped = False

    def _resume_world(self, head: Head) -> None:
        first = parse_entry(head.first)
        if first.origin != self._origin:
            raise Corrupt("store_corrupt", f"the charter is of {first.origin}, not {self._origin}", index=0)
        charter = accept(first.statement).opened["ledger"]
        world = self._world
        world.size, world.count, world.ledger = head.size, head.count, charter
        world.opened(link_of(head.first))
        world.load(charter, self._store.subjects([charter]).get(charter))
        if not world.has_charter:
            raise Corrupt("store_corrupt", "the charter's state is missing", index=0, subject=charter)

    def _verify_tail(self, head: Head) -> None:
        """The last entries are linked to each other and are the leaves the tree ends with."""
        start = max(0, head.size - TAIL)
        previous, link = None, LINK_OF_FIRST
        tail = list(self._store.entries(start, head.size))
        if len(tail) != head.size - start:
            raise Corrupt("store_corrupt", "entries are missing at the end", index=start + len(tail))
        for index, data in enumerate(tail, start):
            try:
                entry = parse_entry(data)
                if previous is not None or index == 0:
                    check_follows(entry, previous, link)
            except Problem as wrong:
                raise Corrupt("store_corrupt", str(wrong), index=index) from wrong
            if entry.index != index or merkle.leaf_hash(data) != self._nodes(0, index):
                raise Corrupt("store_corrupt", "an entry is not the leaf the tree has for it", index=index)
            previous, link = entry, link_of(data)
        assert previous is not None
        self._time, self._link = previous.time, link

    def _check_published(self, published: bytes) -> None:
        """The store must extend the checkpoint that outsiders may hold.

        Its size is looked at before its signature: a store from before a change of the log key cannot know that key.
        """
        size = parse_checkpoint(parse_note(published).text).size
        if size > self._world.size:
            raise Unavailable("store_older", f"{self._world.size} entries; published were {size}")
        charter = cast(Ledger, self._world.charter)
        vkeys = (charter.logKey, *charter.formerLogKeys)
        try:
            checkpoint = open_checkpoint(published, [parse_vkey(vkey) for vkey in vkeys])
        except Problem as wrong:
            raise Unavailable("store_other", str(wrong)) from wrong
        self._check_extends(checkpoint.size, checkpoint.root)

    def _check_extends(self, size: int, root: bytes) -> None:
        if size > self._world.size:
            raise Unavailable("store_older", f"{self._world.size} entries; signed were {size}")
        if merkle.root_at(size, self._nodes) != root:
            raise Unavailable("store_other", f"at size {size}")
