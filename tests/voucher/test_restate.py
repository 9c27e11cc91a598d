"""Coupons and quotas stated again; and what others state again is copied here, nothing more."""

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, update

from chassis.database import Database
from chassis.tables import OutboxRow
from contracts.customer import CustomerUpdated
from testkit import outbox
from tests.restating import differences, restated
from tests.voucher.builders import (
    VoucherDoor,
    about_customer,
    created,
    hear,
    joined,
    paid,
    rows_of,
    settle_in,
    unlinked,
)
from voucher.copies import Customer, Order, Partner
from voucher.coupons.restate_coupons import COUPONS
from voucher.ledger.models import Movement
from voucher.quotas.restate_quotas import QUOTAS

pytestmark = pytest.mark.postgres
TOLD = ("issued", "reserved", "released", "redeemed", "recalled", "expired")


async def _a_life(door: VoucherDoor) -> str:
    """One coupon each: untouched, held, used in part, reclaimed; the untouched one's id."""
    await settle_in(door)
    quota_id = await door.grant()
    untouched, held, used, reclaimed = [await door.coupon(quota_id) for _ in range(4)]
    await door.reserve("a1", [held], "30.00", "CS1")
    await door.reserve("a2", [used], "37.50", "CS2")
    await hear(door.database, paid("a2", {used: "37.50"}, "CS2"))
    await door.reclaim(reclaimed)
    return untouched


async def test_what_is_stated_anew_is_what_was_stated_last(door: VoucherDoor) -> None:
    await _a_life(door)
    coupons = await restated(door.database, COUPONS)
    last: list[dict[str, Any]] = []
    for kind in TOLD:
        last += await outbox.bodies(door.database, f"voucher.{kind}")
    last.sort(key=lambda body: body["version"])
    assert {event.TYPE for event in coupons} == {"voucher.issued"}
    assert len(coupons) == 4
    assert differences(coupons, last, "quota_balance") == {}

    [quota] = await restated(door.database, QUOTAS)
    granted = await outbox.bodies(door.database, "voucher.quota_granted")
    assert quota.TYPE == "voucher.quota_granted"
    assert differences([quota], granted, "version", "balance") == {}
    present = await door.quota(quota.subject)
    assert (quota.version, quota.balance) == (present.version, present.balance)  # type: ignore[attr-defined]


async def test_what_is_heard_anew_mends_the_copies_and_moves_no_coupon(door: VoucherDoor) -> None:
    """A customer told anew as unlinked, which the copy missed, keeps its coupons: that is a fact's
    effect. Break: return `before` for a restated event.
    """
    coupon_id = await _a_life(door)
    order = created("CS3", version=7)
    await hear(door.database, order)
    async with door.database.transaction() as session:
        await session.execute(update(Customer).values(partner_id="wrong"))
        await session.execute(update(Partner).values(kind="wrong"))
        await session.execute(update(Order).values(status=9))
    before = (await rows_of(door.database, OutboxRow), await rows_of(door.database, Movement))
    anew = [
        unlinked("c1", 1),
        joined("sp"),
        order,
    ]
    again = [event.model_copy(update={"restated": True}) for event in anew]
    await hear(door.database, *again)
    await hear(door.database, *again)
    async with door.database.transaction() as session:
        customer = (await session.scalars(select(Customer))).one()
        partner = (await session.scalars(select(Partner))).one()
        kept = await session.get_one(Order, "CS3")
    assert (customer.partner_id, customer.association_status) == ("sp", "unlinked")
    assert (partner.kind, kept.status) == ("solution_provider", 6)
    coupon = await door.held(coupon_id)
    assert (coupon.status, coupon.balance, coupon.version) == (2, Decimal("100.00"), 1)
    assert before == (
        await rows_of(door.database, OutboxRow),
        await rows_of(door.database, Movement),
    )
    assert coupon_id in {d["id"] for d in (await door.proof())["differences"]}, "nobody's now"


async def test_an_older_state_told_anew_changes_nothing(
    door: VoucherDoor, database: Database
) -> None:
    await settle_in(door)
    newer = about_customer(CustomerUpdated, "c1", 5, association_type="1")
    older = about_customer(CustomerUpdated, "c1", 4)
    await hear(database, newer, older.model_copy(update={"restated": True}))
    async with database.transaction() as session:
        known = (await session.scalars(select(Customer))).one()
    assert (known.version, known.association_type) == (5, "1")
