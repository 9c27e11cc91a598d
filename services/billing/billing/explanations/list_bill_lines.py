"""A customer's lines of a cycle, as they are or as they were known (GET /api/bill-lines)."""

from datetime import datetime
from typing import Any

from pydantic import Field
from sqlalchemy import ColumnElement, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from billing.explanations.known_at import known_lines, sum_known
from billing.explanations.native_answers import BillLineAnswer, BillLinesAnswer, BillSumAnswer
from billing.lines.models import BillLine
from billing.records.whose import seen_customers
from chassis.cursors import cursor_after, keys_after
from chassis.errors import BadFieldError
from chassis.identity import Principal
from wire.times import parse_native_instant
from wire.types import Cycle, NativeInstant, NativeQuery
from wire.vocabulary import CURRENCY_OF_SITE

LIMIT_MAX = 100
BILL_LINES = "bill_lines"


class ListBillLines(NativeQuery):
    """The query; `after` is the `next` of the page before."""

    cycle: Cycle
    customer_id: str
    as_known_at: NativeInstant | None = None
    late: bool | None = None
    after: str | None = None
    limit: int = Field(default=20, ge=1, le=LIMIT_MAX)


async def list_bill_lines(
    session: AsyncSession, principal: Principal, query: ListBillLines
) -> BillLinesAnswer:
    """By trade time. Somebody else's customer has no lines here, and no sum.

    Raises:
        BadFieldError

    """
    conditions = [
        BillLine.customer_id == query.customer_id,
        BillLine.bill_cycle == query.cycle,
        *await visible_lines(session, principal),
    ]
    if query.late is not None:
        conditions.append(BillLine.late_for.is_not(None) == query.late)
    total = await sum_known(session, conditions, query.as_known_at)
    page_of = list(conditions)
    if query.after is not None:
        page_of.append(tuple_(BillLine.trade_time, BillLine.line_id) > _place(query.after))
    wanted = (
        known_lines(page_of, query.as_known_at)
        .order_by(BillLine.trade_time, BillLine.line_id)
        .limit(query.limit + 1)
    )
    found = (await session.execute(wanted)).mappings().all()
    page = found[: query.limit]
    more = None
    if len(found) > query.limit:
        last = page[-1]
        more = cursor_after(BILL_LINES, last["trade_time"].isoformat(), last["line_id"])
    currency = page[0]["currency"] if page else CURRENCY_OF_SITE[principal.site]
    return BillLinesAnswer(
        as_known_at=query.as_known_at,
        sums=BillSumAnswer(currency=currency, **total),
        bill_lines=[shown_line(row) for row in page],
        next=more,
    )


async def visible_lines(session: AsyncSession, principal: Principal) -> list[ColumnElement[bool]]:
    """A customer's own and those of members that let it see; a partner's; all."""
    if principal.is_customer:
        return [BillLine.customer_id.in_(await seen_customers(session, principal, None, None))]
    if principal.is_partner:
        return [BillLine.partner_id == principal.partner_id]
    return []


def shown_line(row: Any) -> BillLineAnswer:
    """As the native API shows it."""
    fields = {name: row[name] for name in BillLineAnswer.model_fields if name != "used_until"}
    is_use = row["usage_record_id"] is not None
    return BillLineAnswer(**fields, used_until=row["consume_time"] if is_use else None)


def _place(after: str) -> tuple[datetime, str]:
    told, line_id = keys_after(BILL_LINES, after, 2)
    try:
        return parse_native_instant(told), line_id
    except ValueError as error:
        raise BadFieldError("after", "not a cursor of this list") from error
