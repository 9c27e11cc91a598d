"""What was bought, and what changes gave back, of periods that followed their customer.

Orders and refunds stay with the partner under which they were made (docs/domain/orders.md H.15),
behind the tenant's policy; whoever sees a period is told what it needs of them to handle it.
"""

from alembic import op

from chassis.database import REQUEST_ROLE

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

# Bus work and schedules have no tenant, and are bound by none.
_TENANT = "coalesce(nullif(current_setting('channelbus.partner_id', true), ''), '*')"
_SEEN = f"""(SELECT period_id, line_id FROM resource_periods
        WHERE period_id = ANY (periods) AND ({_TENANT} IN ('*', partner_id)
            OR {_TENANT} = distributor_id))"""
_BOUGHT = f"""
CREATE OR REPLACE FUNCTION bought_of_periods(periods text[]) RETURNS TABLE (
    period_id text, period_type integer, period_num integer, extra_days integer,
    paid numeric, taken_off numeric
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT seen.period_id, line.period_type, line.period_num, line.extra_days,
        line.amount_after_discount, line.granted_discount_amount + line.coupon_discount_amount
    FROM {_SEEN} AS seen JOIN order_lines AS line USING (line_id)
$$
"""
_REDUCED = f"""
CREATE OR REPLACE FUNCTION reductions_of_periods(periods text[]) RETURNS TABLE (
    period_id text, at timestamptz, coupon_amount numeric, flexipurchase_coupon_amount numeric,
    stored_card_amount numeric, cash_amount numeric, credit_amount numeric
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT refund.period_id, refund.at, refund.coupon_amount, refund.flexipurchase_coupon_amount,
        refund.stored_card_amount, refund.cash_amount, refund.credit_amount
    FROM {_SEEN} AS seen JOIN refunds AS refund USING (period_id)
    WHERE refund.rule = 'changed' ORDER BY refund.at, refund.refund_id
$$
"""


def upgrade() -> None:
    """Go forward."""
    for name, statement in (("bought_of_periods", _BOUGHT), ("reductions_of_periods", _REDUCED)):
        op.execute(statement)
        op.execute(f"REVOKE ALL ON FUNCTION {name}(text[]) FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {name}(text[]) TO {REQUEST_ROLE}")
