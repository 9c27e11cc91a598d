"""What stands in the way of unlinking or switching a customer: all of it.

See docs/domain/association.md B.3.
"""

from collections.abc import AsyncIterator

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from customer_sync.association.models import WAITING, PlacedOrder
from customer_sync.copies import Arrears
from customer_sync.customers.models import Customer, StateConflictError
from customer_sync.enterprise.find_blockers import Blocker, find_enterprise_blockers

BY_AGENT = 2  # order source: placed on the customer's behalf
ORDERS_NAMED_MAX = 5


class BlockedError(StateConflictError):
    """Something must be settled first; the detail names all that is known."""


async def require_unblocked(session: AsyncSession, customer: Customer) -> None:
    """Let it pass only when nothing stands in the way.

    Raises:
        BlockedError: with each blocker, as "arrears: …; unpaid_orders: …".

    """
    blockers = [blocker async for blocker in _blockers(session, customer)]
    if blockers:
        raise BlockedError(
            "; ".join(blocker.en for blocker in blockers),
            detail_zh="；".join(blocker.zh for blocker in blockers),
        )


async def _blockers(session: AsyncSession, customer: Customer) -> AsyncIterator[Blocker]:
    arrears = await session.get(Arrears, customer.id, populate_existing=True)
    if arrears is not None and arrears.debt_amount > 0:
        owed = f"{arrears.debt_amount:f} {arrears.currency}"
        yield Blocker(f"arrears: the customer owes {owed}", f"欠费：客户欠 {owed}")
    if unpaid := await _unpaid_orders(session, customer):
        yield _naming("unpaid_orders: ", "待支付订单：", unpaid)
    if requested := await _payment_requests(session, customer):
        yield _naming("payment_requests: ", "已请伙伴代付的订单：", requested)
    if asked := await _proxy_payments(session, customer):
        yield _naming("proxy_payments: ", "待代付订单：", asked)
    for blocker in await find_enterprise_blockers(session, customer):
        yield blocker


def _naming(en: str, zh: str, orders: list[str]) -> Blocker:
    """The first few by their ids."""
    named = ", ".join(orders[:ORDERS_NAMED_MAX])
    more = len(orders) > ORDERS_NAMED_MAX
    return Blocker(
        f"{en}{named}{' and more' if more else ''}", f"{zh}{named}{' 等' if more else ''}"
    )


async def _proxy_payments(session: AsyncSession, customer: Customer) -> list[str]:
    """Orders that its custody members asked it to pay, and that wait for it."""
    if not customer.is_enterprise_master:
        return []
    member = exists().where(
        Customer.id == PlacedOrder.customer_id,
        Customer.enterprise_master_id == customer.id,
        Customer.financial_custody,
    )
    found = await session.scalars(
        select(PlacedOrder.order_id)
        .where(PlacedOrder.paying_agent_id == customer.id, WAITING, member)
        .order_by(PlacedOrder.order_id)
        .limit(ORDERS_NAMED_MAX + 1)
    )
    return list(found.all())


async def _payment_requests(session: AsyncSession, customer: Customer) -> list[str]:
    """Orders that it asked its partner to pay, and that wait for it."""
    found = await session.scalars(
        select(PlacedOrder.order_id)
        .where(
            PlacedOrder.customer_id == customer.id,
            PlacedOrder.payment_request_id.is_not(None),
            WAITING,
        )
        .order_by(PlacedOrder.order_id)
        .limit(ORDERS_NAMED_MAX + 1)
    )
    return list(found.all())


async def _unpaid_orders(session: AsyncSession, customer: Customer) -> list[str]:
    """Orders placed on its behalf that are neither paid nor cancelled."""
    found = await session.scalars(
        select(PlacedOrder.order_id)
        .where(
            PlacedOrder.customer_id == customer.id,
            PlacedOrder.source_type == BY_AGENT,
            WAITING,
        )
        .order_by(PlacedOrder.order_id)
        .limit(ORDERS_NAMED_MAX + 1)
    )
    return list(found.all())
