"""What customers own and what becomes of it: discounted, renewed, given back, converted, asked for.

Each story has a customer of its own, so that they run side by side. What needs time to pass is not
told: nothing has expired yet, and a fee is shown by the eleventh unsubscription of a customer.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from local.demo.enrolment import Enrolment
from local.demo.gateway import CommandRefusedError
from local.demo.plan import PROVIDER, Plan
from local.demo.steps import Do

REGION = "cn-north-4"
MONTH, PERIOD = 2, 1
SERVER, LARGE_SERVER = "s6.small.1.linux", "s6.large.2.linux"
DISK_GIGABYTES = 40
RENEWAL = 2  # order type
COMPLETED = 5  # status of an order
GRANTED_BY_PARTNER, RATIO = 3, 0  # type and mode of a discount
FIVE_DAYS_MAX = 10  # unsubscriptions without a fee in a year, docs/domain/resources.md H.9
WHOLE, OTHER_REASON = 1, 5  # of an unsubscription
AUTO_RENEWALS = 3
NO_CAPACITY = "CBC.99003141"
PROVISIONED_SECONDS = 60.0
PAUSE_SECONDS = 0.5
HOURS_UNTIL_KNOWN_MAX = 30
PACKAGE = {
    "service_type_code": "hws.service.type.ec2",
    "resource_type_code": "hws.resource.type.pkg.vm",
    "resource_spec_code": "pkg.ecs.s6.750h",
    "region_code": REGION,
    "charging_mode": PERIOD,
    "period_type": MONTH,
    "period_num": 1,
}
USE = {
    "service_type_code": "hws.service.type.ec2",
    "resource_type_code": "hws.resource.type.vm",
    "resource_spec_code": SERVER,
    "region_code": REGION,
    "resource_id": "demo-metered-server",
    "resource_name": "ecs-metered",
}

_UNSUBSCRIBED_BEFORE = "CBC.30000067"
_NO_SANDBOX = "CHB.0404"

Story = Callable[[], Awaitable[None]]


def owners(plan: Plan) -> list[int]:
    """The provider's customers that let it order for them, the first first."""
    gone = set(plan.unlinked)
    mine = [one for one in plan.customers if one.owner == PROVIDER and one.authorizes]
    return [one.number for one in mine if one.number not in gone]


