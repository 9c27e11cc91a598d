"""The short form of `make fuzz`: each published operation, asked wrongly and rightly."""

import pytest

from testkit.system import System
from tests.wire.fuzzing import Until, fuzz

SEED = 20261126
SECONDS_MAX = 150.0  # of wrong requests, and of right ones; a slow machine must come round too
OPERATIONS_MIN = 120
pytestmark = [pytest.mark.kafka, pytest.mark.postgres, pytest.mark.timeout(400)]


def test_what_is_published_is_answered_as_published_and_what_is_refused_writes_nothing(
    session_system: System,
) -> None:
    verdict = fuzz(session_system, Until(SECONDS_MAX, rounds=1), SEED)
    assert verdict.breaches == [], verdict
    assert len(verdict.operations) >= OPERATIONS_MIN, "nothing was shown of the others"
