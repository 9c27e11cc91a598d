"""Migration 0019 folds names and labels in portions, and counts stay what the rows say."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from chassis.database import Database
from chassis.migrations import migrate
from customer_sync.search import list_sub_customers, tally_frequent_texts
from customer_sync.search.count_customers import merge_tallies
from customer_sync.search.list_sub_customers import ListSubCustomers
from customer_sync.settings import CustomerSyncSettings
from testkit.databases import ServiceDatabase, unique_prefix
from testkit.servers import PostgresServer
from tests.customer_sync.builders import NOW, SELLER
from tests.customer_sync.test_tallies import counted_anew, kept

pytestmark = pytest.mark.postgres

CUSTOMERS = 3_500  # three portions and a half
FAILS_AT = "c2499"  # one that is written: lower case does not fold it
NAMES = ("深圳（龙瑞）科技", "云帆", "Ｐｕｒｅ　Water", "İSTANBUL", "ＡＢＣ", None, "quartz")
_FAIL = f"""
    CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the lights go out';
    END $$;
    CREATE TRIGGER fail BEFORE UPDATE ON customers
    FOR EACH ROW WHEN (NEW.id = '{FAILS_AT}') EXECUTE FUNCTION fail();
"""
_WRITE = """
    INSERT INTO customers (id, partner_id, site, currency, account_name, customer_name, label,
        association_type, association_status, associated_on, customer_type, verified_status,
        is_frozen, closes_market_messages, mirrored, registered_at, version)
    VALUES ($1, 'sp1', 'china', 'CNY', $1, $2, $3, '2', 'associated', now(), 1, '2', 0, false,
        true, now(), 1)
    ON CONFLICT (id) DO UPDATE SET customer_name = excluded.customer_name
"""
# As replicas of version 0.2 search.
_OLD_SEARCH = """
    SELECT count(*) FROM customers WHERE partner_id = 'sp1' AND association_status = 'associated'
    AND grams @> search_grams('c', lower($1), '{2}')
    AND strpos(lower(customer_name), lower($1)) > 0
