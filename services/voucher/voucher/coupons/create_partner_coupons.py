"""A partner issues coupons from a quota to its customers: some may fail, the others get theirs."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.crash import crash_point
from chassis.errors import BadFieldError, RefusedError
from chassis.identity import Principal
from voucher.coupons.facts import voucher_issued
from voucher.coupons.judge_issue import Judge, Terms, refuse_itself
from voucher.coupons.write_issue import IssuedCoupon, RefusedIssue, write_issue
from voucher.find_customers import lock_ready_customers
from voucher.find_partner import find_issuing_partner
from voucher.quotas.find_quota import lock_issued_from
from wire.codes import code as code_of
from wire.types import Amount, Instant, WireRequest

CUSTOMERS_MAX = 500  # of one request; the vendor names no limit, and everything has one


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


@dataclass(slots=True)
class Issued:
    """What came out, customer by customer in the order asked."""

    coupons: list[IssuedCoupon] = field(default_factory=list)
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
    session: AsyncSession,
    principal: Principal,
    wanted: CreatePartnerCoupons,
    now: datetime,
) -> Issued:
    """Issue under the quota's lock, so that parallel requests never overdraw it.

    All that needs no lock is done before; under it stand what the quota's limits count, the one
    statement that writes, and the facts.

    Raises:
        IssueRefusedError: a rule of the quota forbids the whole request (400,
        docs/domain/error-codes.md D.4).

    """
    partner_id = await find_issuing_partner(session, principal, wanted.indirect_partner_id)
    _refuse_doubles(wanted, partner_id)
    customers = await lock_ready_customers(session, wanted.customer_ids)
    quota = await lock_issued_from(session, wanted.quota_id)
    is_reseller = partner_id != principal.partner_id
    judge = Judge.of(quota, partner_id, now, is_reseller=is_reseller)
    quota = judge.quota
    terms = Terms(wanted.face_value, wanted.valid_time, wanted.expire_time,
                  wanted.cloud_service_types, wanted.product_ids)  # fmt: skip
    window = judge.admit(terms, wanted.customer_ids, customers, now)
    await judge.count(session, wanted.customer_ids)
    limits = judge.limits_of(terms)
    issued, refused = Issued(), []
    for customer_id in wanted.customer_ids:
        try:
            judge.take(customer_id, customers, terms.face_value, now)
        except RefusedError as refusal:
            issued.errors.append((customer_id, refusal.refusal_code))
            refused.append(RefusedIssue(customer_id, terms.face_value, wanted.memo))
            continue
        coupon = IssuedCoupon.of(quota, customer_id, terms.face_value, window, limits, wanted.memo)
        issued.coupons.append(coupon)
        outbox.publish(session, voucher_issued(coupon, now, quota))
    await write_issue(session, quota, issued.coupons, refused, now)
    coupon_ids = [coupon.id for coupon in issued.coupons]
    audit.record(
        session, principal, "coupon.issue", quota.id, now,
        coupons=coupon_ids, face_value=str(wanted.face_value), refused=issued.errors,
    )  # fmt: skip
    crash_point("voucher.issued")
    return issued


def _refuse_doubles(wanted: CreatePartnerCoupons, partner_id: str) -> None:
    if len(set(wanted.customer_ids)) != len(wanted.customer_ids):
        raise BadFieldError("customer_ids", "a customer is named twice")
    refuse_itself(partner_id, wanted.customer_ids)
