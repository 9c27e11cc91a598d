"""Sum up what triggers appended: one row for each kind of coupon or record that a partner has."""

from datetime import datetime

from sqlalchemy import delete, text

from chassis.database import Database
from voucher.tallies.models import Tally

EVERY_SECONDS = 5.0
_ROWS_MAX = 1_000  # of one transaction
_TURNS_MAX = 200

_CELL = "partner_id, distributor_id, counted, status, made_on, gone_on"
_MERGE = text(f"""
    WITH taken AS (
        DELETE FROM tally_changes WHERE id IN (
            SELECT id FROM tally_changes ORDER BY id LIMIT :rows FOR UPDATE SKIP LOCKED
        ) RETURNING *
    ), merged AS (
        INSERT INTO tallies ({_CELL}, number)
        SELECT {_CELL}, sum(by) FROM taken GROUP BY {_CELL} HAVING sum(by) <> 0
        ORDER BY {_CELL} -- one order for all, so that no two merges wait crosswise
        ON CONFLICT ({_CELL}) DO UPDATE SET number = tallies.number + excluded.number
    ) SELECT count(*) FROM taken
""")
_FORGET_EMPTY = delete(Tally).where(Tally.number == 0)

# All of them, from the tables themselves: when tallies begin, and after a load past the triggers.
FILL_TALLIES = f"""
INSERT INTO tallies ({_CELL}, number)
SELECT partner_id, coalesce(distributor_id, ''), 'coupon', status,
       (created_at AT TIME ZONE 'UTC')::date,
       (least(ended_at, expire_at) AT TIME ZONE 'UTC')::date, count(*)
FROM coupons WHERE quota_id IS NOT NULL GROUP BY 1, 2, 4, 5, 6
UNION ALL
SELECT partner_id, coalesce(distributor_id, ''), 'record',
       CASE result WHEN '0' THEN 0 ELSE -1 END,
       (at AT TIME ZONE 'UTC')::date, 'infinity', count(*)
FROM coupon_records GROUP BY 1, 2, 4, 5
"""


async def merge_tallies(database: Database, _now: datetime) -> None:
    """Schedule, in bounded portions; a status that nothing has any more is forgotten."""
    for _ in range(_TURNS_MAX):
        async with database.transaction() as session:
            merged = await session.scalar(_MERGE, {"rows": _ROWS_MAX})
            if not merged:
                return
            await session.execute(_FORGET_EMPTY)
        if merged < _ROWS_MAX:
            return
