"""The administrator issues a coupon of the vendor's own, which comes from no quota.

See decision 0119 and docs/domain/coupons.md H.17.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from pydantic import ConfigDict, Field, field_validator
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.copies import find
from chassis.errors import BadFieldError, NotFoundError, RefusedError
from chassis.identity import Principal
from chassis.ids import new_id
from voucher.copies import ASSOCIATED, PENDING, Customer, Partner
from voucher.coupons.facts import voucher_issued
from voucher.coupons.models import NOT_ACTIVATED, USABLE, Coupon
from voucher.find_customers import find_customers, lock_customers
from voucher.find_partner import PartnerBarredError
from voucher.ledger.post_movements import post_issue
from voucher.quotas.grant_quota import LimitsWanted
from voucher.quotas.limits import QuotaLimits
from voucher.quotas.models import CASH, DISCOUNT, FLEXI
from wire.money import cut
from wire.operations import CHINA
from wire.types import Amount, Id, NativeInstant, Number, WireRequest

RATIO_PLACES = 4
TEST = "test"  # origin: for what a partner builds and tries out
# Limits that ask about an issue from a quota: of one coupon they would be passed over.
OF_QUOTAS = {
    "face_value_min", "face_value_max", "coupons_max", "total_per_customer_max", "customer_ids",
    "first_associated_only", "cooperation_type",
}  # fmt: skip


class IssueCoupon(WireRequest):
    """The body of `POST /api/coupons`.

    A discount coupon has `discount_ratio`, how much of the price is payable: 0.9 is 10 % off. All
    others have a `face_value`. The holder is a resale customer, or a partner.
    """

    model_config = ConfigDict(extra="forbid")

    holder_id: Id
    coupon_type: Literal[1, 2, 3, 4]  # 1 cash, 2 discount, 3 product, 4 flexi
    origin: Literal["test", "commercial", "activity"]
    # 0 Huawei cloud services, 1 marketplace, 2 dedicated, 3 hardware
    group: Literal[0, 1, 2, 3] = 0
    face_value: Amount | None = None
    discount_ratio: Number | None = None
    currency: str | None = Field(default=None, description="the holder's, when given")
    limits: LimitsWanted = Field(default_factory=LimitsWanted)
    effective_at: NativeInstant
    expire_at: NativeInstant
    activated: bool = Field(default=True, description="false: its holder activates it")

    @field_validator("discount_ratio")
    @classmethod
    def _takes_something_off(cls, value: Decimal | None) -> Decimal | None:
        if value is not None and not 0 < value < 1:
            raise ValueError("a ratio is above 0 and below 1")
        if value is not None and cut(value, RATIO_PLACES) != value:
            raise ValueError("a ratio has at most 4 decimals")
        return value


class HolderRefusedError(RefusedError):
    """The customer may get no coupon now; the code says why."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who gets a coupon; a partner itself, or a customer of that partner."""

    id: str
    partner: Partner


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the coupon is to be."""

    coupon_type: int
    group: int
    origin: str
    face_value: Decimal
    discount_ratio: Decimal | None
    limits: QuotaLimits
    effective_at: datetime
    expire_at: datetime
    activated: bool = True


async def issue_coupon(
    session: AsyncSession, principal: Principal, asked: IssueCoupon, now: datetime
) -> Coupon:
    """Make the coupon, and state it.

    Raises:
        NotFoundError: no such customer or partner.
        HolderRefusedError: the customer may not get coupons now; its code says why.
        PartnerBarredError: the partner that is to hold it is restricted or has left.
        BadFieldError: what does not go together, or the times are out of order or past.

    """
    holder = await _find_holder(session, asked.holder_id)
    _refuse_bad_fields(asked, holder.partner, now)
    wanted = Wanted(
        coupon_type=asked.coupon_type,
        group=asked.group,
        origin=asked.origin,
        face_value=asked.face_value or Decimal(0),
        discount_ratio=asked.discount_ratio,
        limits=asked.limits,
        effective_at=asked.effective_at,
        expire_at=asked.expire_at,
        activated=asked.activated,
    )
    return issue_vendor_coupon(session, principal, holder, wanted, now)


def issue_vendor_coupon(
    session: AsyncSession, principal: Principal, holder: Holder, wanted: Wanted, now: datetime
) -> Coupon:
    """The coupon, its movement from the vendor's account, its fact and who did it."""
    partner = holder.partner
    coupon = Coupon(
        id=f"CP{new_id()}",
        quota_id=None,
        partner_id=partner.partner_id,
        distributor_id=partner.distributor_id,
        customer_id=holder.id,
        coupon_type=wanted.coupon_type,
        coupon_group=wanted.group,
        origin=wanted.origin,
        status=USABLE if wanted.activated else NOT_ACTIVATED,
        is_frozen=False,
        site=partner.site,
        currency=partner.currency,
        discount_ratio=wanted.discount_ratio,
        face_value=wanted.face_value,
        balance=wanted.face_value,
        reserved_amount=Decimal(0),
        returned_amount=Decimal(0),
        limits=wanted.limits.kept(),
        effective_at=wanted.effective_at,
        expire_at=wanted.expire_at,
        created_at=now,
        version=1,
    )
    session.add(coupon)
    post_issue(session, coupon.posted_for, coupon.id, coupon.face_value, now)
    outbox.publish(session, voucher_issued(coupon, now, None))
    audit.record(
        session, principal, "coupon.issue_own", coupon.id, now,
        holder_id=holder.id, origin=coupon.origin, coupon_type=coupon.coupon_type,
        face_value=str(coupon.face_value),
    )  # fmt: skip
    return coupon


