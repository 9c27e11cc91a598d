"""Principals, bodies and requests of the partner tests."""

import json
from itertools import count
from typing import Any

from httpx import AsyncClient, Response
from sqlalchemy import func, select

from chassis.database import Database
from chassis.identity import HEADER, Principal, sign_identity
from chassis.settings import ServiceSettings
from chassis.tables import AuditEntry, OutboxRow
from partner.models import Operator, Partner

ADMINISTRATOR = Principal(id="root", kind="administrator", partner_id="*")
_serial = count(1)


class Door:
    """The service's HTTP door, entered with the signed identity that the gateway would add."""

    def __init__(self, client: AsyncClient, settings: ServiceSettings):
        self._client, self._settings = client, settings

    async def post(
        self, path: str, body: dict[str, Any], by: Principal = ADMINISTRATOR, key: str | None = None
    ) -> Response:
        """Send JSON; `key` becomes the Idempotency-Key."""
        more = {"Idempotency-Key": key} if key else {}
        return await self._send("POST", path, json.dumps(body).encode(), by, more)

    async def patch(
        self, path: str, body: dict[str, Any], by: Principal = ADMINISTRATOR
    ) -> Response:
        """Change what is there."""
        return await self._send("PATCH", path, json.dumps(body).encode(), by, {})

    async def get(self, path: str, by: Principal = ADMINISTRATOR) -> Response:
        """Ask."""
        return await self._send("GET", path, b"", by, {})

    async def register(self, **fields: Any) -> dict[str, Any]:
        """Register an account that differs from the others by its name."""
        answer = await self.post("/api/partners", a_partner(**fields))
        assert answer.status_code == 201, answer.text
        registered: dict[str, Any] = answer.json()
        return registered

    async def _send(
        self, method: str, path: str, body: bytes, by: Principal, more: dict[str, str]
    ) -> Response:
        identity = sign_identity(self._settings.keys, by, method, path, body)
        headers = {HEADER: identity, "Content-Type": "application/json", **more}
        return await self._client.request(method, path, content=body, headers=headers)


def a_partner(**fields: Any) -> dict[str, Any]:
    """The body of a registration."""
    number = next(_serial)
    return {
        "name": f"云帆科技 {number}",
        "account_name": f"yunfan-{number}",
        "kind": "solution_provider",
        **fields,
    }


def an_operator(**fields: Any) -> dict[str, Any]:
    """The body of a new operator, as the gateway forwards it."""
    number = next(_serial)
    return {
        "account_name": f"wang.{number}".replace(".", "_"),
        "name": "王芳",
        "role": "account_manager",
        "credential_ref": "ref-1",
        **fields,
    }


def as_partner(account: dict[str, Any], **fields: Any) -> Principal:
    """The registered account as the one who asks."""
    return Principal(
        id=account["partner_id"],
        kind=account["kind"],
        partner_id=account["partner_id"],
        distributor_id=account["distributor_id"],
        **fields,
    )


async def stated(database: Database) -> list[tuple[str, dict[str, Any]]]:
    """Type and body of every event in the outbox, in order."""
    async with database.transaction() as session:
        rows = (await session.scalars(select(OutboxRow).order_by(OutboxRow.id))).all()
    return [(json.loads(row.attributes)["ce_type"], json.loads(row.body)) for row in rows]


async def written(database: Database) -> tuple[int, int, int, int]:
    """How many accounts, operators, events and audit entries there are."""
    async with database.transaction() as session:
        counts = [
            await session.scalar(select(func.count()).select_from(table)) or 0
            for table in (Partner, Operator, OutboxRow, AuditEntry)
        ]
    return (counts[0], counts[1], counts[2], counts[3])
