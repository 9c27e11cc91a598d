"""A few of each thing that is no coupon from a quota, and a campaign that took some of those back.

Coupons of the vendor's own of each type, of which one is frozen and one waits to be activated;
stored value cards; partner vouchers; applications for test coupons in each state.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from local.demo.plan import PROVIDER
from local.demo.steps import Steps

# Of the vendor's own, by what they are: type, origin, and what else is said of them.
VENDORS: dict[str, dict[str, Any]] = {
    "cash": {"coupon_type": 1, "origin": "activity", "face_value": "88.00"},
    "discount": {"coupon_type": 2, "origin": "commercial", "discount_ratio": "0.9"},
    "product": {"coupon_type": 3, "origin": "activity", "face_value": "66.00"},
    "flexi": {"coupon_type": 4, "origin": "commercial", "face_value": "120.00"},
    "frozen": {"coupon_type": 1, "origin": "commercial", "face_value": "40.00"},
    "waiting": {"coupon_type": 1, "origin": "activity", "face_value": "25.00", "activated": False},
}
USES_VOUCHERS = "reseller-2"
RECALLED_FACE_VALUE = "11.00"  # no other coupon's, so that the campaign finds its own
RECALLED = 3
CARDS = 2
SHARED_LIST = "https://www.huaweicloud.com/pricing/calculator.html?shareListId=demo0001"
# What becomes of each application, the last one waits.
APPLICATIONS = ("approve", "reject", "withdrawal", None)


class Vouchers(Steps):
    """Everything beside the plan's quotas and coupons."""

    def vouchers(self) -> list[Callable[[], Awaitable[None]]]:
        """What may run side by side."""
        return [
            self._vendors_coupons, self._cards, self._partner_vouchers, self._applied,
            self._campaign,
        ]  # fmt: skip

    async def _cards(self) -> None:
        """One that nothing is paid with yet, for each of a few customers."""
        for number, holder in enumerate(self._spenders(CARDS), 1):
            wanted = {"customer_id": holder, "card_name": "储值卡", "face_value": "500.00",
                      **self._year()}  # fmt: skip
            await self._said(f"stored value card {number}", "/api/stored-value-cards", wanted)

    async def _vendors_coupons(self) -> None:
        holders = self._spenders(len(VENDORS))
        for holder, (name, what) in zip(holders, VENDORS.items(), strict=True):
            wanted = {"holder_id": holder, **self._year(), **what}
            coupon = await self._said(f"vendor's coupon {name}", "/api/coupons", wanted)
            if name == "frozen":
                path = f"/api/coupons/{coupon['coupon_id']}/freezing"
                await self._said("freezing of a coupon", path, {"reason": "演示"})

    async def _partner_vouchers(self) -> None:
        """Of a reseller that uses vouchers itself, and so issues no coupons."""
        partner_id = self.partner_id(USES_VOUCHERS)

        async def switch(step: str) -> None:
            content = {"coupon_mode": "use_vouchers"}
            await self._gateway.call(step, "PATCH", f"/api/partners/{partner_id}", content)

        await self._once(f"coupon mode of {USES_VOUCHERS}", switch)
        limited = {"service_type_codes": ["hws.service.type.ec2"]}
        for origin, amount, limits in (("incentive", "3000.00", {}), ("poc", "800.00", limited)):
            wanted = {"partner_id": partner_id, "amount": amount, "origin": origin,
                      "limits": limits, **self._year()}  # fmt: skip
            await self._said(f"partner voucher {origin}", "/api/partner-vouchers", wanted)

    async def _applied(self) -> None:
        """One after the other: a partner has one open application at a time."""
        key = self.own_key(PROVIDER)
        path = f"/api/partners/{self.partner_id(PROVIDER)}/solutions"
        solution = {"name": "云上制造方案", "solution_class": "cloud_software"}
        made = await self._said("solution", path, solution, key)
        for number, fate in enumerate(APPLICATIONS, 1):
            wanted = {"solution_id": made["solution_id"], "amount": f"{number}000.00",
                      "resource_list_url": SHARED_LIST, "remark": "演示"}  # fmt: skip
            step = f"application {number}"
            applications = "/api/test-coupon-applications"
            one = await self._said(step, applications, wanted, key)
            place = f"{applications}/{one['application_id']}"
            if fate == "withdrawal":
                await self._said(f"{step} {fate}", f"{place}/withdrawal", None, key)
            elif fate is not None:
                decision = {"decision": fate} | ({"reason": "演示"} if fate == "reject" else {})
                await self._said(f"{step} {fate}", f"{place}/decision", decision)

    async def _campaign(self) -> None:
        """Issued to a wrong list, and taken back; another campaign is only planned."""
        key, quota = self.partner_key(PROVIDER), self._journal["quota general"]

        async def issued(step: str) -> None:
            wanted = {"quota_id": quota, "customer_ids": self._spenders(RECALLED),
                      "face_value": RECALLED_FACE_VALUE, "memo": "演示"}  # fmt: skip
            path = "/v2/promotions/benefits/partner-coupons"
            await self._wire(step, PROVIDER, "POST", path, wanted)

        await self._once("coupons to recall", issued)
        value = RECALLED_FACE_VALUE
        recalled = {"quota_id": quota, "face_value_from": value, "face_value_to": value}
        campaigns = "/api/recall-campaigns"
        content = {"filter": recalled, "reason": "发错名单"}
        planned = await self._said("recall campaign", campaigns, content, key)
        start = f"{campaigns}/{planned['campaign_id']}/start"
        await self._said("start of the campaign", start, {"preview": planned["preview"]}, key)
        content = {"filter": {"quota_id": quota, "unused_only": True}, "reason": "预演"}
        await self._said("recall campaign that is planned", campaigns, content, key)

    def _spenders(self, count: int) -> list[str]:
        """Customers of the provider that have keys."""
        found = [one.number for one in self._plan.customers
                 if one.owner == PROVIDER and one.authorizes]  # fmt: skip
        return [self.customer_id(number) for number in found[:count]]

    def _year(self) -> dict[str, str]:
        """From the plan's hour on; the same in each run."""
        end = self._plan.at + timedelta(days=365)
        return {"effective_at": self._plan.at.isoformat(), "expire_at": end.isoformat()}

    async def _said(self, step: str, path: str, content: Any, by: Any = None) -> Any:
        """The answer, also in a later run."""

        async def do(asked: str) -> Any:
            return await self._native(asked, path, content, by)

        return await self._once(step, do)
