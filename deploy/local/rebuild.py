"""`make rebuild service=…`: what a service copies, made anew from its owners while it runs."""

import os
import sys
from pathlib import Path

from local.layout import Layout
from local.services import COPYING
from local.status import running_stack
from local.supervision import Supervisor


class NotRunningError(RuntimeError):
    """Who states anew and who listens must be there."""


def rebuild(layout: Layout, name: str) -> None:
    """Become the service's own command `rebuild`, with the settings of the running service."""
    stack = running_stack(layout)
    if stack is None or not Supervisor(layout).answers():
        raise NotRunningError("not running; start it with: make up")
    (service,) = (known for known in COPYING if known.name == name)
    command = str(Path(sys.executable).parent / service.name)
    os.execve(command, [command, "rebuild"], {**os.environ, **stack.environment(service)})
