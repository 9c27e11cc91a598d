"""Voucher has moved a balance as a bill says; when all have moved, the bill is published."""

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from billing.settlement.models import SETTLED, Settlement, SettlementVoucher
from billing.settlement.total_month import publish_bill
from contracts.voucher import VoucherPartnerVoucherRestored, VoucherPartnerVoucherUsed


async def confirm_voucher(
    session: AsyncSession, event: VoucherPartnerVoucherUsed | VoucherPartnerVoucherRestored
) -> None:
    """Count it off. A settlement that is not ours was made at voucher's own door."""
    settlement = await session.get(
        Settlement, event.settlement_id, with_for_update=True, populate_existing=True
    )
    if settlement is None or settlement.state != SETTLED:
        return
    table = SettlementVoucher
    of = table.settlement_id == event.settlement_id
    await session.execute(
        update(table)
        .where(of, table.voucher_id == event.voucher_id, table.awaited > 0)
        .values(awaited=table.awaited - 1)
        .execution_options(synchronize_session=False)
    )
    awaited = select(table.voucher_id).where(of, table.awaited > 0).limit(1)
    if await session.scalar(awaited) is None:
        publish_bill(session, settlement, event.occurred_at)
