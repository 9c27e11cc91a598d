"""What became of a coupon, and why it is what it is now; refusals outlive what was rolled back."""

from datetime import timedelta
from typing import Any

import pytest

from testkit.clock import StandingClock
from testkit.door import ADMINISTRATOR, code_of
from tests.voucher.builders import (
    LATER,
    NOW,
    OTHER,
    PARTNER,
    RESERVE,
    VoucherDoor,
    a_line,
    associated,
    customer,
    failed,
    hear,
    joined,
    paid,
    reservation,
    rows_of,
    settle_in,
    wire,
)  # fmt: skip
from tests.voucher.test_restore_coupons import refunded
from voucher.attempts.models import Attempt
from voucher.whys.explain_coupon import SENTENCES

pytestmark = pytest.mark.postgres

HOLDER = customer("c1")


async def history(door: VoucherDoor, coupon_id: str, by: Any = PARTNER) -> Any:
    answer = await door.get(f"/api/coupons/{coupon_id}/history", by)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def reasons(door: VoucherDoor, coupon_id: str, language: str = "en_US") -> dict[str, str]:
    path = f"/api/coupons/{coupon_id}/explanation"
    answer = await door.get(path, headers={"X-Language": language})
    assert answer.status_code == 200, answer.text
    return {one["code"]: one["text"] for one in answer.json()["sentences"]}


async def test_a_life_is_told_from_issue_to_recall(door: VoucherDoor, clock: StandingClock) -> None:
    """Break: leave the holds out, or count the balance from a page's first line."""
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant(), face=100, memo="for a friend")
    clock.forward(minutes=1)
    await door.reserve("a1", [coupon_id], "30.00")
    clock.forward(minutes=1)
    await door.reserve("a2", [coupon_id], order="CS2")
    clock.forward(minutes=1)
    await hear(door.database, failed("a1").model_copy(update={"occurred_at": clock.now}))
    clock.forward(minutes=1)
    await door.reserve("a3", [coupon_id], "40.00")
    clock.forward(minutes=1)
    done = paid("a3", {coupon_id: "40.00"}).model_copy(update={"occurred_at": clock.now})
    await hear(door.database, done)
    clock.forward(minutes=1)
    assert (await door.reclaim(coupon_id)).status_code == 204
    told = await history(door, coupon_id)
    assert [
        (one["event"], one["amount"], one["held_amount"], one["balance_after"], one["by"])
        for one in told["history"]
    ] == [
        ("issued", "100.00", None, "100.00", "issuer"),
        ("held", "0.00", "30.00", "100.00", "holder"),
        ("refused", "0.00", None, "100.00", "holder"),
        ("released", "0.00", "30.00", "100.00", "system"),
        ("held", "0.00", "40.00", "100.00", "holder"),
        ("redeemed", "-40.00", None, "60.00", "system"),
        ("recalled", "-60.00", None, "0.00", "issuer"),
    ]  # fmt: skip
    refused, redeemed = told["history"][2], told["history"][5]
    assert (refused["order_id"], refused["attempt_id"], refused["code"], refused["rule"]) == (
        "CS2", "a2", "CBC.99003112", "not_locked",
    )  # fmt: skip
    assert (redeemed["order_id"], redeemed["attempt_id"]) == ("CS1", "a3")
    assert (told["balance"], told["is_complete"]) == ("0.00", True)
    assert told["history"][0]["remark"] == "for a friend"


async def test_what_is_told_of_one_instant_is_in_the_order_it_must_have(
    door: VoucherDoor, clock: StandingClock
) -> None:
    """Nor does it matter that order's clock is behind voucher's. Break: sort by the instant."""
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant(), face=100)
    order_clock = clock.now - timedelta(seconds=3)

    async def used(attempt: str, *, is_paid: bool) -> None:
        assert (await door.reserve(attempt, [coupon_id], "30.00", attempt)).status_code == 200
        if attempt != "a":  # whose refusal would be of the same instant as the first
            await door.reserve(f"no-{attempt}", [coupon_id], order="CS9")
        end = paid(attempt, {coupon_id: "30.00"}, attempt) if is_paid else failed(attempt, attempt)
        await hear(door.database, end.model_copy(update={"occurred_at": order_clock}))

    await used("z", is_paid=True)
    await used("a", is_paid=True)
    clock.forward(minutes=1)
    order_clock = clock.now - timedelta(seconds=3)
    await used("m", is_paid=False)
    back = refunded("f1", {coupon_id: "10.00"}, "z").model_copy(update={"occurred_at": order_clock})
    await hear(door.database, back)
    assert (await door.reserve("b", [coupon_id], "50.00", "b")).status_code == 200
    told = (await history(door, coupon_id))["history"]
    assert [one["event"] for one in told if one["event"] != "restored"] == [
        "issued", "held", "refused", "redeemed", "held", "redeemed",
        "held", "refused", "released", "held",
    ]  # fmt: skip
    of_attempts = [one["attempt_id"] for one in told if one["event"] in ("held", "redeemed")]
    assert of_attempts == ["z", "z", "a", "a", "m", "b"]
    assert [one["at"] for one in told] == sorted(one["at"] for one in told)
    assert told[-1]["balance_after"] == "50.00"


