"""Coupons between an enterprise master and its members, once by `trans_id` (H.20)."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from httpx import Response
from sqlalchemy import text

from chassis.database import Database
from testkit import audit, outbox
from testkit.door import ADMINISTRATOR, code_of
from tests.restating import differences, restated
from tests.voucher.builders import (
    NOW,
    PARTNER,
    VoucherDoor,
    associated,
    customer,
    hear,
    joined,
    paid,
    switched,
    unlinked,
    wire,
)
from tests.voucher.test_restore_coupons import refunded
from tests.voucher.test_vendor_coupons import CHANGES, made
from voucher.coupons.expire_coupons import expire_coupons
from voucher.coupons.restate_coupons import COUPONS
from voucher.ledger.prove_ledger import prove_ledger

pytestmark = pytest.mark.postgres

TO_MEMBER = "/v2/enterprises/multi-accounts/transfer-coupon"
BACK = "/v2/enterprises/multi-accounts/retrieve-coupon"
CLIENTS = 8


async def found_enterprise(door: VoucherDoor) -> str:
    """Master m with members b and k, and a stranger; the master's coupon of 100.00."""
    below: dict[str, Any] = {"enterprise_master_id": "m"}
    await hear(
        door.database, joined("sp"), associated("m", is_enterprise_master=True),
        associated("b", **below), associated("k", financial_custody=True, **below),
        associated("stranger"), associated("m2", is_enterprise_master=True),
    )  # fmt: skip
    return await made(door, holder_id="m", limits={"usage_times": 0})


async def hand(door: VoucherDoor, coupon_id: str, amount: str = "40.00", **more: Any) -> Response:
    by = more.pop("by", customer("m"))
    body = {"customer_id": "b", "coupon_id": coupon_id, "amount": amount}
    return await door.post(TO_MEMBER, body | more, by)


async def handed(door: VoucherDoor, coupon_id: str, amount: str = "40.00", **more: Any) -> str:
    answer = await hand(door, coupon_id, amount, **more)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["sub_coupon_id"])


async def back(door: VoucherDoor, coupon_id: str, sub_id: str, **more: Any) -> Response:
    by = more.pop("by", customer("m"))
    body = {"customer_id": "b", "coupon_id": coupon_id, "sub_coupon_id": sub_id}
    return await door.post(BACK, body | more, by)


async def to_hand(door: VoucherDoor, query: str = "") -> dict[str, Any]:
    answer = await door.get(f"{TO_MEMBER}s{query}", customer("m"))
    return dict(answer.json())


async def to_take(door: VoucherDoor, member: str = "b") -> list[dict[str, Any]]:
    answer = await door.get(f"{BACK}s?sub_customer_id={member}", customer("m"))
    assert answer.status_code == 200, answer.text
    return list(answer.json()["avail_retrieve_coupons"])


async def balances(door: VoucherDoor, *coupon_ids: str) -> list[tuple[int, float]]:
    rows = [await door.held(one) for one in coupon_ids]
    return [(row.status, float(row.balance)) for row in rows]


async def changes(door: VoucherDoor, who: str) -> list[tuple[str, str, str, str]]:
    """Oldest first: detail type without its source, direction, amount, balance after."""
    records = (await door.get(CHANGES, customer(who))).json()["records"]
    return [
        (one["trade_detail_type"].rpartition("_")[2], one["revenue_expense_type"],
         one["change_amount"], one["balance_after_change"])
        for one in reversed(records)
    ]  # fmt: skip


async def test_a_part_goes_to_a_member_is_paid_with_and_what_is_left_comes_back(
    door: VoucherDoor,
) -> None:
    """Break: post nothing, give back the whole sub-coupon, or leave the main one's version."""
    main = await found_enterprise(door)
    [shown] = (await to_hand(door))["avail_transfer_coupons"]
    assert (shown["coupon_id"], shown["balance"]) == (main, "100.00")
    sub = await handed(door, main)
    assert (await to_hand(door, "?limit=0")) == {"total_count": 1, "avail_transfer_coupons": []}
    [seen] = await to_take(door)
    assert (seen["coupon_id"], seen["sub_coupon_id"], seen["balance"]) == (main, sub, "40.00")
    assert seen["expire_time"] == shown["expire_time"]
    assert await to_take(door, "k") == []
    assert (await door.reserve("a1", [sub], "15.00", customer_id="b")).status_code == 200
    assert await to_take(door) == []
    assert code_of(await back(door, main, sub)) == (400, "CBC.99000043")
    event = paid("a1", {sub: "15.00"})
    await hear(door.database, event.model_copy(update={"customer_id": "b"}))
    answer = await back(door, main, sub)
    assert (answer.status_code, answer.json()) == (200, {"real_retrieve_amout": "25.00"})
    assert await balances(door, main, sub) == [(2, 85.0), (5, 0.0)]
    assert await door.is_balanced()
    assert await changes(door, "m") == [
        ("PRIZE", "REVENUE", "100.00", "100.00"), ("TRANSFER", "EXPENSE", "40.00", "60.00"),
        ("RETRIEVE", "REVENUE", "25.00", "85.00"),
    ]  # fmt: skip
    assert await changes(door, "b") == [
        ("TRANSFER", "REVENUE", "40.00", "40.00"), ("DEDEUCT", "EXPENSE", "15.00", "25.00"),
        ("RETRIEVE", "EXPENSE", "25.00", "0.00"),
    ]  # fmt: skip
    assert [one for one in await outbox.types(door.database) if "reserved" not in one] == [
        "voucher.issued", "voucher.transferred", "voucher.issued", "voucher.redeemed",
        "voucher.recalled", "voucher.retrieved",
    ]  # fmt: skip
    facts = await outbox.bodies(door.database)
    assert differences(await restated(door.database, COUPONS), facts) == {}
    history = (await door.get(f"/api/coupons/{sub}/history", customer("b"))).json()["history"]
    assert [(one["event"], one["by"], one["balance_after"]) for one in history] == [
        ("transferred", "master", "40.00"), ("held", "holder", "40.00"),
        ("redeemed", "system", "25.00"), ("retrieved", "master", "0.00"),
    ]  # fmt: skip
    said = (await door.get(f"/api/coupons/{main}/explanation", customer("m"))).json()["sentences"]
    assert [one["code"] for one in said] == ["issued", "transferred", "retrieved", "usable"]
    deeds = await audit.deeds(door.database)
    assert {("coupon.transfer", main), ("coupon.retrieve", main)} <= set(deeds)


