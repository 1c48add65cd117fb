"""The DIDs that a ledger carries: the log of a party's did:webvh, put together again from the entries with its lines.

The ledger witnessed each line by admitting it in its order. Where a log names the ledger's service key among its
witnesses, whoever holds that key makes the proof out of this (``sign_witness_proof``).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import Any, cast

from identity.webvh import Standing, format_log, format_witness_file, pruned, retrace
from identity.webvh.rules import named_key
from ledger.circulation.party import Party
from ledger.circulation.speaker import Approved, LogLines, LogState
from ledger.errors import Absent, declare
from ledger.log.chain import parse_entry
from ledger.read import Reader
from ledger.statement import accept
from ledger.world import Subject

BYTES_MAX = 6 * 1024 * 1024  # of logs that are kept, which take some twenty times that; the rules let one grow to 5 MiB

declare("absent", did_log_absent=("the ledger carries no log of this DID", "check the DID: cadastre show DID"))


@dataclass(frozen=True)
class CarriedLog:
    """A log up to the lines of ``entry``, admitted at ``time`` (microseconds).

    ``log`` is the file did.jsonl, ``standings`` are what each of its lines came to, ``approvals`` what was stated as
    did-witness.json holds it.
    """

    entry: int
    time: int
    log: bytes
    standings: Sequence[Standing]
    approvals: Sequence[dict[str, Any]]

    @property
    def standing(self) -> Standing:
        return self.standings[-1]

    @property
    def did(self) -> str:
        return self.standing.did

    @cached_property
    def approved(self) -> Mapping[str, int]:
        """The place of the latest line that each witness approved. Every proof was verified when it was admitted."""
        places = {one.version_id: place for place, one in enumerate(self.standings)}
        found: dict[str, int] = {}
        for approval in self.approvals:
            for proof in approval["proof"]:
                did = f"did:key:{named_key(proof)}"
                found[did] = max(places.get(approval["versionId"], -1), found.get(did, -1))
        return found

    def witness_file(self, proof: dict[str, Any] | None = None) -> bytes | None:
        """The file did-witness.json, with a further ``proof`` of the last version; None where it would hold none."""
        more = [] if proof is None else [{"versionId": self.standing.version_id, "proof": [proof]}]
        kept = pruned([one.version_id for one in self.standings], [*self.approvals, *more])
        return format_witness_file(kept) if kept else None


class CarriedLogs:
    """The logs of parties' DIDs, as they are asked for; those asked for last are kept. For any thread.

    What lies behind an entry never changes: of a log that is kept, only what came since is read.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._kept: OrderedDict[str, CarriedLog] = OrderedDict()
        self._lock = Lock()

    def of(self, party: Subject) -> CarriedLog:
        """The log of the DID through which a party speaks. Raises ``Absent`` for a did:key.

        Cost: some 0.5 ms for each entry that is read.
        """
        state = cast(Party, party.state)
        if state.log is None:
            raise Absent("did_log_absent", state.did)
        with self._lock:
            known = self._kept.get(party.id)
        log = self._grown(party.id, state.log, known)
        with self._lock:
            self._kept[party.id] = log
            self._kept.move_to_end(party.id)
            while len(self._kept) > 1 and sum(len(one.log) for one in self._kept.values()) > BYTES_MAX:
                self._kept.popitem(last=False)
        return log

    def _grown(self, party: str, log: LogState, known: CarriedLog | None) -> CarriedLog:
        """The log, out of what is known of it and of the entries since; of all, where that is another log."""
        indexes: list[int] = []
        while known is None or log["entry"] != known.entry:
            indexes.append(log["entry"])
            if log["before"] is None:
                known = _NOTHING
                break
            log = cast(LogState, cast(Party, self._reader.subject(party, log["entry"]).state).log)
        if not indexes:
            return known
        standings, approvals, data = list(known.standings), list(known.approvals), [known.log]
        for index in reversed(indexes):
            entry = parse_entry(self._reader.entry(index))
            body = cast(Any, accept(entry.statement).body)
            for line in cast(LogLines, body.log):
                standings.append(retrace(standings[-1] if standings else None, line))
            for approved in cast(list[Approved] | None, body.witness) or ():
                approvals.append({"versionId": approved.versionId, "proof": approved.proof})
            data.append(format_log(body.log))
        return CarriedLog(indexes[0], entry.time, b"".join(data), standings, approvals)


_NOTHING = CarriedLog(-1, 0, b"", (), ())
