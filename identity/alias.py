"""Aliases: names that others gave to an organisation, a place or a thing, in one spelling, their check digits proven.

    lei:529900T8BM49AURSDO55          ISO 17442, check digits ISO/IEC 7064 MOD 97-10
    gln:9506000111445                 GS1 Global Location Number, 13 digits
    gtin:04012345123456               GS1 Global Trade Item Number, filled up to 14 digits as in GS1 Digital Link
    bpn:BPNL000000000065              Catena-X CX-0010: of a legal entity (BPNL), a site (BPNS) or an address (BPNA)
    uscc:91350100M000100Y43           GB 32100-2015 统一社会信用代码
    handle:88.118.8/abc               工业互联网标识: PREFIX/SUFFIX under 88, which has no check digit

That check digits fit says that an alias is well spelt, not that it was ever given to anybody. python-stdnum computes
them; what a scheme looks like stands here, so that no release of it changes which aliases are well formed. It has no
ISO/IEC 7064 MOD 1271-36, which BPNs use: that one is here. VAT numbers are left out: what makes one valid changes with
the law of its country, and several have nothing to check.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from stdnum import ean
from stdnum.cn import uscc
from stdnum.iso7064 import mod_97_10

from identity.errors import Malformed, declare

declare(
    "malformed",
    alias_malformed=(
        "this is no alias in its one spelling",
        "write SCHEME:VALUE, compare the value with its source: lei:529900T8BM49AURSDO55, gln, gtin, bpn, uscc, handle",
    ),
)

ALIAS_MAX = 160  # letters

_CREDIT = "0-9A-HJ-NPQRTUWXY"  # letters of a USCC: without I, O, S, V, Z


def fits_mod_1271_36(text: str) -> bool:
    """Whether the last two of these digits and capitals are their check characters (ISO/IEC 7064:2003, MOD 1271-36)."""
    return int(text, 36) % 1271 == 1 and int(text[-2:], 36) < 1271


def _bpn(value: str) -> bool:
    """CX-0010 from 2.1 on counts all letters; what was issued before (until mid 2024), those after the type only."""
    return fits_mod_1271_36(value) or fits_mod_1271_36(value[4:])


class Scheme(NamedTuple):
    """How the aliases of a scheme look, whether the check digits of one fit, and the types of subjects it names."""

    form: re.Pattern[str]
    fits: Callable[[str], bool]
    names: frozenset[str]


_PARTY, _ASSET = frozenset({"party"}), frozenset({"asset"})

SCHEMES = {
    "lei": Scheme(re.compile("[0-9A-Z]{18}[0-9]{2}"), lambda v: mod_97_10.calc_check_digits(v[:-2]) == v[-2:], _PARTY),
    "gln": Scheme(re.compile("[0-9]{13}"), ean.is_valid, _PARTY),
    "gtin": Scheme(re.compile("[0-9]{14}"), ean.is_valid, _ASSET),
    "bpn": Scheme(re.compile("BPN[LSA][0-9A-Z]{12}"), _bpn, _PARTY),
    "uscc": Scheme(
        re.compile(f"[{_CREDIT}]{{2}}[0-9]{{6}}[{_CREDIT}]{{10}}"),
        lambda v: uscc.calc_check_digit(v[:-1]) == v[-1],
        _PARTY,
    ),
    "handle": Scheme(re.compile(r"88(\.[0-9a-z]{1,16}){1,5}/[!-~]{1,128}"), lambda _: True, _PARTY | _ASSET),
}


def check_alias(text: str) -> None:
    """Raise ``Malformed`` (``alias_malformed``) unless this is an alias in its one spelling. A few microseconds."""
    name, _, value = text.partition(":")
    scheme = SCHEMES.get(name)
    if scheme is None:
        raise Malformed("alias_malformed", f"{text[:80]!a} names none of the schemes {', '.join(SCHEMES)}")
    if len(text) > ALIAS_MAX or not scheme.form.fullmatch(value):
        raise Malformed("alias_malformed", f"{value[:80]!a} does not have the form of {name}")
    if not scheme.fits(value):
        raise Malformed("alias_malformed", f"the check digits of {value} do not fit: a letter or digit is wrong")


def named_by(alias: str) -> frozenset[str]:
    """The types of subjects that an alias can name: ``party``, ``asset``."""
    return SCHEMES[alias.partition(":")[0]].names


def is_alias(text: str) -> bool:
    """Whether somebody who wrote this meant an alias, well spelt or not."""
    return text.partition(":")[0].lower() in SCHEMES or text.startswith("88.")


def read_alias(text: str) -> str:
    """The alias, in its one spelling, that people write in several.

    With spaces and hyphens between digits, in small letters, a GTIN without zeros in front, a handle without its
    scheme. Raises ``Malformed``.
    """
    if not text.isascii():
        raise Malformed("alias_malformed", f"{text[:80]!a} has letters of other scripts")
    text = text.strip()
    name, _, value = f"handle:{text}".partition(":") if text.startswith("88.") else text.partition(":")
    name, value = name.lower(), value.strip()
    if name == "handle":  # its naming authority has no case (RFC 3651 section 2)
        prefix, slash, suffix = value.partition("/")
        value = prefix.lower() + slash + suffix
    else:
        value = value.replace(" ", "").replace("-", "").upper()
    if name == "gtin" and len(value) in (8, 12, 13):
        value = value.zfill(14)
    alias = f"{name}:{value}"
    check_alias(alias)
    return alias
