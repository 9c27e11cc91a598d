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
from billing.prices.catalogue import ON_DEMAND, Catalogue, Product, ProductNotFoundError
from billing.prices.rate import ACCOUNT_PLACES, Usage, discounted, list_fee
from chassis import copies
from chassis.identity import Principal

LINES_MAX = 100


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


class WantedQuote(BaseModel):
    """The body of POST /internal/quotes."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    customer_id: str
    lines: list[QuoteLine] = Field(min_length=1, max_length=LINES_MAX)


async def quote_order(
    session: AsyncSession,
    principal: Principal,
    catalogue: Catalogue,
    wanted: WantedQuote,
    now: datetime,
) -> dict[str, Any]:
    """Amounts with 2 decimals in the customer's currency, cut. On-demand products cost when used.

    Raises:
        NotOwnCustomerError: the caller may not see the customer.
        ProductNotFoundError: not sold, not so, or without its size.

    """
    customer = await copies.find(session, Customer, wanted.customer_id)
    if customer is None or not _may_see(principal, customer):
        raise NotOwnCustomerError(wanted.customer_id)
    lines = _quotes(catalogue, wanted.lines, customer.currency, now)
    return {"currency": customer.currency, "lines": lines}


def _may_see(principal: Principal, customer: Customer) -> bool:
    if principal.is_customer:
        return customer.customer_id == principal.id
    own = (customer.partner_id, customer.distributor_id)
    return principal.is_administrator or principal.partner_id in own


def _quotes(
    catalogue: Catalogue, lines: Sequence[QuoteLine], currency: str, now: datetime
) -> list[dict[str, Any]]:
    return [_quote(catalogue, line, currency, now) for line in lines]


def _quote(catalogue: Catalogue, line: QuoteLine, currency: str, now: datetime) -> dict[str, Any]:
    product = catalogue.find_product(
        line.service_type_code, line.resource_type_code, line.resource_spec_code, line.region_code
    )
    official, payable = _amounts(product, line, currency, now)
    return {
        "product_id": product.id,
        "service_type_name": catalogue.service_by_code[product.service_type_code].name,
        "resource_type_name": catalogue.resource_by_code[product.resource_type_code].name,
        "official_amount": f"{official:f}",
        "discount_amount": f"{official - payable:f}",
        "amount_after_discount": f"{payable:f}",
        "is_marketplace": product.is_marketplace,
        "provisioning_seconds": product.provisioning_seconds,
    }


def _amounts(
    product: Product, line: QuoteLine, currency: str, now: datetime
) -> tuple[Decimal, Decimal]:
    """List price and what is payable of it."""
    price = product.price_at(currency, now)
    if price is None or (product.size_measure_id and line.measure_size is None):
        raise ProductNotFoundError(product.id)
    if line.charging_mode == ON_DEMAND:
        if price.hour is None:
            raise ProductNotFoundError(f"{product.id} is not sold on demand")
        return ZERO, ZERO
    unit = price.of_period(line.period_type)
    if unit is None or line.period_num is None:
        raise ProductNotFoundError(f"{product.id} is not sold for such periods")
    size = line.measure_size if product.size_measure_id and line.measure_size else Decimal(1)
    usage = Usage(Decimal(line.period_num), size=size, count=line.quantity)
    official = list_fee(unit, usage, ACCOUNT_PLACES)
    return official, discounted(official, price.discount, ACCOUNT_PLACES)
