"""What a test leaves behind in its process is found, by each way to leave something."""

import gc
import importlib
import inspect
import logging
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from contextvars import ContextVar
from decimal import ROUND_UP, getcontext
from pathlib import Path
from types import ModuleType

import pytest

import chassis.crash
from testkit import leftovers
from testkit.embedded.jars import CHECKOUT
from testkit.leftovers import KEPT, REBOUND, left_in_modules, left_since, look, look_at_modules

pytest_plugins = ["pytester"]

INI = """
[pytest]
filterwarnings = ignore
markers = kafka
asyncio_default_fixture_loop_scope = function
"""
LEAVING = """
import os, pytest
def test_alone(): os.chdir("/")
def test_after(): assert os.getcwd() == "/"
@pytest.mark.kafka
def test_with_servers(): os.chdir("/tmp")
"""
Leave = Callable[[ExitStack], object]
_here: ContextVar[str] = ContextVar("here")


def environment(undo: ExitStack) -> None:
    os.environ["LEFT_BY_A_TEST"] = "x"
    undo.callback(os.environ.pop, "LEFT_BY_A_TEST")


def folder(undo: ExitStack) -> None:
    undo.callback(os.chdir, os.getcwd())
    os.chdir("/")


def path(undo: ExitStack) -> None:
    sys.path.append("/nowhere")
    undo.callback(sys.path.remove, "/nowhere")


def handler(undo: ExitStack) -> None:
    left = logging.NullHandler()
    logging.getLogger().addHandler(left)
    undo.callback(logging.getLogger().removeHandler, left)


def level(undo: ExitStack) -> None:
    one = logging.getLogger("asyncio")
    undo.callback(one.setLevel, one.level)
    one.setLevel(logging.CRITICAL)


def rounding(undo: ExitStack) -> None:
    undo.callback(setattr, getcontext(), "rounding", getcontext().rounding)
    getcontext().rounding = ROUND_UP


def umask(undo: ExitStack) -> None:
    undo.callback(os.umask, os.umask(0o027))


def variable(undo: ExitStack) -> None:
    undo.callback(_here.reset, _here.set("left"))


def crash_point(undo: ExitStack) -> None:
    undo.callback(setattr, chassis.crash, "_passes_left", chassis.crash._passes_left)
    chassis.crash._passes_left = 7


def thread(undo: ExitStack) -> None:
    end = threading.Event()
    running = threading.Thread(target=end.wait)
    running.start()
    undo.callback(running.join)
    undo.callback(end.set)


def child(undo: ExitStack) -> None:
    started = undo.enter_context(
        subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE)
    )
    undo.callback(started.kill)


def listener(undo: ExitStack) -> None:
    undo.enter_context(socket.create_server(("127.0.0.1", 0)))


@pytest.mark.parametrize(
    ("leave", "where"),
    [
        (environment, "os.environ: b'LEFT_BY_A_TEST': "),
        (folder, "working directory: "),
        (path, "sys.path: "),
        (handler, "loggers: root: "),
        (level, "loggers: asyncio: "),
        (rounding, "decimal: rounding: "),
        (umask, "umask: "),
        (variable, "context: here: "),
        (crash_point, "globals: chassis.crash._passes_left: "),
        (thread, "threads: "),
        (child, "child processes: "),
        (listener, "listening sockets: ('127.0.0.1', "),
    ],
)
def test_what_a_test_leaves_behind_is_told(leave: Leave, where: str) -> None:
    """Break: take the line of its kind from KEPT or ENDED."""
    before = look()
    with ExitStack() as undo:
        leave(undo)
        (told,) = left_since(before, patience_seconds=0)
        assert told.startswith(where)
    assert left_since(before) == []


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """One of ours, as far as its place tells."""
    (tmp_path / "left_by_a_test.py").write_text("kept = {'a': [1]}\nname = 'x'\n_notes = []\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("left_by_a_test")
    del sys.modules["left_by_a_test"]


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("kept['b'] = 1", ["left_by_a_test.kept"]),
        ("kept['a'] = [1]", ["left_by_a_test.kept"]),
        ("name = str(1)", ["left_by_a_test.name"]),
        ("_notes.append(1)", ["left_by_a_test._notes"]),
        ("imported_since = 1", []),
    ],
)
def test_what_changes_in_a_module_is_told(
    module: ModuleType, tmp_path: Path, statement: str, told: list[str]
) -> None:
    """Break: compare only the names."""
    before = look_at_modules(tmp_path)
    exec(statement, vars(module))
    assert left_in_modules(before, look_at_modules(tmp_path)) == told


def test_each_name_that_a_function_binds_anew_is_looked_at() -> None:
    found = {}
    for folder in ("libs", "services"):
        for file in (CHECKOUT / folder).rglob("*.py"):
            if names := re.findall(r"^ +global (.+)$", file.read_text(), re.M):
                package = file.relative_to(CHECKOUT).parts[2:]
                bound = sorted(name for line in names for name in line.split(", "))
                found[".".join(package).removesuffix(".py")] = sorted(set(bound))
    assert found == {name: sorted(names) for name, names in REBOUND.items()}


def test_every_test_is_looked_at(request: pytest.FixtureRequest) -> None:
    """Break: take `-p testkit.leftovers` from pyproject.toml."""
    assert {"nothing_left", "nothing_left_in_modules"} <= set(request.fixturenames)
    assert gc.get_freeze_count() > 10_000
    assert inspect.getmodule(KEPT["locale"]) is leftovers


def test_who_leaves_something_is_told_of_and_fails_in_a_run_without_servers(
    pytester: pytest.Pytester,
) -> None:
    """Break: let `_tell` fail nobody, or everybody."""
    pytester.makeini(INI)
    pytester.makepyfile(LEAVING)
    plugins = ("-p", "testkit.leftovers", "-p", "testkit.selection")
    quick = pytester.runpytest_inprocess(*plugins, "--no-servers")
    quick.assert_outcomes(passed=2, errors=1)
    quick.stdout.fnmatch_lines(["*ERROR*test_alone*"])
    whole = pytester.runpytest_inprocess(*plugins)
    whole.assert_outcomes(passed=3)
    whole.stdout.fnmatch_lines(["*::test_with_servers: left behind: work*"])
