"""Whatever a test leaves behind in its process is told of that test, not of another one one day.

Loaded before our other plugins (`-p testkit.leftovers`): it looks when all that their fixtures undo
is undone. What the session's fixtures hold was there before. Warning filters are pytest's care.
"""

import asyncio
import decimal
import gc
import locale
import logging
import os
import signal
import socket
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import copy_context
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

END_SECONDS = 5.0  # for a thread or a process that is just ending
# What our functions bind anew by `global`; the rule of tests/testkit finds a further one.
REBOUND = {
    "chassis.logs": ("_handler", "_service"),
    "chassis.crash": ("_armed", "_passes_left", "_signal"),
}
# Of testkit.embedded.processes and of a server's statements; xdist hears its workers by others.
LASTING_THREADS = ("starter", "statements", "Dummy", "execnet")
# What lasts as long as the process: ports that were given, processes that were started.
LASTING_NAMES = ("testkit.embedded.ports._given", "testkit.embedded.processes._started")
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGCHLD", "SIGPIPE", "SIGUSR1", "SIGUSR2")
_THREADS, _OPENED = "/proc/self/task", "/proc/self/fd"  # of Linux
_ENVIRONMENT: Any = os.environ  # its own bytes: its texts are made at each reading
_MUTABLE = (dict, list, set, bytearray)
_LAST = pytest.StashKey[pytest.Item]()
_PROPERTY = "left behind"

State = Mapping[Any, Any]


def _environment() -> State:
    """But for what pytest itself says there of the test."""
    found: dict[bytes, Any] = dict(_ENVIRONMENT._data)
    found.pop(b"PYTEST_CURRENT_TEST", None)
    return found


def _loggers() -> State:
    """Level, handlers and switches of each; one made since is as the library made it."""
    made = list(logging.Logger.manager.loggerDict.items())
    known = [(name, one) for name, one in made if isinstance(one, logging.Logger)]
    return {
        name: (one.level, one.propagate, one.disabled, tuple(one.handlers))
        for name, one in (("root", logging.root), *known)
    }


def _log_lines() -> Any:
    structlog = sys.modules.get("structlog")
    return structlog and structlog.get_config()


def _rebound() -> State:
    found: dict[str, Any] = {}
    for where, names in REBOUND.items():
        if module := sys.modules.get(where):
            found |= {f"{where}.{name}": getattr(module, name) for name in names}
    return found


def _context() -> State:
    """Context variables of the tests' own context; the arithmetic has its own line."""
    now = copy_context().items()
    return {var.name: value for var, value in now if var.name != "decimal_context"}


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _arithmetic() -> State:
    now = decimal.getcontext()
    return {"prec": now.prec, "rounding": now.rounding, "Emax": now.Emax, "clamp": now.clamp}


def _interpreter() -> State:
    names = ("getrecursionlimit", "getswitchinterval", "get_int_max_str_digits")
    return {
        **{name: getattr(sys, name)() for name in names},
        "excepthook": (sys.excepthook, threading.excepthook, sys.unraisablehook),
        "gc": (gc.isenabled(), gc.get_threshold()),
        "socket": socket.getdefaulttimeout(),
    }


def _loop_policy() -> str:
    made: Any = getattr(asyncio.events, "_event_loop_policy", None)
    return type(made or asyncio.DefaultEventLoopPolicy()).__qualname__


def _examples() -> Any:
    hypothesis: Any = sys.modules.get("hypothesis")
    return hypothesis and hypothesis.settings.get_current_profile_name()


# What must be afterwards as it was before.
KEPT: dict[str, Callable[[], Any]] = {
    "os.environ": _environment,
    "working directory": os.getcwd,
    "sys.path": lambda: tuple(sys.path),
    "sys.argv": lambda: tuple(sys.argv),
    "standard streams": lambda: (sys.stdin, sys.stdout, sys.stderr),
    "loggers": _loggers,
    "structlog": _log_lines,
    "signals": lambda: {name: signal.getsignal(getattr(signal, name)) for name in _SIGNALS},
    "event loop policy": _loop_policy,
    "locale": lambda: locale.setlocale(locale.LC_ALL),
    "time zone": lambda: (time.tzname, time.timezone),
    "umask": _umask,
    "decimal": _arithmetic,
    "interpreter": _interpreter,
    "context": _context,
    "globals": _rebound,
    "hypothesis": _examples,
}


def _threads() -> set[Any]:
    return {one for one in threading.enumerate() if not one.name.startswith(LASTING_THREADS)}


def _children() -> set[Any]:
    """Pids but those of `Launch`, which its fixtures end and a test may start again; none where
    the kernel does not tell.
    """
    found: set[Any] = set()
    for thread in os.listdir(_THREADS) if os.path.exists(_THREADS) else ():
        try:
            with open(f"{_THREADS}/{thread}/children", "rb") as told:
                found.update(map(int, told.read().split()))
        except OSError:  # the thread has ended
            continue
    launched: Any = sys.modules.get("testkit.embedded.processes")
    return found - {one.pid for one in (launched._started if launched else ())}


