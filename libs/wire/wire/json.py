"""JSON as the wire speaks it: Decimals as raw numbers without exponent, instants in UTC with Z."""

import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson
from pydantic import BaseModel

from wire.money import number_text
from wire.times import format_instant

BODY_BYTES_MAX = 64 * 1024
"""Of a request without a list; the vendor takes 12 MB of any (docs/domain/wire-protocol.md D.1)."""
LIST_BODY_BYTES_MAX = 1024 * 1024
"""Of a request with a list: several times what the longest list can need."""
BULK_BODY_BYTES_MAX = 8 * 1024 * 1024
"""Of a job with tens of thousands of items, each with some 160 bytes."""
SIGN_IN_BYTES_MAX = 4 * 1024
"""Of a request from somebody whom nobody knows yet."""
NESTING_MAX = 64  # objects and lists within one another
NAMES_MAX = 1_000  # of one object
NUMBER_CHARACTERS_MAX = 1_000  # written out, without an exponent


def dumps(value: Any) -> bytes:
    """UTF-8 JSON; models by their wire names."""
    return orjson.dumps(value, default=_write, option=orjson.OPT_PASSTHROUGH_DATETIME)


def canonical(value: Any) -> bytes:
    """The one spelling of all JSON texts that say the same.

    Blanks, the order of names, escapes and the way a number is written say nothing: 1, 1.0, 1.00
    and 1e0 are one number. A text says what it says: "1.0" is not "1.00".
    """
    return _spell(value).encode()


def _spell(value: Any) -> str:
    if isinstance(value, dict):
        pairs = [f"{_spell(name)}:{_spell(value[name])}" for name in sorted(value)]
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, list):
        return f"[{','.join(map(_spell, value))}]"
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        digits = f"{value:f}" if isinstance(value, Decimal) else str(value)
        shortest = digits.rstrip("0").rstrip(".") if "." in digits else digits
        return "0" if shortest == "-0" else shortest
    return json.dumps(value)


def known(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that there are: on the wire a missing one is left out, never null."""
    return {name: value for name, value in fields.items() if value is not None}


def loads(raw: bytes) -> Any:
    """The value of what we or an upstream wrote, fractions as exact Decimals.

    ValueError for anything that is no JSON. What a caller wrote is read by `read`.
    """
    try:
        return json.loads(raw, parse_float=Decimal, parse_constant=_refuse)
    except (RecursionError, InvalidOperation) as error:
        raise ValueError("the body is no JSON that can be read") from error


def read(raw: bytes) -> Any:
    """What a caller wrote: the one reading of a request's body, for the gateway and every service.

    RFC 8259 in UTF-8, each name once in its object, and bounded. Fractions are exact Decimals.

    Raises:
        ValueError: it is anything else; the text says what.

    """
    try:
        content = _READER.decode(raw.decode())
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    except json.JSONDecodeError:
        raise ValueError("not JSON") from None
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    # As many brackets as levels are needed: mostly there are fewer, and nothing is walked through.
    if raw.count(b"{") + raw.count(b"[") > NESTING_MAX and _is_deep(content):
        raise ValueError(_TOO_DEEP)
    return content


_TOO_DEEP = f"more than {NESTING_MAX} objects and lists within one another"


def _is_deep(content: Any) -> bool:
    level = [content]
    for _ in range(NESTING_MAX):
        within: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                within += value.values()
            elif isinstance(value, list):
                within += value
        level = within
    return any(isinstance(value, dict | list) for value in level)


def _read_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > NAMES_MAX:
        raise ValueError(f"an object of more than {NAMES_MAX} names")
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("a name comes twice in one object")
    return content


def _read_integer(text: str) -> int:
    if len(text) > NUMBER_CHARACTERS_MAX:
        raise ValueError(_TOO_LONG)
    return int(text)


def _read_fraction(text: str) -> Decimal:
    if len(text) > NUMBER_CHARACTERS_MAX:
        raise ValueError(_TOO_LONG)
    try:
        number = Decimal(text)
    except InvalidOperation:  # an exponent beyond all reason
        raise ValueError(_TOO_LONG) from None
    if abs(number.adjusted()) > NUMBER_CHARACTERS_MAX:
        raise ValueError(_TOO_LONG)
    return number


_TOO_LONG = f"a number of more than {NUMBER_CHARACTERS_MAX} characters"


def _write(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(number_text(value).encode())
    if isinstance(value, datetime):
        return format_instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, BaseModel):
        # The wire's own answers leave out what is None; ours show it as null.
        leave_out = getattr(value, "LEAVES_OUT_NULLS", False)
        return value.model_dump(by_alias=True, exclude_none=leave_out)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


_READER = json.JSONDecoder(
    object_pairs_hook=_read_object,
    parse_float=_read_fraction,
    parse_int=_read_integer,
    parse_constant=_refuse,
)
