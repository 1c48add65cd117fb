"""Policies: what may be done with data, said in ODRL in the form the Dataspace Protocol 2025-1 gives it.

The shapes are closed: what is not named here is refused by name, since a term that nobody understands must never be
taken for a permission. Nothing is evaluated here. Operands are text, lists of text or typed values, never numbers; an
action is one word without refinements, and rules carry no target (negotiation/contract-schema.json of the protocol).

    {"@type": "Offer", "permission": [{"action": "use", "constraint": [
        {"leftOperand": "purpose", "operator": "eq", "rightOperand": "predictive maintenance"}]}]}
"""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from identity.canonical import b64encode, encode
from ledger.form import Form
from ledger.values import Text

DEPTH_MAX = 4  # logical constraints within logical constraints
LENGTH_MAX = 32  # rules of one sort in a policy, constraints in one list

Operator = Literal[
    "eq", "neq", "gt", "gteq", "lt", "lteq", "hasPart", "isA", "isAllOf", "isAnyOf", "isNoneOf", "isPartOf"
]
Term = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z_][A-Za-z0-9_.+-]*(:[!#-;=?-\[\]_a-z~]+)?$",
        max_length=200,
        description="term, compact IRI or absolute IRI",
        examples=["use", "odrl:purpose"],
    ),
]
OperandText = Annotated[str, Text(1, 400, "operand")]

PURPOSES = frozenset(
    {
        "purpose",
        "odrl:purpose",
        "http://www.w3.org/ns/odrl/2/purpose",
        "UsagePurpose",
        "cx-policy:UsagePurpose",
        "https://w3id.org/catenax/2025/9/policy/UsagePurpose",
    }
)
"""Left operands that name the purpose of use: ODRL's own and the Catena-X profile's."""

_NAMING = frozenset({"eq", "isA", "isAllOf", "isAnyOf", "isPartOf"})  # operators that say which purpose, not which not


class TypedValue(Form):
    """A literal with its datatype, as JSON-LD writes it: ``{"@value": "P30D", "@type": "xsd:duration"}``."""

    value: Annotated[OperandText, Field(alias="@value")]
    type: Annotated[Term, Field(alias="@type")]


class Reference(Form):
    """A thing by its IRI: ``{"@id": "https://…"}``."""

    id: Annotated[Term, Field(alias="@id")]


def _operand_form(value: object) -> str:
    if isinstance(value, (dict, TypedValue, Reference)):
        return "·id" if isinstance(value, Reference) or (isinstance(value, dict) and "@id" in value) else "·value"
    return "·list" if isinstance(value, list) else "·text"


RightOperand = Annotated[
    Annotated[OperandText, Tag("·text")]
    | Annotated[list[OperandText], Field(min_length=1, max_length=64), Tag("·list")]
    | Annotated[TypedValue, Tag("·value")]
    | Annotated[Reference, Tag("·id")],
    Discriminator(_operand_form),
]


class Atomic(Form):
    """One comparison: ``leftOperand operator rightOperand``."""

    leftOperand: Term
    operator: Operator
    rightOperand: RightOperand

    def depth(self) -> int:
        return 0

    def names_purpose(self) -> bool:
        return self.leftOperand in PURPOSES and self.operator in _NAMING


class Logical(Form):
    """Several constraints under exactly one of ``and``, ``andSequence``, ``or``, ``xone``."""

    all_of: Annotated[list[Constraint], Field(alias="and", min_length=1, max_length=LENGTH_MAX, default_factory=list)]
    in_turn: Annotated[
        list[Constraint], Field(alias="andSequence", min_length=1, max_length=LENGTH_MAX, default_factory=list)
    ]
    any_of: Annotated[list[Constraint], Field(alias="or", min_length=1, max_length=LENGTH_MAX, default_factory=list)]
    one_of: Annotated[list[Constraint], Field(alias="xone", min_length=1, max_length=LENGTH_MAX, default_factory=list)]

    @model_validator(mode="after")
    def _one_operator(self) -> Logical:
        if len(self.model_fields_set) != 1:
            raise ValueError("a logical constraint has exactly one of and, andSequence, or, xone")
        if self.depth() > DEPTH_MAX:
            raise ValueError(f"constraints are nested more than {DEPTH_MAX} deep")
        return self

    def depth(self) -> int:
        return 1 + max(part.depth() for part in (*self._joined(), *self._alternatives()))

    def names_purpose(self) -> bool:
        """Whether whoever satisfies the constraint has a named purpose, whichever way they satisfy it."""
        if self._joined():
            return any(part.names_purpose() for part in self._joined())
        return all(part.names_purpose() for part in self._alternatives())

    def _joined(self) -> list[Constraint]:
        return self.all_of or self.in_turn

    def _alternatives(self) -> list[Constraint]:
        return self.any_of or self.one_of


def _constraint_form(value: object) -> str:
    logical = isinstance(value, Logical) or (isinstance(value, dict) and "leftOperand" not in value)
    return "·logical" if logical else "·atomic"


Constraint = Annotated[
    Annotated[Atomic, Tag("·atomic")] | Annotated[Logical, Tag("·logical")], Discriminator(_constraint_form)
]
Logical.model_rebuild()


class Rule(Form):
    """An action under constraints, all of which must hold. As it stands: a prohibition or a duty."""

    action: Term
    constraint: Annotated[list[Constraint], Field(max_length=LENGTH_MAX, default_factory=list)]


class Permission(Rule):
    """An action that is allowed, under constraints and against duties."""

    duty: Annotated[list[Rule], Field(min_length=1, max_length=LENGTH_MAX, default_factory=list)]

    def names_purpose(self) -> bool:
        return any(part.names_purpose() for part in self.constraint)


class Policy(Form):
    """An ODRL offer without identifier and target: both are the ledger's own to give."""

    type: Annotated[Literal["Offer"], Field(alias="@type")]
    permission: Annotated[list[Permission], Field(min_length=1, max_length=LENGTH_MAX, default_factory=list)]
    prohibition: Annotated[list[Rule], Field(min_length=1, max_length=LENGTH_MAX, default_factory=list)]
    obligation: Annotated[list[Rule], Field(min_length=1, max_length=LENGTH_MAX, default_factory=list)]

    @model_validator(mode="after")
    def _says_something(self) -> Policy:
        if not (self.permission or self.prohibition):
            raise ValueError("a policy has a permission or a prohibition")
        return self

    def names_purpose(self) -> bool:
        """Whether every permission is bound to a purpose it names."""
        return all(permission.names_purpose() for permission in self.permission)


def may_ask_payment(value: Any) -> bool:
    """Whether a policy, as its JSON stands, may ask for a payment: by ODRL's payAmount, or by whatever has to be done.

    Duties and obligations are in words of anybody's own, and one of them may be to pay.
    """
    if isinstance(value, dict):
        return bool(value.get("duty") or value.get("obligation")) or any(map(may_ask_payment, value.values()))
    if isinstance(value, list):
        return any(map(may_ask_payment, value))
    return isinstance(value, str) and "payamount" in value.lower()


def digest_of(value: Any) -> str:
    """base64url SHA-256 of a JSON value's canonical spelling (RFC 8785). Raises ``Malformed`` outside its subset."""
    return b64encode(sha256(encode(value)).digest())
