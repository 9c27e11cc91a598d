"""A request of a master is carried out once by its `trans_id` (docs/domain/enterprise.md H.20)."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from voucher.transfers.models import CouponTransfer, TransactionUsedError


async def find_earlier(session: AsyncSession, wanted: CouponTransfer) -> CouponTransfer | None:
    """The earlier request of this id, for its answer; None: there is none that has ended.

    Raises:
        TransactionUsedError: the id stands for another request.

    """
    known = await session.scalar(
        select(CouponTransfer).where(
            CouponTransfer.master_id == wanted.master_id,
            CouponTransfer.trans_id == wanted.trans_id,
        )
    )
    if known is not None and known.content() != wanted.content():
        raise TransactionUsedError
    found: CouponTransfer | None = known
    return found


async def open_transaction(session: AsyncSession, wanted: CouponTransfer) -> CouponTransfer | None:
    """Write the request down; not None: another one of this id came first, and here it is.

    Waits for one that is under way. What is refused later rolls it back, and the id is free again.

    Raises:
        TransactionUsedError: the id stands for another request.

    """
    row = {
        "id": wanted.id,
        "partner_id": wanted.partner_id,
        "distributor_id": wanted.distributor_id,
        "master_id": wanted.master_id,
        "trans_id": wanted.trans_id,
        "kind": wanted.kind,
        "member_id": wanted.member_id,
        "coupon_id": wanted.coupon_id,
        "sub_coupon_id": wanted.sub_coupon_id,
        "amount": wanted.amount,
        "at": wanted.at,
    }
    taken = await session.scalar(
        insert(CouponTransfer).values(row).on_conflict_do_nothing().returning(CouponTransfer.id)
    )
    if taken is not None:
        return None
    known = await find_earlier(session, wanted)
    if known is None:  # of a time when it was another partner's
        raise TransactionUsedError
    return known
