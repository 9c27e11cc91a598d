"""A service's HTTP door in this process, entered with the signed identity that the gateway adds."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Self

from httpx import ASGITransport, AsyncClient, Request, Response

from chassis.database import Database
from chassis.identity import HEADER, Principal, sign_identity
from chassis.parts import ServiceApp

ADMINISTRATOR = Principal(id="administrator", kind="administrator", partner_id="*")
Headers = Mapping[str, str]


class Door:
    """Sends requests as whoever is named, else as `by`.

    A service's tests extend it by the deeds that they do most.
    """

    def __init__(self, app: ServiceApp[Any], client: AsyncClient, by: Principal):
        self.app, self.by = app, by
        self._client = client

    @classmethod
    @asynccontextmanager
    async def of(cls, app: ServiceApp[Any], by: Principal = ADMINISTRATOR) -> AsyncIterator[Self]:
        """The application's door; whether the application's lifespan runs is the caller's matter.

        A failure is answered as the service answers it, and is not raised here.
        """
        transport = ASGITransport(app, raise_app_exceptions=False)
        async with AsyncClient(transport=transport, base_url="http://service") as client:
            yield cls(app, client, by)

    @property
    def database(self) -> Database:
        """The application's own: a transaction of it sees past every tenant's rule."""
        database: Database = self.app.parts.database
        return database

    async def get(
        self, path: str, by: Principal | None = None, *,
        query: Mapping[str, Any] | None = None, headers: Headers | None = None,
    ) -> Response:  # fmt: skip
        """Ask."""
        return await self.send("GET", path, None, by, query=query, headers=headers)

    async def post(
        self, path: str, body: Any = None, by: Principal | None = None, *,
        key: str | None = None, headers: Headers | None = None,
    ) -> Response:  # fmt: skip
        """Order something; `key` becomes the Idempotency-Key."""
        keyed = {"Idempotency-Key": key} if key else {}
        return await self.send("POST", path, body, by, headers={**keyed, **(headers or {})})

    async def put(self, path: str, body: Any = None, by: Principal | None = None) -> Response:
        """Set something."""
        return await self.send("PUT", path, body, by)

    async def patch(
        self, path: str, body: Any, by: Principal | None = None, *, headers: Headers | None = None
    ) -> Response:
        """Change what is there."""
        return await self.send("PATCH", path, body, by, headers=headers)

    async def send(
        self, method: str, path: str, body: Any = None, by: Principal | None = None, *,
        query: Mapping[str, Any] | None = None, headers: Headers | None = None,
    ) -> Response:  # fmt: skip
        """Send JSON, bytes as they are, or no body for None."""
        request = self._request(method, path, body, query, headers)
        target = request.url.raw_path.decode()
        keys = self.app.parts.settings.keys
        identity = sign_identity(keys, by or self.by, method, target, request.content)
        request.headers[HEADER] = identity
        return await self._client.send(request)

    async def send_unsigned(
        self, method: str, path: str, body: Any = None, *, headers: Headers | None = None
    ) -> Response:
        """Send it past the gateway: no identity comes with it but what the headers have."""
        return await self._client.send(self._request(method, path, body, None, headers))

    def _request(
        self, method: str, path: str, body: Any, query: Mapping[str, Any] | None,
        headers: Headers | None,
    ) -> Request:  # fmt: skip
        content = body if isinstance(body, bytes) else _json(body)
        told = {"Content-Type": "application/json", **(headers or {})}
        return self._client.build_request(method, path, params=query, content=content, headers=told)


def _json(body: Any) -> bytes:
    return b"" if body is None else json.dumps(body).encode()


def code_of(answer: Response) -> tuple[int, str]:
    """Status and error code of a refusal, in whichever shape it came."""
    body = answer.json()
    return answer.status_code, body.get("error_code") or body.get("code")
