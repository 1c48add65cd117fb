"""State proofs: one file that proves a subject's public state, its absence, or a whole list, offline.

    cadastre/state-proof@v1
    subject asset_0w9k...                           what is shown: a subject,
    index 17                                        as it stands: the entry that last changed it,
    last 9ypRq7cV...                                the statement that last advanced it,
    state {"classification":"general",...}          its state, canonical JSON

    cadastre/map-proof/1                            the way up to the root (ledger.log.map)
    17 5784L25ZFbP4hhm4ZiI+vx1RxMUyHMzeLp/3AKMlkIY=

    entry 1043                                      the commitment to that root, and its place in the log:
    cadastre/1                                      the entry's six lines,
    ...
    rzFuy5Go7nrpkhBwKy1HWPMM3eO/YePY54fXRoH5Cm4=    its inclusion proof, the leaf's sibling first

    entry 0                                         the charter, and each amendment by which governance has
    ...                                             replaced the service key before the commitment

    example.com/registry                            the checkpoint all of these are proven against, verbatim,
    1050                                            with all its signatures
    ...

Instead of the four lines that show a subject: ``subject`` and ``absent``, where there is none; or ``list TYPE NAME
VALUE`` and a line ``member ID`` for each, ascending, where the list under a look-up is shown.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import b2a_base64
from collections.abc import Sequence
from dataclasses import dataclass

from identity.errors import Malformed, declare
from ledger.log.map import (
    MapProof,
    check_list,
    check_map,
    format_map_proof,
    parse_map_proof,
    subject_key,
    subject_value,
)
from ledger.log.receipt import HASHES_MAX, Receipt

MAGIC = b"cadastre/state-proof@v1\n"
ENTRIES_MAX = 1_000  # the commitment, the charter and its amendments
_ENTRY_LINES = 6

declare(
    "malformed",
    state_proof_malformed=("the proof of state is not one", "fetch it again, unaltered: cadastre prove ID --out FILE"),
)


@dataclass(frozen=True, slots=True)
class Standing:
    """A subject as it stands: what ``subject_value`` hashes. ``state`` is canonical JSON."""

    id: str
    index: int
    last: str
    state: bytes

    @property
    def type(self) -> str:
        return self.id.partition("_")[0]


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no such subject."""

    id: str


@dataclass(frozen=True, slots=True)
class Listing:
    """All subjects of a type that are listed under a look-up, and no others; ids ascending."""

    type: str
    name: str
    value: str
    ids: tuple[str, ...]


Shown = Standing | Missing | Listing


@dataclass(frozen=True, slots=True)
class StateProof:
    """What is shown, how it leads to the root, and receipts against one checkpoint: of the commitment, then of the
    charter and amendments, ascending.
    """

    shown: Shown
    proof: MapProof
    receipts: Sequence[Receipt]


def check_shown(root: bytes, shown: Shown, proof: MapProof) -> None:
    """Under this root the state is as shown. Raises ``map_proof_malformed`` and ``map_proof_wrong``."""
    if isinstance(shown, Standing):
        value = subject_value(shown.type, shown.index, shown.last, shown.state)
        check_map(root, subject_key(shown.id), value, proof)
    elif isinstance(shown, Missing):
        check_map(root, subject_key(shown.id), None, proof)
    else:
        check_list(root, (shown.type, shown.name, shown.value), shown.ids, proof)


def format_state_proof(proof: StateProof) -> bytes:
    """The bytes of the file. Checks nothing: :func:`parse_state_proof` does."""
    parts = [MAGIC + _format_shown(proof.shown), format_map_proof(proof.proof)]
    for receipt in proof.receipts:
        hashes = b"".join(map(b2a_base64, receipt.proof))  # each ends with a newline
        parts.append(b"entry %d\n%b%b" % (receipt.index, receipt.entry, hashes))
    return b"\n".join([*parts, proof.receipts[0].checkpoint if proof.receipts else b""])


def _format_shown(shown: Shown) -> bytes:
    if isinstance(shown, Listing):
        lines = [f"list {shown.type} {shown.name} {shown.value}", *(f"member {one}" for one in shown.ids)]
        return "\n".join([*lines, ""]).encode()
    if isinstance(shown, Missing):
        return f"subject {shown.id}\nabsent\n".encode()
    return f"subject {shown.id}\nindex {shown.index}\nlast {shown.last}\nstate ".encode() + shown.state + b"\n"


def parse_state_proof(data: bytes) -> StateProof:
    """The reverse of :func:`format_state_proof`. Raises ``state_proof_malformed`` and ``map_proof_malformed``."""
    if not data.startswith(MAGIC):
        raise Malformed("state_proof_malformed", "another first line")
    head, _, rest = data[len(MAGIC) :].partition(b"\n\n")
    lines, _, rest = rest.partition(b"\n\n")
    sections: list[bytes] = []
    while rest.startswith(b"entry ") and len(sections) < ENTRIES_MAX:
        section, _, rest = rest.partition(b"\n\n")
        sections.append(section)
    try:
        shown = _parse_shown(head.decode())
        receipts = [_parse_section(section, rest) for section in sections]
    except ValueError:
        raise Malformed("state_proof_malformed", "not the lines of one") from None
    proof = StateProof(shown, parse_map_proof(lines + b"\n"), receipts)
    if len(receipts) < 2:
        raise Malformed("state_proof_malformed", "it lacks the commitment or the charter")
    if format_state_proof(proof) != data:
        raise Malformed("state_proof_malformed", "another spelling of the same proof")
    return proof


def _parse_shown(head: str) -> Shown:
    first, *lines = head.split("\n")
    what, _, named = first.partition(" ")
    if what == "list":
        type_, name, value = named.split(" ", 2)
        if not type_ or not name or not value:
            raise ValueError("it names no list")
        ids = tuple(line.removeprefix("member ") for line in lines)
        if [*ids] != sorted(set(ids)):
            raise ValueError("out of order")
        return Listing(type_, name, value, ids)
    if lines == ["absent"]:
        return Missing(named)
    index, last, state = lines
    return Standing(
        named, int(index.removeprefix("index ")), last.removeprefix("last "), state.removeprefix("state ").encode()
    )


def _parse_section(section: bytes, checkpoint: bytes) -> Receipt:
    index, *lines = section.split(b"\n", 1 + _ENTRY_LINES + HASHES_MAX)  # what is left over is no hash
    entry = b"".join(line + b"\n" for line in lines[:_ENTRY_LINES])
    hashes = [b64decode(line, validate=True) for line in lines[_ENTRY_LINES:]]
    if any(len(one) != 32 for one in hashes):
        raise ValueError("not 32 bytes")
    return Receipt(entry, int(index.removeprefix(b"entry ")), hashes, checkpoint)
