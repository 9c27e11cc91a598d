"""A coupon reserved and captured, one payment after another, beside the bare statements.

Ours is order's request from the application's edge to its answer, and `order.paid` as the
subscription hands it to its handlers, in their transaction. The floor is a program in the same
process that knows what it will find: it reads and writes the same rows of the same tables by
asyncpg on one connection, with prepared statements, a round trip for each statement, and commits
twice, as both sides do. It judges no rule, and builds one text for a fact.
"""

import statistics
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg
from tests.voucher.builders import RESERVE, customer, hear, paid, reservation

from benchmarks.vouchers_rig import Rig, shown, timed
from testkit.databases import Templates

PAYMENTS, PAYMENT_BAR = 200, 0.4
AMOUNT = "0.01"

_FACT = (
    "INSERT INTO outbox (slot, stream, key, event_id, attributes, body)"
    " VALUES (1, 'bare', 'c1', $1, $2, $2)"
)
_HOLD = (
    ("SELECT partner_id, association_status, association_type FROM customers"
     " WHERE customer_id = 'c1' FOR SHARE", ""),
    ("INSERT INTO attempts (id, order_id, customer_id, state, asked, opened_at)"
     " VALUES ($1, $1, 'c1', 'open', jsonb_build_array($2::text), $3)", "name coupon at"),
    ("SELECT * FROM coupons WHERE id = $1 FOR UPDATE", "coupon"),
    ("UPDATE coupons SET reserved_amount = 0.01, lock_order_id = $2, version = version + 1"
     " WHERE id = $1", "coupon name"),
    ("INSERT INTO reservations (attempt_id, coupon_id, order_id, partner_id, coupon_type, amount,"
     " lines) VALUES ($1, $2, $1, 'sp', 1, 0.01, '[{\"amount\": \"0.01\", \"line_id\": \"l1\"}]')",
     "name coupon"),
    (_FACT, "event body"),
)  # fmt: skip
_CAPTURE = (
    ("INSERT INTO orders (order_id, partner_id, customer_id, status, order_type, currency, lines,"
     " version) VALUES ($1, 'sp', 'c1', 3, 1, 'CNY', '[]', 1)", "name"),
    ("SELECT state FROM attempts WHERE id = $1 FOR UPDATE", "name"),
    ("UPDATE attempts SET state = 'captured', closed_at = $2 WHERE id = $1", "name at"),
    ("SELECT * FROM reservations WHERE attempt_id = $1", "name"),
    ("SELECT * FROM coupons WHERE id = $1 FOR UPDATE", "coupon"),
    ("UPDATE coupons SET balance = balance - 0.01, reserved_amount = 0, lock_order_id = NULL,"
     " order_id = $2, last_used_at = $3, version = version + 1 WHERE id = $1", "coupon name at"),
    ("INSERT INTO movements (id, kind, partner_id, quota_id, coupon_id, order_id, at)"
     " VALUES ($1, 'redeemed', 'sp', $2, $3, $1, $4)", "name quota coupon at"),
    ("INSERT INTO postings (movement_id, partner_id, account_kind, account_id, currency, amount)"
     " VALUES ($1, 'sp', 'coupon', $2, 'CNY', -0.01), ($1, 'sp', 'redeemed', 'sp', 'CNY', 0.01)",
     "name coupon"),
    (_FACT, "event body"),
)  # fmt: skip


async def payments(templates: Templates, arguments: Any) -> bool:
    """So many of each, in turn."""
    ours, floor = [], []
    async with Rig(templates) as rig:
        mine = await rig.door.coupon(rig.quota, "c1", "1000.00")
        its = await rig.door.coupon(rig.quota, "c1", "1000.00")
        for number in range(arguments.rounds + 1):  # the first one fills caches
            took = await timed(_paid(rig, mine))
            bare = await timed(_said(rig, its))
            if number:
                ours.append(PAYMENTS / took)
                floor.append(PAYMENTS / bare)
        assert str((await rig.door.held(mine)).balance) == _left(arguments.rounds + 1)
        assert str((await rig.door.held(its)).balance) == _left(arguments.rounds + 1)
    figure = "reserve and capture of one coupon"
    return shown(figure, statistics.median(ours), statistics.median(floor), PAYMENT_BAR)


def _left(rounds: int) -> str:
    return f"{(100_000 - rounds * PAYMENTS) / 100:.2f}"


async def _paid(rig: Rig, coupon_id: str) -> None:
    for _ in range(PAYMENTS):
        name = uuid4().hex
        body = reservation(name, [coupon_id], AMOUNT, f"CS{name}")
        await rig.call("POST", RESERVE, body, customer("c1")).answer(rig.app)
        await hear(rig.door.database, paid(name, {coupon_id: AMOUNT}, f"CS{name}"))


async def _said(rig: Rig, coupon_id: str) -> None:
    known: dict[str, Any] = {"coupon": coupon_id, "quota": rig.quota, "body": b"{}" * 400}
    async with rig.pool.acquire() as connection:
        for _ in range(PAYMENTS):
            known |= {"name": uuid4().hex, "at": datetime.now(UTC)}
            for statements in (_HOLD, _CAPTURE):
                async with connection.transaction():
                    await _say(connection, statements, known | {"event": uuid4()})


async def _say(
    connection: asyncpg.Connection, statements: tuple[tuple[str, str], ...], known: dict[str, Any]
) -> None:
    for one, names in statements:
        await connection.fetch(one, *(known[name] for name in names.split()))
