"""The gateway's outer door: every request passes here before any route of the gateway sees it.

Known by path, then authenticated, admitted and counted; then forwarded to its service, or handed to
the gateway's own routes under the same signed header that the services get.
"""

from collections.abc import AsyncIterator
from contextlib import suppress

import aiohttp
from starlette.datastructures import State
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.error_answers import allowed_methods, away_error
from chassis.errors import BadFieldError, OutsideError, RefusedError
from chassis.failures import DatabaseAwayError
from chassis.identity import HEADER, sign_identity
from chassis.logs import get_logger, note, request_id
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
from gateway.forwarding.claim_signature import claim_signature
from gateway.forwarding.destinations import Destination, Service, destination_of, methods_of
from gateway.forwarding.forward import ServiceAwayError
from gateway.forwarding.received import ClientGoneError, Received, client_address, received
from gateway.identity.authenticate import Caller, SignatureRefusedError

log = get_logger(__name__)

_IDENTITY = HEADER.lower().encode()
_OPEN = frozenset({"/ops", "/openapi.json", "/asyncapi.json"})
_OPEN_BELOW = ("/ops/",)  # the console signs its users in itself


class UnknownPathError(RefusedError):
    """No operation has this method and path."""

    code = "APIGW.0101"


class Door:
    """ASGI middleware around the gateway's own routes; `state` is the application's."""

    def __init__(self, app: ASGIApp, state: State):
        self._app = app
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["raw_path"].decode("latin-1")
        # Nobody outside speaks as the gateway.
        scope["headers"] = [pair for pair in scope["headers"] if pair[0] != _IDENTITY]
        if path in _OPEN or path.startswith(_OPEN_BELOW):
            note(address=client_address(scope, self._state.settings.proxies))
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
        native = path.startswith("/api/")
        try:
            if destination is None or _is_other_method(destination, scope, path):
                await _refuse_method(scope, path, send_once)
                return
            await self._serve(destination, scope, receive, send_once)
        except ClientGoneError:
            return
        except RefusedError as error:
            if answered:
                raise
            await refusal(error, scope["headers"], native=native).send(send)
        except DatabaseAwayError as error:
            if answered:
                raise
            log.warning("database away", error=str(error), path=path)
            await refusal(away_error(path), scope["headers"], native=native).send(send)
        except Exception as error:
            if answered:
                raise
            log.error("failed", exc_info=error, path=path)
            unforeseen = RefusedError(code="CBC.0999")
            await refusal(unforeseen, scope["headers"], native=native).send(send)

    async def _serve(
        self, destination: Destination, scope: Scope, receive: Receive, send: Send
    ) -> None:
        state = self._state
        if destination.service is not Service.GATEWAY:
            scope["route"] = destination  # names the request in the metrics
        request = received(scope, receive, state.settings.proxies, destination.body_bytes_max)
        if b"#" in request.raw_path + request.raw_query or not request.target.isascii():
            raise BadFieldError("path", "must be percent-encoded")
        note(address=request.client)
        now = state.clock()
        caller: Caller | None = await twice(lambda: state.authenticator.caller_of(request, now))
        if caller is None and not destination.anonymous:
            raise SignatureRefusedError("neither Authorization nor X-Auth-Token was sent")
        if caller is not None:
            note(principal=caller.principal.id, operator=caller.principal.operator_id)
            admit(caller.principal, destination, connected=state.settings.connected)
        send = self._count(destination, request, caller, send)
        await request.read()
        if destination.operation is not None:
            check_path(destination.operation, request.raw_path)
            check_query(destination.operation, request.raw_query)
        else:
            check_texts(request.raw_path, request.raw_query, request.body)
        if destination.service is Service.GATEWAY:
            await self._hand_on(scope, request, caller, receive, send)
            return
        assert caller is not None
        if destination.moves_value and caller.signature is not None:
            assert caller.access is not None
            used = (caller.signature, caller.access, request_id(), now)
            await twice(lambda: claim_signature(state.database, *used))
        naming = claiming_login_names(state.database, destination, request.body, now)
        async with naming as claim:
            status = await self._forward(destination, request, caller, send)
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
        left = self._state.rate_limit.take(key, limit, self._state.clock())
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
            keys = self._state.settings.keys
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
        self, destination: Destination, request: Received, caller: Caller, send: Send
    ) -> int:
        """Hand the request to its service, and its answer to the caller; the status."""
        body = request.body
        if destination.password_in is not None:
            desk = self._state.password_desk
            body = await desk.replace(request, caller.principal, destination.password_in)
        if request.method == "HEAD":
            send = without_body(send)
        try:
            answer: aiohttp.ClientResponse = await self._state.forwarder.send(
                destination.service, request, body, caller.principal
            )
            async with answer:
                chunks = answer.content.iter_any()
                try:
                    first = await anext(chunks, b"")
                except (aiohttp.ClientError, TimeoutError) as error:  # it ended while it answered
                    raise self._state.forwarder.away(destination.service, error) from error
                await _stream(answer, first, chunks, destination, send)
                return answer.status
        except ServiceAwayError as away:
            if destination.is_native:
                raise OutsideError(destination.service) from away
            raise


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
    return all(route.matches(asked)[0] is not Match.FULL for route in scope["app"].routes)


async def _refuse_method(scope: Scope, path: str, send: Send) -> None:
    """OPTIONS is told what a path can do; another method is 405 on ours, 404 on the vendor's."""
    known = {*methods_of(path), *allowed_methods(scope["app"].routes, scope)}
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
