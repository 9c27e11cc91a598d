"""Usage paid by coupons before money, by billing and the real voucher (decision 0165)."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from billing.ingest import run_files
from billing.ingest.models import UsageFile
from billing.parts import BillingParts
from billing.usage import reserve_coupons
from billing.usage_coupons.close_attempts import close_abandoned_attempts
from billing.usage_coupons.models import UsageAttempt
from chassis.database import Database
from chassis.sideways import Sideways
from testkit import outbox
from testkit.clock import StandingClock
from testkit.databases import ServiceDatabase, service_database
from testkit.door import ADMINISTRATOR, code_of
from tests.billing import builders as of_billing
from tests.billing.builders import CUSTOMER, NOW, OTHER_CUSTOMER, PARTNER, as_customer, prove
from tests.billing.test_record_usage import PATH, lines_of, record, usage, vm
from tests.billing.test_usage_files import send, text_of, worker
from tests.billing.with_voucher import Both
from tests.voucher import builders as of_voucher
from voucher.app import build as build_voucher
from voucher.settings import VoucherSettings

pytestmark = pytest.mark.postgres

CHANGES = "/v2/promotions/benefits/account-change-records"


async def know_parties(database: Database) -> None:
    """The partner of billing's tests and two of its customers."""
    await of_voucher.hear(
        database, of_voucher.joined(PARTNER),
        *(of_voucher.associated(one, partner_id=PARTNER) for one in (CUSTOMER, OTHER_CUSTOMER)),
    )  # fmt: skip


voucher_database = service_database("voucher", know_parties)


@pytest.fixture
async def both(
    door: of_billing.BillingDoor,
    voucher_database: ServiceDatabase,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Both]:
    app = build_voucher(voucher_database.settings(VoucherSettings), StandingClock(NOW))
    async with of_voucher.VoucherDoor.of(app, of_billing.as_partner()) as voucher:
        found = Both(door, voucher)

        async def post(*asked: Any) -> Any:
            return await found.post(*asked)

        monkeypatch.setattr(Sideways, "post", post)
        yield found
    await app.parts.database.close()


async def a_coupon(
    both: Both, face: str, limits: dict[str, Any] | None = None, days: int = 300, **more: Any
) -> str:
    """One that the customer has and billing has heard of."""
    ends = of_voucher.wire(NOW + timedelta(days=days))
    quota = {"partner_id": PARTNER, "expire_at": ends, "limits": limits or {}, **more}
    quota_id = await both.voucher.grant("1000.00", **quota)
    issued = await both.voucher.issue(quota_id, [CUSTOMER], float(face), of_billing.as_partner())
    assert issued.status_code == 200, issued.text
    await both.deliver()
    return str(issued.json()["coupon_infos"][0]["coupon_id"])


async def left(both: Both, *coupon_ids: str) -> list[tuple[str, str, bool]]:
    """Balance, reserved amount, and whether it is held, of each."""
    found = [await both.voucher.held(one) for one in coupon_ids]
    return [
        (f"{one.balance}", f"{one.reserved_amount:.2f}", one.lock_order_id is not None)
        for one in found
    ]


async def attempts(database: Database) -> list[str]:
    async with database.transaction() as session:
        found = await session.scalars(select(UsageAttempt.state).order_by(UsageAttempt.attempt_id))
        return list(found)


async def by_file(both: Both, *rows: dict[str, Any]) -> str:
    file_id = await send(both.billing, text_of(rows))
    await worker(both.billing).at_a_stop(both.billing.database, NOW)
    return file_id


