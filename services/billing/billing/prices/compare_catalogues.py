"""What another catalogue would change, row by row, and which of it is already history."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from billing.prices.catalogue import Catalogue
from billing.prices.catalogue_faults import Place
from billing.prices.products import Product

ADDED, CHANGED, REMOVED = "+", "~", "-"


@dataclass(frozen=True, slots=True)
class Change:
    """One row that is another one; `place` is that in the new file, of a removed one none.

    `rewrites`: it held already, so that lines of the past were priced by what it was, or would now
    be priced anew when their use comes late.
    """

    sign: str
    what: str
    told: str
    place: Place | None
    rewrites: bool


@dataclass(frozen=True, slots=True)
class _Listed:
    row: Any
    place: Place
    since: datetime | None = None  # of what is dated
    says_price: bool = False  # what has no date, but makes prices of any time


def compare_catalogues(old: Catalogue, new: Catalogue, now: datetime) -> list[Change]:
    """Kind by kind, in the order of keys."""
    changes: list[Change] = []
    before, after = dict(_rows(old)), dict(_rows(new))
    for key in sorted(before.keys() | after.keys()):
        was, then = before.get(key), after.get(key)
        if was is None and then is not None:
            held = then.since is not None and then.since <= now
            # A product that was not sold yet rewrites nothing, whatever date its prices have.
            is_new = key[0].startswith("products ") and ("products", key[1]) not in before
            rewrites = held and not is_new
            told = _told(then.row)
            changes.append(Change(ADDED, " ".join(key), told, then.place, rewrites))
        elif was is not None and then is None:
            rewrites = was.says_price or (was.since is not None and was.since <= now)
            changes.append(Change(REMOVED, " ".join(key), _told(was.row), None, rewrites))
        elif was is not None and then is not None and was.row != then.row:
            names = _changed(was.row, then.row)
            told = "; ".join(f"{one}: {a} -> {b}" for one, (a, b) in names.items())
            dated = was.since is not None and was.since <= now
            rewrites = dated or (was.says_price and bool(names.keys() & _REWRITING))
            changes.append(Change(CHANGED, " ".join(key), told, then.place, rewrites))
    return changes


# Of rows without a date: what makes a price of the past another one.
_REWRITING = {
    "size_measure_id", "usage_factor", "usage_measure_id", "ratio", "service_type_code",
    "resource_type_code", "resource_spec_code",
}  # fmt: skip


def _rows(catalogue: Catalogue) -> Iterator[tuple[tuple[str, ...], _Listed]]:
    key: tuple[str, ...]
    for number, region in enumerate(catalogue.regions):
        yield ("regions", region.code), _Listed(region, ("regions", number))
    for number, service in enumerate(catalogue.service_types):
        yield ("service_types", service.code), _Listed(service, ("service_types", number))
    for number, resource in enumerate(catalogue.resource_types):
        yield ("resource_types", resource.code), _Listed(resource, ("resource_types", number))
    for number, usage in enumerate(catalogue.usage_types):
        key = "usage_types", usage.resource_type_code, usage.code.lower()
        yield key, _Listed(usage, ("usage_types", number))
    for number, measure in enumerate(catalogue.measures):
        yield ("measures", f"{measure.id}"), _Listed(measure, ("measures", number))
    for number, one in enumerate(catalogue.conversions):
        key = "conversions", f"{one.measure_id} to {one.ref_measure_id}"
        yield key, _Listed(one, ("conversions", number), says_price=True)
    for number, policy in enumerate(catalogue.incentive_policies):
        key = "incentive_policies", policy.service_type_code, policy.valid_from.isoformat()
        yield key, _Listed(policy, ("incentive_policies", number), policy.valid_from)
    for number, product in enumerate(catalogue.products):
        yield from _of_product(product, ("products", number))


def _of_product(product: Product, place: Place) -> Iterator[tuple[tuple[str, ...], _Listed]]:
    key: tuple[str, ...]
    bare = {
        name: value for name, value in product if name not in ("prices", "packages")
    }  # the rows below are compared each for itself
    yield ("products", product.id), _Listed(bare, place, says_price=True)
    for number, price in enumerate(product.prices):
        regions = ",".join(sorted(price.regions)) if price.regions is not None else "everywhere"
        key = "products prices", product.id, price.currency, price.valid_from.isoformat(), regions
        yield key, _Listed(price, (*place, "prices", number), price.valid_from)
    for number, package in enumerate(product.packages):
        key = "products packages", product.id, package.valid_from.isoformat()
        yield key, _Listed(package, (*place, "packages", number), package.valid_from)


def _fields(row: Any) -> Mapping[str, Any]:
    return dict(row) if isinstance(row, BaseModel) else row


def _changed(was: Any, then: Any) -> dict[str, tuple[str, str]]:
    old, new = _fields(was), _fields(then)
    return {
        name: (_text(old[name]), _text(value)) for name, value in new.items() if old[name] != value
    }


_DATES = {"valid_from", "currency", "regions"}  # of a price: its key says them


def _told(row: Any) -> str:
    fields = _fields(row)
    skipped = _DATES if "hour" in fields else set()
    said = {k: v for k, v in fields.items() if v not in (None, (), []) and k not in skipped}
    return ", ".join(f"{name} {_text(value)}" for name, value in said.items())


def _text(value: Any) -> str:
    if isinstance(value, frozenset | set):
        return ",".join(sorted(value))
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_text(one) for one in value) + "]"
    if isinstance(value, BaseModel):
        return "{" + ", ".join(f"{k} {_text(v)}" for k, v in value if v is not None) + "}"
    return "none" if value is None else f"{value}"
