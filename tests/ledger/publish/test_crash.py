"""The crash matrix of publishing: every step of every pass, whatever becomes of what was not safe by then."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ledger.publish import publish
from ledger.publish.folder import FolderTarget
from tests.ledger.publish import outside
from tests.ledger.publish.disks import ROOT, WAYS, Crash, CrashDisk
from tests.ledger.publish.logs import SIGNER, SyntheticLog

LOG = SyntheticLog()
SIZES = (1, 255, 256, 300, 512, 600)
for size in SIZES:
    LOG.grow(size)

Pass = Callable[[CrashDisk], None]


def passing(size: int, entries: bool = True) -> Pass:
    def run(disk: CrashDisk) -> None:
        publish(LOG, LOG.notes[size], [SIGNER.verifier], FolderTarget(ROOT, disk), entries=entries)

    return run


PASSES: dict[str, list[Pass]] = {  # the last of each is the one that crashes
    "the first": [passing(300)],
    "growth within a tile": [passing(1), passing(255)],
    "a tile becomes full": [passing(255), passing(256)],
    "growth over tiles": [passing(300), passing(600)],
    "from full to full": [passing(256), passing(512)],
    "nothing to write": [passing(300), passing(300)],
    "bundles from the beginning": [passing(300, entries=False), passing(600)],
    "bundles from the beginning at a full size": [passing(512, entries=False), passing(512)],
}


def prepared(name: str) -> tuple[CrashDisk, Pass]:
    *before, last = PASSES[name]
    disk = CrashDisk()
    for run in before:
        run(disk)
    return disk, last


def whole_by(name: str) -> tuple[dict[str, bytes], int]:
    """What is there after an undisturbed pass, and its number of steps."""
    disk, last = prepared(name)
    disk.steps = 0
    last(disk)
    return disk.files(), disk.steps


def crash(disk: CrashDisk, last: Pass, step: int) -> None:
    disk.crash_at, disk.steps = step, 0
    with pytest.raises(Crash):
        last(disk)


AUDITED: set[frozenset[object]] = set()


def audit(files: dict[str, bytes], entries: bool) -> None:
    """The audit from outside; most crashes leave what another one left, which need not be looked at twice."""
    seen = frozenset([*files.items(), entries])
    if seen not in AUDITED:
        outside.audit(files.get, entries=entries)
        AUDITED.add(seen)


def check(disk: CrashDisk, published: dict[str, bytes], whole: dict[str, bytes], name: str) -> None:
    """What is published is whole for an outsider; of what was published before, no byte changed."""
    files = disk.files()
    if "checkpoint" in files:
        bundled = "bundles" not in name or files["checkpoint"] == whole["checkpoint"] != published.get("checkpoint")
        audit(files, bundled)
    assert files.keys() >= published.keys()
    for path, data in files.items():
        assert data == whole[path] or (path == "checkpoint" and data == published[path]), path
        if path != "checkpoint" and path in published:
            assert data == published[path]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", PASSES)
def test_a_machine_that_dies_at_any_step_leaves_a_whole_log_and_goes_on(name: str, way: str) -> None:
    whole, steps = whole_by(name)
    for step in range(1, steps + 1):
        disk, last = prepared(name)
        published = disk.files()
        crash(disk, last, step)
        after = disk.crashed(way)
        check(after, published, whole, name)
        last(after)
        assert after.files() == whole, f"step {step}"
        audit(after.files(), entries=True)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", PASSES)
def test_what_a_killed_process_left_is_made_safe_before_it_is_relied_upon(name: str, way: str) -> None:
    """First the process dies, so that what it wrote is seen and not yet safe; then a machine goes on, and dies."""
    whole, steps = whole_by(name)
    for step in range(1, steps + 1, 5):
        for second in range(1, steps + 1, 3):
            disk, last = prepared(name)
            published = disk.files()
            crash(disk, last, step)
            again = disk.killed(second)
            try:
                last(again)
            except Crash:
                after = again.crashed(way)
            else:
                after = again.crashed(way)  # a pass that says it is done has made everything safe
                assert after.files() == whole, f"steps {step}, {second}"
            check(after, published, whole, name)
            last(after)
            assert after.files() == whole, f"steps {step}, {second}"
