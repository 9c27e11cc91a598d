"""Field types and base models for what services read from the wire and answer to it.

A request model says its types; with `operation="…"` the table checks the rest before pydantic looks
(docs/domain/wire-protocol.md D.4a.4, docs/domain/money-and-time.md E). Breaches become CBC.0100 or
CBC.0101 by `error_of`.

    class ListCustomers(WireRequest, operation="list_sub_customers"):
        account_name: str | None = None
        associated_on_begin: Instant | None = None
        limit: int = 10
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from wire.breach import MALFORMED, NO_SUCH_VALUE, Breach
from wire.check import breaches_of_body, check_query
from wire.fields import (
    Amount,
    AmountRule,
    BeijingDate,
    Cycle,
    DecimalText,
    Figure,
    FloatNumber,
    Id,
    Instant,
    NativeInstant,
    Number,
    PathId,
    SignedAmount,
)
from wire.json import dumps
from wire.money import cut, number_text, read_amount
from wire.operations import CHINA, Field, Operation, operation
from wire.times import (
    BEIJING,
    beijing_day,
    cycle_bounds,
    cycle_of,
    format_instant,
    parse_instant,
)

__all__ = [
    "BEIJING",
    "Amount",
    "AmountRule",
    "BeijingDate",
    "Cycle",
    "DecimalText",
    "Figure",
    "FloatNumber",
    "Id",
    "Instant",
    "NativeInstant",
    "Number",
    "PathId",
    "SignedAmount",
    "WireAnswer",
    "WireQuery",
    "WireRequest",
    "beijing_day",
    "cut",
    "cycle_bounds",
    "cycle_of",
    "error_of",
    "format_instant",
    "number_text",
    "parse_instant",
    "read_amount",
]

_BREACH = "wire_breach"


class _WireInput(BaseModel):
    """What requests and queries share: unknown fields ignored, nulls not given, the table asked."""

    model_config = ConfigDict(
        extra="ignore", frozen=True, populate_by_name=True, regex_engine="python-re"
    )
    _operation: ClassVar[tuple[str, str] | None] = None

    def __init_subclass__(
        cls, operation: str | None = None, site: str = CHINA, **config: Any
    ) -> None:
        """`operation` names the row of the table that checks this model."""
        super().__init_subclass__(**config)
        if operation is not None:
            cls._operation = (operation, site)

    @classmethod
    def _row(cls) -> Operation | None:
        return None if cls._operation is None else operation(*cls._operation)


class WireRequest(_WireInput):
    """A JSON body. Types are strict: a bool is no number, a text is none, a number is no text.

    Code fields are `Literal`s (a wrong one is CBC.0101); money is `Amount`. The SDK sends no
    bytes for an empty request: where nothing is required, give the door's parameter a default.
    """

    model_config = ConfigDict(strict=True)

    @model_validator(mode="before")
    @classmethod
    def _check(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        row = cls._row()
        if row is None:
            _refuse_unstorable(data)
            _refuse(cls._bools_for_choices(data))
            return {name: value for name, value in data.items() if value is not None}
        _refuse(breaches_of_body(row, data))
        return _without_blanks(data, row.body or ())

    @classmethod
    def _bools_for_choices(cls, data: Mapping[str, Any]) -> list[Breach]:
        """`true` where a `Literal` of integers stands: Python holds it for 1, the wire does not."""
        bools = [name for name, value in data.items() if isinstance(value, bool)]
        return [
            Breach(name, MALFORMED, "a bool is not a number")
            for name, field in cls.model_fields.items()
            if (field.alias or name) in bools and "Literal[" in str(field.annotation)
        ]


class WireQuery(_WireInput):
    """The query of a GET or DELETE, every value a text; an empty one is not given.

    With `operation=…`, an empty text is what the table says of that field.
    """

    @model_validator(mode="before")
    @classmethod
    def _check(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        row = cls._row()
        if row is None:
            _refuse_unstorable(data)
            _refuse(cls._misspelt(data))
            return {name: value for name, value in data.items() if value is not None}
        texts = {name: _texts(value) for name, value in data.items() if value is not None}
        _refuse(check_query(row, texts))
        return _without_blanks(data, row.query)

    @classmethod
    def _misspelt(cls, data: Mapping[str, Any]) -> list[Breach]:
        """Integers that pydantic would take and the wire does not speak: `1_0`, ` 10`, `10.0`."""
        return [
            Breach(name, MALFORMED, "not an integer")
            for name, field in cls.model_fields.items()
            if field.annotation in (int, int | None)
            and isinstance(text := data.get(field.alias or name), str)
            and not (text == "" or _is_integer(text))
        ]


class NativeQuery(WireQuery):
    """The query of one of our own paths; what it does not know and what is empty is refused.

    `chassis.routes` looks at the names and at empty values, for routes without such a model, too.
    """

    model_config = ConfigDict(extra="forbid")


class WireAnswer(BaseModel):
    """An answer's body; what is None is left out. `""` never stands for a missing number."""

    model_config = ConfigDict(
        extra="forbid", populate_by_name=True, serialize_by_alias=True, strict=True
    )
    LEAVES_OUT_NULLS: ClassVar[bool] = True

    def to_json(self) -> bytes:
        """The bytes to send."""
        return dumps(self)


