"""All stories: every module beside this one that has a table ``STORIES`` of name and story. Nothing lists them."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

import tests.stories


def stories() -> dict[str, dict[str, str]]:
    """Module name (the noun) -> story name -> story."""
    names = sorted(found.name for found in iter_modules(tests.stories.__path__))
    modules = {name: import_module(f"tests.stories.{name}") for name in names}
    return {name: module.STORIES for name, module in modules.items() if hasattr(module, "STORIES")}
