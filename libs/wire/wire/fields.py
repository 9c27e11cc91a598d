"""Field types of request and answer models: how one value is read and written.

See docs/domain/money-and-time.md E.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    PlainValidator,
    StrictStr,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError, core_schema

from wire.money import ACCOUNT_PLACES, AMOUNT_MAX, read_amount, read_number, read_signed_amount
from wire.times import (
    CYCLE_PATTERN,
    DAY_PATTERN,
    INSTANT_PATTERN,
    format_instant,
    parse_cycle,
    parse_day,
    parse_instant,
    parse_native_instant,
)

ID_LENGTH_MAX = 64  # characters
_is_path_id = re.compile(r"(?!\{\w+\}$)[^\0\ud800-\udfff]{1,64}").fullmatch
_MALFORMED = "wire_malformed"


def _reader(read: Callable[[Any], Any]) -> PlainValidator:
    """A validator that takes what `read` takes; its ValueError is a breach of the field."""

    def validate(value: Any) -> Any:
        try:
            return read(value)
        except ValueError as error:
            raise PydanticCustomError(_MALFORMED, "{reason}", {"reason": str(error)}) from None

    return PlainValidator(validate)


def _read_instant(value: Any) -> datetime:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        return value.astimezone(UTC)
    if not isinstance(value, str):
        raise ValueError("not a text")
    return parse_instant(value)


def _read_native_instant(value: Any) -> datetime:
    if isinstance(value, datetime):
        return _read_instant(value)
    if not isinstance(value, str):
        raise ValueError("not a text")
    return parse_native_instant(value)


def _read_cycle(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("not a text")
    return parse_cycle(value)


def _read_day(value: Any) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise ValueError("not a text")
    return parse_day(value)


def _read_path_id(value: Any) -> str:
    if not isinstance(value, str) or not _is_path_id(value):
        raise ValueError("not an id")
    return value


Instant = Annotated[
    datetime,
    _reader(_read_instant),
    PlainSerializer(format_instant, return_type=str),
    WithJsonSchema({"type": "string", "pattern": INSTANT_PATTERN, "format": "date-time"}),
]
"""An aware UTC datetime; `2026-11-23T03:00:00Z` on the wire."""

NativeInstant = Annotated[
    datetime,
    _reader(_read_native_instant),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""On our own paths: ISO 8601 with any offset, read as UTC; a number is none."""

Cycle = Annotated[
    str, _reader(_read_cycle), WithJsonSchema({"type": "string", "pattern": CYCLE_PATTERN})
]
"""A bill cycle `YYYY-MM`, Beijing time."""

BeijingDate = Annotated[
    date,
    _reader(_read_day),
    PlainSerializer(date.isoformat, return_type=str),
    WithJsonSchema({"type": "string", "pattern": DAY_PATTERN, "format": "date"}),
]
"""A date `YYYY-MM-DD`, Beijing time."""

Id = Annotated[StrictStr, StringConstraints(min_length=1, max_length=ID_LENGTH_MAX)]
"""The id of a customer, order, coupon: 1 to 64 characters."""

PathId = Annotated[
    str, _reader(_read_path_id), WithJsonSchema({"type": "string", "maxLength": ID_LENGTH_MAX})
]
"""An id in a path; the SDK's placeholder for one that was not set is refused (D.4a.3)."""

Number = Annotated[Decimal, _reader(read_number), WithJsonSchema({"type": ["number", "string"]})]
"""A number of a request, exact, without bounds."""


def _refuse_other_spellings(value: Any) -> Any:
    if isinstance(value, bool) or (isinstance(value, str) and not _is_figure(value)):
        raise PydanticCustomError(_MALFORMED, "not a number")
    return value


_is_figure = re.compile(r"-?\d{1,30}(\.\d{1,30})?", re.ASCII).fullmatch
Figure = Annotated[Decimal, BeforeValidator(_refuse_other_spellings)]
"""A Decimal whose bounds its own `Field` tells; a text of it is digits with or without a point."""

FloatNumber = Annotated[Decimal, WithJsonSchema({"type": "number"}, mode="serialization")]
"""For answers, where the SDK says float or Decimal: a raw JSON number (by `wire.json.dumps`)."""

DecimalText = Annotated[
    Decimal,
    PlainSerializer(lambda value: f"{value:f}", return_type=str),
    WithJsonSchema({"type": "string"}, mode="serialization"),
]
"""For answers, where the SDK says str: the number as a JSON string without exponent."""


@dataclass(frozen=True, slots=True)
class AmountRule:
    """`Annotated[Decimal, AmountRule(maximum=…)]`: above 0, 2 decimals at most, never rounded."""

    maximum: Decimal = AMOUNT_MAX
    places: int = ACCOUNT_PLACES

    def __get_pydantic_core_schema__(
        self, _source: Any, _handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Reads by `read_amount`, whose refusals are CBC.0100."""
        read = _reader(lambda value: read_amount(value, self.maximum, self.places))
        return core_schema.no_info_plain_validator_function(read.func)  # type: ignore[arg-type]

    def __get_pydantic_json_schema__(
        self, _schema: core_schema.CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """A text; that a number is taken, too, is for who sent one before."""
        return {
            "type": "string",
            "pattern": rf"^\d{{1,20}}(\.\d{{1,{self.places}}})?$",
            "description": f"above 0, at most {self.maximum}, at most {self.places} decimals;"
            " a JSON number is taken as well",
        }


Amount = Annotated[Decimal, AmountRule()]
"""An amount a caller entered: more than 0, at most 2 decimals; always comes with 2."""

SignedAmount = Annotated[
    Decimal,
    _reader(read_signed_amount),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": rf"^-?\d{{1,20}}(\.\d{{1,{ACCOUNT_PLACES}}})?$",
            "description": f"not 0, at most {AMOUNT_MAX}, at most {ACCOUNT_PLACES} decimals;"
            " below zero for what is given back; a JSON number is taken as well",
        }
    ),
]
"""An amount of a bill that may be given back: more or less than 0, at most 2 decimals."""
