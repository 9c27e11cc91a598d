"""An enterprise master gives its members cash and credit, and takes it back.

See docs/domain/enterprise.md I.5.
"""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, text

from billing.accounts.expire_credit import expire_credit
from billing.accounts.models import ARREARS, CREDIT, Account
from billing.settings import BillingSettings
from chassis.database import Database
from contracts.customer import CustomerUpdated
from testkit import outbox
from testkit.door import ADMINISTRATOR, code_of
from tests.billing.builders import (
    CUSTOMER,
    NOW,
    OTHER_CUSTOMER,
    REFERRAL,
    BillingDoor,
    as_customer,
    as_partner,
    balance_of,
    customer,
    hear,
    money,
    order_line,
    order_paid,
    prove,
    running,
    untouched,
)
from tests.billing.test_record_refund import part, refunded
from tests.billing.test_record_usage import lines_of, record, vm

pytestmark = pytest.mark.postgres
MASTER, MEMBER = OTHER_CUSTOMER, CUSTOMER
GIVE, TAKE = (f"/v2/enterprises/multi-accounts/{one}-amount" for one in ("transfer", "retrieve"))
DEBIT, OF_CREDIT = "BALANCE_TYPE_DEBIT", "BALANCE_TYPE_CREDIT"
END, LATER = "2026-12-31T15:59:59Z", "2027-06-30T15:59:59Z"


@pytest.fixture(autouse=True)
async def enterprise(database: Database) -> None:
    await hear(
        database,
        customer(CustomerUpdated, MASTER, version=2, is_enterprise_master=True),
        customer(CustomerUpdated, MEMBER, version=2, enterprise_master_id=MASTER),
    )


async def move(door: BillingDoor, path: str, amount: Any, **more: Any) -> httpx.Response:
    """A transfer or a reclaim by the master."""
    told = {"customer_id": MEMBER, "amount": amount, **more}
    return await door.post(path, told, as_customer(MASTER))


async def done(door: BillingDoor, path: str, amount: str, **more: Any) -> None:
    answer = await move(door, path, amount, **more)
    assert (answer.status_code, answer.content) == (204, b""), answer.text


async def line(door: BillingDoor, amount: str, end: str | None = None, owner: str = MASTER) -> None:
    told = {"amount": amount} | ({"expires_at": end} if end else {})
    answer = await door.put(f"/api/accounts/{owner}/credit-line", told, ADMINISTRATOR)
    assert answer.status_code == 200, answer.text


async def shown(door: BillingDoor, path: str, balance_type: str = DEBIT, **more: Any) -> Any:
    more["balance_type"] = balance_type
    if path == TAKE:
        more["sub_customer_id"] = MEMBER
    query = "&".join(f"{key}={value}" for key, value in more.items())
    answer = await door.get(f"{path}?{query}", as_customer(MASTER))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def credit_of(database: Database, owner: str, end: str | None) -> tuple[Any, Any]:
    """Balance and line of that end."""
    ends = Account.expires_at.is_(None) if end is None else Account.expires_at == text(f"'{end}'")
    async with database.transaction() as session:
        found = await session.execute(
            select(Account.balance, Account.credit_amount).where(
                Account.owner_id == owner, Account.account_type == CREDIT, ends
            )
        )
        row = found.one()
    return str(row.balance), str(row.credit_amount)


async def test_cash_goes_to_the_member_and_what_is_left_of_it_comes_back(
    door: BillingDoor, database: Database
) -> None:
    """Break: let the reclaim take what the member has from elsewhere."""
    await door.top_up(MASTER, "100.00")
    await door.top_up(MEMBER, "7.00")
    await done(door, GIVE, "60.00")
    assert await shown(door, TAKE) == {
        "total_count": 1,
        "amount_infos": [{"avail_retrieve_amount": 60.0, "measure_id": 1, "currency": "CNY"}],
    }
    assert (await shown(door, GIVE))["amount_infos"][0]["avail_transfer_amount"] == 40.0
    assert code_of(await move(door, TAKE, "60.01")) == (400, "CBC.99005003")
    await done(door, TAKE, "25.00")
    assert (await balance_of(database, MASTER)).balance == money("65.00")
    assert (await balance_of(database, MEMBER)).balance == money("42.00")
    told = (await outbox.bodies(database, "billing.funds_moved"))[-2:]
    assert [(one["owner_id"], one["amount"], one["reason"]) for one in told] == [
        (MEMBER, "-25.00", "SOURCE_OPERAIION_ADJUST"),
        (MASTER, "25.00", "SOURCE_OPERAIION_ADJUST"),
    ]
    records = await door.get("/v3/accounts/partner-accounts/adjust-records", as_partner())
    assert records.json()["total_count"] == 0
    assert (await prove(door))["balanced"]


