"""What the rows of the benchmark of billing stand on: a database of billing's, and its process."""

import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
from tests.billing.builders import as_partner, customer, partner_joined

from benchmarks.serving import ask_service, start_process, stop_processes, until_ready
from billing.accounts.top_up_account import TopUpAccount, top_up_account
from billing.consumers import consumers
from billing.settings import BillingSettings
from chassis.database import Database
from chassis.identity import Principal
from contracts.event import Event
from testkit import bus
from testkit.databases import ServiceDatabase, Templates
from testkit.door import ADMINISTRATOR
from testkit.embedded.ports import free_port

HEARD_AT_ONCE = 500  # events of one batch


@dataclass
class Place:
    """A database of billing's; `serve` starts its process where a row asks by requests."""

    store: ServiceDatabase
    database: Database
    url: str = ""
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    async def hear(self, events: Sequence[Event]) -> None:
        """Partners and customers come as events, as they do from their services."""
        for begin in range(0, len(events), HEARD_AT_ONCE):
            await bus.hear(self.database, consumers, *events[begin : begin + HEARD_AT_ONCE])

    async def parties(self, mark: str, partners: int, customers: int) -> list[tuple[str, str]]:
        """So many partners, and so many customers of them in turn: (partner, customer)."""
        pairs = [
            (f"{mark}-partner-{number % partners}", f"{mark}-customer-{number}")
            for number in range(customers)
        ]
        await self.hear([partner_joined(one) for one in dict.fromkeys(p for p, _ in pairs)])
        await self.hear([customer(customer_id=whose, partner_id=who) for who, whose in pairs])
        return pairs

    async def top_up(self, owner_ids: Sequence[str], amount: str) -> None:
        """Money from outside for each."""
        wanted = TopUpAccount.model_validate({"amount": amount})
        async with self.database.transaction() as session:
            for owner_id in owner_ids:
                await top_up_account(session, ADMINISTRATOR, owner_id, wanted, datetime.now(UTC))

    async def serve(self, **settings: str) -> None:
        """Start the service with these settings beside its own; once."""
        if self.running:
            return
        port, ops = free_port(), free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [str(Path(sys.executable).parent / "billing"), "serve"]
        told = {"PORT": f"{port}", "OPS_PORT": f"{ops}", **settings}
        self.running.append(start_process(command, self.store, told))
        async with aiohttp.ClientSession() as client:
            await until_ready(client, f"http://127.0.0.1:{ops}")

    async def ask(
        self, client: aiohttp.ClientSession, path: str, body: bytes, who: Principal,
        method: str = "POST",
    ) -> bytes:  # fmt: skip
        """One request as the gateway would forward it."""
        return await ask_service(client, self.url, self.store, path, body, who, method)

    async def connect(self) -> asyncpg.Connection:
        """The driver's own connection, for loading rows and for bare floors."""
        return await asyncpg.connect(self.store.url)

    async def close(self) -> None:
        """End the process, and give the connections back."""
        stop_processes(self.running)
        await self.database.close()


@asynccontextmanager
async def place(templates: Templates, name: str) -> AsyncIterator[Place]:
    """An empty database of billing's of its own."""
    store = templates.copy("billing", f"bench_{name}_")
    made = Place(store, Database(store.settings(BillingSettings), "billing"))
    try:
        yield made
    finally:
        await made.close()
        templates.drop(store)


def partner(partner_id: str) -> Principal:
    """A partner's own credential."""
    return as_partner(partner_id)


def compare(what: str, ours: float, floor: float, bar: float, **more: Any) -> bool:
    """Print a rate beside its floor's; True when the ratio reaches the bar."""
    met = ours / floor >= bar
    told = "".join(f"   {name} {value}" for name, value in more.items())
    print(f"\n{what}\n  ours  {ours:>12,.1f}/s\n  floor {floor:>12,.1f}/s   ratio"
          f" {ours / floor:.2f}   bar {bar:g}: {'met' if met else 'MISSED'}{told}",
          flush=True)  # fmt: skip
    return met
