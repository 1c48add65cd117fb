"""What routes ask for, in words: the service, its reader; and who may use a route.

Every route names its policy among its dependencies; a route that names none is denied. ``PUBLIC`` is for everybody,
``READERS`` for those the charter lets read (``api.members``), ``ASKERS`` for members by a token, whoever may read, and
``SIGNERS`` for statements, which bring their own signature.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.params import Depends as Dependency

from api.service import Service
from identity.token import Token
from ledger.errors import Unverifiable, declare
from ledger.read import Reader

declare(
    "unverifiable",
    token_wanted=(
        "what is private is shown to those alone who say who they are",
        "sign a token for the request: cadastre disclose INDEX --as KEY",
    ),
    route_closed=("this address names nobody who may use it", "report it: it is closed by mistake"),
)


async def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


async def _reader(request: Request) -> Reader:
    return (await _service(request)).reader


Ledger = Annotated[Service, Depends(_service)]
Reading = Annotated[Reader, Depends(_reader)]


async def _everybody() -> None:
    """Nothing is asked of the caller."""


async def _readers(service: Ledger, request: Request) -> None:
    """Everybody, or a member by a token that is spent with this request."""
    if service.charter.readers != "public":
        said = request.headers.get("Authorization")
        service.members.spend(await asyncio.to_thread(service.members.verify, said, service.charter))


async def _askers(service: Ledger, request: Request) -> Token:
    """A member by a token that is spent with this request."""
    said = request.headers.get("Authorization")
    if said is None:
        raise Unverifiable("token_wanted")
    token = await asyncio.to_thread(service.members.verify, said, service.charter)
    service.members.spend(token)
    return token


async def _signers() -> None:
    """The statement's own signature is asked for, further in."""


PUBLIC, READERS, ASKERS, SIGNERS = Depends(_everybody), Depends(_readers), Depends(_askers), Depends(_signers)
POLICIES = (PUBLIC, READERS, ASKERS, SIGNERS)


async def check_policy(request: Request) -> None:
    """For the whole app: raises ``route_closed`` unless the route names one of ``POLICIES``."""
    if policy_of(request.scope["route"]) is None:
        raise Unverifiable("route_closed", request.url.path)


def policy_of(route: Any) -> Dependency | None:
    """The policy a route names, None if it names none or several."""
    named = [policy for policy in POLICIES if policy in getattr(route, "dependencies", ())]
    return named[0] if len(named) == 1 else None
