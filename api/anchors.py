"""What outsiders hold of this log, asked when it is opened: the checkpoints of mirrors and witnesses.

A store that was put back from a copy may lie beside a record of heads from the same copy. Then only outsiders can tell
that more was signed. What they show counts only if a key of this log signed it: so a mirror that lies can at most keep
back what it has, and one that shows more than the store has has proven that the store must not sign.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import structlog

from api.settings import PREFIX, Settings, parted
from identity.note import Verifier
from ledger.errors import Malformed, Unavailable, Unverifiable
from ledger.log.checkpoint import Checkpoint, open_checkpoint
from ledger.log.policy import Policy, parse_policy

SECONDS = 5.0  # for all of them together
NOTE_MAX = 64 * 1024  # bytes: with the cosignatures of some dozens of witnesses
LOG = "{log}"  # stands for the hex SHA-256 of the origin in an address

log = structlog.get_logger("cadastre.anchors")


def addresses(settings: Settings) -> tuple[str, ...]:
    """Where checkpoints of this log are shown outside. Raises ``Malformed`` for the policy that is set.

    Of witnesses only the address is known to which checkpoints are submitted; that they are shown there too is so with
    ours, and with others what they show elsewhere may be named among the mirrors.
    """
    witnesses = [] if (policy := read_policy(settings)) is None else monitors(policy)
    return (*(f"{mirror}/checkpoint" for mirror in parted(settings.mirrors)), *witnesses)


def read_policy(settings: Settings) -> Policy | None:
    """The policy that is set. Raises ``Malformed``."""
    if settings.policy is None:
        return None
    try:
        return parse_policy(settings.policy.read_bytes())
    except OSError as error:
        raise Malformed("setting_malformed", f"{PREFIX}POLICY: {settings.policy}: {error.strerror}") from None


def monitors(policy: Policy) -> list[str]:
    """Where the witnesses of a policy show what they saw last, if they do so where they take checkpoints."""
    return [f"{one.url.rstrip('/')}/{LOG}/checkpoint" for one in policy.witnesses.values() if one.url is not None]


def shown(
    origin: str,
    places: Sequence[str],
    verifiers: Iterable[Verifier],
    warn: Callable[..., None] | None = None,
) -> dict[str, bytes]:
    """The checkpoints that outsiders show and a key of this log signed, by address. Never raises for what they do.

    ``warn`` is told of those that cannot be asked, or show something else; the log, if nobody is named.
    """
    from api.outside import get_all  # imported here: a service that has nobody to ask starts without them
    from ledger.witness.memory import log_id

    warn = warn or log.warning  # not before: in a default it would be of the log as it was at the import
    keys = list(verifiers)
    urls = [place.replace(LOG, log_id(origin)) for place in places]
    found: dict[str, bytes] = {}
    for url, answer in (get_all(urls, NOTE_MAX, SECONDS) if urls else {}).items():
        if isinstance(answer, Unavailable):
            warn("cannot be compared with what is shown outside", detail=answer.detail)
        elif signed(answer, origin, keys) is None:
            warn("what is shown outside was not signed by this log", detail=url)
        else:
            found[url] = answer
    return found


def signed(note: bytes, origin: str, verifiers: Iterable[Verifier]) -> Checkpoint | None:
    """The checkpoint of this log in a note, None if none of its keys signed it."""
    try:
        checkpoint = open_checkpoint(note, dict.fromkeys(verifiers))
    except (Malformed, Unverifiable):
        return None
    return checkpoint if checkpoint.origin == origin else None
