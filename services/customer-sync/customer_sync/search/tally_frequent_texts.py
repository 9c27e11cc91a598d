"""Keep tallies of texts that many of a partner's customers have in common (有限公司).

Of three characters and more; shorter ones are all tallied. Which ones are frequent is guessed from
a sample, again each turn: a wrong guess costs time, never a wrong count. From then on the text is
summed up like everything else (`merge_tallies`).
"""

from collections import defaultdict
from datetime import datetime

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.database import Database
from customer_sync.search.count_customers import ALONE, LONGER_TEXTS, merge_tallies
from customer_sync.search.fold_customers import FOLDED
from customer_sync.search.models import Tally

LOOK_EVERY_SECONDS = 300.0
_FREQUENT_MIN = 5_000  # customers; fewer are counted row by row within 50 ms
_TEXTS_MAX = 1_000  # of a partner: each costs when changes are summed up
_TEXTS_AT_ONCE = 25  # in one pass over the partner's customers
_TEXT_CHARACTERS_MAX = 24
_SAMPLE_CUSTOMERS = 5_000

_LONGER = text(LONGER_TEXTS)
_SIZES = text(
    "SELECT coalesce(sum(customers), 0) AS everybody, coalesce(max(customers), 0) AS largest"
    " FROM tallies WHERE counted = 'n'"
)
# Texts with a blank are left out: nobody can ask for them.
_GUESS = text(f"""
    SELECT partner_id, counted FROM (
        SELECT partner_id, mark || substr(value, start, size) AS counted, count(*) AS customers
        FROM customers TABLESAMPLE SYSTEM (:percent), LATERAL (VALUES
            ('A', {FOLDED["account_name"]}),
            ('C', {FOLDED["customer_name"]}), ('L', {FOLDED["label"]})
        ) AS texts (mark, value),
        generate_series(1, length(value) - 2) AS start,
        generate_series(3, least(length(value) - start + 1, :characters)) AS size
        WHERE association_status = 'associated' AND strpos(substr(value, start, size), ' ') = 0
        GROUP BY 1, 2 HAVING count(*) >= :least
    ) AS frequent
    WHERE NOT EXISTS (
        SELECT FROM tallies
        WHERE partner_id = frequent.partner_id AND counted = frequent.counted AND of_folded
    )
    ORDER BY customers DESC, partner_id, counted
""")
# What the table says less what waits to be summed up, in one statement: of one moment.
_COUNT = """
    SELECT max(distributor_id), {numbers} FROM (
        SELECT distributor_id, {account_name} AS account_name,
               {customer_name} AS customer_name, {label} AS label, 1 AS by
        FROM customers WHERE partner_id = :partner_id AND association_status = 'associated'
        UNION ALL
        SELECT distributor_id, account_name, customer_name, label, (-by)::integer
        FROM tally_changes WHERE partner_id = :partner_id
    ) AS everybody
"""
_COLUMNS = {"A": "account_name", "C": "customer_name", "L": "label"}


async def tally_frequent_texts(database: Database, now: datetime) -> None:
    """Schedule: drop what has become rare, keep what has become frequent, in bounded portions."""
    await merge_tallies(database, now)  # what waits would hide how frequent a text is
    async with database.transaction() as session:
        await session.execute(ALONE)
        rare = Tally.customers < _FREQUENT_MIN // 2
        await session.execute(delete(Tally).where(_LONGER, rare))
    async with database.transaction() as session:
        guessed = await _guess(session)
    for partner_id, texts in guessed.items():
        for first in range(0, len(texts), _TEXTS_AT_ONCE):
            async with database.transaction() as session:
                await _keep(session, partner_id, texts[first : first + _TEXTS_AT_ONCE])


async def _guess(session: AsyncSession) -> dict[str, list[str]]:
    """What seems frequent with which partner and is not kept, the most frequent first."""
    everybody, largest = (await session.execute(_SIZES)).one()
    if largest < _FREQUENT_MIN:
        return {}
    share = min(1.0, _SAMPLE_CUSTOMERS / float(everybody))
    sample = {"percent": 100 * share, "least": max(1, int(_FREQUENT_MIN * share))}
    guessed = defaultdict(list)
    told = sample | {"characters": _TEXT_CHARACTERS_MAX}
    for partner_id, counted in await session.execute(_GUESS, told):
        guessed[partner_id].append(counted)
    return guessed


async def _keep(session: AsyncSession, partner_id: str, texts: list[str]) -> None:
    """Count them and keep those that are frequent indeed; meanwhile nobody sums up."""
    await session.execute(ALONE)
    found = await session.scalars(
        select(Tally.counted).where(Tally.partner_id == partner_id, _LONGER, Tally.of_folded)
    )
    kept = set(found)  # another replica may have been quicker
    room = max(0, _TEXTS_MAX - len(kept))
    new = [counted for counted in texts if counted not in kept][:room]
    if not new:
        return
    numbers = ", ".join(
        f"sum(by) FILTER (WHERE strpos({_COLUMNS[counted[0]]}, :text_{number}) > 0)"
        for number, counted in enumerate(new)
    )
    told = {f"text_{number}": counted[1:] for number, counted in enumerate(new)}
    counting = text(_COUNT.format(numbers=numbers, **FOLDED))
    distributor_id, *counts = (
        await session.execute(counting, {"partner_id": partner_id, **told})
    ).one()
    frequent = [
        {
            "partner_id": partner_id, "distributor_id": distributor_id,
            "counted": counted, "customers": customers, "of_folded": True,
        }
        for counted, customers in zip(new, counts, strict=True)
        if customers and customers >= _FREQUENT_MIN
    ]  # fmt: skip
    if frequent:
        kept_again = insert(Tally)
        told_now = {name: kept_again.excluded[name] for name in ("customers", "of_folded")}
        key = [Tally.partner_id, Tally.counted]
        await session.execute(
            kept_again.on_conflict_do_update(index_elements=key, set_=told_now), frequent
        )
