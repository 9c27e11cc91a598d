"""The operations of the vendor's API, as data: what drives routing, authentication, limits, checks.

Source: operations.json, made by `wire.generate` (docs/domain/operations.md C,
docs/domain/international-site.md D.4b). Nothing is read at import.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal

from wire.json import BODY_BYTES_MAX, LIST_BODY_BYTES_MAX

CHINA = "china"
INTERNATIONAL = "international"
TABLE_SIZE = 92  # operations of the vendor's reference


class Auth(StrEnum):
    """Who may call (docs/domain/operations.md C)."""

    P = "P"  # partner: solution provider or tier-1 distributor
    D = "D"  # tier-1 distributor
    C = "C"  # customer; a partner exchanges its token first
    C_STAR = "C*"  # customer's token obtained by the partner, or customer
    P_OR_C = "P|C"
    E = "E"  # enterprise master


class Paging(StrEnum):
    """How a list is cut into pages."""

    NONE = "none"
    OFFSET = "offset"
    MARKER = "marker"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a body or, as `Param`, of path or query, with what it must satisfy.

    Lengths are characters. `blank` says what an empty string means: `absent` (not given),
    `refused` (CBC.0100) or `value` (a real filter or value), per field as in the SDK's texts.
    """

    name: str
    type: Literal["str", "int", "bool", "decimal", "object"]
    required: bool
    many: bool = False
    min_length: int | None = None
    max_length: int | None = None
    min: Decimal | None = None
    max: Decimal | None = None
    pattern: str | None = None
    enum: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    """Ours, from the SDK's field texts: the values there are, as texts; others are CBC.0101."""
    items_min: int = 0
    items_max: int | None = None
    amount: bool = False
    """More than 0, at most 2 decimals (docs/domain/money-and-time.md E)."""
    format: Literal["instant", "cycle", "day"] | None = None
    blank: Literal["absent", "refused", "value"] = "absent"
    fields: tuple["Field", ...] = ()


@dataclass(frozen=True, slots=True)
class Param:
    """A field outside the body."""

    place: Literal["query", "path"]
    field: Field

    @property
    def name(self) -> str:
        """Its name on the wire."""
        return self.field.name

    @property
    def required(self) -> bool:
        """Whether a request without it is refused."""
        return self.field.required


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation; `method_name` is the official SDK's, e.g. `list_sub_customers`."""

    method_name: str
    operation: str
    http_method: str
    path: str
    service: str
    auth: Auth
    sites: frozenset[str]
    origin: Literal["table", "older path", "international"]
    success_status: int
    command: bool
    """Changes state."""
    moves_value: bool
    """A POST that moves money or coupons: a repeated signature is refused.

    See docs/domain/wire-protocol.md D.4a.7.
    """
    rate_limit_per_second: int
    language: bool
    """Takes X-Language."""
    permission: str | None
    """The item an operator account needs, alternatives joined by `|`, or a sentence."""
    paging: Paging
    limit_min: int | None
    limit_default: int | None
    limit_max: int | None
    offset_max: int | None
    offset_needs_limit: bool
    list_keys: tuple[str, ...]
    total_key: str | None
    params: tuple[Param, ...]
    body: tuple[Field, ...] | None
    """None: takes no body. Fields in wire order otherwise."""
    error_codes: Mapping[int, tuple[str, ...]]
    partial_success: bool
    partial_codes: tuple[str, ...]
    """Codes that stand in `error_details` of a 200 answer."""

    @property
    def query(self) -> tuple[Field, ...]:
        """The query's fields."""
        return tuple(p.field for p in self.params if p.place == "query")

    @property
    def path_fields(self) -> tuple[Field, ...]:
        """The path's fields."""
        return tuple(p.field for p in self.params if p.place == "path")

    @property
    def body_bytes_max(self) -> int:
        """How much a request may bring: little, unless it holds a list."""
        return LIST_BODY_BYTES_MAX if _has_list(self.body or ()) else BODY_BYTES_MAX

    @property
    def fields(self) -> tuple[Field, ...]:
        """The outermost fields of path, query and body."""
        return tuple(p.field for p in self.params) + (self.body or ())


def _has_list(fields: tuple[Field, ...]) -> bool:
    return any(field.many or _has_list(field.fields) for field in fields)


OPERATIONS: Mapping[str, Operation]


def operations(site: str = CHINA) -> Mapping[str, Operation]:
    """The vendor's operations of the site by method name: 92 on the China site, 47 abroad."""
    return _by_site()[site]


def operation(method_name: str, site: str = CHINA) -> Operation:
    """One operation as the site speaks it, older paths included; KeyError when there is none."""
    known = everything(site)
    return known[method_name]


@cache
def everything(site: str = CHINA) -> Mapping[str, Operation]:
    """What is routed for the site: `operations(site)` and the older paths."""
    older = {n: o for n, (o, _) in _table().items() if o.origin == "older path"}
    return MappingProxyType({**operations(site), **older})


def __getattr__(name: str) -> Any:
    if name == "OPERATIONS":
        return operations()
    raise AttributeError(name)


@cache
def _by_site() -> Mapping[str, Mapping[str, Operation]]:
    china, abroad = {}, {}
    for name, (here, there) in _table().items():
        if here.origin == "older path":
            continue
        if CHINA in here.sites:
            china[name] = here
        if INTERNATIONAL in here.sites:
            abroad[name] = there
    return {CHINA: MappingProxyType(china), INTERNATIONAL: MappingProxyType(abroad)}


@cache
def _table() -> Mapping[str, tuple[Operation, Operation]]:
    text = files("wire").joinpath("operations.json").read_text("utf-8")
    rows = json.loads(text, parse_float=Decimal)["operations"]
    return {row["method_name"]: _both_sites(row) for row in rows}


def _both_sites(row: dict[str, Any]) -> tuple[Operation, Operation]:
    difference = row.pop("international")
    body = row["body"]
    params = tuple(Param(p.pop("in"), _field(p)) for p in row["params"])
    here = Operation(
        **{
            **row,
            "auth": Auth(row["auth"]),
            "paging": Paging(row["paging"]),
            "sites": frozenset(row["sites"]),
            "list_keys": tuple(row["list_keys"]),
            "error_codes": {int(k): tuple(v) for k, v in row["error_codes"].items()},
            "partial_codes": tuple(row["partial_codes"]),
            "params": params,
            "body": None if body is None else tuple(_field(field) for field in body),
        }
    )
    return here, here if difference is None else _abroad(here, difference)


def _abroad(here: Operation, difference: dict[str, Any]) -> Operation:
    """The operation as the international SDK sends it (docs/domain/international-site.md D.4b)."""
    gone, choices = difference["without"], difference["choices"]

    def abroad(field: Field) -> Field:
        return replace(field, choices=tuple(choices.get(field.name, field.choices)))

    params = tuple(replace(p, field=abroad(p.field)) for p in here.params if p.name not in gone)
    if here.body is None:
        return replace(here, params=params)
    kept = tuple(abroad(f) for f in here.body if f.name not in gone)
    return replace(here, params=params, body=kept + tuple(_field(f) for f in difference["with"]))


def _field(row: dict[str, Any]) -> Field:
    inner = tuple(_field(part) for part in row.pop("fields", ()))
    for texts in ("enum", "choices"):
        row[texts] = tuple(row.get(texts, ()))
    for bound in ("min", "max"):
        if bound in row:
            row[bound] = Decimal(row[bound])
    return Field(**row, fields=inner)
