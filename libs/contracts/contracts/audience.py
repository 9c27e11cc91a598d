"""Who reads which field outside: an allow-list beside the fields, for contracts and their models.

A field without a mark is internal: it is for our services on Kafka and leaves by no other way.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

T = TypeVar("T")


class Audience(StrEnum):
    """Who reads a field beside our own services; the partner reads whatever its customers read."""

    CUSTOMER = "customer"
    PAYER = "payer"  # the customer, unless another account pays for it
    PARTNER = "partner"
    INTERNAL = "internal"  # nobody outside


ForCustomer = Annotated[T, Audience.CUSTOMER]
ForPayer = Annotated[T, Audience.PAYER]
ForPartner = Annotated[T, Audience.PARTNER]

Readable = frozenset[Audience]
_PARTNER: Readable = frozenset({Audience.CUSTOMER, Audience.PAYER, Audience.PARTNER})
_PAYING_CUSTOMER: Readable = frozenset({Audience.CUSTOMER, Audience.PAYER})
_CUSTOMER: Readable = frozenset({Audience.CUSTOMER})


def audience_of(field: FieldInfo) -> Audience:
    """The mark beside the field; internal without one."""
    marks = (mark for mark in field.metadata if isinstance(mark, Audience))
    return next(marks, Audience.INTERNAL)


def readable_by(reader: Audience, *, pays: bool = True) -> Readable:
    """The marks that a partner reads, or a customer; all others read nothing."""
    if reader is Audience.PARTNER:
        return _PARTNER
    if reader is Audience.CUSTOMER:
        return _PAYING_CUSTOMER if pays else _CUSTOMER
    return frozenset()


@cache
def readable_fields(
    model: type[BaseModel], readable: Readable
) -> Mapping[str, type[BaseModel] | None]:
    """The fields with one of the marks, and the model that a field is made of, if any."""
    return {
        name: next(models_in(field.annotation), None)
        for name, field in model.model_fields.items()
        if not field.exclude and audience_of(field) in readable
    }


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that a type names, at any depth: `list[OrderLine] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models_in(part)


def cut(model: type[BaseModel], body: Mapping[str, Any], readable: Readable) -> dict[str, Any]:
    """What is left of a body, or of a part of one, in the order it has."""
    fields = readable_fields(model, readable)
    return {
        name: _cut_value(fields[name], value, readable)
        for name, value in body.items()
        if name in fields
    }


def _cut_value(model: type[BaseModel] | None, value: Any, readable: Readable) -> Any:
    if model is None or value is None:
        return value
    if isinstance(value, list):
        return [_cut_value(model, item, readable) for item in value]
    return cut(model, value, readable)
