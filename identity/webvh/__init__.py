"""did:webvh v1.0: a DID whose history is a log that anybody can verify, wherever it is read from.

    did:webvh:<SCID>:<host>[%3A<port>][:<path>…]

The SCID is the hash of the log's first entry; each entry holds the hash of the one before, the whole DID document, who
may sign the next, and a proof. So a host can at most withhold a log, and a thief of the keys in use gains nothing where
the next keys were announced by their hash. All of this is pure: bytes and the time in, an answer or an error out;
fetching is for others.

``advance`` judges one entry, which is what a ledger needs that carries the entries itself; ``resolve`` judges a whole
log; ``first_line`` and ``next_line`` make entries. Read ``rules`` first.
"""

from __future__ import annotations

from identity.webvh.log import format_log, parse_log
from identity.webvh.making import draft_did, first_line, next_line
from identity.webvh.resolution import (
    Location,
    Resolution,
    location,
    resolve,
    resolve_standings,
    web_twin,
    with_services,
)
from identity.webvh.rules import advance, key_hash, retrace
from identity.webvh.standing import Standing, Witness
from identity.webvh.witness import (
    approvers,
    check_lean,
    format_witness_file,
    lean,
    parse_witness_file,
    pruned,
    rules_of,
    sign_witness_proof,
    unwitnessed,
    witnesses_of,
)

__all__ = [
    "Location",
    "Resolution",
    "Standing",
    "Witness",
    "advance",
    "approvers",
    "check_lean",
    "draft_did",
    "first_line",
    "format_log",
    "format_witness_file",
    "key_hash",
    "lean",
    "location",
    "next_line",
    "parse_log",
    "parse_witness_file",
    "pruned",
    "resolve",
    "resolve_standings",
    "retrace",
    "rules_of",
    "sign_witness_proof",
    "unwitnessed",
    "web_twin",
    "with_services",
    "witnesses_of",
]
