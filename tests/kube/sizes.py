"""What a replica takes: of memory, of a core, of connections, idle and while clients ask.

The rates are those that the clients asked for, not the most that a replica can do: what counts is
the processor's time for each, which no neighbour takes away.
"""

import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
from prometheus_client.parser import text_string_to_metric_families

from chassis.connecting import with_database
from testkit.servers import blocking
from tests.kube.cluster import say
from tests.kube.outside import Outside
from tests.kube.release import Release

IDLE_SECONDS, ASKED_SECONDS = 20, 40
_CONNECTIONS = "SELECT datname, count(*) FROM pg_stat_activity WHERE datname <> '' GROUP BY 1"


@dataclass(frozen=True)
class Weight:
    """One pod's own figures since it started."""

    at: float
    core_seconds: float
    memory: float
    requests: float
    events: float


def weigh(release: Release) -> dict[str, dict[str, Weight]]:
    """Each pod, by service and name."""
    found: dict[str, dict[str, Weight]] = defaultdict(dict)
    for pod in release.pods():
        service = pod["metadata"]["labels"]["channelbus/service"]
        found[service][pod["metadata"]["name"]] = _weight_of(pod)
    return found


def _weight_of(pod: Any) -> Weight:
    answer = httpx.get(f"http://{pod['status']['podIP']}:9080/metrics", timeout=30)
    answer.raise_for_status()
    sums: dict[str, float] = defaultdict(float)
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            sums[sample.name] += sample.value
    return Weight(
        time.monotonic(),
        sums["process_cpu_seconds_total"],
        sums["process_resident_memory_bytes"],
        sums["channelbus_request_seconds_count"],
        sums["channelbus_consumer_events_total"],
    )


def look_at_idle(release: Release, outside: Outside) -> None:
    """Say what replicas take of whom nothing is asked."""
    before = weigh(release)
    time.sleep(IDLE_SECONDS)  # how much is done within that is what is looked for
    _tell("idle", before, weigh(release), _connections(outside))


def look_while_asked(release: Release, outside: Outside) -> None:
    """Say what they take while clients ask, which the caller lets them do."""
    before = weigh(release)
    time.sleep(ASKED_SECONDS)
    _tell("asked", before, weigh(release), _connections(outside))


def _tell(
    when: str,
    before: Mapping[str, Mapping[str, Weight]],
    after: Mapping[str, Mapping[str, Weight]],
    connections: Mapping[str, int],
) -> None:
    for service, pods in sorted(after.items()):
        asked = [(before[service][name], now) for name, now in pods.items()]
        seconds = sum(now.at - then.at for then, now in asked)
        cores = sum(now.core_seconds - then.core_seconds for then, now in asked) / seconds
        requests = sum(now.requests - then.requests for then, now in asked) / seconds
        events = sum(now.events - then.events for then, now in asked) / seconds
        memory = max(now.memory for _, now in asked) / 1e6
        say(
            f"  {when}, {service}, each of {len(asked)}: {memory:.0f} MB, {cores * 100:.1f} % of a"
            f" core, {requests:.1f} requests/s, {events:.1f} events/s,"
            f" {connections.get(service, 0) / len(asked):.1f} connections"
        )


def _connections(outside: Outside) -> dict[str, int]:
    """How many each service has open at the server."""

    async def ask() -> dict[str, int]:
        connection = await asyncpg.connect(with_database(outside.postgres.url, "postgres"))
        try:
            rows = await connection.fetch(_CONNECTIONS)
        finally:
            await connection.close()
        return {name.removeprefix("channelbus_").replace("_", "-"): n for name, n in rows}

    return blocking(ask())
