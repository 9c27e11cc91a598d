"""Migration 0017 folds the names of a filled read model in portions, beside old replicas."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import select
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError

from chassis.database import Database
from chassis.identity import Principal
from chassis.migrations import migrate
from chassis.settings import ServiceSettings
from gateway.portfolio.find_customers import find_customers
from gateway.portfolio.models import ResourceRow, VisibleCustomer
from gateway.portfolio.search_conditions import CustomerSearch, by_index
from testkit.databases import ServiceDatabase, unique_prefix
from testkit.servers import PostgresServer
from tests.gateway.portfolio_builders import NOW
from tests.gateway.test_characters_of_names import grams

pytestmark = pytest.mark.postgres

CUSTOMERS = 3_500  # three portions and a half
FAILS_AT = "c2499"  # one that is written: lower case does not fold it
NAMES = ("深圳（龙瑞）科技", "云帆", "Ｐｕｒｅ　Water", "İSTANBUL", "ＡＢＣ", None, "quartz")
WHO = Principal(id="p1", kind="solution_provider", partner_id="p1")
_FAIL = f"""
    CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the lights go out';
    END $$;
    CREATE TRIGGER fail BEFORE UPDATE ON portfolio_customers
    FOR EACH ROW WHEN (NEW.customer_id = '{FAILS_AT}') EXECUTE FUNCTION fail();
"""
_STATE = """
    SELECT customer_id, folded_account_name, folded_customer_name, xmin::text AS written_by,
           ARRAY(SELECT unnest(names) ORDER BY 1) AS names
    FROM portfolio_customers ORDER BY customer_id
"""
# As replicas of version 0.2 write a row and search for it.
_OLD_WRITE = """
    INSERT INTO portfolio_customers (customer_id, partner_id, version, customer_name, names,
        association_status, associated_on, as_of)
    VALUES ($1, 'p1', $2, $3, $4, 'associated', now(), now())
    ON CONFLICT (customer_id) DO UPDATE SET version = excluded.version,
        customer_name = excluded.customer_name, names = excluded.names
"""
_OLD_SEARCH = """
    SELECT count(*) FROM portfolio_customers
    WHERE names @> $1 AND lower(customer_name) LIKE '%' || $2 || '%'
