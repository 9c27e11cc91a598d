"""A process's part in the bus: its relay, its subscriptions and its schedules."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from chassis.audit import seal_audit
from chassis.group_lag import GroupLag
from chassis.health import watch_loop
from chassis.idempotency import prune_idempotency_keys
from chassis.logs import get_logger
from chassis.parts import Parts, Running
from chassis.pruning import prune_inbox
from chassis.relay import Relay
from chassis.schedule_lag import business, watch_schedules
from chassis.schedules import AnySchedule, Runs, WallSchedule, run_schedule
from chassis.subscription import Subscription
from chassis.unread import TopicReader
from chassis.wake_relays import RelayWaker

log = get_logger(__name__)

FIRST_START_SECONDS = 20.0  # then the service serves, and its consumers join when Kafka is there


@asynccontextmanager
async def bus(
    parts: Parts, running: Running, schedules: Sequence[AnySchedule]
) -> AsyncIterator[None]:
    """Run the role's part while the context lasts; a task that ends by itself ends the process.

    Every role measures the lag of all groups, and of schedules: who answers requests still tells
    when nobody works.
    """
    settings, database = parts.settings, running.bus_database
    consumers = list(running.consumers.values())
    reader = TopicReader(settings)
    running.reader = reader
    lag = GroupLag(settings, consumers, reader)
    running.warnings = [*running.warnings, lambda: lag.misfit]
    work = [lag.run(), watch_loop()]
    if settings.works:
        running.subscriptions = [
            Subscription(settings, database, group, reader) for group in consumers
        ]
        work += _work(parts, running, schedules)
    else:
        work.append(RelayWaker(settings, database).run())
        work.append(watch_schedules(business(schedules), database, parts))
    tasks = [_kept(running, one) for one in work]
    try:
        with suppress(TimeoutError):
            await asyncio.wait_for(_joined(running.subscriptions), FIRST_START_SECONDS)
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await reader.close()


def _work(
    parts: Parts, running: Running, schedules: Sequence[AnySchedule]
) -> list[Coroutine[Any, Any, None]]:
    """What only workers do; however many there are, they share it."""
    settings, database = parts.settings, running.bus_database
    own_schedules = [
        WallSchedule("seal audit", 10.0, seal_audit),
        WallSchedule("prune inbox", 600.0, prune_inbox(settings.inbox_keep_days)),
        WallSchedule("prune idempotency keys", 60.0, prune_idempotency_keys),
    ]
    planned, runs = [*own_schedules, *schedules], Runs()
    return [
        Relay(settings, database, parts.name).run(),
        _consume(running.subscriptions),
        watch_schedules(planned, database, parts, runs),
        *(run_schedule(schedule, database, parts, runs) for schedule in planned),
    ]


def _kept(running: Running, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """A task that must not end: a service without its relay would look healthy and tell nothing."""

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            log.critical("a task ended by itself", task=task.get_name(), exc_info=task.exception())
            running.failed = True
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
