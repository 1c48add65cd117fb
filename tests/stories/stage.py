"""Stories: tables an accountant can read, played on a real ledger in memory.

    joined    factory partner
    factory   asset.registered       blades                              recorded
    factory   offer.opened           deal of blades to=[partner]         recorded
    tick 31 days
    partner   agreement.requested    licence on deal                     offer_expired
    so        blades                 holder=factory licences=0

One line an act: who signs, the kind, what it is about, the outcome (``recorded`` or the code of the refusal), parted
by two spaces or more. Other lines: ``joined`` lets actors of the cast join, ``tick`` lets time pass, ``so`` looks at a
state, ``founding`` begins without a charter, ``software 2`` plays on under a release that knows rules version 2,
``since KIND 2`` lets a kind hold from there, ``most speaker.PROOFS_MAX 3`` sets a noun's limit; ``#`` begins a remark.

What an act is about begins with a label: of what it opens, or of the subject it goes on with (``-`` for neither).
Options follow: a field of the body or of the terms in it (``price=5000EUR``), a claim (``iat=-2h``, ``prev=stale``),
``key=`` for a foreign key, ``private=`` for fields to hide. Values are labels, names of actors, ``blades@1`` for a
version, ``no-asset`` for a subject that does not exist, ``+7d`` for an instant, ``[a,b]`` for a list;
``did-of-partner`` for a DID, ``auditor@lender`` for an authority of the charter, ``log-key-2`` for another log key.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from identity.canonical import b64encode
from identity.note import Signer, format_vkey
from identity.signature import COSIGNATURE_ED25519, COSIGNATURE_MLDSA44
from ledger.circulation.agreement import Agreement
from ledger.circulation.asset import Version
from ledger.circulation.transfer import Transfer
from ledger.errors import Problem
from ledger.log.chain import link_of
from ledger.log.cosignature import Cosigner
from ledger.log.refusal import refusal_key_name
from ledger.statement import KINDS
from tests.cast import ANY_USE, CAST, LOG, NOBODY, ORIGIN, POLICY, Play, Played, charter, description, money, seed
from tests.logs import Log
from tests.stories import accredited, identified, named, seen

DIRECTIONS = ("founding", "joined", "tick", "so", "software", "since", "most")
SPANS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
CLAIMS = ("iss", "aud", "iat", "exp", "jti", "sub", "via", "seen")
PAYMENT = {"leftOperand": "payAmount", "operator": "eq", "rightOperand": "5000.00 EUR"}
TERMS = ("assets", "policy", "price")
PLAIN = {
    "true": True,
    "false": False,
    "any-use": ANY_USE,
    "with-purpose": POLICY,
    "with-payment": POLICY | {"obligation": [{"action": "compensate", "constraint": [PAYMENT]}]},
    "nothing": None,
    "nobody": NOBODY,
    "cosigner": format_vkey(Cosigner(ORIGIN, COSIGNATURE_ED25519, seed("a witness")).verifier),
    "mldsa": format_vkey(Cosigner(ORIGIN, COSIGNATURE_MLDSA44, seed("mldsa")).verifier),
    "itself": {"origin": ORIGIN, "size": 1, "root": NOBODY},
    "another": {"origin": "lost.example/ledger", "size": 1, "root": NOBODY},
    "other-mldsa": format_vkey(Cosigner("other.example/ledger", COSIGNATURE_MLDSA44, seed("mldsa")).verifier),
    "refusals-by-log": format_vkey(Signer(refusal_key_name(ORIGIN), seed("log")).verifier),
    "refusals": format_vkey(Signer(refusal_key_name(ORIGIN), seed("refusals")).verifier),
    "other-log": format_vkey(Signer("other.example/ledger", seed("other log")).verifier),
}


@dataclass(frozen=True)
class Line:
    """One act of a story."""

    text: str
    who: str
    kind: str
    label: str
    words: list[str]
    options: dict[str, str]
    outcome: str


def read_line(text: str) -> Line:
    who, kind, what, outcome = re.split(r"\s{2,}", text.strip())
    words = [word for word in what.split() if "=" not in word]
    options = dict(word.split("=", 1) for word in what.split() if "=" in word)
    return Line(text, who, kind, words[0], words[1:], options, outcome)


def lines_of(story: str) -> list[str]:
    """The lines of a story without remarks and empty ones."""
    return [line for line in (raw.strip() for raw in story.splitlines()) if line and not line.startswith("#")]


def outcomes_of(story: str) -> set[str]:
    """The codes (and ``recorded``) that a story's acts end in."""
    return {read_line(line).outcome for line in lines_of(story) if line.split()[0] not in DIRECTIONS}


