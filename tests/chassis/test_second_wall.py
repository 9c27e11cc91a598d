"""The second wall stands behind every table of every service (row-level security, grants).

With a row of partner a and one of partner b in each table, whatever the query says.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest

from chassis.database import REQUEST_ROLE
from testkit.databases import ServiceDatabase, Templates, unique_prefix
from tests.history.make_dumps import SERVICES, fill_database

pytestmark = pytest.mark.postgres

KIT_INSERTED = {"outbox", "audit_log"}
KIT_BEHIND = {
    "relay_slots", "relay_replicas", "inbox", "consumer_positions", "parked_keys", "parked_events",
    "restatements", "rebuilds", "alembic_version", "business_time",
}  # fmt: skip
# What a request may read although it is nobody's: no tenant's data is in it.
NOBODYS = {"gateway": {"event_feed_horizon"}, "voucher": {"proofs"}}
# Tables that requests must not reach, beside the chassis's: credentials and what only the bus does.
BEHIND = {
    "customer_sync": {"code_pauses", "identities", "sightings", "upstream_slots"},
    "gateway": {
        "access_keys", "clock_moves", "clock_steps", "console_sessions", "identity_accounts",
        "identity_authorizations",
        "identity_operators", "kept_answers", "login_name_claims", "passwords", "tokens",
        "used_signatures",
    }
}  # fmt: skip
_TABLES = """
    SELECT c.relname AS name, c.relrowsecurity AS walled,
           EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND NOT a.attisdropped
                   AND a.attname = 'partner_id') AS has_partner,
           array(SELECT p FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS p
                 WHERE has_table_privilege($1, c.oid, p)) AS rights,
           (has_any_column_privilege($1, c.oid, 'SELECT')
            AND NOT has_table_privilege($1, c.oid, 'SELECT')) AS some_columns,
           (SELECT count(*) FROM pg_policies l WHERE l.tablename = c.relname
            AND $1 = ANY (l.roles) AND l.with_check IS NOT NULL
            AND (l.qual IS NOT NULL OR l.cmd = 'INSERT')) AS policies
    FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
      AND NOT c.relispartition
    ORDER BY 1
"""

# The filler's names and numbers mean nothing to a view of what the read model has parked.
_PARKED = "UPDATE parked_events SET consumer = 'gateway_portfolio', state = 'waiting'"


@pytest.fixture(scope="module", params=SERVICES)
def filled(request: pytest.FixtureRequest, service_templates: Templates) -> Iterator[Any]:
    """A database of each service with rows of two partners."""
    database = service_templates.copy(request.param, unique_prefix())
    yield database
    service_templates.drop(database)


@pytest.fixture
async def connection(filled: ServiceDatabase) -> AsyncIterator[asyncpg.Connection]:
    """The owner's, in a transaction that is rolled back."""
    await fill_database(filled.url)
    connection = await asyncpg.connect(filled.url)
    await connection.execute("BEGIN")
    yield connection
    await connection.execute("ROLLBACK")
    await connection.close()


async def enter(connection: asyncpg.Connection, partner_id: str, principal: str) -> None:
    """As a request's transaction begins."""
    await connection.execute(
        "SELECT set_config('role', $1, true), set_config('channelbus.partner_id', $2, true),"
        " set_config('channelbus.principal', $3, true)",
        REQUEST_ROLE, partner_id, principal,
    )  # fmt: skip


async def refused(connection: asyncpg.Connection, statement: str, *values: Any) -> bool:
    """Whether the database lets the request do nothing of the kind."""
    await connection.execute("SAVEPOINT asked")
    try:
        await connection.execute(statement, *values)
    except asyncpg.InsufficientPrivilegeError:
        return True
    finally:
        await connection.execute("ROLLBACK TO SAVEPOINT asked")
    return False


async def test_every_table_has_its_wall(
    filled: ServiceDatabase, connection: asyncpg.Connection
) -> None:
    """Break: make a table with a partner_id and grant it without a policy."""
    found = {}
    for table in await connection.fetch(_TABLES, REQUEST_ROLE):
        name, rights = table["name"], set(table["rights"])
        behind = KIT_BEHIND | BEHIND.get(filled.service, set())
        if name in behind:
            sound = not rights
        elif name in KIT_INSERTED:
            sound = rights == {"INSERT"} and (name == "outbox" or table["walled"])
        elif name in NOBODYS.get(filled.service, set()):
            sound = rights == {"SELECT"} and not table["has_partner"]
        else:
            sound = not rights or (table["walled"] and table["policies"] > 0)
        if not sound or table["some_columns"]:
            found[name] = sorted(rights)
    assert found == {}


