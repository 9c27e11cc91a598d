"""`make run CMD="order parked list"`: a service's own command on the system of this checkout."""

import os
import sys
from pathlib import Path

from local.layout import Layout
from local.services import SERVICES
from local.status import running_stack
from local.supervision import Supervisor


class NotRunningError(RuntimeError):
    """The command speaks with databases, Kafka and services."""


class NoCommandError(ValueError):
    """It does not begin with the name of a service."""


def become(layout: Layout, words: list[str]) -> None:
    """Become the command, with the settings of the running service."""
    name, arguments = (words or [""])[0], words[1:]
    service = next((known for known in SERVICES if known.name == name), None)
    if service is None:
        known = ", ".join(service.name for service in SERVICES)
        raise NoCommandError(f'a command begins with a service ({known}): CMD="order parked list"')
    stack = running_stack(layout)
    if stack is None or not Supervisor(layout).answers():
        raise NotRunningError("not running; start it with: make up")
    command = str(Path(sys.executable).parent / service.name)
    os.execve(command, [command, *arguments], {**os.environ, **stack.environment(service)})
