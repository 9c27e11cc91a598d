"""The steps of the load: each is one command of the system, done once.

A step that the journal knows is left out. One that was under way when an earlier run was killed is
sent again: native commands under the same idempotency key, the vendor's (which know no such keys)
are looked up or answer that it is done already.
"""

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from typing import Any

from local.demo.gateway import CommandRefusedError, Gateway, Key
from local.demo.journal import Journal
from local.demo.plan import (
    CouponBatch,
    Customer,
    Order,
    Partner,
    Plan,
    Quota,
)
from local.demo.purchases import Usage

XACCOUNT_TYPE = "CHANNELBUS_IDP"
OPERATOR = "demo-admin"
FAST_REQUESTS_PER_SECOND = 100_000
PASSWORD_CHARACTERS = 20
CASH_COUPON = 301  # as payments say it, domain.md B.7

# What is said of an account that there is already.
_TAKEN = frozenset({"CBC.99000038", "CBC.99000039"})
# What is said of a command that was carried out before: grants, reviews and unlinkings; payments;
# cancellations; recalls.
_DONE_BEFORE = frozenset({"CHB.0409", "CBC.99003106", "CBC.99005010", "CBC.0155"})

Do = Callable[[str], Awaitable[Any]]


class Commands:
    """The plan's steps on one system."""

    def __init__(self, plan: Plan, gateway: Gateway, journal: Journal, admin_token: str):
        self._plan, self._gateway, self._journal = plan, gateway, journal
        self._admin_token = admin_token
        self._again = len(journal) > 0
        self._ids: dict[str, str] = {}
        self._order_ids: dict[int, str] = {}
        self._partners = {partner.key: partner for partner in plan.partners}
        self._customers = {customer.number: customer for customer in plan.customers}

    # Who there is by now

    def partner_id(self, key: str) -> str:
        """The id that the system gave the partner."""
        return str(self._journal[f"partner {key}"])

    def partner_key(self, key: str) -> Key:
        """The partner's key; its distributor's for what a reseller does (domain.md B.1)."""
        return Key(**self._journal[f"key of {self._partners[key].above or key}"])

    def own_key(self, key: str) -> Key:
        """The partner's own key, also a reseller's."""
        return Key(**self._journal[f"key of {key}"])

    def customer_id(self, number: int) -> str:
        """The id that the system gave the customer."""
        return str(self._ids[str(number)])

    def customer_key(self, number: int) -> Key:
        """The customer's own key."""
        return Key(**self._journal[f"key of customer {number}"])

    def password(self, key: str) -> str:
        """The operator's: another in each checkout, the same in each run."""
        secret = f"operator {self._plan.seed} {key}"
        mark = hmac.new(self._admin_token.encode(), secret.encode(), hashlib.sha256).hexdigest()
        return f"Cb-{mark[:PASSWORD_CHARACTERS]}"

    def operator(self, key: str) -> dict[str, str]:
        """Who signs in for the partner, at /ops as well."""
        return {
            "account_name": self._partners[key].account_name,
            "operator": OPERATOR,
            "password": self.password(key),
        }

    # Partners

    async def register(self, partner: Partner) -> None:
        """The account, with its operator, key and money."""
        wanted = {"account_name": partner.account_name, "name": partner.name, "kind": partner.kind}
        if partner.above:
            wanted["distributor_id"] = self.partner_id(partner.above)

        async def registered(step: str) -> str:
            answer = await self._native(step, "/api/partners", wanted)
            return str(answer["partner_id"])

        partner_id = await self._once(f"partner {partner.key}", registered)
        await self._once(f"operator {partner.key}", self._added_operator(partner.key, partner_id))
        await self._once(f"key of {partner.key}", self._made_key(partner_id))
        await self._once(f"funds of {partner.key}", self._topped_up(partner))

    async def speed_up(self, partner: Partner) -> None:
        """Let it send more than the gateway takes from anybody."""
        await self._set_pace(partner, FAST_REQUESTS_PER_SECOND)

    async def slow_down(self, partner: Partner) -> None:
        """From here on its requests are counted like anybody's."""
        await self._set_pace(partner, None)

    async def _set_pace(self, partner: Partner, requests_per_second: int | None) -> None:
        path = f"/api/principals/{self.partner_id(partner.key)}/rate-limit"
        content = {"requests_per_second": requests_per_second}
        await self._gateway.call(f"pace of {partner.key}", "PUT", path, content)

    def _added_operator(self, key: str, partner_id: str) -> Do:
        async def do(step: str) -> str:
            wanted = {
                "account_name": OPERATOR,
                "name": "演示管理员",
                "role": "administrator",
                "password": self.password(key),
            }
            answer = await self._native(step, f"/api/partners/{partner_id}/operators", wanted)
            return str(answer["operator_id"])

        return do

    def _made_key(self, domain_id: str) -> Do:
        async def do(step: str) -> dict[str, str]:
            wanted = {"credential": {"user_id": domain_id, "description": "demo"}}
            answer = await self._gateway.call(
                step, "POST", "/v3.0/OS-CREDENTIAL/credentials", wanted
            )
            made = answer["credential"]
            return {"domain_id": domain_id, "access": made["access"], "secret": made["secret"]}

        return do

    def _topped_up(self, partner: Partner) -> Do:
        async def do(step: str) -> None:
            path = f"/api/accounts/{self.partner_id(partner.key)}/top-ups"
            await self._native(step, path, {"amount": partner.funds})

        return do

    # Customers

    async def bring(self, batch: tuple[Customer, ...]) -> None:
        """Accounts, associated at once, with their labels and managers."""
        owner, above = batch[0].owner, self._acting_on(batch[0].owner)

        async def do(step: str) -> dict[str, str]:
            wanted = {"customers": [_brought(customer) for customer in batch], **above}
            try:
                answer = await self._native(step, "/api/customers", wanted, self.partner_key(owner))
            except CommandRefusedError as refusal:
                if refusal.code not in _TAKEN:
                    raise
                return {str(one.number): await self._find(one, refusal) for one in batch}
            ids = [str(made["customer_id"]) for made in answer["customers"]]
            return {str(one.number): made for one, made in zip(batch, ids, strict=True)}

        self._ids.update(await self._once(f"customers from {batch[0].number}", do))

    async def _find(self, customer: Customer, refusal: CommandRefusedError) -> str:
        """An account that an earlier run made; when it is somebody else's, the refusal stands."""
        wanted = {"account_name": customer.account_name, **self._acting_on(customer.owner)}
        path = "/v2/partners/sub-customers/query"
        key = self.partner_key(customer.owner)
        answer = await self._gateway.call("look-up", "POST", path, wanted, by=key)
        for row in answer["customer_infos"]:
            if row["xaccount_id"] == customer.xaccount_id:
                return str(row["customer_id"])
        raise refusal

    async def verify(self, batch: tuple[Customer, ...]) -> None:
        """Their real names, as the vendor would confirm them."""

        async def do(step: str) -> None:
            told = [
                {
                    "customer_id": self.customer_id(customer.number),
                    "customer_name": customer.name,
                    "customer_type": customer.customer_type,
                }
                for customer in batch
            ]
            await self._native(step, "/api/customers/verifications", {"verifications": told})

        await self._once(f"names from {batch[0].number}", do)

    async def authorize(self, customer: Customer) -> None:
        """Its own key, with which it lets its partner act on its behalf."""
        number = customer.number
        customer_id = self.customer_id(number)

        async def asked(step: str) -> str:
            path = f"/api/customers/{customer_id}/authorizations"
            answer = await self._native(step, path, {}, self.partner_key(customer.owner))
            return str(answer["authorization_id"])

        async def granted(step: str) -> None:
            authorization = self._journal[f"authorization of customer {number}"]
            path = f"/api/authorizations/{authorization}/grant"
            await self._native(step, path, {}, self.customer_key(number))

        await self._once(f"key of customer {number}", self._made_key(customer_id))
        await self._once(f"authorization of customer {number}", asked)
        await self._once(f"grant of customer {number}", granted)

    async def unlink(self, number: int) -> None:
        """End of the association."""

        async def do(step: str) -> None:
            path = f"/api/customers/{self.customer_id(number)}/unlinking"
            await self._native(step, path, {}, self.partner_key(self._customers[number].owner))

        await self._once(f"unlinking of customer {number}", do)

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
        return any(account["balance"] for account in found["balances"])

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
            await self._gateway.call(step, "POST", path, wanted, by=by)

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

    # How a step is sent

    async def _once(self, step: str, do: Do) -> Any:
        if step in self._journal:
            return self._journal[step]
        try:
            result = await do(step)
        except CommandRefusedError as refusal:
            if not (self._again and refusal.code in _DONE_BEFORE):
                raise
            result = None
        return self._journal.note(step, result)

    async def _native(self, step: str, path: str, content: Any, by: Key | None = None) -> Any:
        once = f"demo {self._plan.seed} {step}"
        return await self._gateway.call(step, "POST", path, content, by=by, once=once)

    async def _wire(self, step: str, owner: str, method: str, path: str, content: Any) -> Any:
        return await self._gateway.call(step, method, path, content, by=self.partner_key(owner))

    def _acting_on(self, owner: str) -> dict[str, str]:
        """A distributor names the reseller for whom it acts (domain.md B.1)."""
        above = self._partners[owner].above
        return {"indirect_partner_id": self.partner_id(owner)} if above else {}


def _brought(customer: Customer) -> dict[str, Any]:
    manager = customer.manager
    return {
        "xaccount_id": customer.xaccount_id,
        "xaccount_type": XACCOUNT_TYPE,
        "domain_name": customer.account_name,
        "cooperation_type": customer.association_type,
        "label": customer.label,
        "account_manager": {"id": manager.id, "name": manager.name} if manager else None,
    }
