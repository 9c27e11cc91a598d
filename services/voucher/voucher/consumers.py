"""What voucher acts on."""

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.consumers import Consumers
from chassis.database import EventSession
from contracts.billing import BillingBillSettled, BillingUsageCouponsSettled
from contracts.customer import CustomerAssociationChanged, CustomerEvent, CustomerUnlinked
from contracts.order import OrderEvent, OrderPaid, OrderPaymentFailed, OrderRefunded
from contracts.partner import PartnerEvent, PartnerSolutionChanged
from voucher.attempts.settle_attempt import capture_attempt, release_attempt, settle_usage
from voucher.coupons.recall_customer_coupons import recall_customer_coupons
from voucher.coupons.restore_coupons import restore_coupons
from voucher.coupons.return_to_quota import (
    ASSOCIATED_ANEW,
    OTHER_RESELLER,
    TYPE_SWITCHED,
    UNLINKED,
)
from voucher.keep_copies import Before, keep_customer, keep_order, keep_partner, keep_solution
from voucher.partner_vouchers.carry_out_bill import carry_out_bill

consumers = Consumers("voucher")


@consumers.on_each(PartnerEvent)
async def on_partner(event: PartnerEvent, session: EventSession) -> None:
    """Know the partner."""
    await keep_partner(session, event)


@consumers.on(PartnerSolutionChanged)
async def on_solution(event: PartnerSolutionChanged, session: EventSession) -> None:
    """Know the solution, and what it is certified as."""
    await keep_solution(session, event)


@consumers.on_each(CustomerEvent)
async def on_customer(event: CustomerEvent, session: EventSession) -> None:
    """Know the customer, and since when coupons may be issued to it."""
    await _heard(session, event)


@consumers.on(CustomerAssociationChanged)
async def on_customer_association_changed(
    event: CustomerAssociationChanged, session: EventSession
) -> None:
    """A switch of type takes the coupons back."""
    before = await _heard(session, event)
    if before is not None and before.association_type != event.association_type:
        await recall_customer_coupons(
            session, event.customer_id, event.partner_id, TYPE_SWITCHED, event.occurred_at
        )


@consumers.on(CustomerUnlinked)
async def on_customer_unlinked(event: CustomerUnlinked, session: EventSession) -> None:
    """The end of the association takes the coupons back."""
    if await _heard(session, event) is not None:
        await recall_customer_coupons(
            session, event.customer_id, event.partner_id, UNLINKED, event.occurred_at
        )


async def _heard(session: AsyncSession, event: CustomerEvent) -> Before | None:
    """Keep the copy; a customer of another partner now loses the coupons of the former one."""
    before = await keep_customer(session, event)
    if before is not None and before.partner_id != event.partner_id:
        same = before.distributor_id is not None and before.distributor_id == event.distributor_id
        why = OTHER_RESELLER if same else ASSOCIATED_ANEW
        await recall_customer_coupons(
            session, event.customer_id, before.partner_id, why, event.occurred_at
        )
    return before


@consumers.on_each(OrderEvent)
async def on_order(event: OrderEvent, session: EventSession) -> None:
    """Know the order, to say which coupons may pay it."""
    await keep_order(session, event)


@consumers.on(OrderPaid)
async def on_order_paid(event: OrderPaid, session: EventSession) -> None:
    """Capture."""
    await keep_order(session, event)
    paid = {use.coupon_id: use.amount for use in event.coupons}
    payer_id = event.paying_agent_id or event.customer_id
    await capture_attempt(
        session, event.attempt_id, event.order_id, payer_id, paid, event.occurred_at
    )


@consumers.on(OrderPaymentFailed)
async def on_order_payment_failed(event: OrderPaymentFailed, session: EventSession) -> None:
    """Release."""
    await keep_order(session, event)
    payer_id = event.paying_agent_id or event.customer_id
    await release_attempt(session, event.attempt_id, event.order_id, payer_id, event.occurred_at)


@consumers.on(OrderRefunded)
async def on_order_refunded(event: OrderRefunded, session: EventSession) -> None:
    """Restore."""
    await keep_order(session, event)
    await restore_coupons(session, event)


@consumers.on(BillingBillSettled)
async def on_bill_settled(event: BillingBillSettled, session: EventSession) -> None:
    """Partner vouchers pay what the bill says."""
    await carry_out_bill(session, event)


@consumers.on(BillingUsageCouponsSettled)
async def on_usage_coupons_settled(
    event: BillingUsageCouponsSettled, session: EventSession
) -> None:
    """Take what usage was paid with, free the rest."""
    paid = {one.coupon_id: one.amount for one in event.coupons}
    await settle_usage(session, event.attempt_id, event.customer_id, paid, event.occurred_at)
