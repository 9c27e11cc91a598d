"""What an order of periods would cost, before it is placed, and with each discount (询价)."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.find_parties import NotOwnCustomerError
from billing.accounts.models import ZERO
from billing.copies import Customer
from billing.discounts.models import INQUIRY_TYPES
from billing.discounts.offer_discounts import LinePriced, Offer, best_of, offer_discounts
from billing.prices.catalogue import Catalogue, PriceNotFoundError
from billing.prices.products import PERIOD
from billing.prices.quote_order import NEW_PURCHASE, QuoteLine, price_lines, quote_lines
from billing.prices.rate_on_demand import COUNT_MAX, wanted_size
from chassis import copies
from chassis.errors import BadFieldError
from wire.types import WireRequest
from wire.vocabulary import YUAN

NO_INSTALMENTS = "NA"  # the others are for a product that nobody sells here


class WantedPeriod(WireRequest):
    """One product of an inquiry."""

    id: str
    cloud_service_type: str
    resource_type: str
    resource_spec: str
    region: str
    resource_size: Annotated[int, Field(ge=1, le=COUNT_MAX)] | None = None
    size_measure_id: int | None = None
    period_type: int
    period_num: int
    subscription_num: int
    fee_installment_mode: str | None = None


class RatePeriods(WireRequest, operation="list_rate_on_period_detail"):
    """The body of list_rate_on_period_detail."""

    project_id: str
    product_infos: list[WantedPeriod]


async def rate_periods(
    session: AsyncSession,
    catalogue: Catalogue,
    customer_id: str,
    wanted: RatePeriods,
    now: datetime,
) -> dict[str, Any]:
    """List prices, and for each discount that lowers them what it leaves; all as an order's quote.

    Raises:
        BadFieldError: an id twice, or a linear product without its size.
        ProductNotFoundError, PriceNotFoundError, UnitNotFoundError, UnitNotConvertibleError

    """
    infos = wanted.product_infos
    if len({one.id for one in infos}) < len(infos):
        raise BadFieldError("product_infos.id", "must not repeat")
    customer = await inquiring_customer(session, customer_id)
    lines = [_line(catalogue, one, customer.currency, now) for one in infos]
    quoted = quote_lines(catalogue, lines, customer.currency, now)
    priced = price_lines(catalogue, lines, quoted, now)
    offers = await offer_discounts(session, customer, priced, NEW_PURCHASE, now)
    return {
        "currency": customer.currency,
        "official_website_rating_result": _official(infos, quoted),
        "optional_discount_rating_results": _optional(infos, quoted, priced, offers),
    }


async def inquiring_customer(session: AsyncSession, customer_id: str) -> Customer:
    """Our copy of who asks, waiting while it is not known yet."""
    customer = await copies.find(session, Customer, customer_id)
    if customer is None:
        raise NotOwnCustomerError(customer_id)
    return customer


def _line(catalogue: Catalogue, wanted: WantedPeriod, currency: str, now: datetime) -> QuoteLine:
    product = catalogue.find_product(
        wanted.cloud_service_type, wanted.resource_type, wanted.resource_spec, wanted.region
    )
    price = product.price_at(currency, now, wanted.region)
    has_instalments = wanted.fee_installment_mode not in (None, "", NO_INSTALMENTS)
    if price is None or price.of_period(wanted.period_type) is None or has_instalments:
        raise PriceNotFoundError(product.id)
    return QuoteLine(
        service_type_code=product.service_type_code,
        resource_type_code=product.resource_type_code,
        resource_spec_code=product.resource_spec_code,
        region_code=wanted.region,
        charging_mode=PERIOD,
        period_type=wanted.period_type,
        period_num=wanted.period_num,
        quantity=wanted.subscription_num,
        measure_size=wanted_size(catalogue, product, wanted.resource_size, wanted.size_measure_id),
    )


def _official(infos: Sequence[WantedPeriod], quoted: Sequence[dict[str, Any]]) -> dict[str, Any]:
    rows = [
        {
            "id": info.id,
            "product_id": line["product_id"],
            "official_website_amount": Decimal(line["official_amount"]),
            "measure_id": YUAN,
        }
        for info, line in zip(infos, quoted, strict=True)
    ]
    whole = sum((row["official_website_amount"] for row in rows), ZERO)
    return {
        "official_website_amount": whole, "measure_id": YUAN, "product_rating_results": rows,
    }  # fmt: skip


def _optional(
    infos: Sequence[WantedPeriod],
    quoted: Sequence[dict[str, Any]],
    priced: Sequence[LinePriced],
    offers: Sequence[Offer],
) -> list[dict[str, Any]]:
    """One for each discount of an agreement, a contract or the partner; one is the best."""
    best = best_of(offers)
    rows = []
    for offer in offers:
        if offer.discount.discount_type not in INQUIRY_TYPES:
            continue
        products = [
            _product(info.id, line, one.base, offer, place)
            for place, (info, line, one) in enumerate(zip(infos, quoted, priced, strict=True))
        ]
        names = ("amount", "official_website_amount", "discount_amount")
        rows.append(
            {
                "discount_id": offer.discount.discount_id,
                **{name: sum((one[name] for one in products), ZERO) for name in names},
                "measure_id": YUAN,
                "discount_type": INQUIRY_TYPES[offer.discount.discount_type],
                "discount_name": offer.discount.name,
                "best_offer": int(offer is best),
                "product_rating_results": products,
            }
        )
    return rows


def _product(
    inquiry_id: str, line: dict[str, Any], base: Decimal, offer: Offer, place: int
) -> dict[str, Any]:
    """What the discount leaves of a product, the catalogue's own reduction included."""
    reduction = offer.reductions.get(place)
    amount = base if reduction is None else reduction.amount_after_discount
    official = Decimal(line["official_amount"])
    return {
        "id": inquiry_id,
        "product_id": line["product_id"],
        "amount": amount,
        "official_website_amount": official,
        "discount_amount": official - amount,
        "measure_id": YUAN,
    }
