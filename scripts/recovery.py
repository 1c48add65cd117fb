"""``cadastre recovery``: a party whose keys are lost or stolen gets another DID by the word of its trustees.

cadastre recovery arrange PARTY… --threshold 2 --wait 7d --as org.key      beforehand
cadastre consent PARTY --as new.key --out consent.json                     when the keys are gone
cadastre recovery open --consent consent.json --reason "…" --as trustee.key
cadastre recovery support RECOVERY --as other-trustee.key
cadastre recovery complete RECOVERY --as new.key                           after the wait, if nobody objected
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.client import Speaker
from identity.did import did_of
from ledger.circulation.recovery import WAIT_MAX_S, WAIT_MIN_S
from scripts.command import app, command
from scripts.didlog import LogFile
from scripts.help import ExplainedGroup
from scripts.options import LOCAL, Json, Key, LedgerUrl
from scripts.output import print_admitted
from scripts.party import consented
from scripts.session import session
from scripts.speaking import Compromised, DidLog, compromises, stated_log
from scripts.times import parse_span

recoveries = typer.Typer(
    cls=ExplainedGroup, help="Recover a party whose keys are lost.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(recoveries, name="recovery")

RecoveryId = Annotated[str, typer.Argument(metavar="RECOVERY", help="Id of the recovery.")]
Reason = Annotated[str, typer.Option(help="Why, in the open.")]


@command(into=recoveries, acts=True)
def arrange(
    trustees: Annotated[list[str] | None, typer.Argument(metavar="PARTY…", help="The trustees; none: take it back.")],
    key: Key,
    threshold: Annotated[
        int | None,
        typer.Option(min=1, metavar="NUMBER", help="How many of them it takes.  [default: more than half]"),
    ] = None,
    wait: Annotated[
        str, typer.Option(metavar="SPAN", help="How long everybody can see it and object: 1h, 7d, at least 60s.")
    ] = "7d",
    ledger: LedgerUrl = LOCAL,
    json: Json = False,
) -> None:
    """Name the trustees who can give the party another DID. It holds after the wait of those named before.

    The first naming holds after a week, or after its own wait where that is longer.
    """
    seconds = parse_span(wait)
    if not WAIT_MIN_S <= seconds <= WAIT_MAX_S:
        bounds = f"at least {WAIT_MIN_S} seconds and at most {WAIT_MAX_S // 86_400} days"
        raise typer.BadParameter(f"a ledger takes {bounds}, not {wait}", param_hint="--wait")
    with session(ledger, key) as at:
        body = {
            "trustees": [at.party_id(one) for one in trustees or []],
            "threshold": threshold or len(trustees or []) // 2 + 1,
            "wait": seconds,
        }
        print_admitted("recovery.arranged", at.act("recovery.arranged", body, at.party), json)


@command("open", into=recoveries, acts=True)
def open_(
    key: Key,
    consent: Annotated[Path, typer.Option(metavar="FILE", exists=True, help="See: cadastre consent.")],
    reason: Reason,
    ledger: LedgerUrl = LOCAL,
    json: Json = False,
) -> None:
    """Ask, as a trustee, that another DID speak for the party; it counts as your support."""
    with session(ledger, key) as at:
        body = {**consented(consent), "reason": reason}
        print_admitted("recovery.opened", at.act("recovery.opened", body), json)


@command(into=recoveries, acts=True)
def support(recovery: RecoveryId, key: Key, ledger: LedgerUrl = LOCAL, json: Json = False) -> None:
    """Support a recovery as a trustee; after an objection, once more."""
    with session(ledger, key) as at:
        print_admitted("recovery.supported", at.act("recovery.supported", {}, recovery), json)


@command(into=recoveries, acts=True)
def contest(recovery: RecoveryId, key: Key, reason: Reason, ledger: LedgerUrl = LOCAL, json: Json = False) -> None:
    """Object: as the party, by its present key, once; or as a trustee, whose support is taken back."""
    with session(ledger, key) as at:
        print_admitted("recovery.contested", at.act("recovery.contested", {"reason": reason}, recovery), json)


@command(into=recoveries, acts=True)
def complete(
    recovery: RecoveryId,
    key: Key,
    did_log: DidLog = None,
    compromised: Compromised = None,
    ledger: LedgerUrl = LOCAL,
    json: Json = False,
) -> None:
    """Take over, by a key of the other DID, once enough trustees support it and the wait is over."""
    stolen = compromises(compromised)
    with session(ledger, key) as at:
        body = {"party": at.subject(recovery, "recovery").state["party"]}
        assert at.client.key is not None
        did = did_of(at.client.key.public)
        if did_log is not None:
            log = LogFile(did_log)
            did, body = log.standing.did, {**body, **stated_log(log)}
        at.client.speak_as(Speaker(did, did))
        print_admitted("recovery.completed", at.act("recovery.completed", body | stolen, recovery), json, did=did)
