"""Every code that is raised is in the catalogue, every code of the catalogue is reached by a test, and the generated
pages are as the registry would write them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from identity.errors import Family
from ledger.errors import CATALOGUE
from scripts.docs import DOCS, FAMILIES, PAGES, declare_all

TESTS = Path(__file__).resolve().parents[1]

declare_all()


def test_every_code_stands_in_a_test_line() -> None:
    """That rule codes are reached, not only named, is proven in tests/ledger/circulation/test_refusals_reached.py."""
    words = {
        word for path in TESTS.rglob("*.py") if path != Path(__file__) for word in re.findall(r"\w+", path.read_text())
    }
    assert [code for code in CATALOGUE if code not in words] == []


def raised() -> Iterator[tuple[Path, str, str]]:
    """Every code that stands where an error is made: the file, the name of the error, the code."""
    for part in ("identity", "ledger", "api", "scripts"):
        for path in (TESTS.parent / part).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
                    for code in codes_in(node.args[node.func.id == "Finding"]):
                        yield path, node.func.id, code


def codes_in(argument: ast.expr) -> Iterator[str]:
    if isinstance(argument, ast.IfExp):
        yield from codes_in(argument.body)
        yield from codes_in(argument.orelse)
    elif isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        yield argument.value


FAMILY_OF = {
    "Malformed": "malformed",
    "Unverifiable": "unverifiable",
    "Refused": "rule",
    "Absent": "absent",
    "Unavailable": "service",
    "Corrupt": "corrupt",
    "Halted": "halted",
}


def test_every_code_that_is_raised_is_in_the_catalogue_in_its_family() -> None:
    found = [(path.name, error, code) for path, error, code in raised() if error in FAMILY_OF]
    assert {error for _, error, _ in found} == FAMILY_OF.keys(), "an error nobody raises by name is not looked for"
    known = {code: meaning.family for code, meaning in CATALOGUE.items()}
    assert [one for one in found if known.get(one[2]) != FAMILY_OF[one[1]]] == []


def test_every_reason_of_a_verdict_is_in_the_catalogue() -> None:
    reasons = {code for _, error, code in raised() if error == "Finding"}
    assert "checkpoint_other" in reasons
    assert reasons <= CATALOGUE.keys()


def test_every_family_has_its_part_of_the_page() -> None:
    assert {meaning.family for meaning in CATALOGUE.values()} == FAMILIES.keys() == set(get_args(Family))


def test_the_generated_pages_are_up_to_date() -> None:
    for name, page in PAGES.items():
        assert (DOCS / name).read_text() == page(), f"docs/{name}: run make docs"
