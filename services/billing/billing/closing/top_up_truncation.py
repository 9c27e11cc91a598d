"""What was cut off usage is charged at the month's end, as far as it makes whole cents (25).

See decision 0166. It may run any number of times: what it charges it takes off the truncation.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.dated_credit import note_lines
from billing.accounts.models import ZERO
from billing.accounts.post_movement import PRECISION_TOP_UP, OwnerAccounts, lock_accounts
from billing.copies import Customer
from billing.lines.facts import line_recorded
from billing.lines.models import BillLine, BillSum
from billing.prices.products import ON_DEMAND
from billing.usage.pay_usage import pay_usage, state_arrears
from chassis import outbox
from chassis.crash import crash_point
from chassis.database import Database
from chassis.ids import new_id
from wire.money import ACCOUNT_PLACES, cut
from wire.times import beijing_day, cycle_bounds

USAGE, TOP_UP = 5, 25  # bill types
CENT = Decimal("0.01")
CHINA = "china"  # the international site has no such bill type (docs/domain/bills.md B.8)
CUSTOMERS_AT_ONCE = 100
RULE = "truncation_top_up"

# What the lines of one top-up have in common, and it says of itself.
_KINDS = (
    "payer_id", "partner_id", "distributor_id", "association_type", "account_manager_id", "site",
    "currency", "service_type_code", "service_type_name", "resource_type_code",
    "resource_type_name", "resource_spec_code", "product_id", "region_code",
    "enterprise_project_id", "sub_service_type_code", "sub_service_type_name",
    "sub_resource_type_code", "sub_resource_type_name",
)  # fmt: skip
_LATEST = ("product_name", "customer_label")


async def top_up_truncation(database: Database, cycle: str, now: datetime) -> None:
    """Some customers a transaction, of a month that takes no other line any more."""
    after = ""
    while True:
        async with database.transaction() as session:
            ids = await _customers_cut(session, cycle, after, CUSTOMERS_AT_ONCE)
            for customer_id in ids:
                await _top_up_customer(session, customer_id, cycle, now)
        crash_point("billing.topped_up")
        if len(ids) < CUSTOMERS_AT_ONCE:
            return
        after = ids[-1]


async def _customers_cut(
    session: AsyncSession, cycle: str, after: str, limit: int
) -> Sequence[str]:
    """Those of the China site from whose usage a cent or more was cut in all, in their order."""
    found = await session.scalars(
        select(BillSum.customer_id)
        .where(
            BillSum.bill_cycle == cycle,
            BillSum.site == CHINA,
            BillSum.charging_mode == ON_DEMAND,
            BillSum.bill_type.in_((USAGE, TOP_UP)),
            BillSum.customer_id > after,
        )
        .group_by(BillSum.customer_id)
        .having(func.sum(BillSum.erase_amount) >= CENT)
        .order_by(BillSum.customer_id)
        .limit(limit)
    )
    return found.all()


async def _top_up_customer(
    session: AsyncSession, customer_id: str, cycle: str, now: datetime
) -> list[BillLine]:
    """A line for each product in a region whose truncation makes a cent; less stays cut.

    Official and discount are nothing, the truncation is negative: the month's sums hold as they
    are, and what is left of the truncation is less than a cent a product.
    """
    customer = await session.get(Customer, customer_id, with_for_update={"read": True})
    rows = await _rows(session, customer_id, cycle)
    if customer is None or not rows:
        return []
    payers = {row["payer_id"] or customer_id for row in rows}
    accounts = await lock_accounts(session, *payers)
    rows = await _rows(session, customer_id, cycle)  # as it is below the locks
    lines = [
        _charge(session, customer_id, cycle, row, accounts[row["payer_id"] or customer_id], now)
        for row in rows
    ]
    await session.flush()
    outbox.publish(session, *(line_recorded(line, now) for line in lines))
    state_arrears(session, lines, accounts, now)
    return lines


async def _rows(session: AsyncSession, customer_id: str, cycle: str) -> Sequence[Any]:
    kinds = [getattr(BillLine, name) for name in _KINDS]
    latest = [func.max(getattr(BillLine, name)).label(name) for name in _LATEST]
    cut_off = func.sum(BillLine.erase_amount)
    found = await session.execute(
        select(*kinds, *latest, cut_off.label("cut_off"), func.count().label("lines"))
        .where(
            BillLine.customer_id == customer_id,
            BillLine.bill_cycle == cycle,
            BillLine.charging_mode == ON_DEMAND,
            BillLine.bill_type.in_((USAGE, TOP_UP)),
        )
        .group_by(*kinds)
        .having(cut_off >= CENT)
        .order_by(text(", ".join(f"{number}" for number in range(1, len(_KINDS) + 1))))
    )
    return found.mappings().all()


def _charge(
    session: AsyncSession,
    customer_id: str,
    cycle: str,
    row: Any,
    accounts: OwnerAccounts,
    now: datetime,
) -> BillLine:
    amount = cut(row["cut_off"], ACCOUNT_PLACES)
    _, end = cycle_bounds(cycle)
    last = end - timedelta(seconds=1)
    paid = pay_usage(
        session,
        accounts,
        amount,
        now,
        reason=PRECISION_TOP_UP,
        bill_cycle=cycle,
        consume_time=last,
        service_type_name=row["service_type_name"],
    )
    line = BillLine(
        **{name: row[name] for name in (*_KINDS, *_LATEST)},
        line_id=new_id(),
        customer_id=customer_id,
        bill_cycle=cycle,
        bill_date=beijing_day(last),
        bill_type=TOP_UP,
        charging_mode=ON_DEMAND,
        trade_id=paid.trade_id,
        trade_time=last,
        consume_time=last,
        known_at=now,
        official_amount=ZERO,
        official_discount_amount=ZERO,
        erase_amount=-amount,
        payment_amount=amount,
        **paid.by_money,
        version=1,
        rule=RULE,
        reckoned={"cut_off": f"{row['cut_off']:f}", "lines": row["lines"]},
    )
    session.add(line)
    note_lines(session, [line], paid.credits)
    return line
