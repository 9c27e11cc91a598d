"""A soak of the bus: writers, kills, freezes and broker restarts, then an independent check.

`make soak SECONDS=120`, or `python -m tests.chassis.soak --seconds 120 --seed 7`. The writers keep
each key's version in a table of their own, in the transaction that states the fact: what that table
says was committed must have been heard, once each and in order.
"""

import argparse
import asyncio
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import func, select, text

from chassis import outbox
from chassis.database import Database
from chassis.settings import ServiceSettings
from chassis.tables import OutboxRow
from testkit.servers import KafkaServer, PostgresServer
from tests.chassis.processes import tally
from tests.chassis.tally import Heard, create_schema, funds_moved, settings_for

TALLIES = 3
WRITERS = 4
KEYS = 40
PAUSE_SECONDS = (0.5, 3.0)
FROZEN_SECONDS = (2.0, 9.0)
BROKER_EVERY_SECONDS = 25.0
SETTLE_SECONDS = 240.0
NOW = datetime(2026, 11, 23, tzinfo=UTC)

_NEXT_VERSION = text(
    "UPDATE soak_keys SET version = version + 1 WHERE key = :key RETURNING version"
)


@dataclass
class Verdict:
    """What was done to the bus and what the checker found."""

    committed: int = 0
    deeds: Counter[str] = field(default_factory=Counter)
    breaches: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """One line for the terminal."""
        done = ", ".join(f"{count} {deed}" for deed, count in sorted(self.deeds.items()))
        found = "; ".join(self.breaches) or "every fact once, in the order of its key"
        return f"{self.committed} facts committed; {done}: {found}"


