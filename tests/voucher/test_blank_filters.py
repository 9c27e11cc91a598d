"""Each filter of each list of coupons and quotas, given empty: what the vendor says of that one."""

from typing import Any

import pytest

from chassis.identity import Principal
from testkit.door import code_of
from tests.voucher.builders import (
    DISTRIBUTOR,
    HANDED_OUT,
    ISSUE,
    OWN,
    PARTNER,
    QUOTA_RECORDS,
    RECORDS,
    VoucherDoor,
    associated,
    customer,
    hear,
    joined,
)
from tests.voucher.test_coupon_change_records import PATH as CHANGES
from tests.voucher.test_coupon_transfers import BACK, TO_MEMBER, found_enterprise, handed
from tests.voucher.test_stored_value_cards import CARDS, card
from wire.operations import operation

pytestmark = pytest.mark.postgres

QUOTAS = "/v2/partners/coupon-quotas/query"
TOTALS = ("total_count", "count")
LISTS: list[tuple[str, str, Principal]] = [
    ("list_issued_coupon_quotas", HANDED_OUT, DISTRIBUTOR),
    ("list_coupon_quotas_records", QUOTA_RECORDS, DISTRIBUTOR),
    ("list_customer_coupon_change_records", CHANGES, customer("m")),
    ("list_stored_value_cards", f"{CARDS}?status=1", customer("m")),
    ("list_multi_account_transfer_coupons", f"{TO_MEMBER}s", customer("m")),
    ("list_multi_account_retrieve_coupons", f"{BACK}s?sub_customer_id=b", customer("m")),
    ("list_issued_partner_coupons", ISSUE, PARTNER),
    ("list_partner_coupons_record", RECORDS, PARTNER),
    ("list_sub_customer_coupons", OWN, customer("m")),
]


async def one_of_each(door: VoucherDoor) -> None:
    main = await found_enterprise(door)
    await hear(
        door.database, associated("c1"), joined("dist", "distributor"),
        joined("r1", "reseller", distributor_id="dist"),
    )  # fmt: skip
    await handed(door, main)
    await card(door, customer_id="m")
    await door.coupon(await door.grant())
    await door.child(await door.grant(partner_id="dist"))


async def total(door: VoucherDoor, path: str, by: Principal) -> tuple[int, str]:
    """How many there are, or the code of the refusal and the field that it names."""
    answer = await door.get(path, by)
    if answer.status_code != 200:
        return 0, f"{code_of(answer)[1]} {answer.json()['error_msg']}"
    found = answer.json()
    return next(int(found[name]) for name in TOTALS if name in found), ""


async def test_an_empty_filter_is_none_refused_or_matches_nothing_as_the_vendor_says(
    door: VoucherDoor,
) -> None:
    """An empty list of ids is a filter, too. Break: take a row out of `blank` in overlay.json."""
    await one_of_each(door)
    wrong = []
    for name, path, by in LISTS:
        all_of_them, refusal = await total(door, path, by)
        assert all_of_them > 0, (name, refusal)
        for field in operation(name).query or ():
            if field.required:
                continue
            beside = "&" if "?" in path else "?"
            count, refusal = await total(door, f"{path}{beside}{field.name}=", by)
            meant: dict[str, bool] = {
                "absent": count == all_of_them,
                "value": (count, refusal) == (0, ""),
                "refused": refusal.startswith("CBC.0100") and field.name in refusal,
            }
            if not meant[field.blank]:
                wrong.append((name, field.name, field.blank, count, refusal))
    assert wrong == []


async def test_what_a_body_leaves_empty_is_no_filter_and_an_empty_time_is_refused(
    door: VoucherDoor,
) -> None:
    """Break: as above."""
    await one_of_each(door)
    nothing: Any
    for field in operation("list_quota_coupons").body or ():
        for nothing in (None, [] if field.many else ""):
            answer = await door.post(QUOTAS, {field.name: nothing}, PARTNER)
            if nothing == "" and field.blank == "refused":
                assert code_of(answer) == (400, "CBC.0100"), field.name
            else:
                assert answer.json()["total_count"] == 1, (field.name, nothing)
