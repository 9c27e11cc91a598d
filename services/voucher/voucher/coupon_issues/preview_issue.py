"""What a job of issues would do, by the rules that it will be judged by; nothing is written."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import RefusedError
from chassis.identity import Principal
from voucher.coupon_issues.items_wanted import IssueCoupons, ItemWanted
from voucher.coupon_issues.judge_items import ItemsJudge
from voucher.coupon_issues.read_csv import BrokenRow
from voucher.coupon_issues.start_issue import find_issued_from, rows_of
from voucher.find_customers import known_customers

ITEMS_AT_ONCE = 1000  # customers are looked up for so many together


@dataclass(frozen=True, slots=True)
class Preview:
    """What would become of the items, one after another, as of now."""

    quota_id: str
    currency: str
    total: int
    succeeded: int
    refused: Mapping[str, int]  # by code
    quota_balance: Decimal  # what the quota would be left with


async def preview_issue(
    session: AsyncSession, principal: Principal, wanted: IssueCoupons, now: datetime
) -> Preview:
    """Judge each item as its own command would be; raises as `start_issue`."""
    rows = rows_of(wanted)
    quota = await find_issued_from(session, principal, wanted, rows)
    session.expunge(quota)  # what is taken from it here is taken from nothing
    is_reseller = quota.partner_id != principal.partner_id
    judge = ItemsJudge(quota, quota.partner_id, now, is_reseller=is_reseller)
    refused: Counter[str] = Counter()
    for begin in range(0, len(rows), ITEMS_AT_ONCE):
        portion = rows[begin : begin + ITEMS_AT_ONCE]
        ids = list({one.customer_id for one in portion if isinstance(one, ItemWanted)})
        customers = await known_customers(session, ids)
        await judge.count(session, ids)
        for item in portion:
            try:
                if isinstance(item, BrokenRow):
                    raise item.refusal
                judge.take(item, judge.admit(item, customers), customers)
            except RefusedError as refusal:
                refused[refusal.refusal_code] += 1
        session.expunge_all()
    return Preview(
        quota_id=quota.id,
        currency=quota.currency,
        total=len(rows),
        succeeded=len(rows) - refused.total(),
        refused=refused,
        quota_balance=quota.balance,
    )
