"""What tables say of DIDs, keys, delegations and recoveries.

    governance  ledger.amended         - didHost=registry.example              recorded
    factory     party.joined           - hosted=factory                        recorded
    factory     party.rotated          factory keys=[factory-2] compromised=[factory/2]  recorded
    mill        party.succeeded        mill to mill hosted=mill                recorded
    factory     party.delegated        mandate to machine kinds=[asset.*]      recorded
    machine     asset.registered       blades via=mandate                      recorded
    factory     recovery.arranged      factory by partner,second               recorded
    partner     recovery.opened        rescue of factory to spare              recorded

``hosted=NAME`` gives a did:webvh of this name under registry.example; ``host=`` another host, ``portable=true`` leave
to move. ``party.rotated`` states the next line of the log: ``keys=`` who speaks from there on, ``host=`` where it goes,
``heir=`` who shall have the key that may write on, ``deactivated=true``; it is signed by ``key=``, by default one that
spoke before. Keys are called by names, ``factory`` is the one that an actor of this name begins with, and
``factory/2`` in ``compromised`` says since which index. ``log=`` states ``none``, a ``broken`` line, or a log of
``another`` DID; ``consent=`` lets another key consent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.cast import DAY
from tests.logs import Log

if TYPE_CHECKING:
    from tests.stories.stage import Line, Stage


def joined(stage: Stage, line: Line) -> dict[str, Any]:
    given: dict[str, Any] = {"body": {"name": stage.play.cast[line.who].legal}}
    draft = _draft(stage, line, line.who)
    if draft is not None:
        given["log"] = draft
        given["body"] |= _lines(stage, line, draft)
    elif "log" in line.options:
        given["body"] |= _lines(stage, line, None)
    return given


def rotated(stage: Stage, line: Line) -> dict[str, Any]:
    """``factory keys=[factory-2]``: the next line of the log of the actor whose party it is, or a first one."""
    play, chosen = stage.play, _chosen(stage, line)
    before = play.logs.get(line.label)
    draft = Log.begin(line.label, play.seconds) if before is None else before.next(play.seconds, **chosen)
    body = _lines(stage, line, draft) | _compromised(stage, line)
    return {"sub": stage.value(line.label), "body": body}


def succeeded(stage: Stage, line: Line) -> dict[str, Any]:
    """``factory to spare``: its did:key, or the did:webvh that is ``hosted``."""
    sub = stage.value(line.label)
    body = _turned_to(stage, line, sub, line.words[1]) | _compromised(stage, line)
    return {"sub": sub, "body": body}


def delegated(stage: Stage, line: Line) -> dict[str, Any]:
    """``mandate to machine kinds=[asset.*] subjects=[blades] amounts=[100EUR]``: for 30 days."""
    powers: dict[str, Any] = {"kinds": ["*"]}
    for name in ("kinds", "subjects", "amounts"):
        if name in line.options:
            powers[name] = stage.value(line.options.pop(name))
    to = line.words[1]
    if to == "hosted-elsewhere":  # whoever that is: nobody here speaks through it
        to = Log.begin("stranger", stage.play.seconds, host="elsewhere.example").did
    body = {"to": stage.play.did(to) if to in stage.play.cast else to, "nature": "device", "powers": powers}
    return {"body": {**body, "until": stage.play.seconds + 30 * DAY}}


def about(stage: Stage, line: Line) -> dict[str, Any]:
    return {"sub": stage.value(line.label), "body": {}}


def arranged(stage: Stage, line: Line) -> dict[str, Any]:
    """``factory by partner,second``, of whom it takes one; ``factory by nobody`` takes it back."""
    names = [] if line.words[1] == "nobody" else line.words[1].split(",")
    return {"sub": stage.value(line.label), "body": {"trustees": [stage.value(name) for name in names]}}


def opened(stage: Stage, line: Line) -> dict[str, Any]:
    """``rescue of factory to spare``."""
    _, name, _, to = line.words
    party = stage.value(name)
    return {"body": {"party": party, "reason": "as the table says", **_turned_to(stage, line, party, to)}}


def contested(stage: Stage, line: Line) -> dict[str, Any]:
    return {"sub": stage.value(line.label), "body": {"reason": "as the table says"}}


def completed(stage: Stage, line: Line) -> dict[str, Any]:
    """By a DID that is hosted: ``rescue hosted=factory``, the log as it was stated when it was opened."""
    sub = stage.value(line.label)
    draft = stage.drafts[line.who] if line.options.pop("hosted", None) else None
    given: dict[str, Any] = {"sub": sub, "body": stage.play.completion(sub, draft) | _compromised(stage, line)}
    return given if draft is None else given | {"log": draft}


def _turned_to(stage: Stage, line: Line, party: str, to: str) -> dict[str, Any]:
    play, draft = stage.play, _draft(stage, line, to)
    did = to if to not in play.cast else play.cast[to].did if draft is None else draft.did
    key = draft.keys[0] if draft is not None else to
    body = {"did": did, **play.consent(party, did, line.options.pop("consent", key))}
    return body if draft is None and "log" not in line.options else body | _lines(stage, line, draft)


def _draft(stage: Stage, line: Line, name: str) -> Log | None:
    """The log that the options of a line begin for an actor."""
    if "hosted" not in line.options:
        return None
    hosted = line.options.pop("hosted")
    path = line.options.pop("path", f"org:{hosted}").split(":")
    stage.drafts[name] = Log.begin(name, stage.play.seconds, path=path, **_chosen(stage, line))
    return stage.drafts[name]


def _chosen(stage: Stage, line: Line) -> dict[str, Any]:
    """What the options choose for a line of a log."""
    given: dict[str, Any] = {}
    if (keys := line.options.pop("keys", None)) is not None:
        many = [f"key {number}" for number in range(33)]
        given["keys"] = many if keys == "many" else [name for name in keys[1:-1].split(",") if name]
    for name in ("host", "heir", "portable", "deactivated"):
        if name in line.options:
            given[name] = stage.value(line.options.pop(name))
    return given


def _lines(stage: Stage, line: Line, draft: Log | None) -> dict[str, Any]:
    """The field ``log``."""
    log = line.options.pop("log", None)
    if log == "none":
        return {}
    if log == "another" or draft is None:
        return stage.play.stated(Log.begin("stranger", stage.play.seconds))
    stated = stage.play.stated(draft)
    if log == "broken":
        *former, last = stated["log"]
        return {"log": [*former, last | {"versionTime": "2025-10-09T08:53:59Z"}]}
    return stated


def _compromised(stage: Stage, line: Line) -> dict[str, Any]:
    named = [one.split("/") for one in line.options.pop("compromised", "[]")[1:-1].split(",") if one]
    return stage.play.compromised((name, int(index)) for name, index in named)


BODIES = {
    "party.joined": joined,
    "party.rotated": rotated,
    "party.succeeded": succeeded,
    "party.left": about,
    "party.delegated": delegated,
    "delegation.revoked": about,
    "recovery.arranged": arranged,
    "recovery.opened": opened,
    "recovery.supported": about,
    "recovery.contested": contested,
    "recovery.completed": completed,
}
