"""Indexes of tables that may be large: built and dropped while others read and write.

Plain `CREATE INDEX` keeps all writers out until it is done: some seconds for a million rows, and
before that as long as the oldest transaction on the table lives.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import text

_IS_WHOLE = text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")


def build_index(op: Any, name: str, on: str) -> None:
    """Build an index unless it is there; `on` is its table with columns and all that follows.

    What the version did before is committed first: it must bear to be done again. A run that was
    killed leaves half an index, which nobody uses; it is built again.
    """
    with _beside_others(op):
        is_whole = op.get_bind().scalar(_IS_WHOLE, {"name": name})
        if is_whole is False:
            op.execute(f"DROP INDEX CONCURRENTLY {name}")
        if not is_whole:
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {on}")


def drop_index(op: Any, name: str) -> None:
    """Drop an index when it is there; what the version did before is committed first."""
    with _beside_others(op):
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


@contextmanager
def _beside_others(op: Any) -> Iterator[None]:
    """Wait for older transactions as long as they live; newer ones pass meanwhile."""
    with op.get_context().autocommit_block():
        waited = op.get_bind().scalar(text("SHOW lock_timeout"))
        op.execute("SET lock_timeout = 0")
        try:
            yield
        finally:
            op.execute(f"SET lock_timeout = '{waited}'")
