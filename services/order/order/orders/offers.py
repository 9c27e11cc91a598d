"""Keep what billing offers an order when it is priced, and find what the order names of it."""

from collections.abc import Sequence
from itertools import accumulate

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import RefusedError
from order.orders.discounts import CONTRACT, OfferedDiscount
from order.orders.models import Order
from order.peers import Offer


class DiscountError(RefusedError):
    """The discount is not one that this order is offered, or its promotion has ended."""

    code = "CBC.99003108"


def keep_offers(
    session: AsyncSession, orders: Sequence[Order], offers: Sequence[Offer]
) -> dict[str, list[OfferedDiscount]]:
    """The offers by order, kept; the places of lines in the quote become their ids."""
    kept: dict[str, list[OfferedDiscount]] = {order.order_id: [] for order in orders}
    begins = [0, *accumulate(len(order.lines) for order in orders)]
    for offer in offers:
        order = orders[offer.order]
        discount = offered_discount(order, offer, begins[offer.order])
        kept[order.order_id].append(discount)
        session.add(discount)
    return kept


def offered_discount(order: Order, offer: Offer, begin: int = 0) -> OfferedDiscount:
    """The offer as the order keeps it; `begin` is the place of its first line in the quote."""
    return OfferedDiscount(
        order_id=order.order_id,
        discount_id=offer.discount_id,
        customer_id=order.customer_id,
        partner_id=order.partner_id,
        distributor_id=order.distributor_id,
        discount_type=offer.discount_type,
        discount_mode=offer.discount_mode,
        discount_value=offer.discount_value,
        name=offer.name,
        ends_at=offer.ends_at,
        lines=[
            {
                "line_id": order.lines[place - begin].line_id,
                "discount_amount": reduction,
                "discount_ratio": ratio,
            }
            for place, reduction, ratio in offer.lines
        ],
    )


def named_discount(
    discount_id: str | None, contract_id: str | None, offers: Sequence[OfferedDiscount]
) -> OfferedDiscount | None:
    """The one that an order names when it is placed; a contract is named as such.

    Raises:
        DiscountError: the order is not offered it.

    """
    wanted = contract_id or discount_id
    if wanted is None:
        return None
    for offer in offers:
        is_contract = offer.discount_type == CONTRACT
        if offer.discount_id == wanted and is_contract == (contract_id is not None):
            return offer
    raise DiscountError
