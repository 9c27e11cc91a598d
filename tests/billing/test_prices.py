"""The catalogue: what is found, what it costs, and how the vendor's SDK reads it."""

from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from billing.prices.catalogue import Catalogue, load_catalogue
from testkit.door import ADMINISTRATOR, code_of
from tests.billing.builders import (
    CUSTOMER,
    BillingDoor,
    as_customer,
    as_partner,
    money,
)

RATINGS = "/v2/bills/ratings/on-demand-resources"


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


def wanted(**more: Any) -> dict[str, Any]:
    """A month of a small server."""
    return {
        "service_type_code": "hws.service.type.ec2",
        "resource_type_code": "hws.resource.type.vm",
        "resource_spec_code": "s6.small.1.linux",
        "region_code": "cn-north-4",
        "charging_mode": 1,
        "period_type": 2,
        "period_num": 1,
        "quantity": 1,
        "measure_size": None,
        **more,
    }


DISK = {
    "service_type_code": "hws.service.type.ebs",
    "resource_type_code": "hws.resource.type.volume",
    "resource_spec_code": "GPSSD",
}


async def quote(door: BillingDoor, *lines: dict[str, Any], customer_id: str = CUSTOMER) -> Any:
    body = {"customer_id": customer_id, "lines": lines}
    return await door.post("/internal/quotes", body, as_partner())


async def test_a_quote_prices_each_line_in_the_customers_currency(door: BillingDoor) -> None:
    c7 = {"resource_spec_code": "c7.large.2.linux"}
    answer = await quote(
        door,
        wanted(period_num=3, quantity=2),
        wanted(**c7),
        wanted(**DISK, measure_size="40", period_type=3),
        wanted(charging_mode=3, period_type=None, period_num=None),
    )
    body = answer.json()
    assert body["currency"] == "CNY"
    amounts = [
        (line["official_amount"], line["discount_amount"], line["amount_after_discount"])
        for line in body["lines"]
    ]
    assert amounts == [
        ("193.20", "0.00", "193.20"),
        ("214.27", "32.15", "182.12"),  # 182.1295 is cut, not rounded
        ("280.00", "0.00", "280.00"),
        ("0.00", "0.00", "0.00"),  # on demand costs when it is used
    ]
    first = body["lines"][0]
    assert (first["product_id"], first["is_marketplace"]) == ("OFFI-ECS-S6SMALL-L", False)
    assert (first["service_type_name"], first["resource_type_name"]) == ("弹性云服务器", "云主机")
    assert first["provisioning_seconds"] == 1


async def test_days_behind_the_periods_cost_thirtieths_of_the_month_and_are_cut_with_them(
    door: BillingDoor,
) -> None:
    """See docs/domain/resources.md H.7. Break: cut the two parts apart."""
    answer = await quote(
        door,
        wanted(),
        wanted(extra_days=7),
        wanted(period_type=3, extra_days=1),
        wanted(resource_spec_code="c7.large.2.linux", extra_days=7),
        wanted(**DISK, measure_size="40", extra_days=10),
    )
    amounts = [
        (line["official_amount"], line["amount_after_discount"]) for line in answer.json()["lines"]
    ]
    assert amounts == [
        ("32.20", "32.20"),
        ("39.71", "39.71"),  # 32.20 + 7.5133
        ("323.07", "323.07"),  # 322.00 + 1.0733
        ("264.26", "224.62"),  # 214.27 + 49.9963, of which 85 %
        ("37.33", "37.33"),  # 28.00 + 9.3333
    ]
    assert code_of(await quote(door, wanted(extra_days=32))) == (400, "CBC.0100")


UNSOLD: list[dict[str, Any]] = [
    {"service_type_code": "hws.service.type.ebs"},
    {"resource_type_code": "hws.resource.type.volume"},
    {"resource_spec_code": "s6.small.1"},  # without .linux or .win
    {"region_code": "mars-1"},
    {"period_type": 0},
    {"period_num": None},
    {**DISK},  # linear, and no size
]


