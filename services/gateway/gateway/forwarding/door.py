"""The gateway's outer door: every request passes here before any route of the gateway sees it.

Known by path, then authenticated, admitted and counted; then forwarded to its service, or handed to
the gateway's own routes under the same signed header that the services get.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import aiohttp
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.error_answers import allowed_methods, away_error
from chassis.errors import BadFieldError, OutsideError, RefusedError
from chassis.failures import DatabaseAwayError
from chassis.identity import HEADER, sign_identity
from chassis.language import asked_language, language_of_site
from chassis.logs import get_logger, note, request_id
from chassis.parts import application_of
from chassis.try_again import twice
from gateway.forwarding.admit import admit
from gateway.forwarding.answers import (
    Answer,
    MethodError,
    forwarded_start,
    note_refusal,
    refusal,
    saying_quota,
    without_body,
)
from gateway.forwarding.check_query import check_path, check_query, check_texts
from gateway.forwarding.claim_login_names import claiming_login_names
from gateway.forwarding.claim_signature import claim_signature, release_signature
from gateway.forwarding.destinations import Destination, Service, destination_of, methods_of
from gateway.forwarding.forward import ServiceAwayError
from gateway.forwarding.kept_answers import REPEATABLE, KeptAnswers, fingerprint_of
from gateway.identity.authenticate import Caller, SignatureRefusedError
from gateway.parts import GatewayParts
from gateway.received import ClientGoneError, Received, client_address, received

log = get_logger(__name__)

_IDENTITY = HEADER.lower().encode()
_OPEN = frozenset({"/ops", "/openapi.json", "/asyncapi.json"})
_OPEN_BELOW = ("/ops/",)  # the console signs its users in itself


class UnknownPathError(RefusedError):
    """No operation has this method and path."""

    code = "APIGW.0101"


class Door:
    """ASGI middleware around the gateway's own routes."""

    def __init__(self, app: ASGIApp, parts: GatewayParts):
        self._app = app
        self._parts = parts
        self._kept = KeptAnswers(parts.database)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["raw_path"].decode("latin-1")
        # Nobody outside speaks as the gateway.
        scope["headers"] = [pair for pair in scope["headers"] if pair[0] != _IDENTITY]
        if path in _OPEN or path.startswith(_OPEN_BELOW):
            note(address=client_address(scope, self._parts.settings.proxies))
            with suppress(ClientGoneError):
                await self._app(scope, receive, send)
            return
        await self._guarded(scope, receive, send, path)

    async def _guarded(self, scope: Scope, receive: Receive, send: Send, path: str) -> None:
        """Every refusal and failure becomes one documented answer."""
        answered = False

        async def send_once(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        destination = destination_of(scope["method"], path)
        try:
            if destination is None or _is_other_method(destination, scope, path):
                await _refuse_method(scope, path, send_once)
                return
            await self._serve(destination, scope, receive, send_once)
        except ClientGoneError:
            return
        except Exception as error:
            if answered:
                raise
            await _answer_of(error, scope, path).send(send)

    async def _serve(
        self, destination: Destination, scope: Scope, receive: Receive, send: Send
    ) -> None:
        parts = self._parts
        if destination.service is not Service.GATEWAY:
            scope["route"] = destination  # names the request in the metrics
        request = received(scope, receive, parts.settings.proxies, destination.body_bytes_max)
        if b"#" in request.raw_path + request.raw_query or not request.target.isascii():
            raise BadFieldError("path", "must be percent-encoded")
        note(address=request.client)
        now = parts.wall_clock()
        caller: Caller | None = await twice(lambda: parts.authenticator.caller_of(request, now))
        if caller is None and not destination.anonymous:
            raise SignatureRefusedError("neither Authorization nor X-Auth-Token was sent")
        if caller is not None:
            note(principal=caller.principal.id, operator=caller.principal.operator_id)
            _speak_as_its_site(request, scope, caller)
            admit(caller.principal, destination, connected=parts.settings.connected)
        send = self._count(destination, request, caller, send)
        await request.read()
        if destination.operation is not None:
            check_path(destination.operation, request.raw_path)
            check_query(destination.operation, request.raw_query)
        else:
            check_texts(request.raw_path, request.raw_query, request.body)

        async def carry_out(send: Send, key: str | None = None) -> None:
            if destination.service is Service.GATEWAY:
                await self._hand_on(scope, request, caller, receive, send)
                return
            assert caller is not None
            await self._command(destination, request, caller, send, key)

        if caller is None or caller.signature is None or request.method not in REPEATABLE:
            await carry_out(send)
            return
        fingerprint = fingerprint_of(request, caller)

        async def answer(send: Send) -> None:
            try:
                # Under a key, so that also its service carries it out once.
                await carry_out(send, f"signed:{fingerprint}")
            except ClientGoneError:
                raise
            except Exception as error:
                path = request.raw_path.decode("latin-1")
                await _answer_of(error, scope, path).send(send)

        await self._kept.answer_once(fingerprint, caller.principal.id, answer, send)

    async def _command(
        self,
        destination: Destination,
        request: Received,
        caller: Caller,
        send: Send,
        key: str | None,
    ) -> None:
        """Carry out by its service what may be no read; what it claims is free when refused."""
        database, now = self._parts.database, self._parts.wall_clock()
        used = caller.signature if destination.moves_value else None
        if used is not None:
            assert caller.access is not None
            claimed = (used, caller.access, request_id(), now)
            await twice(lambda: claim_signature(database, *claimed))

        async def refused() -> None:
            if used is not None:
                await release_signature(database, used)

        naming = claiming_login_names(database, destination, request.body, now)
        async with naming as claim:
            status = await self._forward(destination, request, caller, send, key, refused)
            claim.refused = 400 <= status < 500

    def _count(
        self, destination: Destination, request: Received, caller: Caller | None, send: Send
    ) -> Send:
        """By client address, operation and account; the administrator is us.

        Answers on our own paths say how many requests are left.
        """
        if caller is None:
            key: tuple[str, ...] = (request.client, destination.name, "")
            limit = destination.requests_per_second
        elif caller.principal.is_administrator:
            return send
        else:
            key = (request.client, destination.name, caller.principal.id)
            limit = caller.requests_per_second or destination.requests_per_second
        left = self._parts.rate_limit.take(key, limit, self._parts.wall_clock())
        return saying_quota(send, limit, left) if destination.is_native else send

    async def _hand_on(
        self,
        scope: Scope,
        request: Received,
        caller: Caller | None,
        receive: Receive,
        send: Send,
    ) -> None:
        """To the gateway's own routes, which find the caller where every service finds it."""
        if request.method == "HEAD":
            # A copy: the server, too, must know that no body follows.
            scope, send = {**scope, "method": "GET"}, without_body(send)
        if caller is not None:
            scope["caller"] = caller  # what proved it, for those who exchange it for another
            keys = self._parts.settings.keys
            signed = sign_identity(
                keys, caller.principal, scope["method"], request.target, request.body
            )
            scope["headers"] = [*scope["headers"], (_IDENTITY, signed.encode())]
        given = False

        async def receive_again() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": request.body, "more_body": False}

        await self._app(scope, receive_again, send)

    async def _forward(
        self,
        destination: Destination,
        request: Received,
        caller: Caller,
        send: Send,
        key: str | None,
        refused: Callable[[], Awaitable[None]],
    ) -> int:
        """Hand the request to its service, and its answer to the caller; the status.

        `refused` is called before the caller hears that its service refused.
        """
        body = request.body
        if destination.password_in is not None:
            desk = self._parts.password_desk
            body = await desk.replace(request, caller.principal, destination.password_in)
        if request.method == "HEAD":
            send = without_body(send)
        try:
            answer: aiohttp.ClientResponse = await self._parts.forwarder.send(
                destination.service, request, body, caller.principal, key
            )
            async with answer:
                chunks = answer.content.iter_any()
                try:
                    first = await anext(chunks, b"")
                except (aiohttp.ClientError, TimeoutError) as error:  # it ended while it answered
                    raise self._parts.forwarder.away(destination.service, error) from error
                if 400 <= answer.status < 500:
                    await refused()
                await _stream(answer, first, chunks, destination, send)
                return answer.status
        except ServiceAwayError as away:
            if destination.is_native:
                raise OutsideError(destination.service) from away
            raise


def _speak_as_its_site(request: Received, scope: Scope, caller: Caller) -> None:
    """On the vendor's paths who asks for no language is answered in that of its site."""
    is_ours = request.raw_path.startswith(b"/api/")
    if is_ours or asked_language(request.headers, is_ours=is_ours) is not None:
        return
    spoken = (b"x-language", language_of_site(caller.principal.site).encode())
    others = [pair for pair in request.headers if pair[0] != b"x-language"]
    request.headers = scope["headers"] = [*others, spoken]


def _answer_of(error: Exception, scope: Scope, path: str) -> Answer:
    """What the caller hears of a refusal or a failure of ours."""
    if isinstance(error, DatabaseAwayError):
        log.warning("database away", error=str(error), path=path)
        said = away_error(path)
    elif isinstance(error, RefusedError):
        said = error
    else:
        log.error("failed", exc_info=error, path=path)
        said = RefusedError(code="CBC.0999")
    return refusal(said, scope["headers"], native=path.startswith("/api/"))


def _is_other_method(destination: Destination, scope: Scope, path: str) -> bool:
    """Whether nobody answers this method of a path that is known by another."""
    if scope["method"] == "OPTIONS":
        return True
    if destination.service is not Service.GATEWAY or not methods_of(path):
        return False
    if "%2f" in path.lower():  # no path of ours has one: it is refused as such
        return False
    method = "GET" if scope["method"] == "HEAD" else scope["method"]
    asked = {**scope, "method": method}
    return all(route.matches(asked)[0] is not Match.FULL for route in application_of(scope).routes)


async def _refuse_method(scope: Scope, path: str, send: Send) -> None:
    """OPTIONS is told what a path can do; another method is 405 on ours, 404 on the vendor's."""
    known = {*methods_of(path), *allowed_methods(application_of(scope).routes, scope)}
    if (scope["method"], path) == ("OPTIONS", "*"):  # of the server as a whole (RFC 9110 9.3.7)
        known = {"GET", "POST", "PUT", "PATCH", "DELETE"}
    if not known:
        raise UnknownPathError
    allowed = sorted(known | {"OPTIONS"} | ({"HEAD"} if "GET" in known else set()))
    if scope["method"] == "OPTIONS":
        await Answer(204, [(b"allow", ", ".join(allowed).encode())], b"").send(send)
    elif path.startswith("/api/"):
        raise MethodError(allowed)
    else:
        raise UnknownPathError


async def _stream(
    answer: aiohttp.ClientResponse,
    first: bytes,
    chunks: AsyncIterator[bytes],
    destination: Destination,
    send: Send,
) -> None:
    """Status, body and the few headers that are the caller's; a redirect is a failure (D.4a.5)."""
    start = forwarded_start(answer, native=destination.is_native)
    note_refusal(answer.status, first)
    if not destination.is_native and first.lstrip()[:1] == b"[":
        log.error("a service answered an array", operation=destination.name)
        raise RefusedError(code="CBC.0999")
    await send(start)
    size = answer.content_length
    if size is not None and len(first) >= size:
        await send({"type": "http.response.body", "body": first})
        return
    await send({"type": "http.response.body", "body": first, "more_body": True})
    async for chunk in chunks:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
