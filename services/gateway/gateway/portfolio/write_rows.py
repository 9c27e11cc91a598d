"""Write the read model's rows; who writes holds one lock until its commit.

Every row says when an event last told of it (`seen_at`): so a rebuild finds what nobody told again.
"""

from typing import Any

from sqlalchemy import RowMapping, Table, func, or_, select
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.rebuild import count_change
from chassis.tables import Rebuild
from gateway.portfolio.models import PortfolioTables

Rows = list[dict[str, Any]]

# Positions of the feed must become visible in their order, so there is one writer at a time.
_ONE_WRITER = select(func.pg_advisory_xact_lock(func.hashtext("gateway.event_feed")))
_SAYS_WHEN = frozenset({"as_of", "seen_at"})  # when, not what


async def only_writer(session: AsyncSession) -> None:
    """Nobody else writes the read model until this transaction has ended."""
    await session.execute(_ONE_WRITER)


async def insert_new(session: AsyncSession, target: type[PortfolioTables], rows: Rows) -> None:
    """Insert what is not there yet; leave the rest alone."""
    if rows:
        await session.execute(insert(_table(target)).on_conflict_do_nothing(), rows)


async def keep_rows(
    session: AsyncSession, target: type[PortfolioTables], rows: Rows, rebuild: Rebuild | None
) -> None:
    """Upsert the newest version of each row, unless the row is newer.

    While a rebuild runs, a row that was not seen since it began is overwritten although its version
    is newer: a wrong version would hide the fact, and a right one is about to be stated again.
    """
    if rows:
        table = _table(target)
        statement = insert(table)
        may = table.c.version <= statement.excluded.version
        if rebuild is not None:
            may = or_(may, table.c.seen_at < rebuild.began_at)
        statement = statement.on_conflict_do_update(where=may, **_changes(table, statement, rows))
        await session.execute(statement, _newest(table, rows))


async def mend_rows(
    session: AsyncSession, target: type[PortfolioTables], rows: Rows, rebuild: Rebuild | None
) -> set[str]:
    """Upsert rows that their owner stated again; the customers that they belonged to by mistake.

    An equal version is written again, and what differs is counted as mended. A newer row stays if
    it was seen since the rebuild began: that fact came after the owner looked. Else its version is
    wrong, since no version is ahead of its owner.
    """
    if not rows:
        return set()
    table = _table(target)
    key = _key(table)
    told = {row[key]: row for row in _newest(table, rows)}
    found = await session.execute(select(table).where(table.c[key].in_(list(told))))
    known = {row[key]: row for row in found.mappings()}
    wanted = [row for name, row in told.items() if _is_due(known.get(name), row, rebuild)]
    if wanted:
        statement = insert(table)
        changes = _changes(table, statement, wanted)
        await session.execute(statement.on_conflict_do_update(**changes), wanted)
    wrong = [
        known[row[key]]
        for row in wanted
        if row[key] in known and known[row[key]]["version"] > 0 and _differs(known[row[key]], row)
    ]
    if rebuild is not None:
        there = sum(1 for row in wanted if row[key] in known and known[row[key]]["version"] > 0)
        count_change(rebuild, table.name, "added", len(wanted) - there)
        count_change(rebuild, table.name, "mended", len(wrong))
    return {row["customer_id"] for row in wrong}


def _is_due(known: RowMapping | None, row: dict[str, Any], rebuild: Rebuild | None) -> bool:
    if known is None or known["version"] <= row["version"]:
        return True
    return rebuild is not None and bool(known["seen_at"] < rebuild.began_at)


def _differs(known: RowMapping, row: dict[str, Any]) -> bool:
    return any(known[name] != value for name, value in row.items() if name not in _SAYS_WHEN)


def _newest(table: Table, rows: Rows) -> Rows:
    """One row per key, in the keys' order."""
    key = _key(table)
    newest: dict[str, dict[str, Any]] = {}
    for row in rows:
        known = newest.get(row[key])
        if known is None or row["version"] >= known["version"]:
            newest[row[key]] = row
    return [newest[name] for name in sorted(newest)]


def _changes(table: Table, statement: Insert, rows: Rows) -> dict[str, Any]:
    key = _key(table)
    written = {name: statement.excluded[name] for name in rows[0] if name != key}
    return {"index_elements": [key], "set_": {**written, "seen_at": func.now()}}


def _key(table: Table) -> str:
    (column,) = table.primary_key
    return column.name


def _table(target: type[PortfolioTables]) -> Table:
    table = target.__table__
    assert isinstance(table, Table)
    return table
