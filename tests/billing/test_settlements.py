"""The settlement of a partner's month: asked for, carried out, published, corrected, resumed."""

import asyncio
import random
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import delete, select, text

from billing.lines.models import BillLine
from billing.prices.catalogue import load_catalogue
from billing.settlement import match_month as matching_room
from billing.settlement import run_settlements, total_month
from billing.settlement.models import SettledLine, Settlement, SettlementSum, SettlementVoucher
from billing.settlement.run_settlements import Settlements
from billing.settlement.settlement_prices import SettlementPrices, _File, load_settlement_prices
from chassis.database import Database
from testkit import audit, outbox
from testkit.door import ADMINISTRATOR, code_of
from tests.billing.builders import (
    CUSTOMER,
    DISTRIBUTOR,
    NOW,
    OTHER_CUSTOMER,
    OTHER_PARTNER,
    PARTNER,
    RESELLER,
    RESELLERS_CUSTOMER,
    BillingDoor,
    as_partner,
)
from tests.billing.settlement_builders import (
    BEGIN,
    END,
    MONTH,
    add_lines,
    bill_line,
    bytes_of,
    carry_out,
    granted,
    request,
    settled,
    shown,
    uses_vouchers,
    voucher_paid,
)
from tests.billing.settlement_reference import PlainLine, PlainVoucher, settle

pytestmark = pytest.mark.postgres


async def test_a_month_is_settled_at_the_partners_prices_and_published_when_vouchers_have_paid(
    door: BillingDoor,
) -> None:
    """Break: publish the bill in `total_month`, whether vouchers pay or not."""
    await uses_vouchers(door.database)
    await granted(door.database, "V1", "100.00")
    await add_lines(
        door.database,
        bill_line("200.00"),
        bill_line("10.00", bill_type=9),
        bill_line("50.00", END),  # the first instant of November
        bill_line("1.01", END - timedelta(microseconds=1)),
    )
    bill = await settled(door)
    assert bill["state"] == "settled"
    assert (bill["lines_done"], bill["per_cent"]) == (3, 100)
    totals = {
        "currency": "CNY",
        "customer_amount": "211.01",
        "settlement_amount": "170.85",
        "adjustment_amount": "10.00",
        "voucher_amount": "100.00",
        "forfeited_amount": "0.00",
        "due_amount": "80.85",
        "performance_amount": "201.01",
    }
    assert bill["totals"] == totals
    [fact] = await outbox.bodies(door.database, "billing.bill_settled")
    assert {name: fact[name] for name in totals} == totals
    [share] = fact["vouchers"]
    assert share == {
        "voucher_id": "V1", "paid_amount": "100.00", "restored_amount": "0.00",
        "lapsed_amount": "0.00", "moved_amount": "100.00", "lapsing_amount": "0.00",
    }  # fmt: skip
    assert await outbox.bodies(door.database, "billing.bill_published") == []
    await voucher_paid(door.database, bill, "V1", "100.00", "0.00")
    assert (await shown(door, bill["settlement_id"]))["state"] == "published"
    [published] = await outbox.bodies(door.database, "billing.bill_published")
    assert published["due_amount"] == "80.85"
    assert ("settlement.request", bill["settlement_id"]) in await audit.deeds(door.database)


async def test_a_distributors_bill_has_its_resellers_lines_and_a_reseller_has_none(
    door: BillingDoor,
) -> None:
    """Break: read the lines of the partner alone."""
    own: dict[str, Any] = {"partner_id": RESELLER, "distributor_id": DISTRIBUTOR}
    await add_lines(
        door.database,
        bill_line("100.00", customer_id=RESELLERS_CUSTOMER, **own),
        bill_line("10.00"),
    )
    refused = await request(door, RESELLER)
    assert code_of(refused) == (409, "CHB.0409")
    bill = await settled(door, DISTRIBUTOR)
    assert (bill["state"], bill["totals"]["due_amount"]) == ("published", "85.00")


