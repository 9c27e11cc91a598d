"""Orders as the wire shows them (operations.json) and as the native API does.

The functions take rows or entities alike: whatever has the columns' names.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import Any

from order.orders.models import Order, OrderLine
from wire.json import known
from wire.types import format_instant

YUAN = 1  # measure_id: the unit of the currency (docs/domain/money-and-time.md E)
# What the catalogue's own price reduction is called in discounts[] (docs/domain/orders.md B.5).
PRODUCT_OWN_DISCOUNT = "900"


def amount_info(of: Any) -> dict[str, Any]:
    """Discounts and what coupons and cards paid, of an order, a line or a member."""
    discounts = []
    if of.discount_amount:
        discounts.append(
            {"discount_type": PRODUCT_OWN_DISCOUNT, "discount_amount": of.discount_amount}
        )
    return {
        "discounts": discounts,
        "coupon_amount": of.coupon_amount,
        "flexipurchase_coupon_amount": of.flexipurchase_coupon_amount,
        "stored_card_amount": getattr(of, "stored_card_amount", Decimal("0.00")),
    }


def order_info(order: Any, lines: Sequence[Any]) -> dict[str, Any]:
    """CustomerOrderV2; `lines` are needed for combined orders only."""
    return {
        **_head(order),
        **_amounts(order),
        "sub_order_infos": [_head(order) | member for member in _members(order, lines)],
        "agent_pay_info": _agent_pay_info(order),
    }


def order_detail(order: Any, lines: Sequence[Any]) -> dict[str, Any]:
    """CustomerOrderV3."""
    shown = order_info(order, lines) | {"user_name": order.placed_by}
    del shown["agent_pay_info"]
    if order.pay_until is not None:
        until = {"pending_payment_end_time": format_instant(order.pay_until)}
        shown |= until
        shown["sub_order_infos"] = [member | until for member in shown["sub_order_infos"]]
    return shown


def line_item(line: Any, currency: str) -> dict[str, Any]:
    """OrderLineItemEntityV2."""
    return known(
        {
            "order_line_item_id": line.line_id,
            "order_id": line.member_order_id or line.order_id,
            "service_type_code": line.service_type_code,
            "service_type_name": line.service_type_name,
            "product_id": line.product_id,
            "product_spec_desc": line.resource_spec_code,
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


def resource_info(resource: Any) -> dict[str, Any]:
    """OrderInstanceV2 of a period resource."""
    return known(
        {
            "id": resource.resource_id,
            "resource_id": resource.resource_id,
            "resource_name": resource.resource_name,
            "region_code": resource.region_code,
            "service_type_code": resource.service_type_code,
            "service_type_name": resource.service_type_name,
            "resource_type_code": resource.resource_type_code,
            "resource_type_name": resource.resource_type_name,
            "resource_spec_code": resource.resource_spec_code,
            "product_id": resource.product_id,
            "is_main_resource": 1,
            "status": resource.status,
            "effective_time": format_instant(resource.effective_at),
            "expire_time": resource.expire_at and format_instant(resource.expire_at),
            "expire_policy": resource.expire_policy,
            "product_spec_desc": resource.resource_spec_code,
            "spec_size": resource.measure_size,
            "update_time": format_instant(resource.updated_at),
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


def native_order(order: Order) -> dict[str, Any]:
    """The native API's order, whole."""
    lines = [_native(line, _LINE_FIELDS) for line in order.lines]
    return _native(order, _ORDER_FIELDS) | {"lines": lines}


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
        self.flexipurchase_coupon_amount = Decimal("0.00")
        self.official_amount = self.amount_after_discount = Decimal("0.00")
        for line in lines:
            for name in vars(self):
                setattr(self, name, getattr(self, name) + getattr(line, name))


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


_NOT_SHOWN = {"provisioning_seconds", "provision_at", "updated_at"}
_NOT_SHOWN_OF_LINES = {"order_id", "partner_id", "distributor_id", "position"}
_ORDER_FIELDS = [c.name for c in Order.__table__.c if c.name not in _NOT_SHOWN]
_LINE_FIELDS = [c.name for c in OrderLine.__table__.c if c.name not in _NOT_SHOWN_OF_LINES]


def _native(of: Any, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(of, name) for name in names}
