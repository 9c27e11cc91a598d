"""The events of discounts, each with the whole state after the fact."""

from datetime import datetime
from typing import TypeVar

from billing.discounts.models import Discount
from contracts.billing import DiscountEvent, DiscountStep

Fact = TypeVar("Fact", bound=DiscountEvent)


def discount_fact(contract: type[Fact], discount: Discount, now: datetime) -> Fact:
    """An event about the discount as it is now."""
    return contract(
        occurred_at=now,
        partner_id=discount.partner_id,
        distributor_id=discount.distributor_id,
        version=discount.version,
        discount_id=discount.discount_id,
        customer_id=discount.customer_id,
        name=discount.name,
        discount_type=discount.discount_type,
        discount_mode=discount.discount_mode,
        discount_value=discount.value_text,
        currency=discount.currency,
        service_type_codes=discount.service_type_codes,
        product_ids=discount.product_ids,
        order_types=discount.order_types,
        region_codes=discount.region_codes,
        charging_modes=discount.charging_modes,
        steps=[DiscountStep(above=step["above"], value=step["value"]) for step in discount.steps],
        agreement_number=discount.agreement_number,
        effective_at=discount.effective_at,
        expire_at=discount.expire_at,
        ended_at=discount.ended_at,
    )
