"""A partner's bill was settled: its vouchers pay what it says, once per settlement.

Billing has matched the lines on its copies of the vouchers; here the balances move. The parts
stand below one line, which is named as the settlement and is what the vouchers pay of the bill.
"""

import hashlib
from collections.abc import Iterator
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.copies import find
from contracts.billing import BillingBillSettled, VoucherShare
from voucher.copies import Partner
from voucher.partner_vouchers.models import PartnerVoucher, SettledLine
from voucher.partner_vouchers.settle_lines import (
    Place,
    claim_settlement,
    give_back_part,
    pay_part,
)

ZERO = Decimal("0.00")


class BillNotCoveredError(Exception):
    """The bill takes what is not there: the event is parked, and a person must look at it."""


async def carry_out_bill(session: AsyncSession, event: BillingBillSettled) -> None:
    """Move the balances; heard again, nothing moves.

    Raises:
        BillNotCoveredError: see there.
        SettledOtherwiseError: another content was settled under this id.

    """
    shares = sorted(event.vouchers, key=lambda share: share.voucher_id)
    if not shares or await find(session, Partner, event.partner_id) is None:
        if shares:
            raise BillNotCoveredError(f"no partner {event.partner_id}")
        return
    partner = await session.get_one(
        Partner, event.partner_id, with_for_update=True, populate_existing=True
    )
    now = event.occurred_at
    answered = await claim_settlement(
        session, partner, event.settlement_id, _content_hash(shares), now
    )
    if answered is not None:
        return
    vouchers = await _locked(session, event, shares)
    session.add(_line(event, partner, shares))
    # Referred to by its parts, which know it by its key alone.
    await session.flush()
    for number, (share, amount, lapsed) in enumerate(_movements(shares)):
        voucher = vouchers[share.voucher_id]
        of = Place(event.settlement_id, event.settlement_id, number, event.settlement_id)
        if amount > 0:
            if amount > voucher.balance:
                raise BillNotCoveredError(f"{voucher.id} has {voucher.balance}, not {amount}")
            pay_part(session, voucher, of, amount, now)
        else:
            give_back_part(session, voucher, of, -amount, now, lapsed=lapsed)


def _movements(shares: list[VoucherShare]) -> Iterator[tuple[VoucherShare, Decimal, bool]]:
    """What is paid (above zero) or given back, and whether the time was over."""
    for share in shares:
        if share.moved_amount:
            yield share, share.moved_amount, False
        if share.lapsing_amount < 0:
            raise BillNotCoveredError(f"{share.voucher_id}: what has lapsed does not come back")
        if share.lapsing_amount:
            yield share, -share.lapsing_amount, True


async def _locked(
    session: AsyncSession, event: BillingBillSettled, shares: list[VoucherShare]
) -> dict[str, PartnerVoucher]:
    named = [share.voucher_id for share in shares]
    found = await session.scalars(
        select(PartnerVoucher)
        .where(PartnerVoucher.partner_id == event.partner_id, PartnerVoucher.id.in_(named))
        .order_by(PartnerVoucher.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    vouchers = {voucher.id: voucher for voucher in found}
    unknown = sorted(set(named) - vouchers.keys())
    if unknown:
        raise BillNotCoveredError(f"no voucher {unknown[0]} of {event.partner_id}")
    return vouchers


def _line(event: BillingBillSettled, partner: Partner, shares: list[VoucherShare]) -> SettledLine:
    paid = sum((share.moved_amount - share.lapsing_amount for share in shares), ZERO)
    return SettledLine(
        partner_id=partner.partner_id,
        line_id=event.settlement_id,
        distributor_id=partner.distributor_id,
        settlement_id=event.settlement_id,
        trade_time=event.occurred_at,
        customer_id=partner.partner_id,  # the bill is the partner's own
        currency=event.currency,
        amount=paid,
        due=ZERO,
        forfeited=ZERO,
        refund_of=None,
        refund_case=None,
    )


def _content_hash(shares: list[VoucherShare]) -> str:
    told = "\n".join(share.model_dump_json() for share in shares)
    return hashlib.sha256(told.encode()).hexdigest()
