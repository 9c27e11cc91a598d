"""What a caller may send before anybody looks at it, and how long it may take."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from starlette.types import Receive, Scope, Send

from chassis import listener
from tests.gateway.gate import START_SECONDS, answer_json, listening

HEAD = b"GET /x HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"


async def tell_the_body(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that answers with the number of bytes it read."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message["body"])
        more = message["more_body"]
    await answer_json(send, 200, {"bytes": size})


@pytest.fixture
async def server() -> AsyncIterator[tuple[str, int]]:
    async with listening(tell_the_body) as url:
        host, port = url.removeprefix("http://").split(":")
        yield host, int(port)


@asynccontextmanager
async def connected(
    server: tuple[str, int],
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(*server)
    try:
        async with asyncio.timeout(START_SECONDS):
            yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def status_of(reader: asyncio.StreamReader) -> int:
    """Reads one answer whole."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    (size,) = (int(x[15:]) for x in head.split("\r\n") if x.startswith("content-length:"))
    await reader.readexactly(size)
    return int(head.split(" ")[1])


@pytest.mark.parametrize("spare_bytes", [0, 1])
async def test_headers_have_64_kb(server: tuple[str, int], spare_bytes: int) -> None:
    used = len("/xHostx")
    name = b"X-Big"
    value = b"a" * (listener.HEAD_BYTES_MAX - used - len(name) + 1 - spare_bytes)
    async with connected(server) as (reader, writer):
        writer.write(HEAD + name + b": " + value + b"\r\n\r\n")
        assert await status_of(reader) == (200 if spare_bytes else 431)
        assert reader.at_eof() is False if spare_bytes else await reader.read() == b""


@pytest.mark.parametrize("begin", [HEAD + b"X-Big: ", b"GET /x?", HEAD + b"X: 1\r\n" * 20_000])
async def test_a_head_without_end_is_refused_while_it_comes(
    server: tuple[str, int], begin: bytes
) -> None:
    async with connected(server) as (reader, writer):
        writer.write(begin)
        try:
            while not writer.is_closing():
                writer.write(b"a" * 65_536)
                await writer.drain()
                if reader.at_eof():
                    break
        except ConnectionError:
            return  # refused, and the rest thrown away
        assert await status_of(reader) == 431


async def test_bodies_and_later_requests_of_a_connection_do_not_count(
    server: tuple[str, int],
) -> None:
    async with connected(server) as (reader, writer):
        for _ in range(3):
            body = b"b" * 200_000
            writer.write(POST % len(body) + body + HEAD + b"X: " + b"a" * 40_000 + b"\r\n\r\n")
            assert await status_of(reader) == 200
            assert await status_of(reader) == 200


@pytest.mark.parametrize(
    "sent", [b"", b"\r\n", HEAD, HEAD + b"X-Slow: ", POST % 9, POST % 9 + b"12345678"]
)
async def test_who_does_not_go_on_is_let_go(
    server: tuple[str, int], sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HEAD_SECONDS_MAX", "BODY_SECONDS_MAX", "GRACE_SECONDS"):
        monkeypatch.setattr(listener, name, 0.1)
    async with connected(server) as (reader, writer):
        writer.write(sent)
        assert await reader.read() == b""


async def test_who_goes_on_very_slowly_is_let_go_all_the_same(
    server: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HEAD_SECONDS_MAX", "GRACE_SECONDS"):
        monkeypatch.setattr(listener, name, 0.2)
    async with connected(server) as (reader, writer):
        writer.write(HEAD)
        closed = asyncio.ensure_future(reader.read())
        while not closed.done():
            writer.write(b"X-Slow: 1\r\n")
            await asyncio.wait([closed], timeout=0.02)


async def test_nobody_is_late_while_the_answer_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HEAD_SECONDS_MAX", "BODY_SECONDS_MAX", "GRACE_SECONDS"):
        monkeypatch.setattr(listener, name, 0.05)

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await asyncio.sleep(0.5)
        await tell_the_body(scope, receive, send)

    async with listening(slow) as url:
        host, port = url.removeprefix("http://").split(":")
        async with connected((host, int(port))) as (reader, writer):
            for _ in range(2):
                writer.write(POST % 3 + b"abc")
                assert await status_of(reader) == 200


async def test_what_is_no_http_is_told_as_everything_else_is(server: tuple[str, int]) -> None:
    async with connected(server) as (reader, writer):
        writer.write(b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 400 " in head
        assert b"application/json" in head
        assert b"connection: close" in head
        assert b'{"error_code":"CBC.0100","error_msg":' in await reader.read()


def test_a_slow_client_is_gone_within_30_seconds() -> None:
    longest = listener.HEAD_SECONDS_MAX + listener.BODY_SECONDS_MAX + 2 * listener.GRACE_SECONDS
    assert longest < 30
