"""What sealing costs beside its cipher: bare secretstream over the same chunks, in memory."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from time import perf_counter

from nacl import bindings as sodium

from identity.recipient import Opener
from identity.sealed import CHUNK_BYTES, seal, unseal
from load.bench.report import Figure, at_most

BYTES = 16_000_000
TURNS = 5
TIMES_MAX = 1.5  # the cipher's own time
KEY = bytes(32)


def measure_sealing() -> list[Figure]:
    """Times of sealing and unsealing by that of the cipher; of each the best, so that neighbours do not count."""
    content, opener = bytes(BYTES), Opener.from_ed25519(bytes(32))
    data = _sealed(content, opener)
    done = [lambda: _bare(content), lambda: _sealed(content, opener), lambda: _opened(data, opener)]
    rounds = [[_seconds(run) for run in done] for _ in range(TURNS)]
    cipher, *times = map(min, zip(*rounds, strict=True))
    note = f"{BYTES:,} bytes; the cipher alone {BYTES / cipher / 1e6:,.0f} MB/s; the best of {TURNS}"
    names = ("sealing, by its cipher", "unsealing, by its cipher")
    return [
        Figure(name, took / cipher, "x", target=at_most(TIMES_MAX), note=note)
        for name, took in zip(names, times, strict=True)
    ]


def _bare(content: bytes) -> None:
    state = sodium.crypto_secretstream_xchacha20poly1305_state()
    sodium.crypto_secretstream_xchacha20poly1305_init_push(state, KEY)
    tag = sodium.crypto_secretstream_xchacha20poly1305_TAG_MESSAGE
    source, target = BytesIO(content), BytesIO()
    while chunk := source.read(CHUNK_BYTES):
        target.write(sodium.crypto_secretstream_xchacha20poly1305_push(state, chunk, None, tag))


def _sealed(content: bytes, opener: Opener) -> bytes:
    target = BytesIO()
    seal(BytesIO(content), target, [opener.public], KEY, lambda _: None)
    return target.getvalue()


def _opened(data: bytes, opener: Opener) -> None:
    unseal(BytesIO(data), BytesIO(), opener, lambda _: None)


def _seconds(run: Callable[[], object]) -> float:
    begun = perf_counter()
    run()
    return perf_counter() - begun
