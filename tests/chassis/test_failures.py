"""What PostgreSQL's codes mean, shown by a PostgreSQL that raises them."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from chassis.failures import Failure, failure_of, says_away, says_stale, sqlstate_of
from testkit.servers import PostgresServer

pytestmark = pytest.mark.postgres


@pytest.fixture
async def connection(postgres_server: PostgresServer) -> AsyncIterator[AsyncConnection]:
    driver = postgres_server.database_url("postgres").replace("://", "+asyncpg://", 1)
    engine = create_async_engine(driver)
    async with engine.connect() as connected:
        yield connected
    await engine.dispose()


async def driver_of(connection: AsyncConnection) -> asyncpg.Connection:
    driver = (await connection.get_raw_connection()).driver_connection
    assert isinstance(driver, asyncpg.Connection)
    return driver


@pytest.mark.parametrize(
    ("sqlstate", "meant"),
    [
        ("08006", Failure.AWAY),
        ("25006", Failure.AWAY),
        ("25P03", Failure.AWAY),
        ("26000", Failure.AWAY),
        ("28P01", Failure.AWAY),
        ("3D000", Failure.AWAY),
        ("42P05", Failure.AWAY),
        ("53300", Failure.AWAY),
        ("57P01", Failure.AWAY),
        ("57P03", Failure.AWAY),
        ("58030", Failure.AWAY),
        ("40001", Failure.CONFLICT),
        ("40P01", Failure.CONFLICT),
        ("55P03", Failure.CONFLICT),
        ("57014", Failure.CONFLICT),
        ("3F000", Failure.MISFIT),
        ("42501", Failure.MISFIT),
        ("42703", Failure.MISFIT),
        ("42883", Failure.MISFIT),
        ("42P01", Failure.MISFIT),
        ("0A000", Failure.POISON),
        ("22001", Failure.POISON),
        ("23505", Failure.POISON),
        ("XX000", Failure.POISON),
    ],
)
async def test_a_code_means_the_same_through_sqlalchemy_and_the_driver(
    connection: AsyncConnection, sqlstate: str, meant: Failure
) -> None:
    """Break: move a code to another class."""
    raising = f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{sqlstate}'; END $$"
    with pytest.raises(DBAPIError) as wrapped:
        await connection.execute(text(raising))
    await connection.rollback()
    with pytest.raises(asyncpg.PostgresError) as bare:
        await (await driver_of(connection)).execute(raising)
    for error in (wrapped.value, bare.value):
        assert (sqlstate_of(error), failure_of(error)) == (sqlstate, meant)
        assert says_away(error) is (meant is Failure.AWAY)


async def test_a_column_s_type_changed_under_a_session_is_tried_again(
    connection: AsyncConnection,
) -> None:
    """SQLAlchemy drops this one's code. Break: in `_driver_error`, look no deeper than `orig`."""
    await connection.execute(text("CREATE TEMPORARY TABLE altered (n integer)"))
    await connection.commit()
    reading = text("SELECT n FROM altered")
    await connection.execute(reading)
    await connection.commit()
    driver = await driver_of(connection)
    await driver.execute("ALTER TABLE altered ALTER COLUMN n TYPE text")
    with pytest.raises(DBAPIError) as failure:
        await connection.execute(reading)
    await connection.rollback()
    assert says_stale(failure.value)
    assert failure_of(failure.value) is Failure.CONFLICT
    await connection.execute(reading)


async def test_a_lost_type_is_stale_and_other_internal_errors_are_not(
    connection: AsyncConnection,
) -> None:
    """Break: leave `_STALE_WORDS` out, or take every internal error for one of them."""
    for words, stale in (("cache lookup failed for type 12", True), ("out of wits", False)):
        with pytest.raises(DBAPIError) as failure:
            await connection.execute(
                text(f"DO $$ BEGIN RAISE EXCEPTION '{words}' USING ERRCODE = 'XX000'; END $$")
            )
        await connection.rollback()
        assert says_stale(failure.value) is stale
