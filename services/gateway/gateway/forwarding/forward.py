"""The way to the services: one pooled client for the process's life."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO

import aiohttp
from yarl import URL

from chassis.errors import BadFieldError, RefusedError
from chassis.identity import HEADER, Principal, sign_identity
from chassis.language import asked_language
from chassis.listener import HEAD_BYTES_MAX
from chassis.logs import get_logger, request_id, trace_parent
from chassis.peer_tls import PeerTls, why_not
from gateway.forwarding.destinations import Service
from gateway.received import Headers, Received
from gateway.settings import GatewaySettings
from wire.native_routes import match_native

log = get_logger(__name__)

HEADER_CHARACTERS_MAX = 1_000
WHOLE_BODY_BYTES_MAX = 512 * 1024
KEEPALIVE_SECONDS = 30  # shorter than the services keep an idle connection
_PASSED_ON = (
    b"content-type",
    b"accept",
    b"x-language",
    b"idempotency-key",
    b"if-match",
    b"if-none-match",
)


class ServiceAwayError(RefusedError):
    """The service cannot be reached or did not answer in time; whether it acted is unknown.

    CBC.0999 on the vendor's paths, which know no 503; CHB.0503 on ours.
    """

    code = "CBC.0999"


class Forwarder:
    """Knows where the services are."""

    def __init__(self, settings: GatewaySettings):
        self._settings = settings
        self._tls = PeerTls(settings)
        self._client: aiohttp.ClientSession | None = None
        seconds, connect = settings.forward_timeout_seconds, settings.forward_connect_seconds
        self._timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=connect)
        self._file_timeout = aiohttp.ClientTimeout(sock_read=seconds, sock_connect=connect)
        self._urls = {
            Service.CUSTOMER_SYNC: settings.customer_sync_url.rstrip("/"),
            Service.ORDER: settings.order_url.rstrip("/"),
            Service.VOUCHER: settings.voucher_url.rstrip("/"),
            Service.BILLING: settings.billing_url.rstrip("/"),
            Service.PARTNER: settings.partner_url.rstrip("/"),
        }

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """The pool; belongs to the running loop."""
        settings = self._settings
        connector = aiohttp.TCPConnector(
            limit=settings.forward_connections_max, keepalive_timeout=KEEPALIVE_SECONDS
        )
        async with aiohttp.ClientSession(
            connector=connector,
            timeout=self._timeout,
            max_line_size=HEAD_BYTES_MAX,
            max_field_size=HEAD_BYTES_MAX,  # no answer is lost to a long header
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent", "Content-Type"),
        ) as client:
            # aiohttp repeats PUT and DELETE on a connection that was closed: a command is sent
            # once, and reads are repeated here.
            client._retry_connection = False
            self._client = client
            yield

    async def send(
        self,
        service: Service,
        request: Received,
        body: bytes,
        principal: Principal,
        key: str | None = None,
    ) -> aiohttp.ClientResponse:
        """The service's answer, its body still to be read.

        `key` is the Idempotency-Key of a request that brought none.

        Raises:
            ServiceAwayError: no connection, or no answer in time.

        """
        method = "GET" if request.method == "HEAD" else request.method
        try:
            return await self._send(service, method, request, body, principal, key)
        except (aiohttp.ClientError, TimeoutError) as error:
            dropped = isinstance(error, aiohttp.ClientConnectionError)
            if method != "GET" or not dropped or isinstance(error, TimeoutError):
                raise self.away(service, error) from error
        try:
            return await self._send(service, method, request, body, principal, key)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self.away(service, error) from error

    async def _send(
        self,
        service: Service,
        method: str,
        request: Received,
        body: bytes,
        principal: Principal,
        key: str | None,
    ) -> aiohttp.ClientResponse:
        assert self._client is not None, "Forwarder.open was not entered"
        target = request.target
        headers = passed_on(request.headers)
        is_native = request.raw_path.startswith(b"/api/")
        if (language := asked_language(request.headers, is_ours=is_native)) is not None:
            headers["x-language"] = language
        if key is not None:
            headers.setdefault("idempotency-key", key)
        headers["x-request-id"] = request_id()
        headers["traceparent"] = trace_parent()
        headers[HEADER] = sign_identity(self._settings.keys, principal, method, target, body)
        return await self._client.request(
            method,
            URL(self._urls[service] + target, encoded=True),
            data=_payload(body),
            headers=headers,
            allow_redirects=False,
            ssl=self._tls.believed(),
            timeout=self._timeout_of(method, request) if is_native else self._timeout,
        )

    def _timeout_of(self, method: str, request: Received) -> aiohttp.ClientTimeout:
        """A file is read for as long as some of it comes."""
        route = match_native(method, request.raw_path.decode("latin-1"))
        return self._file_timeout if route is not None and route.file else self._timeout

    @staticmethod
    def away(service: Service, error: BaseException) -> ServiceAwayError:
        """What the caller hears of it; the log has why."""
        log.warning("service away", service_name=service.value, error=why_not(error))
        return ServiceAwayError()


def passed_on(headers: Headers) -> dict[str, str]:
    """The caller's headers that are for the service.

    Raises:
        BadFieldError: one that came more than once, is too long, or is more than printable ASCII.

    """
    passed: dict[str, str] = {}
    for name, raw in headers:
        if name not in _PASSED_ON:
            continue
        shown, value = name.decode(), raw.decode("latin-1")
        if shown in passed:
            raise BadFieldError(shown, "came more than once")
        if len(value) > HEADER_CHARACTERS_MAX or not (value.isascii() and value.isprintable()):
            raise BadFieldError(shown, f"up to {HEADER_CHARACTERS_MAX} printable characters")
        passed[shown] = value
    return passed


def _payload(body: bytes) -> bytes | BytesIO | None:
    """What aiohttp takes: a large body in portions, so that the loop is not held."""
    if len(body) > WHOLE_BODY_BYTES_MAX:
        return BytesIO(body)
    return body or None
