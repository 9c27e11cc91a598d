"""JSON as the wire speaks it: Decimals as raw numbers without exponent, instants in UTC with Z."""

import json
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson
from pydantic import BaseModel

from wire.money import number_text
from wire.times import format_instant

BODY_BYTES_MAX = 12 * 1024 * 1024
"""The largest body the vendor takes (domain.md D.1)."""


def dumps(value: Any) -> bytes:
    """UTF-8 JSON; models by their wire names and without what is None."""
    return orjson.dumps(value, default=_write, option=orjson.OPT_PASSTHROUGH_DATETIME)


def loads(raw: bytes) -> Any:
    """The value, fractions as exact Decimals; ValueError for anything that is no JSON."""
    try:
        return json.loads(raw, parse_float=Decimal, parse_constant=_refuse)
    except (RecursionError, InvalidOperation) as error:
        raise ValueError("the body is no JSON that can be read") from error


def _write(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(number_text(value).encode())
    if isinstance(value, datetime):
        return format_instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, BaseModel):
        return value.model_dump(by_alias=True, exclude_none=True)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
