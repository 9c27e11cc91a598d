"""create_enterprise_project_auth: a customer opens the management of enterprise projects."""

from sqlalchemy import func, select

from chassis.database import Database
from customer_sync.customers.models import EnterpriseProjects
from testkit.door import code_of
from tests.customer_sync.builders import SELLER, CustomerDoor, customer_itself

OPEN = "/v2/enterprises/enterprise-projects/authority"


async def test_opened_once_for_good_however_often_it_is_asked(
    door: CustomerDoor, database: Database
) -> None:
    customer = await door.create()
    for _ in range(2):
        answer = await door.post(OPEN, None, customer_itself(customer))
        assert (answer.status_code, answer.content) == (204, b"")
    async with database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(EnterpriseProjects)) == 1
        assert (await session.get_one(EnterpriseProjects, customer)).partner_id == "sp1"


async def test_only_customers_open_it(door: CustomerDoor) -> None:
    before = await door.written()
    assert code_of(await door.post(OPEN, {}, SELLER)) == (403, "CBC.0151")
    assert code_of(await door.post(OPEN, {}, customer_itself("nobody"))) == (404, "CHB.0404")
    assert await door.written() == before