async def test_a_transaction_is_carried_out_once_however_often_it_is_asked(
    door: VoucherDoor,
) -> None:
    """Break: look for the id without writing it down first."""
    main = await found_enterprise(door)
    asked = (hand(door, main, trans_id="t1") for _ in range(CLIENTS))
    answers = await asyncio.gather(*asked)
    [sub] = {one.json()["sub_coupon_id"] for one in answers}
    assert await balances(door, main, sub) == [(2, 60.0), (2, 40.0)]
    for other in ({"amount": "39.99"}, {"customer_id": "k"}, {"coupon_id": "CPx"}):
        told = {"coupon_id": main, "amount": "40.00"} | other
        refused = await hand(door, told.pop("coupon_id"), told.pop("amount"), trans_id="t1", **told)
        assert code_of(refused) == (400, "CBC.99007009")
    assert code_of(await back(door, main, sub, trans_id="t1")) == (400, "CBC.99007009")
    taken = await asyncio.gather(*(back(door, main, sub, trans_id="t2") for _ in range(CLIENTS)))
    assert [one.json() for one in taken] == [{"real_retrieve_amout": "40.00"}] * CLIENTS
    assert await balances(door, main, sub) == [(2, 100.0), (5, 0.0)]
    assert (await hand(door, main, trans_id="t1")).json() == {"sub_coupon_id": sub}
    refused = await hand(door, main, "100.01", trans_id="t3")
    assert code_of(refused) == (400, "CBC.99000043")
    assert (await hand(door, main, "100.00", trans_id="t3")).status_code == 200
    for empty in ("", None):
        await back(door, main, sub, trans_id=empty)
    assert await door.is_balanced()


async def test_of_many_at_once_no_more_goes_out_than_there_is(door: VoucherDoor) -> None:
    """Break: read the coupon without its lock."""
    main = await found_enterprise(door)
    answers = await asyncio.gather(*(hand(door, main, "15.00") for _ in range(CLIENTS)))
    codes = [code_of(one)[1] if one.is_error else "done" for one in answers]
    assert sorted(codes) == ["CBC.99000043"] * 2 + ["done"] * 6
    assert await balances(door, main) == [(2, 10.0)]
    assert await door.is_balanced()


async def test_who_may_not_is_refused_and_nothing_moves(door: VoucherDoor) -> None:
    """Break: leave out one of the conditions of `refuse_unless_movable`."""
    main = await found_enterprise(door)
    quota = await door.coupon(await door.grant(), "m")
    flexi = await made(door, holder_id="m", coupon_type=4)
    later = await made(door, holder_id="m", effective_at=wire(NOW + timedelta(days=1)))
    waiting = await made(door, holder_id="m", activated=False)
    frozen = await made(door, holder_id="m")
    assert (await door.post(f"/api/coupons/{frozen}/freezing", {}, ADMINISTRATOR)).is_success
    locked = await made(door, holder_id="m")
    await door.reserve("a1", [locked], "1.00", customer_id="m")
    foreign = await made(door, holder_id="stranger")
    for coupon_id in (quota, flexi, later, waiting, frozen, locked, foreign, "CPnone"):
        assert code_of(await hand(door, coupon_id)) == (400, "CBC.99000043"), coupon_id
    assert [one["coupon_id"] for one in (await to_hand(door))["avail_transfer_coupons"]] == [main]
    for member in ("stranger", "nobody", "m"):
        refused = await hand(door, main, customer_id=member)
        assert code_of(refused) == (400, "CBC.99000035"), member
    for by in (customer("b"), replace(customer("m"), acting_for_partner="sp"), PARTNER):
        assert code_of(await hand(door, main, by=by)) == (403, "CBC.0151")
    for amount in ("0", "1.001", "-1", "x"):
        refused = await hand(door, main, amount)
        assert code_of(refused)[0] == 400, amount
    sub = await handed(door, main)
    for values in ({"by": customer("m2")}, {"customer_id": "stranger"}):
        assert code_of(await back(door, main, sub, **values)) == (400, "CBC.99000035")
    for of, part in ((main, "CPnone"), (flexi, sub), (sub, main)):
        assert code_of(await back(door, of, part)) == (400, "CBC.99000043")
    assert code_of(await back(door, main, sub, customer_id="k")) == (400, "CBC.99000043")
    assert await balances(door, main, sub) == [(2, 60.0), (2, 40.0)]
    assert await door.is_balanced()


