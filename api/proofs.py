"""Proofs of state: that a subject stands as it does, that there is none, or that a list is complete; in one file."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from starlette.concurrency import run_in_threadpool

from api.deps import READERS, Ledger
from api.entries import TEXT
from api.numbers import Whole
from api.openapi import problems
from api.problems import Reply
from api.service import Service
from ledger.prove import MEMBERS_MAX

router = APIRouter(tags=["subjects"])


@router.get(
    "/v1/subjects/{name:path}/proof",  # an alias may have a slash
    dependencies=[READERS],
    response_class=Response,
    responses=problems(200, TEXT),
)
def state_proof(
    service: Ledger,
    name: Annotated[str, Path(description="subject id, or of a list what is looked up; for a party also its DID")],
    at: Annotated[int | None, Query(ge=1, lt=2**53, description="a size that is committed to"), Whole] = None,
    lookup: Annotated[str | None, Query(max_length=80, description="a list: `offer.asset`, all offers on it")] = None,
) -> Response:
    """The file that proves a subject's state, or its absence, or with `lookup` a whole list, offline.

    As of the last size that the service has committed to, which the file names; or of another one `at`, while its pages
    are kept. Lists of more than 20,000 are proven from the ledger's folder only.
    """
    return Response(service.prover.file(name, lookup, at, MEMBERS_MAX), media_type=TEXT)


async def proof_reply(service: Service, subject_id: str) -> Reply:
    """The reply with the proof of a subject as of the last size. Raises ``Problem``.

    In the threads where the framework runs its routes: while a long list is proven, others wait there and nowhere else.
    """
    return Reply(200, await run_in_threadpool(service.prover.file, subject_id), TEXT)
