"""What use on demand costs a customer: by the catalogue, or by the discount that takes most off."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.copies import Customer
from billing.discounts.models import (
    INQUIRY_TYPES,
    ON_DEMAND_WORD,
    RATIO,
    UNIT_PRICE,
    Discount,
)
from billing.prices.catalogue import Catalogue
from billing.prices.products import Price, Product, Tier, flat
from billing.prices.rate import ACCOUNT_PLACES, FEE_PLACES, ZERO, Fee, Usage, rate_usage, tiered_fee
from wire.money import cut
from wire.times import cycle_of

_RANKS = list(INQUIRY_TYPES)
NOTHING: Mapping[str, Decimal] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Sold:
    """What was used where, of how much the same customer had used in the cycle before."""

    product: Product
    region_code: str
    price: Price
    before: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Lowered:
    """The fee, and the discount that made it; none: the catalogue alone."""

    fee: Fee
    discount: Discount | None


class UsageDiscounts:
    """The discounts that some customers have on what they use, over some time."""

    def __init__(self, discounts: Sequence[Discount]):
        self._of_holder: dict[str, list[Discount]] = {}
        for one in discounts:
            self._of_holder.setdefault(one.customer_id, []).append(one)

    @classmethod
    async def of(
        cls, session: AsyncSession, customers: Sequence[Customer], begin: datetime, end: datetime
    ) -> "UsageDiscounts":
        """Those that name use on demand; of each, whether it is in effect is asked later."""
        holders = {one.customer_id for one in customers} | {one.partner_id for one in customers}
        found = await session.scalars(
            select(Discount)
            .where(
                Discount.customer_id.in_(holders),
                Discount.charging_modes.contains([ON_DEMAND_WORD]),
                Discount.effective_at <= end,
                or_(Discount.expire_at.is_(None), Discount.expire_at > begin),
                or_(Discount.ended_at.is_(None), Discount.ended_at > begin),
            )
            .order_by(Discount.discount_id)
        )
        return cls(found.all())

    def have_steps(self, customer: Customer, product_id: str) -> bool:
        """Whether the price may depend on what was used before."""
        return any(one.steps and product_id in one.product_ids for one in self._known(customer))

    def lower(
        self,
        catalogue: Catalogue,
        customer: Customer,
        sold: Sold,
        usage: Usage,
        at: datetime,
        places: int = FEE_PLACES,
        spent: Mapping[str, Decimal] = NOTHING,
    ) -> Lowered:
        """The largest reduction; among equals the order of the best offer (decision 0137).

        `spent`: by discount what the use that it covers came to in the cycle before.
        """
        price = sold.price
        plain = rate_usage(price.on_demand, price.discount, usage, sold.before, places)
        found = Lowered(plain, None)
        best = (ZERO, len(_RANKS))
        for discount in self._known(customer):
            if not _is_good(catalogue, discount, customer, sold, at):
                continue
            before = spent.get(discount.discount_id, ZERO)
            fee = _fee(discount, sold, usage, plain, places, before)
            rank = (-(fee.discount - plain.discount), _RANKS.index(discount.discount_type))
            if fee.discount > plain.discount and rank < best:
                found, best = Lowered(fee, discount), rank
        return found

    def amounts(self) -> list[str]:
        """As what cycles count what was spent: of each with steps of that."""
        every = (one for found in self._of_holder.values() for one in found)
        return [amount_of(one) for one in every if one.is_by_amount]

    def by_amount(
        self, catalogue: Catalogue, customer: Customer, sold: Sold, at: datetime
    ) -> list[Discount]:
        """Those in effect for the use whose steps are of what was spent."""
        return [
            one
            for one in self._known(customer)
            if one.is_by_amount and _is_good(catalogue, one, customer, sold, at)
        ]

    def _known(self, customer: Customer) -> list[Discount]:
        own = self._of_holder.get(customer.customer_id, [])
        if not customer.is_resale:
            return own
        return own + self._of_holder.get(customer.partner_id, [])


def amount_of(discount: Discount) -> str:
    """What stands in a product's place where an amount is counted."""
    return f"amount of {discount.discount_id}"


def _is_good(
    catalogue: Catalogue, discount: Discount, customer: Customer, sold: Sold, at: datetime
) -> bool:
    """Whether it was in effect at the end of the use, and covers it."""
    ends = [end for end in (discount.expire_at, discount.ended_at) if end is not None]
    service = sold.product.service_type_code
    return (
        discount.discount_type in INQUIRY_TYPES
        and discount.discount_mode in (RATIO, UNIT_PRICE)
        and discount.partner_id == customer.partner_id
        and discount.effective_at <= at
        and all(at < end for end in ends)
        and discount.covers(service, sold.product.id, sold.region_code, ON_DEMAND_WORD)
        and (not discount.is_partners or catalogue.partners_may_lower(service, cycle_of(at)))
    )


def _fee(
    discount: Discount, sold: Sold, usage: Usage, plain: Fee, places: int, spent: Decimal
) -> Fee:
    """A ratio is that of the step in which the use begins; prices of units go step by step."""
    if discount.discount_mode == RATIO:
        before = spent if discount.is_by_amount else sold.before
        ratio = sold.price.discount * _ratio_after(discount, before)
        return rate_usage(sold.price.on_demand, ratio, usage, sold.before, places)
    net = min(
        tiered_fee(_steps(discount), usage, places, sold.before),
        plain.official - plain.discount,
    )
    payable = cut(net, ACCOUNT_PLACES)
    return Fee(plain.official, plain.official - net, net - payable, payable)


def _ratio_after(discount: Discount, before: Decimal) -> Decimal:
    value = discount.discount_value
    for step in discount.steps:
        if before >= Decimal(step["above"]):
            value = Decimal(step["value"])
    return value


def _steps(discount: Discount) -> tuple[Tier, ...]:
    if not discount.steps:
        return flat(discount.discount_value)
    return tuple(
        Tier(above=Decimal(step["above"]), hour=Decimal(step["value"])) for step in discount.steps
    )
