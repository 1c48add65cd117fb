"""Settings: everything that can be set when a ledger is served, with its bounds; nothing else is read from outside.

Each field may come from the environment as ``CADASTRE_SERVE_<FIELD>`` (``CADASTRE_SERVE_PORT=8080``). An unknown
variable with that prefix is refused: a setting that is silently ignored is worse than none.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from ledger.errors import Malformed, declare

PREFIX = "CADASTRE_SERVE_"

declare(
    "malformed",
    setting_malformed=("a setting is unknown or out of bounds", "list them with: cadastre settings"),
)

_ASKED = {  # in words, by pydantic's names of what may be wrong
    "int_parsing": "a whole number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "greater_than_equal": "at least {ge}",
    "greater_than": "more than {gt}",
    "less_than_equal": "at most {le}",
    "literal_error": "{expected}",
    "address": "addresses that begin with http:// or https://, parted by commas",
}

Rate = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]


class Settings(BaseModel):
    """How one ledger is served. Rates of 0 switch a limit off."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Annotated[Path, Field(description="the ledger's folder")]
    heads: Annotated[
        Path | None, Field(description="where signed heads are recorded, best on another disk; DIR/heads if not set")
    ] = None
    policy: Annotated[
        Path | None, Field(description="tlog-policy file; its witnesses with an address are asked to cosign")
    ] = None
    mirrors: Annotated[
        str,
        Field(
            description="addresses of mirrors of the published log, parted by commas, with which a start compares the"
            " store; {log} in one stands for the hex SHA-256 of the origin, as in the address where a witness shows it"
        ),
    ] = ""
    host: Annotated[str, Field(description="address to listen on")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535, description="port to listen on; 0 takes a free one")] = 8000
    workers: Annotated[
        int,
        Field(
            ge=0,
            le=256,
            description="processes that verify signatures, beside one that writes; 0: none, one process does all;"
            " if not set, one less than there are cores",
            default_factory=lambda: max(1, (os.cpu_count() or 2) - 1),
        ),
    ]
    proxies: Annotated[str, Field(description="addresses of proxies whose X-Forwarded-For is believed")] = ""
    connections: Annotated[int, Field(ge=1, description="connections at a time")] = 1_024
    address_connections: Annotated[
        int, Field(ge=1, description="connections of one address at a time; proxies may have any number")
    ] = 512
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Field(description="what is worth a line in the log")
    ] = "info"

    publish_seconds: Annotated[
        float,
        Field(ge=0, le=86_400, allow_inf_nan=False, description="time between publishing to DIR/public; 0: never"),
    ] = 5.0

    recosign_seconds: Annotated[
        float,
        Field(
            ge=0,
            le=86_400,
            allow_inf_nan=False,
            description="time after which witnesses are shown a checkpoint again that they have cosigned; 0: never",
        ),
    ] = 600.0

    commit_seconds: Annotated[
        float,
        Field(ge=0, le=86_400, allow_inf_nan=False, description="time between commitments to the state; 0: never"),
    ] = 60.0

    queue: Annotated[int, Field(ge=1, le=1_000_000, description="statements admitted to wait")] = 4_096
    queue_bytes: Annotated[int, Field(ge=2**16, description="bytes of the statements that wait")] = 2**26
    batch: Annotated[int, Field(ge=1, le=10_000, description="statements of one commit")] = 1_000

    statement_bytes: Annotated[int, Field(ge=1_024, description="bytes of a statement with its disclosures")] = 2**18
    request_bytes: Annotated[int, Field(ge=1_024, description="bytes of a batch request's body")] = 2**24
    requests: Annotated[int, Field(ge=1, description="batch requests at a time, whose bodies are held")] = 16
    request_lines: Annotated[int, Field(ge=1, description="lines of a batch request")] = 10_000
    body_seconds: Annotated[
        float,
        Field(
            gt=0,
            description="time for a request's head to arrive, then its body, then for its answer to be read; more for"
            " what is large",
        ),
    ] = 10.0
    answer_bytes: Annotated[int, Field(ge=2**22, description="bytes of answers that wait for clients to read")] = 2**26

    address_rate: Annotated[Rate, Field(description="requests a second of one address")] = 2_000
    address_burst: Annotated[int, Field(ge=1, description="requests at once of one address")] = 4_000
    signer_rate: Annotated[Rate, Field(description="statements a second of one signing key")] = 1_000
    signer_burst: Annotated[int, Field(ge=1, description="statements at once of one signing key")] = 4_000

    @field_validator("mirrors")
    @classmethod
    def _of_addresses(cls, mirrors: str) -> str:
        """A mirror that can never be asked would be a setting that is silently ignored."""
        if not all(map(_is_address, parted(mirrors))):
            raise PydanticCustomError("address", "not of addresses")
        return mirrors


def parted(mirrors: str) -> list[str]:
    """The addresses in the setting ``mirrors``, without a slash at the end."""
    return [one.strip().rstrip("/") for one in mirrors.split(",") if one.strip()]


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - looks whether it is a number
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not any(map(str.isspace, text))


def settings_from(environment: Mapping[str, str], **given: Any) -> Settings:
    """Settings from ``CADASTRE_SERVE_*`` variables, overridden by what is given. Raises ``setting_malformed``."""
    variables = {name.removeprefix(PREFIX).lower(): name for name in environment if name.startswith(PREFIX)}
    try:
        return Settings.model_validate({field: environment[name] for field, name in variables.items()} | given)
    except ValidationError as wrong:
        first = wrong.errors(include_url=False)[0]
        field = str(first["loc"][0])
        name = field if field in given else variables.get(field, field)
        raise Malformed("setting_malformed", f"{name}: {_why(first)}") from None


def _why(wrong: ErrorDetails) -> str:
    """What is wrong with a setting, in our words where there are any."""
    if wrong["type"] == "extra_forbidden":
        return "there is no such setting"
    asked = _ASKED.get(wrong["type"])
    if asked is None:
        return wrong["msg"]
    bounds = {
        name: int(bound) if isinstance(bound, float) and bound.is_integer() else bound
        for name, bound in wrong.get("ctx", {}).items()
    }
    return f"it must be {asked.format_map(bounds)}, not {str(wrong['input'])!r}"
