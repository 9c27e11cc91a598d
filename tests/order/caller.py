"""Requests to the service as the gateway would forward them."""

import json
from types import TracebackType
from typing import Any

import httpx
from fastapi import FastAPI

from chassis.identity import HEADER, Principal, sign_identity


class Caller:
    """Signs each request for a principal and sends it through the application's own door."""

    def __init__(self, app: FastAPI):
        self._keys = app.state.settings.keys
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://order")

    async def __aenter__(self) -> "Caller":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        await self._client.aclose()

    async def get(self, principal: Principal, path: str, **query: Any) -> httpx.Response:
        return await self._send(principal, "GET", path, query, None, {})

    async def post(
        self, principal: Principal, path: str, body: Any, **headers: str
    ) -> httpx.Response:
        return await self._send(principal, "POST", path, {}, body, headers)

    async def put(self, principal: Principal, path: str, body: Any) -> httpx.Response:
        return await self._send(principal, "PUT", path, {}, body, {})

    async def _send(
        self, principal: Principal, method: str, path: str, query: dict[str, Any], body: Any,
        headers: dict[str, str],
    ) -> httpx.Response:  # fmt: skip
        content = b"" if body is None else json.dumps(body).encode()
        request = self._client.build_request(
            method, path, params=query, content=content,
            headers={"Content-Type": "application/json"} | headers,
        )  # fmt: skip
        target = request.url.raw_path.decode()
        request.headers[HEADER] = sign_identity(self._keys, principal, method, target, content)
        return await self._client.send(request)
