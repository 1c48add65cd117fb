"""``cadastre bench``: what this machine does with a ledger, measured from outside (``load.bench``)."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from identity.errors import declare
from load.bench.errors import Failed
from load.bench.run import FULL, PARTS, QUICK, Bench
from scripts.command import Halted, command
from scripts.options import Json
from scripts.output import print_json

declare("halted", bench_failed=("a measurement failed", "run it again on a machine that is otherwise idle"))

CADASTRE = (sys.executable, "-m", "scripts.main")


@command()
def bench(
    quick: Annotated[bool, typer.Option("--quick", help="10,000 entries instead of 100,000: under a minute.")] = False,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="NAME", help=f"One of {', '.join(PARTS)}; may be repeated.")
    ] = None,
    json: Json = False,
) -> None:
    """Measure rates, latencies and sizes on a ledger of its own, and their ratios to bare signature verification."""
    parts = only or list(PARTS)
    if unknown := sorted(set(parts) - set(PARTS)):
        raise typer.BadParameter(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    with tempfile.TemporaryDirectory(prefix="cadastre-bench-") as room:
        try:
            report = Bench(CADASTRE, Path(room), QUICK if quick else FULL, parts, _say).run()
        except Failed as failure:
            raise Halted("bench_failed", str(failure)) from None
    if json:
        print_json(report.members())
    else:
        print(report.table())


def _say(what: str) -> None:
    print(f"measuring: {what}", file=sys.stderr)