async def test_all_keys_must_be_right(door: BillingDoor) -> None:
    """docs/domain/prices.md F11."""
    for wrong in UNSOLD:
        assert code_of(await quote(door, wanted(**wrong))) == (400, "CBC.99006006"), wrong


async def test_nobody_quotes_for_another_partners_customer(door: BillingDoor) -> None:
    answer = await quote(door, wanted(), customer_id="customer-of-reseller")
    assert code_of(answer) == (400, "CBC.99000035")


async def test_marketplace_and_slow_products_say_so(door: BillingDoor) -> None:
    market = {
        "service_type_code": "hws.service.type.marketplace",
        "resource_type_code": "hws.resource.type.marketplace.image",
        "resource_spec_code": "lnmp.image.linux",
    }
    slow = {
        "service_type_code": "hws.service.type.dcaas",
        "resource_type_code": "hws.resource.type.dc",
        "resource_spec_code": "dc.port.1g",
    }
    lines = (await quote(door, wanted(**market), wanted(**slow))).json()["lines"]
    assert lines[0]["is_marketplace"] is True
    assert lines[1]["provisioning_seconds"] > 3600


def test_the_price_in_effect_is_the_latest_that_has_begun(catalogue: Catalogue) -> None:
    product = catalogue.by_id["OFFI-ECS-C7LARGE-L"]
    turn = datetime(2025, 12, 31, 16, tzinfo=UTC)
    before = product.price_at("CNY", turn.replace(hour=15, minute=59))
    after = product.price_at("CNY", turn)
    assert before is not None
    assert after is not None
    assert (before.hour, after.hour) == (money("0.4910354166"), money("0.4463958333"))
    assert product.price_at("CNY", datetime(2023, 12, 31, tzinfo=UTC)) is None
    assert product.price_at("EUR", turn) is None


def test_every_product_is_of_known_types_and_priced_in_both_currencies(
    catalogue: Catalogue,
) -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    for product in catalogue.products:
        assert product.service_type_code in catalogue.service_by_code
        resource = catalogue.resource_by_code[product.resource_type_code]
        assert resource.service_type_code == product.service_type_code
        assert product.regions <= set(catalogue.region_names)
        assert product.price_at("CNY", now) is not None
        assert product.price_at("USD", now) is not None
    assert len(catalogue.by_id) == len(catalogue.products)


def test_a_wrong_file_stops_the_start(tmp_path: Path, catalogue: Catalogue) -> None:
    assert catalogue.products
    path = tmp_path / "catalogue.toml"
    path.write_text("regions = []\n", "utf-8")
    with pytest.raises(ValidationError):
        load_catalogue(path)


async def test_products_are_paged_by_id(door: BillingDoor) -> None:
    first = (await door.get("/api/products?limit=10", as_customer())).json()
    rest = (await door.get(f"/api/products?after={first['next']}", as_partner())).json()
    ids = [product["product_id"] for product in first["products"] + rest["products"]]
    assert ids == sorted(ids)
    assert len(first["products"]) == 10
    assert rest["next"] is None
    assert len(set(ids)) == len(ids) == len(load_catalogue().products)
    prices = [one["price_hour"] for one in first["products"] if one["price_hour"]]
    assert all(len(price.partition(".")[2]) >= 2 for price in prices), prices
    assert code_of(await door.get("/api/products?limit=0", ADMINISTRATOR)) == (400, "CBC.0100")


HOURS = {
    "resource_type_code": "hws.resource.type.pkg.vm",
    "resource_spec_code": "pkg.ecs.s6.750h",
}


