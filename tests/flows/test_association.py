"""A customer agrees to be unlinked or switched; its balance and its coupons go back."""

from decimal import Decimal
from typing import Any

import pytest

from tests.flows.cast import Caller, Stage, eventually
from tests.flows.deeds import (
    create_customer,
    issue_coupon,
    place_order,
    quota_balance,
    transfer,
)
from tests.flows.test_rebuild import sql

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


def balance_of(partner: Caller) -> Decimal:
    """What the partner has on its balance account."""
    page = partner.get("/v2/accounts/partner-accounts/balances")
    (account,) = [one for one in page["account_balances"] if one["account_type"] == 1]
    return Decimal(account["amount"])


@pytest.mark.parametrize(
    ("change", "content", "recalled", "left"),
    [
        ("unlinking", {}, "3", ("unlinked", "2")),
        ("switching", {"association_type": "1"}, "8", ("associated", "1")),
    ],
)
def test_money_and_coupons_go_back_when_the_customer_agrees(
    stage: Stage, change: str, content: Any, recalled: str, left: tuple[str, str]
) -> None:
    partner = stage.partner(funds="1000.00")
    quota = stage.quota(partner.domain_id, "100.00")
    customer = create_customer(stage, partner)
    transfer(partner, customer.id, "400.00")
    coupon = issue_coupon(partner, quota, customer.id, "40.00")
    stage.authorize(partner, customer.caller)
    order = place_order(partner, customer.id)["order_id"]
    path = f"/api/customers/{customer.id}/{change}"
    known = f"SELECT 1 FROM placed_orders WHERE order_id = '{order}'"
    eventually(lambda: sql(stage.system, "customer-sync", known), bool)

    blocked = partner.call("POST", path, content)
    assert blocked.status_code == 409
    assert order in blocked.text
    cancel = {"order_id": order}
    customer.caller.call("PUT", "/v2/orders/customer-orders/cancel", cancel)
    applied = eventually(lambda: partner.call("POST", path, content), lambda one: one.is_success)
    application = applied.json()["application_id"]
    listed = customer.caller.get("/api/association-applications?status=open")["applications"]
    assert [one["application_id"] for one in listed] == [application]
    assert balance_of(partner) == Decimal("600.00")

    customer.caller.post(f"/api/association-applications/{application}/agree", {})

    eventually(lambda: balance_of(partner), lambda seen: seen == Decimal("1000.00"))
    eventually(lambda: Decimal(str(quota_balance(partner, quota))), lambda seen: seen == 100)
    records = partner.get(
        f"/v2/promotions/benefits/partner-coupons/records/query?coupon_ids={coupon}"
    )["records"]
    assert [one["operation_type"] for one in records if one["operation_type"] != "1"] == [recalled]
    profile = eventually(
        lambda: partner.get(f"/api/customers/{customer.id}")["profile"],
        lambda seen: (seen["association_status"], seen["association_type"]) == left,
    )
    assert profile["customer_id"] == customer.id
