"""The state map's root in the log: what the service says of the state of all subjects, for auditors to compute again.

At intervals the service commits to a Merkle map of the state after the first ``size`` entries (``ledger.log.map``). No
rule can know its root: a rule sees what an act touches, the root is over everything. So the rules see to the order
alone, and every auditor computes each root again and names the first that is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from ledger.errors import Refused, declare
from ledger.statement import Kind
from ledger.values import Digest
from ledger.world import Act, State, World

declare(
    "rule",
    commitment_stale=("the state was committed to at this size, or a greater one", "commit to a greater size"),
    commitment_ahead=("the commitment is to entries that are not in the ledger yet", "commit to what is recorded"),
)


@dataclass(frozen=True)
class Committed(State, of="state"):
    """What was committed to last; at first nothing. Opened by the charter, so there is one in each ledger."""

    size: int = 0
    root: str | None = None


class StateCommitted(Kind, name="state.committed", on="state", signer="service"):
    """Commits to the state of all subjects as the first ``size`` entries make it. Signed by the service key."""

    size: Annotated[int, Field(ge=1, lt=2**53, description="number of entries that make the state")]
    root: Annotated[Digest, Field(description="root of the state map (docs/format.md), base64url")]

    def check(self, world: World, act: Act[StateCommitted]) -> None:
        if self.size <= (last := world.get(Committed, act.sub).size):
            raise Refused("commitment_stale", f"{last} entries are committed to")
        if self.size > act.index:
            raise Refused("commitment_ahead", f"the ledger has {act.index} entries")

    def fold(self, world: World, act: Act[StateCommitted]) -> None:
        world.put(act.sub, Committed(self.size, self.root))
