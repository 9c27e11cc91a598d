"""A partner issues coupons from a quota to its customers: some may fail, the others get theirs."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import Field
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.errors import BadFieldError, RefusedError
from chassis.identity import Principal
from chassis.ids import new_id
from contracts.voucher import VoucherIssued
from voucher.copies import ASSOCIATED, CustomerCopy
from voucher.coupons.facts import coupon_state
from voucher.coupons.models import RECLAIMED, USABLE, Coupon
from voucher.coupons.record_operation import record_operation
from voucher.find_customers import find_customers, lock_customers
from voucher.find_partner import find_issuing_partner
from voucher.ledger.post_movements import post_issue
from voucher.quotas.limits import QuotaLimits
from voucher.quotas.models import COUPON_TYPE_OF_QUOTA, NORMAL, Quota
from wire.codes import code as code_of
from wire.types import Amount, Instant, WireRequest

CUSTOMERS_MAX = 500  # of one request; the vendor names no limit, and everything has one
ISSUE = 1  # operation type, docs/domain/coupons.md B.7


class CreatePartnerCoupons(WireRequest, operation="create_partner_coupons"):
    """The body; `face_value` in the quota's currency."""

    quota_id: str
    customer_ids: list[str] = Field(max_length=CUSTOMERS_MAX)
    face_value: Amount
    valid_time: Instant | None = None
    expire_time: Instant | None = None
    cloud_service_types: list[str] = Field(default_factory=list)
    product_ids: list[str] = Field(default_factory=list)
    memo: str | None = None
    indirect_partner_id: str | None = None


class IssueRefusedError(RefusedError):
    """The whole request is refused; its code says why."""


class CustomerRefusedError(RefusedError):
    """This customer gets none; the others are not affected."""


@dataclass(slots=True)
class Issued:
    """What came out, customer by customer in the order asked."""

    coupons: list[Coupon] = field(default_factory=list)
    errors: list[tuple[str, str]] = field(default_factory=list)  # customer, code

    def answer(self, language: str) -> dict[str, Any]:
        """The wire's answer; both lists are always there."""
        infos = [{"id": c.customer_id, "coupon_id": c.id} for c in self.coupons]
        details = [
            {"id": customer_id, "error_code": code, "error_msg": code_of(code).text(language)}
            for customer_id, code in self.errors
        ]
        return {"coupon_infos": infos, "error_details": details}


async def create_partner_coupons(
    session: AsyncSession, principal: Principal, wanted: CreatePartnerCoupons, now: datetime
) -> Issued:
    """Issue under the quota's lock, so that parallel requests never overdraw it.

    Raises:
        IssueRefusedError: a rule of the quota forbids the whole request (400,
        docs/domain/error-codes.md D.4).

    """
    partner_id = await find_issuing_partner(session, principal, wanted.indirect_partner_id)
    _refuse_doubles(wanted, partner_id)
    await find_customers(session, wanted.customer_ids)  # before any lock: it may wait
    customers = await lock_customers(session, wanted.customer_ids)
    quota = await session.get(Quota, wanted.quota_id, with_for_update=True, populate_existing=True)
    if quota is None or quota.partner_id != partner_id or quota.quota_status != NORMAL:
        raise IssueRefusedError(code="CBC.99000012")
    rules = quota.rules
    window = _window(quota, wanted, now)
    _refuse_face_value(rules, wanted)
    _refuse_customers(
        rules, wanted, customers, partner_id, is_reseller=partner_id != principal.partner_id
    )
    counts = await _counts(session, quota, rules, wanted.customer_ids)
    issued = Issued()
    for customer_id in wanted.customer_ids:
        try:
            _refuse_customer(rules, customers.get(customer_id), partner_id)
            counts.refuse_one_more(customer_id, wanted.face_value)
            quota.take(wanted.face_value, now)
        except RefusedError as refusal:
            issued.errors.append((customer_id, refusal.refusal_code))
            _record(session, quota, wanted, customer_id, None, now)
            continue
        counts.add(customer_id, wanted.face_value)
        coupon = _issue(session, quota, rules, wanted, customer_id, window, now)
        issued.coupons.append(coupon)
    coupon_ids = [coupon.id for coupon in issued.coupons]
    audit.record(
        session, principal, "create_partner_coupons", quota.id, now,
        coupons=coupon_ids, face_value=str(wanted.face_value), refused=issued.errors,
    )  # fmt: skip
    return issued


def _refuse_doubles(wanted: CreatePartnerCoupons, partner_id: str) -> None:
    if len(set(wanted.customer_ids)) != len(wanted.customer_ids):
        raise BadFieldError("customer_ids", "a customer is named twice")
    if partner_id in wanted.customer_ids:
        raise IssueRefusedError(code="CBC.99000025")


def _window(quota: Quota, wanted: CreatePartnerCoupons, now: datetime) -> tuple[datetime, datetime]:
    """From when to when the coupons hold: the quota's own times where none are given (F15.3)."""
    if not quota.effective_at <= now < quota.expire_at:
        raise IssueRefusedError(code="CBC.99000017")
    effective_at = wanted.valid_time or quota.effective_at
    expire_at = wanted.expire_time or quota.expire_at
    if expire_at <= effective_at or expire_at <= now:
        raise BadFieldError("expire_time", "not after valid_time and the present")
    if effective_at < quota.effective_at or expire_at > quota.expire_at:
        raise IssueRefusedError(code="CBC.99000017")
    return effective_at, expire_at


