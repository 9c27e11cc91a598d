"""Money, coupons, orders and what becomes of them, metered use."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from local.demo.plan import CouponBatch, Customer, Order, Quota
from local.demo.purchases import Usage
from local.demo.steps import Do, Steps

# What an attempt that failed a moment ago still holds is free again soon: the plan's customers have
# enough for what they pay.
_STILL_HELD = frozenset({"CBC.99005003", "CBC.99003112"})
CASH_COUPON = 301  # as payments say it, docs/domain/coupons.md B.7


class Trade(Steps):
    """Everything that customers buy, and with what."""

    # Money and coupons

    async def transfer(self, number: int) -> None:
        """Money from the partner to its customer."""
        customer = self._customers[number]

        async def do(step: str) -> None:
            if self._again and await self._has_got_money(customer):
                return
            wanted = {
                "customer_id": self.customer_id(number),
                "amount": self._plan.transfers[number],
                **self._acting_on(customer.owner),
            }
            path = "/v2/accounts/partner-accounts/adjust-amount"
            await self._wire(step, customer.owner, "POST", path, wanted)

        await self._once(f"transfer to customer {number}", do)

    async def _has_got_money(self, customer: Customer) -> bool:
        customer_id = self.customer_id(customer.number)
        found = await self._gateway.call("look-up", "GET", f"/api/customers/{customer_id}")
        return any(Decimal(account["balance"]) for account in found["balances"])

    async def grant_quota(self, quota: Quota) -> None:
        """A quota, valid from the plan's year to the end of the next."""

        async def do(step: str) -> str:
            year = self._plan.at.year
            wanted = {
                "partner_id": self.partner_id(quota.owner),
                "quota_type": quota.quota_type,
                "quota_value": quota.value,
                "currency": "CNY",
                "effective_at": f"{year}-01-01T00:00:00Z",
                "expire_at": f"{year + 1}-12-31T00:00:00Z",
                "limits": quota.limits,
            }
            return str((await self._native(step, "/api/quotas", wanted))["quota_id"])

        await self._once(f"quota {quota.key}", do)

    async def issue(self, batch: CouponBatch) -> None:
        """One coupon for each customer of the batch."""
        owner = next(quota.owner for quota in self._plan.quotas if quota.key == batch.quota)

        async def do(step: str) -> dict[str, str]:
            wanted = {
                "quota_id": self._journal[f"quota {batch.quota}"],
                "customer_ids": [self.customer_id(number) for number in batch.customers],
                "face_value": batch.face_value,
                "memo": "演示",
                **self._acting_on(owner),
            }
            path = "/v2/promotions/benefits/partner-coupons"
            answer = await self._wire(step, owner, "POST", path, wanted)
            if answer["error_details"]:
                raise RuntimeError(f"{step}: {answer['error_details'][0]}")
            return {row["id"]: row["coupon_id"] for row in answer["coupon_infos"]}

        await self._once(f"coupons {batch.number}", do)

    async def recall(self, coupon: tuple[CouponBatch, int]) -> None:
        """Take the coupon of a batch back from a customer."""
        batch, number = coupon
        owner = self._customers[number].owner

        async def do(step: str) -> None:
            wanted = {"coupon_id": self._coupon(batch.number, number), **self._acting_on(owner)}
            path = "/v2/promotions/benefits/partner-coupons/reclaim"
            await self._wire(step, owner, "POST", path, wanted)

        await self._once(f"recall {batch.number} of customer {number}", do)

    def _coupon(self, batch: int, number: int) -> str:
        return str(self._journal[f"coupons {batch}"][self.customer_id(number)])

    # Orders and usage

    async def order(self, batch: tuple[Order, ...]) -> None:
        """A customer's orders, placed on its behalf."""
        number = batch[0].customer

        async def do(step: str) -> list[str]:
            wanted = {
                "customer_id": self.customer_id(number),
                "orders": [
                    {"lines": [line.content for line in order.lines], "hold_for": order.hold_for}
                    for order in batch
                ],
            }
            by = self.partner_key(self._customers[number].owner)
            answer = await self._native(step, "/api/orders/batch", wanted, by)
            return [str(placed["order_id"]) for placed in answer["orders"]]

        ids = await self._once(f"orders of customer {number}", do)
        self._order_ids.update(zip((order.number for order in batch), ids, strict=True))

    async def follow(self, order: Order) -> None:
        """What becomes of an order."""
        order_id = self._order_ids[order.number]
        do = {
            "paid": self._paid,
            "cancelled": self._cancelled,
            "approved": self._reviewed("approve"),
            "refused": self._reviewed("refuse"),
        }[order.fate]
        await self._once(f"order {order.number} {order.fate}", do(order, order_id))

    def _paid(self, order: Order, order_id: str) -> Do:
        async def do(step: str) -> None:
            wanted: dict[str, Any] = {
                "order_id": order_id,
                "use_coupon": "NO",
                "use_discount": "NO",
            }
            if order.coupon_batch is not None:
                coupon = self._coupon(order.coupon_batch, order.customer)
                wanted["use_coupon"] = "YES"
                wanted["coupon_infos"] = [{"id": coupon, "type": CASH_COUPON}]
            path = "/v3/orders/customer-orders/pay"
            by = self.customer_key(order.customer)
            await self._gateway.call(step, "POST", path, wanted, by=by, healing=_STILL_HELD)

        return do

    def _cancelled(self, order: Order, order_id: str) -> Do:
        async def do(step: str) -> None:
            path = "/v2/orders/customer-orders/cancel"
            by = self.customer_key(order.customer)
            await self._gateway.call(step, "PUT", path, {"order_id": order_id}, by=by)

        return do

    def _reviewed(self, decision: str) -> Callable[[Order, str], Do]:
        def of(_order: Order, order_id: str) -> Do:
            async def do(step: str) -> None:
                path = f"/api/orders/{order_id}/review"
                await self._native(step, path, {"decision": decision})

            return do

        return of

    async def use(self, batch: tuple[Usage, ...]) -> None:
        """A batch of metered use."""

        async def do(step: str) -> None:
            records = [record.content(self.customer_id(record.customer)) for record in batch]
            await self._native(step, "/api/usage-records", {"records": records})

        await self._once(f"usage from {batch[0].record_id}", do)
