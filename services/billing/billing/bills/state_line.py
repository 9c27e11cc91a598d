"""Tell that a line stands on a customer's bill."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from billing.bills.models import BillLine
from chassis.outbox import publish
from contracts.billing import BillingLineRecorded


def state_line(session: AsyncSession, line: BillLine, now: datetime) -> None:
    """State the new line as it was written."""
    publish(session, line_recorded(line, now))


def line_recorded(line: BillLine, now: datetime) -> BillingLineRecorded:
    """The line as it was written: what was written off since then was owed at that time."""
    return BillingLineRecorded(
        occurred_at=now,
        partner_id=line.partner_id,
        distributor_id=line.distributor_id,
        version=1,
        line_id=line.line_id,
        customer_id=line.customer_id,
        bill_cycle=line.bill_cycle,
        bill_type=line.bill_type,
        charging_mode=line.charging_mode,
        order_id=line.order_id,
        resource_id=line.resource_id,
        service_type_code=line.service_type_code,
        service_type_name=line.service_type_name,
        resource_type_code=line.resource_type_code,
        region_code=line.region_code,
        trade_time=line.trade_time,
        currency=line.currency,
        official_amount=line.official_amount,
        official_discount_amount=line.official_discount_amount,
        erase_amount=line.erase_amount,
        payment_amount=line.payment_amount,
        coupon_amount=line.coupon_amount,
        flexipurchase_coupon_amount=line.flexipurchase_coupon_amount,
        cash_amount=line.cash_amount,
        credit_amount=line.credit_amount,
        debt_amount=line.debt_amount + line.writeoff_amount,
        payer_id=line.payer_id,
    )
