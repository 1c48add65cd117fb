"""``cadastre follow``: keep a verified mirror of a log, and be told when something is amiss.

Each turn fetches what is published since the last one, checks it in full, and writes DIR/public, a mirror that anybody
can read, audit and restore from. Alerts go to DIR/alerts.ndjson, as a line each to stderr, and to a webhook:

    alert: watched id=m7oW… index=41 subject=asset_0w9k… kind=asset.revised detail="asset.revised touched asset_0w9k…"
    alert: forked id=x2Kc… code=checkpoint_other evidence=fork-41-57-9be03d1c.fork detail="its key signed size 41 of …"

With --once it exits with 1 if anything is wrong (all but *watched*), or the log could not be read; else with 0.
Without, it goes on until it is stopped, and its exit code says the same of all its turns.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from contextvars import copy_context
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import httpx
import orjson
import typer

from api.client import Client
from api.client.wire import check_address
from identity.did import key_of
from identity.errors import Unverifiable, declare
from identity.note import Verifier
from ledger.audit import Workers
from ledger.errors import Problem, Unavailable
from ledger.log.policy import EMPTY, Policy, parse_policy
from ledger.values import type_of
from scripts.command import Halted, command, tell
from scripts.options import Json, ReaderKey
from scripts.output import counting, is_for_programs, print_json, print_note, printable
from scripts.session import opened_key
from scripts.trust import Home, meet

if TYPE_CHECKING:
    from ledger.follow.alerts import Alert
    from ledger.follow.folder import FollowFolder
    from ledger.follow.follower import Follower, Turn
    from ledger.follow.hook import Hook
    from ledger.follow.telling import Watched
    from ledger.mirror import Read

EVERY_S = 30.0
DRAIN_S = 15.0  # for alerts to be taken at the end of a single turn
HOOK_SECONDS_MAX = 10.0  # for an alert to be taken, from the asking to the end of the answer's head
SHOWN = ("id", "code", "index", "subject", "kind", "size", "evidence", "detail")  # of an alert, to people

declare(
    "halted",
    webhook_malformed=("not the address of a webhook", "name one such as https://ops.example/alerts"),
    watched_malformed=(
        "not the id of anything that could be watched",
        "copy the id of a subject, such as asset_… or party_…, or a DID, as cadastre show or search prints it",
    ),
)


@command(no="disproven")
def follow(
    url: Annotated[str, typer.Argument(metavar="URL", help="The ledger's service, or a mirror of its log.")],
    into: Annotated[Path, typer.Option(metavar="DIR", help="The follower's folder; made if it is not there.")],
    watch: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="A subject, a party or a DID; may be repeated.")
    ] = None,
    stale: Annotated[
        int | None, typer.Option(metavar="SECONDS", min=1, help="Alert when nobody vouches for anything fresher.")
    ] = None,
    webhook: Annotated[str | None, typer.Option(metavar="URL", help="Where each alert is sent, as JSON.")] = None,
    policy: Annotated[
        Path | None,
        typer.Option(exists=True, metavar="FILE", help="Log keys to trust at first, and witnesses for --stale."),
    ] = None,
    every: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.1, help="Time between turns.  [default: 30]", show_default=False)
    ] = EVERY_S,
    once: Annotated[bool, typer.Option("--once", help="One turn.")] = False,
    workers: Annotated[int | None, typer.Option(min=0, help="Processes that help.  [default: all cores]")] = None,
    key: ReaderKey = None,
    json: Json = False,
) -> None:
    """Keep a verified mirror of a log, with alerts on what is watched and on whatever does not hold.

    What is watched is told of from entry 0 on: the first turn sends an alert for each old entry, too, so that nothing
    from before is missed. With a member's key (--as), DIR/public holds what only members may read: do not serve it.
    """
    from ledger.follow.folder import FollowFolder
    from ledger.follow.freshness import Freshness
    from ledger.follow.telling import Watched

    if webhook is not None:
        _check_webhook(webhook)
    names = [_watched(name) for name in watch or []]
    asked = EMPTY if policy is None else parse_policy(policy.read_bytes())
    folder = FollowFolder(into)
    folder.prepare()
    watched = Watched(names, Freshness(stale, asked))
    count = max(0, (os.cpu_count() or 2) - 1) if workers is None else workers
    with folder.lock(), Workers(count) as helpers, ExitStack() as held:
        hook = held.enter_context(_hook(folder, webhook)) if webhook is not None else None

        def told(alert: Alert) -> None:
            _print_alert(alert)
            if hook is not None:
                hook.poke()

        read = held.enter_context(_reading(url, key))
        follower = held.enter_context(_opened(folder, read, _trusted(url, policy, asked), watched, helpers, told))
        try:
            if once:
                _print(follower.turn(), follower, into, json)
            else:
                _go_on(follower, every, into, json)
        finally:
            if hook is not None and not hook.drain(DRAIN_S if once else 1.0):
                print_note(f"not all alerts were taken by {webhook}; the next start sends the rest")
        if follower.alarmed:
            raise typer.Exit(1)


@contextmanager
def _reading(url: str, key: str | None) -> Iterator[Read]:
    """The published files at an address; as a member, where there is a key."""
    from api.outside import files_at

    if key is None:
        with files_at(url) as read:
            yield read
    else:
        with opened_key(key) as signing, Client(url, key=signing) as client, files_at(url, client.sign_token) as read:
            yield read


@contextmanager
def _opened(
    folder: FollowFolder,
    read: Read,
    trusted: Callable[[str], Sequence[Verifier]],
    watched: Watched,
    workers: Workers,
    told: Callable[[Alert], None],
) -> Iterator[Follower]:
    from ledger.follow.follower import Follower

    with counting("following") as show:
        follower = Follower(
            folder, read, trusted, watched, lambda: int(time.time()), time.sleep, told, workers, progress=show
        )
        try:
            yield follower
        finally:
            follower.close()


def _go_on(follower: Follower, every: float, into: Path, json: bool) -> None:
    """Turn after turn. What may pass by itself is told once and tried again; a damaged mirror ends it."""
    last, silent = -1, ""
    for told in (signal.SIGTERM, signal.SIGINT):  # told to stop in whatever way, it ends well
        signal.signal(told, signal.default_int_handler)
    try:
        while True:
            try:
                turn = follower.turn()
                silent = ""
                if turn.size != last:
                    _print(turn, follower, into, json)
                    last = turn.size
            except Unavailable as problem:
                if problem.code != silent:
                    tell(problem)
                silent = problem.code
            time.sleep(every)
    except KeyboardInterrupt:
        return


def _trusted(url: str, file: Path | None, policy: Policy) -> Callable[[str], Sequence[Verifier]]:
    """The keys by which a log is met for the first time: those of the policy, or as other commands meet a ledger."""

    def keys(origin: str) -> Sequence[Verifier]:
        if file is not None:
            if not (named := policy.log_keys(origin)):
                raise Unverifiable("log_key_unknown", f"{origin} is not in {file}")
            return named
        with Client(url) as client:
            known, told = meet(Home.here(), client)
        if told is not None:
            print_note(told)
        return known[-1:]  # one that was replaced signs the end of no log

    return keys


@contextmanager
def _hook(folder: FollowFolder, url: str) -> Iterator[Hook]:
    """Posts alerts to an address. It has to answer 2xx in time; anything else, and it is asked again later."""
    from api.outside import CLOSE_SECONDS, Aside
    from ledger.follow.hook import Hook

    async def post(line: bytes) -> str | None:
        async with http.stream("POST", url, content=line, headers={"Content-Type": "application/json"}) as answer:
            return None if answer.is_success else f"it answers {answer.status_code}"

    def send(line: bytes) -> str | None:
        try:
            return aside(post(line), HOOK_SECONDS_MAX)
        except TimeoutError:
            return "too slow"

    here = copy_context()  # the thread of the hook prints as this one does

    def failed(why: str) -> None:
        here.run(print_note, f"the webhook {url} takes no alerts: {why}")

    with Aside() as aside:
        http = httpx.AsyncClient(timeout=HOOK_SECONDS_MAX, follow_redirects=False)
        try:
            with Hook(folder.alerts, folder.sent, send, failed) as hook:
                yield hook
        finally:
            with suppress(Exception):
                aside(http.aclose(), CLOSE_SECONDS)


def _check_webhook(url: str) -> None:
    try:
        check_address(url)
    except Unavailable:
        raise Halted("webhook_malformed", url) from None


def _watched(name: str) -> str:
    """What is watched by this name. Raises ``Halted`` (``watched_malformed``): it would never be told of."""
    if not type_of(name):
        try:
            key_of(name)
        except Problem:
            raise Halted("watched_malformed", name) from None
    return name


def _print_alert(alert: Alert) -> None:
    """A line on stderr: name=value for people and their tools, JSON for programs."""
    members = alert.members(int(time.time()))
    if is_for_programs():
        print(orjson.dumps(members).decode(), file=sys.stderr, flush=True)
        return
    pairs = " ".join(f"{name}={_quoted(members[name])}" for name in SHOWN if name in members)
    print(printable(f"alert: {alert.alert} {pairs}"), file=sys.stderr, flush=True)


def _quoted(value: object) -> str:
    text = str(value)
    return orjson.dumps(text).decode() if not text or " " in text or '"' in text else text


def _print(turn: Turn, follower: Follower, into: Path, json: bool) -> None:
    root = b64encode(turn.root).decode()
    if json:
        alerts = [alert.members(int(time.time())) for alert in turn.alerts]
        print_json({"origin": follower.origin, "size": turn.size, "root": root, "alerts": alerts})
    else:
        alarms = sum(alert.alarming for alert in turn.alerts)
        said = f"  alarms={alarms}" if alarms else ""
        print(f"followed: {turn.size} entries of {follower.origin} into {into}  root={root}{said}", flush=True)
