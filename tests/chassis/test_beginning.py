"""A request's transaction begins with whose it is, and ends with all that it kept."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, text

from chassis import audit, outbox
from chassis.database import REQUEST_ROLE, Database
from chassis.failures import DatabaseAwayError
from chassis.identity import Principal
from chassis.tables import AuditEntry, OutboxRow
from testkit.servers import PostgresServer
from tests.chassis.tally import create_schema, funds_moved, settings_for

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
WHO = Principal(id="o'brien", kind="customer", partner_id="o'neill")
_WHOSE = text(
    "SELECT current_user, current_setting('channelbus.partner_id', true),"
    " current_setting('channelbus.principal', true)"
)
pytestmark = pytest.mark.postgres


@pytest.fixture
async def database(postgres_server: PostgresServer) -> AsyncIterator[Database]:
    postgres_server.drop_database("begin_tally")
    postgres_server.create_database("begin_tally")
    one = {"database_pool_size": 1, "database_pool_overflow": 0}
    settings = settings_for(postgres_server.url, "unused", "begin_", **one)
    await create_schema(settings)
    found = Database(settings, "tally")
    yield found
    await found.close()
    postgres_server.drop_database("begin_tally")


async def whose(database: Database) -> tuple[str, str, str]:
    async with database.transaction() as session:
        user, partner, principal = (await session.execute(_WHOSE)).one()
        return user, partner or "", principal or ""


async def test_a_request_is_its_tenants_and_what_follows_is_not(database: Database) -> None:
    async with database.transaction_as(WHO) as session:
        found = (await session.execute(_WHOSE)).one()
    assert tuple(found) == (REQUEST_ROLE, "o'neill", "customer:o'brien")
    user, partner, principal = await whose(database)
    assert user != REQUEST_ROLE
    assert (partner, principal) == ("", "")


async def test_a_request_that_asked_nothing_leaves_nobody_on_its_connection(
    database: Database,
) -> None:
    """Break: in `ConnectionPool._lent`, leave the opening as it is."""
    async with database.transaction_as(WHO):
        pass
    user, partner, _ = await whose(database)
    assert user != REQUEST_ROLE
    assert partner == ""


async def test_a_request_that_only_states_does_so_as_its_tenant(database: Database) -> None:
    """Break: in `write_kept`, do not ask whether a transaction has begun."""
    async with database.transaction() as session:
        await session.execute(text("ALTER TABLE outbox ADD COLUMN by text DEFAULT current_user"))
    async with database.transaction_as(WHO) as session:
        outbox.publish(session, funds_moved("a", 1, NOW))
    async with database.transaction() as session:
        assert await session.scalar(text("SELECT by FROM outbox WHERE key = 'a'")) == REQUEST_ROLE


async def test_a_connection_whose_beginning_failed_is_not_lent_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands in a transaction that nobody would end. Break: in `_Opened`, leave it open."""
    with monkeypatch.context() as wrong:
        wrong.setattr("chassis.database._ENTER_TENANT", "BEGIN; SET LOCAL ROLE no_such; --%s%s")
        with pytest.raises(DatabaseAwayError, match="no_such"):
            async with database.transaction_as(WHO) as session:
                await session.execute(_WHOSE)
    async with database.transaction_as(WHO) as session:
        assert (await session.execute(_WHOSE)).one()[0] == REQUEST_ROLE


async def test_what_was_kept_is_written_in_its_order(database: Database) -> None:
    """Break: in `write_kept`, swap two columns of any statement."""
    for entries, facts in ((1, 0), (2, 0), (1, 1), (2, 1), (1, 3), (3, 2)):
        mark = f"{entries}-{facts}-"
        async with database.transaction_as(WHO) as session:
            for number in range(entries):
                audit.record(session, WHO, "thing.do", f"{mark}{number}", NOW, number=number)
            stated = (funds_moved(f"{mark}{number}", 1, NOW) for number in range(facts))
            outbox.publish(session, *stated)
        async with database.transaction() as session:
            own = AuditEntry.subject.startswith(mark)
            found = await session.scalars(select(AuditEntry).where(own).order_by(AuditEntry.id))
            told = [(x.at, x.principal, x.partner_id, x.action, x.subject, x.detail) for x in found]
            keys = select(OutboxRow.key).where(OutboxRow.key.startswith(mark))
            stated_keys = list(await session.scalars(keys.order_by(OutboxRow.id)))
        who = ("customer:o'brien", "o'neill", "thing.do")
        assert told == [(NOW, *who, f"{mark}{n}", {"number": n}) for n in range(entries)]
        assert stated_keys == [f"{mark}{n}" for n in range(facts)]
