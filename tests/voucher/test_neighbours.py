"""A neighbour's thing looks like one that is not there: between two resellers of one distributor,
and between two customers of one partner. So it is between strangers (`tests/wire`).
"""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from chassis.identity import Principal
from testkit.door import ADMINISTRATOR
from tests.voucher.builders import (
    DISTRIBUTOR,
    LATER,
    NOW,
    ORDER_COUPONS,
    RECLAIM,
    RESELLER,
    VoucherDoor,
    a_line,
    associated,
    created,
    customer,
    hear,
    reservation,
    settle_in_below,
    wire,
)
from tests.voucher.settlement_builders import granted, line
from tests.voucher.test_applications import LINK, solution
from tests.voucher.test_coupon_transfers import BACK, TO_MEMBER, found_enterprise, handed
from tests.voucher.test_vendor_coupons import CHANGES

pytestmark = pytest.mark.postgres

Asked = tuple[str, str, Any]  # method, path, body; `ID` stands for the neighbour's thing
NEIGHBOUR = replace(RESELLER, id="r2", partner_id="r2")
BILL = {**a_line("l1", "5.00"), "currency": "CNY"}
OF_RESELLERS: dict[str, list[Asked]] = {
    "quota": [
        ("GET", "/api/quotas/ID", None),
        ("GET", "/api/quotas/ID/statement", None),
        ("POST", "/api/coupon-issues",
         {"quota_id": "ID", "items": [{"customer_id": "c3", "face_value": "1.00"}]}),
        ("POST", "/api/coupon-issues",
         {"quota_id": "ID", "items": [{"customer_id": "c3", "face_value": "1.00"}],
          "preview": True}),
        ("POST", "/api/recall-campaigns", {"filter": {"quota_id": "ID"}}),
    ],
    "coupon": [
        ("GET", "/api/coupons/ID/history", None),
        ("GET", "/api/coupons/ID/explanation", None),
        ("POST", "/api/coupons/ID/activation", {}),
        ("POST", "/api/coupons/validations",
         {"customer_id": "c3", "coupon_ids": ["ID"], "lines": [BILL]}),
    ],
    "own coupon": [
        ("GET", "/api/coupons/ID/history", None),
        ("POST", "/api/coupons/ID/activation", {}),
    ],
    "customer": [
        ("POST", "/api/coupons/validations",
         {"customer_id": "ID", "coupon_ids": ["x"], "lines": [BILL]}),
    ],
    "job": [
        ("GET", "/api/coupon-issues/ID", None),
        ("GET", "/api/coupon-issues/ID/items", None),
        ("POST", "/api/coupon-issues/ID/stop", None),
    ],
    "campaign": [
        ("GET", "/api/recall-campaigns/ID", None),
        ("GET", "/api/recall-campaigns/ID/items", None),
        ("POST", "/api/recall-campaigns/ID/start", {"preview": "seen"}),
        ("POST", "/api/recall-campaigns/ID/stop", None),
    ],
    "application": [
        ("GET", "/api/test-coupon-applications/ID", None),
        ("POST", "/api/test-coupon-applications/ID/withdrawal", None),
    ],
    "solution": [
        ("POST", "/api/test-coupon-applications",
         {"solution_id": "ID", "amount": "1.00", "resource_list_url": LINK}),
    ],
    "partner": [
        ("POST", "/api/partner-vouchers/matching",
         {"partner_id": "ID", "lines": [line("l1", "1.00", customer_id="c3")]}),
    ],
}  # fmt: skip
# By the distributor in the second reseller's name.
BY_DISTRIBUTOR: dict[str, list[Asked]] = {
    "quota": [
        ("POST", "/v2/promotions/benefits/partner-coupons",
         {"quota_id": "ID", "customer_ids": ["c3"], "face_value": "1.00",
          "indirect_partner_id": "r2"}),
    ],
    "coupon": [("POST", RECLAIM, {"coupon_id": "ID", "indirect_partner_id": "r2"})],
}  # fmt: skip
OF_CUSTOMERS: dict[str, list[Asked]] = {
    "coupon": [
        ("GET", "/api/coupons/ID/history", None),
        ("GET", "/api/coupons/ID/explanation", None),
        ("POST", "/api/coupons/ID/activation", {}),
        ("POST", "/api/coupons/validations",
         {"customer_id": "m2", "coupon_ids": ["ID"], "lines": [BILL]}),
        ("POST", "/internal/reservations",
         {**reservation("a1", [], "5.00"), "customer_id": "m2",
          "coupons": [{"coupon_id": "ID", "type": 301}]}),
        ("GET", f"{CHANGES}&coupon_id=ID", None),
        ("POST", TO_MEMBER, {"customer_id": "n", "coupon_id": "ID", "amount": "1.00"}),
    ],
    "sub-coupon": [
        ("GET", "/api/coupons/ID/history", None),
        ("POST", BACK, {"customer_id": "n", "coupon_id": "MAIN", "sub_coupon_id": "ID"}),
    ],
    "member": [
        ("POST", TO_MEMBER, {"customer_id": "ID", "coupon_id": "OWN", "amount": "1.00"}),
        ("GET", f"{BACK}s?sub_customer_id=ID", None),
    ],
    "card": [
        ("GET", "/v2/promotions/benefits/stored-value-cards?status=1&card_id=ID", None),
        ("GET", "/api/coupons/ID/history", None),
        ("POST", "/internal/reservations",
         {**reservation("a1", [], "5.00"), "customer_id": "m2",
          "coupons": [{"coupon_id": "ID", "type": 303}]}),
    ],
    "order": [
        ("GET", f"{ORDER_COUPONS}?order_id=ID", None),
        ("POST", "/api/coupons/validations",
         {"customer_id": "m2", "coupon_ids": ["OWN"], "order_id": "ID"}),
    ],
}  # fmt: skip


