"""SoftHSM, a token in software (Debian: softhsm2), with tokens of its own. Where it is not installed, tests skip.

    hsm = softhsm()
    hsm.uri("signing")                  # pkcs11:token=works;object=signing?module-path=…&pin-source=file:…

Its library reads its configuration when a process first loads it, so there is one for all tests of a process. Keys of
different tests have labels of their own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pkcs11 import Session

PIN = "2468-works"
TOKENS = ("works", "twin", "twin", "bank house")
_PLACES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so")


class SoftHsm:
    """The tokens in one folder."""

    def __init__(self, module: str) -> None:
        self.module = module
        self._kept = TemporaryDirectory(prefix="softhsm-")
        folder = Path(self._kept.name)
        (folder / "tokens").mkdir()
        conf = folder / "conf"
        conf.write_text(f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
        os.environ["SOFTHSM2_CONF"] = str(conf)
        for label in TOKENS:
            command = ["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "13579"]
            subprocess.run(command, check=True, capture_output=True)
        self.pin_file = folder / "pin"
        self.pin_file.touch(mode=0o600)
        self.pin_file.write_text(PIN + "\n")

    def uri(self, label: str, *more: str, pin: bool = True) -> str:
        """The URI of a key in the token named works. ``more``: attributes of the key, such as ``id=%01``."""
        path = ";".join(["token=works", f"object={label}", *more])
        return f"pkcs11:{path}?module-path={self.module}{f'&pin-source=file:{self.pin_file}' if pin else ''}"

    @contextmanager
    def session(self) -> Iterator[Session]:
        """What anybody can do with the token, our code aside."""
        import pkcs11

        token = pkcs11.lib(self.module).get_token(token_label="works")
        with token.open(rw=True, user_pin=PIN) as session:
            yield session


def softhsm() -> SoftHsm:
    """The tokens of this process; skips the calling test where there is no SoftHSM."""
    module = next((place for place in _PLACES if Path(place).is_file()), None)
    if module is None or shutil.which("softhsm2-util") is None:
        pytest.skip("needs SoftHSM: apt-get install softhsm2")
    return _made(module)


@cache
def _made(module: str) -> SoftHsm:
    return SoftHsm(module)
