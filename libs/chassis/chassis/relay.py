"""The relay sends committed outbox rows to Kafka, in key order, until none is left.

Key order holds because a slot has one holder at a time, rows leave in the order of their ids, and
the idempotent producer keeps the order of its sends. A row is deleted after the broker
acknowledged it with `acks=all`; what a crash leaves between the two is sent again and met by the
consumers' inbox.

No event may overtake an earlier one of its key that failed. aiokafka sends one batch of a partition
at a time and, being idempotent, repeats it until it is through; but a batch that fails for good (it
grew old while its partition had no leader, or was refused) makes room for the next one, and so
would the flush in `AIOKafkaProducer.stop`. The inbox would then keep the wrong order. So the first
failure stops the producer's sender before its next round, and a producer is never flushed: what it
held is still in the outbox and leaves through the next producer, from the oldest row on.
"""

import asyncio
import json
import os
import socket
import time
from contextlib import suppress
from functools import partial
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from chassis.connecting import DRIVER_ERRORS
from chassis.crash import crash_point
from chassis.credentials import CredentialsChangedError, FilesSeen, both_seen
from chassis.database import Database
from chassis.failures import DatabaseAwayError, says_gone
from chassis.kafka import connection_arguments, why_unreachable
from chassis.leases import SlotLeases
from chassis.logs import get_logger
from chassis.metrics import (
    DATABASE_CONNECTIONS,
    OUTBOX_OLDEST,
    OUTBOX_ROWS,
    RELAY_FAILURES,
    RELAYED,
)
from chassis.outbox import SLOTS
from chassis.settings import ServiceSettings
from chassis.transactions import TRANSACTION_HEADER, Transaction

log = get_logger(__name__)

# Whatever the driver says: it means Kafka or the database, and the relay begins again.
_INTERRUPTIONS = (OSError, KafkaError, DatabaseAwayError, *DRIVER_ERRORS)
COMMAND_SECONDS_MAX = 30
CHANNEL = "channelbus_outbox"
BACK_OFF_SECONDS_MAX = 5.0
NOTIFY_EVERY_SECONDS = 0.02
MEASURE_EVERY_SECONDS = 5.0
ABANDON_SECONDS_MAX = 2.0
GIVE_UP_SECONDS_MAX = 2.0
LAST_BATCH_SECONDS_MAX = 1.5  # of a process that ends: what takes longer is sent again by others
SEND_SECONDS_MAX = 30.0  # then the round has failed: its rows are read again by their new holder

_NEXT_ROWS = """
    SELECT id, stream, key, attributes, body, xmin::text::bigint AS transaction,
        pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next_transaction FROM outbox
    WHERE slot = ANY($1::bigint[]) ORDER BY id LIMIT $2
"""
_SYSTEM = "SELECT system_identifier FROM pg_control_system()"
_DELETE_ROWS = "DELETE FROM outbox WHERE id = ANY($1::bigint[])"
_MEASURE = """
    SELECT count(*), coalesce(extract(epoch FROM now() - min(stated_at)), 0)
    FROM (SELECT stated_at FROM outbox ORDER BY id LIMIT 100000) AS waiting
"""
# The server's own counters: a login that owns nothing may read them.
_CONNECTIONS = """
    SELECT sum(numbackends)::float / (
        current_setting('max_connections')::int
        - current_setting('superuser_reserved_connections')::int
        - current_setting('reserved_connections')::int
    ) FROM pg_stat_database
"""


