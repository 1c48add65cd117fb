"""Which logs a witness knows: the ``log`` lines of a policy (C2SP tlog-policy), and no other lines.

    # a log may have several keys: of both types, and while one follows the other
    log example.com/registry+4d7a1c5f+AVm2...
    log example.com/registry+90be2e11+BkT5...

A log goes by its origin, which is the name of its keys. Whoever can write this file decides what the witness cosigns;
not that it cosigns two histories of one log, for that hangs on the origin alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from identity.note import Verifier, format_vkey
from identity.signature import NAME_BYTES_MAX
from ledger.errors import Absent, Malformed, Unavailable, declare
from ledger.log.policy import parse_policy
from ledger.store.files import replace_file

declare(
    "malformed",
    witness_logs_malformed=(
        "the witness's list of logs is malformed",
        "write nothing but lines 'log VKEY' and remarks",
    ),
)
declare(
    "service",
    witness_logs_unreadable=(
        "the witness cannot read its list of logs",
        "send the same bytes again when its operator has repaired the list",
    ),
)

Keys = Mapping[str, Sequence[Verifier]]
"""The keys of each log, by its origin."""


def parse_logs(data: bytes) -> Keys:
    """Raises ``witness_logs_malformed``, naming the line where it is one."""
    try:
        policy = parse_policy(data + b"\nquorum none\n")
    except Malformed as wrong:
        raise Malformed("witness_logs_malformed", wrong.detail) from None
    if policy.witnesses or policy.groups:
        raise Malformed("witness_logs_malformed", "it has lines of witnesses or groups")
    keys: dict[str, list[Verifier]] = {}
    for log in policy.logs:
        origin = log.verifier.name
        if len(origin.encode()) > NAME_BYTES_MAX:
            raise Malformed("witness_logs_malformed", f"an origin of more than {NAME_BYTES_MAX} bytes: {origin[:100]}…")
        keys.setdefault(origin, []).append(log.verifier)
    return keys


class LogList:
    """The list in a file, read again when the file has changed: a log is added while the witness runs."""

    def __init__(self, path: Path) -> None:
        """Raises ``witness_logs_malformed``, ``OSError``."""
        self._path = path
        self._read = self._present()

    def all(self) -> Keys:
        """Raises ``witness_logs_unreadable``: with a list that cannot be read nothing is cosigned."""
        try:
            if _state_of(self._path) != self._read[0]:
                self._read = self._present()
        except (OSError, Malformed) as wrong:
            raise Unavailable("witness_logs_unreadable", str(wrong)) from None
        return self._read[1]

    def keys_of(self, origin: str) -> Sequence[Verifier]:
        """Raises ``witness_log_unknown``, ``witness_logs_unreadable``."""
        if (keys := self.all().get(origin)) is None:
            raise Absent("witness_log_unknown", origin)
        return keys

    def _present(self) -> tuple[object, Keys]:
        state = _state_of(self._path)  # first: what changes meanwhile is read again
        return state, parse_logs(self._path.read_bytes())


def _state_of(path: Path) -> object:
    found = path.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino


def add_logs(path: Path, added: Sequence[Verifier]) -> None:
    """Add those that are not there yet. After a crash there is the old list or the longer one, whole.

    Raises ``witness_logs_malformed`` and changes nothing.
    """
    data = path.read_bytes()
    known = {key.public_key for keys in parse_logs(data).values() for key in keys}
    lines = [f"log {format_vkey(key)}\n" for key in added if key.public_key not in known]
    longer = data + (b"\n" if data and not data.endswith(b"\n") else b"") + "".join(lines).encode()
    parse_logs(longer)
    if lines:
        replace_file(path, longer)
