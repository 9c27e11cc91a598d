"""A role administrator may all by its role: the items that were written in beside it go.

What the platform's administrator gave it for the ops console stays.
"""

from alembic import op

revision = "0002"
down_revision = "0001"

_ROLES_ALONE = """
UPDATE operators SET permissions = coalesce((
    SELECT jsonb_agg(item ORDER BY item) FROM jsonb_array_elements_text(permissions::jsonb) AS item
    WHERE item LIKE 'CHB_ITEM_OPS_%'
), '[]'::jsonb) WHERE role = 'administrator'
"""


def upgrade() -> None:
    """Go forward; a partner has few operators, so one statement does it."""
    op.execute(_ROLES_ALONE)
