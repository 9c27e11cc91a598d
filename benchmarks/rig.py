"""What the benchmarks share: private servers, a schema, and a line per figure beside its peer."""

import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg
from tests.chassis.tally import create_schema, funds_moved, settings_for

from chassis.outbox import SLOTS
from chassis.settings import ServiceSettings
from testkit.servers import KafkaServer, PostgresServer

NOW = datetime(2026, 11, 23, tzinfo=UTC)
PARTITIONS = 6
KEYS = 5000
HEADERS = {
    "ce_specversion": "1.0",
    "ce_type": "billing.funds_moved",
    "ce_source": "/channelbus/billing",
    "ce_time": NOW.isoformat(),
    "ce_subject": "account",
    "ce_sequence": "1",
    "ce_partnerid": "p",
    "ce_dataschema": "billing.funds_moved/1.0",
    "content-type": "application/json",
}


@dataclass(frozen=True)
class Rig:
    """A server pair and the settings of one service on it."""

    postgres: PostgresServer
    kafka: KafkaServer
    settings: ServiceSettings

    @property
    def topic(self) -> str:
        """The one stream."""
        return self.settings.topic_prefix + "billing"

    @property
    def database_url(self) -> str:
        """For asyncpg."""
        return self.settings.database_of("tally")


@contextmanager
def servers() -> Iterator[tuple[PostgresServer, KafkaServer]]:
    """A private PostgreSQL and Kafka, ended with the run."""
    postgres = PostgresServer.for_session()
    try:
        kafka = KafkaServer.for_session()
        try:
            yield postgres, kafka
        finally:
            kafka.close()
    finally:
        postgres.close()


async def rig(postgres: PostgresServer, kafka: KafkaServer, **settings: Any) -> Rig:
    """A fresh database and topic."""
    prefix = f"b{uuid4().hex[:8]}_"
    kafka.create_topics([prefix + "billing"], PARTITIONS)
    postgres.create_database(prefix + "tally")
    found = settings_for(postgres.url, kafka.bootstrap, prefix, **settings)
    await create_schema(found)
    return Rig(postgres, kafka, found)


def event_rows(count: int, *, poisoned: bool = False) -> list[tuple[Any, ...]]:
    """Outbox rows of real events of about 300 bytes, over 5,000 keys.

    Poisoned: a tally cannot count the amounts of every hundredth key.
    """
    rows = []
    for number in range(count):
        key = f"k{number % KEYS}"
        amount = "-1.00" if poisoned and number % KEYS % 100 == 0 else "1.00"
        event = funds_moved(key, number // KEYS + 1, NOW, amount)
        attributes = json.dumps(HEADERS | {"ce_id": str(event.event_id)}).encode()
        slot = zlib.crc32(key.encode()) % SLOTS
        body = event.model_dump_json().encode()
        rows.append((slot, "billing", key, event.event_id, attributes, body))
    return rows


async def fill_outbox(database_url: str, rows: list[tuple[Any, ...]]) -> None:
    """Commit the rows."""
    connection = await asyncpg.connect(database_url)
    columns = ["slot", "stream", "key", "event_id", "attributes", "body"]
    await connection.copy_records_to_table("outbox", records=rows, columns=columns)
    await connection.close()


def show(figure: str, ours: float, peers: dict[str, float], bars: dict[str, float]) -> bool:
    """Print the figure beside its peers; True when every bar is met."""
    print(f"\n{figure}\n  channelbus {ours:>12,.0f}/s")
    met = True
    for peer, rate in peers.items():
        ratio = ours / rate if rate else float("inf")
        bar = bars.get(peer)
        verdict = "" if bar is None else f"   bar {bar:g}: {'met' if ratio >= bar else 'MISSED'}"
        met = met and (bar is None or ratio >= bar)
        print(f"  {peer:<40} {rate:>10,.0f}/s   ratio {ratio:.2f}{verdict}")
    return met
