"""``cadastre publish``: a ledger's log as files, once or on and on, beside its service or without one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pytest

from identity.note import parse_vkey
from ledger.log.checkpoint import open_checkpoint
from tests.ledger.publish import outside
from tests.ledger.publish.buckets import BUCKET, PREFIX, Bucket, served
from tests.scripts.house import ORIGIN, ROOT, Hands, found, run


def get_of(path: Path) -> outside.Get:
    return lambda name: (path / name).read_bytes() if (path / name).is_file() else None


def test_one_pass_beside_the_service_publishes_what_it_signed(own_folder: Path, own_hands: Hands) -> None:
    own_hands.join("factory")
    out = own_hands.done("publish", own_folder, "--to", str(own_hands.room / "www"))
    assert re.fullmatch(r"published: 2 entries to \S+/www  files=2 root=\S{44}\n", out)
    assert outside.audit(get_of(own_hands.room / "www"), proofs=True)[0] == 2
    again = own_hands.json("publish", own_folder, "--to", str(own_hands.room / "www"), "--once")
    assert (again["size"], again["files"], again["bytes"]) == (2, 0, 0)
    assert again["target"].endswith("/www")


def test_by_default_it_goes_into_the_ledgers_folder_and_a_bucket_takes_it_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = found(tmp_path / "ledger")
    done = run("publish", folder, home=tmp_path)
    assert done.exit_code == 0, done.output
    assert outside.audit(get_of(folder / "public"))[0] == 1
    with served(Bucket()) as bucket:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{bucket.port}")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
            monkeypatch.setenv(name, "eu-central-1")
        done = run("publish", folder, "--to", f"s3://{BUCKET}/{PREFIX}", home=tmp_path)
        assert done.exit_code == 0, done.output
        assert outside.audit(bucket.files().get)[0] == 1


def test_both_keys_of_the_log_sign_what_is_published_once(tmp_path: Path) -> None:
    folder, home = tmp_path / "ledger", tmp_path / "home"
    made = run("init", folder, "--origin", ORIGIN, "--json", home=home)
    assert run("publish", folder, home=home).exit_code == 0
    checkpoint = (folder / "public" / "checkpoint").read_bytes()
    for name in ("vkey", "mldsaVkey"):
        assert open_checkpoint(checkpoint, [parse_vkey(orjson.loads(made.stdout)[name])]).size == 1
    time.sleep(1.1)  # ML-DSA-44 signatures bear the second
    assert run("publish", folder, home=home).exit_code == 0
    assert (folder / "public" / "checkpoint").read_bytes() == checkpoint


def test_entries_for_members_are_published_only_when_that_is_asked_for(tmp_path: Path) -> None:
    folder, home = tmp_path / "ledger", tmp_path / "home"
    assert run("init", folder, "--origin", ORIGIN, "--readers", "members", home=home).exit_code == 0
    assert run("publish", folder, home=home).exit_code == 0
    assert not (folder / "public" / "tile" / "entries").exists()
    outside.audit(get_of(folder / "public"), entries=False)
    assert run("publish", folder, "--entries", home=home).exit_code == 0
    outside.audit(get_of(folder / "public"))


def test_a_look_at_the_whole_writes_what_is_missing(tmp_path: Path) -> None:
    folder = found(tmp_path / "ledger")
    run("publish", folder, home=tmp_path)
    (folder / "public/tile/0/000.p/1").unlink()
    assert "files=0" in run("publish", folder, home=tmp_path).stdout
    assert "files=1" in run("publish", folder, "--whole", home=tmp_path).stdout


def test_on_and_on_until_stopped(tmp_path: Path) -> None:
    folder = found(tmp_path / "ledger")
    public = tmp_path / "www"
    public.write_text("a file where a folder should be")
    command = [sys.executable, "-m", "scripts.main", "publish", str(folder), "--to", str(public)]
    pipe = subprocess.PIPE
    process = subprocess.Popen([*command, "--every", "0.1"], cwd=ROOT, stdout=pipe, stderr=pipe, text=True)
    assert process.stderr is not None
    assert process.stdout is not None
    try:
        assert process.stderr.readline().startswith("publishing to ")
        assert process.stderr.readline().startswith("refused: publish_failed: ")
        public.unlink()
        assert process.stdout.readline().startswith("published: 1 entries to ")
        process.terminate()
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.communicate()
    assert outside.audit(get_of(public))[0] == 1


def test_what_cannot_be_published_is_refused_by_name(tmp_path: Path) -> None:
    folder = found(tmp_path / "ledger")

    def refused(*arguments: str | Path) -> str:
        done = run("publish", *arguments, home=tmp_path)
        assert done.exit_code == 1, done.output
        told = re.match(r"refused: (\w+): .+\nnext: \S", done.stderr)
        assert told, done.stderr
        return told[1]

    assert refused(tmp_path) == "store_missing"
    assert "\nnext: check the path; " in run("publish", tmp_path, home=tmp_path).stderr
    assert refused(folder, "--to", "ftp://example.com") == "target_malformed"
    checkpoint = (folder / "checkpoint").read_bytes()
    (folder / "checkpoint").write_bytes(checkpoint.replace(b"\n1\n", b"\n2\n"))
    assert refused(folder) == "note_signature_invalid"
    (folder / "checkpoint").unlink()
    record = (folder / "heads").rename(tmp_path / "heads")
    assert refused(folder) == "publish_unsigned"
    record.rename(folder / "heads")
    other = found(tmp_path / "other")
    assert run("publish", other, home=tmp_path).exit_code == 0
    assert refused(folder, "--to", str(other / "public")) == "published_diverged"  # of one name, and another history
    blocked = tmp_path / "blocked"
    blocked.write_text("no folder")
    assert refused(folder, "--to", str(blocked)) == "file_exists"


def test_wrong_use(tmp_path: Path) -> None:
    folder = found(tmp_path / "ledger")
    assert run("publish", folder, "--once", "--every", "5", home=tmp_path).exit_code == 2
    assert run("publish", folder, "--every", "0", home=tmp_path).exit_code == 2
    assert run("publish", folder, "--every", "5", "--prune", home=tmp_path).exit_code == 2
    assert run("publish", folder, "--to", "s3://bucket", "--prune", home=tmp_path).exit_code == 2


def test_pruning_says_how_much_went(tmp_path: Path) -> None:
    folder = found(tmp_path / "ledger")
    done = run("publish", folder, "--prune", home=tmp_path)
    assert done.exit_code == 0, done.output
    assert done.stderr == "pruned: 0 partial files\n"


def test_json_alone_on_stdout(tmp_path: Path) -> None:
    folder = found(tmp_path / "ledger")
    shown = orjson.loads(run("publish", folder, "--json", home=tmp_path).stdout)
    assert shown.keys() == {"target", "size", "root", "files", "bytes"}
    assert os.path.samefile(shown["target"], folder / "public")  # noqa: PTH121


def test_the_published_folder_is_audited_without_ledger_and_service(tmp_path: Path) -> None:
    folder = found(tmp_path / "ledger")
    public = tmp_path / "www"
    assert run("publish", folder, "--to", public, home=tmp_path).exit_code == 0
    folder.rename(tmp_path / "away")
    done = run("audit", public, "--workers", "0", home=tmp_path)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("audit: consistent  size=1 root=")
    refused = run("export", public, tmp_path / "bundle", home=tmp_path)
    assert refused.exit_code == 1
    assert "refused: mirror_subjects_absent: " in refused.stderr
    assert not (tmp_path / "bundle").exists()
    (public / "tile/0/000.p/1").write_bytes(bytes(32))
    wrong = run("audit", public, "--workers", "0", home=tmp_path)
    assert wrong.exit_code == 1
    assert wrong.stdout.startswith("audit: corrupt  ")
    for file in (public / "tile/entries").rglob("*"):
        if file.is_file():
            file.unlink()
    assert run("audit", public, "--workers", "0", home=tmp_path).exit_code == 1
