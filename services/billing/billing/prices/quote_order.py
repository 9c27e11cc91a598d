"""The price of an order that is about to be placed."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.find_parties import NotOwnCustomerError
from billing.accounts.models import ZERO
from billing.copies import Customer
from billing.discounts.models import ON_DEMAND_WORD
from billing.discounts.offer_discounts import LinePriced, offer_discounts, told
from billing.prices.catalogue import Catalogue, ProductNotFoundError
from billing.prices.products import DAY, MONTH, ON_DEMAND, YEAR, Package, Product
from billing.prices.rate import ACCOUNT_PLACES, Usage, discounted, list_fee
from chassis import copies
from chassis.identity import Principal
from wire.money import cut
from wire.times import cycle_of
from wire.vocabulary import PeriodType

LINES_MAX = 100
EXTRA_DAYS_MAX = 31
DAYS_OF_A_MONTH = 30  # by which a day costs its part of a month's price
NEW_PURCHASE = 1  # order type
ONE_TIME_WORD = "ONETIME"


class QuoteLine(BaseModel):
    """One product that is wanted; `measure_size` is needed for linear ones."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    service_type_code: str
    resource_type_code: str
    resource_spec_code: str
    region_code: str
    charging_mode: Literal[1, 3]
    period_type: int | None = None
    period_num: int | None = Field(default=None, ge=1)
    quantity: int = Field(default=1, ge=1)
    measure_size: Decimal | None = Field(default=None, gt=0)
    # Behind the periods, to the customer's unified expiry day (docs/domain/resources.md H.7)
    extra_days: int = Field(default=0, ge=0, le=EXTRA_DAYS_MAX)
    # Of a change: what order has made of the price before. It is payable as it stands; only
    # discounts are offered of it.
    amount: Decimal | None = Field(default=None, ge=0, decimal_places=ACCOUNT_PLACES)
    order: int = 0  # the number of its order in a batch: discounts are an order's


