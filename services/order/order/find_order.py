"""Which orders a principal may see, and how one is found for a change."""

from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import NotFoundError, RefusedError
from chassis.identity import Principal
from order.models import Customer, Order, OrderLine, Partner

# Resale: "2" on the China site, "3" on the international one (domain.md B.2).
RESALE_TYPES = ("2", "3")
ASSOCIATED = "associated"


class OrderInvalidError(RefusedError):
    """There is no such order for the caller: the same whether or not it exists."""

    code = "CBC.30000010"


class OrderNotFoundError(NotFoundError):
    """The native API's word for the same."""


class MemberOrderError(RefusedError):
    """The id names a member of a combined order, which is traded as a whole (domain.md B.5)."""

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
    """The reseller to act on: ignored for callers that are no distributor (domain.md B.1)."""
    if not indirect_partner_id or principal.kind != "distributor":
        return None
    reseller = await session.get(Partner, indirect_partner_id)
    if reseller is None or reseller.distributor_id != principal.id:
        raise ResellerError
    return reseller.partner_id


def visible(principal: Principal, owned: Any, reseller: str | None) -> ColumnElement[bool]:
    """The rows of a table with customer_id, partner_id and distributor_id that the caller sees.

    A customer sees its own, a partner those of its resale customers only (domain.md F5), the
    administrator all. `reseller` is what `check_reseller` answered.
    """
    if principal.is_administrator:
        return true()
    if principal.is_customer:
        return and_(owned.customer_id == principal.id, owned.partner_id == principal.partner_id)
    return and_(
        owned.partner_id == (reseller or principal.partner_id),
        exists().where(
            Customer.customer_id == owned.customer_id,
            Customer.partner_id == owned.partner_id,
            Customer.association_type.in_(RESALE_TYPES),
            Customer.association_status == ASSOCIATED,
        ),
    )


def visible_with_resellers(principal: Principal, owned: Any) -> ColumnElement[bool]:
    """As `visible`, and for a distributor also what its resellers' customers have (native API)."""
    own = visible(principal, owned, None)
    if principal.kind != "distributor":
        return own
    return or_(own, owned.distributor_id == principal.id)


async def customers_order(
    session: AsyncSession, principal: Principal, order_id: str, *, lock: bool
) -> Order:
    """The customer's own order, for a command.

    Raises:
        MemberOrderError: the id names a member of a combined order of the customer.
        OrderInvalidError: no such order, or somebody else's.

    """
    wanted = order_id.upper()
    query = select(Order).where(Order.order_id == wanted, visible(principal, Order, None))
    if lock:
        query = query.with_for_update(of=Order)
    order = await session.scalar(query)
    if order is not None:
        return order
    member = select(OrderLine.line_id).join(Order, Order.order_id == OrderLine.order_id)
    of_caller = visible(principal, Order, None)
    if await session.scalar(member.where(OrderLine.member_order_id == wanted, of_caller).limit(1)):
        raise MemberOrderError
    raise OrderInvalidError
