"""V: how many signatures of the statements' own size one core verifies a second, by libsodium and nothing around it."""

from __future__ import annotations

import time

from nacl.bindings import crypto_sign, crypto_sign_open, crypto_sign_seed_keypair

MESSAGES = 512  # distinct, so that no cache holds the answer


def verifications_per_second(size: int, seconds: float) -> float:
    """V for messages of ``size`` bytes, measured over ``seconds`` in this thread."""
    public, secret = crypto_sign_seed_keypair(bytes(32))
    signed = [crypto_sign(number.to_bytes(4) * (size // 4), secret) for number in range(MESSAGES)]
    count, begun = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - begun) < seconds:
        for message in signed:
            crypto_sign_open(message, public)
        count += MESSAGES
    return count / elapsed
