"""The folder of a witness: what lies where, how it is made, and how it is opened.

DIR/witness.key    its two private keys: whoever can read it can sign as the witness
DIR/logs           the logs it knows: whoever can write it decides which logs it cosigns
DIR/witness.db     what it has cosigned: whoever can write it, or put back an older copy, makes it cosign forks
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from identity.errors import Malformed, declare
from identity.note import Verifier, check_key_name, format_vkey, parse_vkey
from identity.signature import NAME_BYTES_MAX
from ledger.errors import Unavailable
from ledger.store.files import replace_file, sync
from ledger.witness.keys import read_cosigners, write_keys
from ledger.witness.logs import LogList, add_logs
from ledger.witness.memory import Evidence, Memory
from ledger.witness.witness import Witness

HEAD = b"# The logs this witness cosigns: a line 'log VKEY' for each key of each. Read again when changed.\n"

declare(
    "malformed",
    witness_name_malformed=(
        "a witness cannot have this name",
        "use an address without its scheme, such as witness.example.org/w1: no spaces, no plus sign",
    ),
)
declare(
    "service",
    witness_missing=("there is no witness here", "make one with: cadastre witness DIR --name NAME"),
)


class WitnessFolder:
    """The paths of one witness's folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.key = path / "witness.key"
        self.logs = path / "logs"
        self.memory = path / "witness.db"

    def check_there(self) -> None:
        """Raises ``Unavailable``: ``witness_missing``; ``witness_memory_missing`` where only that is lost."""
        if not self.memory.is_file():
            if self.key.exists():
                raise Unavailable("witness_memory_missing", f"{self.memory} is not there, but {self.key} is")
            raise Unavailable("witness_missing", str(self.path))

    def create(self, name: str, randomness: Callable[[int], bytes]) -> None:
        """Make a witness that knows no log. Its memory comes last: a folder without one is no witness.

        Raises ``Malformed`` (``witness_name_malformed``); ``Unavailable``: ``witness_exists``, ``folder_not_empty``.
        """
        _check_name(name)
        if self.memory.exists():
            raise Unavailable("witness_exists", str(self.path))
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise Unavailable("folder_not_empty", f"{self.path} is not an empty folder")
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        sync(self.path.parent)
        try:
            write_keys(self.key, randomness)
            replace_file(self.logs, HEAD)
            cosigners = read_cosigners(self.key, name)
            Memory.create(self.memory, [format_vkey(cosigner.verifier) for cosigner in cosigners])
        except BaseException:
            for made in self.path.iterdir():
                made.unlink()
            raise

    def add_logs(self, keys: Sequence[Verifier]) -> None:
        """Add keys of logs. Raises ``witness_logs_malformed``."""
        add_logs(self.logs, keys)

    def open(self, clock: Callable[[], int], alarm: Callable[[Evidence], None]) -> Witness:
        """The witness, to be closed by whoever opened it; the arguments are as of ``Witness``.

        Raises what ``check_there``, ``read_cosigners``, ``LogList`` and ``Memory.open`` raise, and
        ``witness_memory_other`` if the memory is of other keys.
        """
        self.check_there()
        logs = LogList(self.logs)
        memory = Memory.open(self.memory)
        try:
            vkeys = memory.vkeys()
            cosigners = read_cosigners(self.key, parse_vkey(vkeys[0]).name)
            if vkeys != [format_vkey(cosigner.verifier) for cosigner in cosigners]:
                raise Unavailable("witness_memory_other", f"{self.memory} is of {vkeys[0]}, not of {self.key}")
        except BaseException:
            memory.close()
            raise
        return Witness(cosigners, logs, memory, clock, alarm)


def _check_name(name: str) -> None:
    try:
        check_key_name(name)
    except ValueError:
        raise Malformed("witness_name_malformed", repr(name)) from None
    if len(name.encode()) > NAME_BYTES_MAX:
        raise Malformed("witness_name_malformed", f"more than {NAME_BYTES_MAX} bytes")
