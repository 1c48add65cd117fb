"""``cadastre key new`` and ``cadastre key show``: make a key file, and say who speaks with one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from api.keyring import cosigner_with
from identity.did import did_of, kid_of
from identity.errors import declare
from identity.keys import Algorithm, SigningKey, write_key
from identity.note import Verifier, format_vkey
from identity.signature import ED25519
from ledger.log.refusal import refusal_key_name
from scripts.command import Halted, app, command
from scripts.help import ExplainedGroup
from scripts.options import Json
from scripts.output import print_json, print_pairs
from scripts.session import load_key

declare("halted", log_key_type=("no key of this type signs a log", "log keys are Ed25519: cadastre key new FILE"))

keys = typer.Typer(cls=ExplainedGroup, help="Make and show key files.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(keys, name="key")

_ALGORITHMS: dict[str, Algorithm] = {"ed25519": "Ed25519", "p256": "ES256"}
File = Annotated[Path, typer.Argument(metavar="FILE", help="The key file (PKCS#8 PEM).")]


@command(into=keys)
def new(
    file: File,
    type_: Annotated[Literal["ed25519", "p256"], typer.Option("--type", help="Sort of key.")] = "ed25519",
    passphrase: Annotated[bool, typer.Option("--passphrase", help="Ask for a passphrase to encrypt the file.")] = False,
    json: Json = False,
) -> None:
    """Make a key in a file only you can read. Never overwrites one."""
    secret = None
    if passphrase:
        secret = str(typer.prompt("Passphrase", hide_input=True, confirmation_prompt=True, err=True)).encode()
    key = SigningKey.generate(_ALGORITHMS[type_])
    write_key(file, key, secret)
    _print(file, key, None, json)


@command(into=keys)
def show(
    file: File,
    origin: Annotated[
        str | None, typer.Option(metavar="NAME", help="Also show its vkeys as this ledger's log or refusal key.")
    ] = None,
    json: Json = False,
) -> None:
    """Show the DID a key speaks for. The private key itself is never shown."""
    _print(file, load_key(file), origin, json)


def _print(file: Path, key: SigningKey, origin: str | None, json: bool) -> None:
    shown = {"file": str(file), "type": key.alg, "did": did_of(key.public), "kid": kid_of(key.public)}
    if origin is not None:
        if key.alg != "Ed25519":
            raise Halted("log_key_type", f"{file} is of type {key.alg}")
        shown["vkey"] = format_vkey(Verifier(origin, ED25519, key.public.raw))
        shown["refusalVkey"] = format_vkey(Verifier(refusal_key_name(origin), ED25519, key.public.raw))
        shown["mldsaVkey"] = format_vkey(cosigner_with(origin, key).verifier)
    if json:
        print_json(shown)
    else:
        print_pairs(shown.items())