class QuoteOrder(BaseModel):
    """The body of POST /internal/quotes."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    customer_id: str
    lines: list[QuoteLine] = Field(min_length=1, max_length=LINES_MAX)
    order_type: int = NEW_PURCHASE


async def quote_order(
    session: AsyncSession,
    principal: Principal,
    catalogue: Catalogue,
    wanted: QuoteOrder,
    now: datetime,
) -> dict[str, Any]:
    """Amounts with 2 decimals in the customer's currency, cut. On-demand products cost when used.

    With the discounts that each order is offered.

    Raises:
        NotOwnCustomerError: the caller may not see the customer.
        ProductNotFoundError: not sold, not so, or without its size.

    """
    customer = await copies.find(session, Customer, wanted.customer_id)
    if customer is None or not _may_see(principal, customer):
        raise NotOwnCustomerError(wanted.customer_id)
    lines = quote_lines(catalogue, wanted.lines, customer.currency, now)
    priced = price_lines(catalogue, wanted.lines, lines, now)
    offers = await offer_discounts(session, customer, priced, wanted.order_type, now)
    return {
        "currency": customer.currency, "lines": lines, "discounts": [told(one) for one in offers],
    }  # fmt: skip


def price_lines(
    catalogue: Catalogue,
    lines: Sequence[QuoteLine],
    quoted: Sequence[dict[str, Any]],
    now: datetime,
) -> list[LinePriced]:
    """The lines as discounts see them."""
    return [_priced(catalogue, *pair, now) for pair in zip(lines, quoted, strict=True)]


def _priced(
    catalogue: Catalogue, line: QuoteLine, quoted: dict[str, Any], now: datetime
) -> LinePriced:
    return LinePriced(
        order=line.order,
        service_type_code=line.service_type_code,
        product_id=quoted["product_id"],
        region_code=line.region_code,
        charging_mode=charging_word(line.charging_mode, line.period_type, line.period_num),
        base=Decimal(quoted["amount_after_discount"]),
        units=(line.period_num or 1) * (line.measure_size or Decimal(1)) * line.quantity,
        pieces=Decimal(line.quantity),
        may_be_partners=catalogue.partners_may_lower(line.service_type_code, cycle_of(now)),
    )


def charging_word(charging_mode: int, period_type: int | None, period_num: int | None) -> str:
    """How agreements call it."""
    if charging_mode == ON_DEMAND:
        return ON_DEMAND_WORD
    words = {DAY: "DAILY", MONTH: "MONTHLY", YEAR: f"{period_num}_YEARLY"}
    return words.get(PeriodType(period_type or 0), ONE_TIME_WORD)


def _may_see(principal: Principal, customer: Customer) -> bool:
    if principal.is_customer:
        return customer.customer_id == principal.id
    own = (customer.partner_id, customer.distributor_id)
    return principal.is_administrator or principal.partner_id in own


def quote_lines(
    catalogue: Catalogue, lines: Sequence[QuoteLine], currency: str, now: datetime
) -> list[dict[str, Any]]:
    """What each costs by the catalogue."""
    return [_quote(catalogue, line, currency, now) for line in lines]


def _quote(catalogue: Catalogue, line: QuoteLine, currency: str, now: datetime) -> dict[str, Any]:
    product = catalogue.find_product(
        line.service_type_code, line.resource_type_code, line.resource_spec_code, line.region_code
    )
    if line.amount is None:
        official, payable = _amounts(product, line, currency, now)
    else:
        official = payable = cut(line.amount, ACCOUNT_PLACES)
    package = product.package_at(now)
    return {
        "product_id": product.id,
        "service_type_name": catalogue.service_by_code[product.service_type_code].name,
        "resource_type_name": catalogue.resource_by_code[product.resource_type_code].name,
        "official_amount": f"{official:f}",
        "discount_amount": f"{official - payable:f}",
        "amount_after_discount": f"{payable:f}",
        "is_marketplace": product.is_marketplace,
        "provisioning_seconds": product.provisioning_seconds,
        "product_spec_desc": product.description,
        "size_measure_id": product.size_measure_id,
        "package": None if package is None else _package(catalogue, package),
    }


def _package(catalogue: Catalogue, package: Package) -> dict[str, Any]:
    """What is opened instead of a resource, as it is sold now."""
    items = [
        item.model_dump(exclude={"amount"})
        | {
            "amount": f"{item.amount:f}",
            "resource_type_name": catalogue.resource_by_code[item.resource_type_code].name,
        }
        for item in package.items
    ]
    return {
        "begins": package.begins,
        "quota_reuse_mode": package.reuse_mode,
        "quota_reuse_cycle": package.cycle,
        "quota_reuse_cycle_type": package.cycle_type,
        "items": items,
    }


def _amounts(
    product: Product, line: QuoteLine, currency: str, now: datetime
) -> tuple[Decimal, Decimal]:
    """List price and what is payable of it."""
    price = product.price_at(currency, now, line.region_code)
    if price is None or (product.size_measure_id and line.measure_size is None):
        raise ProductNotFoundError(product.id)
    if line.charging_mode == ON_DEMAND:
        if not price.on_demand:
            raise ProductNotFoundError(f"{product.id} is not sold on demand")
        return ZERO, ZERO
    unit = price.of_period(line.period_type)
    if unit is None or line.period_num is None:
        raise ProductNotFoundError(f"{product.id} is not sold for such periods")
    size = line.measure_size if product.size_measure_id and line.measure_size else Decimal(1)
    usage = Usage(Decimal(line.period_num), size=size, count=line.quantity)
    official = list_fee(unit, usage, ACCOUNT_PLACES)
    if line.extra_days:
        official = _with_days(unit, price.month, usage, line.extra_days, product)
    return official, discounted(official, price.discount, ACCOUNT_PLACES)


def _with_days(
    unit: Decimal, month: Decimal | None, usage: Usage, days: int, product: Product
) -> Decimal:
    """The periods and the days behind them, cut once: a day is a thirtieth of the month."""
    if month is None:
        raise ProductNotFoundError(f"{product.id} is not sold for such periods")
    with_days = unit * usage.value * DAYS_OF_A_MONTH + month * days
    per_day = Usage(Decimal(1), denominator=DAYS_OF_A_MONTH, size=usage.size, count=usage.count)
    return list_fee(with_days, per_day, ACCOUNT_PLACES)
