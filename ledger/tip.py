"""The end of a ledger in a store, and how it goes on: what a writer and a replica have in common.

    tip = Tip.at(store, origin)             # the store's tail holds together
    tip.fetch(statements)                   # what their acts touch, once for a batch
    batch = tip.begin()
    tip.add(batch, statement, time)         # judged, folded, linked; or refused, without a trace
    growth = tip.commit(batch)              # one transaction: entries, state, look-ups, tiles

A tip is the present as it will be when the batch is committed. Whoever abandons a batch, or sees a commit fail, takes
up the store again with another one: nothing here goes back.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from ledger.circulation.charter import Ledger
from ledger.errors import Corrupt, Malformed, Problem
from ledger.log import merkle, tile
from ledger.log.chain import LINK_OF_FIRST, Entry, check_follows, format_entry, link_of, parse_entry
from ledger.statement import Statement, accept, stated_in
from ledger.store import Batch, Head, Store, read_entry, read_tile
from ledger.world import World

TAIL = 64  # entries whose links are verified when a store is taken up
CACHE = 60_000  # subjects, look-ups and hashes kept in memory between batches


class Tip:
    """The end of one store. ``time`` (microseconds) and ``link`` (the hash) are those of the last entry."""

    def __init__(self, store: Store, origin: str) -> None:
        """The end of an empty ledger; :meth:`at` takes up any other."""
        self.store = store
        self.origin = origin
        self.world = World(origin)
        self.time, self.link = 0, LINK_OF_FIRST
        self._edge = tile.Edge()
        self._frontier = merkle.Frontier()
        self._awaited: set[int] = set()  # indexes beyond the store's that a statement of the batch says to have seen

    @classmethod
    def at(cls, store: Store, origin: str) -> Tip:
        """The end of a store, after verifying its tail. Raises ``Corrupt``, or ``Unavailable`` if it cannot be read.

        Cost: milliseconds, whatever the size.
        """
        tip = cls(store, origin)
        head = store.head()
        if head is not None:
            try:
                nodes = tile.nodes_from_tiles(tip.read_tile, head.size)
                tip._edge = tile.Edge.at(head.size, tip.read_tile)
                tip._frontier = merkle.Frontier.at(head.size, nodes)
                tip._load_world(head)
                tip._verify_tail(head, nodes)
            except Malformed as wrong:
                raise Corrupt("store_corrupt", str(wrong)) from wrong
        return tip

    @property
    def size(self) -> int:
        return self.world.size

    @property
    def charter(self) -> Ledger | None:
        """The charter in force, None before entry 0."""
        return cast(Ledger, self.world.charter) if self.world.has_charter else None

    def root(self) -> bytes:
        """The root of what is stored."""
        return self._frontier.root()

    def root_at(self, size: int) -> bytes:
        """The root of the tree at a size up to that of what is stored."""
        return merkle.root_at(size, tile.nodes_from_tiles(self.read_tile, self._frontier.size))

    # -- growing ---------------------------------------------------------------------------------------------

    def fetch(self, statements: Iterable[Statement]) -> None:
        """Load into the world what these acts touch and it does not hold yet."""
        world, store = self.world, self.store
        if world.loaded > CACHE:
            world.forget()
        ids: set[str] = set()
        sought: set[tuple[str, str]] = set()
        mandates: set[str] = set()
        self._awaited = set()
        for statement in statements:
            for index in statement.body.regards():
                if not world.knows_stated(index):
                    stated = stated_in(self._statement(index)) if index < world.size else None  # else in this batch
                    world.load_stated(index, stated)
                    sought |= set() if stated is None else {("did", stated.iss)}
            ids |= statement.touched()
            for opened in statement.opened.values():  # its id follows from the statement's, which is not in; should
                world.load(opened, None)  # two ids ever begin alike, the store takes no second subject of one id
            sought |= statement.found()
            if (delegation := statement.delegation()) is not None:
                mandates.add(delegation)
            seen = statement.seen()
            if seen is not None and seen[0] < world.size:
                world.load_hash(seen[0], link_of(self.read_entry(seen[0])))
            elif seen is not None:
                self._awaited.add(seen[0])
        keys = [key for key in sought if not world.knows_found(*key)]
        if keys:
            found = store.lookup(keys)
            for key in keys:
                world.load_found(*key, found.get(key))
        ids.update(subject for key in sought if (subject := world.found(*key)) is not None)
        self._load(ids | mandates)
        self._load(root for mandate in mandates for root in world.chain(mandate))
        self._load(giver for mandate in mandates for giver in world.givers(mandate))

    def _statement(self, index: int) -> Statement:
        return accept(parse_entry(self.read_entry(index)).statement)

    def _load(self, ids: Iterable[str]) -> None:
        missing = [name for name in ids if not self.world.knows(name)]
        if missing:
            subjects = self.store.subjects(missing)
            for name in missing:
                self.world.load(name, subjects.get(name))

    def begin(self) -> Batch:
        """A batch that continues the store."""
        return Batch(self.world.size)

    def add(self, batch: Batch, statement: Statement, time: int) -> int:
        """Let a verified, fetched statement that is not in yet take effect as the next entry; returns its index.

        ``time`` is the entry's, later than the last one's. Raises ``Refused``, and nothing has changed then.
        """
        world = self.world
        index = world.size
        change = world.admit(statement, time)
        data = format_entry(Entry(self.origin, index, time, self.link, statement.signed.compact))
        batch.entries.append(data)
        batch.ids.append(statement.digest)
        batch.links.append(self.link)
        batch.changes.append(change)
        batch.disclosures.extend((index, text) for text in statement.disclosures)
        self.time, self.link = time, link_of(data)
        if index in self._awaited:
            world.load_hash(index, self.link)
        if index == 0:
            world.opened(self.link)
        return index

    def commit(self, batch: Batch) -> merkle.Growth:
        """Make a batch durable; the growth of the tree tells its root, and proves its entries.

        Raises what ``Store.commit`` raises.
        """
        growth = merkle.Growth(self._frontier)
        for data in batch.entries:
            growth.append(merkle.leaf_hash(data))
        tiles = self._edge.grow(growth.size, growth.node)
        batch.tiles = [(changed.level, changed.index, hashes) for changed, hashes in tiles]
        self.store.commit(batch)
        self._frontier = growth.frontier()
        return growth

    # -- reading ---------------------------------------------------------------------------------------------

    def read_entry(self, index: int) -> bytes:
        """The bytes of an entry that must be there. Raises ``Corrupt``."""
        return read_entry(self.store, index)

    def read_tile(self, wanted: tile.Tile) -> bytes:
        """The hashes of a tile that must be there. Raises ``Corrupt``."""
        return read_tile(self.store, wanted)

    # -- taking up -------------------------------------------------------------------------------------------

    def _load_world(self, head: Head) -> None:
        first = parse_entry(head.first)
        if first.origin != self.origin:
            raise Corrupt("store_corrupt", f"the charter is of {first.origin}, not {self.origin}", index=0)
        charter = accept(first.statement).opened["ledger"]
        world = self.world
        world.size, world.count, world.ledger = head.size, head.count, charter
        world.opened(link_of(head.first))
        world.load(charter, self.store.subjects([charter]).get(charter))
        if not world.has_charter:
            raise Corrupt("store_corrupt", "the charter's state is missing", index=0, subject=charter)

    def _verify_tail(self, head: Head, nodes: merkle.Nodes) -> None:
        """The last entries are linked to each other and are the leaves the tree ends with."""
        start = max(0, head.size - TAIL)
        previous, link = None, LINK_OF_FIRST
        tail = list(self.store.entries(start, head.size))
        if len(tail) != head.size - start:
            raise Corrupt("store_corrupt", "entries are missing at the end", index=start + len(tail))
        for index, data in enumerate(tail, start):
            try:
                entry = parse_entry(data)
                if previous is not None or index == 0:
                    check_follows(entry, previous, link)
            except Problem as wrong:
                raise Corrupt("store_corrupt", str(wrong), index=index) from wrong
            if entry.index != index or merkle.leaf_hash(data) != nodes(0, index):
                raise Corrupt("store_corrupt", "an entry is not the leaf the tree has for it", index=index)
            previous, link = entry, link_of(data)
        assert previous is not None
        self.time, self.link = previous.time, link