async def _find_holder(session: AsyncSession, holder_id: str) -> Holder:
    """Locked, where it is a customer: the end of its association takes the coupon back."""
    partner = await session.get(Partner, holder_id)
    if partner is None:
        await find_customers(session, [holder_id])  # before any lock: it may wait
        customer = (await lock_customers(session, [holder_id])).get(holder_id)
        if customer is not None:
            return await _customer_as_holder(session, customer)
        partner = await session.get(Partner, holder_id)  # it may have joined meanwhile
    if partner is None:
        raise NotFoundError(f"holder {holder_id}")
    if partner.status != "active":
        raise PartnerBarredError
    return Holder(partner.partner_id, partner)


async def _customer_as_holder(session: AsyncSession, customer: Customer) -> Holder:
    _refuse_customer(customer)
    partner = await find(session, Partner, customer.partner_id)
    if partner is None:
        raise NotFoundError(f"partner {customer.partner_id}")
    return Holder(customer.customer_id, partner)


def _refuse_customer(customer: Customer) -> None:
    """As a partner that issues is refused."""
    if customer.association_status == PENDING:
        raise HolderRefusedError(code="CBC.99000000")
    if customer.association_status != ASSOCIATED:
        raise HolderRefusedError(code="CBC.99000035")
    if customer.financial_custody:
        raise HolderRefusedError(code="CBC.50000034")
    if not customer.has_resale_type:
        raise HolderRefusedError(code="CBC.99000014")


def _refuse_bad_fields(asked: IssueCoupon, partner: Partner, now: datetime) -> None:
    if asked.currency not in (None, partner.currency):
        raise BadFieldError("currency", f"the holder's is {partner.currency}")
    if partner.site != CHINA and asked.coupon_type != CASH:
        raise BadFieldError("coupon_type", "cash coupons only on the international site")
    if (asked.coupon_type == DISCOUNT) != (asked.discount_ratio is not None):
        raise BadFieldError("discount_ratio", "of discount coupons, and of no others")
    if (asked.coupon_type == DISCOUNT) != (asked.face_value is None):
        raise BadFieldError("face_value", "of all coupons but discount coupons")
    _refuse_bad_limits(asked, partner)
    if asked.expire_at <= asked.effective_at:
        raise BadFieldError("expire_at", "not after effective_at")
    if asked.expire_at <= now:
        raise BadFieldError("expire_at", "in the past")


def _refuse_bad_limits(asked: IssueCoupon, partner: Partner) -> None:
    if asked.limits.currency not in (None, partner.currency):
        raise BadFieldError("limits.currency", f"the holder's is {partner.currency}")
    for name in sorted(OF_QUOTAS & asked.limits.kept().keys()):
        raise BadFieldError(f"limits.{name}", "of quotas only")
    if asked.limits.unjudged is not None:
        raise BadFieldError(
            f"limits.{asked.limits.unjudged}", "no payment tells this: the coupon could never pay"
        )
    if asked.limits.max_deduction_ratio is not None and asked.coupon_type != FLEXI:
        raise BadFieldError("limits.max_deduction_ratio", "of flexi coupons only")
