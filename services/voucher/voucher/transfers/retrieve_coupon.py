"""An enterprise master takes back what is left of a sub-coupon (docs/domain/enterprise.md H.20)."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.identity import Principal
from chassis.ids import new_id
from voucher.coupons.facts import voucher_recalled, voucher_retrieved
from voucher.coupons.models import RECLAIMED, USABLE, USED, Coupon
from voucher.coupons.return_to_quota import MANUAL
from voucher.find_customers import lock_customers
from voucher.ledger.post_movements import post_retrieval
from voucher.transfers.find_member import find_member, require_master
from voucher.transfers.lock_coupons import lock_both, refuse_unless_movable
from voucher.transfers.models import (
    RETRIEVE,
    CouponTransfer,
    NotMemberError,
    TransferFailedError,
)
from voucher.transfers.open_transaction import find_earlier, open_transaction
from wire.types import WireRequest


class RetrieveCoupon(WireRequest, operation="reclaim_enterprise_multi_account_coupon"):
    """The body; there is no amount: all that is left goes back."""

    customer_id: str
    coupon_id: str
    sub_coupon_id: str
    trans_id: str | None = None


async def retrieve_coupon(
    session: AsyncSession, principal: Principal, wanted: RetrieveCoupon, now: datetime
) -> dict[str, Any]:
    """What came back, in the vendor's spelling; the same answer by the same `trans_id`.

    Raises:
        WrongPrincipalError: no enterprise master.
        NotMemberError: the customer is none of its members.
        TransactionUsedError: the id stands for another request.
        TransferFailedError: no sub-coupon of that coupon and member, locked, frozen, nothing left,
            out of time, the coupon itself has ended, or the caller has left its partner.

    """
    await require_master(session, principal)
    transfer = CouponTransfer(
        id=new_id(),
        partner_id=principal.partner_id,
        distributor_id=principal.distributor_id,
        master_id=principal.id,
        trans_id=wanted.trans_id or new_id(),
        kind=RETRIEVE,
        member_id=wanted.customer_id,
        coupon_id=wanted.coupon_id,
        sub_coupon_id=wanted.sub_coupon_id,
        amount=None,
        at=now,
    )
    known = await find_earlier(session, transfer)
    if known is None:
        await find_member(session, principal.id, wanted.customer_id)  # it may wait: no lock yet
        known = await open_transaction(session, transfer)
    if known is not None:
        return _answer(known)
    people = await lock_customers(session, [principal.id, wanted.customer_id])
    member = people.get(wanted.customer_id)
    if member is None or member.enterprise_master_id != principal.id:
        raise NotMemberError
    main, sub = await lock_both(session, wanted.coupon_id, wanted.sub_coupon_id)
    if main is None or main.customer_id != principal.id:
        raise TransferFailedError("no coupon of the caller")
    if sub is None or sub.main_coupon_id != main.id or sub.customer_id != wanted.customer_id:
        raise TransferFailedError("no sub-coupon of that coupon and member")
    refuse_unless_movable(sub, now)
    if main.status not in (USABLE, USED) or main.recall_due is not None:
        raise TransferFailedError("the coupon itself has ended")
    master = people.get(principal.id)
    if master is None or not master.is_resale_of(main.partner_id):  # nobody could use it
        raise TransferFailedError("no resale customer of the coupon's partner")
    kept = await session.get_one(CouponTransfer, transfer.id)
    kept.amount = _take_back(session, main, sub, now)
    audit.record(
        session, principal, "coupon.retrieve", main.id, now,
        member_id=sub.customer_id, sub_coupon_id=sub.id, amount=str(kept.amount),
    )  # fmt: skip
    return _answer(kept)


def _take_back(session: AsyncSession, main: Coupon, sub: Coupon, now: datetime) -> Any:
    amount = sub.give_back(RECLAIMED, now)
    main.get_back(amount)
    post_retrieval(session, main.posted_for, main.id, sub.id, amount, now)
    outbox.publish(session, voucher_recalled(sub, now, None, amount, MANUAL))
    outbox.publish(session, voucher_retrieved(main, now, sub, amount))
    return amount


def _answer(transfer: CouponTransfer) -> dict[str, Any]:
    return {"real_retrieve_amout": f"{transfer.amount:f}"}
