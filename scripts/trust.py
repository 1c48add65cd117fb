"""Whom this machine trusts: the log keys it knows, in a C2SP tlog-policy file, and the charters it has met.

    $CADASTRE_HOME/policy      log <vkey> <url>     one line for each log key, the one in force last; quorum none
    $CADASTRE_HOME/charters    <origin>#<hash>      one line for each ledger: the audience, which binds its entry 0

CADASTRE_HOME is ``~/.config/cadastre`` unless set. A ledger met for the first time is taken at its word and said so
(trust on first use, as ssh does with hosts); from then on its name, charter and key are fixed. A log key that
replaces a known one is believed only if the charter's own governance key says so: entry 0 hashes to the charter known,
names governance, and every amendment from the known key to the shown one is signed by it.

Whoever can write these files decides what this machine takes as proven.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from api.client import Client, Ledger
from identity.errors import Unverifiable, declare
from identity.note import Verifier, format_vkey, parse_vkey
from ledger.circulation.charter import LedgerAmended, LedgerOpened
from ledger.log.chain import audience_of, parse_entry
from ledger.log.checkpoint import open_checkpoint
from ledger.log.policy import EMPTY, Policy, parse_policy
from scripts.signed import read_verified

HISTORY_PAGE = 100

declare(
    "unverifiable",
    log_key_unknown=(
        "no log key is known for this ledger",
        "get its vkey from its operator and name a file with the lines 'log VKEY' and 'quorum none': --policy FILE",
    ),
    log_key_changed=(
        "the ledger shows another log key than the one known, and no amendment of its charter leads there",
        "do not use it; ask its operator by another way",
    ),
    charter_changed=(
        "a ledger of this name was met before, with another charter",
        "ask its operator by another way; if you made it anew yourself, "
        "delete the lines of the old one from policy and charters in ~/.config/cadastre (or CADASTRE_HOME)",
    ),
)


class Home:
    """The folder with what this machine trusts. Reading creates nothing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.policy = path / "policy"
        self._charters = path / "charters"

    @classmethod
    def here(cls) -> Home:
        """``$CADASTRE_HOME``, or ``~/.config/cadastre``."""
        named = os.environ.get("CADASTRE_HOME")
        return cls(Path(named) if named else Path.home() / ".config" / "cadastre")

    def read_policy(self) -> Policy:
        """The logs this machine trusts. Raises ``Malformed``: ``policy_malformed``."""
        return parse_policy(self.policy.read_bytes()) if self.policy.exists() else EMPTY

    def verifiers(self, origin: str) -> list[Verifier]:
        """The keys known for a ledger, the one in force last."""
        return self.read_policy().log_keys(origin)

    def charters(self) -> list[str]:
        """The audiences of the ledgers met: ``<origin>#<base64url SHA-256 of entry 0>``."""
        return self._charters.read_text("utf-8").split() if self._charters.exists() else []

    def check_charter(self, origin: str, audience: str) -> bool:
        """:func:`check_charter` of the ledgers met."""
        return check_charter(self.charters(), origin, audience)

    def add_log(self, verifier: Verifier, url: str) -> None:
        """Trust a log key from here on, as the one in force."""
        if not self.policy.exists():
            self.policy.write_text(_HEAD, "utf-8")
        _append(self.policy, f"log {format_vkey(verifier)} {url}")

    def add_charter(self, audience: str) -> None:
        """Hold a ledger to this charter from here on."""
        _append(self._charters, audience)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other commands from deciding on trust at the same moment."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


_HEAD = """\
# The logs this machine trusts (c2sp.org/tlog-policy). To forget one, delete its lines here and in charters.
quorum none
"""


def check_charter(charters: Sequence[str], origin: str, audience: str) -> bool:
    """Whether the ledger of this name was met, with this charter then. Raises ``Unverifiable``: ``charter_changed``.

    ``audience`` is what binds the charter shown (``ledger.log.chain.audience_of``), ``charters`` those of ledgers met.
    """
    met = [known for known in charters if known.rpartition("#")[0] == origin]
    if met and audience not in met:
        raise Unverifiable("charter_changed", f"shown {audience}, known {met[0]}")
    return bool(met)


def meet(home: Home, client: Client) -> tuple[list[Verifier], str | None]:
    """The keys by which this ledger's proofs are checked, and what a person should be told, if anything.

    Raises ``Unverifiable``: ``charter_changed``, ``log_key_changed``, or what its checkpoint fails by.
    """
    shown = client.ledger(anew=True)
    verifier = parse_vkey(shown.vkey)
    if verifier.name != shown.origin:
        raise Unverifiable("log_key_changed", f"the ledger {shown.origin} shows a key of {verifier.name}")
    with home.lock():
        known = home.verifiers(shown.origin)
        met = home.check_charter(shown.origin, shown.audience)
        if known[-1:] == [verifier]:
            if not met:
                home.add_charter(shown.audience)
            return known, None
        if known:
            _check_succession(client, shown, known, met)
        open_checkpoint(client.checkpoint(), [verifier])
        home.add_log(verifier, client.url)
        if not met:
            home.add_charter(shown.audience)
    told = "replaced its log key by act of its charter; the key" if known else "met for the first time; its log key"
    return [*known, verifier], f"{shown.origin}: {told} was added to {home.policy}"


def _check_succession(client: Client, shown: Ledger, known: list[Verifier], met: bool) -> None:
    """The charter's governance has replaced the last key known, step by step, by the one shown.

    ``met``: its charter is known. Raises ``Unverifiable`` (``log_key_changed``) where it has not, or nobody can tell.
    """
    changed = Unverifiable("log_key_changed", f"known {format_vkey(known[-1])}, shown {shown.vkey}")
    if not met or shown.vkey in map(format_vkey, known):
        raise changed
    first = client.entry_bytes(0)
    if shown.audience != audience_of(shown.origin, first):
        raise changed
    charter = read_verified(parse_entry(first).statement)
    if not isinstance(charter.body, LedgerOpened):
        raise changed
    keys = [charter.body.logKey]
    for index in _touching(client, charter.opened["ledger"]):
        act = read_verified(parse_entry(client.entry_bytes(index)).statement)
        if isinstance(act.body, LedgerAmended) and act.body.logKey is not None:
            if act.claims.iss != charter.body.governance or act.claims.aud != shown.audience:
                raise changed
            keys.append(act.body.logKey)
    if format_vkey(known[-1]) not in keys or keys[-1] != shown.vkey:
        raise changed


def _touching(client: Client, subject: str) -> list[int]:
    """Indexes of all entries that touched a subject, earliest first, entry 0 aside."""
    found: list[int] = []
    before: int | None = None
    while page := client.history(subject, before, HISTORY_PAGE):
        found += [entry.index for entry in page]
        before = found[-1]
    return sorted(index for index in found if index)


def _append(path: Path, line: str) -> None:
    with path.open("a+", encoding="utf-8") as file:
        file.seek(0)
        text = file.read()
        file.write(f"{'' if not text or text.endswith(chr(10)) else chr(10)}{line}\n")
