"""``cadastre key new`` and ``cadastre key show``: make a key, in a file or in a token, and say who speaks with one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from api.keyring import cosigner_with
from identity.did import did_of, kid_of
from identity.errors import declare
from identity.keys import Algorithm, PublicKey, SigningKey, write_key
from identity.keyuri import is_key_uri, parse_key_uri
from identity.note import Verifier, format_vkey
from identity.recipient import Opener, parse_recipient
from identity.signature import ED25519
from ledger.log.refusal import refusal_key_name
from scripts.command import Halted, app, command
from scripts.help import ExplainedGroup
from scripts.options import Json
from scripts.output import print_json, print_pairs
from scripts.receiving import check_receives, make_opener, opened_either, shown_opener, told_briefly
from scripts.session import ask_pin, default_module

declare(
    "halted",
    log_key_type=("no key of this type signs a log", "log keys are Ed25519, in a file: cadastre key new FILE"),
)

keys = typer.Typer(cls=ExplainedGroup, help="Make and show keys.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(keys, name="key")

_ALGORITHMS: dict[str, Algorithm] = {"ed25519": "Ed25519", "p256": "ES256"}
KeyName = Annotated[
    str, typer.Argument(metavar="KEY", help="A file (PKCS#8 PEM), or the pkcs11: URI of a key in a token.")
]


@command(into=keys)
def new(
    key: KeyName,
    type_: Annotated[
        Literal["ed25519", "p256", "x25519", "mlkem768-x25519"],
        typer.Option("--type", help="To sign with: the first two; to receive sealed files with: the others."),
    ] = "ed25519",
    passphrase: Annotated[bool, typer.Option("--passphrase", help="Ask for a passphrase to encrypt the file.")] = False,
    json: Json = False,
) -> None:
    """Make a key in a file only you can read, or in a token that it never leaves. Never overwrites one.

    A token (an HSM, a smart card) is named as in RFC 7512, and asks for its PIN; CADASTRE_PKCS11_PIN answers, too:

        cadastre key new 'pkcs11:token=LABEL;object=LABEL?module-path=/path/of/library.so' --type p256
    """
    if type_ == "x25519" or type_ == "mlkem768-x25519":
        shown = shown_opener(key, make_opener(key, type_, _passphrase(passphrase)))
        _print(shown if json else told_briefly(shown), json)
        return
    alg = _ALGORITHMS[type_]
    if is_key_uri(key):
        if passphrase:
            raise typer.BadParameter("a token has a PIN of its own", param_hint="--passphrase")
        from identity.pkcs11 import make_key

        _print(_shown(key, make_key(parse_key_uri(key), alg, ask_pin, default_module())), json)
        return
    made = SigningKey.generate(alg)
    write_key(Path(key), made, _passphrase(passphrase))
    _print(_shown(key, made.public), json)


@command(into=keys)
def show(
    key: KeyName,
    origin: Annotated[
        str | None, typer.Option(metavar="NAME", help="Also show its vkeys as this ledger's log or refusal key.")
    ] = None,
    public: Annotated[
        bool, typer.Option("--public", help="Print nothing but what others seal to, in one line for their --to FILE.")
    ] = False,
    json: Json = False,
) -> None:
    """Show the DID a key speaks for, or what is sealed to it. The private key itself is never shown."""
    if public:
        check_receives(key)
    with opened_either(key) as opened:
        if public:
            print(opened.public if isinstance(opened, Opener) else parse_recipient(did_of(opened.public)))
            return
        if isinstance(opened, Opener):
            if origin is not None:
                raise Halted("log_key_type", f"{key} is of type {opened.public.type}")
            _print(shown_opener(key, opened), json)
            return
        shown = _shown(key, opened.public)
        if origin is not None:
            if opened.alg != "Ed25519" or not isinstance(opened, SigningKey):
                raise Halted("log_key_type", f"{key} is of type {opened.alg}")
            shown["vkey"] = format_vkey(Verifier(origin, ED25519, opened.public.raw))
            shown["refusalVkey"] = format_vkey(Verifier(refusal_key_name(origin), ED25519, opened.public.raw))
            shown["mldsaVkey"] = format_vkey(cosigner_with(origin, opened).verifier)
    _print(shown, json)


def _passphrase(wanted: bool) -> bytes | None:
    if not wanted:
        return None
    return str(typer.prompt("Passphrase", hide_input=True, confirmation_prompt=True, err=True)).encode()


def _shown(named: str, public: PublicKey) -> dict[str, str]:
    place = "uri" if is_key_uri(named) else "file"
    return {place: named, "type": public.alg, "did": did_of(public), "kid": kid_of(public)}


def _print(shown: dict[str, str], json: bool) -> None:
    if json:
        print_json(shown)
    else:
        print_pairs(shown.items())