async def test_who_may_ask_and_what_is_refused(door: BillingDoor) -> None:
    """An open month, an unknown partner, a second one at a time, a correction without reason."""
    await add_lines(door.database, bill_line("10.00"))
    path = "/api/settlements"
    body = {"partner_id": PARTNER, "bill_cycle": MONTH}
    assert (await door.post(path, body, as_partner())).status_code == 403
    for wrong, status, code in [
        (body | {"bill_cycle": "2026-11"}, 409, "CHB.0409"),
        (body | {"bill_cycle": "2026-13"}, 400, "CBC.0100"),
        (body | {"partner_id": "nobody"}, 404, "CHB.0404"),
        (body | {"colour": "red"}, 400, "CBC.0100"),
    ]:
        answer = await door.post(path, wrong, ADMINISTRATOR)
        assert code_of(answer) == (status, code), wrong
    first = await request(door)
    assert first.json()["state"] == "requested"
    assert code_of(await request(door)) == (409, "CHB.0409")
    await carry_out(door.database)
    assert code_of(await request(door)) == (409, "CHB.0409")  # a correction needs a reason
    name = first.json()["settlement_id"]
    path = f"/api/settlements/{name}"
    assert (await door.get(path, as_partner())).json()["totals"]["due_amount"] == "8.50"
    assert (await door.get(path, as_partner(OTHER_PARTNER))).status_code == 404


def random_month(seed: int) -> tuple[list[BillLine], list[tuple[str, str, dict[str, Any]]]]:
    """Lines, some of the same instant, refunds of them, and vouchers."""
    chance = random.Random(seed)
    lines: list[BillLine] = []
    for number in range(60):
        at = BEGIN + timedelta(hours=chance.randrange(40))
        amount = f"{chance.randrange(1, 9_999) / 100:.2f}"
        customer = chance.choice([CUSTOMER, OTHER_CUSTOMER])
        lines.append(bill_line(amount, at, line_id=f"l{number:02}", customer_id=customer))
    for number in range(25):
        base = chance.choice(lines[:60])
        part = (base.payment_amount * chance.randrange(1, 101) / 100).quantize(Decimal("0.01"))
        case = chance.choice(["not_effective", None])
        lines.append(
            bill_line(
                f"{-part}", base.trade_time + timedelta(hours=chance.randrange(20)),
                line_id=f"r{number:02}", customer_id=base.customer_id, bill_type=4,
                corrects=base.line_id, refund_case=case,
            )
        )  # fmt: skip
    vouchers = [
        (
            f"v{number}",
            f"{chance.randrange(1, 40_000) / 100:.2f}",
            {
                "effective_at": BEGIN + timedelta(hours=chance.randrange(-5, 20)),
                "expire_at": BEGIN + timedelta(hours=chance.randrange(21, 60)),
                "limits": {"customer_ids": chance.choice([[], [CUSTOMER], [OTHER_CUSTOMER]])},
            },
        )
        for number in range(6)
    ]
    return lines, vouchers


