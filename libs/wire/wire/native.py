"""What our own paths (`/api/…`) answer: models that name what they show.

An answer is its fields and nothing else: a new column of a table is not published until somebody
names it here. An amount is a text of two decimals, cut, and its `currency` stands beside it.
"""

from decimal import Decimal
from typing import Annotated, Any, Self, get_args

from pydantic import BaseModel, ConfigDict, PlainSerializer, WithJsonSchema

from wire.money import ACCOUNT_PLACES, cut

MONEY_PATTERN = r"^-?\d+\.\d{2}$"
PRICE_PATTERN = r"^\d+\.\d{2,10}$"
EXACT_PATTERN = r"^-?\d+\.\d{2,10}$"


class BesideCurrency:
    """Marks a field that says nothing without the `currency` beside it."""


def money_text(amount: Decimal) -> str:
    """The amount with two decimals, cut and not rounded: `100.00`."""
    return _positive_zero(cut(amount, ACCOUNT_PLACES))


def price_text(price: Decimal) -> str:
    """A price of one unit, exact: two decimals, or as many as it has."""
    exact = price.normalize()
    places = max(ACCOUNT_PLACES, -int(exact.as_tuple().exponent))
    return _positive_zero(cut(price, places))


def _positive_zero(value: Decimal) -> str:
    return f"{value if value else value.copy_abs():f}"


Money = Annotated[
    Decimal,
    PlainSerializer(money_text, return_type=str),
    WithJsonSchema({"type": "string", "pattern": MONEY_PATTERN}),
    BesideCurrency(),
]
"""An amount in an answer; the `currency` stands in the same object."""

Price = Annotated[
    Decimal,
    PlainSerializer(price_text, return_type=str),
    WithJsonSchema({"type": "string", "pattern": PRICE_PATTERN}),
    BesideCurrency(),
]
"""The price of one unit; it is not cut, since what is charged is cut only at the end."""


Exact = Annotated[
    Decimal,
    PlainSerializer(price_text, return_type=str),
    WithJsonSchema({"type": "string", "pattern": EXACT_PATTERN}),
    BesideCurrency(),
]
"""An amount of which no digit is cut, where the digits behind the cents are what matters."""


class NativeAnswer(BaseModel):
    """An object of an answer.

    What there is not is null: an answer always has all of its fields.
    """

    model_config = ConfigDict(from_attributes=True, frozen=True)

    @classmethod
    def of(cls, source: object, **more: Any) -> Self:
        """The answer about a row or an entity; `more` is what it has not, or has otherwise."""
        named = cls.model_fields
        return cls(**{name: getattr(source, name) for name in named if name not in more}, **more)

    @classmethod
    def __pydantic_init_subclass__(cls, **_given: Any) -> None:
        """Refuse a model with an amount and without its currency."""
        if "currency" in cls.model_fields:
            return
        for name, field in cls.model_fields.items():
            if _is_beside_currency(field.annotation, field.metadata):
                raise TypeError(f"{cls.__name__}.{name} is an amount: name its currency beside it")


def _is_beside_currency(annotation: Any, metadata: Any) -> bool:
    """Whether the type is an amount, or may be one: `Money | None`, `list[Money]`."""
    if any(isinstance(mark, BesideCurrency) for mark in metadata):
        return True
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return False
    return any(
        _is_beside_currency(part, getattr(part, "__metadata__", ()))
        for part in get_args(annotation)
    )
