"""The contract: OpenAPI 3.1 of every route, its write door made from the registry of kinds."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import APIRouter, FastAPI, Request, Response

from api.deps import PUBLIC
from api.examples import claims_of, statement_of
from ledger.statement import KINDS, Claims

DESCRIPTION = """
Acts come as *statements*, signed by the party whose act it is; what is admitted becomes an *entry* of the log and
changes the *subjects* it is about. Every refusal is a problem document (RFC 9457) with a code from `/v1/refusals`.
"""

_JWS = r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+(~|(~[A-Za-z0-9_-]+)+~)?$"
_SCHEMAS = "#/components/schemas/"
_PROBLEM = {"$ref": _SCHEMAS + "Problem"}
_RECORDED = {"application/json": {"schema": {"$ref": _SCHEMAS + "Recorded"}}}
_STATEMENT = {"$ref": _SCHEMAS + "Statement"}

DOOR: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {name: {"schema": _STATEMENT} for name in ("application/jose", "application/sd-jwt", "text/plain")},
    },
    "responses": {
        "200": {"description": "It was in the ledger already: its entry", "content": _RECORDED},
        "201": {
            "description": "Recorded",
            "content": _RECORDED,
            "headers": {"Location": {"description": "the entry", "schema": {"type": "string"}}},
        },
    },
}
BATCH_DOOR: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-ndjson": {
                "schema": {"type": "string", "description": 'lines of `{"statement":"<as sent>"}`'}
            }
        },
    },
    "responses": {
        "200": {
            "description": "A verdict a line",
            "content": {"application/x-ndjson": {"schema": {"type": "string"}}},
        }
    },
}

router = APIRouter(tags=["ledger"])


def problems(status: int | None = None, media_type: str = "") -> dict[int | str, dict[str, Any]]:
    """``responses`` of a route: any problem; and what a status answers with, where that is no JSON."""
    found: dict[int | str, dict[str, Any]] = {
        "default": {"description": "A problem", "content": {"application/problem+json": {"schema": _PROBLEM}}}
    }
    if status is not None:
        found[status] = {"description": "OK", "content": {media_type.partition(";")[0]: {"schema": {"type": "string"}}}}
    return found


def bytes_too(media_type: str) -> dict[int | str, dict[str, Any]]:
    """``responses`` of a route that answers in bytes as well, if it is asked to."""
    return {200: {"description": "OK", "content": {media_type: {"schema": {"type": "string", "format": "binary"}}}}}


@router.get("/openapi.json", dependencies=[PUBLIC], include_in_schema=False)
def contract(request: Request) -> Response:
    """This document."""
    return Response(orjson.dumps(document(request.app)), media_type="application/json")


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of the app. Made once."""
    if app.openapi_schema is None:
        made = app.openapi()
        made["components"]["schemas"] |= _schemas()
        door = made["paths"]["/v1/statements"]["post"]["requestBody"]["content"]["application/jose"]
        door["examples"] = {
            name: {"summary": " ".join((kind.__doc__ or "").split()), "value": statement_of(name)}
            for name, kind in sorted(KINDS.items())
        }
        app.openapi_schema = made
    return app.openapi_schema


def _schemas() -> dict[str, Any]:
    """The schemas that no route's Python types bring along."""
    found: dict[str, Any] = {"Problem": _problem(), "Recorded": _recorded()}
    for kind in KINDS.values():
        found |= _claims(kind.NAME)
    by_kind = {name: _SCHEMAS + name for name in sorted(KINDS)}
    found["Claims"] = {
        "description": "What a statement says, by its kind",
        "oneOf": [{"$ref": place} for place in by_kind.values()],
        "discriminator": {"propertyName": "kind", "mapping": by_kind},
    }
    found["Statement"] = {
        "type": "string",
        "pattern": _JWS,
        "description": "a compact JWS (RFC 7515), with disclosures where fields are private (RFC 9901)",
        "contentMediaType": "application/jose",
        "contentSchema": {"$ref": _SCHEMAS + "Claims"},
    }
    return found


def _claims(name: str) -> dict[str, Any]:
    """The schema of a kind's claims, and of the parts of its body, each under a name of its own."""
    template = _SCHEMAS + name + ".{model}"
    body = KINDS[name].model_json_schema(by_alias=True, ref_template=template)
    parts = body.pop("$defs", {})
    claims = Claims.model_json_schema()
    claims |= {"title": name, "description": body.get("description", ""), "examples": [claims_of(KINDS[name])]}
    claims["properties"] |= {"kind": {"const": name, "type": "string"}, "body": body}
    return {name: claims} | {f"{name}.{part}": schema for part, schema in parts.items()}


def _problem() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "RFC 9457",
        "required": ["type", "title", "status", "code", "advice"],
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": {"type": "string", "description": "what the code means; never varies"},
            "status": {"type": "integer"},
            "code": {"type": "string", "examples": ["pin_stale"]},
            "advice": {"type": "string", "description": "what to do next"},
            "detail": {"type": "string", "description": "what is wrong in this very case"},
            "pointer": {"type": "string", "description": "the place (RFC 6901)", "examples": ["/payload/prev"]},
            "index": {"type": "integer", "description": "the entry it is about"},
            "subject": {"type": "string", "description": "the subject it is about"},
            "refusal": {"type": "string", "description": "the file by which the ledger answers for a rule's no"},
        },
    }


def _recorded() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["index", "time", "id", "subject", "receipt"],
        "properties": {
            "index": {"type": "integer"},
            "time": {"type": "integer", "description": "Unix microseconds"},
            "id": {"type": "string", "description": "statement id"},
            "subject": {"type": "string", "description": "what the act is about"},
            "receipt": {"type": "string", "description": "the file that proves the entry (C2SP tlog-proof)"},
        },
    }