async def test_a_package_product_says_what_it_holds(door: BillingDoor) -> None:
    products = (await door.get("/api/products", as_customer())).json()["products"]
    packages = {one["product_id"]: one["package"] for one in products if one["package"]}
    assert packages["OFFI-PKG-ECS-S6-750H"] == {
        "begins": "at_once",
        "quota_reuse_mode": 1,
        "quota_reuse_cycle": 4,
        "quota_reuse_cycle_type": 1,
        "items": [
            {
                "usage_type_code": "Duration",
                "usage_type_name": "云服务器使用时长",
                "resource_type_code": "hws.resource.type.vm",
                "resource_spec_codes": ["s6.small.1.linux"],
                "quantity": "750",
                "measure_id": 4,
            }
        ],
    }
    mixed = packages["OFFI-PKG-ECS-MIX-1000H"]
    assert (mixed["quota_reuse_mode"], mixed["quota_reuse_cycle"]) == (2, None)
    assert [item["quantity"] for item in mixed["items"]] == ["1000", "200"]
    assert {one["product_id"] for one in products} > packages.keys()


async def test_a_quote_tells_that_a_line_opens_a_package(door: BillingDoor) -> None:
    package, server = (await quote(door, wanted(**HOURS, quantity=2), wanted())).json()["lines"]
    assert (package["product_id"], package["amount_after_discount"]) == (
        "OFFI-PKG-ECS-S6-750H", "90.00",
    )  # fmt: skip
    assert package["package"]["items"][0]["resource_type_name"] == "云主机"
    assert package["package"]["items"][0]["amount"] == "750"
    assert server["package"] is None
    on_demand = wanted(**HOURS, charging_mode=3, period_type=None, period_num=None)
    assert code_of(await quote(door, on_demand)) == (400, "CBC.99006006")


def test_what_a_package_holds_is_dated(catalogue: Catalogue) -> None:
    product = catalogue.by_id["OFFI-PKG-ECS-S6-750H"]
    (old,) = product.packages
    turn = datetime(2026, 12, 31, 16, tzinfo=UTC)
    new = old.model_copy(update={"valid_from": turn})
    dated = product.model_copy(update={"packages": [new, old]})
    assert dated.package_at(turn) is new
    assert dated.package_at(turn.replace(hour=15)) is old
    assert dated.package_at(datetime(2020, 1, 1, tzinfo=UTC)) is None


BAD_PACKAGES: list[tuple[str, str]] = [
    ('amount = "750"\nmeasure_id = 4', 'amount = "750"\nmeasure_id = 17'),
    ('resource_spec_codes = ["s6.small.1.linux"]', 'resource_spec_codes = ["never.sold"]'),
    ("cycle = 4\ncycle_type = 1", "cycle = 4"),
    ("cycle = 4\ncycle_type = 1", "cycle = 6\ncycle_type = 1"),
    ('amount = "750"', 'amount = "0"'),
    ('month = "45.0000000000"', 'month = "45.0000000000", hour = "0.1"'),
]


@pytest.mark.parametrize(("row", "wrong"), BAD_PACKAGES)
def test_a_package_that_nothing_could_be_taken_from_stops_the_start(
    tmp_path: Path, row: str, wrong: str
) -> None:
    text = files("billing.prices").joinpath("catalogue.toml").read_text("utf-8")
    assert row in text
    path = tmp_path / "catalogue.toml"
    path.write_text(text.replace(row, wrong), "utf-8")
    with pytest.raises(ValidationError):
        load_catalogue(path)


def rating(**more: Any) -> dict[str, Any]:
    return {
        "id": "1",
        "cloud_service_type": "hws.service.type.ebs",
        "resource_type": "hws.resource.type.volume",
        "resource_spec": "GPSSD",
        "region": "cn-north-4",
        "resource_size": 3,
        "size_measure_id": 17,
        "usage_factor": "duration",
        "usage_value": 1,
        "usage_measure_id": 4,
        "subscription_num": 1,
        **more,
    }


async def rate(door: BillingDoor, *products: dict[str, Any], **more: Any) -> Any:
    body = {"project_id": "p", "product_infos": products, **more}
    return await door.post(RATINGS, body, as_customer())


async def test_ratings_are_cut_to_six_or_ten_decimals(door: BillingDoor) -> None:
    """0.0014583333 × 3 = 0.0043749999."""
    six = await rate(door, rating())
    ten = await rate(door, rating(), inquiry_precision=1)
    assert '"official_website_amount":0.004374,' in six.text
    assert '"official_website_amount":0.0043749999,' in ten.text
    assert six.json()["currency"] == "CNY"
    assert six.json()["product_rating_results"][0]["product_id"] == "OFFI-EVS-GPSSD"


