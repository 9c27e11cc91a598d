"""The second wall: row-level security, where a query forgot its own condition (decision 0011)."""

from sqlalchemy import select

from chassis.database import Database
from chassis.identity import Principal
from partner.models import Operator, Partner
from testkit.door import ADMINISTRATOR
from tests.partner.builders import PartnerDoor, an_operator, as_partner


async def _seen(database: Database, by: Principal) -> tuple[set[str], int]:
    """What a query without any condition sees: account ids, and how many operators."""
    async with database.transaction_as(by) as session:
        accounts = set(await session.scalars(select(Partner.partner_id)))
        operators = (await session.scalars(select(Operator.operator_id))).all()
    return accounts, len(operators)


async def test_the_database_shows_each_tenant_its_own_rows(
    door: PartnerDoor, database: Database
) -> None:
    """A distributor sees its resellers' accounts, not their operators; a reseller only itself."""
    above = await door.register(kind="distributor")
    below = await door.register(kind="reseller", distributor_id=above["partner_id"])
    other = await door.register()
    for account in (below, other):
        answer = await door.post(f"/api/partners/{account['partner_id']}/operators", an_operator())
        assert answer.status_code == 201

    ids = {name: account["partner_id"] for name, account in
           {"above": above, "below": below, "other": other}.items()}  # fmt: skip
    assert await _seen(database, as_partner(above)) == ({ids["above"], ids["below"]}, 0)
    assert await _seen(database, as_partner(below)) == ({ids["below"]}, 1)
    assert await _seen(database, as_partner(other)) == ({ids["other"]}, 1)
    assert await _seen(database, ADMINISTRATOR) == (set(ids.values()), 2)
