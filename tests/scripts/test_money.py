"""Amounts as people write them: exact to the minor unit, or refused."""

from __future__ import annotations

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from ledger.values import CURRENCIES
from scripts.money import AMOUNT_MAX, Price, exponent_of, parse_price

RIGHT = [
    ("12500.00 EUR", 1_250_000),
    ("12500 EUR", 1_250_000),
    ("12500.5 EUR", 1_250_050),
    ("0.01 CNY", 1),
    ("0 USD", 0),
    ("980 JPY", 980),
    ("1500000 KRW", 1_500_000),
    ("1.234 KWD", 1_234),
    ("1.2 BHD", 1_200),
    ("0.0001 CLF", 1),
    ("90071992547409.91 EUR", AMOUNT_MAX),
]
WRONG = [
    ("12500.001 EUR", "more decimals than the currency has"),
    ("980.0 JPY", "decimals where there are none"),
    ("12,500.00 EUR", "a thousands separator"),
    ("12500,00 EUR", "a decimal comma"),
    ("-1 EUR", "a sign"),
    ("+1 EUR", "a sign"),
    ("1e3 EUR", "an exponent"),
    (".5 EUR", "no whole part"),
    ("5. EUR", "no decimals after the point"),
    ("05 EUR", "a leading zero"),
    ("5EUR", "no space"),
    ("5  EUR", "two spaces"),
    ("EUR 5", "the other order"),
    ("5 eur", "small letters"),
    ("5 XAU", "a code without a minor unit"),
    ("5 ZZZ", "no code at all"),
    ("٥ EUR", "other digits"),
    ("5 EUR\n", "a newline"),
    ("90071992547409.92 EUR", "more than 2^53 - 1 minor units"),
    ("", "nothing"),
]


@pytest.mark.parametrize(("text", "amount"), RIGHT)
def test_an_amount_is_read_to_the_minor_unit(text: str, amount: int) -> None:
    assert parse_price(text) == Price(amount, text.rpartition(" ")[2])


@pytest.mark.parametrize(("text", "why"), WRONG, ids=[why for _, why in WRONG])
def test_other_spellings_are_wrong_use(text: str, why: str) -> None:
    with pytest.raises(typer.BadParameter):
        parse_price(text)


@given(st.integers(0, AMOUNT_MAX), st.sampled_from(sorted(CURRENCIES)))
def test_what_is_printed_is_read_back(amount: int, currency: str) -> None:
    assert parse_price(str(Price(amount, currency))) == Price(amount, currency)


def test_every_exponent_is_of_a_currency_that_exists() -> None:
    others = "BHD BIF CLF CLP DJF GNF IQD ISK JOD JPY KMF KRW KWD LYD OMR PYG RWF TND UGX UYI UYW VND VUV XAF XOF XPF"
    assert " ".join(sorted(code for code in CURRENCIES if exponent_of(code) != 2)) == others
