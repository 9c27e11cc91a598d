"""A custody member pays nothing itself: it asks its enterprise master.

See docs/domain/enterprise.md B.4.
"""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.errors import RefusedError
from chassis.identity import Principal
from contracts.order import OrderPaymentRequested
from order.orders.facts import order_fact
from order.orders.models import Order


class MasterPaysError(RefusedError):
    """The member's payment is refused; unlike other refusals it leaves something: the request.

    To be raised when the request is committed. No code of the vendor's for it is known.
    """

    code = "CBC.0155"

    def __init__(self) -> None:
        super().__init__(
            "the enterprise master pays for this account; it has been asked to pay the order",
            detail_zh="该账号由企业主账号代付，已请企业主账号支付该订单",
        )


def ask_master(
    session: AsyncSession, principal: Principal, order: Order, master_id: str, now: datetime
) -> None:
    """The locked order is the master's to pay from now on; asked again, nothing is told again."""
    if order.paying_agent_id == master_id:
        return
    order.request_payment(master_id, now)
    audit.record(session, principal, "order.ask_master", order.order_id, now, master_id=master_id)
    outbox.publish(session, order_fact(OrderPaymentRequested, order, now))
