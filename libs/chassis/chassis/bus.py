"""A process's part in the bus: its relay, its subscriptions and its schedules."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiokafka.errors import KafkaError
from fastapi import FastAPI
from faststream.kafka import KafkaBroker

from chassis.audit import seal_audit
from chassis.consumers import Consumers
from chassis.database import Database
from chassis.health import watch_loop
from chassis.idempotency import prune_idempotency_keys
from chassis.kafka import broker_security
from chassis.logs import get_logger
from chassis.pruning import prune_inbox
from chassis.relay import Relay
from chassis.schedules import Schedule, run_schedule
from chassis.settings import ServiceSettings
from chassis.subscription import Subscription

log = get_logger(__name__)

FIRST_START_SECONDS = 20.0  # then the service serves, and its consumers join when Kafka is there
RETRY_SECONDS_MAX = 5.0


@asynccontextmanager
async def bus(
    app: FastAPI, name: str, consumers: Sequence[Consumers], schedules: Sequence[Schedule]
) -> AsyncIterator[None]:
    """Run all of it while the context lasts; a task that ends by itself ends the process."""
    settings: ServiceSettings = app.state.settings
    database: Database = app.state.database
    own_schedules = [
        Schedule("seal audit", 10.0, seal_audit),
        Schedule("prune inbox", 600.0, prune_inbox(settings.inbox_keep_days)),
        Schedule("prune idempotency keys", 60.0, prune_idempotency_keys),
    ]
    joined = asyncio.Event()
    tasks = [
        _kept(Relay(settings, database, name).run()),
        _kept(_consume(app, name, consumers, joined)),
        _kept(watch_loop()),
        *(
            _kept(run_schedule(schedule, database, app.state.clock))
            for schedule in [*own_schedules, *schedules]
        ),
    ]
    try:
        with suppress(TimeoutError):
            await asyncio.wait_for(joined.wait(), FIRST_START_SECONDS)
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _kept(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """A task that must not end: a service without its relay would look healthy and tell nothing."""

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            log.critical("a task ended by itself", task=task.get_name(), exc_info=task.exception())
            os.kill(os.getpid(), signal.SIGTERM)

    task = asyncio.create_task(work, name=getattr(work, "__qualname__", "work"))
    task.add_done_callback(ended)
    return task


async def _consume(
    app: FastAPI, name: str, consumers: Sequence[Consumers], joined: asyncio.Event
) -> None:
    """Join the groups, waiting for Kafka as long as it takes, and watch over the subscriptions."""
    broker = await _started(app, name, consumers)
    joined.set()
    try:
        async with asyncio.TaskGroup() as watches:
            for subscription in app.state.subscriptions:
                watches.create_task(subscription.watch())
            await asyncio.Event().wait()
    finally:
        await broker.stop()


async def _started(app: FastAPI, name: str, consumers: Sequence[Consumers]) -> KafkaBroker:
    settings: ServiceSettings = app.state.settings
    pause = 0.2
    while True:
        broker = KafkaBroker(
            settings.kafka_bootstrap_servers,
            security=broker_security(settings),
            client_id=name,
            logger=None,
            allow_auto_create_topics=False,
        )
        joining = [Subscription(settings, app.state.database, c, broker) for c in consumers]
        try:
            await broker.start()
        except (KafkaError, OSError) as error:
            log.warning("Kafka is away", error=repr(error), pause_seconds=pause)
            await broker.stop()
            await asyncio.sleep(pause)
            pause = min(pause * 2, RETRY_SECONDS_MAX)
        else:
            app.state.subscriptions = joining
            return broker
