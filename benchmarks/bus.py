"""The bus beside its peers and its bare floors, all in one run: `make bench-bus`.

Single times prove nothing on a shared machine; the ratios do. Each pair runs alternately,
`--rounds` times, and the median of each side is compared.

Tried and not kept:
- a NOTIFY inside the business transaction: commits at 32 writers halve (it serialises them);
- `executemany` for the inbox: three times the time of one `unnest`;
- a listener of each session for what a savepoint undoes: more than the event itself costs.

Of what the outbox still costs a transaction most is the round trip: `SELECT 1` in its place costs
two thirds of it. The driver cannot send two statements at once, and an INSERT in one text with the
COMMIT would have to quote every value by hand.
"""

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from faststream.kafka import KafkaBroker
from faststream_outbox import OutboxBroker, make_outbox_table
from sqlalchemy import MetaData, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from tests.chassis.processes import tally
from tests.chassis.tally import Heard, counting, funds_moved

from benchmarks.rig import KEYS, NOW, Rig, event_rows, fill_outbox, rig, servers, show
from chassis import outbox
from chassis.app import basic_parts, service_app
from chassis.consumers import Consumers
from chassis.database import COLUMN_TYPES, Database, EventSession
from chassis.relay import Relay
from contracts.billing import BillingFundsMoved
from contracts.event import Event

Measure = Callable[[], Awaitable[float]]
WAIT_SECONDS = 120
WAKE_UP_RATE, WAKE_UP_WRITERS, WAKE_UP_EVENTS = 2000, 8, 5  # events a second; per transaction
WAKE_UP_P99_MS_MAX = 100
WAKE_UP_START_SECONDS = 2
EVENTS, CATCH_UP_EVENTS = 50_000, 1_000_000
FILL_EVENTS = 25_000
MEMORY_GROWTH_MAX = 1.15
POISON_RATIO_MIN = 0.9
POISON_KEYS, POISON_TOGETHER = 1000, 20  # keys; events per transaction

_UPSERT = text("""
    INSERT INTO bench_balances (account, version, balance)
    SELECT * FROM unnest(cast(:accounts AS text[]), cast(:versions AS bigint[]),
                         cast(:balances AS numeric[]))
    ON CONFLICT (account) DO UPDATE SET version = excluded.version, balance = excluded.balance
    WHERE bench_balances.version < excluded.version
""")


async def medians(rounds: int, **measures: Measure) -> dict[str, float]:
    """Run the measures in turn, so that noise meets all of them; the median of each."""
    found: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            found[name].append(await measure())
    return {name: statistics.median(rates) for name, rates in found.items()}


async def send_bare(place: Rig, rows: Sequence[Any]) -> float:
    """A bare idempotent producer of the same bytes."""
    producer = AIOKafkaProducer(
        bootstrap_servers=place.kafka.bootstrap,
        acks="all",
        enable_idempotence=True,
        linger_ms=1,
        max_batch_size=256 * 1024,
    )
    await producer.start()
    headers = [[(k, v.encode()) for k, v in json.loads(row[4]).items()] for row in rows]
    started = time.perf_counter()
    sends = [
        await producer.send(place.topic, value=row[5], key=row[2].encode(), headers=header)
        for row, header in zip(rows, headers, strict=True)
    ]
    await asyncio.gather(*sends)
    rate = len(rows) / (time.perf_counter() - started)
    await producer.stop()
    return rate


async def relay_ours(place: Rig, rows: Sequence[Any]) -> float:
    """Committed rows to Kafka until the outbox is empty."""
    await fill_outbox(place.database_url, list(rows))
    database = Database(place.settings, "tally")
    connection = await asyncpg.connect(place.database_url)
    started = time.perf_counter()
    relay = asyncio.create_task(Relay(place.settings, database, "tally").run())
    while await connection.fetchval("SELECT EXISTS (SELECT FROM outbox)"):
        await asyncio.sleep(0.01)
    rate = len(rows) / (time.perf_counter() - started)
    relay.cancel()
    await asyncio.gather(relay, return_exceptions=True)
    await connection.close()
    await database.close()
    return rate


