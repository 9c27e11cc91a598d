"""Vouchers pay what a partner's bill says: once, all of it or nothing."""

from decimal import Decimal
from typing import Any

import pytest

from contracts.billing import BillingBillSettled, VoucherShare
from testkit import outbox
from tests.voucher.builders import NOW, VoucherDoor, hear, rows_of
from tests.voucher.settlement_builders import granted, kept, line, settle, voucher_mode
from voucher.partner_vouchers.carry_out_bill import BillNotCoveredError
from voucher.partner_vouchers.models import SettledPart
from voucher.partner_vouchers.settle_lines import SettledOtherwiseError

pytestmark = pytest.mark.postgres
ZERO = Decimal("0.00")


def share(voucher_id: str, moved: str, lapsing: str = "0.00", **more: Any) -> VoucherShare:
    """What a bill takes from a voucher."""
    told = {
        "voucher_id": voucher_id,
        "paid_amount": max(Decimal(moved), ZERO),
        "restored_amount": Decimal(lapsing),
        "lapsed_amount": Decimal(lapsing),
        "moved_amount": Decimal(moved),
        "lapsing_amount": Decimal(lapsing),
        **more,
    }
    return VoucherShare(**told)


def bill(*shares: VoucherShare, settlement_id: str = "s1", **more: Any) -> BillingBillSettled:
    """A bill of `sp`."""
    told: dict[str, Any] = {
        "occurred_at": NOW,
        "partner_id": "sp",
        "version": 5,
        "settlement_id": settlement_id,
        "bill_cycle": "2026-10",
        "number": 1,
        "currency": "CNY",
        "lines": 3,
        "digest": "d",
        "vouchers": list(shares),
        **more,
    }
    amounts = (
        "customer_amount", "settlement_amount", "adjustment_amount", "voucher_amount",
        "forfeited_amount", "due_amount", "performance_amount",
    )  # fmt: skip
    return BillingBillSettled(**dict.fromkeys(amounts, ZERO) | told)


async def test_a_bill_moves_the_balances_it_names_once(door: VoucherDoor) -> None:
    """Break: leave the claim of the settlement's id out."""
    await voucher_mode(door)
    first, second = await granted(door, "100.00"), await granted(door, "60.00")
    told = bill(share(first, "40.00"), share(second, "60.00", "5.00"))
    await hear(door.database, told)
    await hear(door.database, bill(*told.vouchers))
    assert [(await kept(door, name)).balance for name in (first, second)] == [
        Decimal("60.00"), ZERO,
    ]  # fmt: skip
    assert (await kept(door, second)).lapsed_amount == Decimal("5.00")
    used = await outbox.bodies(door.database, "voucher.partner_voucher_used")
    assert {(one["voucher_id"], one["settlement_id"], one["amount"]) for one in used} == {
        (first, "s1", "40.00"), (second, "s1", "60.00"),
    }  # fmt: skip
    [back] = await outbox.bodies(door.database, "voucher.partner_voucher_restored")
    assert (back["amount"], back["lapsed"]) == ("5.00", True)
    proof = await door.proof()
    assert proof["balanced"], proof
    assert proof["totals"][0]["settled"] == "95.00"


async def test_a_correction_gives_back_what_it_takes_less(door: VoucherDoor) -> None:
    """Break: take the whole amount of the second version."""
    await voucher_mode(door)
    name = await granted(door, "100.00")
    await hear(door.database, bill(share(name, "40.00")))
    await hear(
        door.database, bill(share(name, "-15.00", paid_amount=Decimal("25.00")), settlement_id="s2")
    )
    assert (await kept(door, name)).balance == Decimal("75.00")
    assert (await door.proof())["balanced"]


@pytest.mark.parametrize("wrong", ["too much", "unknown", "foreign", "unlapse"])
async def test_a_bill_that_takes_what_is_not_there_moves_nothing(
    door: VoucherDoor, wrong: str
) -> None:
    """It is parked by its key, and a person looks at it. Break: cut it to the balance."""
    await voucher_mode(door)
    name = await granted(door, "10.00")
    foreign = await granted(door, "99.00", partner_id="other")
    shares = {
        "too much": share(name, "10.01"),
        "unknown": share("PV0", "1.00"),
        "foreign": share(foreign, "1.00"),
        "unlapse": share(name, "1.00", lapsing_amount=Decimal("-1.00")),
    }
    with pytest.raises(BillNotCoveredError):
        await hear(door.database, bill(share(name, "0.01"), shares[wrong]))
    assert (await kept(door, name)).balance == Decimal("10.00")
    assert await rows_of(door.database, SettledPart) == 0


async def test_an_id_is_settled_with_one_content(door: VoucherDoor) -> None:
    """Between bills, and between a bill and voucher's own door. Break: hash the id alone."""
    await voucher_mode(door)
    name = await granted(door, "10.00")
    await hear(door.database, bill(share(name, "1.00")))
    with pytest.raises(SettledOtherwiseError):
        await hear(door.database, bill(share(name, "2.00")))
    assert (await settle(door, "s1", line("a", "1.00"))).status_code == 409


async def test_a_bill_without_vouchers_is_none_of_vouchers_business(door: VoucherDoor) -> None:
    await hear(door.database, bill(partner_id="never heard of"))
    assert await outbox.bodies(door.database, "voucher.partner_voucher_used") == []


async def test_facts_tell_what_a_voucher_may_pay_for(door: VoucherDoor) -> None:
    """Break: leave the limits out of the facts."""
    await voucher_mode(door)
    await granted(door, "10.00", limits={"customer_ids": ["a"], "charging_modes": [3]})
    [fact] = await outbox.bodies(door.database, "voucher.partner_voucher_granted")
    assert fact["limits"] == {
        "customer_ids": ["a"], "service_type_codes": [], "product_ids": [], "region_codes": [],
        "charging_modes": [3],
    }  # fmt: skip
