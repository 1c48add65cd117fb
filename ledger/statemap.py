"""From subjects to the state map (``ledger.log.map``): which keys and which lists it changes that subjects changed, and
of which subjects and lists it can say anything at all.

Pure, and the same for whoever keeps the map: the service with pages, an auditor beside the replay.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ledger.errors import Malformed, declare
from ledger.log.map import lookup_key, member_key, member_value, subject_key, subject_value
from ledger.log.stateproof import Listing, Shown
from ledger.values import is_of, type_of
from ledger.world import STATES, State, Subject

declare(
    "corrupt",
    commitment_other=(
        "the service committed to another state than the entries make",
        "keep a copy: proofs of state under this root are worth nothing, and the service key answers for it",
    ),
)

Pair = tuple[Subject | None, Subject]
"""A subject before a change, None if it was not there, and after."""

Listed = tuple[str, str, str]
"""A list: type of its members, name and value of the look-up."""


@dataclass(slots=True)
class MapChanges:
    """Of the map's own keys, and of the lists by theirs; what ``MapTree.update`` takes."""

    keys: dict[bytes, bytes | None] = field(default_factory=dict)
    lists: dict[bytes, dict[bytes, bytes | None]] = field(default_factory=dict)

    def add(self, pairs: Iterable[Pair]) -> int:
        """Put changes in, and count them. One that comes again goes on from how it came last. 10 µs and up each."""
        count = 0
        for count, (before, after) in enumerate(pairs, 1):  # noqa: B007 - how many there were
            state = after.state
            value = subject_value(state.TYPE, after.index, after.last, state.encode())
            self.keys[subject_key(after.id)] = value
            if before is None:
                self._list(listed(state), after.id, member_value(after.id))
            elif before.state is not state:
                old, new = listed(before.state), listed(state)
                self._list(old - new, after.id, None)
                self._list(new - old, after.id, member_value(after.id))
        return count

    def _list(self, lists: Iterable[Listed], subject_id: str, value: bytes | None) -> None:
        for one in lists:
            key = lookup_key(*one)
            self.lists.setdefault(key, {})[member_key(key, subject_id)] = value


def listed(state: State) -> set[Listed]:
    """The lists that have a subject in this state."""
    proven = state.PROVEN
    return {(state.TYPE, name, value) for name, value in state.lookups() if name in proven} if proven else set()


def lookups_proven() -> dict[str, str]:
    """The look-ups whose lists can be proven, each as TYPE.NAME, and the form of their values (``values.is_of``)."""
    return {f"{type_}.{name}": form for type_, state in sorted(STATES.items()) for name, form in state.PROVEN.items()}


def check_spelt(shown: Shown) -> None:
    """What is shown is something a map can have: the way that proves one absence proves any text absent beside it.

    Raises ``Malformed`` (``state_proof_malformed``) for what is not the id of a subject of a type there is, for a list
    that is none of those proven, and for a value that is not of its form.
    """
    if not isinstance(shown, Listing):
        if type_of(shown.id) not in STATES:
            raise Malformed("state_proof_malformed", f"{shown.id[:100]!a} is not the id of a subject")
        return
    form = lookups_proven().get(f"{shown.type}.{shown.name}")
    if form is None:
        raise Malformed("state_proof_malformed", f"no list is proven under {shown.type[:50]!a} {shown.name[:50]!a}")
    if not is_of(form, shown.value):
        raise Malformed("state_proof_malformed", f"{shown.name} lists by {form}, and {shown.value[:100]!a} is none")
    for one in shown.ids:
        if type_of(one) != shown.type:
            raise Malformed("state_proof_malformed", f"{one[:100]!a} is no id of type {shown.type}")
