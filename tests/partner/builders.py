"""Principals, bodies and requests of the partner tests."""

from itertools import count
from typing import Any

from sqlalchemy import func, select

from chassis.database import Database
from chassis.identity import Principal
from chassis.tables import AuditEntry, OutboxRow
from partner.models import Operator, Partner
from testkit.door import Door

_serial = count(1)


class PartnerDoor(Door):
    """Partner's door, and what its tests do most."""

    async def register(self, **fields: Any) -> dict[str, Any]:
        """Register an account that differs from the others by its name."""
        answer = await self.post("/api/partners", a_partner(**fields))
        assert answer.status_code == 201, answer.text
        registered: dict[str, Any] = answer.json()
        return registered


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


async def written(database: Database) -> tuple[int, int, int, int]:
    """How many accounts, operators, events and audit entries there are."""
    async with database.transaction() as session:
        counts = [
            await session.scalar(select(func.count()).select_from(table)) or 0
            for table in (Partner, Operator, OutboxRow, AuditEntry)
        ]
    return (counts[0], counts[1], counts[2], counts[3])
