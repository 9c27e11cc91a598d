"""`make logs`: the logs of all processes, or of those that are named."""

import os
import shutil

from local.layout import Layout
from local.ports import KAFKA, POSTGRES
from local.services import SERVICES

NAMES = (POSTGRES, KAFKA, *(service.name for service in SERVICES), "supervisord")


class NoLogsError(RuntimeError):
    """Nothing has been started here yet."""


def follow(layout: Layout, names: list[str], lines: int, *, keep_following: bool) -> None:
    """Become `tail`; rotation is followed by name."""
    logs = [layout.log(name) for name in names or NAMES]
    there = [str(log) for log in logs if log.exists()]
    tail = shutil.which("tail")
    if not there:
        raise NoLogsError("no logs yet; start the system with: make up")
    if tail is None:
        raise NoLogsError(f"the program `tail` is missing; the logs are in {layout.logs}")
    following = ["-F"] if keep_following else []
    os.execv(tail, [tail, "-n", str(lines), *following, *there])
