"""The service as ``running`` starts it, in a process forked from one that has imported this module.

So what all services import is imported once; each is a process of its own all the same.
"""

from __future__ import annotations

import os
from multiprocessing.connection import Connection

from api import forks, verifiers
from api.anchors import addresses
from api.app import serve
from api.settings import Settings
from api.writing import Apart

assert verifiers  # imported for the processes of the service


def live(settings: str, said: Connection, log: str) -> None:
    """Serve until told to stop. ``said`` is told the URL, the file ``log`` takes what goes to stdout and stderr."""
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
    forks.prepare()
    given = Settings.model_validate_json(settings)
    begun = Apart(given.folder, given.log_level, given.heads, addresses(given)) if given.workers else None
    serve(given, said.send, begun)
