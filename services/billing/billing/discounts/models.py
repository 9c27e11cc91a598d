"""Discounts that are kept for a customer's orders (docs/domain/orders.md H.1)."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Index, Numeric, text
from sqlalchemy.orm import Mapped, mapped_column

from billing.models import Tables
from chassis.errors import RefusedError

PROMOTION, CONTRACT, COMMERCIAL, GRANTED_BY_PARTNER = 0, 1, 2, 3  # discount types
RATIO, FIXED_PRICE, REDUCTION, UNIT_PRICE = 0, 1, 2, 3  # discount modes; a unit's price is ours
ON_DEMAND_WORD = "ONDEMAND"  # of charging modes: use on demand is lowered only where it is named
# As inquiries name them; the order is that of the best offer among equals (docs/domain/prices.md).
INQUIRY_TYPES = {COMMERCIAL: 605, CONTRACT: 606, GRANTED_BY_PARTNER: 607}


class DiscountEndedError(RefusedError):
    """It was ended before."""

    code = "CHB.0409"


class Discount(Tables):
    """What lowers the price of a customer's orders, one discount an order at most.

    Or of a partner's: `customer_id` is the partner's then, and it is good for all its resale
    customers. `discount_value` is the ratio that is payable, the fixed price, the reduction or the
    price of a unit, by its mode; with steps it is that of the first one. Empty lists do not limit;
    use on demand is lowered only by what names it.
    """

    __tablename__ = "discounts"
    __table_args__ = (
        Index("discounts_of_customer", "customer_id", "effective_at"),
        Index("discounts_of_partner", "partner_id", "discount_id"),
    )

    discount_id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str]
    partner_id: Mapped[str]
    distributor_id: Mapped[str | None]
    name: Mapped[str]
    discount_type: Mapped[int]
    discount_mode: Mapped[int]
    discount_value: Mapped[Decimal] = mapped_column(Numeric(38, 10))
    currency: Mapped[str]
    service_type_codes: Mapped[list[Any]]
    product_ids: Mapped[list[Any]]
    order_types: Mapped[list[Any]]
    region_codes: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    # The vendor's words: MONTHLY, 1_YEARLY, ONDEMAND …
    charging_modes: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    # {"above": "100", "value": "0.8"}, by the units of one product, or by what the use of services
    # came to in the cycle at list prices
    steps: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    agreement_number: Mapped[str | None]  # of the contract that it is an item of
    effective_at: Mapped[datetime]
    expire_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]  # before its time
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)

    @property
    def value_text(self) -> str:
        """Ratio, price or reduction without needless zeros: `0.9`, `10`, `79.5`."""
        return f"{self.discount_value.normalize():f}"

    @property
    def is_partners(self) -> bool:
        """Whether its partner set it (607)."""
        return self.discount_type == GRANTED_BY_PARTNER

    @property
    def is_by_amount(self) -> bool:
        """Whether its steps are of an amount, and not of one product's units."""
        return bool(self.steps) and not self.product_ids

    def covers(
        self, service_type_code: str, product_id: str, region_code: str, charging_mode: str
    ) -> bool:
        """Whether it lowers the price of such a line."""
        modes = self.charging_modes
        if charging_mode not in modes and (modes or charging_mode == ON_DEMAND_WORD):
            return False
        limits = (
            (self.service_type_codes, service_type_code),
            (self.product_ids, product_id),
            (self.region_codes, region_code),
        )
        return all(not named or code in named for named, code in limits)

    def value_at(self, units: Decimal) -> Decimal:
        """Ratio or price of so many units at once: that of the step that they are in."""
        value = self.discount_value
        for step in self.steps:
            if units > Decimal(step["above"]):
                value = Decimal(step["value"])
        return value

    def end(self, now: datetime) -> None:
        """No order is offered it any more; those that carry it keep their price."""
        if self.ended_at is not None:
            raise DiscountEndedError
        self.ended_at = self.updated_at = now
        self.version += 1
