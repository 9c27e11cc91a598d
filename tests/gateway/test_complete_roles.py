"""Operators that were kept before roles were: partner is asked to state them again."""

import json

from sqlalchemy import update

from gateway.identity.complete_roles import complete_roles
from gateway.identity.models import Operator
from tests.gateway.gate import Gate
from tests.gateway.identity_builders import operator, partner

TRANSFER = "/v2/accounts/partner-accounts/adjust-amount"


async def test_roles_are_asked_for_until_they_are_told(gate: Gate) -> None:
    await gate.feed(partner(), operator("op1", role="administrator"))
    parts = gate.app.parts
    await complete_roles(parts.database, parts.sideways, gate.echo.url)
    assert gate.echo.seen == []

    async with parts.database.transaction() as session:
        await session.execute(update(Operator).values(role=None))
    key = await gate.key("p1", "op1")
    assert (await gate.call(key, "POST", TRANSFER, {})).status == 403
    await complete_roles(parts.database, parts.sideways, gate.echo.url)
    assert gate.echo.seen[-1]["path"] == "/internal/restatements"
    assert json.loads(gate.echo.body()) == {"aggregates": ["operator"]}
    assert gate.echo.principal(gate.settings).is_administrator

    told = operator("op1", role="administrator").model_copy(update={"restated": True})
    await gate.feed(told)
    assert (await gate.call(key, "POST", TRANSFER, {})).status == 200
    asked = len(gate.echo.seen)
    await complete_roles(parts.database, parts.sideways, gate.echo.url)
    assert len(gate.echo.seen) == asked