async def test_a_coupon_pays_before_money_and_the_formula_comes_to_what_is_left(
    both: Both, database: Database
) -> None:
    """Break: let `pay_usage` take the whole amount."""
    await both.billing.top_up(CUSTOMER, "5.00")
    coupon_id = await a_coupon(both, "0.10")
    answer = await record(both.billing, vm("r1", "1"), vm("r2", "2"), usage("r3"))
    assert [(x["coupon_amount"], x["cash_amount"]) for x in answer] == [
        ("0.07", "0.00"), ("0.03", "0.11"), ("0.00", "0.04"),
    ]  # fmt: skip
    assert await left(both, coupon_id) == [("0.10", "0.10", True)]
    await both.deliver()
    await both.deliver()
    assert await left(both, coupon_id) == [("0.00", "0.00", False)]
    assert (await of_billing.balance_of(database, CUSTOMER)).balance == of_billing.money("4.85")
    assert (await prove(both.billing))["balanced"]
    assert await both.voucher.is_balanced()
    line = next(one for one in await lines_of(database) if one.usage_record_id == "r2")
    path = f"/api/bill-lines/{line.line_id}/explanation"
    told = (await both.billing.get(path, as_customer())).json()
    assert told["formula"].endswith("-0.03【代金券抵扣】")
    assert told["payments"][0]["means"] == "coupon"
    assert told["coupons"] == [
        {"coupon_id": coupon_id, "coupon_type": 1, "currency": "CNY", "amount": "0.03"}
    ]
    shown = await both.billing.get(
        "/v2/bills/customer-bills/fee-records",
        as_customer(), query={"bill_cycle": "2026-11"},
    )  # fmt: skip
    amounts = [one["coupon_amount"] for one in shown.json()["records"]]
    assert sorted(amounts) == [0, 0.03, 0.07]


async def test_restricted_goes_first_then_what_ends_first_and_what_may_not_pay_never(
    both: Both, database: Database
) -> None:
    """docs/domain/coupons.md H.17. Break: sort by the end alone."""
    late = await a_coupon(both, "0.05", days=200)
    early = await a_coupon(both, "0.05", days=100)
    of_servers = {"cloud_service_types": ["hws.service.type.ec2"]}
    restricted = await a_coupon(both, "0.05", of_servers, days=250)
    on_demand = await a_coupon(both, "0.02", {"charge_scenes": [5]}, days=290)
    periods = await a_coupon(both, "9.00", {"charge_scenes": [0]})
    once = await a_coupon(both, "9.00", {"usage_times": 1})
    large = await a_coupon(both, "9.00", {"threshold_amount": "10.00"})
    await record(both.billing, usage("r1"), vm("r2", "2"))
    [disk, server] = sorted(await lines_of(database), key=lambda one: one.usage_record_id or "")
    assert disk.reckoned["coupons"] == [[on_demand, 1, "0.02"], [early, 1, "0.02"]]
    assert server.reckoned["coupons"] == [
        [restricted, 1, "0.05"], [early, 1, "0.03"], [late, 1, "0.05"],
    ]  # fmt: skip
    assert (server.coupon_amount, server.debt_amount) == (
        of_billing.money("0.13"), of_billing.money("0.01"),
    )  # fmt: skip
    await both.deliver()
    assert await left(both, periods, once, large) == [("9.00", "0.00", False)] * 3


async def test_the_next_batch_finds_what_the_one_before_left_though_no_event_came(
    both: Both, database: Database
) -> None:
    """The request names the outcome. Break: leave `settled` out of what is asked."""
    coupon_id = await a_coupon(both, "0.20")
    await by_file(both, vm("r1", "1"), vm("r2", "1"))
    await record(both.billing, vm("r3", "1"))
    paid = [(one.coupon_amount, one.debt_amount) for one in await lines_of(database)]
    assert sorted(paid) == [
        (of_billing.money("0.06"), of_billing.money("0.01")),
        (of_billing.money("0.07"), of_billing.money("0.00")),
        (of_billing.money("0.07"), of_billing.money("0.00")),
    ]
    await both.deliver()
    await both.deliver()
    assert await left(both, coupon_id) == [("0.00", "0.00", False)]
    redeemed = await outbox.bodies(both.voucher.database, "voucher.redeemed")
    assert [(one["amount"], one["for_usage"]) for one in redeemed] == [
        ("0.14", True), ("0.06", True),
    ]  # fmt: skip
    changes = (await both.voucher.get(
        CHANGES, as_customer(), query={"balance_type": "BALANCE_TYPE_COUPON"}
    )).json()  # fmt: skip
    assert [one["trade_detail_type"] for one in changes["records"]] == [
        "SOURCE_OPERAIION_USAGE", "SOURCE_OPERAIION_USAGE", "SOURCE_OPERAIION_PRIZE",
    ]  # fmt: skip
    async with database.transaction() as session:
        told = await session.scalars(select(UsageAttempt.is_told).order_by(UsageAttempt.attempt_id))
        assert list(told) == [True, False]


