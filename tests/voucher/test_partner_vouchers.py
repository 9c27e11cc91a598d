"""Granting, listing and expiring partner vouchers."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from contracts.partner import PartnerUpdated
from testkit import audit, outbox
from testkit.clock import StandingClock
from testkit.door import ADMINISTRATOR, code_of
from tests.restating import differences, restated
from tests.voucher.builders import (
    DISTRIBUTOR,
    NOW,
    OTHER,
    PARTNER,
    VoucherDoor,
    customer,
    hear,
    joined,
    rows_of,
    wire,
)
from tests.voucher.settlement_builders import (
    MATCHING,
    SETTLEMENTS,
    VOUCHERS,
    grant_body,
    granted,
    kept,
    line,
    refund,
    settle,
    voucher_mode,
)
from voucher.partner_vouchers.expire_partner_vouchers import (
    expire_partner_vouchers,
    next_voucher_expiry,
)
from voucher.partner_vouchers.models import PartnerVoucher
from voucher.partner_vouchers.restate_partner_vouchers import PARTNER_VOUCHERS

pytestmark = pytest.mark.postgres

BAD_GRANTS: list[tuple[dict[str, Any], str]] = [
    ({"amount": 0}, "CBC.0100"),
    ({"amount": True}, "CBC.0100"),
    ({"amount": "1.001"}, "CBC.0100"),
    ({"amount": "-1.00"}, "CBC.0100"),
    ({"origin": "gift"}, "CBC.0101"),
    ({"currency": "USD"}, "CBC.0100"),
    ({"expire_at": wire(NOW - timedelta(days=11))}, "CBC.0100"),
    ({"expire_at": wire(NOW)}, "CBC.0100"),
    ({"limits": {"no_such_limit": []}}, "CBC.0100"),
    ({"limits": {"charging_modes": [2]}}, "CBC.0101"),
    ({"limits": {"customer_ids": ["a", "x"]}}, "CBC.0101"),
    ({"partner_id": "nobody"}, "CHB.0404"),
]


async def test_a_grant_is_stated_posted_audited_and_listed(door: VoucherDoor) -> None:
    await voucher_mode(door)
    body = grant_body("100.5", limits={"customer_ids": ["a"], "charging_modes": [1]})
    answer = await door.post(VOUCHERS, body, ADMINISTRATOR, key="k")
    again = await door.post(VOUCHERS, body, ADMINISTRATOR, key="k")
    assert (answer.status_code, again.json()) == (201, answer.json())
    shown = answer.json()
    expected = {"amount": "100.50", "balance": "100.50", "currency": "CNY", "status": 2}
    assert shown | expected == shown
    assert shown["limits"]["customer_ids"] == ["a"]
    assert shown["limits"]["product_ids"] == []
    (fact,) = await outbox.bodies(door.database, "voucher.partner_voucher_granted")
    assert (fact["face_value"], fact["balance"], fact["partner_id"]) == ("100.50", "100.50", "sp")
    assert await audit.deeds(door.database) == [("partner_voucher.grant", shown["voucher_id"])]
    assert (await door.get(VOUCHERS)).json() == {"partner_vouchers": [shown], "next": None}
    proof = await door.proof()
    assert proof["balanced"]
    (totals,) = proof["totals"]
    assert (totals["granted"], totals["in_partner_vouchers"]) == ("100.50", "100.50")


async def test_a_bad_grant_is_refused_and_writes_nothing(door: VoucherDoor) -> None:
    await voucher_mode(door)
    for fields, code in BAD_GRANTS:
        answer = await door.post(VOUCHERS, grant_body("1.00") | fields, ADMINISTRATOR)
        assert code_of(answer)[1] == code, fields
    assert await rows_of(door.database, PartnerVoucher) == 0
    assert await outbox.types(door.database) == []


async def test_everybody_sees_and_does_what_is_theirs(door: VoucherDoor) -> None:
    """The administrator grants and settles, a partner reads its own and its resellers'."""
    below = joined("below", "reseller", distributor_id="dist")
    await voucher_mode(door)
    await hear(door.database, joined("dist", "distributor"), below)
    own = await granted(door, "1.00")
    second = await granted(door, "2.00", partner_id="below")
    for by, seen in ((PARTNER, [own]), (DISTRIBUTOR, [second]), (OTHER, [])):
        page = (await door.get(VOUCHERS, by)).json()["partner_vouchers"]
        assert [one["voucher_id"] for one in page] == seen
    first = (await door.get(f"{VOUCHERS}?limit=1", ADMINISTRATOR)).json()
    rest = (await door.get(f"{VOUCHERS}?limit=1&after={first['next']}", ADMINISTRATOR)).json()
    listed = [*first["partner_vouchers"], *rest["partner_vouchers"]]
    assert ([one["voucher_id"] for one in listed], rest["next"]) == ([own, second], None)

    body = {"partner_id": "sp", "lines": [line("l1", "1.00")]}
    assert code_of(await door.post(MATCHING, body, OTHER)) == (404, "CHB.0404")
    foreign = {**body, "partner_id": "nobody"}
    assert code_of(await door.post(MATCHING, foreign, OTHER)) == (404, "CHB.0404")
    for path in (VOUCHERS, SETTLEMENTS):
        for by in (PARTNER, customer("a")):
            assert code_of(await door.post(path, {}, by)) == (403, "CBC.0151")
    assert code_of(await door.post(MATCHING, body, customer("a"))) == (403, "CBC.0151")


