"""Provision paid orders piece by piece: what is due is asked of the provider until it is done."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.database import Database
from contracts.order import OrderCompleted, ProvisionedPiece
from order.orders.facts import order_fact, order_provisioned
from order.orders.models import PROCESSING, Order
from order.provisioning.give_failed_back import give_failed_back
from order.resources.change_resources import change_resources
from order.resources.charge_by_period import charge_by_period
from order.resources.extend_resources import extend_resources, note_failed_renewals
from order.resources.models import Piece
from order.resources.open_resources import open_resources
from order.resources.plan_pieces import ASKED, FAILED, OPENED, plan_pieces
from order.resources.provider import Provider
from order.resources.settle_standing import follow_soon, settle_soon
from wire.vocabulary import OrderType

PORTION_MAX = 20  # orders in one transaction; each may open many resources
PORTIONS_MAX = 20  # a turn
LOOK_SECONDS_MAX = 5.0  # between two looks for orders that another replica was paid
ASK_AGAIN_SECONDS, ASK_AGAIN_SECONDS_MAX = 2, 300  # the pause doubles each time


class Provisioning:
    """A schedule that runs often and asks the database only when something may be due.

    It knows when the next order is due as of its last look, and of those paid in this process
    since; what other replicas were paid it finds by looking every few seconds.
    """

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._next_look = datetime.min.replace(tzinfo=UTC)

    def expect(self, at: datetime) -> None:
        """An order that was just paid is due then."""
        self._next_look = min(self._next_look, at)

    async def work(self, database: Database, now: datetime) -> None:
        """Complete what is due."""
        if now < self._next_look:
            return
        self._next_look = now + timedelta(seconds=LOOK_SECONDS_MAX)
        await complete_orders(database, self._provider, now)
        async with database.transaction() as session:
            next_due = await next_provisioning(session)
        if next_due is not None:
            self.expect(next_due)

    async def at_a_stop(self, database: Database, now: datetime) -> None:
        """The same, whatever was known before: other replicas are paid orders, too."""
        await complete_orders(database, self._provider, now)


async def next_provisioning(session: AsyncSession) -> datetime | None:
    """When the next order is to be asked about."""
    due = select(func.min(Order.provision_at)).where(Order.status == PROCESSING)
    return await session.scalar(due)


async def complete_orders(database: Database, provider: Provider, now: datetime) -> None:
    """Carry out what is due and state it, in bounded portions."""
    for _ in range(PORTIONS_MAX):
        if await _complete_portion(database, provider, now) < PORTION_MAX:
            return


async def _complete_portion(database: Database, provider: Provider, now: datetime) -> int:
    due = (
        select(Order)
        .where(Order.status == PROCESSING, Order.provision_at <= now)
        .order_by(Order.provision_at)
        .limit(PORTION_MAX)
        .with_for_update(of=Order, skip_locked=True)
    )
    async with database.transaction() as session:
        orders = (await session.scalars(due)).all()
        for order in orders:
            await provision_order(session, provider, order, now)
    return len(orders)


async def provision_order(
    session: AsyncSession, provider: Provider, order: Order, now: datetime
) -> None:
    """Ask for what is not done yet; the order is completed when nothing is waited for.

    What failed is given back at once, by an order of its own.
    """
    pieces = await _pieces(session, order)
    waiting = [piece for piece in pieces if piece.state == ASKED]
    await _ask_for(session, provider, order, pieces, now)
    done = [piece for piece in waiting if piece.state == OPENED]
    failed = [piece for piece in waiting if piece.state == FAILED]
    if done:
        await _carry_out(session, order, done, now)
    if done or failed:
        _state_closed(session, order, [*done, *failed], now)
    if failed:
        await give_failed_back(session, order, failed, now)
        if order.order_type == OrderType.RENEWAL:
            await note_failed_renewals(session, order, failed, now)
    if len(done) + len(failed) == len(waiting):
        order.complete(now)
        outbox.publish(session, order_fact(OrderCompleted, order, now))
    else:
        order.ask_again_at(_next_try(waiting, now))


async def _ask_for(
    session: AsyncSession,
    provider: Provider,
    order: Order,
    pieces: Sequence[Piece],
    now: datetime,
) -> None:
    """Main pieces first: what is attached to one that failed fails with it and is not asked for."""
    by_id = {piece.resource_id: piece for piece in pieces}
    waiting = [piece for piece in pieces if piece.state == ASKED]
    await _hear(session, provider, order, [one for one in waiting if not one.main_resource_id], now)
    attached = []
    for piece in waiting:
        main = by_id.get(piece.main_resource_id or "")
        if main is not None and main.state == FAILED:
            piece.close(FAILED, now, main.code)
        elif piece.main_resource_id and (main is None or main.state == OPENED):
            attached.append(piece)
    await _hear(session, provider, order, attached, now)


async def _hear(
    session: AsyncSession,
    provider: Provider,
    order: Order,
    pieces: Sequence[Piece],
    now: datetime,
) -> None:
    if not pieces:
        return
    heard = await provider.ask(session, order, pieces, now)
    for piece in pieces:
        if piece.resource_id in heard.failed:
            piece.close(FAILED, now, heard.failed[piece.resource_id])
        elif piece.resource_id in heard.done:
            piece.close(OPENED, now)
        else:
            piece.asked_times += 1


async def _carry_out(
    session: AsyncSession, order: Order, done: Sequence[Piece], now: datetime
) -> None:
    """What the provider has done becomes true here, and is stated of each resource.

    Who was frozen since it paid, owes money or has another partner by now, is looked at then.
    """
    await settle_soon(session, order.customer_id, now)
    await follow_soon(session, order, now)
    match order.order_type:
        case OrderType.PURCHASE:
            await open_resources(session, order, done, now)
        case OrderType.RENEWAL:
            await extend_resources(session, order, done, now)
        case OrderType.CHANGE:
            await change_resources(session, order, done, now)
        case OrderType.TO_PERIOD:
            await charge_by_period(session, order, done, now)
        case other:
            raise ValueError(f"nobody carries out orders of type {other}: {order.order_id}")


def _state_closed(
    session: AsyncSession, order: Order, closed: Sequence[Piece], now: datetime
) -> None:
    pieces = [
        ProvisionedPiece(
            line_id=one.line_id,
            number=one.number,
            resource_id=one.resource_id if one.state == OPENED else None,
            code=one.code,
        )
        for one in closed
    ]
    order.provisioned(now)
    outbox.publish(session, order_provisioned(order, now, pieces))


def _next_try(waiting: Sequence[Piece], now: datetime) -> datetime:
    """Later and later, for the pieces that nothing was heard of."""
    times = min(
        piece.asked_times for piece in waiting if piece.state == ASKED and piece.asked_times
    )
    pause = min(ASK_AGAIN_SECONDS * 2 ** (times - 1), ASK_AGAIN_SECONDS_MAX)
    return now + timedelta(seconds=pause)


async def _pieces(session: AsyncSession, order: Order) -> Sequence[Piece]:
    """The order's pieces, planned when it is looked at for the first time."""
    found = await session.scalars(
        select(Piece)
        .where(Piece.order_id == order.order_id)
        .order_by(Piece.position, Piece.number)
        .execution_options(populate_existing=True)
    )
    pieces = found.all()
    if not pieces:
        pieces = plan_pieces(order)
        session.add_all(pieces)
    return pieces
