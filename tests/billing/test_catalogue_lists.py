"""What the vendor's lists say of the catalogue: types, specifications, usages, policies."""

from typing import Any

from billing.prices.catalogue import load_catalogue
from billing.prices.products import Price
from chassis.identity import Principal
from testkit.door import code_of
from tests.billing.builders import BillingDoor, as_customer, as_partner, money

SPECS = "/v2/products/resource-specs-query"
PRICED = "/v2/products/resource-specs-price/query"
ECS = {
    "cloud_service_type": "hws.service.type.ec2",
    "resource_type": "hws.resource.type.vm",
    "region_code": "cn-north-4",
}
ABROAD = Principal(
    id="partner-1", kind="solution_provider", partner_id="partner-1", site="international"
)


async def get(door: BillingDoor, path: str, **headers: str) -> Any:
    return (await door.get(path, as_partner(), headers=headers)).json()


async def test_resource_types_of_a_service_are_paged_by_record(door: BillingDoor) -> None:
    path = "/v2/products/service-resources?service_type_code=hws.service.type.vpc"
    both = await get(door, path)
    second = await get(door, path + "&limit=1&offset=1")
    assert [one["basic_info"]["resource_type_code"] for one in both["infos"]] == [
        "hws.resource.type.bandwidth", "hws.resource.type.ip",
    ]  # fmt: skip
    assert (second["total_count"], second["infos"]) == (2, both["infos"][1:])
    assert both["infos"][0]["basic_info"]["name"] == "固定带宽"
    english = await get(door, path, **{"X-Language": "en_US"})
    assert english["infos"][0]["basic_info"]["name"] == "Bandwidth"
    nobody = await get(door, "/v2/products/service-resources?service_type_code=x")
    assert nobody == {"total_count": 0, "infos": []}
    missing = await door.get("/v2/products/service-resources", as_partner())
    assert code_of(missing) == (400, "CBC.0100")


async def test_usage_types_name_their_resource_and_service(door: BillingDoor) -> None:
    """An empty text is a filter that nothing passes."""
    path = "/v2/products/usage-types?resource_type_code="
    found = await get(door, path + "hws.resource.type.obs")
    assert found["total_count"] == 2
    assert found["usage_types"][1] == {
        "code": "DownTraffic",
        "name": "公网流出流量",
        "resource_type_code": "hws.resource.type.obs",
        "service_type_code": "hws.service.type.obs",
        "resource_type_name": "标准存储",
        "service_type_name": "对象存储服务",
    }
    assert (await get(door, path))["total_count"] == 0
    everything = await get(door, "/v2/products/usage-types?limit=100")
    assert everything["total_count"] == len(load_catalogue().usage_types)


async def test_a_months_policy_is_that_of_its_last_second(door: BillingDoor) -> None:
    path = "/v2/products/incentive-discount-policies?time="
    found = await get(door, path + "2026-11&limit=100")
    by_service = {one["service_type_code"]: one for one in found["policies"]}
    assert by_service["hws.service.type.marketplace"] == {
        "service_type_code": "hws.service.type.marketplace",
        "service_type_name": "云商店",
        "incentive_policy": "2",
        "allow_discount": "NO",
    }
    assert by_service["hws.service.type.ec2"]["allow_discount"] == "YES"
    assert (await get(door, path + "2023-12"))["total_count"] == 0
    assert (await get(door, path + "2024-01"))["total_count"] == len(by_service)
    assert (await get(door, path + "2026-11&service_type_code="))["policies"] == []
    assert code_of(await door.get(path + "2026-13", as_partner())) == (400, "CBC.0100")


async def test_specifications_are_paged_by_the_marker_of_the_page_before(
    door: BillingDoor,
) -> None:
    """Break: let the marker's own row stand on the next page too."""

    async def ask(**more: Any) -> Any:
        return await door.post(SPECS, {**ECS, "charge_mode": "3", **more}, as_customer())

    specs: list[str] = []
    marker: str | None = None
    for _ in range(4):
        page = (await ask(limit=1, **({"marker": marker} if marker else {}))).json()
        specs += [one["resource_spec"] for one in page["cloud_service_basics"]]
        marker = page["page_info"].get("next_marker")
    assert specs == ["c7.large.2.linux", "s6.large.2.linux", "s6.large.2.win", "s6.small.1.linux"]
    assert marker is None
    one = {"key": "RESOURCE_SPEC", "value": "s6.small.1.linux"}
    (row,) = (await ask(filters=[one])).json()["cloud_service_basics"]
    assert (row["charge_mode"], row["region_code"], row["cloud_service_type_name"]) == (
        "3", "cn-north-4", "弹性云服务器",
    )  # fmt: skip
    assert code_of(await ask(filters=[one, one])) == (400, "CBC.0100")
    assert code_of(await ask(marker="x")) == (400, "CBC.0100")
    assert code_of(await ask(charge_mode="2")) == (400, "CBC.0101")


async def test_a_specification_is_listed_only_as_it_is_sold(door: BillingDoor) -> None:
    port = {
        "cloud_service_type": "hws.service.type.dcaas",
        "resource_type": "hws.resource.type.dc",
        "region_code": "cn-north-4",
    }
    for mode, count in (("1", 1), ("3", 0)):
        answer = await door.post(SPECS, {**port, "charge_mode": mode}, as_partner())
        assert len(answer.json()["cloud_service_basics"]) == count


async def test_abroad_specifications_tell_their_prices(door: BillingDoor) -> None:
    async def ask(**more: Any) -> Any:
        return await door.post(PRICED, {"region_code": "cn-north-4", **more}, ABROAD)

    spec = {"key": "RESOURCE_SPEC", "value": "traffic.out"}
    (traffic,) = (await ask(filters=[spec], need_price=True)).json()["resource_spec_infos"]
    assert traffic["price_lists"] == [
        {
            "offering_id": "OFFI-OBS-TRAFFIC",
            "currency": "USD",
            "charging_mode": "ON_DEMAND",
            "official_price": "0.0750000000",
            "billing_usage_factor": "DownTraffic",
        }
    ]
    assert "attributes" not in traffic
    packages = await ask(filters=[{"key": "CHARGING_MODE", "value": "ON_DEMAND_PKG"}])
    specs = {one["resource_spec"] for one in packages.json()["resource_spec_infos"]}
    assert specs >= {"pkg.ecs.s6.750h", "ri.ecs.s6.small"}
    assert "s6.small.1.linux" not in specs
    wrong = await ask(filters=[{"key": "CHARGING_MODE", "value": "PER_SMILE"}])
    assert code_of(wrong) == (400, "CBC.0101")
    first = (await ask(limit=2)).json()
    rest = (await ask(marker=first["page_info"]["next_marker"])).json()
    assert len(first["resource_spec_infos"] + rest["resource_spec_infos"]) == len(
        load_catalogue().products
    )


def test_a_regions_own_price_goes_before_that_of_all() -> None:
    """Break: take the row that began last, whosever it is."""
    product = load_catalogue().by_id["OFFI-OBS-TRAFFIC"]
    general, hong_kong, _ = product.prices
    late = Price.model_validate(
        {**general.model_dump(), "valid_from": general.valid_from.replace(year=2025)}
    )
    dated = product.model_copy(update={"prices": [general, hong_kong, late]})
    now = general.valid_from.replace(year=2026)
    assert dated.price_at("CNY", now, "ap-southeast-1") is hong_kong
    assert dated.price_at("CNY", now, "cn-north-4") is late
    assert dated.price_at("CNY", general.valid_from, "cn-north-4") is general
    assert hong_kong.on_demand[0].hour == money("0.8")
