"""Who has an alias, with a proof: the subjects that the ledger shows, and the lists it has committed to.

Of each type that the alias may name there are two lists, of who has it and for whom it is attested, and both are proven
as of the size that the service committed to last. What changed since is shown, and said to be later than the proof.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

from api.client import Subject
from identity.alias import named_by
from identity.errors import Problem
from ledger.errors import Absent
from ledger.log.stateproof import Listing
from scripts.files import keep
from scripts.known import Known
from scripts.output import print_json, print_table, printable
from scripts.prove import proven_file
from scripts.session import Session


@dataclass(frozen=True, slots=True)
class Proof:
    """Who has an alias, and for whom it is attested, as of a size; ``file`` proves the list of who has it."""

    lookup: str
    file: bytes
    origin: str
    size: int
    having: frozenset[str]
    attested: frozenset[str]


def show_alias(at: Session, alias: str, json: bool, out: Path | None) -> None:
    """Print who has it. Raises ``Absent`` where nobody has, or where there is nothing to keep in a file."""
    found = [(one, _status(one, alias)) for one in at.client.search(alias=alias)]
    proof = _proof(at, alias, fails=out is not None)
    if out is not None and proof is not None:
        keep(out, proof.file)
    former = sorted(proof.having - {one.id for one, _ in found}) if proof else []
    if not found and not former:
        raise Absent("subject_absent", f"nobody has {alias}" + (f", proven as of size {proof.size}" if proof else ""))
    if json:
        print_json(
            {
                "alias": alias,
                "holders": [_members(one, said, _is_proven(proof, one.id, said)) for one, said in found],
                "former": former,
                "proof": proof and {"origin": proof.origin, "size": proof.size},
            }
        )
        return
    print(printable(alias))
    known = Known(at.client)
    rows = [(one.id, said["status"], _proven(proof, one, said), known.called(one)) for one, said in found]
    print_table([*rows, *((one, "no more", "", "") for one in former)])
    later = any(_is_later(proof, one, said) for one, said in found)
    later = later or any(proof is not None and known.changed(one) >= proof.size for one in former)
    print(printable("\n".join(_conclusion(alias, proof, out, later=later))))


def _proof(at: Session, alias: str, *, fails: bool) -> Proof | None:
    """None if the service has committed to nothing yet, unless that ``fails``. Raises ``Unverifiable``."""
    files: dict[str, bytes] = {}
    listed: dict[str, frozenset[str]] = {}
    size, origin = None, ""
    for lookup in (f"{type_}.{name}" for type_ in sorted(named_by(alias)) for name in ("alias", "attested")):
        try:
            files[lookup], proven = proven_file(at.client.state_proof, at.verifiers, alias, lookup, size)
        except Problem as uncommitted:  # the ledger's own, whose code need not be declared on this machine
            if fails or uncommitted.code != "state_uncommitted":
                raise
            return None
        assert isinstance(proven.shown, Listing)
        size, origin, listed[lookup] = proven.size, proven.entry.origin, frozenset(proven.shown.ids)
    assert size is not None
    having = {lookup: ids for lookup, ids in listed.items() if lookup.endswith(".alias")}
    attested = frozenset().union(*(ids for lookup, ids in listed.items() if lookup not in having))
    chosen = max(having, key=lambda lookup: (len(having[lookup]), lookup))
    return Proof(chosen, files[chosen], origin, size, frozenset().union(*having.values()), attested)


def _status(subject: Subject, alias: str) -> dict[str, Any]:
    """What the subject's state says of the alias."""
    return next((one for one in subject.state.get("aliases", ()) if one["alias"] == alias), {"status": "-"})


def _is_proven(proof: Proof | None, subject: str, said: dict[str, Any]) -> bool:
    """Whether the lists say of a subject what its state does."""
    return (
        proof is not None and subject in proof.having and (said["status"] == "attested") == (subject in proof.attested)
    )


def _is_later(proof: Proof | None, one: Subject, said: dict[str, Any]) -> bool:
    """Whether what is shown of a subject differs from the proof because the subject changed since."""
    return proof is not None and one.index >= proof.size and not _is_proven(proof, one.id, said)


def _proven(proof: Proof | None, one: Subject, said: dict[str, Any]) -> str:
    if _is_proven(proof, one.id, said):
        return "proven"
    return "later than the proof" if _is_later(proof, one, said) else "shown, not proven"


def _members(one: Subject, said: dict[str, Any], proven: bool) -> dict[str, Any]:
    members: dict[str, Any] = {name: one.state[name] for name in ("name", "title") if name in one.state}
    return {"subject": one.id, "type": one.type, **said, **members, "proven": proven}


def _conclusion(alias: str, proof: Proof | None, out: Path | None, *, later: bool) -> Iterator[str]:
    if proof is None:
        yield "shown, not proven: the service has committed to no state yet; ask again in a minute"
        return
    had = f"all {len(proof.having)} that had it" if proof.having else "nobody had it"
    yield f"proven: {had}, as of size {proof.size} of {proof.origin}"
    if later:
        yield "the proof is of that older state: for one of what is shown, ask again in a minute"
    if out is not None:
        yield f"{proof.lookup} is proven by {out}"
    else:
        yield f"next: cadastre prove {quote(alias)} --lookup {proof.lookup} --out FILE"
