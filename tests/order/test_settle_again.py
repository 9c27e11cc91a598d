"""The last transaction of a payment fails for the moment: what is reserved does not stay so."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.database import Database
from order.payments import pay_order
from testkit import outbox
from testkit.door import Door
from tests.order.builders import (
    PAY,
    attempts,
    customer_principal,
    keep_customer,
    line,
    payment,
    place,
)
from tests.order.peer_double import PeerDouble

pytestmark = pytest.mark.postgres

# As PostgreSQL refuses one of two transactions that wait for each other.
DEADLOCK = text("DO $$ BEGIN RAISE EXCEPTION 'deadlock' USING ERRCODE = '40P01'; END $$")
HOLD = "/internal/holds"


@pytest.mark.parametrize(("in_vain", "states"), [(1, ["paid"]), (2, ["open"])])
async def test_a_deadlock_in_the_last_transaction_is_tried_once_more(
    in_vain: int,
    states: list[str],
    door: Door,
    database: Database,
    peers: PeerDouble,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Break: settle without `twice`. Nothing is held a second time, and it is stated once."""
    settle, tries = pay_order._settle, 0

    async def settled_in_vain(session: AsyncSession, *told: Any) -> Any:
        nonlocal tries
        tries += 1
        due = await settle(session, *told)
        if tries <= in_vain:
            await session.execute(DEADLOCK)
        return due

    monkeypatch.setattr(pay_order, "_settle", settled_in_vain)
    customer = await keep_customer(database)
    order = await place(door, customer, [line()])
    answer = await door.post(PAY, payment(order["order_id"]), customer_principal(customer))

    assert (answer.status_code == 204) is (states == ["paid"])
    assert tries == 2
    assert [attempt.state for attempt in await attempts(database)] == states
    assert len(peers.asked(HOLD)) == 1
    assert (await outbox.types(database)).count("order.paid") == states.count("paid")
