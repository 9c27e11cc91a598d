"""The agreement that a customer, or a partner for all its customers, has with the vendor (商务)."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import count, product
from typing import Any, Literal
from uuid import NAMESPACE_OID, uuid5

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.copies import Customer
from billing.discounts.models import RATIO, UNIT_PRICE, Discount
from billing.prices.catalogue import Catalogue
from billing.prices.list_products import name_of
from chassis.identity import Principal
from wire.codes import CHINESE, language_of
from wire.times import format_instant
from wire.types import WireRequest

MONEY, BY_MONTH = 1, "MONTH"  # a measure's id, accumulation_cycle_type
ITEMS_MAX = 1000  # discounts of one agreement that are looked at
SITES = {
    "china": ("HWC_CN", "华为云中国站", "Huawei Cloud China"),
    "international": ("HWC_HK", "华为云国际站", "Huawei Cloud International"),
}
ORDINARY, BY_STEPS = 0, 1  # preferential_category
BY_RATIO, BY_UNIT_PRICE = 0, 1  # preferential_type


class ListAgreement(WireRequest, operation="list_business_discount_info"):
    """The body of list_business_discount_info."""

    quoting_item_type: Literal["PRODUCT_ITEM", "CATEGORY_ITEM"]
    cloud_service_types: list[str] | None = None
    charging_modes: list[str] | None = None
    site_code: str | None = None
    offset: int = 0
    limit: int = 20


async def list_agreement(
    session: AsyncSession,
    principal: Principal,
    catalogue: Catalogue,
    wanted: ListAgreement,
    now: datetime,
    language: str | None,
) -> dict[str, Any]:
    """The items in effect of the agreement that began last; nothing but the sites without one."""
    found = await _agreement(session, principal, now)
    site = SITES[principal.site][0]
    rows = _Items(catalogue, site, language)
    is_products = wanted.quoting_item_type == "PRODUCT_ITEM"
    items = list(rows.of_products(found) if is_products else rows.of_categories(found))
    shown = [one for one in items if _is_wanted(one, wanted)]
    page = shown[wanted.offset : wanted.offset + wanted.limit]
    return {
        "total_count": len(shown),
        **_head(found),
        "product_quoting_items": page if is_products else [],
        "category_quoting_items": [] if is_products else page,
        "category_quoting_item_steps": [],
        **({} if is_products else rows.category_steps(found)),
        "sites": [_site(catalogue, principal.site, language)],
    }


async def _agreement(
    session: AsyncSession, principal: Principal, now: datetime
) -> Sequence[Discount]:
    """What stands under the code of the agreement in effect that began last."""
    holders = [principal.id if principal.is_customer else principal.partner_id]
    if principal.is_customer:
        customer = await session.get(Customer, principal.id)
        if customer is not None and customer.is_resale:
            holders.append(customer.partner_id)
    found = await session.scalars(
        select(Discount)
        .where(
            Discount.customer_id.in_(holders),
            Discount.partner_id == principal.partner_id,
            Discount.agreement_number.is_not(None),
            Discount.effective_at <= now,
            or_(Discount.expire_at.is_(None), Discount.expire_at > now),
            Discount.ended_at.is_(None),
        )
        .order_by(Discount.effective_at.desc(), Discount.discount_id)
        .limit(ITEMS_MAX)
    )
    known = found.all()
    return [one for one in known if one.agreement_number == known[0].agreement_number]


def _head(found: Sequence[Discount]) -> dict[str, Any]:
    if not found:
        return {}
    code, holder = found[0].agreement_number, found[0].customer_id
    ends = [one.expire_at for one in found]
    last = max((end for end in ends if end is not None), default=None)
    return {
        "commerce_id": uuid5(NAMESPACE_OID, f"{holder}/{code}").hex,
        "commerce_code": code,
        "effective_time": format_instant(min(one.effective_at for one in found)),
        **({} if last is None or None in ends else {"expire_time": format_instant(last)}),
    }


def _is_wanted(item: dict[str, Any], wanted: ListAgreement) -> bool:
    """Codes without regard to case; an item of all charging modes is of each."""

    def among(names: Sequence[str] | None, code: str | None) -> bool:
        return not names or code is None or code.lower() in {name.lower() for name in names}

    return (
        among(wanted.cloud_service_types, item.get("cloud_service_type"))
        and among(wanted.charging_modes, item.get("charging_mode"))
        and among(wanted.site_code and [wanted.site_code], item["site_code"])
    )


class _Items:
    """The vendor's rows of discounts: one for each product or service, and charging mode."""

    def __init__(self, catalogue: Catalogue, site_code: str, language: str | None):
        self._catalogue = catalogue
        self._site_code = site_code
        self._language = language

    def of_products(self, discounts: Sequence[Discount]) -> Iterator[dict[str, Any]]:
        """What is for named products."""
        for discount in discounts:
            numbers = count()
            for product_id in discount.product_ids:
                for word in discount.charging_modes or [None]:
                    if discount.discount_mode in (RATIO, UNIT_PRICE):
                        yield self._product(discount, next(numbers), product_id, word)

    def of_categories(self, discounts: Sequence[Discount]) -> Iterator[dict[str, Any]]:
        """What is for all products of services, by ratio; without a service it is for each."""
        for discount in discounts:
            if discount.product_ids or discount.discount_mode != RATIO:
                continue
            services = discount.service_type_codes or list(self._catalogue.service_by_code)
            words, regions = discount.charging_modes or [None], discount.region_codes or [None]
            steps = _numbered(discount) or [(None, discount.discount_value)]
            places = product(services, words, regions, steps)
            for number, (service, word, region, (step, value)) in enumerate(places):
                item = self._category(discount, number, service, word, region)
                yield item | {"discount_ratio": value} | ({} if step is None else {"step_no": step})

    def category_steps(self, discounts: Sequence[Discount]) -> dict[str, Any]:
        """The steps of services' items: of what their use came to in a month."""
        rows = [
            {
                **step,
                "site_code": self._site_code,
                "effective_time": format_instant(discount.effective_at),
            }
            for discount in discounts
            if discount.is_by_amount
            for step in _bounds(discount, MONEY)
        ]
        if not rows:
            return {}
        return {"category_quoting_item_steps": rows, "accumulation_cycle_type": BY_MONTH}

    def _product(
        self, discount: Discount, number: int, product_id: str, word: str | None
    ) -> dict[str, Any]:
        sold = self._catalogue.by_id.get(product_id)
        if sold is None:  # it was sold once
            return {"product_id": product_id, **self._item(discount, number, word)}
        names = self._catalogue.region_names
        regions = discount.region_codes or sorted(sold.regions)
        service = self._catalogue.service_by_code[sold.service_type_code]
        value = _value(discount.discount_mode, discount.discount_value)
        return {
            **self._item(discount, number, word),
            "product_id": product_id,
            "product_spec_name": sold.description,
            "cloud_service_type": service.code,
            "cloud_service_type_name": name_of(service, self._language),
            "related_regions": [
                {"region_code": code, "region_name": names.get(code, code)} for code in regions
            ],
            "charge_event_code": sold.usage_factor,
            "preferential_category": BY_STEPS if discount.steps else ORDINARY,
            **value,
            "product_quoting_item_steps": _steps(discount, sold.usage_measure_id),
        }

    def _category(
        self, discount: Discount, number: int, service: str, word: str | None, region: str | None
    ) -> dict[str, Any]:
        known = self._catalogue.service_by_code[service]
        item = {
            **self._item(discount, number, word),
            "cloud_service_type": service,
            "cloud_service_type_name": name_of(known, self._language),
            "discount_ratio": discount.discount_value,
        }
        if region is not None:
            item["region_code"] = region
            item["region_name"] = self._catalogue.region_names.get(region, region)
        return item

    def _item(self, discount: Discount, number: int, word: str | None) -> dict[str, Any]:
        item = {
            "item_id": f"{discount.discount_id}-{number}",
            "site_code": self._site_code,
            "effective_time": format_instant(discount.effective_at),
        }
        if word is not None:
            item["charging_mode"] = word
        if discount.expire_at is not None:
            item["expire_time"] = format_instant(discount.expire_at)
        return item