async def prepare(database: Database, seed: int) -> tuple[list[PlainLine], list[PlainVoucher]]:
    """A random month in the database, and as the reference takes it."""
    lines, vouchers = random_month(seed)
    plain = [
        PlainLine(
            one.line_id, one.trade_time, one.customer_id, one.payment_amount,
            one.corrects, one.refund_case is not None,
        )
        for one in lines
    ]  # fmt: skip
    await uses_vouchers(database)
    for name, amount, more in vouchers:
        await granted(database, name, amount, **more)
    await add_lines(database, *lines)
    return plain, [
        PlainVoucher(
            name, Decimal(amount), more["effective_at"], more["expire_at"],
            frozenset(more["limits"]["customer_ids"]),
        )
        for name, amount, more in vouchers
    ]  # fmt: skip


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_random_month_is_settled_as_the_slow_reference_says(
    door: BillingDoor, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """In portions of seven lines. Break: leave `l.line_id = ANY($1)` out of `_SETTLED_BEFORE`."""
    monkeypatch.setattr(matching_room, "PORTION_LINES", 7)
    lines, vouchers = await prepare(door.database, seed)
    bill = await settled(door)
    expected = settle(lines, vouchers, Decimal("0.85"))
    async with door.database.transaction() as session:
        rows = (await session.scalars(select(SettledLine).order_by(SettledLine.position))).all()
        pinned = (await session.scalars(select(SettlementVoucher))).all()
    found = {
        row.line_id: (
            row.settlement_amount, row.due_amount, row.forfeited_amount,
            [(name, Decimal(amount)) for name, amount, _ in row.vouchers or []],
        )
        for row in rows
    }  # fmt: skip
    assert found == {
        name: (one.amount, one.due, one.forfeited, one.parts) for name, one in expected.items()
    }
    assert {one.voucher_id: one.left_amount for one in pinned} == {
        one.name: one.left for one in vouchers
    }
    due = sum((one.due for one in expected.values()), Decimal("0.00"))
    assert bill["totals"]["due_amount"] == f"{due:.2f}"


class KilledError(BaseException):
    """What no handler of a failure sees, as none sees a SIGKILL."""


STEPS = [
    (run_settlements, "billing.settlement_reading", 1),
    (run_settlements, "billing.settlement_read", 1),
    (run_settlements, "billing.settlement_matching", 1),
    (matching_room, "billing.settlement_portion", 1),
    (matching_room, "billing.settlement_portion", 4),
    (total_month, "billing.settlement_totalled", 1),
]


async def test_a_settlement_killed_at_each_step_comes_to_the_same_bytes(
    door: BillingDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And twice without a kill, and with a second replica at it. Break: begin `Month` anew with
    `remaining` in place of what is left.
    """
    monkeypatch.setattr(matching_room, "PORTION_LINES", 9)
    await prepare(door.database, 3)
    whole = await settled(door)
    expected, facts = await bytes_of(door.database), await settled_facts(door.database)
    for module, point, passes in STEPS:
        await forget(door.database)
        await request(door)
        reached = 0

        def die(name: str, point: str = point, passes: int = passes) -> None:
            nonlocal reached
            reached += name == point
            if name == point and reached == passes:
                raise KilledError

        with monkeypatch.context() as patched:
            patched.setattr(module, "crash_point", die)
            with pytest.raises(KilledError):
                await carry_out(door.database)
        await asyncio.gather(carry_out(door.database), carry_out(door.database))
        await carry_out(door.database)
        assert await bytes_of(door.database) == expected, point
        assert (await settled_facts(door.database))[-1] == facts[-1], point
    assert whole["digest"] == facts[-1]["digest"]


async def settled_facts(database: Database) -> list[dict[str, Any]]:
    """What was stated, without what names the one settlement and counts its steps."""
    return [
        {k: v for k, v in fact.items() if k not in ("settlement_id", "version")}
        for fact in await outbox.bodies(database, "billing.bill_settled")
    ]


async def forget(database: Database) -> None:
    """As if the month had not been settled."""
    async with database.transaction() as session:
        for table in (SettledLine, SettlementSum, SettlementVoucher, Settlement):
            await session.execute(delete(table))


async def test_a_correction_stands_beside_the_first_with_its_differences(
    door: BillingDoor,
) -> None:
    """Break: begin it with the vouchers as they are, less what the first version took."""
    await uses_vouchers(door.database)
    await granted(door.database, "V1", "50.00")
    await add_lines(door.database, bill_line("100.00"))
    first = await settled(door)
    assert code_of(await request(door, reason="cheaper")) == (
        409,
        "CHB.0409",
    )  # its voucher has not paid
    await voucher_paid(door.database, first, "V1", "50.00", "0.00")
    await granted(door.database, "V2", "20.00")
    second = await settled(door, reason="a voucher came late")
    assert (second["number"], second["corrects"]) == (2, first["settlement_id"])
    assert second["totals"]["due_amount"] == "15.00"
    assert second["differences"]["due_amount"] == "-20.00"
    assert second["differences"]["voucher_amount"] == "20.00"
    [_, fact] = await outbox.bodies(door.database, "billing.bill_settled")
    moved = {one["voucher_id"]: one["moved_amount"] for one in fact["vouchers"]}
    assert moved == {"V1": "0.00", "V2": "20.00"}
    [opened] = await outbox.bodies(door.database, "billing.correction_opened")
    assert opened["corrected_because"] == "a voucher came late"
    assert (await shown(door, first["settlement_id"]))["totals"]["due_amount"] == "35.00"
    cycle = await door.get(f"/api/cycles/{MONTH}", ADMINISTRATOR)
    assert cycle.json()["state"] == "corrected"


async def test_the_same_inputs_twice_have_the_same_bytes(door: BillingDoor) -> None:
    """Break: put the settlement's id into the digest."""
    await add_lines(door.database, *random_month(5)[0])
    first, second = await settled(door), await settled(door, reason="once more")
    assert first["digest"] == second["digest"]
    assert await bytes_of(door.database, 1) == await bytes_of(door.database, 2)
    assert set(second["differences"].values()) == {"CNY", "0.00"}


async def test_a_settlement_that_lacks_a_price_says_so_and_goes_on_at_its_portion(
    door: BillingDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Break: let a failed one begin anew."""
    monkeypatch.setattr(matching_room, "PORTION_LINES", 2)
    lines = [bill_line("10.00") for _ in range(4)] + [bill_line("10.00", product_id="new")]
    await add_lines(door.database, *lines)
    name = (await request(door)).json()["settlement_id"]
    of_old = {"type": "normal", "from": BEGIN, "ratio": "1", "product_id": "OFFI-ECS-S6SMALL-L"}
    lacking = SettlementPrices(_File.model_validate({"price": [of_old]}))
    await Settlements(lacking, load_catalogue()).work(door.database, NOW)
    failed = await shown(door, name)
    assert (failed["state"], failed["failed_at"], failed["lines_done"]) == ("failed", "matching", 4)
    assert "no normal price" in failed["failed_because"]
    await carry_out(door.database)
    assert (await shown(door, name))["state"] == "failed"
    again = await request(door)
    assert (again.json()["settlement_id"], again.json()["state"]) == (name, "matching")
    await Settlements(load_settlement_prices(), load_catalogue()).work(door.database, NOW)
    assert (await shown(door, name))["totals"]["due_amount"] == "48.50"


async def test_a_voucher_whose_limits_were_not_told_stops_the_settlement(
    door: BillingDoor,
) -> None:
    """Break: take it for one without limits."""
    await uses_vouchers(door.database)
    await granted(door.database, "V1", "50.00", limits=None)
    name = (await request(door)).json()["settlement_id"]
    await carry_out(door.database)
    failed = await shown(door, name)
    assert (failed["state"], failed["failed_at"]) == ("failed", "reading")
    assert "V1" in failed["failed_because"]


async def test_the_next_month_waits_until_vouchers_have_paid_for_the_one_before(
    door: BillingDoor,
) -> None:
    """Break: begin it at once, with balances of before."""
    await uses_vouchers(door.database)
    await granted(door.database, "V1", "100.00")
    await add_lines(
        door.database, bill_line("100.00"), bill_line("100.00", BEGIN - timedelta(days=9))
    )
    september = await settled(door, bill_cycle="2026-09")
    october = await settled(door)
    assert (september["totals"]["voucher_amount"], october["state"]) == ("85.00", "requested")
    await voucher_paid(door.database, september, "V1", "85.00", "15.00")
    await carry_out(door.database)
    found = await shown(door, october["settlement_id"])
    assert found["totals"]["voucher_amount"] == "15.00"


async def test_a_row_that_does_not_add_up_is_not_stated(
    door: BillingDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Break: leave `_prove` out."""
    await add_lines(door.database, bill_line("100.00"))
    name = (await request(door)).json()["settlement_id"]
    crash = total_month._SUM_UP
    monkeypatch.setattr(
        total_month, "_SUM_UP", text(str(crash).replace("sum(due_amount)", "sum(due_amount) + 1"))
    )
    await carry_out(door.database)
    assert (await shown(door, name))["state"] == "failed"
    assert await outbox.bodies(door.database, "billing.bill_settled") == []