class Stage:
    """A play in progress, and the labels its story has given."""

    def __init__(self, play: Play) -> None:
        self.play = play
        self.names: dict[str, str] = {}
        self.drafts: dict[str, Log] = {}  # logs that acts began, by actor

    def run(self, story: str) -> None:
        with pytest.MonkeyPatch.context() as software:
            for text in lines_of(story):
                first, *rest = text.split()
                match first:
                    case "founding":
                        assert self.play.founding is None
                    case "joined":
                        self.play.join(*rest)
                    case "tick":
                        self.play.tick(int(rest[0]) * SPANS[rest[1][0]])
                    case "so":
                        self._look(text, rest[0], rest[1:])
                    case "software":
                        software.setattr("ledger.circulation.charter.RULES", int(rest[0]))
                    case "since":
                        software.setattr(KINDS[rest[0]], "SINCE", int(rest[1]))
                    case "most":
                        software.setattr(f"ledger.circulation.{rest[0]}", int(rest[1]))
                    case _:
                        self._act(read_line(text))

    def _act(self, line: Line) -> None:
        ended = self.play.attempt(line.kind, by=line.who, **self._given(line))
        outcome = ended.code if isinstance(ended, Problem) else "recorded"
        assert outcome == line.outcome, f"{line.text}\n    ended in {ended}"
        if isinstance(ended, Played):
            self._name(line, ended)

    def _name(self, line: Line, played: Played) -> None:
        for type_, subject in played.statement.opened.items():
            if type_ == "state":
                self.names["state"] = subject
            elif type_ == "version":
                self.names[f"{line.label}@{self.play.state(Version, subject).number}"] = subject
            else:
                self.names[line.label] = subject

    def _look(self, text: str, label: str, expected: list[str]) -> None:
        state = self.play.subjects[self.value(label)].state
        for name, value in (word.split("=", 1) for word in expected):
            found = getattr(state, name)
            assert found in (value, self.value(value)), f"{text}\n    {name} is {found}"

    # -- from words to statements ----------------------------------------------------------------------------

    def value(self, word: str) -> Any:
        """What a word of a table stands for."""
        if word.startswith("["):
            return [self.value(part) for part in word[1:-1].split(",") if part]
        if word in self.names:
            return self.names[word]
        if word in CAST and self.play.world.party(self.play.did(word)):
            return self.play.party(word)
        if word.startswith("did-of-"):
            return CAST[word[7:]].did
        if found := re.fullmatch(r"log-key-(\d)", word):
            return format_vkey((LOG if found[1] == "1" else Signer(ORIGIN, seed(word))).verifier)
        if found := re.fullmatch(r"([a-z]+)@([a-z]+)", word):
            return {"did": CAST[found[2]].did, "roles": [found[1]]}
        if word.startswith("no-"):
            return f"{word[3:]}_{'0' * 26}"
        if found := re.fullmatch(r"([+-]\d+)([smhd])", word):
            return self.play.seconds + int(found[1]) * SPANS[found[2]]
        if found := re.fullmatch(r"(\d+)([A-Z]{3})", word):
            return money(int(found[1]), found[2])
        if (said := accredited.said(word)) is not None:
            return said
        return PLAIN.get(word, int(word) if word.isdigit() else word)

    def _given(self, line: Line) -> dict[str, Any]:
        given = BODIES.get(line.kind, _on_label)(self, line)
        for name, word in line.options.items():
            value = self.value(word)
            if name == "prev":
                given["prev"] = self._pins(line.kind, given, word)
            elif name == "seen":
                given["seen"] = self._seen(word)
            elif name == "private":
                given["private"] = [path for path in word.strip("[]").split(",") if path]
            elif name == "key":
                given["key"] = word
            elif name in CLAIMS:
                given[name] = value
            elif name in TERMS and "terms" in given["body"]:
                given["body"]["terms"] = given["body"]["terms"] | {name: value}
            else:
                given["body"] = given["body"] | {name: value}
        return given

    def _pins(self, kind: str, given: dict[str, Any], word: str) -> dict[str, str]:
        """``prev=stale`` pins what the kind pins, at an act that never was; ``prev=none`` pins nothing."""
        if word == "none":
            return {}
        return dict.fromkeys(KINDS[kind].model_validate(given["body"]).pins(given.get("sub")), NOBODY)

    def _seen(self, word: str) -> str:
        """``seen=right`` names the last entry as it is, ``forked`` gives it another hash, ``ahead`` the next one."""
        index = len(self.play.entries) - (word != "ahead")
        digest = b64encode(link_of(self.play.entries[-1].entry)) if word == "right" else NOBODY
        return f"{index}:{digest}"


