"""Every code of the catalogue is reached by a test, and the generated pages are as the registry would write them."""

import re
from pathlib import Path

from ledger.errors import CATALOGUE
from scripts.docs import DOCS, PAGES, declare_all

TESTS = Path(__file__).resolve().parents[1]

declare_all()


def test_every_code_stands_in_a_test_line() -> None:
    """That rule codes are reached, not only named, is proven in tests/ledger/circulation/test_refusals_reached.py."""
    lines = "\n".join(path.read_text() for path in TESTS.rglob("*.py") if path != Path(__file__))
    assert [code for code in CATALOGUE if not re.search(rf"\b{code}\b", lines)] == []


def test_the_generated_pages_are_up_to_date() -> None:
    for name, page in PAGES.items():
        assert (DOCS / name).read_text() == page(), f"docs/{name}: run make docs"
