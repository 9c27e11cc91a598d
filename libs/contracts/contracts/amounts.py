"""Amounts in events: as they stand on Kafka, and as they are told outside.

On Kafka an amount has the decimals that it was made with. Outside it has two, as on our own paths,
and the event's currency stands in each part that has an amount.
"""

from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal
from functools import cache
from typing import Annotated, Any, get_args

from pydantic import BaseModel, PlainSerializer

from contracts.audience import models_in

CURRENCY = "currency"
TOLD_PATTERN = r"^-?\d+\.\d{2}$"
_CENT = Decimal("0.01")


class _OfMoney:
    """Marks an amount, which is of a currency; a quantity is not."""


_text = PlainSerializer(lambda amount: format(amount, "f"), return_type=str)

# A JSON string, never a float, and never in exponent form.
Money = Annotated[Decimal, _text, _OfMoney()]
# The same for what is counted or measured, which is told as it is. It has one spelling, `750`, with
# whatever decimals its column has: who keeps the text takes another spelling for a change.
Quantity = Annotated[
    Decimal,
    PlainSerializer(
        lambda number: format(number.normalize(), "f") if number else "0", return_type=str
    ),
]


@cache
def amounts_in(model: type[BaseModel]) -> frozenset[str]:
    """The fields that are money."""
    fields = model.model_fields.items()
    return frozenset(name for name, one in fields if _is_money(one.annotation, one.metadata))


def _is_money(annotation: Any, metadata: Any) -> bool:
    """Whether the type is an amount, or may be one: `Money | None`."""
    if any(isinstance(mark, _OfMoney) for mark in metadata):
        return True
    return any(_is_money(part, getattr(part, "__metadata__", ())) for part in get_args(annotation))


def with_currency(
    model: type[BaseModel], body: Mapping[str, Any], currency: str | None
) -> dict[str, Any]:
    """A body, or a part of one, with amounts as they are told and the currency in its parts."""
    amounts, told = amounts_in(model), {}
    for name, value in body.items():
        inner = next(models_in(model.model_fields[name].annotation), None)
        if inner is not None:
            told[name] = _parts_with_currency(inner, value, currency)
        else:
            told[name] = told_amount(value) if name in amounts else value
    return told


def _parts_with_currency(model: type[BaseModel], value: Any, currency: str | None) -> Any:
    if isinstance(value, list):
        return [_parts_with_currency(model, part, currency) for part in value]
    if value is None:
        return None
    told = with_currency(model, value, currency)
    if currency is None or not amounts_in(model) & told.keys():
        return told
    return told | {CURRENCY: currency}


def told_amount(value: Any) -> Any:
    """Two decimals, cut and not rounded; None stays None."""
    if not isinstance(value, str) or value[-3:-2] == ".":
        return value
    cut = Decimal(value).quantize(_CENT, ROUND_DOWN)
    return f"{cut if cut else cut.copy_abs():f}"