async def test_voucher_is_asked_once_a_batch_and_only_where_a_payer_has_a_coupon(
    both: Both, database: Database
) -> None:
    await by_file(both, vm("r1", "1"), vm("r2", "1", customer_id=OTHER_CUSTOMER))
    assert both.asked == []
    assert await attempts(database) == []
    await a_coupon(both, "9.00")
    await by_file(both, vm("r3", "1"), vm("r4", "1"), vm("r5", "1", customer_id=OTHER_CUSTOMER))
    [asked] = both.asked
    [payer] = asked["payers"]
    assert (payer["customer_id"], len(payer["lines"])) == (CUSTOMER, 2)
    await by_file(both, vm("r3", "1"))  # known: nothing to pay
    assert len(both.asked) == 1


async def test_a_record_that_cannot_be_charged_frees_what_was_reserved(
    both: Both, database: Database
) -> None:
    coupon_id = await a_coupon(both, "9.00")
    answer = await both.billing.post(
        PATH, {"records": [vm("r1", "1"), vm("r2", "1", resource_spec_code="never")]}, ADMINISTRATOR
    )
    assert code_of(answer) == (400, "CBC.99006006")
    await both.deliver()
    assert await attempts(database) == ["failed"]
    assert await left(both, coupon_id) == [("9.00", "0.00", False)]


async def test_nothing_is_charged_while_voucher_does_not_answer(
    both: Both, database: Database
) -> None:
    """It acted, and its answer was lost. Break: charge money where voucher is away."""
    await both.billing.top_up(CUSTOMER, "5.00")
    coupon_id = await a_coupon(both, "0.10")
    both.away = True
    answer = await both.billing.post(PATH, {"records": [vm("r1", "1")]}, ADMINISTRATOR)
    assert code_of(answer) == (503, "CHB.0503")
    file_id = await by_file(both, vm("r2", "1"))
    assert await lines_of(database) == []
    async with database.transaction() as session:
        waiting = await session.get_one(UsageFile, file_id)
        assert (waiting.status, waiting.tries) == ("running", 0)
        await session.execute(update(UsageFile).values(held_until=None))
    both.away = False
    await record(both.billing, vm("r1", "1"))
    await worker(both.billing).at_a_stop(both.billing.database, NOW)
    await both.deliver()
    assert await left(both, coupon_id) == [("0.00", "0.00", False)]
    paid = sorted((one.coupon_amount, one.cash_amount) for one in await lines_of(database))
    assert paid == [
        (of_billing.money("0.03"), of_billing.money("0.04")),
        (of_billing.money("0.07"), of_billing.money("0.00")),
    ]
    assert await both.voucher.is_balanced()


class KilledError(BaseException):
    """As if the process were gone: nothing is tidied up."""


async def wait_out(both: Both) -> None:
    """The schedule comes by when the killed process's attempt is old enough."""
    parts: BillingParts = both.billing.app.parts
    close = close_abandoned_attempts(30, parts.business_clock.now)
    await close(both.billing.database, parts.wall_clock() + timedelta(days=36_500))


