"""How fresh what a log shows is, and who vouches for that.

A checkpoint has no time. Where a policy asks for witnesses, it is as fresh as the latest time at which a quorum of them
had seen it, or a later one; a log that nothing happens on has its witnesses cosign again, so it stays fresh. Without
them there is only that the log still shows a checkpoint that fits: that somebody is shown an old one for ever, while
others are shown more, nobody but a witness can tell. A time that has not come is no time at which anybody saw anything:
a cosignature that gives one counts for nothing, or the one who made it could keep a log fresh for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from identity.errors import declare
from identity.note import NOTE_BYTES_MAX, format_vkey
from ledger.errors import Problem
from ledger.follow.folder import Told
from ledger.log.chain import ENTRY_BYTES_MAX
from ledger.log.cosignature import Seen, cosignatures, in_time
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

    @property
    def fingerprint(self) -> str:
        """What tells by which witnesses, in which quorum, a time was found: 64 letters, another for another policy."""
        policy = self.policy
        witnesses = [(name, format_vkey(one.verifier)) for name, one in policy.witnesses.items()]
        groups = [(name, one.least, one.members) for name, one in policy.groups.items()]
        return sha256(repr((witnesses, groups, policy.quorum)).encode()).hexdigest()

    def seen(self, note: bytes, now: int) -> tuple[int | None, list[Seen]]:
        """When the quorum of the policy had seen a checkpoint, None if it has not; and whose time has not come ``now``.

        Both in POSIX seconds; clocks may differ by 60. Raises ``note_signature_invalid`` for a line of a witness that
        does not hold.
        """
        found = cosignatures(note, [witness.verifier for witness in self.policy.witnesses.values()])
        lines, ahead = in_time(found, now)
        times = sorted({one.time for one in lines}, reverse=True)
        time = next((time for time in times if self.policy.is_met(one for one in lines if one.time >= time)), None)
        return time, ahead

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
