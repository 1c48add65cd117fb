"""Kinds and states keep their shapes: what was ever admitted must read, check and fold the same for ever.

``tests/kinds.lock`` pins the shape of every kind and state, without titles and descriptions. Released ones gain only
optional fields; anything else is a kind of another name. After such a change, write the lock anew:

    python -m tests.ledger.test_kinds_lock                  refuses what would break a released kind
    python -m tests.ledger.test_kinds_lock --unreleased     for kinds that no release has carried yet
"""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

import ledger.circulation
from ledger.statement import KINDS, Kind
from ledger.world import STATES, State

LOCK = Path(__file__).parents[1] / "kinds.lock"
NOTES = ("title", "description", "examples")  # of a schema: they may be worded better at any time
NAMED = ("properties", "$defs")  # parts of a schema whose members are names, not keywords

Schema = dict[str, Any]


def shape(schema: Any, *, names: bool = False) -> Any:
    """A JSON schema without its notes."""
    if isinstance(schema, dict):
        kept = schema if names else {word: part for word, part in schema.items() if word not in NOTES}
        return {word: shape(part, names=not names and word in NAMED) for word, part in kept.items()}
    return [shape(part) for part in schema] if isinstance(schema, list) else schema


def shape_of_kind(kind: type[Kind]) -> Schema:
    return {
        "since": kind.SINCE,
        "signer": kind.SIGNER,
        "personal": kind.PERSONAL,
        "opens": list(kind.OPENS),
        "on": kind.ON,
        "schema": shape(kind.model_json_schema()),
    }


def shape_of_state(state: type[State]) -> Schema:
    return {"unique": list(state.UNIQUE), "schema": shape(TypeAdapter(state).json_schema())}


def is_ours(declared: type) -> bool:
    """Declared by a noun of the ledger, not by a test."""
    return declared.__module__.startswith(ledger.circulation.__name__)


def shapes() -> Schema:
    return {
        "kinds": {name: shape_of_kind(kind) for name, kind in sorted(KINDS.items()) if is_ours(kind)},
        "states": {name: shape_of_state(state) for name, state in sorted(STATES.items()) if is_ours(state)},
    }


def breaks(released: Schema, here: Schema) -> list[str]:
    """What no longer reads as released: one line each, none if only optional fields were added."""
    found = []
    for sort in ("kinds", "states"):
        for name, old in released[sort].items():
            if name not in here[sort]:
                found.append(f"{name} is gone")
                continue
            found += _differing(name, old, here[sort][name])
    return found


