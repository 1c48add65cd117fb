"""A bucket as a target, through boto3 and a store that speaks S3: what is put, under which conditions, and crashes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ledger.errors import Corrupt, Problem, Unavailable
from ledger.publish import Published, publish, target_at
from tests.ledger.publish import outside
from tests.ledger.publish.buckets import BUCKET, PREFIX, Bucket, served
from tests.ledger.publish.logs import SIGNER, SyntheticLog


@pytest.fixture(params=[True, False], ids=["conditions", "no conditions"])
def bucket(request: pytest.FixtureRequest) -> Iterator[Bucket]:
    """A store that knows conditions, and one that does not."""
    with served(Bucket(request.param)) as bucket:
        yield bucket


LOG = SyntheticLog()
for size in (1, 300, 600):
    LOG.grow(size)


def put(bucket: Bucket, size: int, target: Any = None, **how: bool) -> Published:
    return publish(LOG, LOG.notes[size], [SIGNER.verifier], target or bucket.target(), **how)


def test_what_is_put_is_a_log_to_an_outsider(bucket: Bucket) -> None:
    for size in (1, 300, 600):
        put(bucket, size)
        assert outside.audit(bucket.files().get, proofs=True)[0] == size
    assert all(key.startswith(f"{PREFIX}/") for key in bucket.data)
    assert bucket.puts[-1] == f"{PREFIX}/checkpoint"
    assert len(bucket.puts) == len(set(bucket.puts)) + 2  # of all files only the checkpoint is put more than once
    requests = bucket.requests
    assert put(bucket, 600).files == 0
    assert bucket.requests - requests == 2  # the checkpoint, and whether the last bundle is there


def test_each_file_says_what_it_is_and_how_long_it_may_be_kept(bucket: Bucket) -> None:
    put(bucket, 300)
    for key, headers in bucket.headers.items():
        if key.endswith("checkpoint"):
            assert headers["Content-Type"] == "text/plain; charset=utf-8"
            assert headers["Cache-Control"] == "no-cache"
        else:
            assert headers["Content-Type"] == "application/octet-stream"
            assert headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_other_bytes_are_never_put_over(bucket: Bucket) -> None:
    for name in ("tile/0/000", "tile/entries/001.p/44"):
        bucket.data = {f"{PREFIX}/{name}": b"other bytes"}
        with pytest.raises(Corrupt, match=name) as stopped:
            put(bucket, 300)
        assert stopped.value.code == "published_other_bytes"
        assert bucket.files()[name] == b"other bytes"
        assert "checkpoint" not in bucket.files()


def test_of_two_that_publish_at_once_one_is_told(bucket: Bucket) -> None:
    put(bucket, 1)
    slow = bucket.target()
    begin = slow.begin

    def meanwhile() -> bytes | None:
        found = begin()
        put(bucket, 600)
        return found

    slow.begin = meanwhile  # type: ignore[method-assign]
    with pytest.raises(Unavailable) as stopped:
        put(bucket, 300, slow)
    assert stopped.value.code == "publish_raced"
    assert outside.audit(bucket.files().get)[0] == 600


def test_the_first_checkpoint_is_not_put_over_that_of_another(bucket: Bucket) -> None:
    slow = bucket.target()
    begin = slow.begin

    def meanwhile() -> bytes | None:
        found = begin()
        put(bucket, 600)
        return found

    slow.begin = meanwhile  # type: ignore[method-assign]
    with pytest.raises(Unavailable, match="publish_raced"):
        put(bucket, 300, slow)


def test_bundles_asked_for_later_come_from_the_beginning(bucket: Bucket) -> None:
    put(bucket, 300, entries=False)
    assert not any("entries" in key for key in bucket.data)
    put(bucket, 600)
    outside.audit(bucket.files().get)


@pytest.mark.parametrize("kept", [False, True], ids=["lost", "kept"])
def test_whatever_request_is_the_last_the_log_is_whole_and_a_later_pass_goes_on(kept: bool) -> None:
    with served(Bucket()) as bucket:
        put(bucket, 300)
        before, start = dict(bucket.data), bucket.requests
        put(bucket, 600)
        whole, count = dict(bucket.data), bucket.requests - start
        for crash_at in range(1, count + 1):
            bucket.data = dict(before)
            bucket.crash_at, bucket.kept = bucket.requests + crash_at, kept
            with pytest.raises(Unavailable) as stopped:
                put(bucket, 600)
            assert stopped.value.code == "publish_failed"
            files = bucket.files()
            assert outside.audit(files.get)[0] in (300, 600)
            assert {key: bucket.data[key] for key in before if "tile" in key} == {
                key: data for key, data in before.items() if "tile" in key
            }
            bucket.crash_at = None
            put(bucket, 600)
            assert bucket.data == whole


def test_what_the_store_says_no_to_is_told(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unavailable, match="NoSuchBucket") as stopped:
        put(bucket, 1, bucket.target("elsewhere"))
    assert stopped.value.code == "publish_failed"
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{bucket.port}")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    with pytest.raises(Unavailable, match="credentials"):
        put(bucket, 1, target_at(f"s3://{BUCKET}/{PREFIX}"))


def test_the_address_of_a_bucket_and_the_usual_variables_are_enough(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{bucket.port}")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    put(bucket, 300, target_at(f"s3://{BUCKET}/{PREFIX}"))
    outside.audit(bucket.files().get)
    bucket.data.clear()
    put(bucket, 1, target_at(f"s3://{BUCKET}"))
    assert set(bucket.data) == {"checkpoint", "tile/0/000.p/1", "tile/entries/000.p/1"}


def test_an_answer_in_the_middle_of_which_the_line_is_cut_is_a_failure(bucket: Bucket) -> None:
    put(bucket, 1)
    bucket.crash_at = bucket.requests + 1
    with pytest.raises(Problem, match="publish_failed"):
        bucket.target().has("checkpoint")
