"""Exports of what the partner owes: the settled bill, line by line."""

from datetime import timedelta
from decimal import Decimal

import pytest

from billing.files.vendor_columns import settled_columns
from testkit.door import code_of
from tests.billing.builders import PARTNER, BillingDoor, as_partner
from tests.billing.settlement_builders import (
    BEGIN,
    MONTH,
    add_lines,
    bill_line,
    carry_out,
    request,
)
from tests.billing.test_exports import fetched, made, members, same_rows
from tests.billing.test_focus import focus, total
from tests.billing.test_partner_bills import a_bill, get
from wire.times import add_months

pytestmark = pytest.mark.postgres


async def test_what_the_partner_owes_adds_up_to_its_settled_bill(door: BillingDoor) -> None:
    wanted = {"cycle": MONTH, "view": "partner_owes"}
    unsettled = await door.post("/api/exports", wanted, as_partner())
    assert code_of(unsettled) == (409, "CHB.0409")
    await a_bill(door)
    [bill] = (await get(door, f"/api/partner-bills?partner_id={PARTNER}&cycle={MONTH}"))["bills"]
    (archive,) = await fetched(door, await made(door, rows=3, **wanted))
    files = list(members(archive).values())
    heads, rows = files[0][0], [row for file in files for row in file[1:]]
    assert heads == [one.zh for one in settled_columns()]
    assert heads[-7:] == [
        "结算类型", "伙伴结算折扣", "结算金额", "伙伴代金券抵扣", "伙伴应付金额", "业绩金额",
        "账单明细ID",
    ]  # fmt: skip
    assert [row[-1] for row in rows] == ["l1", "l2", "l3", "l4"]
    for heading, name in (("结算金额", "settlement_amount"), ("伙伴代金券抵扣", "voucher_amount")):
        at = heads.index(heading)
        assert sum(Decimal(row[at]) for row in rows) == Decimal(bill["totals"][name])


async def test_each_format_holds_the_same_rows_of_what_is_owed(door: BillingDoor) -> None:
    """The last portion is empty. Break: leave its file open in `TableMaker.make`."""
    await a_bill(door)
    rows, _ = await same_rows(door, settled_columns(), cycle=MONTH, view="partner_owes")
    assert len(rows) == 4


async def test_focus_of_what_is_owed_adds_up_to_the_settled_bill(door: BillingDoor) -> None:
    """And what was bought before costs its part of what its own month's bill says.

    Breaks: amortise what the customer paid; leave the settlement of before out of `_BOUGHT_OWED`.
    """
    before = BEGIN - timedelta(days=10)
    await add_lines(
        door.database,
        bill_line(
            "300.00", before, line_id="l0", period_type=20, period_num=3, period_begin_at=before,
            period_end_at=add_months(before, 3), usage_amount=None,
        ),
        bill_line("-3.00", line_id="l5", bill_type=9),
    )  # fmt: skip
    assert (await request(door, bill_cycle="2026-09")).status_code == 202
    await carry_out(door.database)
    await a_bill(door)
    [bill] = (await get(door, f"/api/partner-bills?partner_id={PARTNER}&cycle={MONTH}"))["bills"]
    rows = await focus(door, MONTH, view="partner_owes")
    assert {row["InvoiceId"] for row in rows} == {bill["settlement_id"]}
    assert {(row["ProviderName"], row["BillingAccountId"]) for row in rows} == {
        ("Huawei Cloud", PARTNER)
    }
    totals = {
        name: Decimal(value) for name, value in bill["totals"].items() if name.endswith("_amount")
    }
    whole = totals["settlement_amount"] + totals["adjustment_amount"]
    assert total(rows, "BilledCost") == whole != totals["customer_amount"]
    charged = [row for row in rows if row["x_DueAmount"]]
    for column, name in (
        ("x_DueAmount", "due_amount"), ("x_PartnerVoucherAmount", "voucher_amount"),
        ("x_CustomerAmount", "customer_amount"), ("x_PerformanceAmount", "performance_amount"),
    ):  # fmt: skip
        assert total(charged, column) == totals[name]
    assert [row["x_BillLineId"] for row in charged] == ["l1", "l2", "l3", "l4", "l5"]
    [of_before] = [row for row in rows if row["x_BillLineId"] == "l0"]
    [old] = (await get(door, f"/api/partner-bills/{PARTNER}/2026-09/lines"))["lines"]
    days = Decimal(of_before["PricingQuantity"])
    assert days == 31
    share = Decimal(old["settlement_amount"]) * days / (add_months(before, 3) - before).days
    assert abs(Decimal(of_before["EffectiveCost"]) - share) < Decimal("0.01")
    assert "x_CashAmount" not in rows[0]
