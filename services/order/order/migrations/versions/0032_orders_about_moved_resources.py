"""Which orders are under way about resources, and how many of the ten a customer has used.

Of whatever partner the orders are: resources follow their customer, orders do not (decision 0157).
"""

from alembic import op

from chassis.database import REQUEST_ROLE

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

# Bus work and schedules have no tenant, and are bound by none.
_TENANT = "coalesce(nullif(current_setting('channelbus.partner_id', true), ''), '*')"
_SEEN = "({tenant} IN ('*', {row}.partner_id) OR {tenant} = {row}.distributor_id)"
_UNDER_WAY = f"""
CREATE OR REPLACE FUNCTION orders_under_way(named text[]) RETURNS TABLE (
    resource_id text, status integer
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT line.resource_id, orders.status
    FROM order_lines AS line JOIN orders USING (order_id)
    WHERE line.resource_id = ANY (named) AND orders.status IN (1, 3, 6, 9) AND (
        {_SEEN.format(tenant=_TENANT, row="orders")}
        OR EXISTS (
            SELECT FROM resources AS seen WHERE seen.resource_id = line.resource_id
                AND {_SEEN.format(tenant=_TENANT, row="seen")}
        )
    )
$$
"""
_COUNTED = f"""
CREATE OR REPLACE FUNCTION counted_unsubscriptions(of_customer text, since timestamptz)
RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT count(*) FROM refunds
    WHERE customer_id = of_customer AND counts AND at >= since AND EXISTS (
        SELECT FROM customers AS seen WHERE seen.customer_id = of_customer
            AND {_SEEN.format(tenant=_TENANT, row="seen")}
    )
$$
"""


def upgrade() -> None:
    """Go forward."""
    for function, statement in (
        ("orders_under_way(text[])", _UNDER_WAY),
        ("counted_unsubscriptions(text, timestamptz)", _COUNTED),
    ):
        op.execute(statement)
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO {REQUEST_ROLE}")
