"""Resources as the wire shows them (operations.json)."""

from decimal import Decimal
from typing import Any

from wire.json import known
from wire.types import format_instant


def resource_info(resource: Any) -> dict[str, Any]:
    """OrderInstanceV2 of a period resource."""
    return known(
        {
            "id": resource.resource_id,
            "resource_id": resource.resource_id,
            "resource_name": resource.resource_name,
            "region_code": resource.region_code,
            "service_type_code": resource.service_type_code,
            "service_type_name": resource.service_type_name,
            "resource_type_code": resource.resource_type_code,
            "resource_type_name": resource.resource_type_name,
            "resource_spec_code": resource.resource_spec_code,
            "product_id": resource.product_id,
            "is_main_resource": 0 if resource.main_resource_id else 1,
            "parent_resource_id": resource.main_resource_id,
            "status": resource.status,
            "effective_time": format_instant(resource.effective_at),
            "expire_time": resource.expire_at and format_instant(resource.expire_at),
            "expire_policy": resource.expire_policy,
            "product_spec_desc": resource.product_spec_desc or resource.resource_spec_code,
            "spec_size": resource.measure_size,
            "spec_size_measure_id": resource.size_measure_id,
            "update_time": format_instant(resource.updated_at),
        }
    )


def on_demand_resource(resource: Any) -> dict[str, Any]:
    """CustomerOnDemandResource; its expire_time is the instant at which a closed one was closed."""
    return known(
        {
            "customer_id": resource.customer_id,
            "region_code": resource.region_code,
            "service_type_code": resource.service_type_code,
            "resource_type_code": resource.resource_type_code,
            "service_type_name": resource.service_type_name,
            "resource_type_name": resource.resource_type_name,
            "resource_id": resource.resource_id,
            "resource_name": resource.resource_name,
            "effective_time": format_instant(resource.effective_at),
            "expire_time": resource.expire_at and format_instant(resource.expire_at),
            "status": resource.status,
            "resource_spec_code": resource.resource_spec_code,
            "resource_info": _size(resource.measure_size),
            "product_spec_desc": resource.product_spec_desc or resource.resource_spec_code,
        }
    )


def _size(measure_size: Decimal | None) -> str | None:
    """A text that holds JSON (docs/domain/orders.md H.14)."""
    return None if measure_size is None else f'{{"specSize":{float(measure_size)}}}'