async def test_a_refusal_is_kept_though_what_was_refused_is_rolled_back(door: VoucherDoor) -> None:
    """Break: write it into the transaction that is refused."""
    await settle_in(door)
    limits = {"threshold_amount": "500.00"}
    strict, other = (
        await door.coupon(await door.grant(limits=limits)),
        await door.coupon(await door.grant(quota_type=1)),
    )
    body: dict[str, Any] = {
        "coupons": [{"coupon_id": strict, "type": 301}, {"coupon_id": other, "type": 302}],
        "lines": [a_line("l1", "10.00")],
    }
    assert code_of(await door.post(RESERVE, reservation("a1", [], "1.00") | body, HOLDER)) == (
        400,
        "CBC.99003112",
    )
    assert await rows_of(door.database, Attempt) == 0
    kept = [one for one in (await history(door, strict))["history"] if one["event"] == "refused"]
    assert [(one["rule"], one["attempt_id"]) for one in kept] == [("threshold", "a1")]
    assert [one["event"] for one in (await history(door, other))["history"]] == ["issued"]
    flexi: dict[str, Any] = {"coupons": [{"coupon_id": other, "type": 302}]}
    await door.post(RESERVE, reservation("a2", [], "1.00") | flexi, HOLDER)
    assert code_of(await door.reclaim(other)) == (403, "CBC.0155")
    found = (await history(door, other))["history"]
    told = {(one["event"], one["by"], one["code"]) for one in found}
    assert ("refused", "issuer", "CBC.0155") in told


async def test_a_refusal_is_kept_of_a_card_of_a_partner_of_before(
    door: VoucherDoor, clock: StandingClock
) -> None:
    """It stays its holder's, who moves. Break: write the note in the holder's own name: 500."""
    await settle_in(door)
    given = {
        "customer_id": "c1", "card_name": "gift", "face_value": "9.00",
        "effective_at": wire(NOW), "expire_at": wire(LATER),
    }  # fmt: skip
    made = await door.post("/api/stored-value-cards", given, ADMINISTRATOR)
    card: dict[str, Any] = {"coupons": [{"coupon_id": made.json()["card_id"], "type": 303}]}
    await hear(door.database, joined("other"), associated("c1", 2, partner_id="other"))
    moved = customer("c1", "other")
    clock.forward(minutes=1)
    held = await door.post(RESERVE, reservation("a1", [], "5.00") | card, moved)
    assert held.status_code == 200, held.text
    clock.forward(minutes=1)
    second = reservation("a2", [], "5.00", "CS2") | card
    assert code_of(await door.post(RESERVE, second, moved)) == (400, "CBC.99003112")
    told = (await history(door, made.json()["card_id"], ADMINISTRATOR))["history"][-1]
    assert (told["event"], told["code"], told["rule"]) == ("refused", "CBC.99003112", "not_locked")


async def test_who_reads_it_and_what_of_it(door: VoucherDoor) -> None:
    await settle_in(door, "c1", "c2")
    coupon_id = await door.coupon(await door.grant(), memo="ours alone")
    for by, found in [
        (PARTNER, "ours alone"), (ADMINISTRATOR, "ours alone"), (HOLDER, None),
    ]:  # fmt: skip
        told = await history(door, coupon_id, by)
        assert [one["remark"] for one in told["history"]] == [found]
    for why in ("history", "explanation"):
        path = f"/api/coupons/{coupon_id}/{why}"
        for stranger in (OTHER, customer("c2")):
            assert code_of(await door.get(path, stranger)) == (404, "CHB.0404")
    await door.reserve("a1", [coupon_id], customer_id="c2")
    assert len((await history(door, coupon_id))["history"]) == 1  # another wrote nothing into it
    await door.reclaim(coupon_id)
    assert code_of(await door.get(f"/api/coupons/{coupon_id}/history", HOLDER)) == (404, "CHB.0404")


async def test_an_explanation_says_what_stands_in_the_way(door: VoucherDoor) -> None:
    """In both languages."""
    await settle_in(door)
    coupon_id = await door.coupon(await door.grant(), face=100)
    await door.reserve("a1", [coupon_id], "30.00")
    await door.reserve("a2", [coupon_id], order="CS2")
    told = await reasons(door, coupon_id)
    assert set(told) == {"issued", "usable", "held", "refused"}
    assert told["held"].startswith("Order CS1 holds 30.00 CNY of it")
    assert told["refused"].endswith("CBC.99003112: No order holds it")
    chinese = await reasons(door, coupon_id, "zh_CN")
    assert set(chinese) == set(told)
    assert not set(chinese.values()) & set(told.values())
    await hear(door.database, paid("a1", {coupon_id: "30.00"}))
    assert {"issued", "redeemed", "usable"} <= set(await reasons(door, coupon_id))
    await door.reclaim(coupon_id)
    ended = await reasons(door, coupon_id)
    assert set(ended) >= {"issued", "redeemed", "returned", "reclaimed_by_hand"}
    assert ended["returned"] == "70.00 CNY went back to its quota."


def test_every_sentence_has_the_same_values_in_both_languages() -> None:
    assert all(en.count("{}") == zh.count("{}") for en, zh in SENTENCES.values())
