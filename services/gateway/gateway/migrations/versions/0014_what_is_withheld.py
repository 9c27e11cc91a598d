"""What an answer from the read model says of itself: until when, and what it does not hold.

Requests reach neither positions nor parked events. A function tells them one instant; a view tells
them whose events wait, and nothing of what is in them, with the second wall as its condition.
"""

from alembic import op

from chassis.database import REQUEST_ROLE

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# A topic is named after its stream, behind a prefix.
_HEARD_UNTIL = """
CREATE FUNCTION read_model_heard_until(streams text[]) RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT CASE WHEN bool_and(heard.until IS NOT NULL) THEN min(heard.until) END
    FROM unnest(streams) AS asked (stream)
    LEFT JOIN LATERAL (
        SELECT CASE WHEN count(*) = count(p.heard_until) THEN min(p.heard_until) END AS until
        FROM consumer_positions AS p
        WHERE p.consumer = 'gateway_portfolio'
          AND right(p.topic, length(asked.stream)) = asked.stream
    ) AS heard ON true
$$
"""
_TENANT = "(SELECT current_setting('channelbus.partner_id', true))"
_TENANT_OF_ALL = f"CASE {_TENANT} WHEN '*' THEN '*' END"
# A customer that changes hands is stale for both: by its row, and by the event that waits.
_WITHHELD = f"""
CREATE VIEW withheld_events AS
SELECT e.stream, e.key, e.event_type, coalesce(e.sent_at, e.parked_at) AS since,
       coalesce(e.headers ->> 'ce_restated', '') = 'true' AS is_restated,
       coalesce(e.partner_id, c.partner_id) AS partner_id,
       coalesce(e.distributor_id, c.distributor_id) AS distributor_id,
       c.partner_id AS known_partner_id, c.distributor_id AS known_distributor_id
FROM parked_events AS e
LEFT JOIN portfolio_customers AS c ON c.customer_id = e.key AND c.version > 0
WHERE e.consumer = 'gateway_portfolio' AND e.state = 'waiting'
  AND {_TENANT} = ANY (
      ARRAY[e.partner_id, e.distributor_id, c.partner_id, c.distributor_id, {_TENANT_OF_ALL}])
"""


def upgrade() -> None:
    """Go forward."""
    op.execute(_HEARD_UNTIL)
    op.execute("REVOKE EXECUTE ON FUNCTION read_model_heard_until FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION read_model_heard_until TO {REQUEST_ROLE}")
    op.execute(_WITHHELD)
    op.execute(f"GRANT SELECT ON withheld_events TO {REQUEST_ROLE}")
