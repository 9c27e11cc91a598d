"""A pooler between a service and PostgreSQL, as small as one can be that still does what they do.

It speaks the frames of PostgreSQL's protocol and nothing more: each client's login is the server's
own, and makes one session. In session mode that session stays the client's; in transaction mode
each transaction gets the one that was given back last, whoever logged in for it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from testkit.embedded.ports import LOOPBACK

SSL_REQUEST = 80877103
ASKS_FOR_MORE = (3, 5, 10, 11)  # kinds of the login's questions that the client answers
TRACKED = {"user", "database", "client_encoding", "application_name", "DateStyle", "TimeZone"}
"""What PgBouncer lets a client say at start-up."""


@dataclass
class Session:
    """A connection to the server."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


@dataclass
class Pooler:
    """Listens on `port` while `running`."""

    server_port: int
    shares_sessions: bool
    port: int = 0
    idle: list[Session] = field(default_factory=list)
    _open: list[Session] = field(default_factory=list)  # to both sides

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Pooler"]:
        """Serve while the context lasts."""
        listening = await asyncio.start_server(self._serve, LOOPBACK, 0)
        self.port = listening.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            listening.close()
            for session in self._open:
                session.writer.close()
                with suppress(ConnectionError):
                    await session.writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = Session(reader, writer)
        self._open.append(client)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            if session := await self._log_in(client):
                await self._pass_on(client, session)
        writer.close()

    async def _log_in(self, client: Session) -> Session | None:
        start = await _read_start(client.reader)
        if int.from_bytes(start[:4], "big") == SSL_REQUEST:
            client.writer.write(b"N")
            start = await _read_start(client.reader)
        texts = start[4:].split(b"\0")
        unknown = {name.decode() for name in texts[0::2] if name} - TRACKED
        if unknown:
            client.writer.write(_refusal(f"unsupported startup parameter: {min(unknown)}"))
            return None
        session = Session(*await asyncio.open_connection(LOOPBACK, self.server_port))
        self._open.append(session)
        session.writer.write(_frame(b"", start))
        while (frame := await _read(session.reader))[:1] != b"Z":
            client.writer.write(frame)
            if frame[:1] == b"R" and int.from_bytes(frame[5:9], "big") in ASKS_FOR_MORE:
                session.writer.write(await _read(client.reader))
            if frame[:1] == b"E":
                return None
        if self.shares_sessions:
            self.idle.append(session)
        client.writer.write(frame)
        return session

    async def _pass_on(self, client: Session, session: Session) -> None:
        """Until the client leaves."""
        answering: asyncio.Task[None] | None = None
        while (frame := await _read(client.reader))[:1] != b"X":
            if answering is None or answering.done():
                if self.shares_sessions:
                    session = self.idle.pop()
                answering = asyncio.create_task(self._answer(client, session))
            session.writer.write(frame)

    async def _answer(self, client: Session, session: Session) -> None:
        """Until the transaction has ended: the server is idle then."""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while (frame := await _read(session.reader)) != _frame(b"Z", b"I"):
                client.writer.write(frame)
            if self.shares_sessions:
                self.idle.append(session)
            client.writer.write(frame)


async def _read_start(reader: asyncio.StreamReader) -> bytes:
    length = int.from_bytes(await reader.readexactly(4), "big")
    return await reader.readexactly(length - 4)


async def _read(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readexactly(5)
    return head + await reader.readexactly(int.from_bytes(head[1:], "big") - 4)


def _frame(kind: bytes, content: bytes) -> bytes:
    return kind + (len(content) + 4).to_bytes(4, "big") + content


def _refusal(message: str) -> bytes:
    return _frame(b"E", b"SFATAL\0C08P01\0M" + message.encode() + b"\0\0")
