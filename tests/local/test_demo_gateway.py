"""What the demo's loader tries again: whatever a moment may heal, and never a transfer twice."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from local.demo import gateway as module
from local.demo.gateway import CommandRefusedError, Gateway
from testkit.embedded.ports import free_port

PATH = "/api/things"


class Failing:
    """Fails so often, in such a way, then answers."""

    def __init__(self) -> None:
        self.failures: list[web.Response | None] = []  # None: the connection breaks
        self.asked = 0

    async def answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        if not self.failures:
            return web.json_response({"done": True})
        failure = self.failures.pop(0)
        if failure is None:
            assert request.transport
            request.transport.abort()
            return web.Response()
        return failure


def refused(code: str, status: int = 400) -> web.Response:
    """A refusal of the vendor's kind."""
    return web.json_response({"error_code": code, "error_msg": "not now"}, status=status)


@pytest.fixture
def failing() -> Failing:
    return Failing()


@pytest.fixture
async def client(failing: Failing, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Gateway]:
    """The loader's client of it, which does not pause."""
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.0)
    app = web.Application()
    app.router.add_route("*", PATH, failing.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    async with Gateway(f"http://127.0.0.1:{port}", "t") as made:
        yield made
    await runner.cleanup()


async def test_a_refusal_that_a_moment_heals_is_asked_again(
    client: Gateway, failing: Failing
) -> None:
    failing.failures = [refused("CBC.99005003"), refused("CBC.0999", 503)]
    healing = frozenset({"CBC.99005003"})
    assert await client.call("payment", "POST", PATH, {}, healing=healing) == {"done": True}
    assert failing.asked == 3


async def test_another_refusal_stands_and_knows_whether_it_is_of_a_repeat(
    client: Gateway, failing: Failing
) -> None:
    failing.failures = [refused("CBC.99005003")]
    with pytest.raises(CommandRefusedError) as first:
        await client.call("payment", "POST", PATH, {})
    failing.failures = [refused("CBC.0999", 503), refused("CBC.99003106")]
    with pytest.raises(CommandRefusedError) as repeated:
        await client.call("payment", "POST", PATH, {})
    assert (first.value.is_of_a_repeat, repeated.value.is_of_a_repeat) == (False, True)


@pytest.mark.parametrize(("method", "once"), [("GET", None), ("PUT", None), ("POST", "step 1")])
async def test_a_connection_that_breaks_is_made_again_where_that_does_no_harm(
    client: Gateway, failing: Failing, method: str, once: str | None
) -> None:
    failing.failures = [None, None]
    assert await client.call("step", method, PATH, {}, once=once) == {"done": True}


async def test_what_would_move_money_twice_is_not_sent_again(
    client: Gateway, failing: Failing
) -> None:
    failing.failures = [None]
    with pytest.raises(aiohttp.ClientError):
        await client.call("transfer", "POST", PATH, {})
    assert failing.asked == 1
