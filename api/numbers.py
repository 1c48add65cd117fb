"""Whole numbers in addresses and queries: in one spelling, so that one page has one address."""

from __future__ import annotations

import re

from pydantic import BeforeValidator

_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,15}")


def _check_spelling(value: object) -> object:
    if isinstance(value, str) and not _WHOLE.fullmatch(value):
        raise ValueError("write a whole number in decimal digits, without sign, zeros or spaces before it")
    return value


Whole = BeforeValidator(_check_spelling)
