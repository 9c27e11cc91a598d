"""A rebuild of the read model: what is mended, what stays, what is a ghost, and what is counted."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import TextClause, func, select, text, update

from chassis.database import Database
from chassis.settings import ServiceSettings
from chassis.tables import ParkedKey, Rebuild
from contracts.event import Event
from gateway.portfolio import finish_rebuild as finishing
from gateway.portfolio.finish_rebuild import TABLES, finish_rebuild
from gateway.portfolio.models import CustomerRow, FeedRow, LineRow, OrderRow, PortfolioTables
from gateway.portfolio.project_events import project_events
from testkit.databases import ServiceDatabase, service_database
from tests.gateway.portfolio_builders import coupon, customer, funds, line, order, resource

pytestmark = pytest.mark.postgres

rebuilt_database = service_database("gateway")
STATED = [
    customer(), customer("c2"), order("o1"), order("o2", "c2"), funds("60.00", 3), coupon("cp1"),
    line("l1", "7.00"), line("l2", "8.00"), resource("r1", 30),
]  # fmt: skip


@pytest.fixture
async def database(rebuilt_database: ServiceDatabase) -> AsyncIterator[Database]:
    found = Database(rebuilt_database.settings(ServiceSettings), "gateway")
    yield found
    await found.close()


async def hear(database: Database, events: Sequence[Event], *, anew: bool = False) -> None:
    async with database.transaction() as session:
        told = [event.model_copy(update={"restated": anew}) for event in events]
        await project_events(session, told)


async def dump(database: Database) -> dict[str, list[Any]]:
    """Every row, but for when it was told."""
    async with database.transaction() as session:
        return {table.__tablename__: list(await session.scalars(_rows(table))) for table in TABLES}


def _rows(table: type[PortfolioTables]) -> TextClause:
    row = "(to_jsonb(t) - 'as_of' - 'seen_at')::text"
    return text(f"SELECT {row} FROM {table.__tablename__} AS t ORDER BY 1")


async def begin(database: Database) -> Rebuild:
    async with database.transaction() as session:
        rebuild = Rebuild()
        session.add(rebuild)
        await session.flush()
        await session.refresh(rebuild)
        return rebuild


async def change(database: Database, table: type[PortfolioTables], **values: Any) -> None:
    async with database.transaction() as session:
        await session.execute(update(table).values(**values))


async def finish(database: Database, rebuild: Rebuild) -> dict[str, Any]:
    """End it; what it counted."""
    await finish_rebuild(database, rebuild, lambda _: None)
    async with database.transaction() as session:
        return (await session.get_one(Rebuild, rebuild.id)).changes


async def test_what_was_right_is_left_and_nothing_is_counted(database: Database) -> None:
    await hear(database, STATED)
    before = await dump(database)
    rebuild = await begin(database)
    await hear(database, STATED, anew=True)
    assert await finish(database, rebuild) == {}
    assert await dump(database) == before


async def test_wrong_missing_and_ghostly_rows_are_mended_and_counted(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finishing, "PORTION_ROWS", 1)
    await hear(database, STATED)
    before = await dump(database)
    await hear(database, [order("g1"), order("g2"), line("g3", "500.00")])
    await change(database, CustomerRow, label="wrong", orders_by_status=[])
    async with database.transaction() as session:
        await session.execute(text("DELETE FROM portfolio_lines WHERE line_id = 'l2'"))
        await session.execute(text("UPDATE portfolio_orders SET customer_id = 'c1'"))
    rebuild = await begin(database)
    await hear(database, STATED, anew=True)
    assert await finish(database, rebuild) == {
        "portfolio_customers": {"mended": 2},
        "portfolio_orders": {"mended": 1, "ghosts removed": 2},
        "portfolio_lines": {"added": 1, "ghosts removed": 1},
    }
    assert await dump(database) == before
    async with database.transaction() as session:
        told = await session.scalar(select(func.count()).select_from(FeedRow))
    assert told == len(STATED) + 3  # what is stated again is no new fact


async def test_a_version_ahead_of_its_owners_is_wrong_unless_a_fact_came_since(
    database: Database,
) -> None:
    """The fact comes before the state that its owner told before it."""
    await hear(database, STATED)
    await change(database, OrderRow, version=99, status=4)
    rebuild = await begin(database)
    newer = order("o2", "c2", version=2, status=5)
    await hear(database, [newer])
    await hear(database, STATED, anew=True)
    await finish(database, rebuild)
    async with database.transaction() as session:
        rows = await session.execute(
            select(OrderRow.order_id, OrderRow.version, OrderRow.status).order_by(OrderRow.order_id)
        )
        assert [tuple(row) for row in rows] == [("o1", 1, 6), ("o2", 2, 5)]


async def test_outside_a_rebuild_an_older_state_told_anew_changes_nothing(
    database: Database,
) -> None:
    await hear(database, [order("o1", version=5, status=5)])
    await hear(database, [order("o1", version=4, status=3)], anew=True)
    async with database.transaction() as session:
        assert await session.scalar(select(OrderRow.status)) == 5


async def test_rows_of_a_parked_key_are_spared(database: Database) -> None:
    """What was stated of them waits with the key; removing them would lose what is there."""
    await hear(database, STATED)
    async with database.transaction() as session:
        session.add(ParkedKey(consumer="gateway_portfolio", stream="order", key="c2"))
    await change(database, LineRow, seen_at=func.now() - timedelta(days=1))
    rebuild = await begin(database)
    await hear(database, [event for event in STATED if "c2" not in event.key], anew=True)
    await finish(database, rebuild)
    async with database.transaction() as session:
        assert set(await session.scalars(select(OrderRow.order_id))) == {"o1", "o2"}
        assert set(await session.scalars(select(CustomerRow.customer_id))) == {"c1", "c2"}
