"""A paid piece of a package product opens a package (docs/domain/resources.md H.13)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from chassis.ids import new_id
from order.orders.models import Order, OrderLine
from order.packages.models import EFFECTIVE, NOT_EFFECTIVE, Package, PackageItem
from wire.cycles import Cycle, Reuse
from wire.times import BEIJING, add_months

NEXT_DAY, NEXT_MONTH = "next_day", "next_month"


def begin_of(contents: Mapping[str, Any], now: datetime) -> datetime:
    """When a package that is bought now begins: at once, or at 00:00 in Beijing."""
    today = now.astimezone(BEIJING).replace(hour=0, minute=0, second=0, microsecond=0)
    if contents["begins"] == NEXT_DAY:
        return (today + timedelta(days=1)).astimezone(now.tzinfo)
    if contents["begins"] == NEXT_MONTH:
        return add_months(today.replace(day=1), 1).astimezone(now.tzinfo)
    return now


def open_package(
    order: Order,
    line: OrderLine,
    package_id: str,
    paid: Mapping[str, Any],
    expire_at: datetime,
    now: datetime,
) -> Package:
    """The package of one piece, full; `paid` is what each means paid of the piece."""
    contents = line.package or {}
    begin_at = begin_of(contents, now)
    cycle, cycle_type = contents["quota_reuse_cycle"], contents["quota_reuse_cycle_type"]
    first = Reuse(begin_at, expire_at, cycle, cycle_type).cycle_at(begin_at)
    first = first or Cycle(begin_at, expire_at)
    package = Package(
        package_id=package_id,
        customer_id=order.customer_id,
        partner_id=order.partner_id,
        distributor_id=order.distributor_id,
        order_id=order.order_id,
        line_id=line.line_id,
        product_id=line.product_id,
        product_name=line.product_spec_desc or line.resource_spec_code,
        service_type_code=line.service_type_code,
        service_type_name=line.service_type_name,
        resource_type_code=line.resource_type_code,
        resource_type_name=line.resource_type_name,
        resource_spec_code=line.resource_spec_code,
        region_code=line.region_code,
        quota_reuse_mode=contents["quota_reuse_mode"],
        quota_reuse_cycle=cycle,
        quota_reuse_cycle_type=cycle_type,
        status=NOT_EFFECTIVE if begin_at > now else EFFECTIVE,
        effective_at=begin_at,
        expire_at=expire_at,
        cycle_begin_at=first.begin_at,
        cycle_end_at=first.end_at,
        is_used=False,
        updated_at=now,
        version=1,
        **paid,
    )
    package.items = [
        _item(package, number, item) for number, item in enumerate(contents["items"], start=1)
    ]
    package.plan_turn()
    return package


def _item(package: Package, number: int, item: Mapping[str, Any]) -> PackageItem:
    amount = Decimal(item["amount"])
    return PackageItem(
        item_id=new_id(),
        customer_id=package.customer_id,
        partner_id=package.partner_id,
        distributor_id=package.distributor_id,
        number=number,
        usage_type_code=item["usage_type_code"],
        usage_type_name=item["usage_type_name"],
        resource_type_code=item["resource_type_code"],
        resource_type_name=item["resource_type_name"],
        resource_spec_codes=list(item["resource_spec_codes"]),
        measure_id=item["measure_id"],
        original_amount=amount,
        amount=amount,
        taken_times=0,
    )
