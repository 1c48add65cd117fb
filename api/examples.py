"""Examples made from the registry of kinds: for each a body of its form, and a statement that is well formed.

A kind needs no example of its own for this. Fields that only a pattern describes take an example from their
annotation, or one that is known here for the values every noun shares.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from typing import Any

from pydantic import TypeAdapter, ValidationError

from identity import jws
from identity.canonical import b64encode
from identity.did import did_of
from identity.keys import SigningKey
from ledger.statement import KINDS, Claims, Kind
from ledger.values import Seconds, id_pattern, subject_id
from ledger.world import STATES

Schema = Mapping[str, Any]

ISSUED = 1_767_139_200  # POSIX seconds
_DIGEST = sha256(b"example").digest()
_SECONDS = TypeAdapter(Seconds).json_schema()
_KEY = SigningKey.from_seed("Ed25519", _DIGEST)  # signs nothing but examples


def _patterns() -> dict[str, str]:
    """pattern -> a string it matches, for the values of ``ledger.values`` that have one."""
    claims = Claims.model_json_schema()["properties"]
    return {
        **{id_pattern(type_): subject_id(type_, _DIGEST) for type_ in STATES},
        claims["iss"]["pattern"]: did_of(_KEY.public),
        claims["prev"]["additionalProperties"]["pattern"]: b64encode(_DIGEST),
        claims["jti"]["pattern"]: b64encode(_DIGEST[:16]),
    }


class _Maker:
    """Makes a value for a schema. ``full``: with the members that may be left out."""

    def __init__(self, schema: Schema, full: bool) -> None:
        self._definitions: Schema = schema.get("$defs", {})
        self._patterns = _patterns()
        self._full = full
        self._instant = ISSUED

    def value(self, schema: Schema) -> Any:
        if "$ref" in schema:
            return self.value(self._definitions[schema["$ref"].rpartition("/")[2]])
        if "const" in schema:
            return schema["const"]
        if "examples" in schema:
            return schema["examples"][0]
        if "enum" in schema:
            return schema["enum"][0]
        for choice in ("anyOf", "oneOf"):
            if choice in schema:
                return self.value(schema[choice][0])
        return getattr(self, "_" + schema["type"])(schema)

    def _object(self, schema: Schema) -> dict[str, Any]:
        required = schema.get("required", ())
        members = schema.get("properties", {}).items()
        return {name: self.value(member) for name, member in members if self._full or name in required}

    def _array(self, schema: Schema) -> list[Any]:
        return [self.value(schema["items"]) for _ in range(schema.get("minItems", 0) or int(self._full))]

    def _string(self, schema: Schema) -> str:
        if "pattern" in schema:
            return self._patterns[schema["pattern"]]
        text: str = schema.get("description", schema.get("title", "text"))
        return text[: schema.get("maxLength", len(text))]

    def _integer(self, schema: Schema) -> int:
        if schema.get("exclusiveMaximum") == _SECONDS["exclusiveMaximum"]:
            self._instant += 3_600  # each later than the one before: from and until, start and end
            return self._instant
        return int(schema.get("minimum", 0))

    def _boolean(self, _: Schema) -> bool:
        return False

    def _null(self, _: Schema) -> None:
        return None


def body_of(kind: type[Kind]) -> dict[str, Any]:
    """A body of this kind, as short as its form allows. Raises ``LookupError`` where a field needs an example."""
    schema = kind.model_json_schema(by_alias=True)
    body: dict[str, Any] = _Maker(schema, full=False).value(schema)
    try:
        kind.model_validate(body)
    except ValidationError:  # the form asks for more than its schema can say
        body = _Maker(schema, full=True).value(schema)
    return body


def claims_of(kind: type[Kind]) -> dict[str, Any]:
    """The claims of a well-formed statement of this kind."""
    body = body_of(kind)
    sub = None if kind.ON is None or kind.ON in kind.OPENS else subject_id(kind.ON, _DIGEST)
    return {
        "iss": did_of(_KEY.public),
        "aud": f"example.com/registry#{b64encode(_DIGEST)}",
        "iat": ISSUED,
        "exp": ISSUED + 3_600,
        "jti": b64encode(_DIGEST[:16]),
        "kind": kind.NAME,
        "body": body,
        "sub": sub,
        "prev": {subject: b64encode(_DIGEST) for subject in kind.model_validate(body).pins(sub)},
    }


@cache
def statement_of(name: str) -> str:
    """A statement of the kind with this name, signed by a key that signs nothing else."""
    return jws.sign(claims_of(KINDS[name]), _KEY).decode()