async def test_the_two_modes_exclude_each_other(door: VoucherDoor) -> None:
    """One that uses vouchers issues no coupons; one that issues coupons settles nothing."""
    await voucher_mode(door)
    quota = await door.grant()
    assert code_of(await door.issue(quota, ["a"])) == (400, "CBC.50000010")
    issues = joined("sp", version=2).model_dump() | {"coupon_mode": "issue_to_customers"}
    await hear(door.database, PartnerUpdated(**issues))
    assert (await door.issue(quota, ["a"])).status_code == 200
    assert code_of(await settle(door, "s1", line("l1", "1.00"))) == (409, "CHB.0409")
    body = {"partner_id": "sp", "lines": [line("l1", "1.00")]}
    assert code_of(await door.post(MATCHING, body)) == (409, "CHB.0409")


async def test_an_ended_voucher_pays_for_what_was_before_and_keeps_nothing_it_gets_back(
    door: VoucherDoor, clock: StandingClock
) -> None:
    await voucher_mode(door)
    end = NOW + timedelta(days=1)
    voucher_id = await granted(door, "100.00", expire_at=wire(end))
    lasting = await granted(door, "1.00")
    async with door.database.transaction() as session:
        assert await next_voucher_expiry(session) == end
    clock.forward(days=1)
    shown = (await door.get(f"{VOUCHERS}?status=4")).json()["partner_vouchers"]
    assert [one["voucher_id"] for one in shown] == [voucher_id]
    await expire_partner_vouchers(door.database, clock.now)
    await expire_partner_vouchers(door.database, clock.now)
    (fact,) = await outbox.bodies(door.database, "voucher.partner_voucher_expired")
    assert (fact["voucher_id"], fact["amount"], fact["status"]) == (voucher_id, "100.00", 4)

    after = line("after", "5.00", days_ago=-1)
    answer = (await settle(door, "s1", line("before", "40.00"), after)).json()
    assert [(one["line_id"], one["voucher_id"]) for one in answer["allocations"]] == [
        ("before", voucher_id), ("after", lasting),
    ]  # fmt: skip
    back = refund("before", "-40.00", "not_effective", days_ago=-2)
    answer = (await settle(door, "s2", back)).json()
    assert [(one["amount"], one["expired"]) for one in answer["restored"]] == [("40.00", True)]
    voucher = await kept(door, voucher_id)
    assert (voucher.status, voucher.balance) == (4, Decimal("60.00"))
    assert voucher.lapsed_amount == Decimal("40.00")
    (told,) = await outbox.bodies(door.database, "voucher.partner_voucher_restored")
    assert (told["lapsed"], told["balance"]) == (True, "60.00")
    assert await door.is_balanced(), await door.proof()


async def test_vouchers_are_stated_again_as_they_are(door: VoucherDoor) -> None:
    await voucher_mode(door)
    voucher_id = await granted(door, "10.00")
    await settle(door, "s1", line("l1", "4.00"))
    anew = await restated(door.database, PARTNER_VOUCHERS)
    assert [fact.subject for fact in anew] == [voucher_id]
    assert differences(anew, await outbox.bodies(door.database)) == {}
