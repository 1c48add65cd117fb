"""Policy files (c2sp.org/tlog-policy): the log keys somebody trusts, and which witnesses must have seen a checkpoint.

    # comments and empty lines are ignored
    log example.com/registry+c9354e40+AY4mMF3S...  https://registry.example.com
    quorum none

Any log named is accepted. Witnesses are not checked by this version, so a policy that asks for them is refused by name
rather than half obeyed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from identity.errors import Malformed, Problem, declare
from identity.note import Verifier, parse_vkey

declare(
    "malformed",
    policy_malformed=(
        "the policy file is malformed",
        "compare it with c2sp.org/tlog-policy, or name another: --policy",
    ),
    policy_unsupported=(
        "the policy asks for witnesses, which this version cannot check",
        "use a policy with: quorum none",
    ),
)


@dataclass(frozen=True, slots=True)
class Log:
    """One log line of a policy."""

    verifier: Verifier
    url: str | None = None


def parse_policy(text: str) -> list[Log]:
    """The logs of a policy, in the file's order. Raises ``Malformed``: ``policy_malformed``, ``policy_unsupported``."""
    logs: list[Log] = []
    quorums = 0
    for number, line in enumerate(text.split("\n"), 1):
        if any(c < " " and c != "\t" for c in line) or "\x7f" in line:
            raise Malformed("policy_malformed", f"line {number}: control character")
        words = [word for word in line.replace("\t", " ").split(" ") if word]
        match words:
            case []:
                pass
            case [first, *_] if first.startswith("#"):
                pass
            case ["log", vkey] | ["log", vkey, _]:
                logs.append(_log(number, vkey, words[2] if len(words) == 3 else None, logs))
            case ["quorum", "none"]:
                quorums += 1
            case ["quorum", _] | ["witness", _, _] | ["witness", _, _, _] | ["group", _, _, _, *_]:
                raise Malformed("policy_unsupported", f"line {number}: {' '.join(words[:2])}")
            case _:
                raise Malformed("policy_malformed", f"line {number}: {words[0]}")
    if quorums != 1:
        raise Malformed("policy_malformed", f"{quorums} quorum lines where there should be one")
    return logs


def _log(number: int, vkey: str, url: str | None, logs: list[Log]) -> Log:
    try:
        verifier = parse_vkey(vkey)
    except Problem as wrong:
        raise Malformed("policy_malformed", f"line {number}: {wrong}") from None
    if any(verifier.public_key == log.verifier.public_key for log in logs):
        raise Malformed("policy_malformed", f"line {number}: the same key twice")
    return Log(verifier, url)


def read_policy(path: Path) -> list[Log]:
    """The logs of a policy file. Raises ``Malformed``; ``OSError`` if there is no such file."""
    try:
        return parse_policy(path.read_text("utf-8"))
    except UnicodeDecodeError:
        raise Malformed("policy_malformed", f"{path} is not UTF-8") from None