class Soak:
    """One run on a database and a topic of its own."""

    def __init__(self, settings: ServiceSettings, kafka: KafkaServer, seed: int):
        self._settings = settings
        self._kafka = kafka
        self._chance = random.Random(seed)
        self._database = Database(settings, "tally")
        self._verdict = Verdict()
        self._tallies: list[subprocess.Popen[bytes]] = []
        self._stack = ExitStack()

    async def run(self, seconds: float, tell: Callable[[str], None] = print) -> Verdict:
        """Load and faults for the time, then quiet until all has arrived, then the check."""
        await self._prepare()
        deadline = time.monotonic() + seconds
        try:
            for _ in range(TALLIES):
                self._start_tally()
            async with asyncio.TaskGroup() as tasks:
                for _ in range(WRITERS):
                    tasks.create_task(self._write_until(deadline))
                tasks.create_task(self._harm_until(deadline, tell))
            for process in self._tallies:
                if process.poll() is not None:
                    self._start_tally()
            await self._settle(tell)
            await self._check()
        finally:
            self._stack.close()
            await self._database.close()
        return self._verdict

    async def _prepare(self) -> None:
        async with self._database.transaction() as session:
            await session.execute(
                text("CREATE TABLE soak_keys (key text PRIMARY KEY, version int)")
            )
            await session.execute(
                text("INSERT INTO soak_keys SELECT 'k' || n, 0 FROM generate_series(1, :keys) n"),
                {"keys": KEYS},
            )

    def _start_tally(self) -> None:
        self._tallies.append(self._stack.enter_context(tally(self._settings)))

    async def _write_until(self, deadline: float) -> None:
        while time.monotonic() < deadline:
            key = f"k{self._chance.randint(1, KEYS)}"
            async with self._database.transaction() as session:
                version = await session.scalar(_NEXT_VERSION, {"key": key})
                outbox.publish(session, funds_moved(key, version or 0, NOW))
            self._verdict.committed += 1
            await asyncio.sleep(self._chance.uniform(0, 0.01))

    async def _harm_until(self, deadline: float, tell: Callable[[str], None]) -> None:
        broker_at = time.monotonic() + BROKER_EVERY_SECONDS / 2
        while time.monotonic() < deadline:
            if time.monotonic() > broker_at:
                await self._restart_broker()
                broker_at = time.monotonic() + BROKER_EVERY_SECONDS
            else:
                await self._harm_a_tally()
            left = max(deadline - time.monotonic(), 0)
            tell(f"{left:4.0f} s left, {self._verdict.committed} facts committed")
            await asyncio.sleep(self._chance.uniform(*PAUSE_SECONDS))

    async def _restart_broker(self) -> None:
        self._verdict.deeds["broker kills"] += 1
        await asyncio.to_thread(self._kafka.kill)
        await asyncio.to_thread(self._kafka.start)

    async def _harm_a_tally(self) -> None:
        victim = self._chance.choice(self._tallies)
        if self._chance.random() < 0.5:
            self._verdict.deeds["kills"] += 1
            victim.kill()
            await asyncio.to_thread(victim.wait)
            self._tallies.remove(victim)
            self._start_tally()
        else:
            self._verdict.deeds["freezes"] += 1
            os.kill(victim.pid, signal.SIGSTOP)
            await asyncio.sleep(self._chance.uniform(*FROZEN_SECONDS))
            os.kill(victim.pid, signal.SIGCONT)

    async def _settle(self, tell: Callable[[str], None]) -> None:
        """Until the outbox is empty and as much was heard as committed, or the time is over."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < deadline:
            async with self._database.transaction() as session:
                waiting = await session.scalar(select(func.count()).select_from(OutboxRow))
                heard = await session.scalar(select(func.count()).select_from(Heard)) or 0
            if not waiting and heard >= self._verdict.committed:
                break
            tell(f"settling: {waiting} in the outbox, {heard} heard")
            await asyncio.sleep(1)
        await asyncio.sleep(1)  # a duplicate would still arrive

    async def _check(self) -> None:
        """The checker trusts nothing but the writers' own table and the effects."""
        heard: dict[str, list[int]] = {}
        async with self._database.transaction() as session:
            rows = await session.execute(select(Heard.key, Heard.version).order_by(Heard.id))
            for key, version in rows:
                heard.setdefault(key, []).append(version)
            truth = await session.execute(text("SELECT key, version FROM soak_keys"))
            for key, last in truth:
                if heard.pop(key, []) != list(range(1, last + 1)):
                    self._verdict.breaches.append(f"{key} is not 1 to {last}, once each, in order")
            total = await session.scalar(text("SELECT sum(version) FROM soak_keys"))
        if heard:
            self._verdict.breaches.append(f"heard of keys never written: {sorted(heard)}")
        if total != self._verdict.committed:
            self._verdict.breaches.append(f"{total} committed, writers counted otherwise")


async def soak(
    postgres: PostgresServer,
    kafka: KafkaServer,
    seconds: float,
    seed: int,
    tell: Callable[[str], None] = print,
) -> Verdict:
    """One soak on the servers given."""
    prefix = f"soak{uuid4().hex[:8]}_"
    kafka.create_topics([prefix + "billing"], 3)
    postgres.create_database(f"{prefix}tally")
    settings = settings_for(
        postgres.url,
        kafka.bootstrap,
        prefix,
        relay_lease_seconds=3.0,
        consumer_session_seconds=6.0,
    )
    await create_schema(settings)
    try:
        return await Soak(settings, kafka, seed).run(seconds, tell)
    finally:
        postgres.drop_database(f"{prefix}tally")


def main() -> int:
    """The command line; exit 1 when the checker found a breach."""
    parser = argparse.ArgumentParser(description="Soak the bus under kills, freezes and restarts.")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--seed", type=int, default=None, help="random by default; printed")
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(10**6)
    tell: Callable[[str], None] = lambda line: print(line, flush=True)  # noqa: E731, T201
    tell(f"seed {seed}")
    postgres = PostgresServer.for_session()
    try:
        kafka = KafkaServer.for_session()
        try:
            verdict = asyncio.run(soak(postgres, kafka, given.seconds, seed, tell))
        finally:
            kafka.close()
    finally:
        postgres.close()
    tell(str(verdict))
    return 1 if verdict.breaches else 0


if __name__ == "__main__":
    raise SystemExit(main())
