"""Refuse payments by a rule, before anything is reserved."""

from collections.abc import Awaitable, Callable, Collection
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.database import Database
from chassis.errors import RefusedError
from order.orders.models import Order
from order.sandbox.models import PAYMENT
from order.sandbox.rules_for import rules_for

FindOrder = Callable[[AsyncSession], Awaitable[Order]]


class RehearsedRefusalError(RefusedError):
    """The rule's own code; the order stays as payable as it was."""


async def rehearse_refusal(
    database: Database, find: FindOrder, now: datetime, *, sandbox: bool
) -> None:
    """Refuse the payment of an order as a rule says, if there is one.

    What cannot be found or paid anyway is refused for that. The use of the rule is committed before
    the refusal is raised.

    Raises:
        RehearsedRefusalError

    """
    if not sandbox:
        return
    async with database.transaction() as session:
        try:
            order = await find(session)
            order.check_payable(now)
        except RefusedError:
            return
        products = {line.product_id for line in order.lines}
        code = await _code(session, order.order_id, order.customer_id, products)
    if code is not None:
        raise RehearsedRefusalError(code=code)


async def rehearse_before_placing(
    database: Database, customer_id: str, product_ids: Collection[str], *, sandbox: bool
) -> None:
    """The same for an order that the system places only where it would be paid.

    Raises:
        RehearsedRefusalError

    """
    if not sandbox:
        return
    async with database.transaction() as session:
        code = await _code(session, None, customer_id, product_ids)
    if code is not None:
        raise RehearsedRefusalError(code=code)


async def _code(
    session: AsyncSession, order_id: str | None, customer_id: str, product_ids: Collection[str]
) -> str | None:
    for rule in await rules_for(session, PAYMENT, order_id, customer_id, product_ids):
        if rule.is_left and (rule.product_id is None or rule.product_id in product_ids):
            rule.use()
            return rule.code
    return None