def put(asked: Any, **names: str) -> Any:
    """The request with ids in the names' places."""
    if isinstance(asked, dict):
        return {key: put(one, **names) for key, one in asked.items()}
    if isinstance(asked, list):
        return [put(one, **names) for one in asked]
    for name, value in names.items():
        asked = asked.replace(name, value) if isinstance(asked, str) else asked
    return asked


async def told_apart(
    door: VoucherDoor,
    by: Principal,
    rows: dict[str, list[Asked]],
    things: dict[str, str],
    **names: str,
) -> list[str]:
    """Where the answer about the neighbour's thing is another than about nothing."""
    found = []
    for kind, asks in rows.items():
        thing = things[kind]
        nothing = (thing[:-32] + uuid4().hex) if len(thing) >= 32 else "nobody"
        for method, path, body in asks:
            answers = await asyncio.gather(
                *(
                    door.send(method, put(path, ID=one, **names), put(body, ID=one, **names), by)
                    for one in (thing, nothing)
                )
            )
            said = []
            for answer, one in zip(answers, (thing, nothing), strict=True):
                text = {k: v for k, v in answer.json().items() if k != "instance"}
                said.append((answer.status_code, put(text, **{one: "ID"})))
            if said[0] != said[1] or said[0][0] in (201, 202, 204, 500):
                found.append(f"{method} {path} of a {kind}: {said}")
    return found


