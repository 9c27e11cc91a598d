"""How a service listens: HTTP/1.1 by uvicorn, with bounds for what a caller sends and how slowly.

uvicorn itself takes headers without end, joins their pieces anew with each piece, and waits for the
rest of a request for as long as the connection lives.
"""

import asyncio
from collections.abc import Callable
from socket import socket
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from chassis.logs import get_logger
from chassis.peer_tls import ServerTls
from wire.codes import code
from wire.json import dumps

log = get_logger(__name__)

HEAD_BYTES_MAX = 64 * 1024  # the target and all headers
HEAD_SECONDS_MAX = (
    10.0  # from the connection's begin, later from the first byte, to the last header
)
BODY_SECONDS_MAX = 15.0
GRACE_SECONDS = 1.0  # what has arrived while the loop was held is read before anybody is late
KEEP_ALIVE_SECONDS = 75  # longer than the gateway keeps an idle connection to a service
_HEAD, _BODY = "head", "body"


class HeadTooLargeError(Exception):
    """More than `HEAD_BYTES_MAX` before the body."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection of a caller."""

    def __init__(self, *args: Any, **given: Any):
        super().__init__(*args, **given)
        self._tls: ServerTls | None = getattr(self.config, "tls", None)
        self._made_under = self._tls.renewals if self._tls else 0
        self._message = 0
        self._phase: str | None = None  # of the message that is arriving
        self._head_bytes = 0
        self._status = 400
        self._watched: tuple[int, str] | None = None
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection on which nothing is sent has an end, too."""
        super().connection_made(transport)
        self._watch(_HEAD)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone; uvicorn ends the request that waited for the rest."""
        self._unwatch()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Only what does not arrive at once is counted and watched: nearly everything does."""
        if self.transport.is_closing():
            return
        begun = self._message
        super().data_received(data)
        if self._phase == _HEAD and self._message == begun:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES_MAX:
                self._refuse_head()
        if self._phase is not None:
            self._watch(self._phase)
        elif self.cycle is not None:
            self._unwatch()
            if self.cycle.response_complete:
                self._keep_alive()

    def on_message_begin(self) -> None:
        """Of the parser."""
        self._message += 1
        self._phase, self._head_bytes = _HEAD, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Of the parser; what is raised here ends the parsing, and `send_400_response` answers."""
        self._phase = _BODY
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > HEAD_BYTES_MAX:
            self._status = 431
            raise HeadTooLargeError
        super().on_headers_complete()
        if self._tls is not None and self._tls.renewals != self._made_under:
            self.cycle.keep_alive = False  # its answer says so, and nobody asks again on it

    def on_message_complete(self) -> None:
        """Of the parser."""
        self._phase = None
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """From here uvicorn's own limit of idle connections counts."""
        if self._phase is None:
            self._unwatch()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """The answer to what is no request that could be given to the application."""
        known = code("CBC.0100")
        detail = "headers" if self._status == 431 else msg
        content = dumps({"error_code": known.code, "error_msg": f"{known.en} {detail}"})
        head = (
            b"content-type: application/json\r\n"
            b"content-length: %d\r\nconnection: close\r\n\r\n" % len(content)
        )
        self.transport.write(STATUS_LINE[self._status] + head + content)
        self.transport.close()

    def _keep_alive(self) -> None:
        """The rest of a request arrived after its answer: the connection waits for the next."""
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def _refuse_head(self) -> None:
        self._status = 431
        self.send_400_response("")

    def _watch(self, phase: str) -> None:
        watched = (max(self._message, 1), phase)
        if self._watched == watched:
            return
        self._unwatch()
        self._watched = watched
        seconds = HEAD_SECONDS_MAX if phase == _HEAD else BODY_SECONDS_MAX
        self._deadline = self.loop.call_later(seconds, self._be_late)

    def _be_late(self) -> None:
        self._deadline = self.loop.call_later(GRACE_SECONDS, self.transport.close)

    def _unwatch(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._watched = self._deadline = None


class Listening(uvicorn.Config):
    """How one listener is served, and the certificate that it shows."""

    tls: ServerTls | None = None


def listening_as(app: Any, tls: ServerTls | None = None, **given: Any) -> Listening:
    """How every service is served; `given` says where."""
    config = Listening(
        app,
        http=BoundedProtocol,
        ws="none",
        access_log=False,
        log_config=None,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        server_header=False,
        proxy_headers=False,  # who sends from where is the gateway's to say (TRUSTED_PROXIES)
        ssl_context_factory=(lambda *_: tls.context) if tls else None,
        **given,
    )
    config.tls = tls
    return config


class Server(uvicorn.Server):
    """Serves an application, and from before it starts until after it has ended what `ops` is.

    Told to stop it calls `ending` and drains: for `drain_seconds` more it accepts connections, for
    a load balancer hears of the end later than the process.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        ops: uvicorn.Config,
        ending: Callable[[], None],
        drain_seconds: float,
    ):
        super().__init__(config)
        self._ops = uvicorn.Server(ops)
        self._ending = ending
        self._drain_seconds = drain_seconds
        self._tls = getattr(config, "tls", None)
        self._renewing: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Health is told while the rest is still being opened."""
        config = self._ops.config
        config.load()
        self._ops.lifespan = config.lifespan_class(config)
        await self._ops.startup()
        if self._tls is not None:
            self._renewing = asyncio.create_task(self._tls.keep_renewed())
        await super().startup(sockets)

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """Drain, answer what is under way, end the application, then what `ops` is."""
        self._ending()
        log.info("draining", seconds=self._drain_seconds)
        await asyncio.sleep(self._drain_seconds)
        log.info("answering the last requests", requests=len(self.server_state.tasks))
        await super().shutdown(sockets)
        await self._ops.shutdown()
        if self._renewing is not None:
            self._renewing.cancel()