def _listening() -> set[Any]:
    """Ports at which this process waits for clients."""
    found = set()
    for number in os.listdir(_OPENED) if os.path.exists(_OPENED) else ():
        try:
            if not stat.S_ISSOCK(os.fstat(int(number)).st_mode):
                continue
            with socket.socket(fileno=os.dup(int(number))) as one:
                if one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    found.add(one.getsockname())
        except OSError:
            continue
    return found


# What may not be more than before.
ENDED: dict[str, Callable[[], set[Any]]] = {
    "threads": _threads,
    "child processes": _children,
    "listening sockets": _listening,
}


# Where a module that was imported since has added its own.
_GROWING = ("loggers", "globals")


def look() -> dict[str, Any]:
    """The process as it is now."""
    return {name: see() for name, see in (*KEPT.items(), *ENDED.items())}


def left_since(before: Mapping[str, Any], patience_seconds: float = END_SECONDS) -> list[str]:
    """What is otherwise than before, a line each."""
    found = []
    for name, see in KEPT.items():
        was, now = before[name], see()
        if name in _GROWING:
            now = {known: now.get(known) for known in was}
        if was is not None and was != now:  # None: nobody had imported it
            found.append(f"{name}: {_told(was, now)}")
    for name, see in ENDED.items():
        deadline = time.monotonic() + patience_seconds
        while (more := see() - before[name]) and time.monotonic() < deadline:
            time.sleep(0.01)
        if more:
            found.append(f"{name}: {', '.join(sorted(map(str, more)))}")
    return found


def _told(was: Any, now: Any) -> str:
    if not isinstance(was, dict):
        return f"{was!r:.200} became {now!r:.200}"
    changed = [name for name in {**was, **now} if was.get(name) != now.get(name)]
    each = [f"{name}: {was.get(name)!r:.100} became {now.get(name)!r:.100}" for name in changed]
    return "; ".join(each)


@dataclass(frozen=True)
class Names:
    """A module's names, and what its lists, sets and dictionaries held."""

    values: dict[str, Any]
    held: dict[str, tuple[int, ...]]


def look_at_modules(checkout: Path) -> dict[str, Names]:
    """Our own modules as they are now."""
    return {
        name: Names(vars(module).copy(), _held(vars(module)))
        for name, module in list(sys.modules.items())
        if _is_ours(name, str(checkout))
    }


@cache
def _is_ours(name: str, checkout: str) -> bool:
    """But for the files of tests themselves: what they keep, no other file meets."""
    file = getattr(sys.modules[name], "__file__", None) or ""
    if name.rpartition(".")[2].startswith("test_"):
        return False
    return file.startswith(checkout) and "/.venv/" not in file


def _held(values: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Identities: no value's own idea of equality is asked."""
    return {
        name: (*sorted(map(id, value)), *map(id, value.values() if type(value) is dict else ()))
        for name, value in values.items()
        if type(value) in _MUTABLE and not name.startswith("__")
    }


def left_in_modules(before: Mapping[str, Names], now: Mapping[str, Names]) -> list[str]:
    """The names that mean or hold something else; those added by an import are new."""
    changed = [
        f"{module}.{name}"
        for module, was in before.items()
        if module in now
        for name, value in was.values.items()
        if now[module].values.get(name) is not value
        or was.held.get(name) != now[module].held.get(name)
    ]
    return [name for name in changed if name not in LASTING_NAMES]


@pytest.fixture(autouse=True)
def nothing_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """The test leaves the process as it met it."""
    request.config.stash[_LAST] = request.node
    before = look()
    yield
    _tell(request.config, left_since(before))


@pytest.fixture(autouse=True, scope="module")
def nothing_left_in_modules(request: pytest.FixtureRequest) -> Iterator[None]:
    """The file's tests leave our modules as they met them, and nothing that is still to be closed.

    Garbage that complains when it is collected would complain in whatever test runs then.
    """
    before = look_at_modules(request.config.rootpath)
    yield
    _clear_up()
    _tell(request.config, left_in_modules(before, look_at_modules(request.config.rootpath)))


def _tell(config: pytest.Config, left: list[str]) -> None:
    """Fail the test in a run without servers (`make quick`); tell of it at the end of any other."""
    if not left:
        return
    told = "left behind: " + "\n".join(left)
    if config.getoption("--no-servers"):
        pytest.fail(told, pytrace=False)
    config.stash[_LAST].user_properties.append((_PROPERTY, told))


class _Told:
    """Collects what tests left, where all reports arrive."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what a test's end tells."""
        told = [told for name, told in report.user_properties if name == _PROPERTY]
        if report.when == "teardown" and told:
            self._lines.append(f"{report.nodeid}: {'; '.join(map(str, told))}")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Show it."""
        if self._lines:
            terminalreporter.section("left behind")
            for line in self._lines:
                terminalreporter.write_line(line)


def pytest_configure(config: pytest.Config) -> None:
    """Listen where all reports arrive."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Told())


def pytest_collection_finish() -> None:
    """What all tests share is looked through once."""
    _clear_up()


def _clear_up() -> None:
    """Collect the garbage; what is left of now is not looked through again, which takes longer."""
    gc.collect()
    gc.freeze()
