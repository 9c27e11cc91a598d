"""An automatic renewal whose process dies or stands still at a named point is paid once.

See decision 0078.
"""

from typing import Any

import pytest
from sqlalchemy import func, select

from chassis.database import Database
from chassis.parts import ServiceApp
from order.orders.models import Order
from order.parts import OrderParts
from order.payments import pay_order
from order.payments.close_attempts import close_abandoned_attempts
from order.payments.pay_automatically import pay_automatically
from order.renewals import renew_due
from order.resources.models import ResourcePeriod
from testkit import outbox
from testkit.clock import StandingClock
from testkit.door import Door
from tests.order.builders import PAY, customer_principal, payment
from tests.order.peer_double import PeerDouble
from tests.order.renewal_builders import carry_out
from tests.order.test_renew_due import FIRST, HOLDS, automatic, orders_of, turn

pytestmark = pytest.mark.postgres

ABANDONED_SECONDS = 30.0


class KilledError(BaseException):
    """What no handler of a failure sees, as none sees a SIGKILL."""


@pytest.mark.parametrize(
    ("module", "point", "left"),
    [
        (renew_due, "renewal.placed", 6),
        (pay_order, "order.attempted", 6),
        (pay_order, "order.settled", 5),
    ],
)
async def test_a_killed_try_is_finished_when_its_claim_ends(
    app: ServiceApp[OrderParts], door: Door, database: Database, clock: StandingClock,
    monkeypatch: pytest.MonkeyPatch, module: object, point: str, left: int,
) -> None:  # fmt: skip
    """Break: place an order at each try, whatever is left."""
    _, resource = await automatic(door, database, clock)
    clock.now = FIRST

    def die(name: str) -> None:
        if name == point:
            raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(module, "crash_point", die)
        await renew_due._claim(database, clock.now)
        with pytest.raises(KilledError):
            await renew_due.renew_one(database, app.parts.peers, resource, clock.now)
    await carry_out(database, clock)
    async with database.transaction() as session:
        [status] = await session.scalars(select(Order.status).where(Order.order_type == 2))
    assert status == left

    clock.now += renew_due.CLAIM
    await close_abandoned_attempts(ABANDONED_SECONDS)(database, clock.now)
    for _ in range(2):
        await turn(app, clock)
        clock.now += renew_due.CLAIM
    async with database.transaction() as session:
        statuses = await session.scalars(select(Order.status).where(Order.order_type == 2))
        assert list(statuses) == [5]
        periods = select(func.count(ResourcePeriod.period_id))
        assert await session.scalar(periods) == 2
    assert await outbox.bodies(database, "resource.renewal_failed") == []


@pytest.mark.parametrize("point", ["renewal.placed", "order.reserved"])
async def test_a_try_that_stood_still_is_finished_by_another_and_pays_no_more(
    app: ServiceApp[OrderParts], door: Door, database: Database, clock: StandingClock,
    peers: PeerDouble, monkeypatch: pytest.MonkeyPatch, point: str,
) -> None:  # fmt: skip
    """As by SIGSTOP, until its claim has ended and another replica has taken over.

    Break: place an order at each try, whatever is left.
    """
    _, resource = await automatic(door, database, clock)
    clock.now = begun = FIRST
    stood: list[str] = []

    async def others_go_on(*_: Any) -> None:
        if stood:
            return
        stood.append(point)
        clock.now += renew_due.CLAIM
        await close_abandoned_attempts(ABANDONED_SECONDS)(database, clock.now)
        await turn(app, clock)

    async def pay_later(*asked: Any, **more: Any) -> str | None:
        await others_go_on()
        return await pay_automatically(*asked, **more)

    if point == "renewal.placed":
        monkeypatch.setattr(renew_due, "pay_automatically", pay_later)
    else:
        peers.before[HOLDS] = others_go_on
    await renew_due._claim(database, begun)
    await renew_due._try_and_tell(database, app.parts.peers, resource, begun, sandbox=False)
    await turn(app, clock)
    assert stood == [point]
    assert [one.status for one in await orders_of(database)] == [5]
    told = [kind for kind in await outbox.types(database) if kind.startswith("order.")]
    assert told.count("order.paid") == 2, "of the purchase and of the renewal"
    async with database.transaction() as session:
        assert await session.scalar(select(func.count(ResourcePeriod.period_id))) == 2
    assert await outbox.bodies(database, "resource.renewal_failed") == []


async def test_what_the_customer_is_paying_is_not_given_up(
    app: ServiceApp[OrderParts], door: Door, database: Database, clock: StandingClock,
    peers: PeerDouble,
) -> None:  # fmt: skip
    """The system's own try failed a moment before. Break: cancel whatever is pending."""
    customer, _ = await automatic(door, database, clock)
    clock.now = FIRST
    peers.refusals[HOLDS] = (500, "CHB.0503")
    await turn(app, clock)
    peers.refusals.clear()
    [left] = await orders_of(database)

    async def meanwhile(_: Any) -> None:
        assert await renew_due.give_up(database, left.order_id, clock.now) is False

    peers.before[HOLDS] = meanwhile
    paid = await door.post(PAY, payment(left.order_id), customer_principal(customer))
    assert paid.status_code == 204, paid.text
    assert (await outbox.types(database)).count("order.cancelled") == 0