"""


@pytest.fixture
async def old(postgres_server: PostgresServer) -> AsyncIterator[ServiceDatabase]:
    """A read model as version 0.2 left it, filled."""
    store = ServiceDatabase("gateway", postgres_server.url, unique_prefix())
    postgres_server.create_database(store.name)
    await asyncio.to_thread(migrate, "gateway", store.url, "0011")
    connection = await asyncpg.connect(store.url)
    rows = [
        (f"c{n:04}", 1, name, grams(name))
        for n, name in ((n, NAMES[n % len(NAMES)]) for n in range(CUSTOMERS))
    ]
    await connection.executemany(_OLD_WRITE, rows)
    await connection.close()
    yield store
    postgres_server.drop_database(store.name)


@pytest.fixture
async def connection(old: ServiceDatabase) -> AsyncIterator[asyncpg.Connection]:
    found = await asyncpg.connect(old.url)
    yield found
    await found.close()


async def found_by(store: ServiceDatabase, name: str) -> int:
    """By the search of now."""
    database = Database(store.settings(ServiceSettings), "gateway")
    try:
        async with database.transaction_as(WHO) as session:
            search = CustomerSearch(name=name, count="exact")
            count: int = (await find_customers(session, WHO, search, NOW))["count"]
            return count
    finally:
        await database.close()


def old_needle(name: str) -> tuple[list[str], str]:
    """What version 0.2 asks by."""
    return [gram for gram in grams(name) if len(gram) == 2], name.lower()


async def test_a_filled_read_model_is_folded_and_found_by_both_versions(
    old: ServiceDatabase, connection: asyncpg.Connection
) -> None:
    each = CUSTOMERS // len(NAMES)
    await asyncio.to_thread(migrate, "gateway", old.url)
    for name in ("(龙瑞)", "（龙瑞）", "pure  water", "istanbul", "abc", "QUARTZ"):
        assert await found_by(old, name) == each, name
    for name in ("（龙瑞）", "Ｐｕｒｅ　Water", "ＡＢＣ", "quartz", "云帆"):
        assert await connection.fetchval(_OLD_SEARCH, *old_needle(name)) == each, name
    rows = {row["customer_id"]: row for row in await connection.fetch(_STATE)}
    assert rows["c0002"]["folded_customer_name"] == "pure water"
    assert rows["c0006"]["folded_customer_name"] is None  # its lower case is its folding


async def test_what_was_folded_before_an_interruption_stays_and_old_searches_go_on(
    old: ServiceDatabase, connection: asyncpg.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    await connection.execute(_FAIL)
    with pytest.raises(DBAPIError, match="the lights go out"):
        await asyncio.to_thread(migrate, "gateway", old.url)
    after = {row["customer_id"]: row for row in await connection.fetch(_STATE)}
    done = [name for name, row in after.items() if row["folded_customer_name"] is not None]
    assert 0 < len(done) < CUSTOMERS // 2
    assert max(done) < "c2000"
    stated = "SELECT count(*) FROM portfolio_customers WHERE customer_name = $1"
    for name in ("深圳（龙瑞）科技", "Ｐｕｒｅ　Water", "ＡＢＣ"):
        there = await connection.fetchval(stated, name)
        assert await connection.fetchval(_OLD_SEARCH, *old_needle(name)) == there, name
    assert await found_by(old, "深圳") == await connection.fetchval(stated, NAMES[0])
    await connection.execute("DROP TRIGGER fail ON portfolio_customers")
    capsys.readouterr()
    await asyncio.to_thread(migrate, "gateway", old.url)
    now = {row["customer_id"]: row for row in await connection.fetch(_STATE)}
    assert all(now[name]["written_by"] == after[name]["written_by"] for name in done)
    assert await found_by(old, "(龙瑞)") == await connection.fetchval(stated, NAMES[0])


async def test_what_an_old_replica_writes_afterwards_is_folded_at_once(
    old: ServiceDatabase, connection: asyncpg.Connection
) -> None:
    await asyncio.to_thread(migrate, "gateway", old.url)
    written: list[tuple[str, int, str]] = [
        ("new", 1, "Ｎｅｗ（一）"), ("c0001", 2, "Ｎｅｗ（二）"), ("c0000", 2, str(NAMES[0])),
    ]  # fmt: skip
    for customer_id, version, name in written:
        await connection.execute(_OLD_WRITE, customer_id, version, name, grams(name))
    assert await found_by(old, "new(") == 2
    assert await found_by(old, "深圳(龙瑞)") == CUSTOMERS // len(NAMES)


async def test_a_search_by_a_folded_name_uses_the_index(
    old: ServiceDatabase, connection: asyncpg.Connection
) -> None:
    await asyncio.to_thread(migrate, "gateway", old.url)
    await connection.execute(
        "INSERT INTO portfolio_customers (customer_id, partner_id, version, customer_name,"
        " association_status, as_of)"
        " SELECT 'x' || n, 'p1', 1, '（' || chr(19968 + n % 500) || '）' || n, 'associated', now()"
        " FROM generate_series(1, 10000) AS n"
    )
    # Until a vacuum, an inverted index keeps a list of what is new; each search reads it all.
    await connection.execute("VACUUM ANALYZE portfolio_customers")
    resources = select(ResourceRow.customer_id, ResourceRow.partner_id)
    search = CustomerSearch(name="(万)", association_status="any")
    wanted = select(VisibleCustomer.customer_id).where(
        by_index(VisibleCustomer, search, NOW, resources)
    )
    told = wanted.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})  # type: ignore[no-untyped-call]
    plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {told}"))
    assert "portfolio_customers_names" in plan, plan
    assert await found_by(old, "(万)") == 10_000 // 500
