"""For machines that watch: does the process live, can it admit statements, and what do its numbers say."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from api.deps import PUBLIC, Ledger
from api.metrics import MEDIA_TYPE
from api.openapi import problems

router = APIRouter(tags=["health"])


class Health(BaseModel):
    status: str = "alive"


class Readiness(BaseModel):
    status: Annotated[
        Literal["ready", "unanchored"],
        Field(
            description="unanchored: neither a record of signed heads nor anybody outside could tell, when the ledger"
            " was opened, whether its store is the latest"
        ),
    ]
    size: int


@router.get("/health", dependencies=[PUBLIC])
async def health() -> Health:
    """The process lives."""
    return Health()


@router.get("/ready", dependencies=[PUBLIC], responses=problems())
async def ready(service: Ledger) -> Readiness:
    """Statements can be admitted; else the problem that keeps the writer from it."""
    if service.writer.trouble is not None:
        raise service.writer.trouble
    return Readiness(status="ready" if service.writer.anchored else "unanchored", size=service.head.size)


@router.get("/metrics", dependencies=[PUBLIC], response_class=Response, responses=problems(200, MEDIA_TYPE))
def metrics(service: Ledger) -> Response:
    """Numbers for Prometheus."""
    return Response(service.metrics.page(), media_type=MEDIA_TYPE)