async def test_with_nothing_left_it_is_used_up_until_something_comes_back(
    door: VoucherDoor,
) -> None:
    """Break: leave status and end of the main coupon as they are."""
    main = await found_enterprise(door)
    sub = await handed(door, main, "100.00")
    assert await balances(door, main, sub) == [(3, 0.0), (2, 100.0)]
    assert code_of(await hand(door, main, "0.01")) == (400, "CBC.99000043")
    assert (await back(door, main, sub)).json() == {"real_retrieve_amout": "100.00"}
    assert await balances(door, main, sub) == [(2, 100.0), (5, 0.0)]
    assert (await door.held(main)).ended_at is None
    assert code_of(await back(door, main, sub)) == (400, "CBC.99000043")
    assert await door.is_balanced()


async def test_nothing_comes_back_to_who_could_not_use_it(door: VoucherDoor) -> None:
    """The master is no resale customer any more, and its coupon was used up before. Break: ask
    whether the coupon has ended alone: then it is usable again, by nobody."""
    main = await found_enterprise(door)
    sub = await handed(door, main, "100.00")
    await hear(door.database, switched("m", 2, is_enterprise_master=True))
    assert await to_take(door) == []
    assert code_of(await back(door, main, sub)) == (400, "CBC.99000043")
    assert await balances(door, main, sub) == [(3, 0.0), (2, 100.0)]
    assert await door.is_balanced()


@pytest.mark.parametrize("how", ["ended", "member left", "master left", "too late"])
async def test_what_a_sub_coupon_had_goes_to_the_vendor_when_it_ends_otherwise(
    door: VoucherDoor, how: str
) -> None:
    """Break: let a sub-coupon return to its main coupon when that has ended, too."""
    main = await found_enterprise(door)
    sub = await handed(door, main)
    await door.reserve("a1", [sub], "15.00", customer_id="b")
    event = paid("a1", {sub: "15.00"})
    await hear(door.database, event.model_copy(update={"customer_id": "b"}))
    end = (await door.held(main)).expire_at
    if how == "ended":
        await expire_coupons(door.database, end)
        assert await balances(door, main, sub) == [(4, 0.0), (4, 0.0)]
    elif how == "member left":
        await hear(door.database, unlinked("b", enterprise_master_id="m"))
        assert await balances(door, main, sub) == [(2, 60.0), (5, 0.0)]
        assert code_of(await hand(door, main)) == (400, "CBC.99000043")
    elif how == "master left":
        await hear(door.database, unlinked("m", is_enterprise_master=True))
        assert await balances(door, main, sub) == [(5, 0.0), (2, 25.0)]
        assert code_of(await back(door, main, sub)) == (400, "CBC.99000043")
        assert await to_take(door) == []
    else:
        await back(door, main, sub)
        await hear(door.database, refunded("f1", {sub: "15.00"}))
        assert await balances(door, main, sub) == [(2, 85.0), (5, 0.0)]
    proof = await door.proof()
    assert proof["balanced"], proof["differences"]


async def test_the_proof_finds_a_cent_that_was_planted_between_them(
    door: VoucherDoor, database: Database
) -> None:
    """Break: leave out one of the rules of sub-coupons."""
    main = await found_enterprise(door)
    sub = await handed(door, main)
    await back(door, main, sub)
    other = await handed(door, main, "7.00")
    for planted in (
        f"UPDATE coupons SET transferred_amount = transferred_amount + 0.01 WHERE id = '{main}'",
        f"UPDATE coupons SET face_value = face_value + 0.01 WHERE id = '{other}'",
        f"UPDATE coupons SET returned_amount = returned_amount - 0.01 WHERE id = '{sub}'",
        f"UPDATE coupons SET currency = 'USD' WHERE id = '{other}'",
        f"UPDATE postings SET account_id = '{other}' WHERE account_id = '{sub}' AND amount < 0",
    ):
        async with database.transaction() as session:
            assert (await prove_ledger(session, NOW)).balanced
            await session.execute(text(planted))
            assert not (await prove_ledger(session, NOW)).balanced, planted
            await session.rollback()
