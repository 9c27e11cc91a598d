"""Lines of an instance's parts stand under the instance, by a dated rule (decision 0177).

They keep what the part is itself, by which it was priced and discounts and vouchers are matched.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.copies import Resource
from billing.lines.models import BillLine

# What the part is itself, and what of the line says it where the part stands as itself.
OWN = {
    "sub_service_type_code": "service_type_code",
    "sub_service_type_name": "service_type_name",
    "sub_resource_type_code": "resource_type_code",
    "sub_resource_type_name": "resource_type_name",
    "sub_resource_id": "resource_id",
    "sub_resource_name": "resource_name",
}
# Where a line stands: what corrects or refunds it stands there, too.
PLACE = ("parent_resource_id", "root_resource_id", *OWN, *OWN.values())


@dataclass(frozen=True, slots=True)
class Main:
    """An instance."""

    resource_id: str
    resource_type_code: str
    resource_name: str | None


@dataclass(frozen=True, slots=True)
class Part:
    """What may belong to an instance; its root as the meter told it, if it did."""

    customer_id: str
    resource_id: str | None
    resource_type_code: str
    root_id: str | None = None
    root_type_code: str | None = None
    root_name: str | None = None


@dataclass(frozen=True, slots=True)
class RollUp:
    """A row of the file."""

    valid_from: datetime
    service_type_code: str
    service_type_name: str
    resource_type_code: str
    resource_type_name: str
    child_resource_type_codes: tuple[str, ...]


@cache
def roll_ups() -> tuple[RollUp, ...]:
    """The committed rows, the latest first."""
    told = tomllib.loads(files("billing.lines").joinpath("roll_ups.toml").read_text("utf-8"))
    rows = [
        RollUp(**{**row, "child_resource_type_codes": tuple(row["child_resource_type_codes"])})
        for row in told["roll_up"]
    ]
    return tuple(sorted(rows, key=lambda row: row.valid_from, reverse=True))


def rule_at(main_type: str, part_type: str, at: datetime) -> RollUp | None:
    """What holds for such a part of such an instance then; None: it stands as itself."""
    for row in roll_ups():
        if row.resource_type_code == main_type and row.valid_from <= at:
            return row if part_type in row.child_resource_type_codes else None
    return None


async def find_mains(session: AsyncSession, parts: Mapping[str, Part]) -> dict[str, Main]:
    """The instances of those that have one: as their meter told it, else as order did."""
    rolled = {one for row in roll_ups() for one in row.child_resource_type_codes}
    wanted = {key: one for key, one in parts.items() if one.resource_type_code in rolled}
    unknown = {one.resource_id for one in wanted.values() if not one.root_id and one.resource_id}
    attached = await _resources(session, unknown)
    roots: dict[str, str] = {}
    for key, one in wanted.items():
        own = attached.get((one.customer_id, one.resource_id or ""))
        root = one.root_id or (own.main_resource_id if own else None)
        if root and root != one.resource_id:
            roots[key] = root
    known = await _resources(session, {roots[key] for key in roots if not _is_told(wanted[key])})
    mains: dict[str, Main] = {}
    for key, root in roots.items():
        one, main = wanted[key], known.get((wanted[key].customer_id, root))
        if one.root_type_code and one.root_id:
            mains[key] = Main(root, one.root_type_code, one.root_name)
        elif main is not None:
            mains[key] = Main(root, main.resource_type_code, one.root_name or main.resource_name)
    return mains


def _is_told(part: Part) -> bool:
    return bool(part.root_id and part.root_type_code)


async def _resources(session: AsyncSession, ids: set[str]) -> dict[tuple[str, str], Resource]:
    if not ids:
        return {}
    found = await session.scalars(select(Resource).where(Resource.resource_id.in_(ids)))
    return {(one.customer_id, one.resource_id): one for one in found}


def rolled_up(values: Mapping[str, Any], main: Main | None) -> dict[str, Any]:
    """The line's values, below its instance where the rule of its trade time says so."""
    rule = None
    if main is not None:
        rule = rule_at(main.resource_type_code, values["resource_type_code"], values["trade_time"])
    if main is None or rule is None:
        return {**dict.fromkeys(OWN), **values}
    return {
        **values,
        **{own: values[shown] for own, shown in OWN.items()},
        "service_type_code": rule.service_type_code,
        "service_type_name": rule.service_type_name,
        "resource_type_code": rule.resource_type_code,
        "resource_type_name": rule.resource_type_name,
        "resource_id": main.resource_id,
        "resource_name": main.resource_name,
        "parent_resource_id": values.get("parent_resource_id") or main.resource_id,
        "root_resource_id": main.resource_id,
        "reckoned": {**(values.get("reckoned") or {}), "rolled_up": rule.valid_from.isoformat()},
    }


def stand_like(line: BillLine, other: BillLine) -> None:
    """What takes back, or goes on with, another line stands where that one does."""
    for name in PLACE:
        setattr(line, name, getattr(other, name))
    if since := (other.reckoned or {}).get("rolled_up"):
        line.reckoned = {**(line.reckoned or {}), "rolled_up": since}