async def relay_faststream_outbox(place: Rig, bodies: Sequence[bytes], workers: int) -> float:
    """`faststream-outbox`, its rows relayed to Kafka by stacked decorators."""
    engine = create_async_engine(
        place.database_url.replace("postgresql", "postgresql+asyncpg", 1), pool_size=20
    )
    metadata = MetaData()
    table = make_outbox_table(metadata, table_name=f"fs_outbox_{workers}")
    async with engine.begin() as connection:
        await connection.run_sync(metadata.drop_all)
        await connection.run_sync(metadata.create_all)
    outbox = OutboxBroker(engine, outbox_table=table, logger=None)
    kafka = KafkaBroker(place.kafka.bootstrap, logger=None)
    left = len(bodies)
    done = asyncio.Event()

    @kafka.publisher(place.topic + "_peer")
    @outbox.subscriber("bench", max_workers=workers, fetch_batch_size=500)
    async def relay(body: dict[str, Any]) -> dict[str, Any]:
        nonlocal left
        left -= 1
        if left == 0:
            done.set()
        return body

    place.kafka.create_topics([place.topic + "_peer"], 6)
    async with engine.connect() as connection:
        for body in bodies:
            await outbox.publish(json.loads(body), queue="bench", session=connection)
        await connection.commit()
    await kafka.start()
    started = time.perf_counter()
    await outbox.start()
    async with asyncio.timeout(WAIT_SECONDS):
        await done.wait()
    rate = len(bodies) / (time.perf_counter() - started)
    await outbox.stop()
    await kafka.stop()
    await engine.dispose()
    return rate


