"""Which tests run, and in which order (`-p testkit.selection`): the long files first."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

SERVERS = frozenset({"postgres_server", "kafka_server"})
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
        items[:] = long_files_first(items, recorded_seconds(config.rootpath / SECONDS_FILE))


def needs_server(item: pytest.Item) -> bool:
    """True when a fixture of the test is a server, or its marks say that it starts one itself."""
    marked = any(item.get_closest_marker(mark) for mark in ("kafka", "postgres"))
    return marked or bool(SERVERS.intersection(_fixtures(item)))


def recorded_seconds(path: Path) -> dict[str, float]:
    """What each file took when all were timed last; empty before that."""
    return dict(json.loads(path.read_text())) if path.exists() else {}


def long_files_first(
    items: Iterable[pytest.Item], recorded: Mapping[str, float]
) -> list[pytest.Item]:
    """The tests, file by file as they were, the file that takes longest first.

    The other way round the last worker would be alone with a long file for minutes.
    """
    files: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        files[file_of(item.nodeid)].append(item)

    def seconds(file: str) -> float:
        return recorded.get(file, sum(_estimated_seconds(item) for item in files[file]))

    return [item for file in sorted(files, key=lambda file: -seconds(file)) for item in files[file]]


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
