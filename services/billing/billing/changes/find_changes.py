"""What moved an owner's cash or credit: its postings, the newest first."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import BALANCE, CREDIT, Account, AccountMissingError, Movement, Posting
from billing.changes.trade_types import DETAILS_OF
from chassis.errors import BadFieldError
from chassis.pages import counted_page
from wire.times import days_or_last_year

TYPE_OF = {"BALANCE_TYPE_DEBIT": BALANCE, "BALANCE_TYPE_CREDIT": CREDIT}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What both operations ask for; days are Beijing's, both included."""

    balance_type: str
    trade_type: str | None
    first: date | None
    last: date | None
    limit: int
    offset: int


@dataclass(frozen=True, slots=True)
class Changes:
    """A page of them, how many there are, and their currency."""

    total: int
    rows: Sequence[Row[Any]]
    currency: str


async def find_changes(
    session: AsyncSession,
    owner_id: str,
    wanted: Wanted,
    now: datetime,
    *more: ColumnElement[bool],
) -> Changes:
    """Each posting with its movement, and the account's balance after it.

    Raises:
        BadFieldError: the days are the wrong way round.
        AccountMissingError: the owner has no account, or none that the caller may see.

    """
    if wanted.first and wanted.last and wanted.first > wanted.last:
        raise BadFieldError("trade_time_begin", "after trade_time_end")
    accounts = (
        await session.execute(
            select(Account.account_id, Account.currency).where(
                Account.owner_id == owner_id,
                Account.account_type == TYPE_OF[wanted.balance_type],
            )
        )
    ).all()
    if not accounts:
        raise AccountMissingError(owner_id)
    begin, end = days_or_last_year(wanted.first, wanted.last, now)
    query = _changes([row.account_id for row in accounts]).where(
        Movement.at >= begin, Movement.at < end, *more
    )
    if wanted.trade_type is not None:
        query = query.where(Movement.reason.in_(DETAILS_OF.get(wanted.trade_type, ())))
    total, rows = await counted_page(session, query, wanted.limit, wanted.offset)
    return Changes(total, rows, accounts[0].currency)


def is_trade(trade_id: str) -> ColumnElement[bool]:
    """The order, in any case of its letters (docs/domain/orders.md H.14), else the movement."""
    by_movement = and_(Movement.order_id.is_(None), Movement.movement_id == trade_id)
    return or_(Movement.order_id == trade_id.upper(), by_movement)


def change(row: Row[Any]) -> dict[str, Any]:
    """What both records say of it: amounts are texts, and positive."""
    return {
        "account_change_id": str(row.id),
        "trade_detail_type": row.reason,
        "trade_time": row.at,
        "trade_id": row.order_id or row.movement_id,
        "change_amount": f"{abs(row.amount):f}",
        "balance_after_change": f"{row.balance_after:f}",
    }


_COLUMNS: tuple[Any, ...] = (
    Posting.id, Posting.amount, Posting.balance_after,
    Movement.movement_id, Movement.at, Movement.reason, Movement.order_id, Movement.customer_id,
    Movement.bill_cycle, Movement.consume_time, Movement.service_type_name,
)  # fmt: skip


def _changes(account_ids: Collection[str]) -> Select[Any]:
    """An account is locked while it moves, so the numbers of its postings are its order."""
    return (
        select(*_COLUMNS)
        .join(Movement, Movement.movement_id == Posting.movement_id)
        .where(Posting.account_id.in_(account_ids))
        .order_by(Movement.at.desc(), Posting.id.desc())
    )
