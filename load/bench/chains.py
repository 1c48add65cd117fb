"""What delegation costs: batch appends by the parties' own keys against the same acts through chains of delegations.

Each party lets a plant act for it, the plant a line, the line a machine; the machine signs. The statements differ from
those of the other side in who signed them and in ``via``, and in nothing else.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from identity.jws import statement_id
from load.bench.appends import measure_batch, post
from load.bench.report import Figure, at_most
from load.bench.service import init, serving
from load.bench.supply import DEPTH, PARTIES, Supply, delegate, joining, nonce, signatory
from load.bench.wire import Wire

LOSS_MAX = 5.0  # percent
WARM = 2_000  # statements before those that count
YEAR_S = 31_536_000


def measure_chains(command: Sequence[str], folder: Path, statements: int, pairs: int) -> list[Figure]:
    """The median over pairs of ledgers made anew, one with chains and one without, in turn the first."""
    ratios = []
    for pair in range(pairs):
        order = (True, False) if pair % 2 else (False, True)
        rates = {chained: _rate(command, folder / f"{pair}-{chained}", statements, chained) for chained in order}
        ratios.append(rates[True] / rates[False])
    note = f"{pairs} pairs of {statements:,} statements, rates with/without {', '.join(f'{one:.2f}' for one in ratios)}"
    lost = 100 * (1 - statistics.median(ratios))
    return [Figure(f"batch appends lost to chains of {DEPTH}", lost, "%", target=at_most(LOSS_MAX), note=note)]


def _rate(command: Sequence[str], folder: Path, statements: int, chained: bool) -> float:
    init(command, folder)
    with serving(command, folder, CADASTRE_SERVE_COMMIT_SECONDS="0") as service:
        with Wire(service.url) as wire:
            audience = wire.members("/v1/ledger")["audience"]
        now = int(time.time())
        post(service.url, joining(audience, now))
        leaves = None
        if chained:
            given = list(_chains(audience, now))
            for level in range(DEPTH):
                post(service.url, [chain[level] for chain in given])
            leaves = tuple(statement_id(chain[-1]) for chain in given)
        supply = Supply(audience, now, leaves)
        measure_batch(service.url, supply.take(WARM))
        return measure_batch(service.url, supply.take(statements))[0].value


def _chains(audience: str, now: int) -> Iterator[list[bytes]]:
    """For each party the statements that make its chain, the party's own first."""
    for number in range(PARTIES):
        chain: list[bytes] = []
        for level in range(DEPTH):
            giver = signatory(number, audience) if level == 0 else delegate(number, level - 1, audience)
            body = {
                "to": delegate(number, level, audience).did,
                "nature": "device",
                "powers": {"kinds": ["asset.registered"]},
                "until": now + YEAR_S,
                "depth": DEPTH - 1 - level,
            }
            made = giver.sign(
                "party.delegated",
                body,
                now=now,
                nonce=nonce(b"delegation", DEPTH * number + level),
                principal=signatory(number, audience).did,
                via=statement_id(chain[-1]) if chain else None,
            )
            chain.append(made)
        yield chain
