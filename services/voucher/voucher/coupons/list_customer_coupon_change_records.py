"""What moved the balances of a customer's coupons (docs/domain/coupons.md H.18).

A reservation moves nothing, so it is no record.
"""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, Select, and_, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.identity import Principal
from chassis.pages import counted_page, equal
from voucher.copies import Customer
from voucher.coupons.models import EXPIRED, Coupon
from voucher.coupons.restore_coupons import UNSUBSCRIBED
from voucher.coupons.return_to_quota import EXPIRY
from voucher.ledger.models import Movement, Posting
from wire.json import known
from wire.times import cycle_of, days_or_last_year
from wire.types import BeijingDate, WireQuery
from wire.vocabulary import CURRENCY_OF_SITE

REVENUE, EXPENSE = "REVENUE", "EXPENSE"
# Between an enterprise master and a member, by whose coupon it is.
HANDED, GOT, GIVEN_BACK, GOT_BACK = "handed", "got", "given_back", "got_back"
USED = "used"  # by usage, which names no order
CLEARED = "cleared"  # a return of what expired; the ledger knows returns of one kind
# Movement → trade type, direction and detail type, spelt as the vendor does.
TRADES = {
    "issued": ("ADJUST", REVENUE, "SOURCE_OPERAIION_PRIZE"),
    "redeemed": ("DEDEUCT", EXPENSE, "SOURCE_OPERAIION_DEDEUCT"),
    USED: ("DEDEUCT", EXPENSE, "SOURCE_OPERAIION_USAGE"),
    "restored": ("REFUND", REVENUE, "SOURCE_OPERAIION_UNSUBSCRIBE"),
    "returned": ("COUPONCANCEL", EXPENSE, "SOURCE_OPERATION_COUPONCANCEL"),
    HANDED: ("COUPONADJUST", EXPENSE, "SOURCE_OPERATION_TRANSFER"),
    GOT: ("COUPONADJUST", REVENUE, "SOURCE_OPERATION_TRANSFER"),
    GIVEN_BACK: ("COUPONADJUST", EXPENSE, "SOURCE_OPERATION_RETRIEVE"),
    GOT_BACK: ("COUPONADJUST", REVENUE, "SOURCE_OPERATION_RETRIEVE"),
    CLEARED: ("EXPIRED", EXPENSE, "SOURCE_OPERAIION_EXPIRECLEAR"),
}


class ListCustomerCouponChangeRecords(WireQuery, operation="list_customer_coupon_change_records"):
    """The query; days are Beijing's, the last year up to today where they are not given."""

    balance_type: Literal["BALANCE_TYPE_COUPON"]
    revenue_expense_type: str | None = None
    trade_type: str | None = None
    trade_id: str | None = None
    trade_time_begin: BeijingDate | None = None
    trade_time_end: BeijingDate | None = None
    coupon_id: str | None = None
    offset: int = 0
    limit: int = 10


async def list_customer_coupon_change_records(
    session: AsyncSession,
    principal: Principal,
    wanted: ListCustomerCouponChangeRecords,
    now: datetime,
) -> dict[str, Any]:
    """The newest first; the amounts of a coupon add up to its balance."""
    changes = _changes(principal.id).subquery()
    column = changes.c
    kinds = [
        kind
        for kind, (trade, direction, _) in TRADES.items()
        if wanted.trade_type in (None, trade) and wanted.revenue_expense_type in (None, direction)
    ]
    begin, end = days_or_last_year(wanted.trade_time_begin, wanted.trade_time_end, now)
    query = (
        select(*column)
        .where(column.kind.in_(kinds), column.at >= begin, column.at < end)
        .where(*equal({column.coupon_id: wanted.coupon_id}))
        .order_by(column.id.desc())
    )
    if wanted.trade_id is not None:
        query = query.where(_is_trade(column, wanted.trade_id))
    total, rows = await counted_page(session, query, wanted.limit, wanted.offset)
    customer = await session.get(Customer, principal.id)
    return {
        "total_count": total,
        "currency": CURRENCY_OF_SITE[principal.site],
        "records": [_record(row, customer) for row in rows],
    }


def _changes(customer_id: str) -> Select[Any]:
    """Each posting of the customer's coupons with the balance after it.

    A coupon is locked while it moves, so the numbers of its postings are its order.
    """
    of_ended = and_(Movement.operation_type == UNSUBSCRIBED, Coupon.status == EXPIRED)
    cleared = or_(Movement.operation_type == EXPIRY, of_ended)
    sent, back = Movement.kind == "transferred", Movement.kind == "retrieved"
    used = and_(Movement.kind == "redeemed", Movement.order_id.is_(None))
    out = Posting.amount < 0
    balance = func.sum(Posting.amount).over(partition_by=Posting.account_id, order_by=Posting.id)
    return (
        select(
            Posting.id, Posting.amount, balance.label("balance"), Coupon.id.label("coupon_id"),
            Movement.at, Movement.order_id, Movement.id.label("movement_id"),
            case(
                (cleared, CLEARED), (used, USED), (sent & out, HANDED), (sent, GOT),
                (back & out, GIVEN_BACK), (back, GOT_BACK), else_=Movement.kind,
            ).label("kind"),
        )
        .join(Movement, Movement.id == Posting.movement_id)
        .join(Coupon, Coupon.id == Posting.account_id)
        .where(Posting.account_kind == "coupon", Coupon.customer_id == customer_id)
        .where(Posting.amount != 0)  # a discount coupon holds no money
    )  # fmt: skip


def _is_trade(column: Any, trade_id: str) -> ColumnElement[bool]:
    """The order, in any case of its letters (H.14), else the movement."""
    by_movement = and_(column.order_id.is_(None), column.movement_id == trade_id)
    return or_(column.order_id == trade_id.upper(), by_movement)


def _record(row: Row[Any], customer: Customer | None) -> dict[str, Any]:
    _, direction, detail = TRADES[row.kind]
    return known(
        {
            "coupon_id": row.coupon_id,
            "trade_detail_type": detail,
            "trade_time": row.at,
            "trade_id": row.order_id or row.movement_id,
            "change_amount": f"{abs(row.amount):f}",
            "balance_after_change": f"{row.balance:f}",
            "revenue_expense_type": direction,
            "bill_cycle": cycle_of(row.at),
            "account_name": None if customer is None else customer.account_name,
        }
    )
