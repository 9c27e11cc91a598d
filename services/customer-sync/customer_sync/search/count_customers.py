"""How many associated customers a partner has, kept so that nobody counts a million rows.

Tallies are kept by the triggers of the table `customers` (migrations 0007, 0011 and 0019), which
append who changed; a count is what was summed up and what was appended since.
"""

from datetime import UTC, datetime, time, timedelta
from typing import Any

from sqlalchemy import text

from chassis.database import Database

MERGE_EVERY_SECONDS = 5.0
_MERGE_ROWS_MAX = 1_000  # of one transaction
_MERGES_MAX = 200  # of one turn
_NEVER = datetime(
    9999, 12, 30, tzinfo=UTC
)  # nobody is associated from here on; the last day is near

_TALLIED = """
    SELECT coalesce((SELECT sum(customers) FROM tallies WHERE partner_id = $1 AND {0}), 0)
         + coalesce((SELECT sum(by) FROM tally_changes WHERE partner_id = $1 AND {1}), 0)
"""
_ALL = _TALLIED.format("counted = 'n'", "TRUE")
_OF_TYPE = _TALLIED.format("counted = 't' || $2", "association_type = $2")
_WITH_GRAM = _TALLIED.format("counted = $2", "grams @> ARRAY[$2]")
# None where nobody keeps the text. `{}` is its column.
_WITH_TEXT = """
    SELECT customers + coalesce((
        SELECT sum(waiting.by) FROM tally_changes AS waiting
        WHERE waiting.partner_id = $1 AND strpos(waiting.{0}, $3) > 0
    ), 0)
    FROM tallies
    WHERE partner_id = $1 AND counted = $2::text || $3 AND of_folded
"""
_IN_DAYS = _TALLIED.format(
    "counted >= 'd' || coalesce($2::date::text, '')"
    " AND counted < 'd' || coalesce($3::date::text, '~')"
    " AND ($4::text IS NULL OR split_part(counted, '/', 2) = $4)",
    "($2::date IS NULL OR associated_day >= $2) AND ($3::date IS NULL OR associated_day < $3)"
    " AND ($4::text IS NULL OR association_type = $4)",
)
_EXACTLY = """
    SELECT count(*) FROM visible_customers
    WHERE partner_id = $1 AND association_status = 'associated'
      AND associated_on >= $2 AND associated_on < $3
      AND ($4::text IS NULL OR association_type = $4)
"""
# What a customer counts for: everybody (n), its type (t), its day and type (d), its names' and
# label's characters and pairs of them (a, c and l, as `grams` has them). Longer texts (A, C and L)
# are counted where they are frequent: those that have a tally (tally_frequent_texts.py).
_COUNTS_FOR = (
    "grams || ARRAY['n', 't' || association_type, 'd' || {day}::text || '/' || association_type]"
)
LONGER_TEXTS = "counted >= 'A' AND counted < 'M'"
# Who begins or ends to keep a text does it while nobody sums up: else one who does not know the
# text would take changes away that it should count. In a statement before, since the next one's
# snapshot must know what was kept meanwhile.
_BESIDE_OTHERS = text("SELECT pg_advisory_xact_lock_shared(hashtext('customer_sync.tallies'))")
ALONE = text("SELECT pg_advisory_xact_lock(hashtext('customer_sync.tallies'))")
# Longer texts are met by their first pair: trying each of a thousand cost twice as much.
_MERGE = text(f"""
    WITH taken AS (
        DELETE FROM tally_changes WHERE number IN (
            SELECT number FROM tally_changes ORDER BY number LIMIT :rows FOR UPDATE SKIP LOCKED
        ) RETURNING *
    ), counting AS (
        SELECT partner_id, distributor_id, counted, by
        FROM taken, unnest({_COUNTS_FOR.format(day="associated_day")}) AS counted
        UNION ALL
        SELECT taken.partner_id, taken.distributor_id, counted, by
        FROM taken, unnest(grams) AS gram, (
            SELECT partner_id, counted, left(counted, 1) AS mark, substr(counted, 2) AS value,
                   lower(left(counted, 1)) || substr(counted, 2, 2) AS first_pair
            FROM tallies
            WHERE partner_id IN (SELECT partner_id FROM taken) AND {LONGER_TEXTS}
        ) AS longer
        WHERE longer.partner_id = taken.partner_id AND first_pair = gram AND strpos(
            CASE mark WHEN 'A' THEN account_name WHEN 'C' THEN customer_name ELSE label END, value
        ) > 0
    ), merged AS (
        INSERT INTO tallies (partner_id, distributor_id, counted, customers)
        SELECT partner_id, max(distributor_id), counted, sum(by)
        FROM counting
        GROUP BY partner_id, counted HAVING sum(by) <> 0
        ORDER BY partner_id, counted -- one order for all, so that no two merges wait crosswise
        ON CONFLICT (partner_id, counted)
        DO UPDATE SET customers = tallies.customers + excluded.customers
    ) SELECT count(*) FROM taken
""")
# All of them, from the table itself: when tallies begin, and after a load past the triggers.
FILL_TALLIES = f"""
INSERT INTO tallies (partner_id, distributor_id, counted, customers)
SELECT partner_id, max(distributor_id), counted, count(*)
FROM customers, unnest(
    {_COUNTS_FOR.format(day="(associated_on AT TIME ZONE 'UTC')::date")}
) AS counted
WHERE association_status = 'associated' GROUP BY partner_id, counted
"""