def _on_label(stage: Stage, line: Line) -> dict[str, Any]:
    """The label is what is gone on with, or a name for what is opened; the body is in the options."""
    return {"sub": stage.value(line.label) if KINDS[line.kind].ON else None, "body": {}}


def _ledger_opened(stage: Stage, line: Line) -> dict[str, Any]:
    return {"body": charter()}


def _ledger_amended(stage: Stage, line: Line) -> dict[str, Any]:
    return {"sub": stage.play.world.ledger, "body": {}}


def _state_committed(stage: Stage, line: Line) -> dict[str, Any]:
    """``state 3`` commits to the first three entries."""
    return {"sub": stage.play.state_subject, "body": {"size": int(line.words[0]), "root": NOBODY}}


def _registered(stage: Stage, line: Line) -> dict[str, Any]:
    return {"body": description(line.label)}


def _revised(stage: Stage, line: Line) -> dict[str, Any]:
    return {"sub": stage.value(line.label), "body": description(" ".join([line.label, *line.words]))}


def _with_reason(stage: Stage, line: Line) -> dict[str, Any]:
    return {"sub": stage.value(line.label), "body": {"reason": "as the table says"}}


def _offer_opened(stage: Stage, line: Line) -> dict[str, Any]:
    """``deal of blades``, ``deal of blades,gears`` or, for chosen versions, ``deal of blades blades@1``."""
    names = line.words[1].split(",")
    versions = line.words[2].split(",") if len(line.words) > 2 else [f"{name}@1" for name in names]
    pairs = zip(names, versions, strict=True)
    assets = [{"asset": stage.value(name), "version": stage.value(version)} for name, version in pairs]
    body = {"assets": assets, "policy": POLICY, "to": "all", "validUntil": stage.value("+30d")}
    return {"body": body}


def _requested(stage: Stage, line: Line) -> dict[str, Any]:
    """``licence on deal`` opens a negotiation, ``licence`` alone counters in it."""
    offer, sub = _negotiated(stage, line)
    return {"sub": sub, "body": stage.play.proposal_of(offer)}


def _offered(stage: Stage, line: Line) -> dict[str, Any]:
    """``licence on deal to partner`` opens a negotiation, ``licence`` alone counters in it."""
    offer, sub = _negotiated(stage, line)
    consumer = stage.value(line.words[3]) if sub is None else stage.play.state(Agreement, sub).consumer
    return {"sub": sub, "body": stage.play.proposal_of(offer) | {"consumer": consumer}}


def _negotiated(stage: Stage, line: Line) -> tuple[str, str | None]:
    if line.words:
        return stage.value(line.words[1]), None
    sub = stage.value(line.label)
    return stage.play.state(Agreement, sub).offer, sub


def _goes_on(stage: Stage, line: Line) -> dict[str, Any]:
    return stage.play.next_act(stage.value(line.label), line.kind.removeprefix("agreement."))


def _proposed(stage: Stage, line: Line) -> dict[str, Any]:
    """``sale of blades to second``."""
    _, asset, _, to = line.words
    return {"body": {"asset": stage.value(asset), "to": stage.value(to), "validUntil": stage.value("+7d")}}


def _taken_over(stage: Stage, line: Line) -> dict[str, Any]:
    sub = stage.value(line.label)
    return {"sub": sub, "body": {"asset": stage.play.state(Transfer, sub).asset, "licences": 0}}


BODIES: dict[str, Callable[[Stage, Line], dict[str, Any]]] = {
    "ledger.opened": _ledger_opened,
    "ledger.amended": _ledger_amended,
    "state.committed": _state_committed,
    "asset.registered": _registered,
    "asset.revised": _revised,
    "asset.retired": _with_reason,
    "offer.opened": _offer_opened,
    "agreement.requested": _requested,
    "agreement.offered": _offered,
    "agreement.accepted": _goes_on,
    "agreement.agreed": _goes_on,
    "agreement.verified": _goes_on,
    "agreement.finalized": _goes_on,
    "agreement.terminated": _with_reason,
    "transfer.proposed": _proposed,
    "transfer.accepted": _taken_over,
    **identified.BODIES,
    **accredited.BODIES,
    **seen.BODIES,
    **named.BODIES,
}
"""What each kind says where a table does not say otherwise. Kinds not named here say only what the table does."""


def play_story(story: str) -> Stage:
    """Play a whole story; fails at the first line whose outcome differs."""
    stage = Stage(Play(founding=None) if "founding" in story else Play())
    stage.run(story)
    return stage
