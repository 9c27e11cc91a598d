"""Is an answer what the vendor's reference says, and did the SDK keep all of it?"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

# How a value stands in JSON, by its type in the SDK's model. A fraction without its point would
# reach the SDK's user as an int (docs/domain/money-and-time.md E).
_ON_THE_WIRE = {"str": str, "int": int, "float": Decimal, "decimal.Decimal": Decimal, "bool": bool}


def unlike(raw: dict[str, Any], fields: list[dict[str, Any]], where: str = "") -> Iterator[str]:
    """What the answer has otherwise than the schema; `raw` with fractions as Decimal."""
    known = {field["json"]: field for field in fields}
    for name in raw.keys() - known.keys():
        yield f"{where}{name} is not in the schema: the SDK drops it"
    for name, field in known.items():
        if name in raw:
            yield from _value(raw[name], field, where + name)
        elif field["required"]:
            yield f"{where}{name} is missing"


def _value(value: Any, field: dict[str, Any], where: str) -> Iterator[str]:
    if field["type"].startswith("list["):
        inner = {**field, "type": field["type"][5:-1]}
        if not isinstance(value, list):
            yield f"{where} is no list: {value!r}"
            return
        for index, item in enumerate(value):
            yield from _value(item, inner, f"{where}[{index}]")
    elif "schema" in field:
        if not isinstance(value, dict):
            yield f"{where} is no object: {value!r}"
            return
        yield from unlike(value, field["schema"]["fields"], f"{where}.")
    elif type(value) is not _ON_THE_WIRE[field["type"]]:
        yield f"{where} is {value!r}, not {field['type']}"


def lost(model: Any, raw: Any, where: str = "") -> Iterator[str]:
    """What stands in the JSON and not, or otherwise, in what the SDK made of it."""
    if isinstance(raw, dict):
        for attribute, name in model.attribute_map.items():
            if name in raw:
                yield from lost(getattr(model, attribute), raw[name], f"{where}.{name}")
    elif isinstance(raw, list):
        if len(model) != len(raw):
            yield f"{where} has {len(model)} of {len(raw)}"
        for index, (one, other) in enumerate(zip(model, raw, strict=False)):
            yield from lost(one, other, f"{where}[{index}]")
    elif isinstance(model, float) and isinstance(raw, Decimal):
        if model != float(raw):
            yield f"{where}: {model!r} for {raw!r}"
    elif type(model) is not type(raw) or model != raw:
        yield f"{where}: {model!r} for {raw!r}"
