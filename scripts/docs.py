"""Writes the pages of docs/ that follow from declarations (kinds, refusals, settings), or checks them.

python -m scripts.docs            write
python -m scripts.docs --check    exit 1 and name the page that is out of date
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

from ledger.errors import CATALOGUE
from ledger.statement import KINDS, Kind
from scripts.forms import SIGNERS, fields_of
from scripts.settings import listed

DOCS = Path(__file__).resolve().parents[1] / "docs"

FAMILIES = {
    "malformed": "Refused at the door: malformed. The bytes are not of the format they claim.",
    "unverifiable": "Refused at the door: unverifiable. Well formed, but no valid signature of the key they name.",
    "rule": "Refused by rule. Signed and well formed, but a rule of the ledger says no; every auditor agrees.",
    "absent": "Absent. What was asked for is not in this ledger.",
    "service": "Service. It cannot answer now; nothing was lost, the same bytes may be sent again.",
    "corrupt": "Corrupt. What must never happen.",
    "halted": "Halted. A command stopped on the machine it runs on; no ledger answers this.",
}
PACKAGES = ("identity", "ledger", "api", "scripts")


def declare_all() -> None:
    """Import every module that may declare a kind or a code, so that the pages do not depend on who asks."""
    for package in PACKAGES:
        for found in walk_packages(import_module(package).__path__, f"{package}."):
            if "migrations" not in found.name:  # run by alembic alone
                import_module(found.name)


def kinds() -> str:
    """The page of kinds: for each noun, its kinds with their fields."""
    lines = [
        "# Kinds of statements",
        "",
        "Generated from the registry by `make docs`. A statement's `body` has exactly the fields of its kind; what a",
        "statement is, and how it is signed, stands in [format.md](format.md).",
    ]
    nouns = dict.fromkeys(name.partition(".")[0] for name in KINDS)
    for noun in nouns:
        lines += ["", f"## {noun}"]
        for name, kind in KINDS.items():
            if name.partition(".")[0] == noun:
                lines += ["", *_kind(name, kind)]
    return "\n".join(lines) + "\n"


def _kind(name: str, kind: type[Kind]) -> Iterator[str]:
    yield f"### {name}"
    yield ""
    yield inspect.cleandoc(kind.__doc__ or "")
    yield ""
    about = f"acts on: {kind.ON}" if kind.ON else ""
    opens = f"opens: {', '.join(kind.OPENS)}" if kind.OPENS else ""
    facts = [f"signed by {SIGNERS[kind.SIGNER]}", about, opens, f"since rules version {kind.SINCE}"]
    yield " · ".join(fact for fact in facts if fact)
    yield ""
    schema = kind.model_json_schema()
    if schema.get("properties"):
        yield "| field | | form | what it says |"
        yield "|---|---|---|---|"
        for field in fields_of(schema, schema, inline=True):
            yield f"| `{field.name}` | {field.need} | {_cell(field.form)} | {_cell(field.meaning)} |"
    else:
        yield "No fields."


def refusals() -> str:
    """The page of codes, by family."""
    lines = [
        "# Refusals and other answers",
        "",
        "Generated from the catalogue by `make docs`. A code never changes its meaning. Over HTTP each of these (but",
        "those of the last family) is a problem+json (RFC 9457) with the code; on the command line the code stands",
        "first, and with `--json` the problem is one object of the same members on stderr.",
    ]
    for family, title in FAMILIES.items():
        lines += ["", f"## {title.partition('.')[0]}", "", title.partition(". ")[2], ""]
        lines += ["| code | what it says | what to do |", "|---|---|---|"]
        found = sorted(code for code, meaning in CATALOGUE.items() if meaning.family == family)
        for code in found:
            meaning = CATALOGUE[code]
            lines.append(f"| `{code}` | {_cell(meaning.title)} | {_cell(meaning.advice)} |")
    return "\n".join(lines) + "\n"


def settings() -> str:
    """The page of settings."""
    lines = [
        "# Settings",
        "",
        "Generated from their declarations by `make docs`. Each is a variable of the environment in which",
        "`cadastre serve` or `cadastre witness` is started; `cadastre settings` lists them too. A variable that begins",
        "with `CADASTRE_SERVE_` and is none of these is refused.",
        "",
        "| variable | default | form | what it sets |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| `{name}` | {_cell(default)} | {_cell(form)} | {_cell(said)} |" for name, default, form, said in listed()
    ]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


PAGES = {"kinds.md": kinds, "refusals.md": refusals, "settings.md": settings}


def main(arguments: list[str]) -> int:
    """Write the pages, or with ``--check`` compare them."""
    declare_all()
    stale = 0
    for name, page in PAGES.items():
        path, text = DOCS / name, page()
        if arguments == ["--check"]:
            if not path.exists() or path.read_text() != text:
                print(f"docs/{name} is out of date: run make docs", file=sys.stderr)
                stale = 1
        else:
            path.write_text(text)
    return stale


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
