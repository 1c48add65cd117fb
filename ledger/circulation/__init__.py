"""The rules, one file a noun, in reading order. Importing the package declares every kind and state.

A noun's file is found by being here: nothing lists them.
"""

from importlib import import_module
from pkgutil import iter_modules

for _noun in sorted(found.name for found in iter_modules(__path__)):
    import_module(f"{__name__}.{_noun}")
