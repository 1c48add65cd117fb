"""How fresh what a log shows is, and who vouches for that.

A checkpoint has no time. Where a policy asks for witnesses, it is as fresh as the latest time at which a quorum of them
had seen it, or a later one; a log that nothing happens on has its witnesses cosign again, so it stays fresh. Without
them there is only that the log still shows a checkpoint that fits: that somebody is shown an old one for ever, while
others are shown more, nobody but a witness can tell.
"""

from __future__ import annotations

from dataclasses import dataclass

from identity.errors import declare
from identity.note import NOTE_BYTES_MAX
from ledger.errors import Problem
from ledger.follow.folder import Told
from ledger.log.chain import ENTRY_BYTES_MAX
from ledger.log.cosignature import cosignatures
from ledger.log.policy import EMPTY, Policy
from ledger.log.receipt import parse_receipt
from ledger.mirror import Read

RECEIPT = "v1/entries/0/receipt"  # a service of ours gives it against what witnesses have seen last

declare(
    "unverifiable",
    checkpoint_stale=(
        "nobody vouches for a fresh checkpoint",
        "ask the ledger's operator; look at the ledger through another network",
    ),
)


@dataclass(frozen=True, slots=True)
class Freshness:
    """How fresh a log must be. ``seconds``: None for no matter how."""

    seconds: int | None = None
    policy: Policy = EMPTY

    def seen(self, note: bytes) -> int | None:
        """When the quorum of the policy had seen a checkpoint, in POSIX seconds; None if it has not.

        Raises ``note_signature_invalid`` for a line of a witness that does not hold.
        """
        lines = cosignatures(note, [witness.verifier for witness in self.policy.witnesses.values()])
        times = sorted({one.time for one in lines}, reverse=True)
        return next((time for time in times if self.policy.is_met(one for one in lines if one.time >= time)), None)

    def cosigned(self, read: Read) -> bytes | None:
        """The checkpoint that witnesses have seen last, from a service that tells; its signature is not checked."""
        data = read(RECEIPT, 2 * ENTRY_BYTES_MAX + NOTE_BYTES_MAX)
        try:
            return None if data is None else parse_receipt(data).checkpoint
        except Problem:
            return None

    def stale(self, told: Told, now: int) -> tuple[int, str] | None:
        """Since when it is stale, and in words; None while it is fresh."""
        witnessed = self.policy.quorum is not None
        since = (told.witnessed if witnessed else told.heard) or told.begun
        if self.seconds is None or now - since <= self.seconds:
            return None
        if not witnessed:
            return since, f"the log has shown no checkpoint that fits for {now - since} s"
        return since, f"the quorum {self.policy.quorum} has seen no checkpoint for {now - since} s"