async def bench_relay(place: Rig, events: int, rounds: int) -> bool:
    """Figure 1: the relay."""
    rows = event_rows(events)
    few = [row[5] for row in rows[: max(events // 50, 500)]]

    async def peer() -> float:
        return max([await relay_faststream_outbox(place, few, workers) for workers in (4, 16)])

    rates = await medians(
        rounds,
        ours=lambda: relay_ours(place, event_rows(events)),
        bare=lambda: send_bare(place, rows),
        peer=peer,
    )
    return show(
        "relay, key-ordered, acks=all, from committed rows",
        rates["ours"],
        {
            "bare aiokafka idempotent producer": rates["bare"],
            "faststream-outbox (best of 4, 16 workers)": rates["peer"],
        },
        {
            "bare aiokafka idempotent producer": 0.4,
            "faststream-outbox (best of 4, 16 workers)": 4,
        },
    )


def balances(events: Sequence[Event]) -> dict[str, Any]:
    """The newest state per account, as a read model takes it."""
    newest = {e.subject: e for e in events if isinstance(e, BillingFundsMoved)}
    return {
        "accounts": list(newest),
        "versions": [event.version for event in newest.values()],
        "balances": [event.balance for event in newest.values()],
    }


async def consume_ours(place: Rig, consumers: Consumers, events: int, after: int = 0) -> float:
    """The subscription as every service has it, over what the topic holds after the first ones."""
    app = service_app(basic_parts("tally", place.settings), routers=[], consumers=[consumers])
    connection = await asyncpg.connect(place.database_url)
    position = "SELECT coalesce(sum(position), 0)::int FROM consumer_positions WHERE consumer = $1"
    first = 0.0
    async with asyncio.timeout(WAIT_SECONDS), app.router.lifespan_context(app):
        while (reached := await connection.fetchval(position, consumers.name)) < events:
            if reached > after and not first:
                first, started_at = time.perf_counter(), reached
            await asyncio.sleep(0.01)
        rate = (events - started_at) / (time.perf_counter() - first)
    await connection.close()
    return float(rate)


async def consume_bare(
    place: Rig, events: int, work: Callable[[Any, Sequence[Event]], Awaitable[None]]
) -> float:
    """A bare `getmany` loop: the same decoding and the same work, one transaction per batch."""
    consumer = AIOKafkaConsumer(
        place.topic, bootstrap_servers=place.kafka.bootstrap, auto_offset_reset="earliest"
    )
    await consumer.start()
    database = Database(place.settings, "tally")
    seen, first, begun = 0, 0.0, 0
    while seen < events:
        batches = await consumer.getmany(
            timeout_ms=200, max_records=place.settings.consumer_batch_events
        )
        records = [record for batch in batches.values() for record in batch]
        if not records:
            continue
        read = [BillingFundsMoved.model_validate_json(record.value) for record in records]
        async with database.transaction() as session:
            await work(session, read)
        seen += len(records)
        if not first:
            first, begun = time.perf_counter(), seen
    rate = (events - begun) / (time.perf_counter() - first)
    await consumer.stop()
    await database.close()
    return rate


async def upsert(session: EventSession, events: Sequence[Event]) -> None:
    """The read model's effect."""
    await session.execute(_UPSERT, balances(events))


async def add_rows(session: EventSession, events: Sequence[Event]) -> None:
    """One ORM row per event."""
    for event in events:
        assert isinstance(event, BillingFundsMoved)
        session.add(Heard(key=event.owner_id, version=event.version, amount=event.amount))


async def bench_consumers(place: Rig, events: int, rounds: int) -> bool:
    """Figures 2 and 3: whole batches, and one handler call per event with ORM."""
    await send_bare(place, event_rows(events))
    connection = await asyncpg.connect(place.database_url)
    await connection.execute(
        "CREATE TABLE bench_balances (account text PRIMARY KEY, version bigint, balance numeric)"
    )
    await connection.close()
    turn = iter(range(1000))

    async def whole() -> float:
        consumers = Consumers(f"whole{next(turn)}")
        consumers.on_batch(BillingFundsMoved)(lambda found, session: upsert(session, found))
        return await consume_ours(place, consumers, events)

    async def each() -> float:
        consumers = Consumers(f"each{next(turn)}")

        @consumers.on(BillingFundsMoved)
        async def on_funds_moved(event: BillingFundsMoved, session: EventSession) -> None:
            await add_rows(session, [event])

        return await consume_ours(place, consumers, events)

    rates = await medians(
        rounds,
        whole=whole,
        bare_whole=lambda: consume_bare(place, events, upsert),
        each=each,
        bare_each=lambda: consume_bare(place, events, add_rows),
        per_message=lambda: consume_per_message(place, 300),
    )
    bare = "bare getmany loop, same bulk upsert"
    met = show("stream to row, whole batches", rates["whole"], {bare: rates["bare_whole"]},
               {bare: 0.5})  # fmt: skip
    bare = "bare getmany loop, same ORM work"
    return (
        show(
            "stream to row, one handler call per event with ORM",
            rates["each"],
            {bare: rates["bare_each"], "FastStream, a commit per message": rates["per_message"]},
            {bare: 0.6},
        )
        and met
    )


async def consume_per_message(place: Rig, events: int) -> float:
    """FastStream's single-message subscriber that commits each offset."""
    broker = KafkaBroker(place.kafka.bootstrap, logger=None)
    left, begun = events, 0.0
    done = asyncio.Event()

    @broker.subscriber(
        place.topic, group_id=f"g{time.monotonic_ns()}", auto_offset_reset="earliest"
    )
    async def on_message(_body: bytes) -> None:
        nonlocal left, begun
        begun = begun or time.perf_counter()
        left -= 1
        if left == 0:
            done.set()

    await broker.start()
    async with asyncio.timeout(WAIT_SECONDS):
        await done.wait()
    rate = events / (time.perf_counter() - begun)
    await broker.stop()
    return rate


async def bench_latency(place: Rig, events: int, _rounds: int) -> bool:
    """Figure 4: from commit to effect in another service, on an idle system."""
    effects: dict[int, float] = {}
    consumers = Consumers("latency")

    @consumers.on(BillingFundsMoved)
    async def on_funds_moved(event: BillingFundsMoved, session: EventSession) -> None:
        session.add(Heard(key=event.owner_id, version=event.version, amount=event.amount))
        effects[event.version] = time.perf_counter()

    app = service_app(basic_parts("tally", place.settings), routers=[], consumers=[consumers])
    waits = []
    async with app.router.lifespan_context(app):
        for version in range(min(events, 200)):
            async with app.parts.database.transaction() as session:
                outbox.publish(session, funds_moved(f"k{version}", version + 1, NOW))
            committed = time.perf_counter()
            async with asyncio.timeout(WAIT_SECONDS):
                while version + 1 not in effects:
                    await asyncio.sleep(0.001)
            waits.append(effects[version + 1] - committed)
            await asyncio.sleep(0.03)
    p50, p99 = percentiles_ms(waits[10:])
    met = p50 <= 60 and p99 <= 200
    verdict = "met" if met else "MISSED"
    print("\ncommit to effect elsewhere, idle")
    print(f"  p50 {p50:.1f} ms (bar 60), p99 {p99:.1f} ms (bar 200)   {verdict}")
    return met


async def bench_wake_up(place: Rig, events: int, _rounds: int) -> bool:
    """Figure 5: from commit to Kafka at 2,000 events a second, as a bare consumer sees them.

    Writers, relay and the consumer share one process. Every event of the steady state counts. What
    is committed in the first seconds is told apart, without a bar: it waits for the first leases,
    the producer's start, the topic's first batch and the pool's first connections.
    """
    together = WAKE_UP_WRITERS * WAKE_UP_EVENTS
    turns = (WAKE_UP_RATE * WAKE_UP_START_SECONDS + max(events, 2 * WAKE_UP_RATE)) // together
    committed: dict[str, float] = {}
    read_at: dict[str, float] = {}
    database = Database(place.settings, "tally")
    relay = asyncio.create_task(Relay(place.settings, database, "tally").run())
    consumer = AIOKafkaConsumer(
        place.topic, bootstrap_servers=place.kafka.bootstrap, auto_offset_reset="earliest"
    )
    await consumer.start()

    async def write(writer: int) -> None:
        due = time.perf_counter()
        for turn in range(turns):
            facts = [
                funds_moved(f"w{writer}", turn * WAKE_UP_EVENTS + n + 1, NOW)
                for n in range(WAKE_UP_EVENTS)
            ]
            async with database.transaction() as session:
                outbox.publish(session, *facts)
            at = time.perf_counter()
            committed.update((str(fact.event_id), at) for fact in facts)
            due += together / WAKE_UP_RATE
            await asyncio.sleep(max(due - time.perf_counter(), 0))

    async def read() -> None:
        while len(read_at) < turns * together:
            for records in (await consumer.getmany(timeout_ms=200)).values():
                now = time.perf_counter()
                read_at.update((dict(record.headers)["ce_id"].decode(), now) for record in records)

    started = time.perf_counter()
    async with asyncio.timeout(WAIT_SECONDS):
        await asyncio.gather(read(), *(write(n) for n in range(WAKE_UP_WRITERS)))
    rate = len(read_at) / (time.perf_counter() - started)
    relay.cancel()
    await asyncio.gather(relay, return_exceptions=True)
    await consumer.stop()
    await database.close()
    steady_from = started + WAKE_UP_START_SECONDS
    # A read may even come before the writer has noted its commit: no wait at all.
    waits = [(at, max(read_at[event_id] - at, 0.0)) for event_id, at in committed.items()]
    first_p50, first_p99 = percentiles_ms([wait for at, wait in waits if at < steady_from])
    p50, p99 = percentiles_ms([wait for at, wait in waits if at >= steady_from])
    met = p99 < WAKE_UP_P99_MS_MAX
    print(f"\ncommit to Kafka at {rate:,.0f} events/s")
    print(f"  p50 {p50:.1f} ms, p99 {p99:.1f} ms (bar 100)   {'met' if met else 'MISSED'}")
    print(
        f"  of the first {WAKE_UP_START_SECONDS} s after the start:"
        f" p50 {first_p50:.1f} ms, p99 {first_p99:.1f} ms"
    )
    return met


def percentiles_ms(waits: Sequence[float]) -> tuple[float, float]:
    """The median and the 99th percentile, in milliseconds."""
    in_order = sorted(waits)
    return in_order[len(in_order) // 2] * 1000, in_order[int(len(in_order) * 0.99)] * 1000


def resident_bytes(pid: int) -> int:
    """What the process holds in memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


async def bench_memory(place: Rig, events: int, _rounds: int) -> bool:
    """Figure 6: what a consumer's process holds while it catches up; flat, however long."""
    for _ in range(0, events, FILL_EVENTS):
        await send_bare(place, event_rows(FILL_EVENTS))
    total = -(-events // FILL_EVENTS) * FILL_EVENTS
    connection = await asyncpg.connect(place.database_url)
    position = "SELECT coalesce(sum(position), 0)::bigint FROM consumer_positions"
    held: list[tuple[int, int]] = []
    with tally(place.settings) as process:
        reached = 0
        while reached < total:
            await asyncio.sleep(0.2)
            reached = await connection.fetchval(position)
            if reached:
                held.append((reached, resident_bytes(process.pid)))
    await connection.close()
    early = max(size for at, size in held if at <= max(total // 5, held[0][0]))
    late = max(size for at, size in held if at > total * 4 // 5)
    met = late <= early * MEMORY_GROWTH_MAX
    print(f"\nmemory of a consumer over a catch-up of {total:,} events")
    print(
        f"  first fifth {early / 1e6:.0f} MB, last fifth {late / 1e6:.0f} MB,"
        f" ratio {late / early:.2f} (flat: up to {MEMORY_GROWTH_MAX})   "
        f"{'met' if met else 'MISSED'}"
    )
    return met


class BenchTables(DeclarativeBase):
    """Tables of this benchmark alone."""

    type_annotation_map = COLUMN_TYPES


class Account(BenchTables):
    """A balance."""

    __tablename__ = "bench_accounts"

    id: Mapped[str] = mapped_column(primary_key=True)
    balance: Mapped[Decimal]


async def write(place: Rig, writers: int, transactions: int, *, stated: bool) -> float:
    """Transactions that lock an account, move its balance and add a row, with or without event."""
    settings = place.settings.model_copy(update={"database_pool_size": writers})
    database = Database(settings, "tally")

    async def one_writer(number: int) -> None:
        for version in range(1, transactions // writers + 1):
            async with database.transaction() as session:
                account = await session.get_one(Account, f"w{number}", with_for_update=True)
                account.balance += 1
                session.add(Heard(key=account.id, version=version, amount=Decimal(1)))
                if stated:
                    outbox.publish(session, funds_moved(f"w{number}", version, NOW))

    async with database.engine.begin() as connection:
        await connection.run_sync(Account.metadata.create_all)
    async with database.transaction() as session:
        for number in range(writers):
            await session.merge(Account(id=f"w{number}", balance=Decimal(0)))
    await asyncio.gather(*(one_writer(n) for n in range(writers)))  # warm connections
    started = time.perf_counter()
    await asyncio.gather(*(one_writer(n) for n in range(writers)))
    rate = transactions / (time.perf_counter() - started)
    await database.close()
    return rate


async def bench_transactions(place: Rig, events: int, rounds: int) -> bool:
    """Figure 7: what the outbox costs a business transaction."""
    count = max(min(events // 20, 4000), 320)
    rates = await medians(
        rounds,
        ours=lambda: write(place, 32, count, stated=True),
        bare=lambda: write(place, 32, count, stated=False),
    )
    bare = "the same transactions without outbox"
    return show("business transactions, 32 writers", rates["ours"], {bare: rates["bare"]},
                {bare: 0.85})  # fmt: skip


async def paced_p99_ms(place: Rig, turns: int, *, poisoned: bool) -> float:
    """The 99th percentile of commit to effect at 2,000 events a second, of keys that are sound."""
    committed: dict[str, float] = {}
    effects: dict[str, float] = {}
    consumers = Consumers("paced")

    @consumers.on(BillingFundsMoved)
    async def on_funds_moved(event: BillingFundsMoved, session: EventSession) -> None:
        if event.amount < 0:
            raise ValueError(f"a tally cannot count {event.amount}")
        await add_rows(session, [event])
        effects[str(event.event_id)] = time.perf_counter()

    app = service_app(basic_parts("tally", place.settings), routers=[], consumers=[consumers])
    async with app.router.lifespan_context(app):
        due = time.perf_counter()
        for turn in range(turns):
            keys = range(turn * POISON_TOGETHER, (turn + 1) * POISON_TOGETHER)
            facts = [
                funds_moved(
                    f"k{key % POISON_KEYS}",
                    key // POISON_KEYS + 1,
                    NOW,
                    "-1.00" if poisoned and key % POISON_KEYS % 100 == 0 else "1.00",
                )
                for key in keys
            ]
            async with app.parts.database.transaction() as session:
                outbox.publish(session, *facts)
            at = time.perf_counter()
            committed.update((str(fact.event_id), at) for fact in facts if fact.amount > 0)
            due += POISON_TOGETHER / WAKE_UP_RATE
            await asyncio.sleep(max(due - time.perf_counter(), 0))
        async with asyncio.timeout(WAIT_SECONDS):
            while len(effects.keys() & committed.keys()) < len(committed):
                await asyncio.sleep(0.01)
    begun = min(committed.values()) + WAKE_UP_START_SECONDS
    waits = [effects[event_id] - at for event_id, at in committed.items() if at >= begun]
    return percentiles_ms(waits)[1]


async def bench_poison(place: Rig, events: int, rounds: int) -> bool:
    """Figure 8: what one poisoned key in a hundred costs the others: rate and wait.

    Each is found once, by a failed batch and four transactions more: the price is told apart. From
    then on its events only wait.
    """
    sick = await rig(place.postgres, place.kafka)
    await send_bare(place, event_rows(events))
    await send_bare(sick, event_rows(events, poisoned=True))
    turn = iter(range(1000))
    rates = await medians(
        rounds,
        ours=lambda: consume_ours(sick, counting(f"sick{next(turn)}"), events, after=KEYS),
        sound=lambda: consume_ours(place, counting(f"sound{next(turn)}"), events, after=KEYS),
        finding=lambda: consume_ours(sick, counting(f"finding{next(turn)}"), events),
    )
    sound = "the same without poison"
    met = show("stream to row, one key in a hundred poisoned", rates["ours"],
               {sound: rates["sound"]}, {sound: POISON_RATIO_MIN})  # fmt: skip
    lost_ms = (events / rates["finding"] - events / rates["ours"]) * 1000
    print(f"  to find and park one costs {lost_ms / (KEYS // 100):.0f} ms, once: with that,"
          f" {rates['finding']:,.0f}/s of {events:,} events")  # fmt: skip
    turns = max(events // 4, WAKE_UP_RATE * 2 * WAKE_UP_START_SECONDS) // POISON_TOGETHER

    async def paced(poisoned: bool) -> float:
        fresh = await rig(place.postgres, place.kafka)
        return await paced_p99_ms(fresh, turns, poisoned=poisoned)

    p99 = await medians(rounds, ours=lambda: paced(True), sound=lambda: paced(False))
    print(f"  p99 of commit to effect at 2,000 events/s: {p99['ours']:.1f} ms, without poison"
          f" {p99['sound']:.1f} ms")  # fmt: skip
    return met


FIGURES = {
    "relay": bench_relay,
    "consumers": bench_consumers,
    "latency": bench_latency,
    "wake-up": bench_wake_up,
    "memory": bench_memory,
    "transactions": bench_transactions,
    "poison": bench_poison,
}


async def main(figures: Sequence[str], events: int | None, rounds: int) -> bool:
    """Run the figures, each on a database and topic of its own."""
    with servers() as (postgres, kafka):
        met = True
        for figure in figures:
            count = events or (CATCH_UP_EVENTS if figure == "memory" else EVENTS)
            met = await FIGURES[figure](await rig(postgres, kafka), count, rounds) and met
    return met


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("figures", nargs="*", help=f"of {', '.join(FIGURES)}; all by default")
    parser.add_argument(
        "--events", type=int, help=f"{EVENTS:,} by default, {CATCH_UP_EVENTS:,} for memory"
    )
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    assert given.events is None or given.events >= KEYS, (
        f"at least {KEYS} events, so that every key has one"
    )
    raise SystemExit(
        0 if uvloop.run(main(given.figures or list(FIGURES), given.events, given.rounds)) else 1
    )
