"""Moves of business time, and their steps."""

from alembic import op

revision = "0019"
down_revision = "0018"

_MOVES = """
CREATE TABLE clock_moves (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    is_open BOOLEAN,
    from_at TIMESTAMP WITH TIME ZONE NOT NULL,
    to_at TIMESTAMP WITH TIME ZONE NOT NULL,
    reached TIMESTAMP WITH TIME ZONE NOT NULL,
    ahead INTERVAL,
    asked_by TEXT NOT NULL,
    asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
    held_until TIMESTAMP WITH TIME ZONE,
    problem TEXT,
    finished_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id),
    UNIQUE (is_open)
)
"""
_STEPS = """
CREATE TABLE clock_steps (
    move_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    ran JSONB NOT NULL,
    events_after BIGINT NOT NULL,
    events JSONB NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (move_id, number),
    FOREIGN KEY (move_id) REFERENCES clock_moves (id)
)
"""


def upgrade() -> None:
    """Go forward."""
    op.execute(_MOVES)
    op.execute(_STEPS)
