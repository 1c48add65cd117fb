"""Who may see private values: the rules of sight, on the state of the ledger as it stands.

The private values of an entry are seen by

1. the party whose statement it is;
2. the parties that its subject's noun names (``State.sees``): both sides of an agreement or a transfer, those to whom
   an offer is made by name;
3. parties to whom the first has granted it, until that is over or withdrawn (``disclosure.granted``), unless the key or
   delegation by which it was granted was compromised by then;
4. an authority, once for each ``disclosure.inspected`` of its own, soon after it (:func:`looked_at`).

A delegate sees for its party what is stated in acts that it could do itself: its delegation, and each that this goes
back to, covers the entry's kind and subject. Who signs for devices does not read contracts. For a look it has to cover
``disclosure.inspected``. Amounts bound what a delegate may state, not what it sees.

Whatever is not allowed ends in one refusal with nothing in it: whether there is such an entry, whether a value is still
there, and what others may see is nobody's to find out by asking.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar, cast

from identity.disclosure import digest
from ledger.circulation.charter import Ledger
from ledger.circulation.delegation import Delegation, mandate
from ledger.circulation.disclosure import DisclosureInspected, Grant, Inspection, is_entitled, shows
from ledger.circulation.party import Party
from ledger.erasure import kept
from ledger.errors import Absent, Unverifiable, declare
from ledger.log.chain import parse_entry
from ledger.read import Reader
from ledger.statement import Stated, accept, covers, stated_in
from ledger.values import type_of
from ledger.world import State, Subject

S = TypeVar("S", bound=State)

PARTIES_MAX = 16  # that list a key, which anybody can: looked at
GIVEN_MAX = 64  # delegations to a key's DIDs, which anybody can give: looked at
LISTED_MAX = 100  # grants of one party on one subject to another that are looked at
LOOK_S = 3_600  # within which an authority looks at what it stated to look at

declare(
    "unverifiable",
    disclosure_denied=(
        "these private values are not shown to you, if there are any",
        "ask the party whose statement it is to let you: cadastre grant; an authority states first that it looks: "
        "cadastre inspect",
    ),
)


class Asker(NamedTuple):
    """A party that asks, by itself or by a delegate under these mandates: the delegation and all it goes back to."""

    party: str
    mandates: tuple[Delegation, ...] = ()

    def may(self, kind: str, subject: str) -> bool:
        """Whether it, or what it was given, names acts of a kind about a subject, personal ones as well."""
        return all(
            any(covers(pattern, kind) for pattern in one.kinds) and (one.subjects is None or subject in one.subjects)
            for one in self.mandates
        )


def askers(reader: Reader, did: str, key: str, seconds: int, principal: str | None = None) -> Iterator[Asker]:
    """For whom a key of a DID asks at a time: parties it speaks for, and those it acts for under a delegation.

    A DID is the key's own did:key, or one through which a party speaks; of any other nobody knows whose the key is.
    ``principal`` is the one party (its id or a DID) or delegation for which it does. Without it only the latest are
    looked at that list the key or were given to its DID, which anybody can do.
    """
    holder, itself = _party_called(reader, did), f"did:key:{key}"
    if holder is None and did != itself:
        return
    if type_of(principal or "") == "delegation":
        yield from _named_mandate(reader, cast(str, principal), did, key, seconds)
        return
    wanted = None if principal is None else _party_called(reader, principal)
    if principal is not None and wanted is None:
        return
    named = parties_listing(reader, key, wanted) if holder is None else [reader.subject(holder)]
    parties = [one for one in named if _speaks(cast(Party, one.state), did, key)]
    yield from (Asker(one.id) for one in parties if wanted in (None, one.id))
    if holder is None or parties:
        dids = dict.fromkeys([did, *(cast(Party, one.state).did for one in parties)])
        for one in given_to(reader, dids, wanted):
            yield from _acting(reader, cast(Delegation, one.state), seconds)


def parties_listing(reader: Reader, key: str, wanted: str | None = None) -> list[Subject]:
    """The party that is wanted, and the latest of those among whose keys that speak this one is."""
    named = [] if wanted is None else [one for one in [_subject(reader, wanted)] if one is not None]
    listing = reader.listed("party", "key", key, PARTIES_MAX)
    return [one for one in named if ("key", key) in one.state.lookups()] + [one for one in listing if one.id != wanted]


def given_to(reader: Reader, dids: Iterable[str], by: str | None = None) -> Iterator[Subject]:
    """The latest delegations to these DIDs that are not revoked; of those that one party gave, any of the latest."""
    left = GIVEN_MAX
    for did in dids:
        found = reader.listed("delegation", "mandate", did if by is None else mandate(by, did), left) if left else []
        left -= len(found)
        yield from found


def _party_called(reader: Reader, named: str) -> str | None:
    """The id of the party of this id, or that speaks or spoke through this DID; None where there is none."""
    return named if type_of(named) == "party" else reader.store.lookup([("did", named)]).get(("did", named))


def _named_mandate(reader: Reader, id_: str, did: str, key: str, seconds: int) -> Iterator[Asker]:
    """The one delegation, if it was given to this DID, or to that of a party for which the key speaks."""
    leaf, itself = _found(reader, Delegation, id_), f"did:key:{key}"
    if leaf is None or did not in (leaf.to, itself):
        return
    delegate = _found(reader, Party, _party_called(reader, leaf.to))
    if leaf.to == itself if delegate is None else _speaks(delegate, leaf.to, key):
        yield from _acting(reader, leaf, seconds)


def _subject(reader: Reader, id_: str) -> Subject | None:
    try:
        return reader.subject(id_)
    except Absent:
        return None


def _found(reader: Reader, state: type[S], id_: str | None) -> S | None:
    """The state of a subject, if there is one of this type."""
    subject = None if id_ is None else _subject(reader, id_)
    return subject.state if subject is not None and isinstance(subject.state, state) else None


def _acting(reader: Reader, leaf: Delegation, seconds: int) -> Iterator[Asker]:
    """Whom a delegation lets ask, if it is in force at a time, with all that it goes back to."""
    chain = (*(cast(Delegation, reader.subject(id_).state) for id_ in leaf.chain), leaf)
    root = cast(Party, reader.subject(leaf.party).state)
    if not root.left and not _given_in_doubt(reader, chain) and all(one.holds(seconds) for one in chain):
        yield Asker(leaf.party, chain)


def _given_in_doubt(reader: Reader, chain: Iterable[Delegation]) -> bool:
    """Whether somebody else may have given one of these: with a key that its party says was compromised by then."""
    given = [(cast(Party, reader.subject(one.giver).state), one) for one in chain if one.giver is not None]
    return any(giver.doubts(one.key, one.opened) for giver, one in given)


def disclosed(reader: Reader, index: int, asking: Sequence[Asker], seconds: int) -> list[str]:
    """The disclosures of an entry that these may see at a time. Raises ``Unverifiable`` (``disclosure_denied``)."""
    owner, stated = _stated(reader, index)
    named = {owner, *reader.subject(stated.subject).state.sees()}
    fields: set[str] = set()
    for one in asking:
        if one.may(stated.kind, stated.subject):
            every = one.party in named
            fields.update(stated.fields if every else _granted(reader, owner, stated, one.party, index, seconds))
    return _kept(reader, index, stated, fields)


def looked_at(
    reader: Reader, charter: Ledger, index: int, asking: Sequence[Asker], look: str, seconds: int
) -> tuple[Inspection, list[str]]:
    """A look of one of these that lets it see private values of an entry at a time, and their disclosures.

    Left to the caller: that it is used once. Raises ``Unverifiable`` (``disclosure_denied``).
    """
    _, stated = _stated(reader, index)
    inspection = _found(reader, Inspection, look)
    if inspection is None or inspection.entry != index or inspection.at + LOOK_S < seconds:
        raise Unverifiable("disclosure_denied")
    kind = DisclosureInspected.NAME
    if not any(one.party == inspection.by and one.may(kind, stated.subject) for one in asking):
        raise Unverifiable("disclosure_denied")
    if not is_entitled(charter, cast(Party, reader.subject(inspection.by).state), "inspectors"):
        raise Unverifiable("disclosure_denied")
    return inspection, _kept(reader, index, stated, set(inspection.fields))


def _stated(reader: Reader, index: int) -> tuple[str, Stated]:
    """Whose statement an entry is, and what it says in private. Raises ``Unverifiable`` (``disclosure_denied``)."""
    try:
        stated = stated_in(accept(parse_entry(reader.entry(index)).statement))
    except Absent:
        stated = None
    if stated is None:
        raise Unverifiable("disclosure_denied")
    return reader.find("did", stated.iss), stated


def _granted(reader: Reader, owner: str, stated: Stated, to: str, index: int, seconds: int) -> Iterator[str]:
    """The fields of an entry that its owner lets a party see at a time."""
    party = cast(Party, reader.subject(owner).state)
    for subject in reader.listed("grant", "shows", shows(owner, stated.subject, to), LISTED_MAX):
        grant = cast(Grant, subject.state)
        shown = [] if _doubtful(reader, party, grant) else grant.shown(index, seconds)
        yield from stated.fields if shown is None else stated.fields.keys() & set(shown)


def _doubtful(reader: Reader, party: Party, grant: Grant) -> bool:
    """Whether somebody else may have given it: by a key, or under a delegation, that was compromised by then."""
    if grant.via is None:
        return party.doubts(grant.key, grant.opened)
    leaf = cast(Delegation, reader.subject(grant.via).state)
    chain = (*(cast(Delegation, reader.subject(id_).state) for id_ in leaf.chain), leaf)
    delegate = _found(reader, Party, _party_called(reader, leaf.to))
    if _given_in_doubt(reader, chain) or (delegate is not None and delegate.doubts(grant.key, grant.opened)):
        return True
    return any(one.compromised is not None and one.compromised <= grant.opened for one in chain)


def _kept(reader: Reader, index: int, stated: Stated, fields: set[str]) -> list[str]:
    if not fields:
        raise Unverifiable("disclosure_denied")
    wanted = {stated.fields[field] for field in fields}
    return [text for text in kept(reader.store, index) if digest(text) in wanted]


def _speaks(party: Party, did: str, key: str) -> bool:
    """Whether a key speaks for a party, named under its DID or by itself."""
    named = did if did in party.dids else party.did
    return not party.left and party.denies(named, key) is None
