"""Delegations in lists: those that a party has given or holds, and those of a DID that is no party."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from api.client import Client, Subject
from scripts.known import Known
from scripts.times import show_seconds

SHOWN = 5  # of each sort, where a party is shown
DIDS_SHOWN = 4  # of a party, the last ones: what it holds was given to one of them


def given_and_held(client: Client, known: Known, party: Subject) -> Iterator[tuple[str, str]]:
    """The last delegations that a party has given and holds, and how to see more. Nothing where there are none."""
    given = client.search(type="delegation", delegator=party.id, limit=SHOWN + 1)
    yield from _some("delegations", given, known, f"--delegator {party.id}", to=True)
    for did in reversed(party.state["dids"][-DIDS_SHOWN:]):
        held = client.search(type="delegation", delegate=did, limit=SHOWN + 1)
        yield from _some("acts for", held, known, f"--delegate {did}", to=False)


def held_by(client: Client, did: str, limit: int) -> list[Subject]:
    """The last delegations that were given to a DID."""
    return list(islice(client.search(type="delegation", delegate=did, limit=min(limit, 100)), limit))


def line_of(state: dict[str, Any], id_: str, known: Known, *, to: bool) -> str:
    """A delegation in a line: its id, whether it holds, what may be done under it, until when, and who with whom."""
    other = f"to {known.delegate(state)}" if to else f"for {known.named(state['party'])}"
    return f"{id_}  {known.standing(state)}  {' '.join(state['kinds'])}  until {show_seconds(state['until'])}  {other}"


def _some(name: str, found: Iterator[Subject], known: Known, condition: str, *, to: bool) -> Iterator[tuple[str, str]]:
    some = list(islice(found, SHOWN + 1))
    lines = [line_of(one.state, one.id, known, to=to) for one in some[:SHOWN]]
    if len(some) > SHOWN:
        lines.append(f"… more: cadastre search --type delegation {condition}")
    if lines:
        yield name, "\n".join(lines)
