"""What the services need before they start: their databases and the topics."""

import asyncio
import logging
from importlib import import_module

import asyncpg

from local.services import PARTITIONS, SERVICES
from local.stack import Stack
from testkit.servers import create_topics, wait_until_answering

CONNECT_SECONDS = 15


def migrate_databases(stack: Stack) -> None:
    """Make each service's database and bring it to its newest version, all in this process.

    One after the other: they make the same role, and a process each would load the same
    libraries six times.
    """
    from chassis.connecting import with_database
    from chassis.migrations import migrate

    logging.getLogger("alembic").setLevel(logging.WARNING)
    for service in SERVICES:
        import_module(f"{service.package}.app")  # every table: a first version makes them all
        migrate(service.package, with_database(stack.database_url, stack.database(service)))


def databases_exist(stack: Stack) -> bool:
    """True when no service's database is missing, so that a known migration may be left out."""
    return asyncio.run(_names_exist(stack))


async def _names_exist(stack: Stack) -> bool:
    from chassis.connecting import with_database

    server = with_database(stack.database_url, "postgres")
    connection = await asyncpg.connect(server, timeout=CONNECT_SECONDS)
    try:
        wanted = [stack.database(service) for service in SERVICES]
        asked = "SELECT count(*) FROM pg_database WHERE datname = ANY($1)"
        return bool(await connection.fetchval(asked, wanted) == len(wanted))
    finally:
        await connection.close()


def make_topics(stack: Stack, timeout_seconds: float) -> list[str]:
    """Wait until the broker answers and make the topics that are missing; their names."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it is expected to refuse at first

    async def wait_and_make() -> list[str]:
        await wait_until_answering(stack.kafka_bootstrap, timeout_seconds)
        return await create_topics(stack.kafka_bootstrap, stack.topics, PARTITIONS)

    return asyncio.run(wait_and_make())
