"""The events of the lines on customers' bills: each says how the line is after it."""

from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from billing.lines.models import BillLine
from contracts.billing import BillingLineRecorded, BillingLineSettled, LineEvent

Fact = TypeVar("Fact", bound=LineEvent)


def line_recorded(line: BillLine, now: datetime) -> BillingLineRecorded:
    """The line is on the bill."""
    return _fact(BillingLineRecorded, line, now)


def line_settled(line: BillLine, amount: Decimal, now: datetime) -> BillingLineSettled:
    """That much of its debt was written off."""
    return _fact(BillingLineSettled, line, now, settled_amount=amount)


def _fact(contract: type[Fact], line: BillLine, now: datetime, **more: Any) -> Fact:
    return contract(
        occurred_at=now,
        partner_id=line.partner_id,
        distributor_id=line.distributor_id,
        version=line.version,
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
        sub_service_type_code=line.sub_service_type_code,
        sub_resource_type_code=line.sub_resource_type_code,
        sub_resource_id=line.sub_resource_id,
        region_code=line.region_code,
        trade_time=line.trade_time,
        used_from=line.used_from,
        used_until=line.consume_time if line.usage_record_id else None,
        currency=line.currency,
        official_amount=line.official_amount,
        official_discount_amount=line.official_discount_amount,
        erase_amount=line.erase_amount,
        payment_amount=line.payment_amount,
        coupon_amount=line.coupon_amount,
        flexipurchase_coupon_amount=line.flexipurchase_coupon_amount,
        stored_value_card_amount=line.stored_value_card_amount,
        bonus_amount=line.bonus_amount,
        cash_amount=line.cash_amount,
        credit_amount=line.credit_amount,
        debt_amount=line.debt_amount,
        writeoff_amount=line.writeoff_amount,
        payer_id=line.payer_id,
        **more,
    )
