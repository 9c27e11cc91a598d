"""What these tests are built from."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from wire.operations import Field, Operation, operation

REFERENCE = Path(__file__).parent / "operations.json"


@cache
def reference() -> list[dict[str, Any]]:
    """The vendor's operations as the reference has them."""
    rows: list[dict[str, Any]] = json.loads(REFERENCE.read_text("utf-8"))["operations"]
    return rows


def good_value(field: Field) -> Any:
    """A value the field takes."""
    if field.many:
        return [_good_item(field)] * max(field.items_min, 1)
    return _good_item(field)


def _good_item(field: Field) -> Any:
    if field.type == "object":
        return {part.name: good_value(part) for part in field.fields}
    if field.amount:
        return "12.30" if field.type == "str" else 12.3
    if field.choices:
        return field.choices[0] if field.type == "str" else int(field.choices[0])
    if field.type == "str":
        return _good_text(field)
    return True if field.type == "bool" else int(field.min or 1)


def _good_text(field: Field) -> str:
    formats = {"instant": "2026-11-23T03:00:00Z", "cycle": "2026-11", "day": "2026-11-23"}
    if field.format:
        return formats[field.format]
    if field.enum:
        return field.enum[0]
    if field.name == "password":
        return "Geheim#2026"
    for text in ("YES", "REVENUE", "ADJUST", "BALANCE_TYPE_DEBIT", "BALANCE_TYPE_COUPON"):
        if field.pattern and text in field.pattern:
            return text
    return "a" * max(field.min_length or 1, 1)


def good_body(name: str) -> dict[str, Any]:
    """A body the operation takes, with every field in it."""
    return {field.name: good_value(field) for field in operation(name).body or ()}


def good_query(one: Operation) -> dict[str, list[str]]:
    """A query the operation takes, with every field in it."""
    query = {}
    for field in one.query:
        value = good_value(field)
        texts = value if isinstance(value, list) else [value]
        query[field.name] = [str(text).lower() if text is True else str(text) for text in texts]
    return query


def good_path(one: Operation) -> dict[str, str]:
    """Path parameters the operation takes."""
    return {field.name: "CS26112300001" for field in one.path_fields}
