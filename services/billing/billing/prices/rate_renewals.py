"""What renewing a customer's resources would cost, and with each discount (续订询价)."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import ZERO
from billing.copies import Resource
from billing.discounts.models import INQUIRY_TYPES
from billing.discounts.offer_discounts import best_of, offer_discounts
from billing.prices.catalogue import Catalogue
from billing.prices.products import PERIOD, YEAR
from billing.prices.quote_order import QuoteLine, price_lines, quote_lines
from billing.prices.rate_periods import inquiring_customer
from chassis.errors import BadFieldError, RefusedError
from wire.codes import CHINESE, code, language_of
from wire.types import WireRequest

RENEWAL = 2  # order type
YEARS_MAX = 3
CLOSED = 3  # status of a period resource
NOT_MAIN, NO_SUCH_PERIOD = "CBC.30050007", "CBC.30050008"
MISSING, NOT_RENEWABLE = "CBC.30050009", "CBC.30050013"


class NamedTwiceError(RefusedError):
    """A resource stands twice in one inquiry."""

    code = "CBC.30050012"


class RateRenewals(WireRequest, operation="list_renew_rate_on_period"):
    """The body of list_renew_rate_on_period."""

    resource_ids: list[str]
    period_type: int
    period_num: int
    include_relative_resources: bool = False


async def rate_renewals(
    session: AsyncSession,
    catalogue: Catalogue,
    customer_id: str,
    wanted: RateRenewals,
    now: datetime,
    language: str | None,
) -> dict[str, Any]:
    """By the catalogue and with each discount; what cannot be renewed so is told apart.

    Days up to a unified expiry day are not in it: they are order's to reckon.

    Raises:
        NamedTwiceError, BadFieldError

    """
    if len(set(wanted.resource_ids)) < len(wanted.resource_ids):
        raise NamedTwiceError
    if wanted.period_type == YEAR and wanted.period_num > YEARS_MAX:
        raise BadFieldError("period_num", f"not within 1 to {YEARS_MAX} years")
    customer = await inquiring_customer(session, customer_id)
    found = await _resources(session, customer_id, wanted)
    failed: dict[str, str] = {}
    groups: dict[str, list[Resource]] = {}
    for resource_id in wanted.resource_ids:
        group = [found[resource_id]] if resource_id in found else []
        group += [one for one in found.values() if one.main_resource_id == resource_id]
        reason = _refusal(catalogue, group, resource_id, wanted, customer.currency, now)
        if reason is not None:
            failed[resource_id] = reason
        else:
            groups[resource_id] = group
    lines = [_line(one, wanted) for group in groups.values() for one in group]
    quoted = quote_lines(catalogue, lines, customer.currency, now)
    priced = price_lines(catalogue, lines, quoted, now)
    offers = await offer_discounts(session, customer, priced, RENEWAL, now)
    official = sum((Decimal(line["official_amount"]) for line in quoted), ZERO)
    whole = sum((one.base for one in priced), ZERO)
    best = best_of(offers)
    return {
        "currency": customer.currency,
        "renew_inquiry_results": _results(groups, [one.base for one in priced]),
        "official_website_rating_result": {"official_website_amount": f"{official:f}"},
        "optional_discount_rating_results": [
            {
                "discount_id": one.discount.discount_id,
                "amount": f"{whole - one.amount:f}",
                "official_website_amount": f"{official:f}",
                "discount_amount": f"{official - whole + one.amount:f}",
                "discount_type": INQUIRY_TYPES[one.discount.discount_type],
                "discount_name": one.discount.name,
                "best_offer": int(one is best),
            }
            for one in offers
            if one.discount.discount_type in INQUIRY_TYPES
        ],
        "fail_resource_infos": [
            {
                "error_code": reason,
                "error_msg": code(reason).text(language_of(language, CHINESE)),
                "resource_id": resource_id,
            }
            for resource_id, reason in failed.items()
        ],
    }


async def _resources(
    session: AsyncSession, customer_id: str, wanted: RateRenewals
) -> dict[str, Resource]:
    """The named ones of the customer, and what is attached to them where that is asked for."""
    named: ColumnElement[bool] = Resource.resource_id.in_(wanted.resource_ids)
    if wanted.include_relative_resources:
        named = or_(named, Resource.main_resource_id.in_(wanted.resource_ids))
    rows = await session.scalars(
        select(Resource)
        .where(named, Resource.customer_id == customer_id, Resource.status != CLOSED)
        .order_by(Resource.resource_id)
    )
    return {one.resource_id: one for one in rows}


def _refusal(
    catalogue: Catalogue,
    group: Sequence[Resource],
    resource_id: str,
    wanted: RateRenewals,
    currency: str,
    now: datetime,
) -> str | None:
    """Why the resource, or what goes with it, has no price of renewal; none: it has one."""
    if not group or group[0].resource_id != resource_id:
        return MISSING
    if group[0].main_resource_id is not None:
        return NOT_MAIN
    if any(one.charging_mode != PERIOD for one in group):
        return NOT_RENEWABLE
    for one in group:
        product = catalogue.by_id.get(one.product_id or "")
        if product is None or (product.size_measure_id and one.measure_size is None):
            return NOT_RENEWABLE
        price = product.price_at(currency, now, one.region_code)
        if price is None or price.of_period(wanted.period_type) is None:
            return NO_SUCH_PERIOD
    return None


def _line(resource: Resource, wanted: RateRenewals) -> QuoteLine:
    return QuoteLine(
        service_type_code=resource.service_type_code,
        resource_type_code=resource.resource_type_code,
        resource_spec_code=resource.resource_spec_code,
        region_code=resource.region_code,
        charging_mode=PERIOD,
        period_type=wanted.period_type,
        period_num=wanted.period_num,
        measure_size=resource.measure_size,
    )


def _results(groups: dict[str, list[Resource]], bases: Sequence[Decimal]) -> list[dict[str, str]]:
    """Each main resource with what goes with it, by the catalogue."""
    rows, place = [], 0
    for resource_id, group in groups.items():
        amount = sum(bases[place : place + len(group)], ZERO)
        rows.append({"resource_id": resource_id, "amount": f"{amount:f}"})
        place += len(group)
    return rows
