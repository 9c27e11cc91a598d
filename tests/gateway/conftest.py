"""Fixtures of the gateway's tests."""

from collections.abc import AsyncIterator

import pytest

from testkit.databases import ServiceDatabase, service_database
from tests.gateway.gate import Gate, open_gate

gateway_store = service_database("gateway")


@pytest.fixture
async def gate(gateway_store: ServiceDatabase) -> AsyncIterator[Gate]:
    """A gateway that listens, with an echo behind it."""
    async with open_gate(gateway_store) as opened:
        yield opened


@pytest.fixture(autouse=True)
def patient_console(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whom the console asks is never slow here; a machine that stands still for a moment is.

    Its page would say that a service did not answer, and have no form for the test to send.
    """
    monkeypatch.setattr("gateway.ops.peers.LOOK_SECONDS_MAX", 30.0)
