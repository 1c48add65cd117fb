"""The entry point of the ``cadastre`` command: every module beside this one may declare commands (``command``)."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

import scripts
from scripts.command import app

for _found in sorted(found.name for found in iter_modules(scripts.__path__)):
    if _found not in ("main", "docs"):  # docs is run by itself
        import_module(f"scripts.{_found}")


def main() -> None:
    """Run the command line."""
    app(prog_name="cadastre")


if __name__ == "__main__":
    main()
