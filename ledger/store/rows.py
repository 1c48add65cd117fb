"""From a batch to the rows it writes: what is opened, what is changed, what is superseded, what is found where.

Look-ups and words belong to subjects as they stand, so a batch that changes a subject several times writes only the
difference between how it stood before the batch and how it stands after it. Every state in between is kept as past.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from identity.canonical import b64encode
from ledger.errors import Unavailable
from ledger.store import Batch
from ledger.store.postings import Postings, Row, split
from ledger.values import subject_letters
from ledger.world import State, Subject


@dataclass(slots=True)
class Rows:
    """The rows of one batch; each list has the columns of its table, in their order, unless noted.

    ``advanced`` is None where a subject was last advanced before the batch: its row knows by which entry.
    """

    entries: list[Row] = field(default_factory=list)
    opened: list[Row] = field(default_factory=list)  # subject
    changed: list[Row] = field(default_factory=list)  # index, advanced, state; then no and index of the row replaced
    past: list[Row] = field(default_factory=list)  # no, index, advanced, no again, state
    lookups: Postings = field(default_factory=Postings)
    words: Postings = field(default_factory=Postings)
    unnamed: list[Row] = field(default_factory=list)  # naming: rows that go
    named: list[Row] = field(default_factory=list)  # naming: rows that come
    mentions: list[Row] = field(default_factory=list)
    tiles: list[Row] = field(default_factory=list)
    disclosures: list[Row] = field(default_factory=list)


@dataclass(slots=True)
class _Life:
    """What a batch makes of a subject."""

    first: Subject | None  # how it stood before the batch, None if the batch opens it
    stands: Subject
    opened: int  # entry that opened it, where the batch does
    advanced: int | None  # entry of the batch that advanced it last


def rows_of(batch: Batch) -> Rows:
    """All that a batch writes. Raises ``ValueError`` if the lists of the batch do not run in step, and ``Unavailable``
    (``store_conflict``) if one of its changes does not start from what the one before left, or opens or advances a
    subject in the name of another entry.

    Rows of lists come in the order of their key, which is the order of their table: rows of one page are then written
    while it is at hand, in half the time.
    """
    rows = Rows()
    for index, (id_, link, data) in enumerate(zip(batch.ids, batch.links, batch.entries, strict=True), batch.size):
        rows.entries.append((index, id_[:16], id_[16:], link, data))
    for life in _lives(rows, batch):
        _add_subject(rows, life)
    rows.mentions += _mentions(batch)
    rows.tiles += batch.tiles
    places: dict[int, int] = {}
    for index, disclosure in batch.disclosures:
        places[index] = place = places.get(index, -1) + 1
        rows.disclosures.append((index, place, disclosure))
    return rows


def _mentions(batch: Batch) -> list[Row]:
    """Which entries of the batch touched which subjects, those that open them aside: their rows name them.

    Each row goes behind what its chapter has.
    """
    mentions: defaultdict[tuple[int, int], bytearray] = defaultdict(bytearray)
    for index, (change, _) in enumerate(zip(batch.changes, batch.entries, strict=True), batch.size):
        chapter, low = split(index)
        opened = [after.no for before, after in change.changed if before is None]
        for no in change.mentioned:
            if no not in opened:
                mentions[chapter, no].append(low)
    return sorted((chapter, no, bytes(low)) for (chapter, no), low in mentions.items())


def _lives(rows: Rows, batch: Batch) -> list[_Life]:
    """The subjects a batch opens or changes, in the order it first does; what is superseded goes to ``rows.past``."""
    lives: dict[int, _Life] = {}
    for index, (id_, change) in enumerate(zip(batch.ids, batch.changes, strict=True), batch.size):
        if not change.changed:
            continue
        name, letters = b64encode(id_), subject_letters(id_)
        for old, after in change.changed:
            life = lives.get(after.no)
            if after.index != index or (life is not None and (old is None or old.index != life.stands.index)):
                raise Unavailable("store_conflict", f"the batch changes {after.id} from how it does not stand")
            if old is None:
                if after.id != f"{after.type}_{letters}" or after.last != name:
                    raise Unavailable("store_conflict", f"entry {index} cannot open {after.id}")
                lives[after.no] = _Life(None, after, index, index)
                continue
            if after.last not in (name, old.last) or (after.id, after.no) != (old.id, old.no):
                raise Unavailable("store_conflict", f"entry {index} cannot advance {after.id} to {after.last}")
            if life is None:
                life = lives[after.no] = _Life(old, old, -1, None)
            rows.past.append((old.no, old.index, life.advanced, old.no, old.state.encode()))
            life.stands = after
            if after.last == name:
                life.advanced = index
    return list(lives.values())


def _add_subject(rows: Rows, life: _Life) -> None:
    first, subject = life.first, life.stands
    no, state = subject.no, subject.state
    if first is None:
        rows.opened.append((no, state.TYPE, life.opened, subject.index, life.advanced, state.encode()))
        lookups = set(state.lookups())
        rows.lookups.open_pairs(lookups, no)
        rows.named += _naming(state, lookups, no)
        rows.words.open(state.TYPE, set(state.words()), no)
        return
    rows.changed.append((subject.index, life.advanced, state.encode(), no, first.index))
    if first.state is not state:
        before, after = set(first.state.lookups()), set(state.lookups())
        rows.lookups.amend(before, after, no)
        rows.unnamed += _naming(state, before - after, no)
        rows.named += _naming(state, after - before, no)
        rows.words.amend(_words(first.state), _words(state), no)


def _naming(state: State, lookups: Iterable[tuple[str, str]], no: int) -> Iterable[Row]:
    return [(name, value, no) for name, value in lookups if name in state.UNIQUE] if state.UNIQUE else ()


def _words(state: State) -> set[tuple[str, str]]:
    return {(state.TYPE, word) for word in state.words()}
