"""Our own routes below /api: who answers, who may call, what is answered (native_routes.toml)."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from wire.callers import ADMINISTRATOR, CUSTOMER, PARTNER_KINDS
from wire.json import BODY_BYTES_MAX, BULK_BODY_BYTES_MAX, LIST_BODY_BYTES_MAX

_WHO = {"partner": PARTNER_KINDS, "customer": CUSTOMER, "administrator": ADMINISTRATOR}


@dataclass(frozen=True, slots=True)
class NativeRoute:
    """A row of the table; its comment says what the columns mean."""

    method: str
    path: str
    service: str
    who: tuple[str, ...]
    operators: tuple[str, ...] | str
    connected: bool
    answers: int
    list_body: bool = False
    bulk_body: bool = False
    password: bool = False
    file: bool = False

    @property
    def name(self) -> str:
        """`POST /api/orders`, as metrics, limits and permissions have it."""
        return f"{self.method} {self.path}"

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of principals that may call it."""
        return frozenset().union(*(_WHO[one] for one in self.who))

    @property
    def body_bytes_max(self) -> int:
        """The largest body it takes."""
        if self.bulk_body:
            return BULK_BODY_BYTES_MAX
        return LIST_BODY_BYTES_MAX if self.list_body else BODY_BYTES_MAX

    @property
    def segments(self) -> tuple[str, ...]:
        """The path's parts; a parameter is in braces."""
        return tuple(self.path.split("/"))


@cache
def native_routes() -> Mapping[str, NativeRoute]:
    """Every route by its name, in the order of the table."""
    text = files("wire").joinpath("native_routes.toml").read_text("utf-8")
    return MappingProxyType({name: _route(name, row) for name, row in tomllib.loads(text).items()})


def _route(name: str, row: dict[str, Any]) -> NativeRoute:
    method, path = name.split(" ")
    needed = row.pop("operators")
    operators = needed if isinstance(needed, str) else tuple(needed)
    return NativeRoute(method, path, who=tuple(row.pop("who")), operators=operators, **row)


def match_native(method: str, raw_path: str) -> NativeRoute | None:
    """The route of a raw path; a literal segment goes before a parameter."""
    return next((route for route in routes_of(raw_path) if route.method == method), None)


def routes_of(raw_path: str) -> list[NativeRoute]:
    """The routes that take the path, whatever their methods."""
    segments = raw_path.split("/")
    return [route for route in _of_length(len(segments)) if _fits(route.segments, segments)]


def rows_of_door(method: str, template: str) -> list[NativeRoute]:
    """The rows that a service's door answers: its own, or those that its last parameter stands for.

    `/api/authorizations/{authorization_id}/{decision}` answers three of them.
    """
    own = native_routes().get(f"{method} {template}")
    if own is not None:
        return [own]
    parts = template.split("/")
    return [
        route
        for route in _of_length(len(parts))
        if route.method == method
        and all(a == b or a[:1] == "{" for a, b in zip(parts, route.segments, strict=True))
    ]


@cache
def _of_length(segments: int) -> tuple[NativeRoute, ...]:
    """Literal paths first, so that `/api/orders/batch` is no order's id."""
    known = [route for route in native_routes().values() if len(route.segments) == segments]
    return tuple(sorted(known, key=lambda route: "{" in route.path))


def _fits(template: tuple[str, ...], segments: list[str]) -> bool:
    return all(
        bool(got) if expected.startswith("{") else expected == got
        for expected, got in zip(template, segments, strict=True)
    )
