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