async def count_associated(connection: Any, partner_id: str, association_type: str | None) -> int:
    """The partner's associated customers, of one type or of all."""
    if association_type is None:
        return int(await connection.fetchval(_ALL, partner_id))
    return int(await connection.fetchval(_OF_TYPE, partner_id, association_type))


async def count_with_gram(connection: Any, partner_id: str, mark: str, value: str) -> int:
    """Those in whose marked text (`grams`) a folded character or pair of characters stands."""
    return int(await connection.fetchval(_WITH_GRAM, partner_id, mark + value))


async def count_with_text(
    connection: Any, partner_id: str, column: str, mark: str, value: str
) -> int | None:
    """Those in whose column a longer, folded text stands; None where it is too rare to keep."""
    asked = _WITH_TEXT.format(column)
    found = await connection.fetchval(asked, partner_id, mark.upper(), value)
    return None if found is None else int(found)


async def count_associated_between(
    connection: Any,
    partner_id: str,
    begin: datetime | None,
    end: datetime | None,
    association_type: str | None,
) -> int:
    """Those associated from `begin` to `end`, both ends included, to the second.

    Whole days (UTC) are tallied; what lies in the days at the ends is counted row by row.
    """
    if begin is not None and begin >= _NEVER:
        return 0
    if end is not None and end >= _NEVER:
        end = None
    past = None if end is None else end + timedelta(seconds=1)
    first_day = None if begin is None else _midnight_from(begin)
    past_day = None if past is None else _midnight_to(past)
    if first_day and past_day and first_day >= past_day:
        assert begin
        return int(await connection.fetchval(_EXACTLY, partner_id, begin, past, association_type))
    days = [midnight and midnight.date() for midnight in (first_day, past_day)]
    found = int(await connection.fetchval(_IN_DAYS, partner_id, *days, association_type))
    for edge in ((begin, first_day), (past_day, past)):
        if edge[0] is not None and edge[0] != edge[1]:
            found += int(await connection.fetchval(_EXACTLY, partner_id, *edge, association_type))
    return found


def _midnight_to(at: datetime) -> datetime:
    """The midnight at or before."""
    return datetime.combine(at.astimezone(UTC).date(), time(), UTC)


def _midnight_from(at: datetime) -> datetime:
    """The midnight at or after."""
    before = _midnight_to(at)
    return before if before == at else before + timedelta(days=1)


async def merge_tallies(database: Database, _now: datetime) -> None:
    """Schedule: sum up what the triggers appended, in bounded portions."""
    for _ in range(_MERGES_MAX):
        async with database.transaction() as session:
            await session.execute(_BESIDE_OTHERS)
            merged = await session.scalar(_MERGE, {"rows": _MERGE_ROWS_MAX})
        if not merged or merged < _MERGE_ROWS_MAX:
            return