async def test_the_tables_that_no_request_reaches_are_those_that_are_named(
    filled: ServiceDatabase, connection: asyncpg.Connection
) -> None:
    """Break: name one that is not there, or leave one out that nobody granted anything of."""
    tables = await connection.fetch(_TABLES, REQUEST_ROLE)
    unreached = {table["name"] for table in tables if not table["rights"]}
    assert unreached == KIT_BEHIND | BEHIND.get(filled.service, set())


async def test_a_request_sees_and_changes_its_own_partners_rows_alone(
    connection: asyncpg.Connection,
) -> None:
    """Both halves of each policy. Break: leave out WITH CHECK, or USING, of `bind_to_tenant`."""
    tables = [
        table for table in await connection.fetch(_TABLES, REQUEST_ROLE)
        if table["has_partner"] and "SELECT" in table["rights"]
    ]  # fmt: skip
    for table in tables:
        name, rights = table["name"], table["rights"]
        await enter(connection, "a", "customer:x1")
        seen = await connection.fetch(f'SELECT DISTINCT partner_id FROM "{name}"')
        assert [row[0] for row in seen] == ["a"], name
        if "UPDATE" in rights:
            moved = f"UPDATE \"{name}\" SET partner_id = 'b' WHERE partner_id = 'a'"
            assert await refused(connection, moved), name
            foreign = await connection.execute(
                f"UPDATE \"{name}\" SET partner_id = 'a' WHERE partner_id = 'b'"
            )
            assert foreign == "UPDATE 0", name
        if "DELETE" in rights:
            foreign = await connection.execute(f"DELETE FROM \"{name}\" WHERE partner_id = 'b'")
            assert foreign == "DELETE 0", name
        await enter(connection, "*", "administrator:root")
        everybody = await connection.fetchval(f'SELECT count(DISTINCT partner_id) FROM "{name}"')
        assert everybody == 2, name
        await connection.execute("RESET ROLE")


async def test_a_request_appends_to_outbox_and_audit_log_and_reads_neither(
    connection: asyncpg.Connection,
) -> None:
    await enter(connection, "a", "customer:x1")
    entry = (
        "INSERT INTO audit_log (at, principal, partner_id, action, subject, detail, request_id)"
        " VALUES (now(), 'customer:x1', $1, 'order.pay', 'x', '{}', 'r')"
    )
    assert not await refused(connection, entry, "a")
    assert await refused(connection, entry, "b"), "in another partner's name"
    fact = (
        "INSERT INTO outbox (slot, stream, key, event_id, attributes, body)"
        " VALUES (0, 'order', 'k', gen_random_uuid(), '', '')"
    )
    assert not await refused(connection, fact)
    for table in ("outbox", "audit_log"):
        for statement in ("SELECT FROM", "DELETE FROM", "TRUNCATE"):
            assert await refused(connection, f"{statement} {table}"), (statement, table)
    assert await refused(connection, "UPDATE audit_log SET detail = '{}'")
    assert await refused(connection, "UPDATE outbox SET body = ''")


async def test_the_answers_kept_are_each_principals_own(connection: asyncpg.Connection) -> None:
    """Rows of x1 and x2 are there; the request is x1's."""
    await enter(connection, "a", "x1")
    rows = await connection.fetch("SELECT principal FROM idempotency_keys")
    assert [row[0] for row in rows] == ["x1"]
    assert await connection.execute("UPDATE idempotency_keys SET status = 1") == "UPDATE 1"
    assert await refused(connection, "UPDATE idempotency_keys SET principal = 'x9'")
    key = "INSERT INTO idempotency_keys (principal, key, fingerprint) VALUES ($1, 'k9', 'f')"
    assert not await refused(connection, key, "x1")
    assert await refused(connection, key, "x2")
    assert await refused(connection, "DELETE FROM idempotency_keys")


async def test_what_is_the_buss_no_request_reaches(connection: asyncpg.Connection) -> None:
    await enter(connection, "*", "administrator:root")
    for table in sorted(KIT_BEHIND):
        assert await refused(connection, f"SELECT FROM {table}"), table


async def test_views_show_a_request_its_own_partners_rows_alone(
    connection: asyncpg.Connection,
) -> None:
    await connection.execute(_PARKED)
    views = await connection.fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace"
    )
    for (name,) in views:
        await enter(connection, "a", "customer:x1")
        seen = await connection.fetch(f'SELECT DISTINCT partner_id FROM "{name}"')
        assert [row[0] for row in seen] == ["a"], name
        await connection.execute("RESET ROLE")
