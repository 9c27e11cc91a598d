"""Grant a customer a discount: the administrator kinds 0, 1 and 2, a partner kind 3."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.find_parties import NotOwnCustomerError, resale_customer
from billing.copies import Customer, Partner
from billing.discounts.facts import discount_fact
from billing.discounts.models import (
    GRANTED_BY_PARTNER,
    ON_DEMAND_WORD,
    RATIO,
    REDUCTION,
    UNIT_PRICE,
    Discount,
)
from chassis import audit, copies, outbox
from chassis.errors import BadFieldError, RefusedError, UnknownValueError
from chassis.identity import Principal
from chassis.ids import new_id
from contracts.billing import BillingDiscountGranted
from wire.money import AMOUNT_MAX, cut
from wire.types import Id, NativeInstant, Number, WireRequest

LIMITS_MAX = 100  # services or products named
NAME_CHARACTERS_MAX = 100
STEPS_MAX = 20
PLACES_OF_MODE = {RATIO: 4, UNIT_PRICE: 10}  # decimals; amounts have 2
AMOUNT_PLACES = 2

Code = Annotated[str, Field(min_length=1, max_length=64)]
ChargingWord = Literal[
    "ONDEMAND", "ONETIME", "DAILY", "MONTHLY",
    "1_YEARLY", "2_YEARLY", "3_YEARLY", "4_YEARLY", "5_YEARLY",
]  # fmt: skip
Codes = Annotated[list[Code], Field(max_length=LIMITS_MAX)]


@dataclass(frozen=True, slots=True)
class Sold:
    """What the catalogue knows."""

    service_type_codes: frozenset[str]
    product_ids: frozenset[str]
    region_codes: frozenset[str]


class Step(WireRequest):
    """Above so many units, up to the next step, ratio or price is `value`.

    Without a product `above` is an amount: what the services' use came to in the cycle.
    """

    model_config = ConfigDict(extra="forbid")

    above: Number
    value: Number


class NotTheirsToGrantError(RefusedError):
    """A partner grants kind 3, the administrator the others."""

    code = "CBC.0155"


class GrantDiscount(WireRequest):
    """The body of POST /api/discounts; with a partner's id in place of a customer's, it is all's.

    `discount_value` is the ratio that is payable (mode 0), a fixed price (1), a reduction (2) or
    the price of a unit of one product charged in one way (3). Steps go with 0 and 3, by the units
    of a named product, or with 0 for named services' use on demand, by what all of it came to in
    the cycle at list prices; the first is above 0 and has the `discount_value`.
    """

    model_config = ConfigDict(extra="forbid")

    customer_id: Id
    discount_type: Literal[0, 1, 2, 3]
    discount_mode: Literal[0, 1, 2, 3]
    discount_value: Number
    service_type_codes: Codes = Field(default_factory=list)
    product_ids: Codes = Field(default_factory=list)
    order_types: Annotated[list[Literal[1, 2, 3, 11]], Field(max_length=4)] = Field(
        default_factory=list
    )
    region_codes: Codes = Field(default_factory=list)
    charging_modes: Annotated[list[ChargingWord], Field(max_length=9)] = Field(default_factory=list)
    steps: Annotated[list[Step], Field(max_length=STEPS_MAX)] = Field(default_factory=list)
    agreement_number: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    effective_at: NativeInstant | None = None
    expire_at: NativeInstant | None = None
    name: Annotated[str, Field(min_length=1, max_length=NAME_CHARACTERS_MAX)]


async def grant_discount(
    session: AsyncSession,
    principal: Principal,
    sold: Sold,
    wanted: GrantDiscount,
    now: datetime,
) -> Discount:
    """Keep the discount and state it; orders placed from now on may be offered it.

    Raises:
        NotTheirsToGrantError: another kind than the caller may grant.
        NotOwnCustomerError, NotResaleError: no resale customer of the caller's.
        BadFieldError, UnknownValueError: a value that means nothing.

    """
    if principal.is_administrator == (wanted.discount_type == GRANTED_BY_PARTNER):
        raise NotTheirsToGrantError("a partner grants type 3, the administrator 0, 1 and 2")
    value = _value(wanted)
    _refuse_unknown(sold, wanted)
    effective_at = wanted.effective_at or now
    if wanted.expire_at is not None and wanted.expire_at <= effective_at:
        raise BadFieldError("expire_at", "not after effective_at")
    if wanted.expire_at is not None and wanted.expire_at <= now:
        raise BadFieldError("expire_at", "in the past")
    holder = await _holder(session, principal, wanted.customer_id)
    discount = Discount(
        discount_id=new_id(),
        customer_id=wanted.customer_id,
        partner_id=holder.partner_id,
        distributor_id=holder.distributor_id,
        name=wanted.name,
        discount_type=wanted.discount_type,
        discount_mode=wanted.discount_mode,
        discount_value=value,
        currency=holder.currency,
        service_type_codes=wanted.service_type_codes,
        product_ids=wanted.product_ids,
        order_types=list(wanted.order_types),
        region_codes=wanted.region_codes,
        charging_modes=list(wanted.charging_modes),
        steps=[{"above": f"{one.above:f}", "value": f"{one.value:f}"} for one in wanted.steps],
        agreement_number=wanted.agreement_number,
        effective_at=effective_at,
        expire_at=wanted.expire_at,
        created_at=now,
        updated_at=now,
        version=1,
    )
    session.add(discount)
    outbox.publish(session, discount_fact(BillingDiscountGranted, discount, now))
    about = {"customer_id": discount.customer_id, "discount_type": discount.discount_type}
    audit.record(session, principal, "discount.grant", discount.discount_id, now, **about)
    return discount


async def _holder(
    session: AsyncSession, principal: Principal, customer_id: str
) -> Customer | Partner:
    """A resale customer, or the partner whose resale customers all have it."""
    if principal.is_administrator or customer_id == principal.partner_id:
        partner = await session.get(Partner, customer_id)
        if partner is not None:
            return partner
    if not principal.is_administrator:
        return await resale_customer(session, principal.partner_id, customer_id)
    known = await copies.find(session, Customer, customer_id)
    if known is None:
        raise NotOwnCustomerError(customer_id)
    return await resale_customer(session, known.partner_id, customer_id)


def _value(wanted: GrantDiscount) -> Decimal:
    """Between nothing and everything, as exact as its mode is; of steps, the first one's."""
    value, mode = wanted.discount_value, wanted.discount_mode
    _refuse_value("discount_value", value, mode)
    words = wanted.charging_modes
    if mode == UNIT_PRICE and not (len(wanted.product_ids) == len(words) == 1):
        raise BadFieldError("discount_mode", "a unit's price is of one product, charged in one way")
    if ON_DEMAND_WORD in words and mode not in (RATIO, UNIT_PRICE):
        raise BadFieldError("charging_modes", "use has no sum that a reduction could be taken off")
    _refuse_steps(wanted)
    return value


