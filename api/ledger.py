"""Which ledger this is: its name, keys and charter."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.deps import PUBLIC, Ledger
from api.openapi import problems
from api.service import software

router = APIRouter(tags=["ledger"])


class About(BaseModel):
    """What whoever signs for this ledger, or verifies it, has to know."""

    origin: Annotated[str, Field(description="its name", examples=["example.com/registry"])]
    audience: Annotated[str, Field(description="what statements must name in `aud`")]
    size: Annotated[int, Field(description="entries signed for")]
    vkey: Annotated[str, Field(description="verifier key of its checkpoints (C2SP signed-note)")]
    formerVkeys: Annotated[list[str], Field(description="keys that signed smaller sizes, oldest first")]  # noqa: N815
    mldsaVkey: Annotated[  # noqa: N815
        str | None, Field(description="second key, of type 0x06 (ML-DSA-44): signs what is published, too")
    ]
    tokenNonce: Annotated[  # noqa: N815
        str, Field(description="what the tokens of readers must name in `nonce`; another after each start")
    ]
    subject: Annotated[str, Field(description="subject id of the charter")]
    charter: Annotated[dict[str, Any], Field(description="the charter in force")]
    rules: Annotated[int, Field(description="rules version in force")]
    time: Annotated[int, Field(description="the service's clock, Unix microseconds")]
    software: Annotated[str, Field(description="version of the software that serves it")]


@router.get("/v1/ledger", dependencies=[PUBLIC], responses=problems())
async def about(service: Ledger) -> About:
    """Name, keys, charter and size of this ledger."""
    charter = service.charter
    return About(
        origin=service.origin,
        audience=service.audience,
        size=service.head.size,
        vkey=charter.logKey,
        formerVkeys=charter.formerLogKeys,
        mldsaVkey=charter.mldsaKey,
        tokenNonce=service.members.nonce,
        subject=service.subject,
        charter=dict(charter.__dict__),
        rules=charter.rules,
        time=time.time_ns() // 1_000,
        software=software(),
    )
