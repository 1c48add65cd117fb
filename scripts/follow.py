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
from contextlib import ExitStack, contextmanager
from contextvars import copy_context
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import httpx
import orjson
import typer

from api.client import Client
from identity.errors import Malformed, Unverifiable, declare
from identity.note import Verifier
from ledger.audit import Workers
from ledger.errors import Unavailable
from ledger.log.policy import EMPTY, Policy, parse_policy
from scripts.command import command, tell
from scripts.options import Json, ReaderKey
from scripts.output import bar, is_for_programs, print_json, print_note, printable
from scripts.session import load_key
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
HOOK_TIMEOUT_S = 10.0
SHOWN = ("id", "code", "index", "subject", "kind", "size", "evidence", "detail")  # of an alert, to people

declare("malformed", webhook_malformed=("not the address of a webhook", "name one such as https://ops.example/alerts"))


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
    """Keep a verified mirror of a log, with alerts on what is watched and on whatever does not hold."""
    from ledger.follow.folder import FollowFolder
    from ledger.follow.freshness import Freshness
    from ledger.follow.telling import Watched

    asked = EMPTY if policy is None else parse_policy(policy.read_bytes())
    folder = FollowFolder(into)
    folder.prepare()
    watched = Watched(watch or [], Freshness(stale, asked))
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
def _reading(url: str, key: Path | None) -> Iterator[Read]:
    """The published files at an address; as a member, where there is a key."""
    from api.outside import files_at

    if key is None:
        with files_at(url) as read:
            yield read
    else:
        with Client(url, key=load_key(key)) as client, files_at(url, client.sign_token) as read:
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

    with bar("following", None) as progress:

        def show(done: int, total: int) -> None:
            progress.update(progress.task_ids[0], completed=done, total=total)

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
        return known

    return keys


@contextmanager
def _hook(folder: FollowFolder, url: str) -> Iterator[Hook]:
    """Posts alerts to an address. It has to answer 2xx; anything else, and it is asked again later."""
    from ledger.follow.hook import Hook

    if httpx.URL(url).scheme not in ("http", "https"):
        raise Malformed("webhook_malformed", url)

    def send(line: bytes) -> str | None:
        try:
            with http.stream("POST", url, content=line, headers={"Content-Type": "application/json"}) as answer:
                return None if answer.is_success else f"it answers {answer.status_code}"
        except httpx.HTTPError as error:
            return f"{type(error).__name__} {error}"

    here = copy_context()  # the thread of the hook prints as this one does

    def failed(why: str) -> None:
        here.run(print_note, f"the webhook {url} takes no alerts: {why}")

    with (
        httpx.Client(timeout=HOOK_TIMEOUT_S, follow_redirects=False) as http,
        Hook(folder.alerts, folder.sent, send, failed) as hook,
    ):
        yield hook


def _print_alert(alert: Alert) -> None:
    """A line on stderr: name=value for people and their tools, JSON for programs."""
    members = alert.members(int(time.time()))
    if is_for_programs():
        print(orjson.dumps(members).decode(), file=sys.stderr, flush=True)
        return
    shown = [
        name for name in ("id", "code", "index", "subject", "kind", "size", "evidence", "detail") if name in members
    ]
    pairs = " ".join(f"{name}={_quoted(members[name])}" for name in shown)
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
