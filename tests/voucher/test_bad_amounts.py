"""No amount that is none is taken by any door of vouchers, and nothing is written."""

from typing import Any

import pytest

from testkit import audit, outbox
from testkit.door import ADMINISTRATOR, code_of
from tests.voucher.builders import (
    DISTRIBUTOR,
    HAND_OUT,
    ISSUE,
    LATER,
    NOW,
    PARTNER,
    VoucherDoor,
    a_line,
    associated,
    customer,
    hear,
    joined,
    wire,
)
from tests.voucher.settlement_builders import line
from tests.voucher.test_applications import APPLICATIONS, LINK, solution
from tests.voucher.test_coupon_transfers import TO_MEMBER, found_enterprise

pytestmark = pytest.mark.postgres

NO_AMOUNTS = [
    0, "0.00", "-0.01", 1.001, "1e-3", "1e2", "1e99", True, "", "+1", "NaN", "１", ["1.00"],
    "9" * 30,
]  # fmt: skip
WINDOW = {"effective_at": wire(NOW), "expire_at": wire(LATER)}
AMOUNT = "THE AMOUNT"


async def doors(door: VoucherDoor) -> list[tuple[Any, str, dict[str, Any], str]]:
    """Who asks, where, what, and the field that is no amount."""
    main = await found_enterprise(door)
    await hear(
        door.database, solution(), associated("c1"), joined("dist", "distributor"),
        joined("r1", "reseller", distributor_id="dist"),
        joined("uses", coupon_mode="use_vouchers"), associated("x", partner_id="uses"),
    )  # fmt: skip
    quota, parent = await door.grant(), await door.grant(partner_id="dist")
    await door.set_status(adjusted := await door.grant(), 4)
    wanted = {"solution_id": "s1", "amount": "5.00", "resource_list_url": LINK}
    application = (await door.post(APPLICATIONS, wanted)).json()["application_id"]
    own = {"holder_id": "c1", "coupon_type": 1, "origin": "test"}
    bill = {**a_line("l1", AMOUNT), "currency": "CNY"}
    told = {"partner_id": "uses", "lines": [line("l1", AMOUNT, customer_id="x")]}
    at_least = {"filter": {"face_value_from": AMOUNT}}
    item = {"customer_id": "c1", "face_value": AMOUNT}
    return [
        (ADMINISTRATOR, "/api/quotas",
         {"partner_id": "sp", "quota_type": 0, "quota_value": AMOUNT, "currency": "CNY", **WINDOW},
         "quota_value"),
        (ADMINISTRATOR, f"/api/quotas/{adjusted}/adjustments",
         {"amount": AMOUNT, "reason": "x"}, "amount"),
        (PARTNER, ISSUE, {"quota_id": quota, "customer_ids": ["c1"], "face_value": AMOUNT},
         "face_value"),
        (DISTRIBUTOR, HAND_OUT,
         {"quota_id": parent, "indirect_partner_ids": ["r1"], "quota_amount": AMOUNT},
         "quota_amount"),
        (ADMINISTRATOR, "/api/coupons", {**own, "face_value": AMOUNT, **WINDOW}, "face_value"),
        (PARTNER, "/api/coupon-issues", {"quota_id": quota, "items": [item]}, "face_value"),
        (PARTNER, "/api/recall-campaigns", at_least, "face_value_from"),
        (ADMINISTRATOR, "/api/stored-value-cards",
         {"customer_id": "c1", "card_name": "x", "face_value": AMOUNT, **WINDOW}, "face_value"),
        (ADMINISTRATOR, "/api/partner-vouchers",
         {"partner_id": "uses", "amount": AMOUNT, "origin": "poc", **WINDOW}, "amount"),
        (ADMINISTRATOR, "/api/partner-vouchers/matching", told, "amount"),
        (ADMINISTRATOR, "/api/partner-vouchers/settlements",
         told | {"settlement_id": "s1"}, "amount"),
        (PARTNER, APPLICATIONS, wanted | {"amount": AMOUNT}, "amount"),
        (ADMINISTRATOR, f"{APPLICATIONS}/{application}/decision",
         {"decision": "approve", "amount": AMOUNT}, "amount"),
        (PARTNER, "/api/coupons/validations",
         {"customer_id": "c1", "coupon_ids": ["x"], "lines": [bill]}, "amount_after_discount"),
        (customer("m"), TO_MEMBER, {"customer_id": "b", "coupon_id": main, "amount": AMOUNT},
         "amount"),
    ]  # fmt: skip


async def test_what_is_no_amount_is_refused_by_its_field_at_every_door(door: VoucherDoor) -> None:
    """Break: let any of them take a plain Decimal."""
    asked = await doors(door)
    stated, deeds = await outbox.types(door.database), await audit.deeds(door.database)
    found = []
    for by, path, body, field in asked:
        for amount in NO_AMOUNTS:
            if amount == "-0.01" and ("adjustments" in path or "lines" in body):
                continue  # signed
            answer = await door.post(path, with_amount(body, amount), by)
            _, code = code_of(answer)
            known = code in ("CBC.0100", "CBC.0101", "CBC.99000018", "CBC.99000019")
            if answer.status_code != 400 or not known or field not in answer.text:
                found.append(f"{path} {amount!r}: {answer.status_code} {answer.text[:150]}")
    assert found == []
    assert await outbox.types(door.database) == stated
    assert await audit.deeds(door.database) == deeds
    assert await door.is_balanced()


def with_amount(body: Any, amount: Any) -> Any:
    """The body with that in the amount's place."""
    if isinstance(body, dict):
        return {key: with_amount(one, amount) for key, one in body.items()}
    if isinstance(body, list):
        return [with_amount(one, amount) for one in body]
    return amount if body == AMOUNT else body