def _refuse_face_value(rules: QuotaLimits, wanted: CreatePartnerCoupons) -> None:
    if rules.face_value_min is not None and wanted.face_value < rules.face_value_min:
        raise IssueRefusedError(code="CBC.99000018")
    if rules.face_value_max is not None and wanted.face_value > rules.face_value_max:
        raise IssueRefusedError(code="CBC.99000019")
    if not rules.allows(wanted.cloud_service_types, wanted.product_ids):
        raise IssueRefusedError(code="CBC.99000023")


def _refuse_customers(
    rules: QuotaLimits,
    wanted: CreatePartnerCoupons,
    customers: dict[str, CustomerCopy],
    partner_id: str,
    *,
    is_reseller: bool,
) -> None:
    """The quota's conditions on customers, which refuse the whole request (F15.5)."""
    if rules.customer_ids:
        if not set(wanted.customer_ids) <= set(rules.customer_ids):
            raise IssueRefusedError(code="CBC.50000020")
        own = {c.customer_id for c in customers.values() if c.partner_id == partner_id}
        if is_reseller and not set(wanted.customer_ids) <= own:
            raise IssueRefusedError(code="CBC.50000021")
    known = [customers[c] for c in wanted.customer_ids if c in customers]
    if rules.first_associated_only and not all(c.is_first_association for c in known):
        raise IssueRefusedError(code="CBC.99000022")


def _refuse_customer(rules: QuotaLimits, customer: CustomerCopy | None, partner_id: str) -> None:
    """Conditions on one customer: its own line in `error_details`."""
    is_own = customer is not None and customer.partner_id == partner_id
    if customer is None or not is_own or customer.association_status != ASSOCIATED:
        raise CustomerRefusedError(code="CBC.99000035")
    if customer.financial_custody:
        raise CustomerRefusedError(code="CBC.50000034")
    fits = rules.cooperation_type in (None, customer.association_type)
    if not customer.is_resale or not fits:
        raise CustomerRefusedError(code="CBC.99000014")


@dataclass(slots=True)
class _Counts:
    """What the quota's limits of number and total leave, counted on while issuing."""

    rules: QuotaLimits
    coupons: int
    totals: dict[str, Decimal]

    def refuse_one_more(self, customer_id: str, face_value: Decimal) -> None:
        """Raise CustomerRefusedError when one more is one too many."""
        most, total_max = self.rules.coupons_max, self.rules.total_per_customer_max
        total = self.totals.get(customer_id, Decimal(0)) + face_value
        if most is not None and self.coupons >= most:
            raise CustomerRefusedError(code="CBC.99000020")
        if total_max is not None and total > total_max:
            raise CustomerRefusedError(code="CBC.99000021")

    def add(self, customer_id: str, face_value: Decimal) -> None:
        """One more was issued."""
        self.coupons += 1
        self.totals[customer_id] = self.totals.get(customer_id, Decimal(0)) + face_value


async def _counts(
    session: AsyncSession, quota: Quota, rules: QuotaLimits, customer_ids: list[str]
) -> _Counts:
    """Reclaimed coupons count no more, neither does what any coupon gave back."""
    counts = _Counts(rules, 0, {})
    if rules.coupons_max is not None:
        counted = select(func.count()).where(
            Coupon.quota_id == quota.id, Coupon.status != RECLAIMED
        )
        counts.coupons = await session.scalar(counted) or 0
    if rules.total_per_customer_max is not None:
        rows = await session.execute(
            select(Coupon.customer_id, func.sum(Coupon.face_value - Coupon.returned_amount))
            .where(Coupon.quota_id == quota.id, Coupon.customer_id.in_(customer_ids))
            .group_by(Coupon.customer_id)
        )
        counts.totals = {customer_id: total for customer_id, total in rows}
    return counts


def _issue(
    session: AsyncSession,
    quota: Quota,
    rules: QuotaLimits,
    wanted: CreatePartnerCoupons,
    customer_id: str,
    window: tuple[datetime, datetime],
    now: datetime,
) -> Coupon:
    """One coupon, its movement, its record and its event."""
    narrowed = rules.narrowed(wanted.cloud_service_types, wanted.product_ids)
    coupon = Coupon(
        id=f"CP{new_id()}",
        quota_id=quota.id,
        partner_id=quota.partner_id,
        distributor_id=quota.distributor_id,
        customer_id=customer_id,
        coupon_type=COUPON_TYPE_OF_QUOTA[quota.quota_type],
        status=USABLE,  # no activation: usable at once (docs/domain/coupons.md F15)
        is_frozen=False,
        site=quota.site,
        currency=quota.currency,
        face_value=wanted.face_value,
        balance=wanted.face_value,
        reserved_amount=Decimal(0),
        returned_amount=Decimal(0),
        limits=narrowed.kept(),
        memo=wanted.memo,
        effective_at=window[0],
        expire_at=window[1],
        created_at=now,
        version=1,
    )
    session.add(coupon)
    post_issue(session, quota, coupon, now)
    _record(session, quota, wanted, customer_id, coupon.id, now)
    state = coupon_state(coupon, now)
    outbox.publish(session, VoucherIssued(**state, quota_balance=quota.balance))
    return coupon


def _record(
    session: AsyncSession,
    quota: Quota,
    wanted: CreatePartnerCoupons,
    customer_id: str,
    coupon_id: str | None,
    now: datetime,
) -> None:
    """Done when there is a coupon, else refused."""
    record_operation(
        session, quota, ISSUE, customer_id, wanted.face_value, now,
        coupon_id=coupon_id, remark=wanted.memo, done=coupon_id is not None,
    )  # fmt: skip
