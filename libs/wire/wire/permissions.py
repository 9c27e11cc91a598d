"""What an operator account needs for each operation: the vendor's and our own, in one table.

Source: permissions.json, by the SDK's method name or, for sign-in and credentials, by method and
path; native_routes.toml for our own routes (`operators`). A
row is a list of items, of which any one suffices (an empty list: none is needed), "administrator"
(of the partner) or "nobody" (no operator account may call it, whatever its role). An operation in
no row is the administrator's.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Literal

from wire.native_routes import native_routes

ADMINISTRATOR, NOBODY = "administrator", "nobody"
OPS_CONSOLE_ITEM = "CHB_ITEM_OPS_CONSOLE"  # sees the ops console
OPS_DECIDE_ITEM = "CHB_ITEM_OPS_DECIDE"  # decides in it
# The console shows every partner's events, so the platform's administrator alone gives these.
PLATFORM_ITEMS = frozenset({OPS_CONSOLE_ITEM, OPS_DECIDE_ITEM})

Need = frozenset[str] | Literal["administrator", "nobody"]


def operator_may(name: str, role: str | None, items: frozenset[str]) -> bool:
    """Whether an operator with that role and these items may call the operation."""
    need = needs().get(name, ADMINISTRATOR)
    if need == NOBODY:
        return False
    if role == ADMINISTRATOR:
        return True
    return not isinstance(need, str) and (not need or not need.isdisjoint(items))


@cache
def needs() -> Mapping[str, Need]:
    """What each operation needs, by its name."""
    needed = {name: _need(row) for name, row in _read()["operations"].items()}
    own = {name: _need(route.operators) for name, route in native_routes().items()}
    return MappingProxyType({**needed, **own})


@cache
def items() -> frozenset[str]:
    """Every item that an operator may be given: ours, and the vendor's that some row names."""
    named = {item for need in needs().values() if not isinstance(need, str) for item in need}
    return frozenset(named | _read()["items"].keys())


def _need(row: Sequence[str] | str) -> Need:
    if not isinstance(row, str):
        return frozenset(row)
    if row == ADMINISTRATOR:
        return "administrator"
    assert row == NOBODY, row
    return "nobody"


@cache
def _read() -> Mapping[str, Mapping[str, list[str] | str]]:
    text = files("wire").joinpath("permissions.json").read_text("utf-8")
    table: Mapping[str, Mapping[str, list[str] | str]] = json.loads(text)
    return table
