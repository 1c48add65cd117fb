"""Pages: state maps (``ledger.log.map``) cut into pieces that a store keeps, each under the hash of what it holds.

A page holds the four levels of the tree between one hexadecimal digit of the keys and the next: up to 16 nodes, each a
leaf, or the hash under which the page of that subtree is kept. Digits that all keys of a subtree share have no page:

    page ab54   digit 0     1 leaf · 7 page 90c2 · 9 leaf
    page 90c2   digit 3     0 leaf · d leaf                  keys 7??0... and 7??d... with the same two digits ??

So a page never changes. Who changes a map gets pages to keep, and the hashes of those that the root before needs and
the one after does not: kept for a while, they prove at the root before. Whatever order changes come in, one map has the
same pages. Lists are maps of their own among the same pages: the value of a look-up key is the root to read on from.

Data only: pages are read through the caller's hands, from a store of the caller's own: what it says is believed. A
proof made from it holds only if it is what the ledger committed to, which checking it shows.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from identity.errors import declare
from ledger.errors import Absent, Corrupt
from ledger.log.map import BITS, MapProof, Step, map_leaf_hash, map_node_hash
from ledger.log.merkle import EMPTY_ROOT

DIGITS = BITS // 4

Read = Callable[[Sequence[bytes]], Mapping[bytes, bytes]]
"""The pages that are kept under any of these hashes, by their hashes."""

Node = bytes
"""64 bytes: key and value of a leaf. 32 bytes: the hash of a subtree of at least two, which has a page."""

Changes = Mapping[bytes, bytes | None]
"""Key -> the value it has from now on, or None to take it out; 32 bytes each."""

declare(
    "absent",
    map_root_absent=("the state of this size is not kept", "ask at a later size, or rebuild it from the entries"),
)
declare(
    "corrupt",
    map_page_corrupt=(
        "a page of the state map is missing or damaged",
        "make the map again from the entries: cadastre rebuild DIR; that of an older size with --at SIZE",
    ),
)


# ---- One page ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Page:
    """The nodes of a subtree at the first digit (0 to 63) in which its keys differ, in the order of that digit.

    Two to 16 nodes. A map of one key has a page of its own: that leaf at digit 0.
    """

    digit: int
    nodes: Mapping[int, Node]

    def hash(self) -> bytes:
        """The root of the subtree, under which the page is kept. About 1 microsecond a node."""
        return _fold(self.digit, list(self.nodes), [_hash_of(node) for node in self.nodes.values()])


def _hash_of(node: Node) -> bytes:
    return node if len(node) == 32 else map_leaf_hash(node[:32], node[32:])


def _fold(digit: int, places: list[int], row: list[bytes]) -> bytes:
    """The hash of neighbours in a page by their places, ascending, and hashes: paired bit by bit from the lowest."""
    width = 16
    for bit in range(4 * digit + 3, 4 * digit - 1, -1):
        if len(row) == 1:
            break
        if len(row) == width:  # no gaps from here on
            row = [map_node_hash(bit, left, right) for left, right in zip(row[::2], row[1::2], strict=True)]
            width >>= 1
            continue
        width >>= 1
        above: list[int] = []
        paired: list[bytes] = []
        for place, node in zip(places, row, strict=True):
            if above and above[-1] == place >> 1:
                paired[-1] = map_node_hash(bit, paired[-1], node)
            else:
                above.append(place >> 1)
                paired.append(node)
        places, row = above, paired
    return row[0]


def _digit(key: bytes, digit: int) -> int:
    byte = key[digit >> 1]
    return byte & 15 if digit & 1 else byte >> 4


def _parting(one: bytes, other: bytes) -> int:
    """The first digit in which two keys differ; 64 if they are the same."""
    return (BITS - (int.from_bytes(one[:32]) ^ int.from_bytes(other[:32])).bit_length()) // 4


_SUM = 8  # bytes of the checksum
_HEAD = _SUM + 5


def format_page(page: Page, address: bytes) -> bytes:
    """The bytes kept under this hash: the page's own.

    A checksum of 8 bytes; the digit in one; in two each, bit by bit from the lowest, which places are taken and which
    of them by leaves; the nodes. The checksum is over the hash and all that follows: the hash alone would not tell
    whether two subtrees stand at 0 and 8 or at 1 and 9, which only the pages below them know.
    """
    taken = leaves = 0
    for place, node in page.nodes.items():
        taken |= 1 << place
        if len(node) == 64:
            leaves |= 1 << place
    body = b"%c%b%b%b" % (page.digit, taken.to_bytes(2), leaves.to_bytes(2), b"".join(page.nodes.values()))
    return _checksum(address, body) + body


def _checksum(address: bytes, body: bytes) -> bytes:
    return sha256(address + body).digest()[:_SUM]


def parse_page(data: bytes, address: bytes) -> Page:
    """The reverse of :func:`format_page`. Raises ``map_page_corrupt`` unless these very bytes were kept there."""
    if _checksum(address, data[_SUM:]) != data[:_SUM]:
        raise Corrupt("map_page_corrupt", f"{address.hex()} is damaged")
    taken, leaves = int.from_bytes(data[_SUM + 1 : _SUM + 3]), int.from_bytes(data[_SUM + 3 : _HEAD])
    nodes: dict[int, Node] = {}
    start = _HEAD
    for place in range(16):
        if taken >> place & 1:
            end = start + (64 if leaves >> place & 1 else 32)
            nodes[place] = data[start:end]
            start = end
    alone = len(nodes) == 1 and (leaves == 0 or data[_SUM] > 0)  # but for the page of one key
    if start != len(data) or not nodes or alone or data[_SUM] >= DIGITS:
        raise Corrupt("map_page_corrupt", f"{address.hex()} is not a page")
    return Page(data[_SUM], nodes)


def _page_of_one(leaf: Node) -> Page:
    return Page(0, {_digit(leaf, 0): leaf})


# ---- All pages ---------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Update:
    """What a change made of a map: its root, pages to keep by their hashes, and hashes of those it went on from.

    A stale page that a later change brings back is among that one's pages: it is kept as if it had not been stale.
    """

    root: bytes = EMPTY_ROOT
    pages: dict[bytes, bytes] = field(default_factory=dict)
    stale: set[bytes] = field(default_factory=set)


class MapTree:
    """Maps among the pages of a store: any number of roots, of maps and of the lists in them.

    Keeps the pages it met last in memory: when it is not at work, at most ``cache`` of them at about 2 kB. Not for two
    threads at a time. Everything raises ``map_root_absent`` for a root whose first page is not kept, and
    ``map_page_corrupt``.
    """

    def __init__(self, read: Read, cache: int = 8_192) -> None:
        self._read = read
        self._cache: OrderedDict[bytes, Page] = OrderedDict()
        self._cache_max = cache

    def get(self, root: bytes, key: bytes) -> bytes | None:
        """The value of a key, or None."""
        value = self._value(self._top(root), key)
        self._trim()
        return value

    def items(self, root: bytes) -> Iterator[tuple[bytes, bytes]]:
        """All keys and values, in ascending order of the keys."""
        top, before = self._top(root), b""
        todo = [] if top is None else [(top, -1)]
        while todo:
            node, above = todo.pop()
            if len(node) == 32:
                page = self._load(node, above)
                todo += [(below, page.digit) for below in page.nodes.values()][::-1]
                self._trim()
            elif node[:32] <= before:  # a page stands in two places
                raise Corrupt("map_page_corrupt", f"{node[:32].hex()} is not above the key before it")
            else:
                before = node[:32]
                yield before, node[32:]

    def prove(self, root: bytes, key: bytes) -> MapProof:
        """The proof of the value of a key, or of its absence. Reads a page for about every four steps, one by one."""
        steps: list[Step] = []
        node, above = self._top(root), -1
        while node is not None and len(node) == 32:
            page = self._load(node, above)
            node, above = _steps_in(page, key, steps), page.digit
        self._trim()
        if node is None:
            return MapProof(())
        return MapProof(tuple(reversed(steps)), None if node[:32] == key else (node[:32], node[32:]))

    def update(self, root: bytes, changes: Changes, lists: Mapping[bytes, Changes] | None = None) -> Update:
        """Change the map with this root. ``lists``: changes of the maps whose roots are the values of these keys.

        A list that loses its last member leaves the map. Reads once for each level of pages, in the map and again in
        its lists; makes two to three pages for each key changed. Raises ``ValueError`` if a key stands in both, or has
        not 32 bytes, or a value has not.
        """
        lists = lists or {}
        if changes.keys() & lists.keys():
            raise ValueError("the key of a list has no other value")
        for one in (changes, dict.fromkeys(lists), *lists.values()):
            _check_lengths(one)
        top = self._top(root)
        self._fetch_ways([(top, [*changes, *lists])])
        inner = {key: self._value(top, key) or EMPTY_ROOT for key in lists}
        tops = self._tops_of_lists(inner)
        self._fetch_ways([(tops[key], members) for key, members in lists.items()])
        work = _Change(self._load)
        values = dict(changes)
        for key, members in lists.items():
            made = self._apply(inner[key], members, work)
            values[key] = None if made == EMPTY_ROOT else made
        update = Update(self._apply(root, values, work), work.pages, work.stale)
        self._cache.update([*work.fresh.items()][-self._cache_max :])
        self._trim()
        return update

    def _apply(self, root: bytes, changes: Changes, work: _Change) -> bytes:
        top = self._top(root)
        node = work.changed(top, sorted(changes.items()), 0)
        if node == top:
            return root
        if top is not None and len(top) == 64:
            work.stale.add(root)
        if node is not None and len(node) == 64:
            return work.keep(_page_of_one(node))
        return EMPTY_ROOT if node is None else node

    # -- reading ---------------------------------------------------------------------------------------------

    def _top(self, root: bytes) -> Node | None:
        """The uppermost node under a root."""
        if root == EMPTY_ROOT:
            return None
        self._fetch([root])
        page = self._cache.get(root)
        if page is None:
            raise Absent("map_root_absent", f"root {root.hex()}")
        return root if len(page.nodes) > 1 else next(iter(page.nodes.values()))

    def _tops_of_lists(self, roots: Mapping[bytes, bytes]) -> dict[bytes, Node | None]:
        """The same of all lists, whose pages must be there if those that lead to them are."""
        self._fetch(roots.values())
        for root in roots.values():
            if root != EMPTY_ROOT:
                self._load(root, -1)
        return {key: self._top(root) for key, root in roots.items()}

    def _value(self, node: Node | None, key: bytes) -> bytes | None:
        above = -1
        while node is not None and len(node) == 32:
            page = self._load(node, above)
            node, above = page.nodes.get(_digit(key, page.digit)), page.digit
        return node[32:] if node is not None and node[:32] == key else None

    def _load(self, address: bytes, above: int) -> Page:
        """A page below the one at this digit, or below none at -1: so every way down ends, whatever was put there."""
        self._fetch([address])
        page = self._cache.get(address)
        if page is None:
            raise Corrupt("map_page_corrupt", f"{address.hex()} is missing")
        if page.digit <= above:
            raise Corrupt("map_page_corrupt", f"{address.hex()} is at digit {page.digit}, below one at {above}")
        self._cache.move_to_end(address)
        return page

    def _fetch_ways(self, wanted: Iterable[tuple[Node | None, Iterable[bytes]]]) -> None:
        """Have the pages at hand which these keys meet below these nodes; reads once for each level."""
        level = [(node, -1, [*keys]) for node, keys in wanted if node is not None and len(node) == 32]
        while level:
            self._fetch(node for node, _, _ in level)
            below: dict[tuple[bytes, int], list[bytes]] = {}
            for node, above, keys in level:
                page = self._load(node, above)
                for key in keys:
                    child = page.nodes.get(_digit(key, page.digit), b"")
                    if len(child) == 32:
                        below.setdefault((child, page.digit), []).append(key)
            level = [(*place, keys) for place, keys in below.items()]

    def _fetch(self, addresses: Iterable[bytes]) -> None:
        """Read what is kept under these hashes, unless it is at hand."""
        missing = [address for address in addresses if address not in self._cache and address != EMPTY_ROOT]
        if missing:
            for address, data in self._read(missing).items():
                self._cache[address] = parse_page(data, address)

    def _trim(self) -> None:
        """Forget the pages met longest ago."""
        while len(self._cache) > self._cache_max:
            self._cache.popitem(last=False)


def _check_lengths(changes: Changes) -> None:
    if any(len(key) != 32 or (value is not None and len(value) != 32) for key, value in changes.items()):
        raise ValueError("keys and values have 32 bytes")


def _steps_in(page: Page, key: bytes, steps: list[Step]) -> Node:
    """The node of a page to which the bits of a key lead, wherever its nodes part; appends the steps on the way."""
    digit = _digit(key, page.digit)
    places = list(page.nodes)
    for bit in range(4):
        mine = [place for place in places if not (place ^ digit) >> 3 - bit & 1]
        others = [place for place in places if (place ^ digit) >> 3 - bit & 1]
        if mine and others:
            sibling = _fold(page.digit, others, [_hash_of(page.nodes[place]) for place in others])
            steps.append((4 * page.digit + bit, sibling))
        places = mine or others
    return page.nodes[places[0]]


# ---- Changing ----------------------------------------------------------------------------------------------

Items = list[tuple[bytes, bytes | None]]
"""Keys and values in ascending order; None takes the key out."""


class _Change:
    """One change under way: the pages made and left behind so far."""

    def __init__(self, load: Callable[[bytes, int], Page]) -> None:
        self._load = load
        self.fresh: dict[bytes, Page] = {}
        self.pages: dict[bytes, bytes] = {}
        self.stale: set[bytes] = set()

    def keep(self, page: Page) -> Node:
        address = page.hash()
        self.fresh[address] = page
        self.pages[address] = format_page(page, address)
        return address

    def changed(self, node: Node | None, items: Items, digit: int) -> Node | None:
        """The node with these changes; the keys of both share all digits before this one."""
        if not items:
            return node
        if node is None or len(node) == 64:
            leaves = {} if node is None else {node[:32]: node}
            leaves |= {key: key + value if value is not None else b"" for key, value in items}
            return self._built([leaves[key] for key in sorted(leaves) if leaves[key]])
        page = self._load(node, digit - 1)
        if page.digit == digit:
            return self._changed_inside(node, page, items)
        first = self._first_key(page)
        inside = [item for item in items if _parting(item[0], first) >= page.digit]
        outside = [key + value for key, value in items if value is not None and _parting(key, first) < page.digit]
        return self._joined(self._changed_inside(node, page, inside), first, outside)

    def _changed_inside(self, node: Node, page: Page, items: Items) -> Node | None:
        """A page with changes to keys that share all digits before it."""
        groups: dict[int, Items] = {}
        for item in items:
            groups.setdefault(_digit(item[0], page.digit), []).append(item)
        nodes = dict(page.nodes)
        for place, group in groups.items():
            child = self.changed(nodes.get(place), group, page.digit + 1)
            if child is not None:
                nodes[place] = child
            else:
                nodes.pop(place, None)
        if nodes == page.nodes:
            return node
        self.stale.add(node)
        if len(nodes) < 2:
            return next(iter(nodes.values()), None)
        if nodes.keys() - page.nodes.keys():
            nodes = dict(sorted(nodes.items()))
        return self.keep(Page(page.digit, nodes))

    def _first_key(self, page: Page) -> bytes:
        """A key of the subtree, to know the digits that all of them share."""
        while True:
            for node in page.nodes.values():
                if len(node) == 64:
                    return node[:32]
            page = self._load(node, page.digit)

    def _joined(self, node: Node | None, first: bytes, leaves: list[Node]) -> Node | None:
        """A subtree, in which ``first`` is or was a key, and leaves that part from it before its own digit."""
        if not leaves:
            return node
        if node is None:
            return self._built(leaves)
        digit = min(_parting(leaf, first) for leaf in leaves)
        groups: dict[int, list[Node]] = {_digit(first, digit): []}
        for leaf in leaves:
            groups.setdefault(_digit(leaf, digit), []).append(leaf)
        nodes: dict[int, Node] = {}
        for place in sorted(groups):
            ours = place == _digit(first, digit)
            child = self._joined(node, first, groups[place]) if ours else self._built(groups[place])
            assert child is not None
            nodes[place] = child
        return self.keep(Page(digit, nodes))

    def _built(self, leaves: list[Node]) -> Node | None:
        """The subtree of leaves in ascending order."""
        if len(leaves) < 2:
            return leaves[0] if leaves else None
        digit = _parting(leaves[0], leaves[-1])
        groups: dict[int, list[Node]] = {}
        for leaf in leaves:
            groups.setdefault(_digit(leaf, digit), []).append(leaf)
        nodes = {place: child for place, group in groups.items() if (child := self._built(group)) is not None}
        return self.keep(Page(digit, nodes))
