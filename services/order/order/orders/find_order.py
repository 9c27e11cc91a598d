"""Which orders a principal may see, and how one is found for a change."""

from typing import Any, cast

from sqlalchemy import ColumnElement, and_, bindparam, exists, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import lazyload
from sqlalchemy.orm.attributes import set_committed_value

from chassis.errors import NotFoundError, RefusedError
from chassis.identity import Principal
from order.copies import ASSOCIATED, Customer
from order.orders.models import Order, OrderLine
from wire.vocabulary import RESALE_TYPES


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


def visible(
    principal: Principal, owned: Any, acted: str | None, *, row_by_row: bool = False
) -> ColumnElement[bool]:
    """The rows of a table with customer_id, partner_id and distributor_id that the caller sees.

    A customer sees its own whatever partner it had (docs/domain/orders.md H.15), a partner those of
    its resale customers only (F5), also where it acts for one, the administrator all. `acted` is
    the partner account that a partner's request is about (`chassis.tenancy`); None: its own.
    `row_by_row` is for a page that is read along an index: see `_of_associated`.
    """
    if principal.is_administrator:
        return true()
    if principal.is_customer:
        own: ColumnElement[bool] = owned.customer_id == principal.id
        if principal.acting_for_partner is None:
            return own
        return and_(own, owned.partner_id == principal.partner_id)
    of_associated = _of_associated(owned, row_by_row=row_by_row)
    return and_(owned.partner_id == (acted or principal.partner_id), of_associated)


def visible_with_resellers(
    principal: Principal, owned: Any, *, row_by_row: bool = False
) -> ColumnElement[bool]:
    """As `visible`, and for a distributor also what its resellers' customers have (native API)."""
    own = visible(principal, owned, None, row_by_row=row_by_row)
    if principal.kind != "distributor":
        return own
    of_associated = _of_associated(owned, row_by_row=row_by_row)
    return or_(own, and_(owned.distributor_id == principal.id, of_associated))


def _of_associated(owned: Any, *, row_by_row: bool) -> ColumnElement[bool]:
    """Rows of who is the resale customer of the row's partner now: who left is nobody's to see.

    PostgreSQL makes a join of it, and where the tenant's condition is told twice it expects one
    row: it reads all that the partner has, customer by customer, to sort it for one page. With an
    offset it stays a question of each row, and the page's own index gives their order.
    """
    customer = select(Customer.customer_id).where(
        Customer.customer_id == owned.customer_id,
        Customer.partner_id == owned.partner_id,
        Customer.association_type.in_(RESALE_TYPES),
        Customer.association_status == ASSOCIATED,
    )
    return (customer.offset(0) if row_by_row else customer).correlate(owned).exists()


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


# Made once, as what follows: to build one and to find it among the compiled ones costs more than
# PostgreSQL needs to carry it out.
_HELD = select(Customer).with_for_update(read=True).execution_options(populate_existing=True)
_CUSTOMER_HELD = _HELD.where(Customer.customer_id == bindparam("customer_id"))
_OWNER_HELD = _HELD.where(
    Customer.customer_id
    == select(Order.customer_id).where(Order.order_id == bindparam("order_id")).scalar_subquery()
)


async def hold_association(session: AsyncSession, customer_id: Any) -> Customer | None:
    """The customer as it is now and stays until the transaction ends; None when it is not known.

    Taken before the order's own lock, as the end of the association takes them.
    """
    if isinstance(customer_id, str):
        known: Customer | None = await session.scalar(_CUSTOMER_HELD, {"customer_id": customer_id})
        return known
    found: Customer | None = await session.scalar(_HELD.where(Customer.customer_id == customer_id))
    return found


async def hold_owner(session: AsyncSession, order_id: str) -> Customer | None:
    """The same of the customer of an order, whoever asks."""
    found: Customer | None = await session.scalar(_OWNER_HELD, {"order_id": order_id.upper()})
    return found


async def customers_order(
    session: AsyncSession, principal: Principal, order_id: str, *, lock: bool
) -> Order:
    """The customer's own order, for a command.

    Raises:
        MemberOrderError: the id names a member of a combined order of the customer.
        OrderInvalidError: no such order, or somebody else's.

    """
    return await _order_among(session, order_id, visible(principal, Order, None), lock=lock)


_SOME_CUSTOMER = Principal(
    id=cast(Any, bindparam("payer_id")),
    kind="customer",
    partner_id=cast(Any, bindparam("partner_id")),
)
_PAYABLE_BY_CUSTOMER = (
    select(Order)
    .where(
        Order.order_id == bindparam("order_id"),
        or_(visible(_SOME_CUSTOMER, Order, None), visible_as_agent(_SOME_CUSTOMER)),
    )
    .with_for_update(of=Order)
    .options(lazyload(Order.lines))
)


async def order_to_pay(
    session: AsyncSession, principal: Principal, order_id: str, *, lock: bool = True
) -> Order:
    """The customer's own order, or one that a custody member asked it to pay.

    Raises:
        MemberOrderError, OrderInvalidError: as of `customers_order`.

    """
    if lock and principal.is_customer and principal.acting_for_partner is None:
        who = {"payer_id": principal.id, "partner_id": principal.partner_id}
        named = {"order_id": order_id.upper(), **who}
        order: Order | None = await session.scalar(_PAYABLE_BY_CUSTOMER, named)
        if order is not None:
            return await _with_lines(session, order)
    payable = or_(visible(principal, Order, None), visible_as_agent(principal))
    return await _order_among(session, order_id, payable, lock=lock)


_LOCKED = (
    select(Order)
    .where(Order.order_id == bindparam("order_id"))
    .with_for_update(of=Order)
    .options(lazyload(Order.lines))
    .execution_options(populate_existing=True)
)


async def locked_order(session: AsyncSession, order_id: str) -> Order:
    """The order that is known to be there, as it is now; its lines are read under its lock."""
    order = (await session.scalars(_LOCKED, {"order_id": order_id})).one()
    return await _with_lines(session, order)


_LINES = (
    select(OrderLine)
    .where(OrderLine.order_id == bindparam("order_id"))
    .order_by(OrderLine.position)
    .execution_options(populate_existing=True)
)


async def _with_lines(session: AsyncSession, order: Order) -> Order:
    """As the relationship loads them, by a statement that is made once: at half the cost."""
    lines = await session.scalars(_LINES, {"order_id": order.order_id})
    set_committed_value(order, "lines", list(lines))
    return order


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
