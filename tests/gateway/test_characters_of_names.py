"""Migration 0005 completes the names of a filled read model in portions, and may be interrupted."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from chassis.migrations import migrate
from testkit.databases import ServiceDatabase, service_database
from tests.gateway.portfolio_builders import NOW

pytestmark = pytest.mark.postgres

CUSTOMERS = 3_500  # three portions and a half
FAILS_AT = "c2500"
AND_ITS_INDEXES = "0006"  # what came later stands already and cannot be made twice

store = service_database("gateway")

# As version 0004 left it: pairs only, the indexes of then.
_BEFORE = """
    UPDATE portfolio_customers
    SET names = ARRAY(SELECT gram FROM unnest(names) AS gram WHERE length(gram) = 2);
    UPDATE alembic_version SET version_num = '0004';
    DROP INDEX portfolio_by_age, portfolio_by_account_name, portfolio_by_amount,
        portfolio_by_type, portfolio_by_manager_id;
    CREATE INDEX portfolio_by_association
        ON portfolio_customers (partner_id, associated_on, customer_id);
    CREATE INDEX portfolio_by_name ON portfolio_customers (partner_id, account_name, customer_id);
    CREATE INDEX portfolio_by_consumption
        ON portfolio_customers (partner_id, consumption_cycle, consumption_amount);
"""
# What came later would fold what is written here.
_NO_FOLDING = """
    DROP TRIGGER fold_made ON portfolio_customers;
    DROP TRIGGER fold_changed ON portfolio_customers;
"""
# The row cannot be written: an end of the migration half-way, as of a killed process.
_FAIL = f"""
    CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the lights go out';
    END $$;
    CREATE TRIGGER fail BEFORE UPDATE ON portfolio_customers
    FOR EACH ROW WHEN (NEW.customer_id = '{FAILS_AT}') EXECUTE FUNCTION fail();
"""
_STATE = "SELECT customer_id, names, xmin::text AS written_by FROM portfolio_customers"
_INDEXES = "SELECT indexdef FROM pg_indexes WHERE tablename = 'portfolio_customers' ORDER BY 1"


def grams(*names: str | None) -> list[str]:
    """Every character and pair of neighbours of the names, lower-case, each once."""
    lowered = [(name or "").lower() for name in names]
    pairs = {name[i : i + 2] for name in lowered for i in range(len(name) - 1)}
    return sorted(pairs.union(*lowered))


def texts(number: int) -> tuple[str, str | None]:
    """An account's name, and its customer's: some short, some none."""
    name = (None, "云", "上海云帆科技有限公司", "Pure Water", "ÉÉ")[number % 5]
    return ("A" if number % 7 == 0 else f"Zhang_{number}"), name


@pytest.fixture
async def connection(store: ServiceDatabase) -> AsyncIterator[asyncpg.Connection]:
    found = await asyncpg.connect(store.url)
    yield found
    await found.close()


async def filled(connection: asyncpg.Connection) -> tuple[dict[str, list[str]], list[Any]]:
    """What has to be there at the end: names and indexes. A stub has no names."""
    await connection.execute(_NO_FOLDING)
    known = {f"c{n:04}": texts(n) for n in range(CUSTOMERS)}
    rows: list[Any] = [
        (customer_id, "p1", 1, *of, grams(*of), NOW) for customer_id, of in known.items()
    ]
    rows.append(("stub", "p1", 0, None, None, [], NOW))
    columns = ("customer_id", "partner_id", "version", "account_name", "customer_name", "names",
               "as_of")  # fmt: skip
    await connection.copy_records_to_table("portfolio_customers", records=rows, columns=columns)
    wanted = {row["customer_id"]: row["names"] for row in await connection.fetch(_STATE)}
    indexes = await connection.fetch(_INDEXES)
    await connection.execute(_BEFORE)
    return wanted, indexes


async def names(connection: asyncpg.Connection) -> dict[str, list[str]]:
    return {row["customer_id"]: row["names"] for row in await connection.fetch(_STATE)}


async def test_a_filled_read_model_gets_its_characters_and_the_indexes_of_a_new_one(
    store: ServiceDatabase, connection: asyncpg.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted, indexes = await filled(connection)
    assert await names(connection) != wanted
    await asyncio.to_thread(migrate, "gateway", store.url, AND_ITS_INDEXES)
    assert await names(connection) == wanted
    assert await connection.fetch(_INDEXES) == indexes
    assert f"all {CUSTOMERS + 1:,} seen, {CUSTOMERS:,} completed" in capsys.readouterr().out


async def test_what_was_done_before_an_interruption_is_kept_and_not_done_again(
    store: ServiceDatabase, connection: asyncpg.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted, _ = await filled(connection)
    await connection.execute(_FAIL)
    with pytest.raises(DBAPIError, match="the lights go out"):
        await asyncio.to_thread(migrate, "gateway", store.url, AND_ITS_INDEXES)
    assert await connection.fetchval("SELECT version_num FROM alembic_version") == "0004"
    after = await connection.fetch(_STATE)
    done = {row["customer_id"]: row for row in after if row["names"] == wanted[row["customer_id"]]}
    assert set(done) == {"stub", *(f"c{n:04}" for n in range(2_000))}
    await connection.execute("DROP TRIGGER fail ON portfolio_customers")
    capsys.readouterr()
    await asyncio.to_thread(migrate, "gateway", store.url, AND_ITS_INDEXES)
    assert f"{CUSTOMERS - 2_000:,} completed" in capsys.readouterr().out
    now = {row["customer_id"]: row for row in await connection.fetch(_STATE)}
    assert {customer_id: row["names"] for customer_id, row in now.items()} == wanted
    for customer_id, row in done.items():
        assert now[customer_id]["written_by"] == row["written_by"], customer_id


async def test_a_database_that_has_it_is_not_written_when_it_runs_again(
    store: ServiceDatabase, connection: asyncpg.Connection
) -> None:
    await filled(connection)
    await asyncio.to_thread(migrate, "gateway", store.url, AND_ITS_INDEXES)
    before = await connection.fetch(_STATE)
    await connection.execute("UPDATE alembic_version SET version_num = '0004'")
    await asyncio.to_thread(migrate, "gateway", store.url, AND_ITS_INDEXES)
    assert await connection.fetch(_STATE) == before


async def test_others_search_while_a_portion_is_written_and_write_after_it(
    store: ServiceDatabase, connection: asyncpg.Connection
) -> None:
    """A portion waits for the one who writes, and holds nobody up who reads."""
    wanted, _ = await filled(connection)
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(hashtext('gateway.event_feed'))")
        running = asyncio.create_task(
            asyncio.to_thread(migrate, "gateway", store.url, AND_ITS_INDEXES)
        )
        reader = await asyncpg.connect(store.url)
        waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        async with asyncio.timeout(20):
            while not await reader.fetchval(waits):
                await asyncio.sleep(0.01)
        found = "SELECT count(*) FROM portfolio_customers WHERE names @> ARRAY['云帆']"
        assert await reader.fetchval(found, timeout=5) == CUSTOMERS // 5
        await connection.execute("UPDATE portfolio_customers SET label = 'gold'")
        assert not running.done()
        await reader.close()
    await running
    assert await names(connection) == wanted
