"""The events of packages, each with the whole state after the fact."""

from datetime import datetime
from typing import TypeVar

from contracts.order import PackageEvent
from contracts.order import PackageItem as ItemOfEvent
from order.packages.models import Package, PackageItem

Fact = TypeVar("Fact", bound=PackageEvent)


def package_fact(contract: type[Fact], package: Package, now: datetime) -> Fact:
    """An event about the package as it is now."""
    return contract(
        occurred_at=now,
        partner_id=package.partner_id,
        distributor_id=package.distributor_id,
        version=package.version,
        package_id=package.package_id,
        customer_id=package.customer_id,
        order_id=package.order_id,
        product_id=package.product_id,
        product_name=package.product_name,
        service_type_code=package.service_type_code,
        service_type_name=package.service_type_name,
        region_code=package.region_code,
        quota_reuse_mode=package.quota_reuse_mode,
        quota_reuse_cycle=package.quota_reuse_cycle,
        quota_reuse_cycle_type=package.quota_reuse_cycle_type,
        status=package.status,
        effective_at=package.effective_at,
        expire_at=package.expire_at,
        cycle_begin_at=package.cycle_begin_at,
        cycle_end_at=package.cycle_end_at,
        items=[_item(item) for item in package.items],
    )


def _item(item: PackageItem) -> ItemOfEvent:
    return ItemOfEvent(
        free_resource_id=item.item_id,
        usage_type_code=item.usage_type_code,
        usage_type_name=item.usage_type_name,
        resource_type_code=item.resource_type_code,
        resource_spec_codes=item.resource_spec_codes,
        measure_id=item.measure_id,
        original_amount=item.original_amount,
        amount=item.amount,
    )
