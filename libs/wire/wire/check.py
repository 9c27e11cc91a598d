"""Is a request what the table says? One check for every operation.

See docs/domain/operations.md C, docs/domain/wire-protocol.md D.4a.4, D.5,
docs/domain/money-and-time.md E.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

from wire.breach import MALFORMED, NO_SUCH_VALUE, Breach, BreachError
from wire.money import AMOUNT_MAX, read_amount, read_number
from wire.operations import Field, Operation
from wire.times import parse_cycle, parse_day, parse_instant

__all__ = [
    "Breach",
    "BreachError",
    "breaches_of_body",
    "check",
    "check_body",
    "check_path",
    "check_query",
]

_PATTERNS_MAX = 64
_ENUMERATION = re.compile(r"\^\(\?:[\w|-]+\)\$")
_is_integer = re.compile(r"-?\d{1,18}", re.ASCII).fullmatch
_is_unset = re.compile(r"\{\w+\}").fullmatch  # the SDK's placeholder for a parameter not set
_FORMATS = {"instant": parse_instant, "cycle": parse_cycle, "day": parse_day}


def check(
    operation: Operation,
    query: Mapping[str, Sequence[str]],
    body: Any,
    path_params: Mapping[str, str] | None = None,
) -> list[Breach]:
    """What is wrong with the request, in the table's order; empty when nothing is.

    Fields that the table does not know are ignored. No body and an empty one are the same.
    """
    found = [*check_path(operation, path_params or {}), *check_query(operation, query)]
    return found + check_body(operation, body)


def check_query(operation: Operation, query: Mapping[str, Sequence[str]]) -> list[Breach]:
    """The query's breaches; values are percent-decoded texts."""
    found: list[Breach] = []
    for field in operation.query:
        found += _query_field(field, query.get(field.name, ()))
    given = {name for name, values in query.items() if any(values)}
    return found + _lone_offset(operation, given)


def check_body(operation: Operation, body: Any) -> list[Breach]:
    """The body's breaches; numbers may be int, float or Decimal."""
    return list(breaches_of_body(operation, body))


def breaches_of_body(operation: Operation, body: Any) -> Iterator[Breach]:
    """The same one by one: who refuses the first looks at nothing behind it."""
    if operation.body is None:
        return
    if body is None:
        body = {}
    if not isinstance(body, dict):
        yield Breach("body", MALFORMED, "not an object")
        return
    yield from _object(operation.body, body, "")


def check_path(operation: Operation, given: Mapping[str, str]) -> list[Breach]:
    """The path's breaches; values are percent-decoded texts.

    A slash or a path's own dots would be another path for the next reader.
    """
    return list(_path(operation, given))


def _path(operation: Operation, given: Mapping[str, str]) -> Iterator[Breach]:
    for field in operation.path_fields:
        value = given.get(field.name)
        if value is None or _is_unset(value):
            yield Breach(field.name, MALFORMED, "missing")
        elif "/" in value or value in (".", ".."):
            yield Breach(field.name, MALFORMED, "malformed")
        else:
            yield from _value(field, value, field.name)


def _query_field(field: Field, values: Sequence[str]) -> Iterator[Breach]:
    if field.many:
        sent = [value for value in values if value != ""]
        yield from _value(field, [_from_text(field, v) for v in sent] or None, field.name)
    elif len(values) > 1:
        yield Breach(field.name, MALFORMED, "given more than once")
    else:
        text = values[0] if values else None
        yield from _value(field, text and _from_text(field, text), field.name)


def _from_text(field: Field, text: str) -> Any:
    """A query's text as the value it stands for; left as it is when it stands for none."""
    if field.type == "int" and _is_integer(text):
        return int(text)
    if field.type == "bool" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    return text


def _lone_offset(operation: Operation, given: set[str]) -> list[Breach]:
    if operation.offset_needs_limit and "offset" in given and "limit" not in given:
        return [Breach("limit", MALFORMED, "offset goes only together with limit")]
    return []


def _object(fields: tuple[Field, ...], value: dict[str, Any], prefix: str) -> Iterator[Breach]:
    for field in fields:
        yield from _value(field, value.get(field.name), prefix + field.name)


def _value(field: Field, value: Any, name: str) -> Iterator[Breach]:
    if value is None:
        if field.required:
            yield Breach(name, MALFORMED, "missing")
    elif isinstance(value, str) and value == "":
        yield from _blank(field, name)
    elif field.many:
        yield from _list(field, value, name)
    else:
        yield from _single(field, value, name)


def _blank(field: Field, name: str) -> Iterator[Breach]:
    if field.blank == "refused" or (field.required and field.blank != "value"):
        yield Breach(name, MALFORMED, "empty")


def _list(field: Field, value: Any, name: str) -> Iterator[Breach]:
    if not isinstance(value, list):
        yield Breach(name, MALFORMED, "not a list")
        return
    if len(value) < field.items_min or (field.items_max and len(value) > field.items_max):
        yield Breach(name, MALFORMED, "too few or too many items")
        return
    for index, item in enumerate(value):
        if item is None or item == "":
            yield Breach(f"{name}[{index}]", MALFORMED, "empty")
        else:
            yield from _single(field, item, f"{name}[{index}]")


def _single(field: Field, value: Any, name: str) -> Iterator[Breach]:
    if field.type == "object":
        if isinstance(value, dict):
            yield from _object(field.fields, value, f"{name}.")
        else:
            yield Breach(name, MALFORMED, "not an object")
        return
    try:
        _CHECKS["amount" if field.amount else field.type](field, value)
        if field.choices and str(value) not in field.choices:
            raise _NoSuchValueError
    except _NoSuchValueError:
        yield Breach(name, NO_SUCH_VALUE, "no such value")
    except ValueError as error:
        yield Breach(name, MALFORMED, str(error))


class _NoSuchValueError(ValueError):
    pass


def _check_text(field: Field, value: Any) -> None:
    if not isinstance(value, str):
        raise ValueError("not a text")
    if not _storable(value):
        raise ValueError("characters that no text may hold")
    if len(value) < (field.min_length or 0):
        raise ValueError("too short")
    if field.max_length is not None and len(value) > field.max_length:
        raise ValueError("too long")
    if field.format is not None:
        _FORMATS[field.format](value)
    if field.enum and value not in field.enum:
        raise _NoSuchValueError
    if field.pattern is not None and not _compiled(field.pattern).fullmatch(value):
        raise (
            _NoSuchValueError if _ENUMERATION.fullmatch(field.pattern) else ValueError("malformed")
        )


def _storable(text: str) -> bool:
    """No NUL, which PostgreSQL refuses, and no half of a surrogate pair, which UTF-8 refuses."""
    return (text.isascii() and "\0" not in text) or not _UNSTORABLE.search(text)


_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def _check_int(field: Field, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("not an integer")
    _check_bounds(field, value)


def _check_decimal(field: Field, value: Any) -> None:
    _check_bounds(field, read_number(value))


def _check_bounds(field: Field, value: int | Decimal) -> None:
    if field.min is not None and value < field.min:
        raise ValueError(f"less than {field.min}")
    if field.max is not None and value > field.max:
        raise ValueError(f"more than {field.max}")


def _check_amount(field: Field, value: Any) -> None:
    read_amount(value, field.max or AMOUNT_MAX)


def _check_bool(_field: Field, value: Any) -> None:
    if not isinstance(value, bool):
        raise ValueError("neither true nor false")


_CHECKS = {
    "str": _check_text,
    "int": _check_int,
    "decimal": _check_decimal,
    "amount": _check_amount,
    "bool": _check_bool,
}


@lru_cache(_PATTERNS_MAX)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)
