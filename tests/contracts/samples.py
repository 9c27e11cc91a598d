"""An event of any contract with a value in every field, so that what is withheld would show."""

from datetime import UTC, datetime
from decimal import Decimal
from types import NoneType
from typing import Any, get_args, get_origin

from pydantic import AwareDatetime, BaseModel

from contracts.event import Event

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
_OF_TYPE: dict[Any, Any] = {
    str: "1",
    int: 1,
    bool: True,
    Decimal: Decimal("1.00"),
    AwareDatetime: NOW,
    datetime: NOW,
}
_IN_THE_ENVELOPE = frozenset({"event_id", "restated"})


def sample(contract: type[Event], **fields: Any) -> Event:
    """Every field filled; those given as they are given, where the contract has them."""
    known = {name: value for name, value in fields.items() if name in contract.model_fields}
    return contract(**{**_filled(contract), **known})


def _filled(model: type[BaseModel]) -> dict[str, Any]:
    return {
        name: _value(field.annotation)
        for name, field in model.model_fields.items()
        if name not in _IN_THE_ENVELOPE
    }


def _value(annotation: Any) -> Any:
    if annotation in _OF_TYPE:
        return _OF_TYPE[annotation]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation(**_filled(annotation))
    inner = next(part for part in get_args(annotation) if part is not NoneType)
    return [_value(inner)] if get_origin(annotation) is list else _value(inner)