async def owned_by_reseller(door: VoucherDoor) -> dict[str, str]:
    """One of each of the first reseller's."""
    quota = await door.child(await door.grant(partner_id="dist"))
    more: dict[str, Any] = {"by": DISTRIBUTOR, "indirect_partner_id": "r1"}
    coupon = await door.coupon(quota, face=5, **more)
    items = [{"customer_id": "c1", "face_value": "1.00"}]
    job = await door.post("/api/coupon-issues", {"quota_id": quota, "items": items}, RESELLER)
    campaign = await door.post("/api/recall-campaigns", {"filter": {"quota_id": quota}}, RESELLER)
    mine: dict[str, Any] = {"partner_id": "r1", "distributor_id": "dist"}
    await hear(door.database, solution(**mine))
    wanted = {"solution_id": "s1", "amount": "1.00", "resource_list_url": LINK}
    application = await door.post("/api/test-coupon-applications", wanted, RESELLER)
    await granted(door, "5.00", partner_id="r1")
    own = await vendors(door, "r1")
    return {
        "quota": quota, "coupon": coupon, "own coupon": own, "customer": "c1",
        "job": job.json()["job_id"], "campaign": campaign.json()["campaign_id"],
        "application": application.json()["application_id"], "solution": "s1", "partner": "r1",
    }  # fmt: skip


async def vendors(door: VoucherDoor, holder: str) -> str:
    """A coupon of the vendor's own that waits to be activated."""
    body = {
        "holder_id": holder, "coupon_type": 1, "origin": "commercial", "face_value": "9.00",
        "effective_at": wire(NOW), "expire_at": wire(LATER), "activated": False,
    }  # fmt: skip
    answer = await door.post("/api/coupons", body, ADMINISTRATOR)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["coupon_id"])


async def test_a_resellers_things_are_nothing_to_another_of_its_distributor(
    door: VoucherDoor,
) -> None:
    """Break: look among all rows of the distributor (`find_coupon`, `find_quota`, jobs)."""
    await settle_in_below(door)
    things = await owned_by_reseller(door)
    assert await told_apart(door, NEIGHBOUR, OF_RESELLERS, things) == []
    assert await told_apart(door, DISTRIBUTOR, BY_DISTRIBUTOR, things) == []
    for path, listed in (
        ("/api/quotas", "quotas"), ("/api/partner-vouchers", "partner_vouchers"),
        ("/api/partner-vouchers?partner_id=r1", "partner_vouchers"),
        ("/api/test-coupon-applications", "applications"),
    ):  # fmt: skip
        assert (await door.get(path, NEIGHBOUR)).json()[listed] == [], path
        assert (await door.get(path, RESELLER)).json()[listed] != [], path
    for kind, asks in OF_RESELLERS.items():  # else the comparison would compare nothing
        for method, path, _ in asks:
            if method == "GET":
                answer = await door.get(path.replace("ID", things[kind]), RESELLER)
                assert answer.status_code == 200, (path, answer.text)


async def test_a_customers_things_are_nothing_to_another_of_its_partner(door: VoucherDoor) -> None:
    """Two enterprise masters. Break: look among all coupons of the partner."""
    main = await found_enterprise(door)
    await hear(door.database, associated("n", enterprise_master_id="m2"))
    card = await door.post(
        "/api/stored-value-cards",
        {"customer_id": "m", "card_name": "gift", "face_value": "9.00",
         "effective_at": wire(NOW), "expire_at": wire(LATER)},
        ADMINISTRATOR,
    )  # fmt: skip
    order = "CS" + uuid4().hex.upper()
    await hear(door.database, created(order, customer_id="m"))
    things = {
        "coupon": main, "sub-coupon": await handed(door, main), "member": "b",
        "card": card.json()["card_id"], "order": order,
    }  # fmt: skip
    own = await vendors(door, "m2")
    activated = await door.post(f"/api/coupons/{own}/activation", {}, customer("m2"))
    assert activated.status_code == 200
    neighbour = customer("m2")
    assert await told_apart(door, neighbour, OF_CUSTOMERS, things, MAIN=main, OWN=own) == []
    for kind in ("coupon", "card", "order"):
        for method, path, _ in OF_CUSTOMERS[kind]:
            if method == "GET":
                answer = await door.get(path.replace("ID", things[kind]), customer("m"))
                assert answer.status_code == 200, (path, answer.text)
