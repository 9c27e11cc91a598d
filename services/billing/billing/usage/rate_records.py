"""What a usage record comes to before anything is taken off: its product, its price, its use."""

from calendar import monthrange
from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, localcontext

from billing.copies import Customer
from billing.prices.catalogue import (
    Catalogue,
    ProductNotFoundError,
    UnitNotConvertibleError,
)
from billing.prices.products import Price, Product
from billing.prices.rate import EXACT, Usage
from billing.usage.records import UsageRecord
from billing.usage.take_from_packages import Use
from billing.usage.when_it_counts import counts_at
from chassis.errors import BadFieldError
from wire.money import cut
from wire.times import BEIJING, cycle_of

SECOND_MEASURE = 6
USE_MAX = 10 * 366 * 24 * 3600  # seconds; a use that claims more has no begin
POINTS_OF_A_DAY, DAYS_PLACES = 288, 20  # docs/domain/bills.md B.8


@dataclass(frozen=True, slots=True)
class RatedRecord:
    """A record with what it is about, and when it counts."""

    record: UsageRecord
    product: Product
    price: Price
    customer: Customer
    use: Use
    trade_time: datetime


def rate_record(
    catalogue: Catalogue,
    record: UsageRecord,
    customer: Customer,
    now: datetime,
    taking: Container[str],
) -> RatedRecord:
    """The price is that of the end of the use: what comes late keeps what held then.

    `taking`: the cycles that take lines.

    Raises:
        BadFieldError: a charge outside the open cycles, a use that ends before it begins or lies
            ahead, or something missing that the product needs.
        ProductNotFoundError, UnitNotFoundError, UnitNotConvertibleError

    """
    product = catalogue.find_product(
        record.service_type_code,
        record.resource_type_code,
        record.resource_spec_code,
        record.region_code,
    )
    if record.used_from is not None and record.used_from > record.used_until:
        raise BadFieldError("records.used_from", "after used_until")
    ahead = record.charged_at is not None and record.charged_at > now
    if ahead or (record.charged_at is not None and cycle_of(record.charged_at) not in taking):
        raise BadFieldError("records.charged_at", "its cycle is final, or it lies ahead")
    price = product.price_at(customer.currency, record.used_until, record.region_code)
    if price is None or not price.on_demand:
        raise ProductNotFoundError(f"{product.id} has no on-demand price")
    use = Use(
        record_id=record.record_id,
        customer_id=customer.customer_id,
        partner_id=customer.partner_id,
        distributor_id=customer.distributor_id,
        resource_id=record.resource_id,
        resource_type_code=product.resource_type_code,
        resource_type_name=catalogue.resource_by_code[product.resource_type_code].name,
        resource_spec_code=product.resource_spec_code,
        region_code=record.region_code,
        usage=_usage(catalogue, product, record),
        tiers=price.on_demand,
        discount=price.discount,
        used_from=record.used_from or _used_from(catalogue, record),
        used_until=min(record.used_until, now),
        charged_at=record.charged_at or now,
    )
    trade_time = record.charged_at or counts_at(record.used_until, now, taking)
    return RatedRecord(record, product, price, customer, use, trade_time)


def _usage(catalogue: Catalogue, product: Product, record: UsageRecord) -> Usage:
    if product.size_measure_id and record.measure_size is None:
        raise BadFieldError("records.measure_size", "needed for a linear product")
    numerator, denominator = catalogue.ratio(record.usage_measure_id, product.usage_measure_id)
    size = record.measure_size if product.size_measure_id else None
    usage = Usage(record.usage_value, numerator, denominator, size or Decimal(1))
    return _of_a_month(usage, record) if product.is_by_percentile else usage


def _of_a_month(usage: Usage, record: UsageRecord) -> Usage:
    """A month's peak counts for the days that were metered, of the days that the month has."""
    if record.points is None:
        raise BadFieldError("records.points", "needed for a 95th percentile")
    last = (record.used_until - timedelta(microseconds=1)).astimezone(BEIJING)
    with localcontext(EXACT):
        days = cut(Decimal(record.points) / POINTS_OF_A_DAY, DAYS_PLACES)
        value = usage.value * days
    of_month = monthrange(last.year, last.month)[1]
    return Usage(value, usage.numerator, usage.denominator * of_month, usage.size)


def _used_from(catalogue: Catalogue, record: UsageRecord) -> datetime | None:
    """When the use began, where it is a time that can have passed."""
    try:
        numerator, denominator = catalogue.ratio(record.usage_measure_id, SECOND_MEASURE)
    except UnitNotConvertibleError:
        return None
    seconds = record.usage_value * numerator / denominator
    return record.used_until - timedelta(seconds=int(seconds)) if seconds < USE_MAX else None
