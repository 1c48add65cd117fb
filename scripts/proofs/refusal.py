"""Signed refusals (``ledger.log.refusal``): that a rule of the ledger said no, and whether that was lawful.

What is checked is told in ``ledger.audit.refusal``: the log that --source names is audited, and the statement judged
again where it was refused. Which ledger that is, the statement says, whose signer addressed it to the hash of entry 0.
Beside that, as far as this machine knows the ledger, or --policy does:

* its charter is the one met before;
* a log key that is trusted has signed what the log shows;
* as many witnesses as the policy's quorum asks for have seen that.

*Lawful* is not *fair*: it says that the rules of this ledger left no other answer.
"""

from __future__ import annotations

import os
import time

from identity.errors import Unverifiable, declare
from ledger.audit import Source, Workers
from ledger.audit.refusal import Lawful, check_lawful
from ledger.errors import Problem, Unavailable
from ledger.log.chain import audience_of
from ledger.log.checkpoint import open_checkpoint
from ledger.log.refusal import FILE, RefusalFile, parse_refusal_file
from scripts.output import counting, print_json, print_note, print_pairs
from scripts.proofs import Asked
from scripts.times import show_micros
from scripts.trust import Home

declare(
    "unverifiable",
    refusal_source_missing=(
        "whether a refusal was lawful is seen from the log alone",
        "name a copy of the ledger that refused: --source DIR, URL, bundle or published log",
    ),
)


def recognises(data: bytes) -> bool:
    return data.startswith(FILE[: FILE.index(b"@") + 1])


def judge(data: bytes, asked: Asked) -> None:
    file = parse_refusal_file(data)
    if asked.source is None:
        raise Unverifiable("refusal_source_missing", f"by {file.refusal.origin}, at size {file.refusal.size}")
    from scripts.audit import open_source  # imported here: no other form needs what reads ledgers

    with Workers((os.cpu_count() or 1) - 1) as helpers, open_source(asked.source, asked.key) as source:
        try:
            _check_known(file.refusal.origin, source, asked)
            lawful = _judge(file, source, helpers, asked)
        except Unavailable as silent:  # what the service said
            raise silent.__cause__ if isinstance(silent.__cause__, Problem) else silent from None
    _print(lawful, asked.json)


def _judge(file: RefusalFile, source: Source, helpers: Workers, asked: Asked) -> Lawful:
    with counting("replaying") as show:
        now = time.time_ns() // 1_000
        return check_lawful(file, source, helpers, now, policy=asked.trusted(), progress=show)


def _check_known(origin: str, source: Source, asked: Asked) -> None:
    """The log agrees with what is known of the ledger of this name; a policy that is named must know it.

    Raises ``Unverifiable``: ``log_key_unknown``, ``charter_changed``, or what its checkpoint fails by.
    """
    keys = asked.trusted().log_keys(origin) if asked.policy is None else asked.log_keys(origin)
    if keys and source.checkpoint is not None:
        open_checkpoint(source.checkpoint, keys)
    first = source.entry(0)
    shown = audience_of(origin, first or b"")
    if asked.policy is None:
        Home.here().check_charter(origin, shown)
    if not keys:
        print_note(f"no log key of {origin} is known here; the charter of this log is {shown}")


def _print(lawful: Lawful, json: bool) -> None:
    refusal, statement, log = lawful.refusal, lawful.statement, lawful.log
    if json:
        print_json(
            {
                "proven": True,
                "verdict": "lawful",
                "origin": refusal.origin,
                "size": refusal.size,
                "time": refusal.time,
                "code": refusal.code,
                "detail": lawful.why.detail,
                "id": refusal.id,
                "kind": statement.claims.kind,
                "issuer": statement.claims.iss,
                "log": {"verdict": log.word, "size": log.size},
            }
        )
        return
    print(f"lawful: {refusal.code} refused at size {refusal.size} of {refusal.origin}")
    print_pairs(
        [
            ("refused", f"by {refusal.origin}, {show_micros(refusal.time)}: {lawful.why.title}"),
            *([("detail", lawful.why.detail)] if lawful.why.detail else []),
            ("stated", f"by {statement.claims.iss}"),
            ("kind", statement.claims.kind),
            ("id", refusal.id),
            ("log", f"{log.word}, {log.size} entries"),
        ],
        indent=2,
    )
