"""A customer's income and expense (list_customer_account_change_records)."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, and_
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import Movement, Posting
from billing.accounts.post_movement import DEDUCT, RECHARGE, UNSUBSCRIBE, USAGE
from billing.changes.find_changes import Wanted, change, find_changes, is_trade
from billing.changes.trade_types import CHANNEL_OF
from billing.copies import Customer
from chassis.identity import Principal, WrongPrincipalError
from wire.json import known
from wire.times import cycle_of
from wire.types import BeijingDate, WireQuery

REVENUE, EXPENSE = "REVENUE", "EXPENSE"
OF_A_LINE = frozenset({DEDUCT, UNSUBSCRIBE, USAGE})


class ListCustomerChanges(WireQuery, operation="list_customer_account_change_records"):
    """The query; days are Beijing's, the last year up to today where they are not given."""

    balance_type: str
    revenue_expense_type: Literal["REVENUE", "EXPENSE"] | None = None
    trade_type: str | None = None
    trade_time_begin: BeijingDate | None = None
    trade_time_end: BeijingDate | None = None
    trade_id: str | None = None
    payment_channel_id: str | None = None  # several, with commas between
    payment_channel_no: str | None = None
    limit: int = 10
    offset: int = 0


async def list_customer_changes(
    session: AsyncSession, principal: Principal, query: ListCustomerChanges, now: datetime
) -> dict[str, Any]:
    """The newest first. What a charge paid says of itself what its bill line says.

    Raises:
        WrongPrincipalError: the caller is no customer.
        AccountMissingError, BadFieldError

    """
    if not principal.is_customer:
        raise WrongPrincipalError
    wanted = Wanted(
        query.balance_type,
        query.trade_type,
        query.trade_time_begin,
        query.trade_time_end,
        query.limit,
        query.offset,
    )
    found = await find_changes(session, principal.id, wanted, now, *_filters(query))
    customer = await session.get(Customer, principal.id)
    name = customer.account_name if customer else None
    return {
        "total_count": found.total,
        "currency": found.currency,
        "records": [_record(row, name) for row in found.rows],
    }


def _filters(query: ListCustomerChanges) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if query.revenue_expense_type == REVENUE:
        wanted.append(Posting.amount > 0)
    elif query.revenue_expense_type == EXPENSE:
        wanted.append(Posting.amount < 0)
    if query.trade_id is not None:
        wanted.append(is_trade(query.trade_id))
    if query.payment_channel_id is not None:
        channels = {channel.strip() for channel in query.payment_channel_id.split(",")}
        reasons = [reason for reason, channel in CHANNEL_OF.items() if channel in channels]
        wanted.append(Movement.reason.in_(reasons))
    if query.payment_channel_no is not None:
        by_bank = Movement.reason == RECHARGE
        wanted.append(and_(by_bank, Movement.movement_id == query.payment_channel_no))
    return wanted


def _record(row: Row[Any], account_name: str | None) -> dict[str, Any]:
    """As the SDK's CustomerAccountChangeRecord."""
    charged = row.reason in OF_A_LINE
    return known(
        {
            **change(row),
            "revenue_expense_type": REVENUE if row.amount > 0 else EXPENSE,
            "bill_cycle": row.bill_cycle or (cycle_of(row.at) if charged else None),
            "consume_time": row.consume_time or (row.at if charged else None),
            "payment_channel_id": CHANNEL_OF.get(row.reason),
            "payment_channel_no": row.movement_id if row.reason == RECHARGE else None,
            "account_name": account_name,
            "cloud_service_type_name": row.service_type_name,
        }
    )
