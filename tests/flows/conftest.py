"""The stories' system: all six services, real, started once."""

import pytest

from testkit.system import System
from tests.flows.cast import Stage


@pytest.fixture(scope="session")
def stage(session_system: System) -> Stage:
    """The session's system, with an administrator on it."""
    return Stage(session_system)