class Relay:
    """Sends this service's outbox. Several replicas may run; they share the slots."""

    def __init__(self, settings: ServiceSettings, database: Database, service: str):
        self._settings = settings
        self._database = database
        self._service = service
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{time.monotonic_ns()}"
        self._committed = asyncio.Event()
        self._others_unaware = False  # of what this process committed
        self._notified_at = 0.0
        self._measured_at = 0.0
        self._system = 0  # the database server's own number
        database.on_stated = self._on_stated

    def _on_stated(self) -> None:
        self._others_unaware = True
        self._committed.set()

    async def run(self) -> None:
        """Serve until cancelled; what fails is tried again with back-off."""
        pause = 0.1
        while True:
            started = time.monotonic()
            try:
                await self._serve()
            except CredentialsChangedError:
                continue
            except _INTERRUPTIONS as error:
                RELAY_FAILURES.inc()
                why = await why_unreachable(self._settings, error) or repr(error)
                log.warning("relay interrupted", error=why, pause_seconds=pause)
                if says_gone(error):  # it writes every few seconds: mostly the first to find out
                    self._database.renew()
            pause = 0.1 if time.monotonic() - started > 30 else min(pause * 2, BACK_OFF_SECONDS_MAX)
            await asyncio.sleep(pause)

    async def _serve(self) -> None:
        files = both_seen(self._settings)
        connection = await self._database.connector.connect(command_timeout=COMMAND_SECONDS_MAX)
        producer = AIOKafkaProducer(
            **connection_arguments(self._settings),
            client_id=f"{self._service}-relay",
            acks="all",
            enable_idempotence=True,
            linger_ms=1,
            max_batch_size=256 * 1024,
        )
        leases = SlotLeases(connection, self._holder, SLOTS, self._settings.relay_lease_seconds)
        try:
            await self._measure(connection)  # also while Kafka is away
            self._system = await connection.fetchval(_SYSTEM)
            await producer.start()
            await connection.add_listener(CHANNEL, lambda *_: self._committed.set())
            await self._send_until_changed(connection, producer, leases, files)
        finally:
            try:
                await _abandon(producer)  # first, so that nothing is sent without a lease
                async with asyncio.timeout(GIVE_UP_SECONDS_MAX):
                    await leases.give_up()
            except _INTERRUPTIONS as error:
                log.info("the leases end by themselves", error=repr(error))
            finally:
                connection.terminate()

    async def _send_until_changed(
        self, connection: Any, producer: AIOKafkaProducer, leases: SlotLeases, files: FilesSeen
    ) -> None:
        while not files.changed():
            self._committed.clear()
            slots = await leases.keep()
            if len(slots) < SLOTS:
                await self._tell_others(connection)
            sent = await self._send_whole(connection, producer, slots)
            await self._measure(connection)
            if sent < self._settings.relay_batch_events:
                await self._wait()
        raise CredentialsChangedError

    async def _send_whole(
        self, connection: Any, producer: AIOKafkaProducer, slots: list[int]
    ) -> int:
        """One batch; who is told to end ends it first, else the next holder sends it once more."""
        sending = asyncio.create_task(self._send_once(connection, producer, slots))
        try:
            return await asyncio.shield(sending)
        except asyncio.CancelledError:
            with suppress(*_INTERRUPTIONS):
                async with asyncio.timeout(LAST_BATCH_SECONDS_MAX):
                    await sending
            raise

    async def _send_once(
        self, connection: Any, producer: AIOKafkaProducer, slots: list[int]
    ) -> int:
        """Send one batch in order and delete it; answers how many rows that were."""
        rows = await connection.fetch(_NEXT_ROWS, slots, self._settings.relay_batch_events)
        if not rows:
            return 0
        crash_point("relay.sending")
        async with asyncio.timeout(SEND_SECONDS_MAX):
            acknowledgements = [await self._send(producer, row) for row in rows]
            await asyncio.gather(*acknowledgements)
        crash_point("relay.sent")
        await connection.execute(_DELETE_ROWS, [row["id"] for row in rows])
        RELAYED.inc(len(rows))
        return len(rows)

    async def _send(self, producer: AIOKafkaProducer, row: Any) -> asyncio.Future[Any]:
        attributes: dict[str, str] = json.loads(row["attributes"])
        stated_in = Transaction.of_row(self._system, row["transaction"], row["next_transaction"])
        attributes[TRANSACTION_HEADER] = str(stated_in)
        acknowledgement: asyncio.Future[Any] = await producer.send(
            self._settings.topic_prefix + row["stream"],
            value=row["body"],
            key=row["key"].encode(),
            headers=[(name, value.encode()) for name, value in attributes.items()],
        )
        acknowledgement.add_done_callback(partial(_stop_sending_on_failure, producer))
        return acknowledgement

    async def _wait(self) -> None:
        """Until something was committed here or elsewhere; a slow poll is the safety net."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._settings.relay_poll_seconds):
                await self._committed.wait()

    async def _tell_others(self, connection: Any) -> None:
        """A NOTIFY of its own after the commit, never inside a business transaction."""
        if self._others_unaware and time.monotonic() - self._notified_at >= NOTIFY_EVERY_SECONDS:
            self._others_unaware = False
            self._notified_at = time.monotonic()
            await connection.execute("SELECT pg_notify($1, '')", CHANNEL)

    async def _measure(self, connection: Any) -> None:
        if time.monotonic() - self._measured_at >= MEASURE_EVERY_SECONDS:
            self._measured_at = time.monotonic()
            rows, age_seconds = await connection.fetchrow(_MEASURE)
            connections = await connection.fetchval(_CONNECTIONS)
            OUTBOX_ROWS.set(rows)  # the three at one time: a scrape sees no half of it
            OUTBOX_OLDEST.set(float(age_seconds))
            DATABASE_CONNECTIONS.set(connections)


def _stop_sending_on_failure(
    producer: AIOKafkaProducer, acknowledgement: asyncio.Future[Any]
) -> None:
    """The client has no public way to drop what it holds; its sender task must not go on."""
    if acknowledgement.cancelled() or acknowledgement.exception() is not None:
        producer._sender.sender_task.cancel()


async def _abandon(producer: AIOKafkaProducer) -> None:
    """Close without the flush of `stop`, which would send the rest, or wait for Kafka for ever."""
    producer._closed = True
    sender = producer._sender.sender_task
    if sender is not None and not sender.cancelling():
        sender.cancel()
    await producer.client.close()
    if sender is not None:
        await asyncio.wait([sender], timeout=ABANDON_SECONDS_MAX)
