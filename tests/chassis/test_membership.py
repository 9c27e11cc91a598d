"""A member is in its group while it can position, and no longer."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from pydantic import SecretStr

from chassis.app import basic_parts, service_app
from chassis.settings import ServiceSettings
from testkit.servers import KafkaServer, PostgresServer
from tests.chassis.processes import Outcome, until
from tests.chassis.tally import counting, create_schema, settings_for, state

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


@pytest.fixture
async def settings(
    postgres_server: PostgresServer, kafka_server: KafkaServer
) -> AsyncIterator[ServiceSettings]:
    prefix = f"m{uuid4().hex[:8]}_"
    kafka_server.create_topics([prefix + "billing"], 3)
    postgres_server.create_database(f"{prefix}tally")
    found = settings_for(
        postgres_server.url,
        kafka_server.bootstrap,
        prefix,
        consumer_session_seconds=6.0,
        consumer_watch_seconds=0.3,
        group_lag_seconds=1.0,
    )
    yield found
    postgres_server.drop_database(f"{prefix}tally")


async def test_a_replica_without_a_schema_joins_when_it_is_there(
    settings: ServiceSettings,
) -> None:
    """Break: in `Subscription.keep`, do not wait until it can position."""
    app = service_app(basic_parts("tally", settings), routers=[], consumers=[counting()])
    async with app.router.lifespan_context(app):
        assert app.running.subscriptions[0].consumer is None
        await create_schema(settings)

        async def joined() -> bool:
            return len(app.running.subscriptions[0].positions) == 3

        await until(joined)
        await state(app.parts.database, "k", range(1, 3), NOW)
        outcome = Outcome(settings)
        await outcome.settled("k", 2)
        await outcome.database.close()


async def test_a_replica_with_a_wrong_password_takes_nothing_from_the_others(
    settings: ServiceSettings, postgres_server: PostgresServer
) -> None:
    await create_schema(settings)
    _, _, place = postgres_server.url.partition("@")
    wrong = SecretStr(f"postgresql://nobody:wrong@{place}")
    locked_out = service_app(
        basic_parts("tally", settings.model_copy(update={"database_url": wrong})),
        routers=[],
        consumers=[counting()],
    )
    app = service_app(basic_parts("tally", settings), routers=[], consumers=[counting()])
    outcome = Outcome(settings)
    async with locked_out.router.lifespan_context(locked_out), app.router.lifespan_context(app):
        for key in (f"k{n}" for n in range(12)):  # in each partition
            await state(app.parts.database, key, range(1, 2), NOW)

        async def all_heard() -> bool:
            return len(await outcome.heard()) == 12

        await until(all_heard)
        assert locked_out.running.subscriptions[0].consumer is None
    await outcome.database.close()


async def test_a_member_whose_database_is_away_for_a_session_leaves_and_joins_again(
    settings: ServiceSettings, postgres_server: PostgresServer
) -> None:
    """Others, who reach theirs, have its partitions meanwhile.

    Break: in `Subscription._has_to_leave`, answer False.
    """
    await create_schema(settings)
    name = f"{settings.database_prefix}tally"
    app = service_app(basic_parts("tally", settings), routers=[], consumers=[counting()])
    async with app.router.lifespan_context(app):
        (subscription,) = app.running.subscriptions

        async def joined() -> bool:
            return len(subscription.positions) == 3

        await until(joined)
        postgres_server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        end_all = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        await asyncio.to_thread(postgres_server.execute, end_all)

        async def left() -> bool:
            return subscription.consumer is None

        await until(left)
        assert subscription.positions == {}
        postgres_server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        await until(joined)
        await state(app.parts.database, "k", range(1, 3), NOW)
        outcome = Outcome(settings)
        await outcome.settled("k", 2)
        await outcome.database.close()
