"""The decisions of people are found in the audit log without a walk through it."""

from alembic import op

from chassis.build_indexes import build_index

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    build_index(
        op,
        "audit_log_decisions",
        "audit_log (id) WHERE action IN ('parked_event.edit', 'parked_event.replayed',"
        " 'parked_event.skipped', 'parked_event.replay_all', 'position.accept',"
        " 'position.step_over')",
    )
