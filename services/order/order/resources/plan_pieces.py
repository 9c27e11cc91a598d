"""The pieces of a paid order, with the ids that their resources will have."""

from chassis.ids import new_id
from order.orders.models import Order, OrderLine
from order.resources.models import Piece

ASKED, OPENED, FAILED = "asked", "opened", "failed"


def plan_pieces(order: Order) -> list[Piece]:
    """One for each piece of each line, main lines first; an attached piece names its main one's.

    Of a line of 4 attached to a line of 2, two pieces belong to each main piece
    (docs/domain/resources.md H.7). The piece of a line about a resource that there is has its id.
    """
    planned: dict[int, list[Piece]] = {}
    for line in sorted(order.lines, key=lambda line: (line.attach_to is not None, line.position)):
        mains = planned[line.attach_to] if line.attach_to is not None else []
        planned[line.position] = [
            _piece(order, line, number, mains) for number in range(1, line.quantity + 1)
        ]
    return [piece for pieces in planned.values() for piece in pieces]


def _piece(order: Order, line: OrderLine, number: int, mains: list[Piece]) -> Piece:
    main = mains[(number - 1) * len(mains) // line.quantity] if mains else None
    return Piece(
        line_id=line.line_id,
        number=number,
        order_id=order.order_id,
        partner_id=order.partner_id,
        distributor_id=order.distributor_id,
        position=line.position,
        resource_id=line.resource_id or new_id(),
        main_resource_id=main.resource_id if main else None,
        state=ASKED,
        asked_times=0,
    )
