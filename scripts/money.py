"""Money as people write it, exactly: ``12500.00 EUR`` is 1,250,000 cents, never a float.

How many decimals a currency has is ISO 4217's exponent (list one, "minor unit").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import typer

from ledger.values import CURRENCIES

_NONE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"
_FOUR = "CLF UYW"
_EXPONENT = {code: exponent for exponent, codes in ((0, _NONE), (3, _THREE), (4, _FOUR)) for code in codes.split()}
_FORM = re.compile(r"(0|[1-9][0-9]*)(?:\.([0-9]+))? ([A-Z]{3})", re.ASCII)
AMOUNT_MAX = 2**53 - 1  # minor units


@dataclass(frozen=True, slots=True)
class Price:
    """``amount`` in minor units of ``currency`` (ISO 4217)."""

    amount: int
    currency: str

    def json(self) -> dict[str, Any]:
        """As it stands in a statement's body (``ledger.values.Money``)."""
        return {"amount": self.amount, "currency": self.currency}

    def __str__(self) -> str:
        """With all the decimals the currency has: ``12500.00 EUR``."""
        decimals = exponent_of(self.currency)
        if not decimals:
            return f"{self.amount} {self.currency}"
        whole, part = divmod(self.amount, 10**decimals)
        return f"{whole}.{part:0{decimals}} {self.currency}"


def exponent_of(currency: str) -> int:
    """Decimals of a currency."""
    return _EXPONENT.get(currency, 2)


def parse_price(text: str) -> Price:
    """Digits, at most as many decimals as the currency has, one space, the code. Raises ``typer.BadParameter``."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is not an amount and a currency, such as '12500.00 EUR'")
    whole, part, currency = found[1], found[2] or "", found[3]
    if currency not in CURRENCIES:
        raise typer.BadParameter(f"{currency} is not an ISO 4217 code with a minor unit")
    decimals = exponent_of(currency)
    if len(part) > decimals:
        raise typer.BadParameter(f"{currency} has {decimals} decimals, {text!r} has {len(part)}")
    amount = int(whole + part.ljust(decimals, "0"))
    if amount > AMOUNT_MAX:
        raise typer.BadParameter(f"{text!r} is more than {AMOUNT_MAX} minor units")
    return Price(amount, currency)