def _value(mode: int, value: Decimal) -> dict[str, Any]:
    if mode == RATIO:
        return {"preferential_type": BY_RATIO, "discount_ratio": value}
    return {"preferential_type": BY_UNIT_PRICE, "sales_price": value}


def _steps(discount: Discount, measure_id: int) -> list[dict[str, Any]]:
    """From each bound to the next; the last one has no end."""
    values = [_value(discount.discount_mode, Decimal(step["value"])) for step in discount.steps]
    bounds = _bounds(discount, measure_id)
    return [{**bound, **value} for bound, value in zip(bounds, values, strict=True)]


def _numbered(discount: Discount) -> list[tuple[str | None, Decimal]]:
    return [(f"{number}", Decimal(step["value"])) for number, step in enumerate(discount.steps, 1)]


def _bounds(discount: Discount, measure_id: int) -> list[dict[str, Any]]:
    rows = []
    for number, step in enumerate(discount.steps):
        row = {
            "step_id": f"{discount.discount_id}-s{number}",
            "step_no": str(number + 1),
            "step_start": Decimal(step["above"]),
            "start_measure_id": measure_id,
        }
        if number + 1 < len(discount.steps):
            row |= {
                "step_end": Decimal(discount.steps[number + 1]["above"]),
                "end_measure_id": measure_id,
            }
        rows.append(row)
    return rows


def _site(catalogue: Catalogue, site: str, language: str | None) -> dict[str, Any]:
    code, chinese, english = SITES[site]
    is_chinese = language_of(language, CHINESE) == CHINESE
    regions = [
        {
            "region_code": one.code,
            "region_name": one.name if is_chinese else one.name_en or one.code,
        }
        for one in catalogue.regions
    ]
    return {
        "site_code": code, "site_name": chinese if is_chinese else english, "regions": regions,
    }  # fmt: skip
