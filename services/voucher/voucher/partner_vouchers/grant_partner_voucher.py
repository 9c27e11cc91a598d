"""The administrator gives a partner a voucher (the vendor's side in standalone mode)."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

from pydantic import ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.copies import find
from chassis.errors import BadFieldError, NotFoundError, UnknownValueError
from chassis.identity import Principal
from chassis.ids import new_id
from voucher.copies import Partner
from voucher.find_customers import find_customers
from voucher.ledger.post_voucher_movements import post_voucher_grant
from voucher.partner_vouchers.facts import partner_voucher_granted
from voucher.partner_vouchers.limits import VoucherLimits
from voucher.partner_vouchers.models import USABLE, PartnerVoucher
from wire.types import Amount, Id, NativeInstant, WireRequest


class GrantPartnerVoucher(WireRequest):
    """The body of `POST /api/partner-vouchers`.

    `origin`: what the vendor gave it for, earnings (`incentive`) or a proof of concept (`poc`).
    """

    model_config = ConfigDict(extra="forbid")

    partner_id: Id
    amount: Amount
    currency: str | None = Field(default=None, description="the partner's, when given")
    origin: Literal["incentive", "poc"]
    effective_at: NativeInstant
    expire_at: NativeInstant
    limits: VoucherLimits = Field(default_factory=VoucherLimits)


async def grant_partner_voucher(
    session: AsyncSession, principal: Principal, wanted: GrantPartnerVoucher, now: datetime
) -> PartnerVoucher:
    """Make the voucher and state it.

    Raises:
        NotFoundError: no such partner.
        BadFieldError: not the partner's currency, or the times are out of order or past.
        UnknownValueError: a named customer is nobody's below that partner.

    """
    partner = await find(session, Partner, wanted.partner_id)
    if partner is None:
        raise NotFoundError(f"partner {wanted.partner_id}")
    _refuse_bad_fields(wanted, partner, now)
    await _refuse_foreign_customers(session, wanted.limits, partner)
    voucher = PartnerVoucher(
        id=f"PV{new_id()}",
        partner_id=partner.partner_id,
        distributor_id=partner.distributor_id,
        origin=wanted.origin,
        status=USABLE,
        site=partner.site,
        currency=partner.currency,
        amount=wanted.amount,
        balance=wanted.amount,
        lapsed_amount=Decimal(0),
        limits=wanted.limits.kept(),
        effective_at=wanted.effective_at,
        expire_at=wanted.expire_at,
        created_at=now,
        version=1,
    )
    session.add(voucher)
    post_voucher_grant(session, voucher.posted_for, voucher.amount, now)
    outbox.publish(session, partner_voucher_granted(voucher, now))
    audit.record(
        session, principal, "partner_voucher.grant", voucher.id, now,
        amount=str(voucher.amount), origin=voucher.origin,
    )  # fmt: skip
    return voucher


def _refuse_bad_fields(wanted: GrantPartnerVoucher, partner: Partner, now: datetime) -> None:
    if wanted.currency not in (None, partner.currency):
        raise BadFieldError("currency", f"the partner's is {partner.currency}")
    if wanted.expire_at <= wanted.effective_at:
        raise BadFieldError("expire_at", "not after effective_at")
    if wanted.expire_at <= now:
        raise BadFieldError("expire_at", "in the past")


async def _refuse_foreign_customers(
    session: AsyncSession, limits: VoucherLimits, partner: Partner
) -> None:
    """Its own customers, and those of its resellers: whose lines stand in its bill."""
    known = await find_customers(session, limits.customer_ids) if limits.customer_ids else {}
    for index, customer_id in enumerate(limits.customer_ids):
        customer = known.get(customer_id)
        above = (customer.partner_id, customer.distributor_id) if customer else ()
        if partner.partner_id not in above:
            raise UnknownValueError(f"limits.customer_ids[{index}]", "no customer of the partner")