async def test_cash_pays_first_what_the_member_owes(door: BillingDoor, database: Database) -> None:
    await record(door, vm("r1", "100"))  # 7.00, owed
    await door.top_up(MASTER, "10.00")
    await done(door, GIVE, "10.00")
    assert (await balance_of(database, MEMBER)).balance == money("3.00")
    assert (await balance_of(database, MEMBER, ARREARS)).balance == money("0.00")
    assert (await prove(door))["balanced"]


async def test_each_end_of_credit_is_an_account_of_its_own(
    door: BillingDoor, database: Database
) -> None:
    """Break: give the taker's credit the end of another account, or none."""
    await line(door, "100.00", END)
    await line(door, "50.00")
    await done(door, GIVE, "30.00", balance_type=OF_CREDIT, expire_time=END)
    await done(door, GIVE, "20.00", balance_type=OF_CREDIT)
    assert await credit_of(database, MASTER, END) == ("70.00", "70.00")
    assert await credit_of(database, MEMBER, END) == ("30.00", "30.00")
    assert await credit_of(database, MEMBER, None) == ("20.00", "20.00")
    first, second = (await shown(door, GIVE, OF_CREDIT))["amount_infos"]
    assert first == {
        "avail_transfer_amount": 70.0, "measure_id": 1, "currency": "CNY", "amount": 70.0,
        "credit_amount": 70.0, "expire_time": END,
    }  # fmt: skip
    assert "expire_time" not in second
    page = await shown(door, TAKE, OF_CREDIT, offset=1, limit=1)
    assert (page["total_count"], page["amount_infos"][0]["credit_amount"]) == (2, 20.0)
    assert (await shown(door, GIVE, OF_CREDIT, limit=0))["amount_infos"] == []
    for end in (LATER, "2026-12-31T15:59:58Z"):
        answer = await move(door, GIVE, "1.00", balance_type=OF_CREDIT, expire_time=end)
        assert code_of(answer) == (400, "CBC.99007181"), end
    told = [one["expires_at"] for one in await outbox.bodies(database, "billing.funds_moved")]
    assert set(told) == {END, None}
    assert (await prove(door))["balanced"]


async def test_what_ends_first_is_spent_first_and_held_by_its_own_account(
    door: BillingDoor, database: Database
) -> None:
    """Break: hold, capture or charge on the credit without end alone."""
    await line(door, "10.00", LATER, MEMBER)
    await line(door, "4.00", END, MEMBER)
    await line(door, "5.00", None, MEMBER)
    assert code_of(await door.hold("a0", "19.01")) == (400, "CBC.99005003")
    assert (await door.hold("a1", "6.00")).json() == {
        "cash_amount": "0.00", "credit_amount": "6.00",
    }  # fmt: skip
    assert (await prove(door))["balanced"]
    paid = order_paid("a1", [order_line("l1", "5.00"), order_line("l2", "1.00")], credit="6.00")
    await hear(database, paid)
    assert await credit_of(database, MEMBER, END) == ("0.00", "4.00")
    assert await credit_of(database, MEMBER, LATER) == ("8.00", "10.00")
    await record(door, vm("r1", "150"))  # 10.50
    assert await credit_of(database, MEMBER, LATER) == ("0.00", "10.00")
    assert await credit_of(database, MEMBER, None) == ("2.50", "5.00")
    assert (await prove(door))["balanced"]
    back = refunded(part("f1", credit_amount="5.00"))
    await hear(database, back)
    assert await credit_of(database, MEMBER, END) == ("4.00", "4.00")
    assert await credit_of(database, MEMBER, LATER) == ("1.00", "10.00")
    assert (await prove(door))["balanced"]