@pytest.mark.parametrize(
    "point", ["billing.usage_attempted", "billing.usage_reserved", "billing.usage_batch"]
)
async def test_a_kill_at_each_point_leaves_no_cent_and_no_coupon_behind(
    both: Both, database: Database, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    """Break: write the attempt in the charge's own transaction."""
    coupon_id = await a_coupon(both, "0.10")
    file_id = await send(both.billing, text_of([vm("r1", "1"), vm("r2", "1")]))

    def kill(name: str) -> None:
        if name == point:
            raise KilledError

    monkeypatch.setattr(reserve_coupons, "crash_point", kill)
    monkeypatch.setattr(run_files, "crash_point", kill)
    with pytest.raises(KilledError):
        await worker(both.billing).at_a_stop(both.billing.database, NOW)
    is_charged = point == "billing.usage_batch"
    assert await attempts(database) == ["paid" if is_charged else "open"]
    assert len(await lines_of(database)) == (2 if is_charged else 0)
    monkeypatch.setattr(reserve_coupons, "crash_point", lambda _: None)
    monkeypatch.setattr(run_files, "crash_point", lambda _: None)
    await wait_out(both)
    async with database.transaction() as session:
        await session.execute(update(UsageFile).values(held_until=None))
    await worker(both.billing).at_a_stop(both.billing.database, NOW)
    await both.deliver()
    await both.deliver()
    async with database.transaction() as session:
        assert (await session.get_one(UsageFile, file_id)).status == "done"
    lines = await lines_of(database)
    assert [(one.coupon_amount, one.debt_amount) for one in lines] == [
        (of_billing.money("0.07"), of_billing.money("0.00")),
        (of_billing.money("0.03"), of_billing.money("0.04")),
    ]
    assert await left(both, coupon_id) == [("0.00", "0.00", False)]
    assert await both.voucher.is_balanced()
    assert (await prove(both.billing))["balanced"]


async def test_an_attempt_that_was_closed_meanwhile_charges_nothing_and_begins_anew(
    both: Both, database: Database
) -> None:
    """The schedule came by while voucher took its time. Break: settle without looking."""
    coupon_id = await a_coupon(both, "0.10")

    async def close_once() -> None:
        both.before = None
        await wait_out(both)
        await both.deliver()

    both.before = close_once
    answer = await both.billing.post(PATH, {"records": [vm("r1", "1")]}, ADMINISTRATOR)
    assert code_of(answer) == (409, "CHB.0409")
    assert (await lines_of(database), await attempts(database)) == ([], ["failed"])
    assert await left(both, coupon_id) == [("0.10", "0.00", False)]
    await record(both.billing, vm("r1", "1"))
    await both.deliver()
    assert await left(both, coupon_id) == [("0.03", "0.00", False)]


async def test_less_is_paid_where_the_charge_came_to_less_than_was_reserved(
    both: Both, database: Database
) -> None:
    """A discount came between. Break: pay what was reserved."""
    coupon_id = await a_coupon(both, "0.10")

    async def half_the_price() -> None:
        both.before = None
        discount = {
            "customer_id": CUSTOMER, "discount_type": 2, "discount_mode": 0,
            "discount_value": "0.5", "name": "half", "charging_modes": ["ONDEMAND"],
            "effective_at": "2026-11-01T00:00:00Z",
        }  # fmt: skip
        granted = await both.billing.post("/api/discounts", discount, ADMINISTRATOR)
        assert granted.status_code == 201, granted.text

    both.before = half_the_price
    await record(both.billing, vm("r1", "1"))
    [line] = await lines_of(database)
    assert (line.payment_amount, line.coupon_amount) == (
        of_billing.money("0.03"), of_billing.money("0.03"),
    )  # fmt: skip
    await both.deliver()
    assert await left(both, coupon_id) == [("0.07", "0.00", False)]
    [redeemed] = await outbox.bodies(both.voucher.database, "voucher.redeemed")
    assert redeemed["amount"] == "0.03"


async def test_voucher_answers_billing_alone_and_the_same_again(both: Both) -> None:
    coupon_id = await a_coupon(both, "0.10")
    line = {
        "line_id": "r1", "product_id": "OFFI-ECS-S6SMALL-L", "region_code": "cn-north-4",
        "service_type_code": "hws.service.type.ec2", "amount_after_discount": "0.07",
    }  # fmt: skip
    body = {"payers": [{"attempt_id": "a1", "customer_id": CUSTOMER, "lines": [line]}]}
    path = reserve_coupons.PATH
    assert (await both.voucher.post(path, body, as_customer())).status_code == 403
    first = await both.voucher.post(path, body, ADMINISTRATOR)
    again = await both.voucher.post(path, body, ADMINISTRATOR)
    assert first.json() == again.json()
    assert first.json()["payers"][0]["coupons"][0]["coupon_id"] == coupon_id
    settled = {"attempt_id": "a1", "coupons": [{"coupon_id": coupon_id, "amount": "0.08"}]}
    more = {"payers": [body["payers"][0] | {"attempt_id": "a2", "settled": [settled]}]}
    assert (await both.voucher.post(path, more, ADMINISTRATOR)).status_code == 500
    assert await left(both, coupon_id) == [("0.10", "0.07", True)]
