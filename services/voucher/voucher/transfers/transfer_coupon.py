"""An enterprise master hands a part of a coupon to a member (docs/domain/enterprise.md H.20).

The member gets a sub-coupon with the same limits and end (decision 0128).
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.identity import Principal
from chassis.ids import new_id
from voucher.copies import Customer
from voucher.coupons.facts import voucher_issued, voucher_transferred
from voucher.coupons.models import USABLE, Coupon
from voucher.find_customers import lock_customers
from voucher.ledger.post_movements import post_transfer
from voucher.transfers.find_member import find_member, require_master
from voucher.transfers.lock_coupons import lock_coupon, refuse_unless_movable
from voucher.transfers.models import (
    TRANSFER,
    CouponTransfer,
    NotMemberError,
    TransferFailedError,
)
from voucher.transfers.open_transaction import find_earlier, open_transaction
from wire.types import Amount, WireRequest


class TransferCoupon(WireRequest, operation="claim_enterprise_multi_account_coupon"):
    """The body."""

    customer_id: str
    coupon_id: str
    amount: Amount
    trans_id: str | None = None


async def transfer_coupon(
    session: AsyncSession, principal: Principal, wanted: TransferCoupon, now: datetime
) -> dict[str, Any]:
    """The sub-coupon's id; asked again by the same `trans_id`, the same answer.

    Raises:
        WrongPrincipalError: no enterprise master.
        NotMemberError: the customer is none of its members.
        TransactionUsedError: the id stands for another request.
        TransferFailedError: another kind of coupon, locked, frozen, out of time, or too small.

    """
    await require_master(session, principal)
    transfer = CouponTransfer(
        id=new_id(),
        partner_id=principal.partner_id,
        distributor_id=principal.distributor_id,
        master_id=principal.id,
        trans_id=wanted.trans_id or new_id(),
        kind=TRANSFER,
        member_id=wanted.customer_id,
        coupon_id=wanted.coupon_id,
        sub_coupon_id=f"CP{new_id()}",
        amount=wanted.amount,
        at=now,
    )
    known = await find_earlier(session, transfer)
    if known is None:
        await find_member(session, principal.id, wanted.customer_id)  # it may wait: no lock yet
        known = await open_transaction(session, transfer)
    if known is not None:
        return {"sub_coupon_id": known.sub_coupon_id}
    people = await lock_customers(session, [principal.id, wanted.customer_id])
    main = await lock_coupon(session, wanted.coupon_id, principal.id)
    if main is None:
        raise TransferFailedError("no coupon of the caller")
    refuse_unless_movable(main, now)
    _refuse_people(people, principal.id, wanted.customer_id, main)
    if wanted.amount > main.balance:
        raise TransferFailedError("more than the coupon has")
    sub = _hand_over(session, main, transfer, wanted.amount, now)
    audit.record(
        session, principal, "coupon.transfer", main.id, now,
        member_id=sub.customer_id, sub_coupon_id=sub.id, amount=str(wanted.amount),
    )  # fmt: skip
    return {"sub_coupon_id": sub.id}


def _refuse_people(
    people: dict[str, Customer], master_id: str, member_id: str, main: Coupon
) -> None:
    """Both must be resale customers of the coupon's partner now: others could not use it."""
    member = people.get(member_id)
    if member is None or member.enterprise_master_id != master_id:
        raise NotMemberError
    for one in (people.get(master_id), member):
        if one is None or not one.is_resale_of(main.partner_id):
            raise TransferFailedError("no resale customer of the coupon's partner")


def _hand_over(
    session: AsyncSession, main: Coupon, transfer: CouponTransfer, amount: Decimal, now: datetime
) -> Coupon:
    main.hand_over(amount, now)
    sub = Coupon(
        id=transfer.sub_coupon_id,
        quota_id=None,
        main_coupon_id=main.id,
        partner_id=main.partner_id,
        distributor_id=main.distributor_id,
        customer_id=transfer.member_id,
        coupon_type=main.coupon_type,
        coupon_group=main.coupon_group,
        origin=main.origin,
        status=USABLE,
        is_frozen=False,
        site=main.site,
        currency=main.currency,
        face_value=amount,
        balance=amount,
        reserved_amount=Decimal(0),
        returned_amount=Decimal(0),
        limits=main.limits,
        effective_at=main.effective_at,
        expire_at=main.expire_at,
        created_at=now,
        version=1,
    )
    session.add(sub)
    post_transfer(session, main.posted_for, main.id, sub.id, amount, now)
    outbox.publish(session, voucher_transferred(main, now, sub, amount))
    outbox.publish(session, voucher_issued(sub, now, None))
    return sub
