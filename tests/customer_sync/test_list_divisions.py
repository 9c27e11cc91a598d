"""Provinces, cities and counties of the mainland."""

from typing import Any

import pytest

from customer_sync.divisions.list_divisions import (
    CITIES,
    COUNTIES,
    COUNTRY,
    PROVINCES,
    load_divisions,
)
from testkit.door import code_of
from tests.customer_sync.builders import CustomerDoor

CONFIGS = "/v2/systems/configs"
pytestmark = pytest.mark.postgres


def below(kind: str, code: str) -> dict[str, str]:
    return {row["code"]: row["name"] for row in load_divisions().get((kind, code), [])}


async def page(door: CustomerDoor, kind: str, query: str = "") -> tuple[int, list[dict[str, Any]]]:
    answer = await door.get(f"{CONFIGS}/{kind}?{query}".rstrip("?"))
    assert answer.status_code == 200, answer.text
    return answer.json()["count"], answer.json()[kind]


def test_the_mainland_has_31_provinces_and_every_county_is_below_a_city_below_one() -> None:
    provinces = below(PROVINCES, COUNTRY)
    cities = [city for province in provinces for city in below(CITIES, province)]
    counties = [county for city in cities for county in below(COUNTIES, city)]
    headings = [city for province in provinces for city in below(CITIES, province).values()]
    grouped = sum(name in ("市辖区", "县") or "直辖" in name for name in headings)
    assert len(provinces) == 31
    assert len(cities) - grouped == 333
    assert len(counties) == 2843
    assert sum(len(rows) for rows in load_divisions().values()) == 31 + len(cities) + 2843


def test_the_codes_are_those_of_the_standard() -> None:
    assert below(PROVINCES, COUNTRY)["440000"] == "广东省"
    assert below(CITIES, "440000")["440300"] == "深圳市"
    assert below(COUNTIES, "440300")["440305"] == "南山区"
    assert below(CITIES, "110000") == {"110100": "市辖区"}
    assert below(COUNTIES, "110100")["110108"] == "海淀区"
    assert below(CITIES, "500000") == {"500100": "市辖区", "500200": "县"}
    assert below(CITIES, "420000")["429000"] == "省直辖县级行政区划"
    assert below(CITIES, "650000")["659000"] == "自治区直辖县级行政区划"


async def test_ten_provinces_come_unless_more_are_asked_for(door: CustomerDoor) -> None:
    count, first = await page(door, "provinces")
    assert (count, len(first)) == (31, 10)
    assert first[0] == {"code": "110000", "name": "北京市"}
    count, rest = await page(door, "provinces", "offset=10&limit=1000")
    assert (count, len(rest)) == (31, 21)
    assert first[-1]["code"] < rest[0]["code"]
    assert await page(door, "provinces", "offset=1000") == (31, [])


async def test_cities_and_counties_are_those_of_what_is_named(door: CustomerDoor) -> None:
    count, cities = await page(door, "cities", "province_code=440000&limit=1000")
    assert count == len(cities) == 21
    assert {"code": "440300", "name": "深圳市"} in cities
    count, counties = await page(door, "counties", "city_code=440300&limit=1&offset=1")
    assert (count, counties) == (9, [{"code": "440304", "name": "福田区"}])


@pytest.mark.parametrize("unknown", ["990000", "440300", "x"])
async def test_what_is_no_province_has_no_cities(door: CustomerDoor, unknown: str) -> None:
    assert await page(door, "cities", f"province_code={unknown}") == (0, [])


@pytest.mark.parametrize(
    "path", ["provinces?limit=1001", "provinces?limit=0", "provinces?offset=1001", "cities",
             "cities?province_code=", "counties", "counties?city_code=440300&limit=x"]
)  # fmt: skip
async def test_a_request_out_of_range_is_refused(door: CustomerDoor, path: str) -> None:
    assert code_of(await door.get(f"{CONFIGS}/{path}")) == (400, "CBC.0100")
