"""A process's part in the bus: its relay, its subscriptions and its schedules."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from fastapi import FastAPI

from chassis.audit import seal_audit
from chassis.consumers import Consumers
from chassis.database import Database
from chassis.group_lag import GroupLag
from chassis.health import watch_loop
from chassis.idempotency import prune_idempotency_keys
from chassis.logs import get_logger
from chassis.pruning import prune_inbox
from chassis.relay import Relay
from chassis.schedules import Schedule, run_schedule
from chassis.settings import ServiceSettings
from chassis.subscription import Subscription
from chassis.unread import TopicReader

log = get_logger(__name__)

FIRST_START_SECONDS = 20.0  # then the service serves, and its consumers join when Kafka is there


@asynccontextmanager
async def bus(
    app: FastAPI, name: str, consumers: Sequence[Consumers], schedules: Sequence[Schedule]
) -> AsyncIterator[None]:
    """Run all of it while the context lasts; a task that ends by itself ends the process."""
    settings: ServiceSettings = app.state.settings
    database: Database = app.state.bus_database
    own_schedules = [
        Schedule("seal audit", 10.0, seal_audit),
        Schedule("prune inbox", 600.0, prune_inbox(settings.inbox_keep_days)),
        Schedule("prune idempotency keys", 60.0, prune_idempotency_keys),
    ]
    reader = TopicReader(settings)
    subscriptions = [Subscription(settings, database, group, reader) for group in consumers]
    app.state.subscriptions = subscriptions
    tasks = [
        _kept(Relay(settings, database, name).run()),
        _kept(_consume(subscriptions)),
        _kept(GroupLag(settings, consumers, reader).run()),
        _kept(watch_loop()),
        *(
            _kept(run_schedule(schedule, database, app.state.clock))
            for schedule in [*own_schedules, *schedules]
        ),
    ]
    try:
        with suppress(TimeoutError):
            await asyncio.wait_for(_joined(subscriptions), FIRST_START_SECONDS)
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await reader.close()


def _kept(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """A task that must not end: a service without its relay would look healthy and tell nothing."""

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            log.critical("a task ended by itself", task=task.get_name(), exc_info=task.exception())
            os.kill(os.getpid(), signal.SIGTERM)

    task = asyncio.create_task(work, name=getattr(work, "__qualname__", "work"))
    task.add_done_callback(ended)
    return task


async def _consume(subscriptions: Sequence[Subscription]) -> None:
    """Keep the members in their groups for as long as they can position."""
    async with asyncio.TaskGroup() as members:
        for subscription in subscriptions:
            members.create_task(subscription.keep())
        await asyncio.Event().wait()


async def _joined(subscriptions: Sequence[Subscription]) -> None:
    for subscription in subscriptions:
        await subscription.joined.wait()
