"""Stored value cards: given, listed, paid with after all coupons, given back, ended (H.19)."""

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
    ISSUE,
    LATER,
    NOW,
    ORDER_COUPONS,
    OWN,
    RESERVE,
    VoucherDoor,
    associated,
    created,
    customer,
    failed,
    hear,
    joined,
    paid,
    reservation,
    settle_in,
    unlinked,
    wire,
)
from tests.voucher.test_restore_coupons import refunded
from tests.voucher.test_vendor_coupons import CHANGES
from voucher.coupons.expire_coupons import expire_coupons
from voucher.coupons.restate_coupons import COUPONS
from voucher.ledger.prove_ledger import prove_ledger

pytestmark = pytest.mark.postgres

GIVE = "/api/stored-value-cards"
CARDS = "/v2/promotions/benefits/stored-value-cards"
TYPES = {"CP": 301, "SC": 303}


async def given(door: VoucherDoor, **fields: Any) -> Response:
    """A card of 100.00 for c1, unless told otherwise."""
    body = {
        "customer_id": "c1", "card_name": "A hundred", "face_value": "100.00",
        "effective_at": wire(NOW), "expire_at": wire(LATER),
    }  # fmt: skip
    return await door.post(GIVE, body | fields, ADMINISTRATOR)


async def card(door: VoucherDoor, **fields: Any) -> str:
    """Its id."""
    answer = await given(door, **fields)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["card_id"])


async def held(
    door: VoucherDoor,
    attempt: str,
    named: list[str],
    amount: str,
    order: str = "CS1",
    by: Any = None,
) -> Response:
    """Order's call; a card is named as one."""
    body = reservation(attempt, [], amount, order)
    body["coupons"] = [{"coupon_id": one, "type": TYPES[one[:2]]} for one in named]
    return await door.post(RESERVE, body, by or customer("c1"))


async def listed(door: VoucherDoor, status: int, by: str = "c1") -> list[tuple[str, str]]:
    """Card and balance."""
    answer = await door.get(f"{CARDS}?status={status}", customer(by))
    found = answer.json()
    assert found["total_count"] == len(found["stored_value_cards"]), answer.text
    assert {one["status"] for one in found["stored_value_cards"]} <= {status}
    return [(one["card_id"], one["balance"]) for one in found["stored_value_cards"]]


async def totals(door: VoucherDoor) -> dict[str, Any]:
    proof = await door.proof()
    assert proof["balanced"], proof["differences"]
    return dict(proof["totals"][0])


async def test_a_card_pays_after_coupons_and_is_one_again_when_a_refund_returns_it(
    door: VoucherDoor,
) -> None:
    """Break: charge it before coupons, or leave a card that was used up in status 2."""
    await settle_in(door)
    await hear(door.database, created())
    answer = await given(door)
    shown, card_id = answer.json(), answer.json()["card_id"]
    assert (shown["status"], shown["balance"], shown["partner_id"]) == (1, "100.00", "sp")
    coupon_id = await door.coupon(await door.grant(), face=30)
    both = (await held(door, "a1", [card_id, coupon_id], "130.00")).json()["coupons"]
    assert [(one["coupon_id"], one["coupon_type"], one["amount"]) for one in both] == [
        (coupon_id, 1, "30.00"), (card_id, 5, "100.00"),
    ]  # fmt: skip
    assert await listed(door, 1) == [(card_id, "100.00")]
    await hear(door.database, paid("a1", {coupon_id: "30.00", card_id: "100.00"}))
    assert (await listed(door, 1), await listed(door, 2)) == ([], [(card_id, "0.00")])
    found = await totals(door)
    assert (found["in_cards"], found["redeemed"]) == ("0.00", "130.00")
    await hear(door.database, refunded("f1", {card_id: "40.00"}))
    assert (await listed(door, 1), await listed(door, 2)) == ([(card_id, "40.00")], [])
    assert (await totals(door))["in_cards"] == "40.00"
    facts = [one for one in await outbox.bodies(door.database) if one.get("card_id")]
    assert [(one["balance"], one["status"]) for one in facts] == [
        ("100.00", 1), ("0.00", 2), ("40.00", 1),
    ]  # fmt: skip
    assert [one for one in await outbox.types(door.database) if "card" in one] == [
        "voucher.card_given", "voucher.card_used", "voucher.card_restored",
    ]  # fmt: skip
    history = (await door.get(f"/api/coupons/{card_id}/history", customer("c1"))).json()
    assert [(one["event"], one["balance_after"]) for one in history["history"]] == [
        ("issued", "100.00"), ("held", "100.00"), ("redeemed", "0.00"), ("restored", "40.00"),
    ]  # fmt: skip
    assert ("stored_value_card.give", card_id) in await audit.deeds(door.database)


async def test_no_list_of_coupons_has_cards_and_no_door_of_coupons_takes_them(
    door: VoucherDoor,
) -> None:
    """Break: leave `is_no_card` out of one of the lists."""
    await settle_in(door)
    await hear(door.database, created())
    card_id = await card(door)
    assert (await door.get(OWN, customer("c1"))).json()["count"] == 0
    of_order = await door.get(f"{ORDER_COUPONS}?order_id=CS1", customer("c1"))
    assert of_order.json()["count"] == 0
    assert (await door.get(CHANGES, customer("c1"))).json()["total_count"] == 0
    assert (await door.get(ISSUE)).json()["total_count"] == 0
    frozen = await door.post(f"/api/coupons/{card_id}/freezing", {}, ADMINISTRATOR)
    assert code_of(frozen) == (404, "CHB.0404")
    assert code_of(await door.reclaim(card_id)) == (403, "CBC.0150")
    assert await listed(door, 1, by="c2") == []


