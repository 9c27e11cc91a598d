"""`make up`: bring the system to where it should be, doing only what is missing."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from install.look_first import refuse_full_disk
from local import fingerprint
from local.credentials import load_credentials
from local.demo.load import load
from local.demo.tokens import refresh_tokens
from local.demo_file import read_demo, refresh_addresses
from local.health import ready_services
from local.layout import Layout
from local.ports import KAFKA, POSTGRES, choose_ports, gateway_port, kept_ports
from local.private_files import read_json, write_private
from local.progress import Step, step
from local.services import GATEWAY, SERVICES
from local.stack import Stack, assemble
from local.supervision import Supervisor, end_left_processes, render_config
from testkit.embedded.jars import ensure_jars
from testkit.embedded.processes import last_lines

SYSTEM_BYTES_MIN = 1_000_000_000  # the demo's databases and Kafka's first segments, with room
SERVER_SECONDS = 60.0
SERVICES_SECONDS = 90.0
BACKOFF_SECONDS = 12.0
POLL_SECONDS = 0.15
LOG_LINES_SHOWN = 25

Result = TypeVar("Result")


class StartError(RuntimeError):
    """A part did not come up; the message has the end of its log."""


def bring_up(layout: Layout) -> Stack:
    """Start what does not run, migrate, wait until healthy; the running system."""
    refuse_full_disk(layout.run, SYSTEM_BYTES_MIN)
    layout.create()
    supervisor = Supervisor(layout)
    stack, config = _system(layout, supervisor)
    if supervisor.answers() and _remembered(layout).get("config") != fingerprint.of_text(config):
        print("the settings have changed: starting anew")
        supervisor.shutdown()
        stack, config = _system(layout, supervisor)
    if not supervisor.answers():
        _start_supervisor(stack, supervisor, config)
    _start_servers(stack, supervisor)
    code = fingerprint.of_code()
    if _remembered(layout).get("code") != code:
        supervisor.stop_services()
        _prepare_databases(stack)
        _prepare_topics(stack)
    elif stack.embedded_kafka and not stack.embedded_kafka.is_listening():
        _prepare_topics(stack)  # it was killed a moment ago
    _start_services(stack, supervisor)
    _remember(layout, code=code)
    refresh_addresses(stack)
    return stack


def _system(layout: Layout, supervisor: Supervisor) -> tuple[Stack, str]:
    wanted = gateway_port(os.environ, layout.ports)
    if supervisor.answers() and kept_ports(layout.ports).get(GATEWAY.name) == wanted:
        ports = kept_ports(layout.ports)
    else:
        if supervisor.answers():
            supervisor.shutdown()
        left = end_left_processes(layout)
        if left:
            print(f"ended what an earlier run left behind: {', '.join(left)}")
        ports = choose_ports(layout.ports, wanted)
    stack = assemble(layout, ports, load_credentials(layout.secrets))
    return stack, render_config(stack, _jars(stack))


def _jars(stack: Stack) -> list[Path]:
    if stack.embedded_kafka is None:
        return []
    with step("kafka jars") as part:
        fetched = False

        def show(there: int, needed: int) -> None:
            nonlocal fetched
            fetched = True
            part.now(f"downloading {there} of {needed}")

        jars = ensure_jars(show)
        if fetched:
            part.done(f"{len(jars)} fetched into {jars[0].parent}")
    return jars


def _start_supervisor(stack: Stack, supervisor: Supervisor, config: str) -> None:
    layout = stack.layout
    if stack.embedded_postgres and not layout.postgres.exists():
        with step("postgres") as part:
            stack.embedded_postgres.initialise()
            part.done(f"data folder made in {layout.postgres}")
    if stack.embedded_kafka:
        stack.embedded_kafka.prepare(ensure_jars())
    supervisor.start(config)
    _remember(layout, config=fingerprint.of_text(config), code=None)


def _start_servers(stack: Stack, supervisor: Supervisor) -> None:
    embedded = [POSTGRES] if stack.embedded_postgres else []
    embedded += [KAFKA] if stack.embedded_kafka else []
    supervisor.start_missing(embedded)
    postgres = stack.embedded_postgres
    if postgres and not postgres.is_ready():
        with step(POSTGRES) as part:
            _or_log(stack, POSTGRES, lambda: postgres.wait_until_ready(SERVER_SECONDS))
            part.done(f"ready on port {stack.ports[POSTGRES]}")


def _prepare_databases(stack: Stack) -> None:
    """A migration that is known to be done is left out."""
    from local.preparation import databases_exist, migrate_databases

    mark = f"{fingerprint.of_migrations()} {fingerprint.of_text(stack.database_url)}"
    mark += f" {stack.database_prefix}"
    with step("databases") as part:
        if _remembered(stack.layout).get("migrations") == mark and databases_exist(stack):
            part.done("nothing to migrate")
        else:
            migrate_databases(stack)
            _remember(stack.layout, migrations=mark)
            part.done(f"{len(SERVICES)} migrated")


def _prepare_topics(stack: Stack) -> None:
    from local.preparation import make_topics

    with step(KAFKA) as part:
        made = _or_log(stack, KAFKA, lambda: make_topics(stack, SERVER_SECONDS))
        part.done(f"ready on {stack.kafka_bootstrap}, {len(made)} topics made")


def _start_services(stack: Stack, supervisor: Supervisor) -> None:
    supervisor.start_missing([service.name for service in SERVICES])
    with step("services") as part:
        began = time.monotonic()
        while not all((ready := ready_services(stack)).values()):
            waiting = [name for name, answered in ready.items() if not answered]
            part.now(f"waiting for {', '.join(waiting)}")
            _give_up_on_failed(stack, supervisor, waiting, time.monotonic() - began)
            time.sleep(POLL_SECONDS)
        part.done(f"{len(SERVICES)} ready")


def _give_up_on_failed(
    stack: Stack, supervisor: Supervisor, waiting: list[str], seconds: float
) -> None:
    """Raise for a service that keeps ending, or for the first that is late.

    One that ended because a server was away for a moment is given time to come back.
    """
    states = supervisor.processes()
    hopeless = ("FATAL", "BACKOFF") if seconds > BACKOFF_SECONDS else ("FATAL",)
    failed = [name for name in waiting if states[name]["statename"] in hopeless]
    if failed or seconds > SERVICES_SECONDS:
        name = (failed or waiting)[0]
        why = "does not start" if failed else f"is not ready after {SERVICES_SECONDS:.0f} s"
        raise StartError(_with_log(stack, name, f"{name} {why}"))


def _or_log(stack: Stack, name: str, wait: Callable[[], Result]) -> Result:
    try:
        return wait()
    except (TimeoutError, OSError) as failure:
        raise StartError(_with_log(stack, name, f"{name} did not come up: {failure}")) from failure


def _with_log(stack: Stack, name: str, what: str) -> str:
    log = stack.layout.log(name)
    return f"{what}. The end of {log}:\n\n{last_lines(log, LOG_LINES_SHOWN)}"


def _remembered(layout: Layout) -> dict[str, Any]:
    return read_json(layout.started)


def _remember(layout: Layout, **marks: str | None) -> None:
    write_private(layout.started, {**_remembered(layout), **marks})


def load_demo(stack: Stack) -> None:
    """Load the demo portfolio unless it is loaded to its end; its tokens last a day."""
    part = Step("demo")
    if stack.passed_on.get("UPSTREAM_URL"):
        part.done("left out: in connected mode the customers are the upstream's")
    elif read_demo(stack) is None:
        part.done(load(stack))
    else:
        refresh_tokens(stack)
