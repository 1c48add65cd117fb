"""Options that many commands share, spelled once."""

from __future__ import annotations

from typing import Annotated

import typer

from scripts.money import Price, parse_price

LOCAL = "http://127.0.0.1:8000"

LedgerUrl = Annotated[
    str, typer.Option("--ledger", envvar="CADASTRE_LEDGER", metavar="URL", help="Address of the ledger.")
]
Key = Annotated[  # see scripts.session.opened_key
    str,
    typer.Option(
        "--as", envvar="CADASTRE_KEY", metavar="KEY", help="Key of the party that signs: its file, or pkcs11:…"
    ),
]
ReaderKey = Annotated[
    str | None,
    typer.Option("--as", envvar="CADASTRE_KEY", metavar="KEY", help="Key of a member, where only members may read."),
]
Limit = Annotated[int, typer.Option(metavar="NUMBER", min=1, help="Most lines to print.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Wait = Annotated[
    bool, typer.Option("--wait/--no-wait", help="Wait for the other side and sign the next steps by itself.")
]
Timeout = Annotated[
    float,
    typer.Option("--timeout", metavar="SECONDS", help="Longest to wait.  [default: 3600]", min=0, show_default=False),
]
PriceOption = Annotated[
    Price | None,
    typer.Option("--price", parser=parse_price, metavar="'AMOUNT CODE'", help="For example '12500.00 EUR' (ISO 4217)."),
]
Until = Annotated[
    str, typer.Option("--until", metavar="WHEN", help="15m, 12h, 30d, or a date or time such as 2030-12-31 (UTC).")
]
