"""`make status`: what runs, where, and whether it is healthy."""

import asyncio
import os
import sys
from typing import Any

import asyncpg

from local.credentials import load_credentials
from local.health import ANSWER_SECONDS, ready_services
from local.layout import Layout
from local.ports import KAFKA, POSTGRES, kept_ports
from local.services import GATEWAY, SERVICES, Service
from local.stack import Stack, assemble
from local.summary import VERSION
from local.supervision import Supervisor

_MEBIBYTE = 1_048_576


def running_stack(layout: Layout) -> Stack | None:
    """The system of this checkout, when it was ever started."""
    ports = kept_ports(layout.ports)
    complete = {POSTGRES, KAFKA, GATEWAY.name, GATEWAY.ops} <= ports.keys()
    return assemble(layout, ports, load_credentials(layout.secrets)) if complete else None


def show_status(layout: Layout) -> bool:
    """Print one line per process; True when all run and answer."""
    stack, supervisor = running_stack(layout), Supervisor(layout)
    if stack is None or not supervisor.answers():
        _tell("not running; start it with: make up")
        return False
    ready = ready_services(stack)
    lines = [f"{'':14}{'state':<10}{'pid':>8}{'memory':>10}  address"]
    healthy = True
    for name, info in supervisor.processes().items():
        well = info["statename"] == "RUNNING" and ready.get(name, True)
        healthy = healthy and well
        lines.append(_line(stack, name, info, well))
    _tell(*lines, "", f"Channelbus {VERSION}, console at {stack.ops_url}", *_parked_lines(stack))
    return healthy


def _parked_lines(stack: Stack) -> list[str]:
    """Keys whose events wait for a person, by service, and what shows them."""
    counts = asyncio.run(_parked_keys(stack))
    waiting = {name: count for name, count in counts.items() if count != 0}
    lines = [
        f"{name}: {count} parked keys" if count else f"{name}: parked keys unknown"
        for name, count in waiting.items()
    ]
    if not waiting:
        return ["no parked keys"]
    return [*lines, f'see the console, or: make run CMD="{next(iter(waiting))} parked list"']


async def _parked_keys(stack: Stack) -> dict[str, int | None]:
    """How many each service has; None where its database did not say."""

    async def count(service: Service) -> int | None:
        try:
            connection = await asyncpg.connect(
                f"{stack.database_url}/{stack.database(service)}", timeout=ANSWER_SECONDS
            )
        except (OSError, TimeoutError, asyncpg.PostgresError):
            return None
        try:
            asked = "SELECT count(*) FROM parked_keys"
            return int(await connection.fetchval(asked, timeout=ANSWER_SECONDS))
        except (OSError, TimeoutError, asyncpg.PostgresError):
            return None
        finally:
            await connection.close()

    counts = await asyncio.gather(*(count(service) for service in SERVICES))
    return {service.name: found for service, found in zip(SERVICES, counts, strict=True)}


def _tell(*lines: str) -> None:
    """Print them, to a reader that may have seen enough (`make status | head -1`)."""
    try:
        print(*lines, sep="\n", flush=True)
    except BrokenPipeError:
        # Python flushes once more at its end, and would complain of the same there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _line(stack: Stack, name: str, info: dict[str, Any], well: bool) -> str:
    state = info["statename"].lower() if info["statename"] != "RUNNING" or well else "not ready"
    pid, memory = info["pid"] or "", _memory_mebibytes(info["pid"])
    shown = f"{memory:.0f} MB" if memory else ""
    return f"{name:<14}{state:<10}{pid:>8}{shown:>10}  127.0.0.1:{stack.ports[name]}"


def _memory_mebibytes(pid: int) -> float:
    """Resident memory of a process and its children, counted once where the system can tell."""
    import psutil

    if not pid:
        return 0.0
    try:
        root = psutil.Process(pid)
        return sum(_bytes(each) for each in [root, *root.children(recursive=True)]) / _MEBIBYTE
    except psutil.Error:
        return 0.0


def _bytes(process: Any) -> int:
    shares = "pss" if os.path.exists("/proc/self/smaps_rollup") else "rss"
    return int(getattr(process.memory_full_info(), shares, 0))
