"""list_provinces, list_cities, list_counties: the mainland's divisions by GB/T 2260."""

from collections import defaultdict
from functools import cache
from importlib.resources import files
from typing import Any

from wire.json import loads
from wire.types import WireQuery

COUNTRY = ""
PROVINCES, CITIES, COUNTIES = "provinces", "cities", "counties"
Divisions = dict[tuple[str, str], list[dict[str, str]]]  # by kind and code of what stands above


class ListProvinces(WireQuery, operation="list_provinces"):
    """Which part of the list."""

    limit: int = 10
    offset: int = 0


class ListCities(WireQuery, operation="list_cities"):
    """Of which province; an unknown one has no cities."""

    province_code: str
    limit: int = 10
    offset: int = 0


class ListCounties(WireQuery, operation="list_counties"):
    """Of which city; an unknown one has no counties."""

    city_code: str
    limit: int = 10
    offset: int = 0


@cache
def load_divisions() -> Divisions:
    """All of them, in the order of their codes."""
    found: Divisions = defaultdict(list)
    for code, name in loads(files(__package__).joinpath("divisions.json").read_bytes()).items():
        found[_place(code)].append({"code": code, "name": name})
    return dict(found)


def list_divisions(
    divisions: Divisions, kind: str, above: str, limit: int, offset: int
) -> dict[str, Any]:
    """One page of those right below `above`, and how many there are."""
    below = divisions.get((kind, above), [])
    return {"count": len(below), kind: below[offset : offset + limit]}


def _place(code: str) -> tuple[str, str]:
    """Two digits name the province, two the city, two the county."""
    if code.endswith("0000"):
        return PROVINCES, COUNTRY
    if code.endswith("00"):
        return CITIES, f"{code[:2]}0000"
    return COUNTIES, f"{code[:4]}00"