async def test_a_reclaim_takes_more_credit_than_is_left_and_leaves_the_member_owing(
    door: BillingDoor, database: Database
) -> None:
    """Break: take what is left only, or owe on the oldest lines."""
    await line(door, "20.00", END)
    await done(door, GIVE, "20.00", balance_type=OF_CREDIT, expire_time=END)
    await record(door, vm("r1", "100"))  # 7.00
    await record(door, vm("r2", "100"))
    assert (await shown(door, TAKE, OF_CREDIT))["amount_infos"][0] == {
        "avail_retrieve_amount": 20.0, "measure_id": 1, "currency": "CNY", "amount": 6.0,
        "credit_amount": 20.0, "expire_time": END,
    }  # fmt: skip
    more = {"balance_type": OF_CREDIT, "expire_time": END}
    assert code_of(await move(door, TAKE, "20.01", **more)) == (400, "CBC.99005003")
    await done(door, TAKE, "15.00", **more)
    assert await credit_of(database, MASTER, END) == ("15.00", "15.00")
    assert await credit_of(database, MEMBER, END) == ("0.00", "5.00")
    assert (await balance_of(database, MEMBER, ARREARS)).balance == money("-9.00")
    lines = {one.usage_record_id: one for one in await lines_of(database)}
    assert [(lines[key].credit_amount, lines[key].debt_amount) for key in ("r1", "r2")] == [
        (money("5.00"), money("2.00")), (money("0.00"), money("7.00")),
    ]  # fmt: skip
    settled = await outbox.bodies(database, "billing.line_settled")
    assert [(one["settled_amount"], one["debt_amount"]) for one in settled] == [
        ("-7.00", "7.00"), ("-2.00", "2.00"),
    ]  # fmt: skip
    (opened,) = await outbox.bodies(database, "billing.arrears_opened")
    assert (opened["customer_id"], opened["debt_amount"]) == (MEMBER, "9.00")
    assert (await prove(door))["balanced"]
    await door.top_up(MEMBER, "9.00")
    assert (await balance_of(database, MEMBER, ARREARS)).balance == money("0.00")
    await done(door, TAKE, "5.00", **more)
    assert (await prove(door))["balanced"]


async def test_what_credit_without_end_had_paid_is_owed_and_its_refund_comes_as_money(
    door: BillingDoor, database: Database
) -> None:
    """Break: give a refund's credit back though its master has it."""
    await line(door, "20.00")
    await done(door, GIVE, "20.00", balance_type=OF_CREDIT)
    await door.hold("a1", "8.00")
    await hear(database, order_paid("a1", [order_line("l1", "8.00")], credit="8.00"))
    await done(door, TAKE, "20.00", balance_type=OF_CREDIT)
    assert (await balance_of(database, MEMBER, ARREARS)).balance == money("-8.00")
    back = refunded(part("f1", credit_amount="8.00"))
    await hear(database, back)
    assert await credit_of(database, MEMBER, None) == ("0.00", "0.00")
    assert (await balance_of(database, MEMBER, ARREARS)).balance == money("0.00")
    assert (await prove(door))["balanced"]


async def test_what_a_payment_holds_of_credit_is_not_reclaimed(door: BillingDoor) -> None:
    await line(door, "20.00")
    await done(door, GIVE, "20.00", balance_type=OF_CREDIT)
    await door.hold("a1", "8.00")
    assert code_of(await move(door, TAKE, "12.01", balance_type=OF_CREDIT))[1] == "CBC.99005003"
    await done(door, TAKE, "12.00", balance_type=OF_CREDIT)
    assert (await prove(door))["balanced"]


async def test_a_trans_id_is_remembered_for_good_and_a_refused_one_is_not(
    door: BillingDoor, database: Database
) -> None:
    """Break: look for the number among transfers of the same kind or member alone."""
    assert code_of(await move(door, GIVE, "1.00", trans_id="t1"))[1] == "CBC.99005003"
    await door.top_up(MASTER, "10.00")
    await done(door, GIVE, "5.00", trans_id="t1")
    before = await untouched(database)
    for path, amount in ((GIVE, "5.00"), (GIVE, "1.00"), (TAKE, "5.00")):
        assert code_of(await move(door, path, amount, trans_id="t1")) == (400, "CBC.99007009")
    assert await untouched(database) == before
    await done(door, GIVE, "1.00", trans_id="")
    await done(door, GIVE, "1.00")