async def test_ratings_sum_up_and_show_the_discount(door: BillingDoor) -> None:
    server = rating(
        id="2", cloud_service_type="hws.service.type.ec2", resource_type="hws.resource.type.vm",
        resource_spec="c7.large.2.linux", usage_value=3600, usage_measure_id=6, subscription_num=2,
        resource_size=None, size_measure_id=None,
    )  # fmt: skip
    body = (await rate(door, rating(), server)).json()
    second = body["product_rating_results"][1]
    assert (second["official_website_amount"], second["amount"]) == (0.892791, 0.758872)
    assert second["discount_amount"] == 0.133919
    assert body["amount"] == 0.763246
    assert body["official_website_amount"] == 0.897165


UNRATED: list[tuple[dict[str, Any], str]] = [
    ({"resource_spec": "FLOPPY"}, "CBC.99006006"),
    ({"resource_size": None}, "CBC.0100"),
    ({"size_measure_id": None}, "CBC.0100"),
    ({"size_measure_id": 15}, "CBC.99006050"),
    ({"usage_factor": "upflow"}, "CBC.99006017"),
    ({"usage_measure_id": 777}, "CBC.99006024"),
    ({"subscription_num": 0}, "CBC.0100"),
    ({"subscription_num": -1}, "CBC.0100"),
    ({"usage_value": -1}, "CBC.0100"),
    ({"usage_value": -0.000001}, "CBC.0100"),
    ({"usage_value": 1e15}, "CBC.0100"),
    ({"resource_size": 0}, "CBC.0100"),
    ({"resource_size": -3}, "CBC.0100"),
    ({"resource_type": "x" * 401}, "CBC.0100"),
]


async def test_ratings_that_are_refused(door: BillingDoor) -> None:
    for wrong, code in UNRATED:
        assert code_of(await rate(door, rating(**wrong))) == (400, code), wrong


async def test_ids_of_an_inquiry_do_not_repeat(door: BillingDoor) -> None:
    assert code_of(await rate(door, rating(), rating())) == (400, "CBC.0100")


async def test_partners_ask_prices_with_a_customers_token(door: BillingDoor) -> None:
    body = {"project_id": "p", "product_infos": [rating()]}
    assert code_of(await door.post(RATINGS, body, as_partner())) == (403, "CBC.0151")


async def test_service_and_resource_types_speak_both_languages(door: BillingDoor) -> None:
    path = "/v2/products/service-types?service_type_name=elastic&limit=1&offset=1"
    english = (await door.get(path, as_partner(), headers={"X-Language": "en_US"})).json()
    assert english == {
        "total_count": 2,
        "service_types": [
            {
                "service_type_name": "Elastic Volume Service",
                "service_type_code": "hws.service.type.ebs",
                "abbreviation": "EVS",
            }
        ],
    }
    types = (await door.get("/v2/products/resource-types?limit=100", as_customer())).json()
    assert types["total_count"] == len(types["resource_types"]) == 10
    assert types["resource_types"][0] == {
        "resource_type_code": "hws.resource.type.vm",
        "resource_type_name": "云主机",
        "resource_type_desc": "云主机",
        "service_type_code": "hws.service.type.ec2",
    }
    too_many = await door.get("/v2/products/resource-types?limit=1001", as_partner())
    assert code_of(too_many) == (400, "CBC.0100")


async def test_units_and_their_conversions(door: BillingDoor) -> None:
    units = (await door.get("/v2/bases/measurements", as_partner())).json()["measure_units"]
    yuan = {"measure_id": 1, "measure_name": "元", "abbreviation": "CNY", "measure_type": 1}
    assert units[0] == yuan
    path = "/v2/bases/conversions?measure_type=3"
    assert (await door.get(path, as_partner())).json() == {
        "conversions": [
            {"measure_id": 10, "ref_measure_id": 11, "conversion_ratio": 1024, "measure_type": 3}
        ]
    }
