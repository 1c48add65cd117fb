"""Keys: which of them speak for a party, from which entry to which, and whose acts are doubtful.

A key is named by its Multikey (``z6Mk…``, ``zDn…``): the fragment of a statement's ``kid``. That a key was replaced
takes nothing from what it signed before. Where it was declared compromised as of an index, its acts from there on stay
in the ledger, valid as they were admitted, and are shown as doubtful.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict  # pydantic reads no other below Python 3.12

from ledger.errors import Refused, declare
from ledger.form import Form

declare(
    "rule",
    key_not_known_here=("no key of this name ever spoke for the party", "name one of its keys: cadastre show DID"),
    compromise_misdated=(
        "the key did not speak for the party at that index",
        "name an index from the entry by which the key came, up to this one",
    ),
    signing_keys_missing=(
        "the DID has no key that can sign statements",
        "give its document an assertionMethod, a Multikey with the id DID#MULTIKEY",
    ),
    keys_too_many=(
        "the DID has too many keys",
        "keep at most 32 in assertionMethod; beyond 256 that were compromised, let another DID speak",
    ),
)

KEYS_MAX = 32  # that speak for a party at a time
FORMER_MAX = 64  # replaced and not compromised: the earliest beyond these are forgotten, and refused as unknown
COMPROMISED_MAX = 256  # never forgotten: what they gave others power to do must not come alive again

Multikey = Annotated[
    str,
    Field(
        pattern=r"^z[1-9A-HJ-NP-Za-km-z]{40,64}$",
        description="Multikey of a key",
        examples=["z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"],
    ),
]


class KeyState(TypedDict):
    """A key of a party: the entry by which it came, the entry by which it went, the index from which it is doubtful."""

    key: str
    index: int
    ended: NotRequired[int]
    compromised: NotRequired[int]


class Compromise(Form):
    """That somebody else may have signed with a key."""

    key: Multikey
    since: Annotated[int, Field(ge=0, lt=2**53, description="index of the first entry that is doubtful")]


Compromises = Annotated[
    list[Compromise],
    Field(max_length=32, description="keys that others may have used, and since when", default_factory=list),
]


def first_keys(keys: Iterable[str], index: int) -> list[KeyState]:
    """The keys of a party that comes to speak at an index."""
    return [{"key": key, "index": index} for key in keys]


def denies(keys: Iterable[KeyState], key: str) -> str | None:
    """The code of the reason why a key does not speak at present; None if it does. Asked for every act."""
    reason = "key_not_of_issuer"
    for one in keys:
        if one["key"] != key:
            continue
        if "ended" not in one:
            return None
        if "compromised" in one:
            reason = "key_compromised"
        elif reason != "key_compromised":
            reason = "key_retired"
    return reason


def doubts(keys: Iterable[KeyState], key: str, index: int) -> bool:
    """Whether somebody else may have signed with the key what stands at an index."""
    return any(one["key"] == key and one.get("compromised", index + 1) <= index for one in keys)


def check_renewal(
    keys: Sequence[KeyState], present: Sequence[str], compromises: Sequence[Compromise], index: int
) -> None:
    """The keys ``present`` from an index on may follow on these, and what is said to be compromised was among these.

    None of those that are compromised comes back. Raises ``Refused``.
    """
    check_compromises(keys, compromises, index)
    check_present(present, {one.key for one in compromises} | {one["key"] for one in keys if "compromised" in one})


def check_compromises(keys: Sequence[KeyState], compromises: Sequence[Compromise], index: int) -> None:
    """What an act at this index says to be compromised was among these keys, and not before it came. Or ``Refused``."""
    former = {one["key"] for one in keys if "compromised" in one}
    if len(former.union(one.key for one in compromises)) > COMPROMISED_MAX:
        raise Refused("keys_too_many", f"{len(former)} were compromised")
    for place, one in enumerate(compromises):
        pointer = f"/payload/body/compromised/{place}"
        spells = [key for key in keys if key["key"] == one.key]
        if not spells:
            raise Refused("key_not_known_here", one.key, pointer=pointer)
        if not spells[0]["index"] <= one.since <= index:
            raise Refused("compromise_misdated", f"{one.key} came by entry {spells[0]['index']}", pointer=pointer)


def check_present(present: Sequence[str], gone: Container[str]) -> None:
    """A DID may speak through these keys, where those that are ``gone`` do not come back. Raises ``Refused``."""
    if not present:
        raise Refused("signing_keys_missing")
    if len(present) > KEYS_MAX:
        raise Refused("keys_too_many", f"{len(present)} keys")
    for key in present:
        if key in gone:
            raise Refused("key_compromised", f"{key} cannot come back")


def renewed(
    keys: Iterable[KeyState], present: Sequence[str], compromises: Iterable[Compromise], index: int
) -> list[KeyState]:
    """The keys as an act leaves them: those ``present`` speak from its index on, the others no more."""
    since: Mapping[str, int] = {one.key: one.since for one in compromises}
    after: list[KeyState] = []
    for one in keys:
        key = one["key"]
        if "ended" not in one and key not in present:
            one = {**one, "ended": index}
        if key in since:
            one = {**one, "compromised": min(since[key], one.get("compromised", since[key]))}
        after.append(one)
    former = [one for one in after if "ended" in one and "compromised" not in one]
    forgotten = former[: max(0, len(former) - FORMER_MAX)]
    kept = [one for one in after if one not in forgotten]
    speaking = {one["key"] for one in kept if "ended" not in one}
    return kept + first_keys((key for key in present if key not in speaking), index)
