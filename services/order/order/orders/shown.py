"""Orders as the wire shows them (operations.json).

The functions take rows or entities alike: whatever has the columns' names.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import Any

from wire.json import known
from wire.types import format_instant
from wire.vocabulary import YUAN

# What the catalogue's own price reduction is called in discounts[] (docs/domain/orders.md B.5).
PRODUCT_OWN_DISCOUNT = "900"
DISCOUNT_COUPON = "300"
# And the kinds that an order carries (docs/domain/orders.md H.1).
SHOWN_TYPES = {0: "700", 1: "601", 2: "605", 3: "607", 609: "609"}


def amount_info(of: Any) -> dict[str, Any]:
    """Discounts and what coupons and cards paid, of an order, a line or a member."""
    granted, by_coupon = of.granted_discount_amount, of.coupon_discount_amount
    amounts = {PRODUCT_OWN_DISCOUNT: of.discount_amount - granted - by_coupon}
    if of.discount_type is not None:
        amounts[SHOWN_TYPES[of.discount_type]] = granted
    amounts[DISCOUNT_COUPON] = by_coupon
    discounts = [
        {"discount_type": kind, "discount_amount": amount}
        for kind, amount in amounts.items()
        if amount
    ]
    info = {
        "discounts": discounts,
        "coupon_amount": of.coupon_amount,
        "flexipurchase_coupon_amount": of.flexipurchase_coupon_amount,
        "stored_card_amount": of.stored_card_amount,
    }
    if of.consumed_amount or of.commission_amount:  # of an unsubscription
        info["consumed_amount"] = of.consumed_amount
        info["commission_amount"] = of.commission_amount
    return info


def order_info(order: Any, lines: Sequence[Any]) -> dict[str, Any]:
    """CustomerOrderV2; `lines` are needed for combined orders only."""
    return {
        **_head(order),
        **_amounts(order),
        "sub_order_infos": [_head(order) | member for member in _members(order, lines)],
        "agent_pay_info": _agent_pay_info(order),
    }


def order_detail(
    order: Any, lines: Sequence[Any], member_order_id: str | None = None
) -> dict[str, Any]:
    """CustomerOrderV3; with a member's id that part of the combined order alone."""
    user = {"user_name": order.user_name or order.placed_by}
    shown = order_info(order, lines) | user
    del shown["agent_pay_info"]
    if order.pay_until is not None:
        until = {"pending_payment_end_time": format_instant(order.pay_until)}
        shown |= until
        shown["sub_order_infos"] = [member | until for member in shown["sub_order_infos"]]
    if member_order_id is None:
        return shown
    by_id = {member["order_id"]: member for member in shown["sub_order_infos"]}
    return {**by_id[member_order_id], **user, "sub_order_infos": []}


def line_item(line: Any, currency: str) -> dict[str, Any]:
    """OrderLineItemEntityV2."""
    return known(
        {
            "order_line_item_id": line.line_id,
            "order_id": line.member_order_id or line.order_id,
            "service_type_code": line.service_type_code,
            "service_type_name": line.service_type_name,
            "product_id": line.product_id,
            "product_spec_desc": line.product_spec_desc or line.resource_spec_code,
            "period_type": line.period_type,
            "period_num": line.period_num,
            "effective_time": line.effective_at and format_instant(line.effective_at),
            "expire_time": line.expire_at and format_instant(line.expire_at),
            "subscription_num": line.quantity,
            **_amounts(line),
            "currency": currency,
            "product_owner_service": line.service_type_code,
            "commercial_resource": line.resource_type_code,
        }
    )


def older_order_info(order: Any) -> dict[str, Any]:
    """An order of the older list, in that list's own words."""
    info = amount_info(order)
    return known(
        {
            "orderId": order.order_id,
            "customerId": order.customer_id,
            "sourceType": order.source_type,
            "status": order.status,
            "orderType": order.order_type,
            "serviceType": order.service_type_code,
            "currency": order.official_amount,
            "currencyOfficial": order.official_amount,
            "currencyAfterDiscount": order.amount_after_discount,
            "currencyType": order.currency,
            "measureId": YUAN,
            "createTime": format_instant(order.created_at),
            "paymentTime": order.paid_at and format_instant(order.paid_at),
            "lastUpdateTime": format_instant(order.updated_at),
            "needAudit": order.status == 1,
            "amountInfo": {
                "discountList": [
                    {"discountType": d["discount_type"], "discountAmount": d["discount_amount"]}
                    for d in info["discounts"]
                ],
                "couponAmount": info["coupon_amount"],
                "cashcouponAmount": info["flexipurchase_coupon_amount"],
                "cardAmount": info["stored_card_amount"],
            },
        }
    )


def _head(order: Any) -> dict[str, Any]:
    return known(
        {
            "order_id": order.order_id,
            "customer_id": order.customer_id,
            "service_type_code": order.service_type_code,
            "service_type_name": order.service_type_name,
            "source_type": order.source_type,
            "status": order.status,
            "order_type": order.order_type,
            "measure_id": YUAN,
            "create_time": format_instant(order.created_at),
            "payment_time": order.paid_at and format_instant(order.paid_at),
            "currency": order.currency,
        }
    )


def _agent_pay_info(order: Any) -> dict[str, Any]:
    """Who paid in the customer's place; an order that a master is only asked to pay has nobody."""
    if order.paid_at is None or order.paying_agent_id is None:
        return {"is_agent_pay": False}
    return {"paying_agent_id": order.paying_agent_id, "is_agent_pay": True}


def _amounts(of: Any) -> dict[str, Any]:
    return {
        "official_amount": of.official_amount,
        "amount_after_discount": of.amount_after_discount,
        "amount_info": amount_info(of),
    }


class _Sums:
    """The amounts of several lines together."""

    def __init__(self, lines: Iterable[Any]):
        self.discount_amount = self.coupon_amount = Decimal("0.00")
        self.flexipurchase_coupon_amount = self.stored_card_amount = Decimal("0.00")
        self.consumed_amount = self.commission_amount = Decimal("0.00")
        self.official_amount = self.amount_after_discount = Decimal("0.00")
        self.granted_discount_amount = self.coupon_discount_amount = Decimal("0.00")
        summed = list(vars(self))
        self.discount_type: int | None = None
        for line in lines:
            for name in summed:
                setattr(self, name, getattr(self, name) + getattr(line, name))
            self.discount_type = (
                line.discount_type if self.discount_type is None else (self.discount_type)
            )


def _members(order: Any, lines: Sequence[Any]) -> list[dict[str, Any]]:
    """What a member of a combined order has of its own."""
    if not order.is_combined:
        return []
    by_member = sorted(lines, key=attrgetter("member_order_id", "position"))
    members = []
    for member_order_id, group in groupby(by_member, key=attrgetter("member_order_id")):
        own = list(group)
        members.append(
            {
                "order_id": member_order_id,
                "service_type_code": own[0].service_type_code,
                "service_type_name": own[0].service_type_name,
                **_amounts(_Sums(own)),
            }
        )
    return members