"""
_STATED = "SELECT count(*) FROM customers WHERE customer_name = $1"


@pytest.fixture
async def old(postgres_server: PostgresServer) -> AsyncIterator[ServiceDatabase]:
    """A database as version 0.2 left it, filled and partly summed up."""
    store = ServiceDatabase("customer_sync", postgres_server.url, unique_prefix())
    postgres_server.create_database(store.name)
    await asyncio.to_thread(migrate, "customer_sync", store.url, "0015")
    connection = await asyncpg.connect(store.url)
    rows = [
        (f"c{n:04}", NAMES[n % len(NAMES)], "重点（VIP）" if n % 10 == 0 else None)
        for n in range(CUSTOMERS)
    ]
    await connection.executemany(_WRITE, rows)
    await connection.close()
    yield store
    postgres_server.drop_database(store.name)


@pytest.fixture
async def connection(old: ServiceDatabase) -> AsyncIterator[asyncpg.Connection]:
    found = await asyncpg.connect(old.url)
    yield found
    await found.close()


@pytest.fixture
async def database(old: ServiceDatabase) -> AsyncIterator[Database]:
    found = Database(old.settings(CustomerSyncSettings), "customer_sync")
    yield found
    await found.close()


async def count(database: Database, **filters: str) -> int:
    """By the search of now."""
    wanted = ListSubCustomers.model_construct(**filters, offset=0, limit=10)  # type: ignore[arg-type]
    _, number = await list_sub_customers.list_sub_customers(database, SELLER, wanted)
    return number


async def test_rows_and_tallies_are_folded_and_old_replicas_find_what_they_found(
    old: ServiceDatabase, connection: asyncpg.Connection, database: Database
) -> None:
    each = CUSTOMERS // len(NAMES)
    await merge_tallies_of_old(connection)
    await asyncio.to_thread(migrate, "customer_sync", old.url)
    for name in ("(龙瑞)", "（龙瑞）", "pure", "istanbul", "abc", "ＡＢＣ", "（", "QUARTZ"):
        assert await count(database, customer=name) == each, name
    assert await count(database, label="(VIP)") == CUSTOMERS // 10
    assert await count(database, label="(vip)") == 0
    for name in ("（龙瑞）", "Ｐｕｒｅ　Water", "İSTANBUL", "ＡＢＣ", "quartz"):
        assert await connection.fetchval(_OLD_SEARCH, name) == each, name
    assert await kept(database) == await counted_anew(database)
    await merge_tallies(database, NOW)
    assert await kept(database) == await counted_anew(database)
    assert ("sp1", "c(龙", each) in await kept(database)
    folded = "SELECT folded_customer_name FROM customers WHERE id = $1"
    assert await connection.fetchval(folded, "c0002") == "pure water"
    assert await connection.fetchval(folded, "c0006") is None  # its lower case is its folding


async def merge_tallies_of_old(connection: asyncpg.Connection) -> None:
    """Some were summed up before, some wait."""
    await connection.execute("""
        WITH taken AS (DELETE FROM tally_changes WHERE number % 2 = 0 RETURNING *)
        INSERT INTO tallies (partner_id, counted, customers)
        SELECT partner_id, counted, sum(by) FROM taken, unnest(grams || ARRAY['n',
            't' || association_type, 'd' || associated_day::text || '/' || association_type]
        ) AS counted GROUP BY 1, 2
    """)


async def test_what_was_folded_before_an_interruption_stays_and_searches_go_on(
    old: ServiceDatabase, connection: asyncpg.Connection, database: Database
) -> None:
    await connection.execute(_FAIL)
    with pytest.raises(DBAPIError, match="the lights go out"):
        await asyncio.to_thread(migrate, "customer_sync", old.url)
    state = "SELECT id, xmin::text FROM customers WHERE folded_customer_name IS NOT NULL"
    done = dict(await connection.fetch(state))
    assert 0 < len(done) < CUSTOMERS // 2
    for name in ("深圳（龙瑞）科技", "Ｐｕｒｅ　Water", "İSTANBUL"):
        there = await connection.fetchval(_STATED, name)
        assert await connection.fetchval(_OLD_SEARCH, name) == there, name
    assert await count(database, customer="龙瑞") == await connection.fetchval(_STATED, NAMES[0])
    assert await kept(database) == await counted_anew(database)
    await connection.execute("DROP TRIGGER fail ON customers")
    await asyncio.to_thread(migrate, "customer_sync", old.url)
    now = dict(await connection.fetch(state))
    assert {name: now[name] for name in done} == done
    assert await count(database, customer="(龙") == await connection.fetchval(_STATED, NAMES[0])


async def test_what_an_old_replica_writes_or_counts_afterwards_is_folded(
    old: ServiceDatabase,
    connection: asyncpg.Connection,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    each = CUSTOMERS // len(NAMES)
    await asyncio.to_thread(migrate, "customer_sync", old.url)
    await connection.execute(_WRITE, "new", "Ｎｅｗ（一）", None)
    await connection.execute(_WRITE, "c0001", "Ｎｅｗ（二）", None)
    assert await count(database, customer="new(") == 2
    # Old replicas count texts in lower case: their tallies are not believed, and counted again.
    keep = "INSERT INTO tallies (partner_id, counted, customers) VALUES ('sp1', $1, $2)"
    for text, number in (("Ctanbul", 7_000), ("C（龙瑞", each)):
        await connection.execute(keep, text, number)
    assert await count(database, customer="tanbul") == each
    monkeypatch.setattr(tally_frequent_texts, "_FREQUENT_MIN", 400)
    monkeypatch.setattr(tally_frequent_texts, "_SAMPLE_CUSTOMERS", 1_000_000)
    await tally_frequent_texts.tally_frequent_texts(database, NOW)
    tallied = dict(await connection.fetch("SELECT counted, customers FROM tallies WHERE of_folded"))
    assert tallied["Ctanbul"] == tallied["C(龙瑞"] == tallied["Cwater"] == each
    assert "C（龙瑞" not in tallied
    await connection.execute(_WRITE, "c0003", "ｉｓｔａｎｂｕｌ２", None)
    await connection.execute(_WRITE, "c0010", "Ankara", None)
    assert await count(database, customer="ISTANBUL") == each - 1
    await merge_tallies(database, NOW)
    assert await count(database, customer="ISTANBUL") == each - 1
