"""``make conformance``: suites we did not write, run against ``identity`` behind a server of its own on the loopback.

    python -m tests.conformance.run                 what the npm registry has: independent.mjs
    python -m tests.conformance.run --suites DIR    the suites of the W3C, too; writes docs/conformance.md

It needs Node.js 20 or later, npm, and what package-lock.json names, which npm fetches once, into .conformance/. The
suites of the W3C are in no registry: DIR holds checkouts of them, by the names in ``CHECKOUTS``. They are run as they
are, from copies, with their GitHub dependencies taken from DIR as well and the newest of each dependency that two of
them want in different versions. Exit code 1 if a test fails that ``explained.py`` does not explain, or one passes that
it calls failing.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conformance.explained import ABOUT, EXPLAINED

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WORK = ROOT / ".conformance"
PAGE = ROOT / "docs" / "conformance.md"
LIBRARIES = ("vc-test-suite-implementations", "data-integrity-test-suite-assertion")
CHECKOUTS = ("vc-di-eddsa-test-suite", "vc-bitstring-status-list-test-suite", *LIBRARIES)
TIMEOUT_MS = 15_000


@dataclass
class Suite:
    """Tests that mocha runs: in this folder, these files; and what became of them."""

    name: str
    folder: Path
    files: list[str]
    passed: list[str] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)  # title, message
    skipped: list[str] = field(default_factory=list)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make conformance")
    parser.add_argument("--suites", type=Path, help="folder with checkouts of the suites of the W3C")
    asked = parser.parse_args()
    if missing := [tool for tool in ("node", "npm") if shutil.which(tool) is None]:
        sys.stderr.write(f"conformance needs {' and '.join(missing)} (Node.js 20 or later)" + "\n")
        return 2
    install()
    suites = [Suite("independent implementations", WORK, ["independent.mjs"])]
    commits = {}
    if asked.suites is not None:
        if absent := [name for name in CHECKOUTS if not (asked.suites / name / "package.json").is_file()]:
            sys.stderr.write(f"{asked.suites} has no checkout of {', '.join(absent)}" + "\n")
            return 2
        suites += copied(asked.suites)
        commits = {name: commit_of(asked.suites / name) for name in CHECKOUTS}
    with served() as (base, dids):
        (WORK / "localConfig.cjs").write_text(f"module.exports = {json.dumps(local_config(base, dids))};\n")
        for suite in suites:
            play(suite, {"BASE_URL": base, "ISSUER": dids[0], "ISSUER_P256": dids[1]})
    wrong = list(unexplained(suites))
    for suite in suites:
        sys.stdout.write(
            f"{suite.name}: {len(suite.passed)} passed, {len(suite.failed)} failed, {len(suite.skipped)} skipped" + "\n"
        )
    for line in wrong:
        sys.stderr.write(line + "\n")
    if asked.suites is None:
        sys.stdout.write(
            "the suites of the W3C are in no registry: make conformance SUITES=DIR runs them from checkouts" + "\n"
        )
    elif not wrong:
        PAGE.write_text(page(suites, commits))
        sys.stdout.write(f"written: {PAGE.relative_to(ROOT)}" + "\n")
    return 1 if wrong else 0


def install() -> None:
    """What package-lock.json names, in ``WORK``; again only when it changed."""
    WORK.mkdir(exist_ok=True)
    lock, stamp = HERE / "package-lock.json", WORK / "installed.json"
    for file in (HERE / "package.json", lock, *HERE.glob("*.mjs")):
        shutil.copy(file, WORK)
    if stamp.is_file() and stamp.read_bytes() == lock.read_bytes():
        return
    subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=WORK, check=True)
    shutil.copy(lock, stamp)


def copied(source: Path) -> list[Suite]:
    """The suites of the W3C in ``WORK``, where node finds both their dependencies and each other."""
    folder = WORK / "suites"
    shutil.rmtree(folder, ignore_errors=True)
    for name in CHECKOUTS:
        target = folder / "node_modules" / name if name in LIBRARIES else folder / name
        shutil.copytree(source / name, target, ignore=shutil.ignore_patterns(".git", "node_modules"))
    shutil.copy(HERE / "assertion.mjs", folder)
    return [
        *(Suite(name, folder / name, ["tests"]) for name in CHECKOUTS if name not in LIBRARIES),
        Suite("data-integrity-test-suite-assertion", folder, ["assertion.mjs"]),
    ]


def commit_of(checkout: Path) -> str:
    said = subprocess.run(["git", "-C", checkout, "rev-parse", "HEAD"], capture_output=True, text=True)
    return said.stdout.strip() if said.returncode == 0 and (checkout / ".git").exists() else "not known"


@contextmanager
def served() -> Iterator[tuple[str, list[str]]]:
    """The server's URL and the DIDs of its two keys; ended with the context."""
    command = [sys.executable, "-m", "tests.conformance.server", str(WORK)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            base, *dids = process.stdout.readline().split()
            yield base, dids
        finally:
            process.kill()


def local_config(base: str, dids: list[str]) -> dict[str, Any]:
    """How the suites of the W3C are told whom to test (README of vc-test-suite-implementations)."""
    issue, verify = f"{base}/credentials/issue", f"{base}/credentials/verify"
    listed = {"id": dids[0], "endpoint": issue, "tags": ["BitstringStatusList"]}
    here = {
        "name": "Cadastre",
        "implementation": "Cadastre",
        "issuers": [
            {"id": dids[0], "endpoint": issue, "tags": ["eddsa-jcs-2022"], "options": {}},
            listed | {"options": {"statusPurpose": "revocation"}},
        ],
        "verifiers": [{"id": dids[0], "endpoint": verify, "tags": ["eddsa-jcs-2022", "BitstringStatusList"]}],
        "vpVerifiers": [{"id": dids[0], "endpoint": f"{base}/presentations/verify", "tags": ["BitstringStatusList"]}],
    }
    return {"settings": {"enableInteropTests": False, "testAllImplementations": False}, "implementations": [here]}


def play(suite: Suite, given: dict[str, str]) -> None:
    """Run one suite; what becomes of its tests is noted in it. Its own words go to a file in ``WORK``."""
    report = WORK / "report.json"
    report.unlink(missing_ok=True)
    mocha = [str(WORK / "node_modules/.bin/mocha"), *suite.files, "--reporter", "json"]
    mocha += ["--reporter-option", f"output={report}", "--timeout", str(TIMEOUT_MS), "--exit"]
    environment = os.environ | given | {"APP_ROOT_PATH": str(WORK), "NODE_EXTRA_CA_CERTS": str(WORK / "tls.pem")}
    with (WORK / f"{suite.folder.name}.log").open("w") as log:
        subprocess.run(mocha, cwd=suite.folder, env=environment, stdout=log, stderr=log, check=False)
    if not report.is_file():
        suite.failed.append(("the suite itself", f"it did not run: see {log.name}"))
        return
    said = json.loads(report.read_text())
    suite.passed = [one["fullTitle"] for one in said["passes"]]
    suite.failed = [(one["fullTitle"], one["err"].get("message", "")) for one in said["failures"]]
    suite.skipped = [one["fullTitle"] for one in said["pending"]]


def unexplained(suites: list[Suite]) -> Iterator[str]:
    """What is not as ``explained.py`` says."""
    for suite in suites:
        if not suite.passed:
            yield f"{suite.name}: nothing passed"
        for title, message in suite.failed:
            if explanation(suite, title) is None:
                yield f"{suite.name}: unexplained: {title}: {message}"
        for part in EXPLAINED.get(suite.name, {}):
            if not any(part in title for title, _ in suite.failed):
                yield f"{suite.name}: explained, but does not fail: {part}"


def explanation(suite: Suite, title: str) -> str | None:
    found = (why for part, why in EXPLAINED.get(suite.name, {}).items() if part in title)
    return next(found, None)


def page(suites: list[Suite], commits: dict[str, str]) -> str:
    """docs/conformance.md."""
    lines = [
        ABOUT,
        "| Suite | Commit | Passed | Failed, explained below | Skipped by the suite |",
        "|---|---|---|---|---|",
    ]
    for suite in suites:
        commit = commits.get(suite.name, "")[:12]
        counts = f"{len(suite.passed)} | {len(suite.failed)} | {len(suite.skipped)}"
        lines.append(f"| {suite.name} | {commit or 'package-lock.json'} | {counts} |")
    lines += ["", f"The suites ask through vc-test-suite-implementations, commit {commits[LIBRARIES[0]][:12]}."]
    for suite in suites:
        lines += ["", f"## {suite.name}", "", "| Test | Result |", "|---|---|"]
        lines += [f"| {shown(title)} | passed |" for title in suite.passed]
        lines += [f"| {shown(title)} | **failed**: {explanation(suite, title)} |" for title, _ in suite.failed]
        lines += [f"| {shown(title)} | skipped by the suite |" for title in suite.skipped]
    return "\n".join(lines) + "\n"


def shown(title: str) -> str:
    """A title in a cell of a table."""
    return " ".join(title.split()).replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    sys.exit(main())
