"""Known answers and real input beside the project, not in it. Where they are missing, tests skip and say so."""

import os
from pathlib import Path

import pytest

ROOT = Path(os.environ.get("CADASTRE_SHARED", Path(__file__).resolve().parents[2] / "shared"))


def shared(path: str) -> Path:
    """The path below the shared folder; skips the calling test where it is missing."""
    found = ROOT / path
    if not found.exists():
        pytest.skip(f"needs ../shared/{path} beside the checkout (or CADASTRE_SHARED), which is not here")
    return found
