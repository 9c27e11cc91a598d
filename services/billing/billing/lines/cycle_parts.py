"""The parts of the table of bill lines, one for each cycle, made before the cycle begins.

A line is never refused for want of a part: `bill_lines_other` takes what no part is for, and a
cycle of which it holds lines stays there.
"""

from datetime import datetime

from sqlalchemy import text

from chassis.database import Database
from chassis.logs import get_logger
from wire.times import cycle_bounds, cycle_of

log = get_logger(__name__)

CYCLES_AHEAD = 3  # whose parts are there before they begin
LOCK_SECONDS_MAX = 2  # so long may writers wait behind the one that adds a part
MAKE_PARTS_SECONDS = 3600

_ONE_MAKER = text("SELECT pg_advisory_xact_lock(hashtext('billing.cycle_parts'))")
_WAIT_SHORTLY = text(f"SET LOCAL lock_timeout = '{LOCK_SECONDS_MAX}s'")
# The first part reaches from the beginning to where the parts of single cycles begin.
_HAS_PLACE = text(r"""
    SELECT to_regclass(:part) IS NOT NULL
        OR :cycle < (
            SELECT substring(pg_get_expr(relpartbound, oid) FROM 'TO \(''(.*)''\)')
            FROM pg_class WHERE oid = 'bill_lines_first'::regclass)
        OR EXISTS (SELECT FROM bill_lines_other WHERE bill_cycle = :cycle)
""")


async def make_cycle_parts(database: Database, now: datetime) -> None:
    """Schedule. The parts of the present cycle and of those ahead, a transaction for each."""
    cycle = cycle_of(now)
    for _ in range(CYCLES_AHEAD + 1):
        following = cycle_of(cycle_bounds(cycle)[1])
        await _make_part(database, cycle, following)
        cycle = following


async def _make_part(database: Database, cycle: str, following: str) -> None:
    """Attached and not created in place: that would keep all readers out meanwhile."""
    part = f"bill_lines_{cycle.replace('-', '_')}"
    async with database.transaction() as session:
        await session.execute(_WAIT_SHORTLY)
        await session.execute(_ONE_MAKER)
        if await session.scalar(_HAS_PLACE, {"part": part, "cycle": cycle}):
            return
        await session.execute(
            text(
                f"CREATE TABLE {part}"
                " (LIKE bill_lines INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)"
            )
        )
        await session.execute(
            text(
                f"ALTER TABLE bill_lines ATTACH PARTITION {part}"
                f" FOR VALUES FROM ('{cycle}') TO ('{following}')"
            )
        )
    log.info("bill lines have a part for another cycle", cycle=cycle)