_is_integer = re.compile(r"-?\d{1,18}", re.ASCII).fullmatch
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def _texts(value: Any) -> Sequence[str]:
    values = value if isinstance(value, list) else [value]
    return [_text(item) for item in values]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _refuse(breaches: Iterable[Breach]) -> None:
    first = next(iter(breaches), None)
    if first is None:
        return
    context = {"field": first.field, "code": first.code, "reason": first.reason}
    raise PydanticCustomError(_BREACH, "{reason}", context)


def _refuse_unstorable(data: Mapping[str, Any]) -> None:
    for name, value in data.items():
        texts = value if isinstance(value, list) else (value,)
        if any(isinstance(text, str) and _UNSTORABLE.search(text) for text in texts):
            _refuse([Breach(name, MALFORMED, "characters that no text may hold")])


def _without_blanks(data: Mapping[str, Any], fields: Iterable[Field]) -> dict[str, Any]:
    """The data without nulls and without the empty texts that mean nothing was given."""
    kept = {field.name for field in fields if field.blank == "value"}
    return {
        name: value
        for name, value in data.items()
        if value is not None and (name in kept or value not in ("", [""]))
    }


_ENUM_ERRORS = ("literal_error", "enum")
_NAME = re.compile(r"[A-Za-z_][\w-]{0,63}").fullmatch
_PLACES = ("body", "query", "path", "header")


def error_of(errors: Sequence[Any]) -> tuple[Literal["CBC.0100", "CBC.0101"], str]:
    """Code and field, by its wire name, of the first error of a pydantic or FastAPI list.

    A well-formed value that does not exist is CBC.0101, everything else CBC.0100 (decision 0019).
    """
    first = errors[0]
    context = first.get("ctx") or {}
    inner = context.get("field") if first["type"] == _BREACH else None
    location = () if first["type"] == "json_invalid" else tuple(first["loc"])
    field = _field_name(location, inner)
    if first["type"] == _BREACH:
        unknown = context["code"] == NO_SUCH_VALUE
    else:
        unknown = _is_unknown_value(first)
    return ("CBC.0101" if unknown else "CBC.0100"), field


def _is_unknown_value(error: Mapping[str, Any]) -> bool:
    """A wrong choice, but of the right kind: a text among texts, a number among numbers."""
    if error["type"] not in _ENUM_ERRORS:
        return False
    value = error.get("input")
    texts = "'" in str((error.get("ctx") or {}).get("expected", "'"))
    if isinstance(value, str):
        return texts and value != ""
    return isinstance(value, int) and not isinstance(value, bool) and not texts


def _field_name(location: Sequence[str | int], inner: str | None) -> str:
    if location and location[0] in _PLACES:
        place, location = str(location[0]), location[1:]
    else:
        place = "body"
    name = ""
    for part in (*location, *([inner] if inner else [])):
        if isinstance(part, int):
            name += f"[{part}]"
        elif part == inner or _NAME(part):
            name += f".{part}" if name else part
    return name or place
