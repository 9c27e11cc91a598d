"""Billing in this process for a proof that runs by itself: its own servers, a fresh database."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import structlog

from billing.settings import BillingSettings
from chassis.database import Database
from testkit.databases import Templates
from testkit.servers import PostgresServer
from tests.billing.builders import NOW, BillingDoor, running
from tests.billing.conftest import know_parties

Proof = Callable[[BillingDoor, Database, BillingSettings], Awaitable[bool]]


def prove(proof: Proof, **told: Any) -> int:
    """Run it; 0 when all holds."""
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    postgres = PostgresServer.for_session(in_memory=True)
    try:
        templates = Templates(postgres)
        return 0 if asyncio.run(_run(templates, proof, told)) else 1
    finally:
        postgres.close()


async def _run(templates: Templates, proof: Proof, told: dict[str, Any]) -> bool:
    async with _billing(templates, told) as (door, database, settings):
        return await proof(door, database, settings)


@asynccontextmanager
async def _billing(
    templates: Templates, told: dict[str, Any]
) -> AsyncIterator[tuple[BillingDoor, Database, BillingSettings]]:
    store = templates.copy("billing", "prove_", know_parties)
    settings = store.settings(BillingSettings, **told)
    database = Database(settings, "billing")
    async with running(settings, NOW) as door:
        yield door, database, settings
    await database.close()


def tell(line: str) -> None:
    """Say how far it is."""
    print(line, flush=True)  # noqa: T201
