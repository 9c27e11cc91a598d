"""On-demand usage: rated to 8 decimals, charged at 2, owed when the money does not reach."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from billing.accounts.models import ARREARS, CREDIT
from billing.copies import Customer
from billing.lines.models import BillLine
from billing.prices.products import flat
from billing.prices.rate import Usage, rate_usage
from billing.settings import BillingSettings
from chassis.database import Database
from testkit import outbox
from testkit.databases import ServiceDatabase
from testkit.door import ADMINISTRATOR, code_of
from tests.billing.builders import (
    CUSTOMER,
    NOW,
    OTHER_CUSTOMER,
    PARTNER,
    BillingDoor,
    as_customer,
    as_partner,
    balance_of,
    hear,
    money,
    payment_failed,
    prove,
    running,
    untouched,
)

PATH = "/api/usage-records"
SECOND, HOUR = 6, 4  # measure ids


def usage(record_id: str, **more: Any) -> dict[str, Any]:
    """25874 seconds of a disk of 10 GB (docs/domain/worked-examples.md F.1)."""
    return {
        "record_id": record_id,
        "customer_id": CUSTOMER,
        "service_type_code": "hws.service.type.ebs",
        "resource_type_code": "hws.resource.type.volume",
        "resource_spec_code": "SATA",
        "region_code": "cn-north-4",
        "resource_id": "volume-1",
        "usage_value": "25874",
        "usage_measure_id": SECOND,
        "measure_size": "10",
        "used_until": "2026-11-23T02:00:00Z",
        **more,
    }


def vm(record_id: str, hours: str, **more: Any) -> dict[str, Any]:
    """Hours of a server at 0.07 each."""
    server = {
        "service_type_code": "hws.service.type.ec2",
        "resource_type_code": "hws.resource.type.vm",
        "resource_spec_code": "s6.small.1.linux",
        "resource_id": "vm-1",
        "usage_value": hours,
        "usage_measure_id": HOUR,
        "measure_size": None,
    }
    return usage(record_id, **{**server, **more})


async def record(door: BillingDoor, *records: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await door.post(PATH, {"records": records}, ADMINISTRATOR)
    assert answer.status_code == 201, answer.text
    lines: list[dict[str, Any]] = answer.json()["lines"]
    return lines


async def lines_of(database: Database) -> list[BillLine]:
    async with database.transaction() as session:
        found = await session.scalars(select(BillLine).order_by(BillLine.line_id))
        return list(found)


async def test_usage_is_cut_and_never_rounded(door: BillingDoor, database: Database) -> None:
    """docs/domain/worked-examples.md F.1: 0.04599822 is 0.04 to pay and 0.00599822 truncated."""
    await door.top_up(CUSTOMER, "1.00")
    (line,) = await record(door, usage("r1"))
    assert (line["currency"], line["official_amount"]) == ("CNY", "0.04")
    assert (line["payment_amount"], line["erase_amount"]) == ("0.04", "0.00")
    (kept,) = await lines_of(database)
    assert (kept.official_amount, kept.erase_amount) == (money("0.04599822"), money("0.00599822"))
    assert (await balance_of(database, CUSTOMER)).balance == money("0.96")
    (event,) = await outbox.bodies(database, "billing.line_recorded")
    assert (event["erase_amount"], event["cash_amount"]) == ("0.00599822", "0.04")


def test_a_discount_is_taken_before_the_cut() -> None:
    """docs/domain/worked-examples.md F.1, F.10: net 85.00425 is 85.00 and 0.00425."""
    fee = rate_usage(flat(money("100.005")), money("0.85"), Usage(money("1")))
    assert (fee.official, fee.discount) == (money("100.00500000"), money("15.00075000"))
    assert (fee.erased, fee.payable) == (money("0.00425000"), money("85.00"))


def test_the_division_comes_last() -> None:
    fee = rate_usage(flat(money("0.03")), money("1"), Usage(money("100"), 1, 3))
    assert fee.official == money("1.00000000")  # 100/3 cut first would give 0.99999999


async def test_usage_takes_cash_then_credit_and_the_rest_is_owed(
    billing_database: ServiceDatabase, door: BillingDoor, database: Database, tmp_path: Path
) -> None:
    """docs/domain/worked-examples.md F.10 without its coupon, which usage does not take."""
    committed = Path(__file__).parents[2] / "services/billing/billing/prices/catalogue.toml"
    own = tmp_path / "catalogue.toml"
    row = 'hour = "0.0700000000"'
    text = committed.read_text("utf-8")
    assert row in text
    own.write_text(text.replace(row, 'hour = "100.0050000000", discount = "0.85"'), "utf-8")
    await door.top_up(CUSTOMER, "50.00")
    await door.put(f"/api/accounts/{CUSTOMER}/credit-line", {"amount": "10.00"}, ADMINISTRATOR)
    settings = billing_database.settings(BillingSettings, catalogue_file=own)
    async with running(settings) as other:
        (line,) = await record(other, vm("r1", "1"))
    assert line["official_amount"] == "100.00"
    assert (line["payment_amount"], line["erase_amount"]) == ("85.00", "0.00")
    assert (line["cash_amount"], line["credit_amount"], line["debt_amount"]) == (
        "50.00",
        "10.00",
        "25.00",
    )
    (opened,) = await outbox.bodies(database, "billing.arrears_opened")
    assert (opened["debt_amount"], opened["currency"]) == ("25.00", "CNY")
    assert (await balance_of(database, CUSTOMER, CREDIT)).balance == money("0.00")
    assert (await balance_of(database, CUSTOMER, ARREARS)).balance == money("-25.00")
    assert (await prove(door))["balanced"]

    await door.top_up(PARTNER, "30.00")
    await door.transfer(30)
    (kept,) = await lines_of(database)
    assert (kept.debt_amount, kept.writeoff_amount) == (money("0.00"), money("25.00"))
    assert (await balance_of(database, CUSTOMER)).balance == money("5.00")
    (cleared,) = await outbox.bodies(database, "billing.arrears_cleared")
    assert (cleared["debt_amount"], cleared["writeoff_amount"]) == ("0.00", "25.00")
    assert cleared["version"] > opened["version"]
    assert (await prove(door))["balanced"]


def rule_ten(**more: str) -> BillLine:
    """The line of docs/domain/worked-examples.md F.10."""
    amounts = {
        "official_amount": "100.00500000",
        "official_discount_amount": "15.00075000",
        "erase_amount": "0.00425000",
        "payment_amount": "85.00",
        "coupon_amount": "20.00",
        "cash_amount": "50.00",
        "credit_amount": "10.00",
        "debt_amount": "5.00",
        "writeoff_amount": "0.00",
        **more,
    }
    return BillLine(
        line_id="rule-10", customer_id=CUSTOMER, partner_id=PARTNER, association_type="2",
        site="china", currency="CNY", bill_cycle="2026-11", bill_date=NOW.date(), bill_type=5,
        charging_mode=3, trade_id="t", service_type_code="s", service_type_name="s",
        resource_type_code="r", resource_type_name="r", resource_spec_code="x", product_id="p",
        region_code="cn-north-4", trade_time=NOW, consume_time=NOW,
        **{name: money(amount) for name, amount in amounts.items()},
    )  # fmt: skip


async def test_both_identities_hold_before_and_after_a_repayment(database: Database) -> None:
    """Later repayment: arrears 0, write-off 5, actual payment 65.

    See docs/domain/worked-examples.md F.10.
    """
    async with database.transaction() as session:
        session.add(rule_ten())
    async with database.transaction() as session:
        line = (await session.scalars(select(BillLine))).one()
        assert line.write_off(money("7.00"), NOW) == money("5.00")
    (kept,) = await lines_of(database)
    assert (kept.debt_amount, kept.writeoff_amount) == (money("0.00"), money("5.00"))
    assert kept.payment_amount - kept.coupon_amount == money("65.00")


async def test_the_table_takes_no_line_whose_identities_fail(database: Database) -> None:
    for wrong in ("official_amount", "erase_amount", "cash_amount", "debt_amount"):
        with pytest.raises(IntegrityError, match="check constraint"):
            async with database.transaction() as session:
                session.add(rule_ten(**{wrong: "1.00"}))


async def test_repayment_reaches_the_oldest_line_first(
    door: BillingDoor, database: Database
) -> None:
    for name in ("r1", "r2", "r3"):
        await record(door, vm(name, "100"))  # 7.00 each
    await door.top_up(PARTNER, "10.00")
    await door.transfer(10)
    owed = [(line.debt_amount, line.writeoff_amount) for line in await lines_of(database)]
    assert owed == [
        (money("0.00"), money("7.00")),
        (money("4.00"), money("3.00")),
        (money("7.00"), money("0.00")),
    ]
    (cleared,) = await outbox.bodies(database, "billing.arrears_cleared")
    assert (cleared["debt_amount"], cleared["writeoff_amount"]) == ("11.00", "10.00")
    assert (await prove(door))["balanced"]


async def test_each_line_whose_debt_is_written_off_says_so(
    door: BillingDoor, database: Database
) -> None:
    """Who follows the events has what stands on the lines. Break: publish no `line_settled`, or
    leave the version as it is.
    """
    lines = [(await record(door, vm(name, "100")))[0]["line_id"] for name in ("r1", "r2", "r3")]
    for amount in (10, 5):
        await door.top_up(CUSTOMER, str(amount))
    recorded = await outbox.bodies(database, "billing.line_recorded")
    settled = await outbox.bodies(database, "billing.line_settled")
    assert [
        (event["line_id"], event["version"], event["settled_amount"], event["debt_amount"],
         event["writeoff_amount"])
        for event in settled
    ] == [
        (lines[0], 2, "7.00", "0.00", "7.00"),
        (lines[1], 2, "3.00", "4.00", "3.00"),
        (lines[1], 3, "4.00", "0.00", "7.00"),
        (lines[2], 2, "1.00", "6.00", "1.00"),
    ]  # fmt: skip
    assert {event["version"] for event in recorded} == {1}
    told = {event["line_id"]: event for event in [*recorded, *settled]}
    for line in await lines_of(database):
        assert told[line.line_id]["debt_amount"] == str(line.debt_amount)
        assert told[line.line_id]["version"] == line.version


async def test_usage_leaves_what_a_payment_holds_and_a_release_pays_the_debt(
    door: BillingDoor, database: Database
) -> None:
    await door.top_up(CUSTOMER, "10.00")
    await door.hold("a1", "6.00")
    (line,) = await record(door, vm("r1", "100"))
    assert (line["cash_amount"], line["debt_amount"]) == ("4.00", "3.00")
    await hear(database, payment_failed("a1"))
    account = await balance_of(database, CUSTOMER)
    assert (account.balance, account.held) == (money("3.00"), money("0.00"))
    assert (await lines_of(database))[0].writeoff_amount == money("3.00")
    assert (await prove(door))["balanced"]


async def test_a_record_is_charged_once_however_often_it_is_sent(
    door: BillingDoor, database: Database
) -> None:
    await door.top_up(CUSTOMER, "10.00")
    first = await record(door, vm("r1", "10"))
    again = await record(door, vm("r2", "10"), vm("r1", "10"))
    assert again[1] == first[0]
    assert (await balance_of(database, CUSTOMER)).balance == money("8.60")
    assert len(await lines_of(database)) == 2


async def test_an_idempotency_key_gets_the_same_answer(
    door: BillingDoor, database: Database
) -> None:
    key = {"Idempotency-Key": "k1"}
    body = {"records": [vm("r1", "10")]}
    first = await door.post(PATH, body, ADMINISTRATOR, headers=key)
    second = await door.post(PATH, body, ADMINISTRATOR, headers=key)
    assert second.headers["Idempotency-Replayed"] == "true"
    assert second.json() == first.json()
    other = await door.post(PATH, {"records": [vm("r2", "10")]}, ADMINISTRATOR, headers=key)
    assert code_of(other) == (422, "CHB.0422")
    assert len(await lines_of(database)) == 1


BAD_RECORDS: list[tuple[dict[str, Any], str]] = [
    ({"customer_id": "nobody"}, "CBC.99000047"),
    ({"resource_spec_code": "FLOPPY"}, "CBC.99006006"),
    ({"region_code": "mars-1"}, "CBC.99006006"),
    ({"usage_measure_id": 999}, "CBC.99006024"),
    ({"usage_measure_id": 10}, "CBC.99006050"),
    ({"measure_size": None}, "CBC.0100"),
    ({"usage_value": "0"}, "CBC.0100"),
    ({"usage_value": "1e2"}, "CBC.0100"),
    ({"used_until": "2026-11-23 02:00"}, "CBC.0100"),
    ({"charged_at": "2026-11-23T03:00:01Z"}, "CBC.0100"),
    ({"record_id": "good"}, "CBC.0100"),
]


async def test_one_bad_record_and_none_is_charged(door: BillingDoor, database: Database) -> None:
    await door.top_up(CUSTOMER, "10.00")
    before = await untouched(database)
    for change, code in BAD_RECORDS:
        records = [usage("good"), {**usage("bad"), **change}]
        answer = await door.post(PATH, {"records": records}, ADMINISTRATOR)
        assert code_of(answer) == (400, code), change
    assert await untouched(database) == before
    assert await lines_of(database) == []


async def test_no_more_than_500_records_at_once(door: BillingDoor) -> None:
    records = [usage(f"r{n}") for n in range(501)]
    answer = await door.post(PATH, {"records": records}, ADMINISTRATOR)
    assert code_of(answer) == (400, "CBC.0100")


async def test_only_the_administrator_reports_usage(door: BillingDoor) -> None:
    for who in (as_partner(), as_customer()):
        answer = await door.post(PATH, {"records": [usage("r1")]}, who)
        assert code_of(answer) == (403, "CBC.0151")


@pytest.mark.usefixtures("door")
@pytest.mark.parametrize(
    ("now", "status"),
    [
        (datetime(2026, 11, 5, 3, 59, 59, tzinfo=UTC), 201),
        (datetime(2026, 11, 5, 4, 0, 0, tzinfo=UTC), 400),
    ],
)
async def test_a_cycle_takes_charges_until_its_bill_is_final(
    settings: BillingSettings, database: Database, now: datetime, status: int
) -> None:
    """docs/domain/worked-examples.md F.5: final on the 5th at 12:00 Beijing time."""
    october = "2026-10-31T15:59:59Z"
    async with running(settings, now) as early:
        body = {"records": [vm("r1", "10", used_until=october, charged_at=october)]}
        answer = await early.post(PATH, body, ADMINISTRATOR)
    assert answer.status_code == status
    assert [line.bill_cycle for line in await lines_of(database)] == ["2026-10"] * (status == 201)


async def test_the_price_is_that_of_the_day_of_use(door: BillingDoor) -> None:
    """c7.large cost a tenth more until the end of 2025 in Beijing."""
    server = {"resource_spec_code": "c7.large.2.linux"}
    before, after = await record(
        door,
        vm("r1", "10", **server, used_until="2025-12-31T15:59:59Z"),
        vm("r2", "10", **server, used_until="2025-12-31T16:00:00Z"),
    )
    assert before["official_amount"] == "4.91"
    assert after["official_amount"] == "4.46"


async def test_usage_and_transfers_in_parallel_leave_a_proven_ledger(
    door: BillingDoor, database: Database
) -> None:
    await door.top_up(PARTNER, "500.00")
    work = []
    for n in range(12):
        pair = [vm(f"a{n}", "100"), vm(f"b{n}", "100", customer_id=OTHER_CUSTOMER)]
        work.append(door.post(PATH, {"records": pair if n % 2 else pair[::-1]}, ADMINISTRATOR))
        work.append(door.transfer(5, CUSTOMER if n % 2 else OTHER_CUSTOMER))
        work.append(door.hold(f"h{n}", "1.00"))
    answers = await asyncio.gather(*work)
    assert {answer.status_code for answer in answers} <= {200, 201, 400}
    assert len(await lines_of(database)) == 24
    assert (await prove(door))["balanced"]


async def test_usage_that_comes_while_its_customer_changes_hands_is_the_new_partners(
    door: BillingDoor, database: Database
) -> None:
    """Whose customer it was is read when nobody can change it any more.

    Break: let `_customers` answer what it read without a lock.
    """
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND wait_event_type = 'Lock'"
    )
    async with database.transaction() as session:
        customer = await session.get_one(Customer, CUSTOMER, with_for_update=True)
        customer.account_manager_id = "the new one"
        await session.flush()
        recording = asyncio.get_running_loop().create_task(record(door, usage("u1")))
        async with asyncio.timeout(30):
            while not recording.done():
                async with database.transaction() as looking:
                    if await looking.scalar(waiting):
                        break
                await asyncio.sleep(0.01)
    await recording
    [line] = await lines_of(database)
    assert line.account_manager_id == "the new one"
