"""How a quota came to its balance: each movement, from 0 on."""

from datetime import datetime
from typing import Any

from pydantic import Field
from sqlalchemy import Row, Select, case, func, null, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.cursors import cursor_after, keys_after
from chassis.errors import BadFieldError
from chassis.identity import Principal
from voucher.ledger.models import Movement, Posting
from voucher.quotas.find_quota import find_quota
from wire.native import Money, NativeAnswer
from wire.types import NativeQuery

LIMIT_MAX = 100
STATEMENT = "quota statement"
_DIGITS_MAX = 18


class ShowStatement(NativeQuery):
    """The query of `GET /api/quotas/{quota_id}/statement`; `after` is the `next` before."""

    after: str | None = None
    limit: int = Field(default=20, ge=1, le=LIMIT_MAX)


class QuotaMovement(NativeAnswer):
    """An amount that came into the quota, or left it and is negative."""

    at: datetime
    kind: str  # granted | adjusted | handed_out | reclaimed | issued | returned
    currency: str
    amount: Money
    balance_after: Money
    coupon_id: str | None
    child_quota_id: str | None


class QuotaStatement(NativeAnswer):
    """A page of movements, the oldest first; `next` is null on the last one."""

    quota_id: str
    currency: str
    movements: list[QuotaMovement]
    next: str | None


async def show_statement(
    session: AsyncSession, principal: Principal, quota_id: str, query: ShowStatement
) -> QuotaStatement:
    """The movements behind `after`.

    Raises:
        NotFoundError: no such quota, or not the caller's.
        BadFieldError: `after` is no cursor of this statement.

    """
    quota = await find_quota(session, principal, quota_id)
    last = _place(quota_id, query.after)
    mine = (Posting.account_kind == "quota") & (Posting.account_id == quota_id)
    before = select(func.coalesce(func.sum(Posting.amount), 0)).where(mine, Posting.id <= last)
    rows = (await session.execute(_movements(quota_id, mine, last, query.limit + 1))).all()
    page = rows[: query.limit]
    balance = await session.scalar(before) or 0
    movements = []
    for row in page:
        balance += row.amount
        movements.append(_movement(row, balance))
    more = cursor_after(STATEMENT, quota_id, str(page[-1].id)) if len(rows) > len(page) else None
    return QuotaStatement(
        quota_id=quota_id, currency=quota.currency, movements=movements, next=more
    )


def _movements(quota_id: str, mine: Any, last: int, limit: int) -> Select[Any]:
    """A quota is locked while it moves, so its postings' numbers are its order."""
    child = case((Movement.quota_id != quota_id, Movement.quota_id), else_=null())
    return (
        select(
            Posting.id, Posting.amount, Posting.currency, Movement.at, Movement.kind,
            Movement.coupon_id, child.label("child_quota_id"),
        )
        .join(Movement, Movement.id == Posting.movement_id)
        .where(mine, Posting.id > last)
        .order_by(Posting.id)
        .limit(limit)
    )  # fmt: skip


def _movement(row: Row[Any], balance_after: Any) -> QuotaMovement:
    return QuotaMovement.of(row, balance_after=balance_after)


def _place(quota_id: str, after: str | None) -> int:
    if after is None:
        return 0
    named, last = keys_after(STATEMENT, after, 2)
    if named != quota_id or not (last.isascii() and last.isdecimal() and len(last) <= _DIGITS_MAX):
        raise BadFieldError("after", "not a cursor of this list")
    return int(last)
