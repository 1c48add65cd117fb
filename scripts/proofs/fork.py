"""Fork evidence (``ledger.log.fork``): that a log's key signed two histories, or a party's word contradicts the log's.

Evidence that a witness keeps (``GET /evidence/<number>``, as JSON) is judged likewise: two checkpoints of one size, or
one of an empty tree that is none.
"""

from __future__ import annotations

from base64 import b64encode as padded
from collections.abc import Sequence

import orjson

from identity.canonical import b64encode
from identity.errors import Malformed
from identity.note import Verifier, parse_note
from ledger.log.chain import link_of
from ledger.log.checkpoint import Checkpoint, parse_checkpoint
from ledger.log.fork import Checkpoints, Claim, Forked, Receipts, check_claim, check_fork, parse_fork
from ledger.log.fork import recognises as is_fork
from ledger.log.merkle import EMPTY_ROOT
from ledger.log.receipt import parse_receipt
from scripts.output import print_json, print_pairs
from scripts.proofs import Asked
from scripts.signed import read_verified


def recognises(data: bytes) -> bool:
    return is_fork(data) or _kept_by_witness(data) is not None


def judge(data: bytes, asked: Asked) -> None:
    kept = _kept_by_witness(data)
    fork = parse_fork(data) if kept is None else _as_fork(kept)
    if isinstance(fork, Claim):
        _judge_claim(fork, asked)
        return
    keys = asked.log_keys(_origin_of(fork))
    _print_forked(check_fork(fork, keys), _signers(fork, keys), asked.json)


def _kept_by_witness(data: bytes) -> dict[str, object] | None:
    """The members of what a witness shows of the evidence it keeps; None for anything else."""
    if not data.startswith(b"{"):
        return None
    try:
        members = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    shown = isinstance(members, dict) and {"checkpoint", "against", "proven"} <= members.keys()
    return members if shown else None


def _as_fork(kept: dict[str, object]) -> Checkpoints:
    """Two checkpoints of one size, or one of an empty tree twice."""
    first, against = kept["checkpoint"], kept["against"]
    second = first if against is None else against
    if not isinstance(first, str) or not isinstance(second, str):
        raise Malformed("fork_malformed", "a checkpoint in it is no text")
    one, other = sorted((first.encode(), second.encode()), key=lambda note: _read(note).size)
    return Checkpoints(_read(other).root if _read(one).size else EMPTY_ROOT, [], one, other)


def _origin_of(fork: Checkpoints | Receipts) -> str:
    note = fork.first if isinstance(fork, Checkpoints) else parse_receipt(fork.first).checkpoint
    return _read(note).origin


def _read(note: bytes) -> Checkpoint:
    return parse_checkpoint(parse_note(note).text)


def _signers(fork: Checkpoints | Receipts, keys: Sequence[Verifier]) -> list[str]:
    """Which of these keys, by name and id, signed either side."""
    sides = [fork.first, fork.second]
    notes = [parse_note(side if isinstance(fork, Checkpoints) else parse_receipt(side).checkpoint) for side in sides]
    lines = {(line.name, line.key_id) for note in notes for line in note.signatures}
    return [f"{key.name}+{key.key_id.hex()}" for key in keys if (key.name, key.key_id) in lines]


def _print_forked(forked: Forked, signers: Sequence[str], json: bool) -> None:
    first, second = forked.first, forked.second
    hashes = [b64encode(digest) for digest in forked.hashes]
    if json:
        sides = [{"size": one.size, "root": padded(one.root).decode()} for one in (first, second)]
        shown = {"proven": True, "fork": True, "origin": first.origin, "signers": signers, "checkpoints": sides}
        print_json(shown | ({"index": forked.index, "entries": hashes} if forked.index is not None else {}))
        return
    print(f"proven: the key of {first.origin} signed two histories")
    pairs: list[tuple[str, object]] = [("signed by", ", ".join(signers))]
    pairs += [("checkpoint", f"size={one.size} root={padded(one.root).decode()}") for one in (first, second)]
    pairs += [("entry", f"{forked.index}, SHA-256 {digest}") for digest in hashes]
    print_pairs(pairs, indent=2)


def _judge_claim(claim: Claim, asked: Asked) -> None:
    """The party's signature holds, the log's does, and they do not agree. Who of them is wrong stays open."""
    statement = read_verified(claim.statement)
    keys = asked.log_keys(_read(parse_receipt(claim.receipt).checkpoint).origin)
    seen = statement.seen()
    entry, checkpoint = check_claim(claim.receipt, statement.claims.aud, seen, keys)
    assert seen is not None
    found = b64encode(link_of(parse_receipt(claim.receipt).entry))
    if asked.json:
        shown = {"proven": True, "fork": False, "contradicts": statement.claims.iss, "origin": entry.origin}
        about = {"audience": statement.claims.aud, "index": entry.index, "size": checkpoint.size}
        print_json(shown | about | {"seen": b64encode(seen[1]), "recorded": found, "id": statement.id})
        return
    print(f"proven: a statement of {statement.claims.iss} contradicts the log of {entry.origin}")
    print_pairs(
        [
            ("entry", entry.index),
            ("seen", f"SHA-256 {b64encode(seen[1])}, says the signer of statement {statement.id}"),
            ("recorded", f"SHA-256 {found}, says the log, which signed {checkpoint.size} entries"),
            ("audience", statement.claims.aud),
            ("means", "the signer was shown another history, or says what is not so: this does not tell which"),
        ],
        indent=2,
    )