async def test_a_partner_does_not_pay_with_it_and_an_order_takes_one(door: VoucherDoor) -> None:
    """Break: leave out the rule `card_by_holder`."""
    await settle_in(door)
    first, second = await card(door), await card(door)
    proxy = replace(customer("c1"), acting_for_partner="sp")
    assert code_of(await held(door, "a1", [first], "10.00", by=proxy)) == (400, "CBC.99003112")
    assert code_of(await held(door, "a2", [first, second], "10.00")) == (400, "CBC.99003112")
    as_coupon = reservation("a3", [first], "10.00")  # 301: a cash coupon
    refused = await door.post(RESERVE, as_coupon, customer("c1"))
    assert code_of(refused) == (400, "CBC.99003112")
    assert (await held(door, "a4", [first], "10.00")).status_code == 200
    assert code_of(await held(door, "a5", [first], "10.00", "CS2")) == (400, "CBC.99003112")
    await hear(door.database, failed("a4"))
    assert (await held(door, "a6", [first], "10.00", "CS2")).status_code == 200


async def test_an_ended_card_is_in_no_list_and_a_refund_to_it_is_lost(door: VoucherDoor) -> None:
    """Break: restore it after its end, or leave it out of the schedule."""
    await settle_in(door)
    end = NOW + timedelta(hours=1)
    card_id = await card(door, expire_at=wire(end))
    await held(door, "a1", [card_id], "80.00")
    await hear(door.database, paid("a1", {card_id: "80.00"}))
    await expire_coupons(door.database, end)
    [ended] = await outbox.bodies(door.database, "voucher.card_ended")
    assert (ended["amount"], float(ended["balance"]), ended["status"]) == ("20.00", 0, 4)
    await hear(door.database, refunded("f1", {card_id: "80.00"}, occurred_at=end))
    [lost] = await outbox.bodies(door.database, "voucher.card_restored")
    assert (lost["amount"], float(lost["balance"]), lost["lapsed"]) == ("80.00", 0, True)
    assert (await listed(door, 1), await listed(door, 2)) == ([], [])
    found = await totals(door)
    assert (found["granted"], found["in_cards"], found["redeemed"]) == ("0.00", "0.00", "0.00")


async def test_it_stays_with_its_holder_whoever_is_the_partner(door: VoucherDoor) -> None:
    """Break: recall it with the coupons, or leave out the policies of the migration."""
    await hear(door.database, joined("other"))
    await settle_in(door)
    card_id = await card(door)
    await hear(door.database, unlinked("c1"), associated("c1", 3, partner_id="other"))
    there = customer("c1", "other")
    found = (await door.get(f"{CARDS}?status=1", there)).json()
    assert [one["card_id"] for one in found["stored_value_cards"]] == [card_id]
    reserved = await held(door, "a1", [card_id], "10.00", by=there)
    assert reserved.status_code == 200, reserved.text
    await hear(door.database, paid("a1", {card_id: "10.00"}))
    assert (await totals(door))["in_cards"] == "90.00"


async def test_what_cannot_be_given_is_refused_and_leaves_nothing(door: VoucherDoor) -> None:
    abroad = joined("abroad", site="international", currency="USD")
    await hear(
        door.database, joined("sp"), abroad, associated("c1"),
        associated("c2", association_status="unlinked"),
        associated("c3", association_status="pending"), associated("c4", partner_id="abroad"),
    )  # fmt: skip
    for fields, refusal in (
        ({"customer_id": "nobody"}, (404, "CHB.0404")),
        ({"customer_id": "c2"}, (400, "CBC.99000035")),
        ({"customer_id": "c3"}, (400, "CBC.99000000")),
        ({"customer_id": "c4"}, (400, "CBC.0100")),
        ({"currency": "USD"}, (400, "CBC.0100")),
        ({"face_value": "0.001"}, (400, "CBC.0100")),
        ({"face_value": "0"}, (400, "CBC.0100")),
        ({"card_name": ""}, (400, "CBC.0100")),
        ({"expire_at": wire(NOW)}, (400, "CBC.0100")),
        ({"limits": {}}, (400, "CBC.0100")),
    ):
        answer = await given(door, **fields)
        assert code_of(answer) == refusal, (fields, answer.text)
    assert await outbox.types(door.database) == []


async def test_the_proof_finds_a_cent_that_was_planted_at_a_card(
    door: VoucherDoor, database: Database
) -> None:
    """Break: leave 'card' out of the rules."""
    await settle_in(door)
    await card(door)
    for planted in (
        "UPDATE coupons SET balance = balance + 0.01",
        "UPDATE postings SET amount = amount + 0.01 WHERE account_kind = 'card'",
        "UPDATE postings SET account_kind = 'coupon' WHERE account_kind = 'card'",
    ):
        async with database.transaction() as session:
            assert (await prove_ledger(session, NOW)).balanced
            await session.execute(text(planted))
            assert not (await prove_ledger(session, NOW)).balanced, planted
            await session.rollback()


async def test_restated_it_is_what_was_stated_last(door: VoucherDoor) -> None:
    """Break: state it again as a coupon."""
    await settle_in(door)
    card_id = await card(door)
    await held(door, "a1", [card_id], "80.00")
    await hear(door.database, paid("a1", {card_id: "80.00"}))
    facts = [one for one in await outbox.bodies(door.database) if one.get("card_id")]
    assert differences(await restated(door.database, COUPONS), facts[-1:]) == {}
