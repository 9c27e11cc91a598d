"""The restore drill on all six services: `make drill-restore`.

Load, back up, load more, to an instant and beyond it; server and services are killed. Restored to
the end of the log, and again to the instant. A ledger that only the load writes says what each
customer must have; which facts are lost is known from Kafka's ends at the instant.
"""

import argparse
import asyncio
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition

from testkit.databases import Templates
from testkit.servers import KafkaServer, PostgresServer
from testkit.system import SERVICES, System
from tests.billing.proving import tell as say
from tests.chassis.backing_up import LOGGED, backup, received, restored, rows, streaming, url_of
from tests.flows.cast import Stage, eventually
from tests.flows.deeds import Customer, create_customer, pay, place_order, transfer
from tests.flows.test_killed_payments import money

CUSTOMERS = 8
AT_ONCE = 4
SETTLED_SECONDS_MAX = 120.0
Ends = dict[TopicPartition, int]


class Ledger:
    """What the load knows of each customer's money, by the answers that it got."""

    def __init__(self) -> None:
        self._moved: dict[str, list[Decimal]] = defaultdict(list)

    def move(self, customer_id: str, amount: Decimal) -> None:
        """It was answered that this came, or went."""
        self._moved[customer_id].append(amount)

    def balances(self) -> dict[str, Decimal]:
        """By customer."""
        return {customer: sum(moved, Decimal(0)) for customer, moved in self._moved.items()}

    @property
    def deeds(self) -> int:
        """How many were answered."""
        return sum(map(len, self._moved.values()))