def _refuse_value(field: str, value: Decimal, mode: int) -> None:
    places = PLACES_OF_MODE.get(mode, AMOUNT_PLACES)
    if cut(value, places) != value:
        raise BadFieldError(field, f"more than {places} decimals")
    lowest = value > 0 or (mode not in (RATIO, REDUCTION) and value == 0)
    if not lowest or value > AMOUNT_MAX or (mode == RATIO and value >= 1):
        raise BadFieldError(field, "out of range")


def _refuse_steps(wanted: GrantDiscount) -> None:
    if not wanted.steps:
        return
    if wanted.service_type_codes and not wanted.product_ids:
        if wanted.discount_mode != RATIO or wanted.charging_modes != [ON_DEMAND_WORD]:
            raise BadFieldError("steps", "those of services are ratios of use on demand")
        if any(cut(step.above, AMOUNT_PLACES) != step.above for step in wanted.steps):
            raise BadFieldError("steps.above", f"more than {AMOUNT_PLACES} decimals")
    elif wanted.discount_mode not in (RATIO, UNIT_PRICE) or len(wanted.product_ids) != 1:
        raise BadFieldError("steps", "they are of one product, by ratio or price of a unit")
    bounds = [step.above for step in wanted.steps]
    if bounds[0] != 0 or any(high <= low for low, high in pairwise(bounds)):
        raise BadFieldError("steps.above", "begins at 0 and rises")
    for step in wanted.steps:
        _refuse_value("steps.value", step.value, wanted.discount_mode)
    if wanted.steps[0].value != wanted.discount_value:
        raise BadFieldError("steps.value", "the first one is discount_value")


def _refuse_unknown(sold: Sold, wanted: GrantDiscount) -> None:
    if not sold.service_type_codes.issuperset(wanted.service_type_codes):
        raise UnknownValueError("service_type_codes")
    if not sold.product_ids.issuperset(wanted.product_ids):
        raise UnknownValueError("product_ids")
    if not sold.region_codes.issuperset(wanted.region_codes):
        raise UnknownValueError("region_codes")