async def test_refusals_have_their_own_codes(door: BillingDoor, database: Database) -> None:
    await door.top_up(MASTER, "10.00")
    before = await untouched(database)
    cases = [
        ({"customer_id": "nobody"}, (403, "CBC.0150")),
        ({"customer_id": REFERRAL}, (403, "CBC.0150")),
        ({"amount": "10.01"}, (400, "CBC.99005003")),
        ({"amount": "0"}, (400, "CBC.0100")),
        ({"amount": "0.001"}, (400, "CBC.0100")),
        ({"balance_type": "BALANCE"}, (400, "CBC.0101")),
        ({"trans_id": "t" * 33}, (400, "CBC.0100")),
        ({"balance_type": OF_CREDIT}, (400, "CBC.99007181")),
        ({"balance_type": OF_CREDIT, "expire_time": "2020-01-01T00:00:00Z"}, (400, "CBC.99007181")),
    ]
    for told, code in cases:
        assert code_of(await move(door, GIVE, **{"amount": "1.00", **told})) == code, told
    for who in (as_customer(MEMBER), as_partner()):
        body = {"customer_id": MEMBER, "amount": "1.00"}
        assert code_of(await door.post(GIVE, body, who)) == (403, "CBC.0151")
    assert await untouched(database) == before
    gone = {"is_enterprise_master": True, "association_status": "unlinked"}
    await hear(database, customer(CustomerUpdated, MASTER, version=3, **gone))
    assert code_of(await move(door, GIVE, "1.00"))[1] == "CBC.99000043"
    await hear(database, customer(CustomerUpdated, MASTER, version=4, is_enterprise_master=True))
    custody = {"enterprise_master_id": MASTER, "financial_custody": True}
    await hear(database, customer(CustomerUpdated, MEMBER, version=3, **custody))
    answer = await move(door, GIVE, "1.00")
    assert code_of(answer) == (400, "CBC.99007004")
    assert "FINANCIAL_CUSTODY" in answer.json()["error_msg"]
    await hear(database, customer(CustomerUpdated, MEMBER, version=4))
    assert code_of(await move(door, TAKE, "1.00")) == (403, "CBC.0150")


async def test_a_master_that_owes_gives_nothing(door: BillingDoor) -> None:
    await line(door, "7.00", END)
    await record(door, vm("r1", "200", customer_id=MASTER))
    await line(door, "20.00", LATER)
    answer = await move(door, GIVE, "1.00", balance_type=OF_CREDIT, expire_time=LATER)
    assert code_of(answer) == (400, "CBC.99007004")
    assert "IS_DEBT" in answer.json()["error_msg"]


async def test_one_transfer_of_a_master_at_a_time(door: BillingDoor, database: Database) -> None:
    await door.top_up(MASTER, "10.00")
    async with database.transaction() as session:
        key = func.hashtextextended(f"billing.enterprise {MASTER}", 0)
        await session.execute(select(func.pg_advisory_xact_lock(key)))
        assert code_of(await move(door, GIVE, "1.00")) == (400, "CBC.99007461")
    answers = await asyncio.gather(*(move(door, GIVE, "1.00") for _ in range(8)))
    codes = {code_of(answer)[1] for answer in answers if answer.status_code != 204}
    assert codes <= {"CBC.99007461"}
    assert (await balance_of(database, MASTER)).balance == money("10.00") - sum(
        answer.status_code == 204 for answer in answers
    )


async def test_credit_that_has_ended_is_neither_spent_nor_kept(
    settings: BillingSettings, database: Database
) -> None:
    """Break: spend or show what has ended, or leave the line as it was when it is cleared."""
    async with running(settings) as door:
        await line(door, "10.00", END, MEMBER)
        await record(door, vm("r1", "50"))  # 3.50
        await door.hold("a1", "2.00")
    ended = NOW + timedelta(days=60)
    async with running(settings, ended) as door:
        for answer in (await door.hold("a2", "1.00"), await move(door, GIVE, "1.00")):
            assert code_of(answer) == (400, "CBC.99005003")
        own = (await door.get("/v2/accounts/customer-accounts/balances", as_customer())).json()
        assert [one["account_type"] for one in own["account_balances"]] == [1]
        await expire_credit(database, ended)
        assert await credit_of(database, MEMBER, END) == ("2.00", "5.50")
        await expire_credit(database, ended)
        await hear(database, order_paid("a1", [order_line("l1", "2.00")], credit="2.00"))
        assert await credit_of(database, MEMBER, END) == ("0.00", "5.50")
        path = "/v2/accounts/customer-accounts/account-change-records"
        gone = await door.get(f"{path}?balance_type={OF_CREDIT}&trade_type=EXPIRED", as_customer())
        assert [one["change_amount"] for one in gone.json()["records"]] == ["4.50"]
        assert (await prove(door))["balanced"]
