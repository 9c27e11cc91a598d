"""Which orders a principal may see, and how one is found for a change."""

from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import NotFoundError, RefusedError
from chassis.identity import Principal
from order.copies import ASSOCIATED, RESALE_TYPES, Customer, Partner
from order.orders.models import Order, OrderLine


class OrderInvalidError(RefusedError):
    """There is no such order for the caller: the same whether or not it exists."""

    code = "CBC.30000010"


class OrderNotFoundError(NotFoundError):
    """The native API's word for the same."""


class MemberOrderError(RefusedError):
    """The id names a member of a combined order, which is traded as a whole.

    See docs/domain/orders.md B.5.
    """

    code = "CBC.99000089"


class CustomerFrozenError(RefusedError):
    """Its partner has frozen the customer: it buys nothing and pays nothing until it is let go."""

    code = "CBC.0155"


class ResellerError(RefusedError):
    """The reseller is not the caller's."""

    code = "CBC.99000037"


async def check_reseller(
    session: AsyncSession, principal: Principal, indirect_partner_id: str | None
) -> str | None:
    """The reseller to act on: ignored for callers that are no distributor.

    See docs/domain/partners.md B.1.
    """
    if not indirect_partner_id or principal.kind != "distributor":
        return None
    reseller = await session.get(Partner, indirect_partner_id)
    if reseller is None or reseller.distributor_id != principal.id:
        raise ResellerError
    return reseller.partner_id


def visible(principal: Principal, owned: Any, reseller: str | None) -> ColumnElement[bool]:
    """The rows of a table with customer_id, partner_id and distributor_id that the caller sees.

    A customer sees its own, a partner those of its resale customers only (docs/domain/orders.md
    F5), the administrator all. `reseller` is what `check_reseller` answered.
    """
    if principal.is_administrator:
        return true()
    if principal.is_customer:
        return and_(owned.customer_id == principal.id, owned.partner_id == principal.partner_id)
    return and_(owned.partner_id == (reseller or principal.partner_id), _of_associated(owned))


def visible_with_resellers(principal: Principal, owned: Any) -> ColumnElement[bool]:
    """As `visible`, and for a distributor also what its resellers' customers have (native API)."""
    own = visible(principal, owned, None)
    if principal.kind != "distributor":
        return own
    return or_(own, and_(owned.distributor_id == principal.id, _of_associated(owned)))


def _of_associated(owned: Any) -> ColumnElement[bool]:
    """Rows of who is the resale customer of the row's partner now: who left is nobody's to see."""
    return exists().where(
        Customer.customer_id == owned.customer_id,
        Customer.partner_id == owned.partner_id,
        Customer.association_type.in_(RESALE_TYPES),
        Customer.association_status == ASSOCIATED,
    )


def proxied() -> ColumnElement[bool]:
    """Orders that an enterprise master paid for its custody member, or is asked to pay.

    What was asked of a master ends with the membership; what it has paid does not.
    """
    is_member = exists().where(
        Customer.customer_id == Order.customer_id,
        Customer.paying_master_id == Order.paying_agent_id,
        # For the planner: many are looked up among the members, not among all customers.
        Customer.paying_master_id.is_not(None),
    )
    return and_(Order.paying_agent_id.is_not(None), or_(Order.paid_at.is_not(None), is_member))


def visible_as_agent(principal: Principal) -> ColumnElement[bool]:
    """The orders of its members that the caller, an enterprise master, paid or is asked to pay."""
    return and_(
        Order.paying_agent_id == principal.id,
        Order.partner_id == principal.partner_id,
        proxied(),
    )


async def hold_association(session: AsyncSession, customer_id: Any) -> Customer | None:
    """The customer as it is now and stays until the transaction ends; None when it is not known.

    Taken before the order's own lock, as the end of the association takes them.
    """
    held = (
        select(Customer)
        .where(Customer.customer_id == customer_id)
        .with_for_update(read=True)
        .execution_options(populate_existing=True)
    )
    customer: Customer | None = await session.scalar(held)
    return customer


def owner_of(order_id: str) -> Any:
    """The customer of an order, for any caller, as part of a query."""
    named = select(Order.customer_id).where(Order.order_id == order_id.upper())
    return named.scalar_subquery()


async def customers_order(
    session: AsyncSession, principal: Principal, order_id: str, *, lock: bool
) -> Order:
    """The customer's own order, for a command.

    Raises:
        MemberOrderError: the id names a member of a combined order of the customer.
        OrderInvalidError: no such order, or somebody else's.

    """
    return await _order_among(session, order_id, visible(principal, Order, None), lock=lock)


async def order_to_pay(session: AsyncSession, principal: Principal, order_id: str) -> Order:
    """The customer's own order, or one that a custody member asked it to pay; locked.

    Raises:
        MemberOrderError, OrderInvalidError: as of `customers_order`.

    """
    payable = or_(visible(principal, Order, None), visible_as_agent(principal))
    return await _order_among(session, order_id, payable, lock=True)


async def _order_among(
    session: AsyncSession, order_id: str, condition: ColumnElement[bool], *, lock: bool
) -> Order:
    wanted = order_id.upper()
    query = select(Order).where(Order.order_id == wanted, condition)
    if lock:
        query = query.with_for_update(of=Order)
    order = await session.scalar(query)
    if order is not None:
        return order
    member = select(OrderLine.line_id).join(Order, Order.order_id == OrderLine.order_id)
    if await session.scalar(member.where(OrderLine.member_order_id == wanted, condition).limit(1)):
        raise MemberOrderError
    raise OrderInvalidError
