"""An idle ledger whose witnesses cosign again and again stays fresh to those who follow it; silence does not."""

from __future__ import annotations

import time
from pathlib import Path

from typer.testing import Result

from identity.note import format_vkey
from ledger.log.cosignature import cosignatures
from ledger.log.policy import parse_policy
from tests.api.house import House
from tests.api.running import running
from tests.api.test_witnessed import eventually, policy_of
from tests.cast import LOG
from tests.scripts.house import run, spoken


def test_silence_of_the_witnesses_is_told_though_the_ledger_answers(tmp_path: Path) -> None:
    house = House.build(tmp_path / "ledger")
    public, policy = house.folder.path / "public/checkpoint", tmp_path / "policy"
    logs = ("--log", format_vkey(LOG.verifier))
    with spoken("witness", tmp_path / "witness", "--name", "w.example", *logs) as (witness, address):
        policy.write_bytes(policy_of(address))
        keys = [one.verifier for one in parse_policy(policy.read_bytes()).witnesses.values()]

        def seen() -> int:
            lines = cosignatures(public.read_bytes(), keys) if public.exists() else []
            return min((line.time for line in lines), default=0)

        with running(house, workers=0, publish_seconds=0.1, recosign_seconds=0.5, policy=policy) as service:
            plain = ("--once", "--workers", "0", "--policy", policy, "--stale", "3")

            def follow(into: str) -> Result:
                return run("follow", service.url, "--into", tmp_path / into, *plain, home=tmp_path)

            eventually(lambda: seen() > 0)
            first = seen()
            eventually(lambda: seen() >= first + 4)  # idle for longer than makes it stale
            eventually(lambda: follow("mirror").exit_code == 0)  # a busy machine may be late once
            assert len(cosignatures((tmp_path / "mirror/public/checkpoint").read_bytes(), keys)) == 2
            witness.kill()
            witness.wait()
            time.sleep(4.5)
            ended = follow("later")
            assert (ended.exit_code, "code=checkpoint_stale" in ended.stderr) == (1, True), ended.output
            assert "the quorum both has seen no checkpoint" in ended.stderr
