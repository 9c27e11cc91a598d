"""The session's system, with its scene set once."""

import pytest

from testkit.system import System
from tests.flows.cast import Stage
from tests.wire.scene import Estate, Scene, estate, set_scene


@pytest.fixture(scope="session")
def stage(session_system: System) -> Stage:
    """The system, with an administrator on it."""
    return Stage(session_system)


@pytest.fixture(scope="session")
def scene(stage: Stage) -> Scene:
    """Partners of the China site."""
    return set_scene(stage)


@pytest.fixture(scope="session")
def abroad(stage: Stage) -> Estate:
    """A partner of the international site."""
    return estate(stage, "international")
