"""A real Prometheus over the services of this checkout, with the rules as shipped."""

import asyncio
import json
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from local.services import SERVICES
from local.stack import Stack
from testkit.embedded.jars import CHECKOUT
from testkit.embedded.ports import LOOPBACK, free_port
from testkit.embedded.processes import last_lines

RULES = CHECKOUT / "deploy" / "prometheus" / "alerts.yml"
SCRAPE_SECONDS = 2
ANSWER_SECONDS = 10.0
STOP_SECONDS = 15.0


def find_prometheus() -> Path:
    """PROMETHEUS, else `prometheus` on the PATH.

    Raises:
        RuntimeError: there is none; it says where to get one.

    """
    named = os.environ.get("PROMETHEUS", "").strip()
    found = shutil.which(named or "prometheus")
    if found is None:
        raise RuntimeError(
            f"there is no {named or 'prometheus'}: install the Debian package `prometheus`"
            " (apt-get install prometheus), or name the program: PROMETHEUS=/path make prove-alerts"
        )
    return Path(found)


def check_rules(prometheus: Path) -> str:
    """What promtool says of the rules; without it, Prometheus itself refuses what is wrong.

    Raises:
        RuntimeError: promtool finds a fault.

    """
    beside = prometheus.with_name("promtool")
    promtool = str(beside) if beside.exists() else shutil.which("promtool")
    if promtool is None:
        return "no promtool; Prometheus reads the rules itself"
    said = subprocess.run([promtool, "check", "rules", str(RULES)], capture_output=True, text=True)
    if said.returncode:
        raise RuntimeError(f"promtool: {said.stdout}{said.stderr}".strip())
    return "promtool: " + said.stdout.strip().splitlines()[-1].strip()


def asked_series() -> set[str]:
    """The series that the rules look at."""
    lines = RULES.read_text("utf-8").splitlines()
    expressions = [line for line in lines if line.strip().startswith("expr:")]
    return {name for line in expressions for name in re.findall(r"channelbus_\w+", line)}


@dataclass(frozen=True)
class Prometheus:
    """One that runs."""

    url: str
    http: aiohttp.ClientSession

    async def up(self) -> set[str]:
        """The services that were scraped."""
        targets = (await self._get("/api/v1/targets"))["activeTargets"]
        return {one["labels"]["service"] for one in targets if one["health"] == "up"}

    async def firing(self, alert: str, group: str) -> bool:
        """Whether the alert fires for the group."""
        alerts = (await self._get("/api/v1/alerts"))["alerts"]
        return any(
            one["state"] == "firing"
            and one["labels"]["alertname"] == alert
            and one["labels"].get("group") == group
            for one in alerts
        )

    async def ready(self) -> bool:
        """Whether it answers."""
        try:
            async with self.http.get(f"{self.url}/-/ready") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    async def _get(self, path: str) -> Any:
        async with self.http.get(self.url + path) as answer:
            return (await answer.json())["data"]


@asynccontextmanager
async def running(program: Path, stack: Stack) -> AsyncIterator[Prometheus]:
    """Start it with an empty store below `.run/`; end it, too."""
    folder = stack.layout.run / "prometheus"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    config = folder / "prometheus.yml"
    config.write_text(json.dumps(_config(stack)), "utf-8")  # JSON is YAML
    port = free_port(stack.ports.values())
    log = stack.layout.log("prometheus")
    command = [
        str(program), f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={LOOPBACK}:{port}", "--log.level=warn",
    ]  # fmt: skip
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    with log.open("w") as written:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=written, stderr=subprocess.STDOUT
        )
    try:
        async with aiohttp.ClientSession(timeout=timeout) as http:
            yield Prometheus(f"http://{LOOPBACK}:{port}", http)
            if process.returncode is not None:
                raise RuntimeError(f"Prometheus ended by itself:\n{last_lines(log, 20)}")
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def _config(stack: Stack) -> dict[str, Any]:
    every = f"{SCRAPE_SECONDS}s"
    services = [
        {
            "targets": [f"{LOOPBACK}:{stack.ports[service.ops]}"],
            "labels": {"service": service.name},
        }
        for service in SERVICES
    ]
    return {
        "global": {
            "scrape_interval": every,
            "scrape_timeout": every,
            "evaluation_interval": every,
        },
        "rule_files": [str(RULES)],
        "scrape_configs": [{"job_name": "channelbus", "static_configs": services}],
    }
