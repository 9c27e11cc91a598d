"""One size of the benchmark of orders: databases, the four services of a payment, their floors."""

import pickle
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
from tests.flows.in_process import BUILDS

from benchmarks.orders_load import PAYERS, Scene, Stores, set_the_scene
from benchmarks.serving import start_process, stop_processes, until_ready
from benchmarks.wire_rig import REQUESTS_PER_SECOND
from gateway.app import build as build_gateway
from gateway.forwarding.destinations import Service
from gateway.identity.create_access_key import Holder, mint_key
from gateway.settings import GatewaySettings
from order.app import build as build_order
from order.settings import OrderSettings
from testkit.databases import Templates
from testkit.embedded.ports import free_port
from testkit.keys import ADMIN_TOKEN, ENCRYPTION_KEYS

SERVING = ("gateway", "order", "voucher", "billing")
FLOORS = ("order", "voucher", "billing")


@dataclass
class Shop:
    """Where one size is served."""

    stores: Stores
    scene: Scene
    keys: dict[str, tuple[str, str]] = field(default_factory=dict)  # by customer
    ports: dict[str, int] = field(default_factory=dict)
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def url(self, name: str) -> str:
        """Of a service, or of a floor: "order", "order-floor"."""
        return f"http://127.0.0.1:{self.ports[name]}"

    def order_app(self) -> Any:
        """Order in this process, which asks the real billing and voucher."""
        urls = {f"{name}_url": self.url(name) for name in ("billing", "voucher")}
        return build_order(self.stores[Service.ORDER].settings(OrderSettings, **urls))

    async def mint_keys(self) -> None:
        """Each customer's own, before the gateway is there."""
        told = {"admin_token": ADMIN_TOKEN, "encryption_keys": ENCRYPTION_KEYS}
        app = build_gateway(self.stores[Service.GATEWAY].settings(GatewaySettings, **told))
        async with app.parts.database.transaction() as session:
            for one in (*self.scene.customers, self.scene.partner):
                made = mint_key(app.parts.keyring, Holder(one.id, None), "", datetime.now(UTC))
                session.add(made.key)
                self.keys[one.id] = (made.key.access, made.secret)
        await app.parts.database.close()

    async def serve(self) -> None:
        """Start the services; nobody is held to ten requests a second."""
        for name in SERVING:
            self.ports[name] = free_port(self.ports.values())
            self.ports[f"{name}-ops"] = free_port(self.ports.values())
        for name in SERVING:
            command = [str(Path(sys.executable).parent / name), "serve"]
            self._start(command, {"PORT": f"{self.ports[name]}",
                                  "OPS_PORT": f"{self.ports[f'{name}-ops']}"})  # fmt: skip
        async with aiohttp.ClientSession(headers={"X-Auth-Token": ADMIN_TOKEN}) as client:
            await self._ready(client, [f"{name}-ops" for name in SERVING])
            for one in (*self.scene.customers, self.scene.partner):
                limit = {"requests_per_second": REQUESTS_PER_SECOND}
                path = f"{self.url('gateway')}/api/principals/{one.id}/rate-limit"
                async with client.put(path, json=limit) as answer:
                    assert answer.status == 200, await answer.text()

    async def serve_floors(self, folder: str) -> None:
        """The same processes, doing nothing but the recorded statements."""
        script = Path(folder) / "payment"
        shared = frozenset({self.scene.partner.id})
        script.write_bytes(pickle.dumps((self.scene.recorded, self.scene.paid, shared)))
        for name in FLOORS:
            self.ports[f"{name}-floor"] = free_port(self.ports.values())
        for name in FLOORS:
            command = [sys.executable, "-m", "uvicorn", f"benchmarks.orders_floor:{name}"]
            command += ["--factory", "--no-access-log", "--log-level", "warning"]
            command += ["--port", str(self.ports[f"{name}-floor"])]
            told = {"SCRIPT": str(script), "DATABASE": self.stores[Service(name)].url}
            told |= {f"{x.upper()}_FLOOR": self.url(f"{x}-floor") for x in ("voucher", "billing")}
            self._start(command, told)
        async with aiohttp.ClientSession() as client:
            await self._ready(client, [f"{name}-floor" for name in FLOORS])

    def _start(self, command: list[str], more: dict[str, str]) -> None:
        peers = {f"{name.upper()}_URL": self.url(name) for name in SERVING if name in self.ports}
        self.running.append(start_process(command, self.stores[Service.ORDER], peers | more))

    async def _ready(self, client: aiohttp.ClientSession, names: list[str]) -> None:
        for name in names:
            await until_ready(client, self.url(name))

    def stop(self) -> None:
        """End the processes."""
        stop_processes(self.running)


@asynccontextmanager
async def shop(templates: Templates, prefix: str, *, floors: bool) -> AsyncIterator[Shop]:
    """The scene is set; the services run on it without a bus, which is measured elsewhere."""
    stores = {one: templates.copy(one.replace("-", "_"), prefix) for one in BUILDS}
    made = Shop(stores, await set_the_scene(stores))
    with tempfile.TemporaryDirectory() as folder:
        try:
            await made.mint_keys()
            await made.serve()
            if floors:
                await made.serve_floors(folder)
            yield made
        finally:
            made.stop()
            templates.drop(*stores.values())


__all__ = ["PAYERS", "Shop", "shop"]
