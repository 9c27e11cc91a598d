"""`make reset`: stop everything and remove what it wrote."""

import os
import shutil
import sys

from local.down import bring_down, end_start
from local.layout import Layout
from local.locking import only_one

# What belongs to the installation, and the lock that is held.
_KEPT = ("uv", "bundle", "lock")


class NotConfirmedError(RuntimeError):
    """Nobody said yes."""


def reset(layout: Layout, *, asked: bool) -> int:
    """Remove data, secrets, logs and the demo's credentials; databases of others stay."""
    if asked:
        _ask(layout)
    end_start(layout)
    with only_one(layout.lock):
        bring_down(layout)
        for path in layout.run.iterdir():
            if path.name not in _KEPT:
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    print("removed all data of this checkout; `make up` begins anew")
    for name in ("DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS"):
        if os.environ.get(name):
            print(f"what is on the servers of {name} was not touched")
    return 0


def _ask(layout: Layout) -> None:
    question = f"Remove all data below {layout.run} (databases, Kafka, secrets, demo)? [yes/no] "
    if not sys.stdin.isatty():
        raise NotConfirmedError("this removes all data: say so with `make reset YES=yes`")
    if input(question).strip().lower() not in ("y", "yes"):
        raise NotConfirmedError("nothing was removed")
