"""supervisord: its configuration, and what we ask of it over its socket."""

import os
import shlex
import signal
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from local.layout import Layout
from local.private_files import write_private_text
from local.services import SERVICES
from local.stack import Stack
from testkit.embedded.processes import Launch, end, end_recorded, last_lines, recorded_process

LOG_BYTES_MAX = 10_000_000
LOG_BACKUPS = 2
START_RETRIES = 20
STOP_SECONDS = {"services": 15, "kafka": 25, "postgres": 20}
SHUTDOWN_SECONDS = 75.0
ANSWER_SECONDS = 10.0
SERVICES_GROUP = "services"

# What a developer's shell may hold and a server must not: other Java options, uncompiled Python.
_NOT_INHERITED = ("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "PYTHONDONTWRITE")

# States of supervisord (supervisor.states.ProcessStates) that count as being on the way up.
UP_STATES = ("RUNNING", "STARTING")


def render_config(stack: Stack, jars: list[Path]) -> str:
    """The whole configuration; the order of priorities is the order of starting."""
    layout = stack.layout
    sections = [_daemon(layout)]
    if stack.embedded_postgres:
        launch = stack.embedded_postgres.launch(layout.pid("postgres"))
        sections.append(_program(layout, "postgres", launch, 100, signal="INT"))
    if stack.embedded_kafka:
        launch = stack.embedded_kafka.launch(jars, layout.pid("kafka"))
        sections.append(_program(layout, "kafka", launch, 200))
    for service in SERVICES:
        command = [str(Path(sys.executable).parent / service.name), "serve"]
        launch = Launch(command, pid_file=layout.pid(service.name))
        told = stack.environment(service)
        sections.append(
            _program(layout, service.name, launch, 300, environment=told, autostart=False)
        )
    names = ",".join(service.name for service in SERVICES)
    sections.append(f"[group:{SERVICES_GROUP}]\nprograms={names}\npriority=300\n")
    return "\n".join(sections)


def _daemon(layout: Layout) -> str:
    socket = _escaped(str(layout.supervisor_socket))
    return f"""\
[unix_http_server]
file={socket}
chmod=0700

[supervisord]
logfile={_escaped(str(layout.log("supervisord")))}
logfile_maxbytes={LOG_BYTES_MAX}
logfile_backups={LOG_BACKUPS}
loglevel=info
pidfile={_escaped(str(layout.run / "supervisord.pid"))}
directory={_escaped(str(layout.run))}
nodaemon=false
silent=true
strip_ansi=true

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://{socket}
"""


def _program(
    layout: Layout,
    name: str,
    launch: Launch,
    priority: int,
    *,
    signal: str = "TERM",
    environment: Mapping[str, str] | None = None,
    autostart: bool = True,
) -> str:
    told = ",".join(
        f'{key}="{_quoted(value)}"' for key, value in sorted((environment or {}).items())
    )
    patience = STOP_SECONDS[name if name in STOP_SECONDS else SERVICES_GROUP]
    return f"""\
[program:{name}]
command={_escaped(shlex.join(launch.argv()))}
environment={told}
priority={priority}
autostart={str(autostart).lower()}
autorestart=true
startsecs=1
startretries={START_RETRIES}
stopsignal={signal}
stopwaitsecs={patience}
killasgroup=true
redirect_stderr=true
stdout_logfile={_escaped(str(layout.log(name)))}
stdout_logfile_maxbytes={LOG_BYTES_MAX}
stdout_logfile_backups={LOG_BACKUPS}
"""


def _escaped(value: str) -> str:
    """Supervisord expands %(…)s in every value."""
    return value.replace("%", "%%")


def _quoted(value: str) -> str:
    if '"' in value or "\n" in value:
        raise ValueError("a setting of a service may hold neither quotes nor line breaks")
    return _escaped(value)


class Supervisor:
    """The running supervisord of one checkout."""

    def __init__(self, layout: Layout):
        self._layout = layout

    def answers(self) -> bool:
        """True when it runs and takes requests."""
        try:
            self._call("supervisor.getState")
        except (OSError, xmlrpc.client.Error):
            return False
        return True

    def start(self, config: str) -> None:
        """Start the daemon with this configuration; raises with its log when it does not come."""
        write_private_text(self._layout.supervisor_config, config)
        command = [sys.executable, "-m", "supervisor.supervisord"]
        subprocess.run(
            [*command, "-c", str(self._layout.supervisor_config)],
            env={k: v for k, v in os.environ.items() if not k.startswith(_NOT_INHERITED)},
            stdin=subprocess.DEVNULL,
            check=True,
        )
        deadline = time.monotonic() + ANSWER_SECONDS
        while not self.answers():
            if time.monotonic() > deadline:
                raise RuntimeError(last_lines(self._layout.log("supervisord")))
            time.sleep(0.05)

    def processes(self) -> dict[str, dict[str, Any]]:
        """What it says of each process, by the process's name."""
        return {info["name"]: info for info in self._call("supervisor.getAllProcessInfo")}

    def start_missing(self, names: list[str]) -> list[str]:
        """Start those of the named processes that are not up; which ones were started."""
        known = self.processes()
        missing = [name for name in names if known[name]["statename"] not in UP_STATES]
        for name in missing:
            self._start_one(f"{known[name]['group']}:{name}")
        return missing

    def _start_one(self, full_name: str) -> None:
        try:
            self._call("supervisor.startProcess", full_name, False)
        except xmlrpc.client.Fault as refused:
            if "ALREADY_STARTED" not in refused.faultString:  # its own retry was quicker
                raise

    def stop_services(self) -> None:
        """Stop the services and leave the servers running."""
        self._call("supervisor.stopProcessGroup", SERVICES_GROUP, True)

    def shutdown(self) -> None:
        """Stop everything in order and wait until the daemon is gone."""
        daemon = self._daemon()
        try:
            self._call("supervisor.shutdown")
        except (OSError, xmlrpc.client.Error):
            return
        if daemon is not None:
            psutil.wait_procs([daemon], timeout=SHUTDOWN_SECONDS)

    def _daemon(self) -> psutil.Process | None:
        try:
            return psutil.Process(int(self._call("supervisor.getPID")))
        except (OSError, xmlrpc.client.Error, psutil.NoSuchProcess):
            return None

    def _call(self, method: str, *arguments: Any) -> Any:
        from supervisor.xmlrpc import SupervisorTransport

        url = f"unix://{self._layout.supervisor_socket}"
        transport = SupervisorTransport(None, None, serverurl=url)
        server = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
        try:
            return getattr(server, method)(*arguments)
        finally:
            transport.close()


def end_left_processes(layout: Layout) -> list[str]:
    """End what a killed supervisor left running; the names of what was found.

    First the supervisor, lest it restarts what is ended, then the services, then the servers.
    """
    found = [_end_supervisor(layout)]
    last = {"kafka": signal.SIGTERM, "postgres": signal.SIGINT}
    pid_files = sorted(layout.pids.glob("*.pid"), key=lambda file: (file.stem in last, file.stem))
    for pid_file in pid_files:
        name = pid_file.stem
        ended = end_recorded(
            pid_file,
            stop_signal=last.get(name, signal.SIGTERM),
            grace_seconds=STOP_SECONDS.get(name, STOP_SECONDS[SERVICES_GROUP]),
        )
        found.append(name if ended else None)
    return [name for name in found if name]


def _end_supervisor(layout: Layout) -> str | None:
    """It is known by its command line: one that was just started has no pid file yet."""
    found = [process for process in psutil.process_iter() if _supervises(process, layout)]
    for process in found:
        end(process, stop_signal=signal.SIGTERM, grace_seconds=SHUTDOWN_SECONDS)
    (layout.run / "supervisord.pid").unlink(missing_ok=True)
    layout.supervisor_socket.unlink(missing_ok=True)
    return "supervisord" if found else None


def _supervises(process: psutil.Process, layout: Layout) -> bool:
    try:
        command = process.cmdline()
    except psutil.Error:
        return False
    return "supervisor.supervisord" in command and str(layout.supervisor_config) in command


def living_processes(layout: Layout) -> dict[str, psutil.Process]:
    """The processes of this checkout that are alive, by name, from their pid files."""
    found = {file.stem: recorded_process(file) for file in layout.pids.glob("*.pid")}
    return {name: process for name, process in found.items() if process is not None}
