"""On a customer stands what a page shows at once: sums over its other rows, written again."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_SUMMARISE = text("""
    UPDATE portfolio_customers AS c SET
        orders_by_status = coalesce((
            SELECT jsonb_agg(jsonb_build_object('status', o.status, 'orders', o.orders,
                                                'amount', o.amount) ORDER BY o.status)
            FROM (SELECT status, count(*) AS orders, sum(amount_after_discount) AS amount
                  FROM portfolio_orders WHERE customer_id = c.customer_id GROUP BY status) AS o
        ), '[]'),
        balances = coalesce((
            SELECT jsonb_agg(jsonb_build_object(
                'account_type', a.account_type, 'currency', a.currency,
                'balance', a.balance, 'held', a.held,
                'credit_amount', a.credit_amount) ORDER BY a.account_type, a.account_id)
            FROM portfolio_accounts AS a WHERE a.customer_id = c.customer_id
        ), '[]'),
        coupons_by_type = coalesce((
            SELECT jsonb_agg(jsonb_build_object(
                'coupon_type', v.coupon_type, 'usable', v.usable, 'balance', v.balance,
                'reserved_amount', v.reserved) ORDER BY v.coupon_type)
            FROM (SELECT coupon_type, count(*) AS usable, sum(balance) AS balance,
                         sum(reserved_amount) AS reserved
                  FROM portfolio_coupons
                  WHERE customer_id = c.customer_id AND status = 2 GROUP BY coupon_type) AS v
        ), '[]'),
        debt_amount = coalesce((
            SELECT debt_amount FROM portfolio_debts WHERE customer_id = c.customer_id
        ), 0),
        consumption_cycle = m.bill_cycle,
        consumption_amount = coalesce(m.amount, 0),
        as_of = greatest(c.as_of, t.as_of)
    FROM unnest(cast(:customers AS text[]), cast(:as_of AS timestamptz[])) AS t(customer_id, as_of)
    LEFT JOIN LATERAL (
        SELECT bill_cycle, sum(payment_amount) AS amount FROM portfolio_lines
        WHERE customer_id = t.customer_id
        GROUP BY bill_cycle ORDER BY bill_cycle DESC LIMIT 1
    ) AS m ON true
    WHERE c.customer_id = t.customer_id
""")


async def summarise_customers(
    session: AsyncSession, touched: Mapping[str, datetime | None]
) -> None:
    """Sum up each customer; its `as_of` is at least the instant given, if one is."""
    if touched:
        names = sorted(touched)
        as_of = [touched[name] for name in names]
        await session.execute(_SUMMARISE, {"customers": names, "as_of": as_of})
