"""A customer's story, told by the official SDK through all six services and the real Kafka."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.flows.cast import Stage, eventually, lasting_cycle
from tests.flows.deeds import (
    bill_lines,
    coupons_of,
    create_customer,
    issue_coupon,
    issued_coupon,
    order_of,
    pay,
    place_order,
    quota_balance,
    recall_coupon,
    transfer,
)

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


def balance(page: dict[str, Any]) -> Decimal:
    (account,) = [one for one in page["balances"] if one["account_type"] == 1]
    assert account["held"] == "0.00"
    return Decimal(account["balance"])


def test_a_paid_order_agrees_to_the_cent_in_every_service(stage: Stage) -> None:
    cycle = lasting_cycle()
    partner = stage.partner()
    quota = stage.quota(partner.domain_id)
    customer = create_customer(stage, partner)
    transfer(partner, customer.id, "5000.00")
    coupon = issue_coupon(partner, quota, customer.id, "50.00")
    stage.authorize(partner, customer.caller)
    order = place_order(partner, customer.id)
    payable = Decimal(str(order["amount_after_discount"]))
    assert payable > 50

    pay(partner.acting_for(customer.id, customer.account_name), order["order_id"], coupon)

    paid = order_of(partner, order["order_id"])
    assert Decimal(str(paid.amount_after_discount)) == payable
    assert Decimal(str(paid.amount_info.coupon_amount)) == Decimal("50.00")
    assert paid.status in (3, 5)

    used = eventually(lambda: issued_coupon(partner, coupon), lambda seen: seen.status == 3)
    assert Decimal(str(used.balance)) == 0

    (line,) = eventually(lambda: bill_lines(partner, customer.id, cycle), bool)
    assert Decimal(str(line.payment_amount)) == payable
    assert Decimal(str(line.coupon_amount)) == Decimal("50.00")
    assert Decimal(str(line.cash_amount)) == payable - 50
    assert line.trade_id == order["order_id"]

    page = eventually(
        lambda: partner.get(f"/api/customers/{customer.id}"),
        lambda seen: seen["orders"] and seen["orders"][0]["status"] == 5
        and Decimal(seen["consumption_this_month"]) == payable
        and balance(seen) == 5000 - (payable - 50)
        and not seen["vouchers"],
    )  # fmt: skip
    assert [one["orders"] for one in page["orders"]] == [1]
    assert page["next_expiries"], "the resource that was opened has an end"
    assert page["as_of"] <= datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    proof = stage.admin("GET", "/api/ledger/proof")
    assert proof["balanced"] is True


def test_a_recalled_coupon_is_gone_for_the_customer_and_its_quota_has_the_money_back(
    stage: Stage,
) -> None:
    partner = stage.partner()
    quota = stage.quota(partner.domain_id, "100.00")
    customer = create_customer(stage, partner)
    coupon = issue_coupon(partner, quota, customer.id, "40.00")
    assert Decimal(str(quota_balance(partner, quota))) == Decimal("60.00")
    assert coupon in coupons_of(customer.caller)

    recall_coupon(partner, coupon)

    assert coupon not in coupons_of(customer.caller)
    assert issued_coupon(partner, coupon).status == 5
    assert Decimal(str(quota_balance(partner, quota))) == Decimal("100.00")
    eventually(
        lambda: partner.get(f"/api/customers/{customer.id}"), lambda seen: not seen["vouchers"]
    )
