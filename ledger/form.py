"""Form: the strict base of everything a statement's body is built from, and the quick way to build one again.

Validating says whether JSON has a form; it is done where bytes come in. Where the same bytes are met again (the writer,
after a verifier process; later the auditor's replay), :func:`rebuild` gives the same instance in a third of the time.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Discriminator, Tag, TypeAdapter
from pydantic.fields import FieldInfo


class Form(BaseModel):
    """Strict, closed, unchangeable."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


F = TypeVar("F", bound=Form)
Build = Callable[[Any], Any]

_PLAIN = frozenset({str, int, bool, NoneType})


def rebuild(form: type[F], values: dict[str, Any]) -> F:
    """What ``form.model_validate(values)`` gives, for values that it took before; for others anything may come out.

    Lists are those of ``values``, not copies.
    """
    return _builder(form)(values)  # type: ignore[no-any-return]


@cache
def _builder(form: type[Form]) -> Build:
    """A function that fills an instance field by field. Default values are made by pydantic, once, and shared."""
    fields = [(field.alias or name, name, _of_field(field)) for name, field in form.model_fields.items()]
    optional = {name: field for name, field in form.model_fields.items() if not field.is_required()}
    defaults = {name: field.get_default(call_default_factory=True) for name, field in optional.items()}
    new, put = object.__new__, object.__setattr__

    def build(values: dict[str, Any]) -> Form:
        built = new(form)
        filled, given = {}, set()
        for key, name, build_value in fields:
            if key in values:
                value = values[key]
                filled[name] = value if build_value is None else build_value(value)
                given.add(name)
            else:
                filled[name] = defaults[name]
        put(built, "__dict__", filled)
        put(built, "__pydantic_fields_set__", given)
        put(built, "__pydantic_extra__", None)
        put(built, "__pydantic_private__", None)
        return built

    return build


def _of_field(field: FieldInfo) -> Build | None:
    annotation: Any = field.annotation
    for metadata in field.metadata:
        if isinstance(metadata, Discriminator):
            return _of_tagged(annotation, metadata)
    return _of(annotation)


def _of(annotation: Any) -> Build | None:
    """How to build a value of this type; None if the JSON value is the value."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        discriminator = next((one for one in arguments[1:] if isinstance(one, Discriminator)), None)
        return _of_tagged(arguments[0], discriminator) if discriminator else _of(arguments[0])
    if annotation in _PLAIN or origin in (Literal, dict):
        return None
    if origin is list:
        inner = _of(arguments[0])
        return None if inner is None else lambda values: [inner(value) for value in values]
    if isinstance(annotation, type) and issubclass(annotation, Form):
        return lambda values: _builder(annotation)(values)  # looked up when called: a form may hold itself
    if origin in (Union, UnionType):
        builds = [_of(one) for one in arguments if one is not NoneType]
        if not any(builds):
            return None
        if len(builds) == 1 and (build := builds[0]) is not None:
            return lambda value: None if value is None else build(value)
    adapter = TypeAdapter(annotation)
    return adapter.validate_python


def _of_tagged(union: Any, discriminator: Discriminator) -> Build:
    """Of a union whose discriminator is a function: the tag it gives says which member the value is of."""
    builds = {tag.tag: _of(one) for one in get_args(union) for tag in get_args(one)[1:] if isinstance(tag, Tag)}
    tag_of = discriminator.discriminator
    assert callable(tag_of)

    def build(value: Any) -> Any:
        build_value = builds[str(tag_of(value))]
        return value if build_value is None else build_value(value)

    return build