class Load:
    """Partners give money, customers spend it; the same numbers for the same seed."""

    def __init__(self, stage: Stage, seed: int):
        self.ledger = Ledger()
        self._random = random.Random(seed)
        self.partner = stage.partner(funds="9000000.00")
        self._customers = [create_customer(stage, self.partner) for _ in range(CUSTOMERS)]
        for one in self._customers:
            stage.authorize(self.partner, one.caller)

    def rounds(self, count: int) -> None:
        """So many for each customer, several customers at once."""
        seeds = [self._random.randrange(2**32) for _ in self._customers]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(
                pool.map(
                    lambda of: self._live(of[0], count, of[1]),
                    zip(self._customers, seeds, strict=True),
                )
            )

    def _live(self, customer: Customer, rounds: int, seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(rounds):
            given = Decimal(chance.randrange(50_000, 99_999)) / 100
            transfer(self.partner, customer.id, str(given))
            self.ledger.move(customer.id, given)
            if chance.random() < 0.5:
                order = place_order(self.partner, customer.id)
                payable = Decimal(str(order["amount_after_discount"]))
                pay(customer.caller, order["order_id"])
                self.ledger.move(customer.id, -payable)

    def compared(self, wanted: dict[str, Decimal], when: str) -> None:
        """The read model shows what the ledger says, to the cent, and nothing is held."""
        for customer_id, balance in wanted.items():
            eventually(
                lambda one=customer_id: money(self.partner, one),  # type: ignore[misc]
                lambda seen, left=balance: seen == (left, Decimal(0)),  # type: ignore[misc]
                SETTLED_SECONDS_MAX,
            )
        total = sum(wanted.values(), Decimal(0))
        say(f"{when}: {len(wanted)} customers have {total}, as the ledger says to the cent")


def must(held: bool, text: str) -> None:
    """Say it, or end with it."""
    if not held:
        sys.exit(f"NOT: {text}")
    say(text)


def ends(system: System) -> Ends:
    """Where the topics end."""

    async def asked() -> Ends:
        consumer = AIOKafkaConsumer(bootstrap_servers=system.kafka.bootstrap)
        await consumer.start()
        try:
            every = [TopicPartition(t, p) for t in system.topics for p in range(system.partitions)]
            found: Ends = await consumer.end_offsets(every)
            return found
        finally:
            await consumer.stop()

    return asyncio.run(asked())


def ids_after(system: System, begin: Ends) -> set[str]:
    """The events from there to the ends: their ids."""

    async def read() -> set[str]:
        consumer = AIOKafkaConsumer(bootstrap_servers=system.kafka.bootstrap)
        await consumer.start()
        found = set[str]()
        try:
            upto: Ends = await consumer.end_offsets(list(begin))
            consumer.assign(list(begin))
            for partition, offset in begin.items():
                consumer.seek(partition, offset)
            while [one for one in begin if await consumer.position(one) < upto[one]]:
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    for record in records:
                        found.add(dict(record.headers)["ce_id"].decode())
        finally:
            await consumer.stop()
        return found

    return asyncio.run(read())


def quiet(system: System, server_url: str) -> Ends:
    """Wait until nothing waits in an outbox and the topics do not grow; where they end."""

    def waiting() -> int:
        names = [f"{server_url}/{system.prefix}{one.replace('-', '_')}" for one in SERVICES]
        return sum(rows(name, "SELECT count(*) FROM outbox")[0][0] for name in names)

    while True:
        eventually(waiting, lambda found: found == 0, SETTLED_SECONDS_MAX)
        before = ends(system)
        time.sleep(3)
        if waiting() == 0 and ends(system) == before:
            return before


def restore_command(system: System, kept: Path, *arguments: str) -> tuple[int, str]:
    """`channelbus-restore` with the settings of the services."""
    command = [str(Path(sys.executable).parent / "channelbus-restore"), *arguments]
    done = subprocess.run(
        [*command, "--kept", str(kept)], env=system.environment_of("gateway"), capture_output=True,
        text=True, timeout=600, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


@contextmanager
def running(system: System) -> Iterator[None]:
    """The services, on the restored server, within the block."""
    for name in SERVICES:
        system.launch(name)
    system.wait_until_ready()
    yield
    for name in SERVICES:
        system.kill(name)


def drill(stack: ExitStack, folder: Path, rounds: int, seed: int) -> None:
    """All of it."""
    begun = time.monotonic()
    server = PostgresServer.private({**LOGGED, "max_connections": "200"})
    stack.callback(server.close)
    kafka = KafkaServer.private()
    stack.callback(kafka.close)
    system = System(Templates(server), kafka)
    stack.callback(system.close)
    stack.callback(system.databases.clear)  # they go with their server
    system.start()
    load = Load(Stage(system), seed)
    with streaming(folder / "backups", server.url):
        load.rounds(rounds)
        taken = backup(folder / "backups", "base", server.url)
        must(
            taken.returncode == 0, f"a base backup, after {load.ledger.deeds} deeds {taken.stderr}"
        )
        load.rounds(rounds)
        at_instant, known = quiet(system, server.url), load.ledger.balances()
        instant, deeds = datetime.now(UTC), load.ledger.deeds
        time.sleep(0.1)
        load.rounds(rounds)
        for name in SERVICES:
            system.kill(name)  # with facts on their way
        received(server)
        server.crash()
    say(f"destroyed after {load.ledger.deeds} deeds, {load.ledger.deeds - deeds} of them after the"
        f" instant {instant:%H:%M:%S.%f}")  # fmt: skip
    lost = ids_after(system, at_instant)
    kafka.stop()
    shutil.copytree(kafka.data, folder / "kafka")
    kafka.start()

    kept = folder / "kept.json"
    with restored(folder / "backups") as back:
        url = url_of(back, server)
        system.use_database(url)
        status, said = restore_command(system, kept, "check")
        must(status == 0 and "Nothing is lost" in said, f"to the end of the log: {said.strip()}")
        with running(system):
            load.compared(load.ledger.balances(), "to the end of the log")
            balanced = Stage(system).admin("GET", "/api/ledger/proof")["balanced"]
            must(balanced is True, "billing's own proof holds")
    kafka.stop()
    shutil.rmtree(kafka.data)
    shutil.copytree(folder / "kafka", kafka.data)
    kafka.start()

    kept.unlink()
    with restored(folder / "backups", "--until", instant.isoformat()) as back:
        url = url_of(back, server)
        system.use_database(url)
        status, said = restore_command(system, kept, "check")
        named = {fact["event_id"] for fact in json.loads(kept.read_text())["lost"]}
        must(status == 1 and named == lost,
             f"to the instant: {len(named)} lost facts are named, Kafka has {len(lost)} behind it,"
             f" {len(named ^ lost)} differ")  # fmt: skip
        leave = ["repair", "--leave-out", "all", "--reason", "the drill"]
        status, said = restore_command(system, kept, *leave)
        must(status == 0, f"left out: {said.strip().splitlines()[-1]}")
        rows(f"{url}/postgres", "ALTER SYSTEM RESET autovacuum")
        rows(f"{url}/postgres", "SELECT pg_reload_conf()")
        with running(system):
            for name in ("order", "voucher", "billing", "customer-sync", "gateway"):
                done = system.command(name, "rebuild")
                last = done.communicate(timeout=600)[0].strip().splitlines()[-1]
                must(done.returncode == 0, f"rebuilt {name}: {last}")
            load.compared(known, "to the instant")
            load.ledger = of(known)
            load.rounds(1)
            load.compared(load.ledger.balances(), "after more load")
            balanced = Stage(system).admin("GET", "/api/ledger/proof")["balanced"]
            must(balanced is True, "billing's own proof holds")
    say(f"holds, in {time.monotonic() - begun:.0f} s")


def of(balances: dict[str, Decimal]) -> Ledger:
    """A ledger that begins with them."""
    ledger = Ledger()
    for customer_id, balance in balances.items():
        ledger.move(customer_id, balance)
    return ledger


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10, help="of each customer, three times")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4)))
    told = parser.parse_args()
    say(f"seed {told.seed}")
    with tempfile.TemporaryDirectory() as made, ExitStack() as stack:
        drill(stack, Path(made), told.rounds, told.seed)


if __name__ == "__main__":
    main()
