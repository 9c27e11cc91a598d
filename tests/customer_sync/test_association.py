"""Unlinking and switching: one side applies, the other answers (docs/domain/association.md B.3)."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from chassis.database import Database
from chassis.identity import Principal
from contracts.billing import BillingArrearsOpened
from contracts.order import OrderCancelled, OrderCreated, OrderEvent, OrderExpired, OrderPaid
from customer_sync.association.apply_for_change import next_possible
from testkit import outbox
from testkit.clock import StandingClock
from testkit.door import ADMINISTRATOR, code_of
from tests.customer_sync.builders import (
    ABROAD,
    DISTRIBUTOR,
    NOW,
    OTHER_SELLER,
    RESELLER,
    SELLER,
    CustomerDoor,
    an_order,
    customer_itself,
    hear,
)
from wire.permissions import items

CONFLICT, NOT_FOUND, WRONG = (409, "CHB.0409"), (404, "CHB.0404"), (403, "CBC.0151")
OPERATOR = replace(SELLER, operator_id="op1", operator_role="finance", permissions=items())
BOSS = replace(SELLER, operator_id="op2", operator_role="administrator")


async def _unlink(door: CustomerDoor, customer: str, by: Principal = SELLER) -> str:
    answer = await door.post(f"/api/customers/{customer}/unlinking", None, by)
    assert answer.status_code == 201, answer.text
    applied: str = answer.json()["application_id"]
    return applied


async def _switch(door: CustomerDoor, customer: str, to: str, by: Principal = SELLER) -> Any:
    return await door.post(f"/api/customers/{customer}/switching", {"association_type": to}, by)


async def _decide(door: CustomerDoor, application: str, answer: str, by: Principal) -> Any:
    return await door.post(f"/api/association-applications/{application}/{answer}", None, by)


def _owes(customer: str, amount: str, version: int = 1) -> BillingArrearsOpened:
    return BillingArrearsOpened(
        occurred_at=NOW, partner_id="sp1", version=version, customer_id=customer,
        currency="CNY", debt_amount=Decimal(amount),
    )  # fmt: skip


async def test_the_customer_agrees_to_unlinking_and_everything_ends_and_is_stated(
    door: CustomerDoor,
) -> None:
    customer = await door.create()
    await door.post(f"/api/customers/{customer}/authorizations")
    application = await _unlink(door, customer)
    page = await door.listed()
    assert [row["customer_id"] for row in page["customer_infos"]] == [customer]  # as before

    agreed = await _decide(door, application, "agree", customer_itself(customer))

    assert (agreed.status_code, agreed.json()["status"]) == (200, "agreed")
    stated = (await outbox.stated(door.database))[3:]
    assert [kind for kind, _ in stated] == [
        "association.change_requested",
        "association.change_decided",
        "authorization.terminated",
        "customer.unlinked",
    ]
    asked, decided, _, unlinked = (body for _, body in stated)
    assert (asked["kind"], asked["applied_by"], asked["status"]) == ("unlink", "partner", "open")
    assert (decided["version"], decided["status"]) == (2, "agreed")
    assert unlinked["association_status"] == "unlinked"
    assert unlinked["unlinked_on"] == "2026-11-23T03:00:00Z"
    assert (await door.listed())["count"] == 0
    before = await door.written()
    for again in ("agree", "refuse"):
        late = await _decide(door, application, again, customer_itself(customer))
        assert code_of(late) == CONFLICT
    assert code_of(await door.post(f"/api/customers/{customer}/unlinking")) == CONFLICT
    assert await door.written() == before


async def test_a_customer_applies_and_its_partners_administrator_answers(
    door: CustomerDoor,
) -> None:
    customer = await door.create()
    itself = customer_itself(customer)
    application = await _unlink(door, customer, itself)
    before = await door.written()
    for by in (itself, OPERATOR, ADMINISTRATOR):
        assert code_of(await _decide(door, application, "agree", by)) == WRONG
    assert code_of(await _decide(door, application, "withdraw", SELLER)) == WRONG
    assert code_of(await _decide(door, application, "agree", OTHER_SELLER)) == NOT_FOUND
    assert await door.written() == before
    assert (await _decide(door, application, "agree", BOSS)).json()["status"] == "agreed"
    assert (await door.listed())["count"] == 0


async def test_a_customer_cannot_apply_for_a_switch_nor_for_another(door: CustomerDoor) -> None:
    customer, other = await door.create(), await door.create()
    before = await door.written()
    itself = customer_itself(customer)
    assert code_of(await _switch(door, customer, "1", itself)) == WRONG
    assert code_of(await door.post(f"/api/customers/{other}/unlinking", None, itself)) == NOT_FOUND
    assert await door.written() == before


async def test_a_partner_with_its_customers_credentials_speaks_for_neither_side(
    door: CustomerDoor,
) -> None:
    customer = await door.create()
    acting = replace(customer_itself(customer), acting_for_partner="sp1")
    path = f"/api/customers/{customer}/unlinking"
    before = await door.written()
    assert code_of(await door.post(path, None, acting)) == WRONG
    assert await door.written() == before
    application = await _unlink(door, customer)
    before = await door.written()
    assert code_of(await _decide(door, application, "agree", acting)) == WRONG
    assert await door.written() == before


async def test_only_administrators_among_operators_apply_and_strangers_never(
    door: CustomerDoor,
) -> None:
    customer = await door.create()
    path = f"/api/customers/{customer}/unlinking"
    before = await door.written()
    assert code_of(await door.post(path, None, OPERATOR)) == WRONG
    assert code_of(await door.post(path, None, ADMINISTRATOR)) == WRONG
    assert code_of(await door.post(path, None, OTHER_SELLER)) == NOT_FOUND
    assert code_of(await door.post("/api/customers/nobody/unlinking")) == NOT_FOUND
    assert await door.written() == before
    await _unlink(door, customer, BOSS)


async def test_another_customer_cannot_answer(door: CustomerDoor) -> None:
    customer, other = await door.create(), await door.create()
    application = await _unlink(door, customer)
    before = await door.written()
    answer = await _decide(door, application, "agree", customer_itself(other))
    assert code_of(answer) == NOT_FOUND
    nothing = await _decide(door, "nothing", "agree", customer_itself(customer))
    assert code_of(nothing) == NOT_FOUND
    assert await door.written() == before


async def test_the_distributor_above_applies_for_its_resellers_customer(door: CustomerDoor) -> None:
    customer = await door.create(DISTRIBUTOR, indirect_partner_id="res1")
    application = await _unlink(door, customer, DISTRIBUTOR)
    assert (await _decide(door, application, "withdraw", RESELLER)).json()["status"] == "withdrawn"


@pytest.mark.parametrize("end", ["refuse", "withdraw"])
async def test_refused_or_withdrawn_the_customer_stays_and_three_months_must_pass(
    door: CustomerDoor, clock: StandingClock, end: str
) -> None:
    customer = await door.create()
    application = await _unlink(door, customer)
    by = SELLER if end == "withdraw" else customer_itself(customer)
    assert (await _decide(door, application, end, by)).status_code == 200
    assert (await door.listed())["count"] == 1
    clock.now = datetime(2027, 2, 23, 3, 0, 0, 123455, tzinfo=UTC)  # a microsecond too soon
    before = await door.written()
    for side in (SELLER, customer_itself(customer)):
        early = await door.post(f"/api/customers/{customer}/unlinking", None, side)
        assert code_of(early) == CONFLICT
        assert "2027-02-23T03:00:00Z" in early.json()["detail"]
    assert code_of(await _switch(door, customer, "1")) == CONFLICT
    assert await door.written() == before
    clock.forward(microseconds=1)
    await _unlink(door, customer)


async def test_an_open_application_bars_another_however_old(
    door: CustomerDoor, clock: StandingClock
) -> None:
    customer = await door.create()
    await _unlink(door, customer)
    clock.forward(days=200)
    before = await door.written()
    refused = await _switch(door, customer, "1")
    assert code_of(refused) == CONFLICT
    assert "is open" in refused.json()["detail"]
    assert await door.written() == before


@pytest.mark.parametrize(
    ("applied", "again"),
    [
        ("2026-11-30T01:00:00", "2027-02-28T01:00:00"),
        ("2027-11-30T01:00:00", "2028-02-29T01:00:00"),
        ("2026-11-30T16:30:00", "2027-02-28T16:30:00"),  # 1 December in Beijing
        ("2026-10-31T15:59:59", "2027-01-31T15:59:59"),
    ],
)
def test_three_months_are_counted_by_the_calendar(applied: str, again: str) -> None:
    at, then = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (applied, again))
    assert next_possible(at) == then


async def test_many_applications_at_once_leave_one(door: CustomerDoor) -> None:
    customer = await door.create()
    path = f"/api/customers/{customer}/unlinking"
    sides = [SELLER, customer_itself(customer)] * 4
    answers = await asyncio.gather(*(door.post(path, None, by) for by in sides))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7


async def test_many_answers_at_once_decide_once(door: CustomerDoor) -> None:
    customer = await door.create()
    application = await _unlink(door, customer)
    itself = customer_itself(customer)
    answers = await asyncio.gather(
        *(_decide(door, application, "agree", itself) for _ in range(3)),
        *(_decide(door, application, "refuse", itself) for _ in range(3)),
        *(_decide(door, application, "withdraw", SELLER) for _ in range(3)),
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 8
    decided = [
        kind
        for kind, _ in await outbox.stated(door.database)
        if kind == "association.change_decided"
    ]
    assert len(decided) == 1


async def test_a_switch_changes_the_type_the_counters_and_ends_the_authorization(
    door: CustomerDoor,
) -> None:
    customer = await door.create()
    asked = await door.post(f"/api/customers/{customer}/authorizations")
    grant = f"/api/authorizations/{asked.json()['authorization_id']}/grant"
    await door.post(grant, None, customer_itself(customer))
    applied = (await _switch(door, customer, "1")).json()
    assert (applied["kind"], applied["association_type"]) == ("switch", "1")

    agreed = await _decide(door, applied["application_id"], "agree", customer_itself(customer))

    assert agreed.status_code == 200, agreed.text
    kinds = [kind for kind, _ in await outbox.stated(door.database)][-3:]
    assert kinds[0] == "association.change_decided"
    assert kinds[1:] == ["authorization.terminated", "customer.association_changed"]
    changed = (await outbox.stated(door.database))[-1][1]
    assert (changed["association_type"], changed["association_status"]) == ("1", "associated")
    assert (await door.listed(association_type="2"))["count"] == 0
    assert (await door.listed(association_type="1"))["count"] == 1


async def test_a_switch_to_resale_keeps_a_referral_customer(door: CustomerDoor) -> None:
    customer = await door.create(cooperation_type="1")
    applied = (await _switch(door, customer, "2")).json()
    await _decide(door, applied["application_id"], "agree", customer_itself(customer))
    assert (await door.listed(association_type="2"))["count"] == 1


async def test_each_site_has_its_own_two_types(door: CustomerDoor) -> None:
    here = await door.create()
    abroad = await door.create(ABROAD, domain_area="SG")
    before = await door.written()
    assert code_of(await _switch(door, here, "3")) == (400, "CBC.0101")
    assert code_of(await _switch(door, abroad, "2", ABROAD)) == (400, "CBC.0101")
    assert code_of(await _switch(door, here, "2")) == CONFLICT
    assert code_of(await _switch(door, abroad, "3", ABROAD)) == CONFLICT
    assert await door.written() == before
    applied = (await _switch(door, abroad, "1", ABROAD)).json()
    itself = replace(customer_itself(abroad, "sp9"), site="international")
    assert (await _decide(door, applied["application_id"], "agree", itself)).is_success
    assert (await door.listed(ABROAD, association_type="1"))["count"] == 1


async def test_all_blockers_are_named_when_applying(door: CustomerDoor, database: Database) -> None:
    customer = await door.create()
    orders = [an_order(OrderCreated, customer, f"CS{number}") for number in range(7)]
    own = an_order(OrderCreated, customer, "CS9", source_type=1)
    await hear(database, _owes(customer, "12.50"), *orders, own)
    before = await door.written()
    refused = await door.post(f"/api/customers/{customer}/unlinking")
    assert code_of(refused) == CONFLICT
    said = refused.json()["refusal_detail"]
    assert "arrears: the customer owes 12.50 CNY" in said
    assert "unpaid_orders: CS0, CS1, CS2, CS3, CS4 and more" in said
    assert "CS9" not in said
    path, chinese = f"/api/customers/{customer}/unlinking", {"X-Language": "zh_CN"}
    told = (await door.post(path, None, SELLER, headers=chinese)).json()
    assert told["detail"] == (
        "对象当前状态不允许该操作。 欠费：客户欠 12.50 CNY；待支付订单：CS0, CS1, CS2, CS3, CS4 等"
    )
    assert told["refusal_detail"] in told["detail"]  # in one language
    assert code_of(await _switch(door, customer, "1")) == CONFLICT
    assert await door.written() == before


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        (OrderPaid, {"status": 3, "attempt_id": "a1", "coupons": [], "cash_amount": Decimal(10),
                     "credit_amount": Decimal(0)}),
        (OrderCancelled, {"status": 4}),
        (OrderExpired, {"status": 4}),
    ],
)  # fmt: skip
async def test_an_order_that_is_paid_or_gone_blocks_no_more(
    door: CustomerDoor, database: Database, kind: type[OrderEvent], more: dict[str, Any]
) -> None:
    customer = await door.create()
    await hear(database, an_order(OrderCreated, customer, "CS1", status=1))
    assert code_of(await door.post(f"/api/customers/{customer}/unlinking")) == CONFLICT
    await hear(database, an_order(kind, customer, "CS1", 3, **more))
    await hear(database, an_order(OrderCreated, customer, "CS1", 1, status=1))  # late
    await _unlink(door, customer)


async def test_what_came_up_meanwhile_blocks_the_agreement_and_leaves_it_open(
    door: CustomerDoor, database: Database
) -> None:
    customer = await door.create()
    application = await _unlink(door, customer)
    await hear(database, _owes(customer, "3.00"))
    before = await door.written()
    blocked = await _decide(door, application, "agree", customer_itself(customer))
    assert code_of(blocked) == CONFLICT
    assert "3.00 CNY" in blocked.json()["detail"]
    assert await door.written() == before
    await hear(database, _owes(customer, "0.00", 2))
    agreed = await _decide(door, application, "agree", customer_itself(customer))
    assert agreed.json()["status"] == "agreed"


async def test_the_same_idempotency_key_applies_once(door: CustomerDoor) -> None:
    customer = await door.create()
    path, key = f"/api/customers/{customer}/unlinking", {"Idempotency-Key": "k1"}
    first = await door.post(path, None, SELLER, headers=key)
    written = await door.written()
    second = await door.post(path, None, SELLER, headers=key)
    assert (second.status_code, second.json()) == (201, first.json())
    assert await door.written() == written


async def test_each_side_lists_its_own_applications_page_by_page(door: CustomerDoor) -> None:
    customers = [await door.create() for _ in range(3)]
    made = [await _unlink(door, customer) for customer in customers]
    await _decide(door, made[0], "withdraw", SELLER)

    async def ids(query: str, by: Principal = SELLER) -> list[str]:
        page = (await door.get(f"/api/association-applications?{query}", by)).json()
        return [row["application_id"] for row in page["applications"]]

    first = (await door.get("/api/association-applications?limit=2")).json()
    assert [row["application_id"] for row in first["applications"]] == [made[2], made[1]]
    assert await ids(f"limit=2&after={first['next']}") == [made[0]]
    assert await ids("status=withdrawn") == [made[0]]
    assert await ids("kind=switch") == []
    assert await ids(f"customer_id={customers[1]}") == [made[1]]
    assert await ids("limit=9", customer_itself(customers[1])) == [made[1]]
    assert await ids("limit=9", OTHER_SELLER) == []
    assert await ids("limit=9", ADMINISTRATOR) == [made[2], made[1], made[0]]
