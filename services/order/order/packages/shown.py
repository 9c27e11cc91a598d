"""Packages as the wire shows them (operations.json): amounts are texts but where it says number."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from order.packages.models import RESETTABLE, Package, PackageItem
from wire.cycles import Cycle
from wire.json import known
from wire.types import format_instant

ALL_PROJECTS = 0  # enterprise_project_scope
BY_ORDER = 0  # source_type
SINGLE, BUNDLE = "ATOMIC_PKG", "BUNDLE_PKG"  # of one item, of several


def package_info(package: Package, now: datetime) -> dict[str, Any]:
    """FreeResourcePackageV3."""
    return {
        "order_instance_id": package.package_id,
        "order_id": package.order_id,
        "product_id": package.product_id,
        "product_name": package.product_name,
        "enterprise_project_scope": ALL_PROJECTS,
        "effective_time": format_instant(package.effective_at),
        "expire_time": format_instant(package.expire_at),
        "status": package.status,
        "service_type_code": package.service_type_code,
        "service_type_name": package.service_type_name,
        "region_code": package.region_code,
        "source_type": BY_ORDER,
        "bundle_type": SINGLE if len(package.items) == 1 else BUNDLE,
        "quota_reuse_mode": package.quota_reuse_mode,
        "free_resources": [
            {
                "free_resource_id": item.item_id,
                "usage_type_name": item.usage_type_name,
                "amount": amount_text(_left(package, item, now)),
                "original_amount": amount_text(item.original_amount),
                "measure_id": item.measure_id,
            }
            for item in package.items
        ],
    }


def item_detail(package: Package, item: PackageItem, now: datetime) -> dict[str, Any]:
    """FreeResourceDetail; its times are those of the cycle that `now` lies in."""
    cycle, is_resettable = _cycle(package, now), package.quota_reuse_mode == RESETTABLE
    return known(
        {
            "free_resource_id": item.item_id,
            "free_resource_type_name": item.resource_type_name,
            "quota_reuse_cycle": package.quota_reuse_cycle if is_resettable else None,
            "quota_reuse_cycle_type": package.quota_reuse_cycle_type if is_resettable else None,
            "usage_type_name": item.usage_type_name,
            "start_time": format_instant(cycle.begin_at),
            "end_time": format_instant(cycle.end_at - timedelta(seconds=1)),
            "amount": Decimal(amount_text(_left(package, item, now))),
            "original_amount": Decimal(amount_text(item.original_amount)),
            "measure_id": item.measure_id,
        }
    )


def deduction_record(row: Any) -> dict[str, Any]:
    """FreeResourceRecord."""
    return known(
        {
            "deduct_time": format_instant(row.deducted_at),
            "free_resource_id": row.item_id,
            "resource_id": row.resource_id,
            "resource_type_code": row.resource_type_code,
            "resource_type_name": row.resource_type_name,
            "product_id": row.product_id,
            "product_name": row.product_name,
            "usage_type_code": row.usage_type_code,
            "available_amount": amount_text(row.available_amount),
            "remaining_amount": amount_text(row.remaining_amount),
            "used_amount": amount_text(row.used_amount),
            "measure_id": row.measure_id,
            "effective_time": row.used_from and format_instant(row.used_from),
            "expire_time": format_instant(row.used_until),
        }
    )


def amount_text(amount: Decimal) -> str:
    """As many decimals as it has, and no exponent: `750`, `0.5`."""
    return f"{amount.normalize():f}" if amount else "0"


def _cycle(package: Package, now: datetime) -> Cycle:
    """The one that `now` lies in; before the first the first, after the last the last."""
    reuse = package.reuse
    bounded = min(max(now, package.effective_at), package.expire_at)
    return reuse.cycle_at(bounded) or package.cycle


def _left(package: Package, item: PackageItem, now: datetime) -> Decimal:
    """A cycle that nothing was taken from yet is full."""
    is_its_cycle = _cycle(package, now).begin_at == package.cycle_begin_at
    return item.amount if is_its_cycle else item.original_amount