def _differing(path: str, old: Any, new: Any) -> list[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        words = sorted(old.keys() | new.keys())
        return [line for word in words for line in _member(path, word, old, new)]
    return [] if old == new else [f"{path} was {json.dumps(old)}, is {json.dumps(new)}"]


def _member(path: str, word: str, old: Schema, new: Schema) -> list[str]:
    place = f"{path}.{word}"
    if word == "required":
        changed = sorted(set(old.get(word, [])) ^ set(new.get(word, [])))
        return [f"{path}.{field} was {'' if field in old.get(word, []) else 'not '}required" for field in changed]
    if word not in new:
        return [f"{place} is gone"]
    if word not in old:
        # a field that is not required, and the definitions it needs, are what a release may add
        return [] if path.endswith((".properties", ".$defs")) or word == "$defs" else [f"{place} was not there"]
    return _differing(place, old[word], new[word])


# -- tests -----------------------------------------------------------------------------------------------------


def locked() -> Schema:
    lock: Schema = json.loads(LOCK.read_text())
    return lock


def test_kinds_and_states_are_as_locked() -> None:
    lock, here = locked(), shapes()
    names = {sort: sorted(set(lock[sort]) ^ set(here[sort])) for sort in ("kinds", "states")}
    changed = [
        name for sort in names for name in lock[sort] if name in here[sort] and lock[sort][name] != here[sort][name]
    ]
    assert here == lock, (
        f"tests/kinds.lock differs: added or gone {names}, changed {changed}, breaking {breaks(lock, here)}. "
        "If that is meant: python -m tests.ledger.test_kinds_lock"
    )


def test_nothing_breaks_what_was_released() -> None:
    assert breaks(locked(), shapes()) == []


def kind(lock: Schema, name: str) -> Schema:
    found: Schema = lock["kinds"][name]["schema"]
    return found


def _remove_required(lock: Schema) -> None:
    del kind(lock, "asset.registered")["properties"]["source"]
    kind(lock, "asset.registered")["required"].remove("source")


def _remove_optional(lock: Schema) -> None:
    del kind(lock, "asset.registered")["properties"]["keywords"]


def _require_optional(lock: Schema) -> None:
    kind(lock, "asset.registered")["required"].append("keywords")


def _release_required(lock: Schema) -> None:
    kind(lock, "asset.registered")["required"].remove("personal")


def _add_required(lock: Schema) -> None:
    kind(lock, "asset.retired")["properties"]["date"] = {"type": "integer"}
    kind(lock, "asset.retired")["required"].append("date")


def _tighten(lock: Schema) -> None:
    kind(lock, "asset.retired")["properties"]["reason"]["maxLength"] = 10


def _retype(lock: Schema) -> None:
    kind(lock, "asset.registered")["properties"]["personal"]["type"] = "string"


def _change_definition(lock: Schema) -> None:
    kind(lock, "offer.opened")["$defs"]["Money"]["properties"]["amount"]["minimum"] = 1


def _drop_kind(lock: Schema) -> None:
    del lock["kinds"]["offer.withdrawn"]


def _change_signer(lock: Schema) -> None:
    lock["kinds"]["asset.retired"]["signer"] = "governance"


def _open_more(lock: Schema) -> None:
    lock["kinds"]["asset.registered"]["opens"].append("right")


def _drop_state_field(lock: Schema) -> None:
    del lock["states"]["asset"]["schema"]["properties"]["licences"]


def _add_state_field_without_default(lock: Schema) -> None:
    lock["states"]["asset"]["schema"]["properties"]["lien"] = {"type": "string"}
    lock["states"]["asset"]["schema"]["required"].append("lien")


BREAKING: dict[str, tuple[Callable[[Schema], None], str]] = {
    "a required field is removed": (_remove_required, "asset.registered.schema.source was required"),
    "an optional field is removed": (_remove_optional, "asset.registered.schema.properties.keywords is gone"),
    "an optional field becomes required": (_require_optional, "asset.registered.schema.keywords was not required"),
    "a required field becomes optional": (_release_required, "asset.registered.schema.personal was required"),
    "a required field is added": (_add_required, "asset.retired.schema.date was not required"),
    "a bound is tightened": (_tighten, "asset.retired.schema.properties.reason.maxLength was 1000, is 10"),
    "a type is changed": (_retype, 'asset.registered.schema.properties.personal.type was "boolean", is "string"'),
    "a shared form is changed": (
        _change_definition,
        "offer.opened.schema.$defs.Money.properties.amount.minimum was 0, is 1",
    ),
    "a kind is dropped": (_drop_kind, "offer.withdrawn is gone"),
    "another signer is asked for": (_change_signer, 'asset.retired.signer was "party", is "governance"'),
    "more subjects are opened": (
        _open_more,
        'asset.registered.opens was ["asset", "version"], is ["asset", "version", "right"]',
    ),
    "a field of a state is dropped": (_drop_state_field, "asset.schema.properties.licences is gone"),
    "a field of a state without default is added": (
        _add_state_field_without_default,
        "asset.schema.lien was not required",
    ),
}


@pytest.mark.parametrize("name", BREAKING)
def test_a_breaking_change_is_caught(name: str) -> None:
    change, line = BREAKING[name]
    lock = locked()
    here = copy.deepcopy(lock)
    change(here)
    assert line in breaks(lock, here)


def test_optional_fields_and_kinds_may_be_added() -> None:
    lock = locked()
    here = copy.deepcopy(lock)
    kind(here, "asset.retired")["properties"]["successor"] = {"$ref": "#/$defs/Successor"}
    kind(here, "asset.retired")["$defs"] = {"Successor": {"type": "string"}}
    here["states"]["asset"]["schema"]["properties"]["successor"] = {"type": "string", "default": ""}
    here["kinds"]["asset.annotated"] = copy.deepcopy(here["kinds"]["asset.retired"])
    assert breaks(lock, here) == []


def test_wording_is_not_locked_but_fields_of_such_names_are() -> None:
    schema = {"title": "T", "properties": {"title": {"type": "string", "title": "Title"}}, "$defs": {"title": {}}}
    assert shape(schema) == {"properties": {"title": {"type": "string"}}, "$defs": {"title": {}}}


def main() -> None:
    here = shapes()
    broken = breaks(locked(), here) if LOCK.exists() else []
    if broken and "--unreleased" not in sys.argv:
        sys.exit("\n    ".join(["tests/kinds.lock was not written; this breaks what was released:", *broken]))
    LOCK.write_text(json.dumps(here, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