class Ownership(Enrolment):
    """Stories of single customers."""

    @property
    def placed(self) -> Counter[int]:
        """How many orders the stories place for each customer."""
        first, second, third, fourth, fifth, *_ = owners(self._plan)
        return Counter({first: 3, second: 1, third: 1, fourth: 2, fifth: 1})

    def stories(self) -> list[Story]:
        """What may run side by side."""
        return [
            self._renewed,
            self._given_back,
            self._not_provisioned,
            self._asked_to_pay,
            self._converted,
            self._package,
        ]

    async def _renewed(self) -> None:
        """A server with its disk that renews itself, one renewed by hand, both at a discount."""
        number = owners(self._plan)[0]
        customer_id, key = self.customer_id(number), self.customer_key(number)

        async def granted(step: str) -> str:
            wanted = {
                "customer_id": customer_id,
                "discount_type": GRANTED_BY_PARTNER,
                "discount_mode": RATIO,
                "discount_value": Decimal("0.9"),
                "name": "年框九折 · 10% off by framework",
            }
            by = self.partner_key(PROVIDER)
            return str((await self._native(step, "/api/discounts", wanted, by))["discount_id"])

        discount_id = await self._once("discount", granted)
        disk = _disk() | {"attach_to": 1}
        lines = [_server(), disk, _server(LARGE_SERVER)]
        order_id = await self._bought("servers with a disk", number, lines, "1000.00",
                                      discount_id=discount_id)  # fmt: skip
        owned = await self._owned("servers with a disk", order_id, 3)
        small, large = owned[SERVER], owned[LARGE_SERVER]
        renewal = {
            "order_type": RENEWAL,
            "resource_ids": large,
            "period_type": MONTH,
            "period_num": 1,
            "discount_id": discount_id,
        }
        await self._bought("renewal", number, None, None, **renewal)

        async def automatic(step: str) -> None:
            path = f"/v2/orders/subscriptions/resources/autorenew/{small[0]}"
            wanted = {"auto_renew_times": AUTO_RENEWALS, "period_type": "MONTH"}
            await self._gateway.call(step, "POST", path, wanted, by=key)

        await self._once("automatic renewal", automatic)

    async def _given_back(self) -> None:
        """Ten servers within five days, for which everything comes back, and one with a fee."""
        number = owners(self._plan)[1]
        servers = _server() | {"quantity": FIVE_DAYS_MAX + 1}
        order_id = await self._bought("eleven servers", number, [servers], "400.00")
        ids = (await self._owned("eleven servers", order_id, FIVE_DAYS_MAX + 1))[SERVER]
        free, charged = ids[:FIVE_DAYS_MAX], ids[FIVE_DAYS_MAX:]
        await self._once("unsubscription without a fee", self._unsubscribed(number, free))
        await self._once("unsubscription with a fee", self._unsubscribed(number, charged))

    def _unsubscribed(self, number: int, resource_ids: list[str]) -> Do:
        async def do(step: str) -> str | None:
            wanted = {
                "resource_ids": resource_ids,
                "unsubscribe_type": WHOLE,
                "unsubscribe_reason_type": OTHER_REASON,
                "unsubscribe_reason": "项目结束 · the project has ended",
            }
            path = "/v2/orders/subscriptions/resources/unsubscribe"
            by = self.customer_key(number)
            try:
                answer = await self._gateway.call(step, "POST", path, wanted, by=by)
            except CommandRefusedError as refusal:
                if not (self._again and refusal.code == _UNSUBSCRIBED_BEFORE):
                    raise
                return None
            return str(answer["order_ids"][0])

        return do

    async def _not_provisioned(self) -> None:
        """One of two pieces fails by a sandbox's rule; the system gives it back."""
        number = owners(self._plan)[2]

        async def ruled(step: str, order_id: str) -> None:
            rule = {"order_id": order_id, "outcome": "fail", "code": NO_CAPACITY, "times": 1}
            try:
                await self._native(step, "/api/sandbox/provisioning-rules", rule)
            except CommandRefusedError as refusal:
                if refusal.code != _NO_SANDBOX:
                    raise

        step = "order of which a piece fails"
        order_id = await self._placed(step, number, [_server(), _disk()])
        await self._once("rule by which it fails", lambda step: ruled(step, order_id))
        await self._topped_up_customer(step, number, "100.00")
        await self._once(f"{step}, paid", self._pays(number, order_id))

    async def _asked_to_pay(self) -> None:
        """The customer asks its partner to pay two orders; one of them is paid."""
        number = owners(self._plan)[3]
        by_partner = self.partner_key(PROVIDER)
        for name in ("request that waits", "request that is paid"):
            order_id = await self._placed(name, number, [_disk()])

            async def asked(step: str, order_id: str = order_id) -> str:
                path = f"/api/orders/{order_id}/payment-request"
                answer = await self._native(step, path, {}, self.customer_key(number))
                return str(answer["request_id"])

            request_id = await self._once(name, asked)
        path = f"/api/payment-requests/{request_id}/pay"

        async def paid(step: str) -> None:
            await self._native(step, path, {}, by_partner)

        await self._once("payment by the partner", paid)

    async def _converted(self) -> None:
        """A server for a month, charged by the hour from now on; what is left comes back."""
        number = owners(self._plan)[4]
        name = "server that is converted"
        order_id = await self._bought(name, number, [_server()], "50.00")
        ids = (await self._owned(name, order_id, 1))[SERVER]

        async def converted(step: str) -> None:
            path = "/v2/orders/subscriptions/resources/to-on-demand/instantly"
            by, wanted = self.customer_key(number), {"resource_ids": ids}
            answer = await self._gateway.call(step, "POST", path, wanted, by=by)
            (result,) = answer["to_ondemand_service_results"]
            if result["result"] != "SUCCESS" and not self._again:
                raise RuntimeError(f"{step}: {result}")

        await self._once("conversion", converted)

    # A package

    async def _package(self) -> None:
        """Hours of a server, bought for a month, of which some are used."""
        number = owners(self._plan)[0]
        await self._bought("package", number, [PACKAGE], "50.00")
        await self._once("package used", self._used(self.customer_id(number)))

    def _used(self, customer_id: str) -> Do:
        """An hour at a time until billing knows of the package, then many at once."""

        async def do(step: str) -> None:
            for turn in range(HOURS_UNTIL_KNOWN_MAX):
                if await self._use(step, customer_id, f"{turn}", 1):
                    break
                await asyncio.sleep(PAUSE_SECONDS)
            await self._use(step, customer_id, "many", 200)

        return do

    async def _use(self, step: str, customer_id: str, name: str, hours: int) -> bool:
        """Whether it was taken from a package."""
        record = USE | {
            "record_id": f"demo-package-{self._plan.seed}-{name}",
            "customer_id": customer_id,
            "usage_value": hours,
            "used_until": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        path, told = "/api/usage-records", {"records": [record]}
        answer = await self._gateway.call(step, "POST", path, told)
        return answer["lines"][0]["free_resource_usage"] is not None

    # How something is bought

    async def _bought(
        self, name: str, number: int, lines: list[Any] | None, money: str | None, **more: Any
    ) -> str:
        """Placed by the partner, paid by the customer, who gets money for it where it needs any."""
        order_id = await self._placed(name, number, lines, **more)
        if money is not None:
            await self._topped_up_customer(name, number, money)
        await self._once(f"{name}, paid", self._pays(number, order_id))
        return order_id

    async def _placed(self, name: str, number: int, lines: list[Any] | None, **more: Any) -> str:
        async def do(step: str) -> str:
            wanted = {"customer_id": self.customer_id(number), **more}
            if lines is not None:
                wanted["lines"] = lines
            placed = await self._native(step, "/api/orders", wanted, self.partner_key(PROVIDER))
            return str(placed["order_id"])

        return str(await self._once(f"{name}, placed", do))

    async def _topped_up_customer(self, name: str, number: int, money: str) -> None:
        async def do(step: str) -> None:
            path = f"/api/accounts/{self.customer_id(number)}/top-ups"
            await self._native(step, path, {"amount": money})

        await self._once(f"{name}, money", do)

    def _pays(self, number: int, order_id: str) -> Do:
        async def do(step: str) -> None:
            wanted = {"order_id": order_id, "use_coupon": "NO", "use_discount": "NO"}
            path = "/v3/orders/customer-orders/pay"
            by = self.customer_key(number)
            await self._gateway.call(step, "POST", path, wanted, by=by)

        return do

    async def _owned(self, name: str, order_id: str, count: int) -> dict[str, list[str]]:
        """The resources of an order by their specifications, when all of them are there."""

        async def do(step: str) -> dict[str, list[str]]:
            by = self.partner_key(PROVIDER)
            order = await self._look(step, f"/api/orders/{order_id}",
                                     lambda seen: seen["status"] == COMPLETED)  # fmt: skip
            path = f"/api/resources?customer_id={order['customer_id']}&limit=100"
            found = (await self._gateway.call(step, "GET", path, by=by))["resources"]
            opened = [one for one in found if one["order_id"] == order_id]
            if len(opened) != count:
                raise RuntimeError(f"{step}: {len(opened)} of {count} resources are there")
            owned: dict[str, list[str]] = {}
            for one in sorted(opened, key=lambda one: str(one["resource_id"])):
                owned.setdefault(one["resource_spec_code"], []).append(one["resource_id"])
            return owned

        owned: dict[str, list[str]] = await self._once(f"{name}, provisioned", do)
        return owned

    async def _look(self, step: str, path: str, is_there: Callable[[Any], bool]) -> Any:
        """Look until it is there."""
        deadline = time.monotonic() + PROVISIONED_SECONDS
        by = self.partner_key(PROVIDER)
        while not is_there(seen := await self._gateway.call(step, "GET", path, by=by)):
            if time.monotonic() > deadline:
                raise RuntimeError(f"{step}: not there after {PROVISIONED_SECONDS:.0f} s: {seen}")
            await asyncio.sleep(PAUSE_SECONDS)
        return seen


def _server(spec: str = SERVER) -> dict[str, Any]:
    return _line("hws.service.type.ec2", "hws.resource.type.vm", spec)


def _disk() -> dict[str, Any]:
    line = _line("hws.service.type.ebs", "hws.resource.type.volume", "SAS")
    return line | {"measure_size": DISK_GIGABYTES}


def _line(service: str, resource: str, spec: str) -> dict[str, Any]:
    return {
        "service_type_code": service,
        "resource_type_code": resource,
        "resource_spec_code": spec,
        "region_code": REGION,
        "charging_mode": PERIOD,
        "period_type": MONTH,
        "period_num": 1,
    }
