"""Indexes of tables that may be large: built and dropped while others read and write.

Plain `CREATE INDEX` keeps all writers out until it is done: some seconds for a million rows, and
before that as long as the oldest transaction on the table lives.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import text

_IS_WHOLE = text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")

_PARTS_WITHOUT = text("""
    SELECT c.relname FROM pg_index i JOIN pg_inherits h ON h.inhparent = i.indrelid
    JOIN pg_class c ON c.oid = h.inhrelid
    WHERE i.indexrelid = to_regclass(:name) AND NOT EXISTS (
        SELECT FROM pg_inherits own JOIN pg_index of_part ON of_part.indexrelid = own.inhrelid
        WHERE own.inhparent = i.indexrelid AND of_part.indrelid = c.oid)
    ORDER BY 1
""")


def build_index(op: Any, name: str, on: str, *, unique: bool = False) -> None:
    """Build an index unless it is there; `on` is its table with columns and all that follows.

    What the version did before is committed first: it must bear to be done again. A run that was
    killed leaves half an index, which nobody uses; it is built again.
    """
    with _beside_others(op):
        is_whole = op.get_bind().scalar(_IS_WHOLE, {"name": name})
        if is_whole is False:
            op.execute(f"DROP INDEX CONCURRENTLY {name}")
        if not is_whole:
            kind = "UNIQUE INDEX" if unique else "INDEX"
            op.execute(f"CREATE {kind} CONCURRENTLY {name} ON {on}")


def build_index_of_parts(op: Any, name: str, table: str, columns: str) -> None:
    """Build an index of a partitioned table: part by part, each as `build_index` does.

    A part that is made meanwhile gets its own with the part.
    """
    with _beside_others(op):
        op.execute(f"CREATE INDEX IF NOT EXISTS {name} ON ONLY {table} {columns}")
    waiting = [row[0] for row in op.get_bind().execute(_PARTS_WITHOUT, {"name": name})]
    for part in waiting:
        build_index(op, f"{part}_{name}", f"{part} {columns}")
        op.execute(f"ALTER INDEX {name} ATTACH PARTITION {part}_{name}")


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
