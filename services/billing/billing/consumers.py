"""What billing acts on."""

from billing.accounts.close_attempt import release_hold
from billing.bills.record_paid_order import record_paid_order
from billing.bills.record_refund import record_refund
from billing.keep_copies import (
    keep_card,
    keep_coupon,
    keep_customer,
    keep_package,
    keep_partner,
    keep_partner_voucher,
    keep_resource,
    note_unlinking,
)
from billing.settlement.confirm_vouchers import confirm_voucher
from billing.usage.charge_given_back import charge_given_back
from chassis.consumers import Consumers
from chassis.database import EventSession
from contracts.customer import CustomerEvent, CustomerUnlinked
from contracts.order import (
    OrderPaid,
    OrderPaymentFailed,
    OrderRefunded,
    PackageEvent,
    PackageUnsubscribed,
    ResourceEvent,
)
from contracts.partner import PartnerEvent
from contracts.voucher import (
    CardEvent,
    PartnerVoucherEvent,
    VoucherEvent,
    VoucherPartnerVoucherRestored,
    VoucherPartnerVoucherUsed,
)

consumers = Consumers("billing")


@consumers.on_each(PartnerEvent)
async def on_partner(event: PartnerEvent, session: EventSession) -> None:
    """Know the partner; open its accounts."""
    await keep_partner(session, event)


@consumers.on_each(CustomerEvent)
async def on_customer(event: CustomerEvent, session: EventSession) -> None:
    """Know the customer; its accounts open with it, its balance returns when resale ends."""
    await keep_customer(session, event)


@consumers.on(CustomerUnlinked)
async def on_customer_unlinked(event: CustomerUnlinked, session: EventSession) -> None:
    """Know since when it is its partner's no more."""
    await keep_customer(session, event)
    await note_unlinking(session, event)


@consumers.on_each(PartnerVoucherEvent)
async def on_partner_voucher(event: PartnerVoucherEvent, session: EventSession) -> None:
    """Know what settlements may take from."""
    await keep_partner_voucher(session, event)


@consumers.on(VoucherPartnerVoucherUsed)
async def on_partner_voucher_used(event: VoucherPartnerVoucherUsed, session: EventSession) -> None:
    """The voucher has paid what a bill says."""
    await keep_partner_voucher(session, event)
    await confirm_voucher(session, event)


@consumers.on(VoucherPartnerVoucherRestored)
async def on_partner_voucher_restored(
    event: VoucherPartnerVoucherRestored, session: EventSession
) -> None:
    """The voucher has got back what a bill says."""
    await keep_partner_voucher(session, event)
    await confirm_voucher(session, event)


@consumers.on_each(VoucherEvent)
async def on_coupon(event: VoucherEvent, session: EventSession) -> None:
    """Know who may have a coupon that pays usage."""
    await keep_coupon(session, event)


@consumers.on_each(CardEvent)
async def on_card(event: CardEvent, session: EventSession) -> None:
    """Likewise of stored value cards."""
    await keep_card(session, event)


@consumers.on_each(PackageEvent)
async def on_package(event: PackageEvent, session: EventSession) -> None:
    """Know what usage is taken from before it is charged."""
    await keep_package(session, event)


@consumers.on_each(ResourceEvent)
async def on_resource(event: ResourceEvent, session: EventSession) -> None:
    """Know what may be renewed, and what belongs to what."""
    await keep_resource(session, event)


@consumers.on(PackageUnsubscribed)
async def on_package_unsubscribed(event: PackageUnsubscribed, session: EventSession) -> None:
    """Take nothing from it any more."""
    await charge_given_back(session, event)


@consumers.on(OrderPaid)
async def on_order_paid(event: OrderPaid, session: EventSession) -> None:
    """Capture the hold and write the bill lines."""
    await record_paid_order(session, event)


@consumers.on(OrderPaymentFailed)
async def on_order_payment_failed(event: OrderPaymentFailed, session: EventSession) -> None:
    """Release the hold."""
    await release_hold(session, event)


@consumers.on(OrderRefunded)
async def on_order_refunded(event: OrderRefunded, session: EventSession) -> None:
    """Give the money back."""
    await record_refund(session, event)
