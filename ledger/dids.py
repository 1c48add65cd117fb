"""The DIDs that a ledger carries: the log of a party's did:webvh, put together again from the entries with its lines.

The ledger witnessed each line by admitting it in its order. Where a log names the ledger's service key among its
witnesses, whoever holds that key makes the proof out of this (``sign_witness_proof``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from identity.webvh import Standing, format_log, format_witness_file, pruned
from ledger.circulation.party import Party
from ledger.circulation.speaker import Approved, LogLines, LogState
from ledger.errors import Absent, declare
from ledger.log.chain import parse_entry
from ledger.read import Reader
from ledger.statement import accept

declare("absent", did_log_absent=("the ledger carries no log of this DID", "check the DID: cadastre show DID"))


@dataclass(frozen=True, slots=True)
class CarriedLog:
    """``lines`` of did.jsonl and ``approvals`` of did-witness.json, as stated; ``time`` of the last entry with a line.

    ``time`` is in microseconds.
    """

    standing: Standing
    lines: list[dict[str, Any]]
    approvals: list[dict[str, Any]]
    time: int

    @property
    def did(self) -> str:
        return self.standing.did

    @property
    def log(self) -> bytes:
        """The file did.jsonl."""
        return format_log(self.lines)

    def witness_file(self, proof: dict[str, Any] | None = None) -> bytes | None:
        """The file did-witness.json, with a further ``proof`` of the last version; None where it would hold none."""
        more = [] if proof is None else [{"versionId": self.standing.version_id, "proof": [proof]}]
        kept = pruned([line["versionId"] for line in self.lines], [*self.approvals, *more])
        return format_witness_file(kept) if kept else None


def carried(reader: Reader, party: Party) -> CarriedLog:
    """The log of the DID through which a party speaks. Raises ``Absent`` for a did:key. Cost: a read for each entry."""
    if party.log is None:
        raise Absent("did_log_absent", party.did)
    log: LogState = party.log
    lines: list[dict[str, Any]] = []
    approvals: list[dict[str, Any]] = []
    for index in log["entries"]:
        entry = parse_entry(reader.entry(index))
        body = cast(Any, accept(entry.statement).body)
        lines += cast(LogLines, body.log)
        approvals += map(_plain, cast(list[Approved] | None, body.witness) or ())
    return CarriedLog(Standing.from_state(log["standing"]), lines, approvals, entry.time)


def _plain(approved: Approved) -> dict[str, Any]:
    return {"versionId": approved.versionId, "proof": approved.proof}
