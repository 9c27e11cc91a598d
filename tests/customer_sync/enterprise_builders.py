"""Enterprise masters, their members, and what they ask."""

from typing import Any
from urllib.parse import urlencode

from httpx import Response
from sqlalchemy import func, select

from chassis.database import Database
from chassis.identity import Principal
from customer_sync.customers.models import Identity
from customer_sync.enterprise.models import Member, Organization
from testkit.door import ADMINISTRATOR
from tests.customer_sync.builders import SELLER, CustomerDoor

ORGANIZATIONS = "/v2/enterprises/multi-accounts/enterprise-organizations"
MEMBERS = "/v2/enterprises/multi-accounts/sub-customers"
SEND_SMS = "/v2/enterprises/multi-accounts/sm-verification-code"
UNITS = "/api/enterprise/organizations"
MASTERS_PHONE, PHONE = "13900000001", "13900000002"
NAMED = [{"key": "sub_customer_name", "value": "branch_one"}]


async def an_enterprise(door: CustomerDoor, by: Principal = SELLER, **fields: Any) -> str:
    """A customer verified as an enterprise."""
    if "mobile_phone" in fields:
        fields["verification_code"] = await door.code(fields["mobile_phone"], by)
    customer_id = await door.create(by, **fields)
    await verify(door, customer_id, 1)
    return customer_id


async def verify(door: CustomerDoor, customer_id: str, customer_type: int) -> None:
    """As a person (0) or an enterprise (1)."""
    told = {"customer_name": "甲公司", "customer_type": customer_type}
    path = f"/api/customers/{customer_id}/verification"
    assert (await door.post(path, told, ADMINISTRATOR)).status_code == 200


async def make_master(door: CustomerDoor, customer_id: str, **fields: Any) -> Response:
    """The vendor's side makes the customer a master."""
    return await door.post(f"/api/customers/{customer_id}/enterprise", fields, ADMINISTRATOR)


async def a_master(
    door: CustomerDoor, by: Principal = SELLER, name: str | None = None, **fields: Any
) -> Principal:
    """A master of the partner's, as it calls itself."""
    below = fields.get("indirect_partner_id")
    customer_id = await an_enterprise(door, by, **fields)
    made = await make_master(door, customer_id, name=name)
    assert made.status_code == 201, made.text
    return Principal(
        id=customer_id,
        kind="customer",
        partner_id=below or by.partner_id,
        distributor_id=by.id if below else None,
        site=by.site,
    )


async def root_of(door: CustomerDoor, master: Principal) -> str:
    """The id of its organisation's root."""
    return str((await door.get(ORGANIZATIONS, master)).json()["root_id"])


async def a_unit(door: CustomerDoor, master: Principal, name: str, **fields: Any) -> str:
    """A unit below the root, or below the parent named."""
    added = await door.post(UNITS, {"name": name, **fields}, master)
    assert added.status_code == 201, added.text
    return str(added.json()["organization_id"])


async def sms_code(
    door: CustomerDoor, master: Principal, mobile: str = PHONE, **fields: Any
) -> str:
    """Ask for a code for a member's phone and read it."""
    body = {"mobile_phone": mobile, "sm_template_args": NAMED, **fields}
    answer = await door.post(SEND_SMS, body, master)
    assert (answer.status_code, answer.content) == (204, b""), answer.text
    return door.last_code()


def an_account(name: str = "branch_one", **fields: Any) -> dict[str, Any]:
    """The account of a member with its master's phone, as it leaves the gateway."""
    account = {"customer_name": name, "use_pri_mobile_phone": "Y", "credential_ref": "ref-1"}
    return {**account, **fields}


async def ask_member(
    door: CustomerDoor, master: Principal, account: Any = None, **fields: Any
) -> Response:
    """create_sub_enterprise_account, below the root unless told."""
    body = {"sub_customer_association_type": 1, **fields}
    body["new_sub_customer"] = an_account() if account is None else account
    if "party_id" not in body:
        body["party_id"] = await root_of(door, master)
    return await door.post(MEMBERS, body, master)


async def a_member(
    door: CustomerDoor, master: Principal, name: str = "branch_one", **fields: Any
) -> str:
    """A member with its master's phone; its id."""
    made = await ask_member(door, master, an_account(name), **fields)
    assert (made.status_code, made.content) == (204, b""), made.text
    (row,) = (await members(door, master, sub_customer_account_name=name))[0]
    return str(row["id"])


async def members(
    door: CustomerDoor, master: Principal, **fields: Any
) -> tuple[list[dict[str, Any]], int]:
    """A page of list_enterprise_sub_customers, and how many there are."""
    answer = await door.get(f"{MEMBERS}?{urlencode({'offset': 0, **fields})}", master)
    assert answer.status_code == 200, answer.text
    return answer.json()["sub_customer_infos"], answer.json()["total_count"]


async def written(door: CustomerDoor, database: Database) -> tuple[int, ...]:
    """What a refusal leaves as it was: the service's rows, and these of enterprises."""
    async with database.transaction() as session:
        taken = await session.scalar(select(func.sum(Identity.accounts)))
        rows = [
            await session.scalar(select(func.count()).select_from(table)) or 0
            for table in (Organization, Member)
        ]
    return (*await door.written(), int(taken or 0), *rows)


async def member_row(database: Database, customer_id: str) -> Member:
    """The membership, seen past every tenant's rule."""
    async with database.transaction() as session:
        return await session.get_one(Member, customer_id)
