"""Publishing into a bucket of any store that speaks S3, through boto3.

Credentials, region and address come from where boto3 looks for them: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
AWS_REGION, AWS_ENDPOINT_URL_S3, or the files in ~/.aws. Files are put on the condition that none is there
(If-None-Match), the checkpoint on the condition that it is the one read before (If-Match). A store that does not know
conditions is asked first what is there: two processes that publish there at once are then told apart less surely.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ledger.errors import Corrupt, Malformed, Unavailable, declare

CHECKPOINT = "checkpoint"
ATTEMPTS = 5  # of each request, with growing pauses
CONNECT_SECONDS, READ_SECONDS = 10, 60

declare(
    "malformed",
    target_malformed=("not the address of a bucket", "write s3://bucket/prefix, or the path of a folder"),
)

_TEXT = {"ContentType": "text/plain; charset=utf-8", "CacheControl": "no-cache"}
_BYTES = {"ContentType": "application/octet-stream", "CacheControl": "public, max-age=31536000, immutable"}
_MISSING = frozenset({"404", "NoSuchKey", "NotFound"})
_EXISTS = frozenset({"412", "PreconditionFailed", "409", "ConditionalRequestConflict"})
_UNCONDITIONAL = frozenset({"501", "NotImplemented"})  # the store does not know conditions


def bucket_at(address: str) -> BucketTarget:
    """The bucket of an ``s3://bucket/prefix`` address. Asks nobody. Raises ``Malformed`` (``target_malformed``)."""
    scheme, _, rest = address.partition("://")
    bucket, _, prefix = rest.partition("/")
    if scheme != "s3" or not bucket or prefix.startswith("/") or "//" in prefix:
        raise Malformed("target_malformed", address[:200])
    import boto3  # type: ignore[import-untyped]
    from botocore.config import Config  # type: ignore[import-untyped]
    from botocore.exceptions import BotoCoreError  # type: ignore[import-untyped]

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "max_attempts": ATTEMPTS},
        request_checksum_calculation="when_required",  # stores of other makes refuse what they do not know
        response_checksum_validation="when_required",
    )
    try:
        client = boto3.Session().client("s3", config=config)  # the common one would know credentials of before
        return BucketTarget(client, bucket, prefix)
    except (BotoCoreError, ValueError) as wrong:
        raise Unavailable("publish_failed", f"{address[:200]}: {wrong}") from wrong


class BucketTarget:
    """A bucket as a ``Target``: every file is a key below ``prefix``, one that is put is there for good."""

    def __init__(self, client: Any, bucket: str, prefix: str = "") -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = f"{prefix.rstrip('/')}/" if prefix.strip("/") else ""
        self._tag: str | None = None  # of the checkpoint as it was read

    def begin(self) -> bytes | None:
        found = self._get(CHECKPOINT)
        self._tag = found[1] if found else None
        return found[0] if found else None

    def has(self, name: str) -> bool:
        with self._told(name):
            try:
                self._client.head_object(**self._key(name))
            except self._client.exceptions.ClientError as error:
                if _code(error) not in _MISSING:
                    raise
                return False
            return True

    def create(self, name: str, data: bytes) -> bool:
        if self._put(name, data, _BYTES, {"IfNoneMatch": "*"}, lambda: self._get(name) is None):
            return True
        found = self._get(name)
        if found is None:
            raise Unavailable("publish_raced", f"{name} came and went")
        if found[0] != data:
            raise Corrupt("published_other_bytes", f"s3://{self._bucket}/{self._prefix}{name}")
        return False

    def settle(self) -> None:
        """Nothing to do: what was put is there for good."""

    def replace(self, checkpoint: bytes) -> None:
        tag = self._tag
        condition = {"IfMatch": tag} if tag else {"IfNoneMatch": "*"}

        def same() -> bool:
            found = self._get(CHECKPOINT)
            return (found[1] if found else None) == tag

        if not self._put(CHECKPOINT, checkpoint, _TEXT, condition, same):
            raise Unavailable("publish_raced", f"s3://{self._bucket}/{self._prefix}{CHECKPOINT} was replaced meanwhile")

    def end(self) -> None:
        self._tag = None

    # -- requests --------------------------------------------------------------------------------------------

    def _put(
        self, name: str, data: bytes, kind: dict[str, str], condition: dict[str, str], holds: Callable[[], bool]
    ) -> bool:
        """Put a file if the condition holds; ``holds`` finds that out where the store does not know conditions."""
        with self._told(name):
            try:
                self._client.put_object(**self._key(name), Body=data, **kind, **condition)
            except self._client.exceptions.ClientError as error:
                if _code(error) in _EXISTS | _MISSING:  # S3 answers 404 to If-Match where nothing is
                    return False
                if _code(error) not in _UNCONDITIONAL:
                    raise
                if not holds():
                    return False
                self._client.put_object(**self._key(name), Body=data, **kind)
        return True

    def _get(self, name: str) -> tuple[bytes, str] | None:
        """The bytes of a file and its tag."""
        with self._told(name):
            try:
                found = self._client.get_object(**self._key(name))
            except self._client.exceptions.ClientError as error:
                if _code(error) not in _MISSING:
                    raise
                return None
            with found["Body"] as body:
                return bytes(body.read()), str(found["ETag"])

    def _key(self, name: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": self._prefix + name}

    @contextmanager
    def _told(self, name: str) -> Iterator[None]:
        """Whatever the store or the way to it does wrong is ``publish_failed``."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except (BotoCoreError, ClientError) as error:
            raise Unavailable("publish_failed", f"s3://{self._bucket}/{self._prefix}{name}: {error}") from error


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
