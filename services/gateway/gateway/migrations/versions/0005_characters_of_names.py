"""Single characters of the names beside their pairs, so that a search of one is indexed, too.

The characters are those of the pairs, which are folded already. A name that has no pair is taken
as it is.
"""

from alembic import op

revision = "0005"
down_revision = "0004"

_INDEX = "portfolio_customers_names"
ADD_CHARACTERS = """
UPDATE portfolio_customers SET names = ARRAY(
    SELECT gram FROM (
        SELECT unnest(names)
        UNION ALL SELECT left(pair, 1) FROM unnest(names) AS pair
        UNION ALL SELECT right(pair, 1) FROM unnest(names) AS pair
        UNION ALL SELECT lower(name) FROM unnest(ARRAY[account_name, customer_name]) AS name
        WHERE length(name) = 1
    ) AS found (gram) GROUP BY gram ORDER BY gram COLLATE "C"
)
WHERE version > 0
"""


def upgrade() -> None:
    """Go forward; the index is made once at the end, not row by row."""
    op.drop_index(_INDEX, "portfolio_customers")
    op.execute(ADD_CHARACTERS)
    op.create_index(_INDEX, "portfolio_customers", ["names"], postgresql_using="gin")
