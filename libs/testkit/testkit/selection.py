"""Which tests run, and in which order (`-p testkit.selection`): long files first, waiting and busy
ones side by side."""

import json
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

SERVERS = frozenset({"postgres_server", "kafka_server"})
# Who has these mostly waits: for a consumer's turn, for a process to start or to end.
WAITED_FOR = frozenset({"kafka_server", "make_system", "session_system"})
SECONDS_FILE = Path("tests/seconds.json")

# Of a file that nobody has timed yet: what a test of its kind takes, by the fixture it asks for.
_SECONDS_OF_FIXTURE = {
    "make_system": 15.0,
    "session_system": 2.0,
    "kafka_server": 2.0,
    "postgres_server": 0.3,
}
_SECONDS_OF_PATIENT = 60.0  # it asks for a longer time-out than the others have
_SECONDS_OF_ANY = 0.02


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add our two choices to pytest's own."""
    group = parser.getgroup("channelbus")
    group.addoption("--no-servers", action="store_true", help="only tests that start no server")
    group.addoption(
        "--record-seconds",
        action="store_true",
        help=f"write what each file took to {SECONDS_FILE} (of a whole run): the next runs' order",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Time the files where all reports arrive: in the one process, or before the workers."""
    if config.getoption("--record-seconds") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Recorder(config.rootpath / SECONDS_FILE))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs a server where that is asked; order the files for several workers."""
    if config.getoption("--no-servers"):
        left_out = [item for item in items if needs_server(item)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not needs_server(item)]
    if hasattr(config, "workerinput"):
        items[:] = in_good_order(items, recorded_seconds(config.rootpath / SECONDS_FILE))


def needs_server(item: pytest.Item) -> bool:
    """True when a fixture of the test is a server, or its marks say that it starts one itself."""
    marked = any(item.get_closest_marker(mark) for mark in ("kafka", "postgres"))
    return marked or bool(SERVERS.intersection(_fixtures(item)))


def recorded_seconds(path: Path) -> dict[str, float]:
    """What each file took when all were timed last; empty before that."""
    return dict(json.loads(path.read_text())) if path.exists() else {}


def in_good_order(items: Iterable[pytest.Item], recorded: Mapping[str, float]) -> list[pytest.Item]:
    """The tests, file by file as they were; waiting files and busy ones keep pace, long ones first.

    All waiting files at once would leave the processors idle and the busy ones crowded afterwards;
    short files first would leave the last worker alone with a long one for minutes.
    """
    files: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        files[file_of(item.nodeid)].append(item)
    seconds = {
        file: recorded.get(file, sum(_estimated_seconds(item) for item in tests))
        for file, tests in files.items()
    }
    waiting = {file for file, tests in files.items() if any(_waits(item) for item in tests)}
    queues = [
        sorted((file for file in files if (file in waiting) is kind), key=lambda f: -seconds[f])
        for kind in (True, False)
    ]
    return [item for file in _keeping_pace(queues, seconds) for item in files[file]]


def _keeping_pace(queues: list[list[str]], seconds: Mapping[str, float]) -> Iterator[str]:
    """All files, such that at any time the same share of each queue is done."""
    totals = [sum(seconds[file] for file in queue) or 1.0 for queue in queues]
    given = [0.0 for _ in queues]
    left = [deque(queue) for queue in queues]
    while any(left):
        shares = [(given[n] / totals[n], n) for n, queue in enumerate(left) if queue]
        _, n = min(shares)
        file = left[n].popleft()
        given[n] += seconds[file]
        yield file


def _waits(item: pytest.Item) -> bool:
    patient = item.get_closest_marker("kafka") or item.get_closest_marker("timeout")
    return bool(patient or WAITED_FOR.intersection(_fixtures(item)))


def file_of(nodeid: str) -> str:
    """The file of a test, from the checkout."""
    return nodeid.split("::", 1)[0]


def _estimated_seconds(item: pytest.Item) -> float:
    if item.get_closest_marker("timeout"):
        return _SECONDS_OF_PATIENT
    fixtures = _fixtures(item)
    return next((s for name, s in _SECONDS_OF_FIXTURE.items() if name in fixtures), _SECONDS_OF_ANY)


def _fixtures(item: pytest.Item) -> Iterable[str]:
    names: Iterable[str] = getattr(item, "fixturenames", ())
    return names


class _Recorder:
    """Adds up what each file took and keeps it."""

    def __init__(self, path: Path):
        self._path = path
        self._seconds: dict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add the set-up, the test or the clearing-up."""
        self._seconds[file_of(report.nodeid)] += report.duration

    def pytest_sessionfinish(self) -> None:
        """Write all of them, rounded: the file changes little from run to run."""
        rounded = {file: round(seconds, 1) for file, seconds in sorted(self._seconds.items())}
        self._path.write_text(json.dumps(rounded, indent=0) + "\n")
