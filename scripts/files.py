"""Files that commands make: whole, durable, and never in place of another."""

from __future__ import annotations

import os
from pathlib import Path


def keep(path: Path, data: bytes) -> None:
    """Write a new file; it is on the disk when this returns. Raises ``FileExistsError``: nothing is overwritten."""
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
