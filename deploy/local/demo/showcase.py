"""One or two of each thing that the portfolio's many customers do not show.

Customers with phones, an enterprise with its members, an application that waits for an answer,
coupons that ran out, a distributor's quota in the hands of its resellers, a partner of the
international site with frozen customers.
"""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from local.demo.enrolment import TAKEN, XACCOUNT_TYPE, Enrolment
from local.demo.gateway import CommandRefusedError, Key
from local.demo.plan import ABROAD, DISTRIBUTOR, PROVIDER, SHOWN_ABROAD
from local.demo.steps import Do

PHONES = ("13800138001", "13800138002", "13800138003")
MASTER = 0  # which of them is an enterprise's
MEMBERS = (("13800138011", 1), ("13800138012", 0))  # phone, whether in the master's custody
CUSTOMERS_MADE = len(PHONES) + len(MEMBERS)  # of the provider
COUPONS_RUN_OUT_SECONDS = 10
FROZEN = 2

HELD_BELOW, GIVEN_BACK = "reseller-1", "reseller-2"

_ENTERPRISE = "/v2/enterprises/multi-accounts"
_SHARED_BEFORE = "CBC.99007009"  # a load that was cut off had done it
# A member that was made a moment ago, on a machine that is busy.
_NOT_HEARD_YET = frozenset({"CBC.0150"})
_RECLAIMED = "CBC.99000012"  # there is nothing to take back any more
_SWITCHED_OFF = "CBC.99005030"  # no partner applies for real names here

Job = Callable[[], Awaitable[None]]


class Showcase(Enrolment):
    """Everything that is there once."""

    codes: Path

    def shows(self) -> list[Job]:
        """What may run side by side."""
        return [
            self._phones_and_enterprise,
            self._waiting,
            self._run_out,
            self._handed_out,
            self._abroad,
        ]

    def master_key(self) -> Key:
        """The enterprise master's own key."""
        return Key(**self._journal["key of the master"])

    # Phones, and an enterprise

    async def _phones_and_enterprise(self) -> None:
        key = self.partner_key(PROVIDER)
        for number, phone in enumerate(PHONES):
            await self._once(f"code for {phone}", self._code("/v2/bases/verificationcode/send",
                             {"receiver_type": 1, "mobile_phone": phone}, key))  # fmt: skip
            await self._once(f"customer with {phone}", self._with_phone(number, phone))
        master = self._journal[f"customer with {PHONES[MASTER]}"]
        verified = {"customer_name": "云麓集团有限公司", "customer_type": 1}
        await self._once("name of the master", self._told(f"/api/customers/{master}/verification",
                                                          verified))  # fmt: skip
        await self._once("master", self._told(f"/api/customers/{master}/enterprise",
                                              {"name": "云麓集团"}))  # fmt: skip
        await self._once("key of the master", self._made_key(master))
        for phone, in_custody in MEMBERS:
            await self._member(phone, in_custody)
        await self._share(master)

    async def _share(self, master: str) -> None:
        """The master has money, and credit with an end; its independent member has of both."""
        end = f"{datetime.now(UTC).year + 1}-12-31T15:59:59Z"
        await self._once("money of the master", self._told(f"/api/accounts/{master}/top-ups",
                                                           {"amount": "2000.00"}))  # fmt: skip
        await self._once("credit of the master", self._credit(master, end))
        member = (await self.members())[0]
        shared: tuple[dict[str, str], ...] = (
            {"amount": "500.00"},
            {"amount": "300.00", "balance_type": "BALANCE_TYPE_CREDIT", "expire_time": end},
        )
        for number, told in enumerate(shared, 1):
            wanted = {"customer_id": member, "trans_id": f"demo-{self._plan.seed}-{number}", **told}
            await self._once(f"share {number} of a member", self._shared(wanted))
        await self._share_coupons(master, member)

    async def _share_coupons(self, master: str, member: str) -> None:
        """Coupons of the vendor's, of which the member has a part; one part came back."""
        for number in (1, 2):
            wanted = {
                "holder_id": master, "coupon_type": 1, "origin": "commercial",
                "face_value": "200.00", "effective_at": self._plan.at.isoformat(),
                "expire_at": (self._plan.at + timedelta(days=365)).isoformat(),
            }  # fmt: skip
            step = f"coupon {number} of the master"
            coupon_id = await self._once(step, self._vendors_coupon(wanted))
            asked = {"customer_id": member, "coupon_id": coupon_id, "amount": "80.00",
                     "trans_id": f"demo-{self._plan.seed}-coupon-{number}"}  # fmt: skip
            part_id = await self._once(f"part of {step}", self._part_of_coupon(asked))
        asked = {"customer_id": member, "coupon_id": coupon_id, "sub_coupon_id": part_id,
                 "trans_id": f"demo-{self._plan.seed}-coupon-back"}  # fmt: skip
        await self._once("part of a coupon taken back", self._part_back(asked))

    def _vendors_coupon(self, wanted: dict[str, Any]) -> Do:
        async def do(step: str) -> str:
            return str((await self._native(step, "/api/coupons", wanted))["coupon_id"])

        return do

    def _part_of_coupon(self, asked: dict[str, Any]) -> Do:
        """Under the same `trans_id` the same answer."""

        async def do(step: str) -> str:
            path = f"{_ENTERPRISE}/transfer-coupon"
            made = await self._gateway.call(step, "POST", path, asked, by=self.master_key())
            return str(made["sub_coupon_id"])

        return do

    def _part_back(self, asked: dict[str, Any]) -> Do:
        async def do(step: str) -> None:
            path = f"{_ENTERPRISE}/retrieve-coupon"
            await self._gateway.call(step, "POST", path, asked, by=self.master_key())

        return do

    def _credit(self, owner_id: str, end: str) -> Do:
        async def do(step: str) -> None:
            line = {"amount": "1000.00", "expires_at": end}
            path = f"/api/accounts/{owner_id}/credit-line"
            await self._gateway.call(step, "PUT", path, line)

        return do

    def _shared(self, wanted: dict[str, str]) -> Do:
        async def do(step: str) -> None:
            path = f"{_ENTERPRISE}/transfer-amount"
            try:
                await self._gateway.call(
                    step, "POST", path, wanted, by=self.master_key(), healing=_NOT_HEARD_YET
                )
            except CommandRefusedError as refusal:
                if refusal.code != _SHARED_BEFORE:
                    raise

        return do

    async def members(self) -> tuple[str, str]:
        """The enterprise's: the independent one, and the one in custody."""
        path = f"{_ENTERPRISE}/sub-customers"
        found = await self._gateway.call("members", "GET", path, by=self.master_key())
        ids = {one["name"]: str(one["id"]) for one in found["sub_customer_infos"]}
        by_custody = {custody: ids[self._member_name(phone)] for phone, custody in MEMBERS}
        return by_custody[0], by_custody[1]

    def _member_name(self, phone: str) -> str:
        return f"demo-member-{self._plan.seed}-{phone[-2:]}"

    def _with_phone(self, number: int, phone: str) -> Do:
        async def do(step: str) -> str:
            name = f"demo-phone-{self._plan.seed}-{number + 1}"
            wanted = {
                "xaccount_id": name,
                "xaccount_type": XACCOUNT_TYPE,
                "domain_name": name,
                "mobile_phone": phone,
                "verification_code": self._last_code(phone),
            }
            path = "/v2/partners/sub-customers"
            try:
                made = await self._wire(step, PROVIDER, "POST", path, wanted)
            except CommandRefusedError as refusal:
                if refusal.code not in TAKEN:
                    raise
                found = await self._wire(step, PROVIDER, "POST", f"{path}/query",
                                         {"account_name": name})  # fmt: skip
                return str(found["customer_infos"][0]["customer_id"])
            return str(made["domain_id"])

        return do

    async def _member(self, phone: str, in_custody: int) -> None:
        master = self.master_key()
        name, base = self._member_name(phone), _ENTERPRISE
        asked = {
            "mobile_phone": phone,
            "sm_template_args": [{"key": "sub_customer_name", "value": name}],
        }
        await self._once(f"code for {phone}", self._code(f"{base}/sm-verification-code", asked,
                                                         master))  # fmt: skip

        async def joined(step: str) -> None:
            path = f"{base}/enterprise-organizations"
            root = (await self._gateway.call(step, "GET", path, by=master))["root_id"]
            wanted = {
                "party_id": root,
                "sub_customer_association_type": 1,
                "financial_custody": in_custody,
                "new_sub_customer": {
                    "customer_name": name,
                    "password": self.password(name),
                    "mobile_phone": phone,
                    "verification_code": self._last_code(phone),
                },
            }
            try:
                await self._gateway.call(step, "POST", f"{base}/sub-customers", wanted, by=master)
            except CommandRefusedError as refusal:
                if not (self._again and refusal.code in TAKEN):
                    raise

        await self._once(f"member with {phone}", joined)

    def _code(self, path: str, wanted: dict[str, Any], by: Any) -> Do:
        async def do(step: str) -> None:
            await self._gateway.call(step, "POST", path, wanted, by=by)

        return do

    def _last_code(self, phone: str) -> str:
        """As the person reads it on the phone."""
        messages = [json.loads(line) for line in self.codes.read_text("utf-8").splitlines()]
        return str([one["code"] for one in messages if one["receiver"] == phone][-1])

    # What waits, and what is over

    async def _waiting(self) -> None:
        """An unlinking that the customer has not answered, a name that nobody has reviewed."""
        gone = set(self._plan.unlinked)
        own = [one for one in self._plan.customers if one.owner == PROVIDER and not one.spends]
        there = [one for one in own if one.number not in gone]
        asked = next(one for one in there if one.name)
        nameless = next((one for one in there if not one.name), None)
        key = self.partner_key(PROVIDER)
        await self._once("unlinking that waits", self._told(
            f"/api/customers/{self.customer_id(asked.number)}/unlinking", {}, key))  # fmt: skip
        if nameless:
            await self._once("name that waits", self._name_asked_for(nameless.number))

    def _name_asked_for(self, number: int) -> Do:
        async def do(step: str) -> None:
            wanted = {
                "customer_id": self.customer_id(number),
                "identify_type": 1,
                "corp_name": "澄舟科技有限公司",
                "verified_number": "91310000MA1K000001",
                "verified_file_url": ["papers/licence.jpg"],
                "xaccount_type": XACCOUNT_TYPE,
            }
            path = "/v2/customers/realname-auths/enterprise"
            try:
                await self._wire(step, PROVIDER, "POST", path, wanted)
            except CommandRefusedError as refusal:
                if refusal.code != _SWITCHED_OFF:
                    raise

        return do

    async def _run_out(self) -> None:
        """Coupons that hold for seconds."""
        members = [one.number for one in self._plan.customers
                   if one.owner == PROVIDER and one.authorizes][:3]  # fmt: skip

        async def do(step: str) -> None:
            end = datetime.now(UTC) + timedelta(seconds=COUPONS_RUN_OUT_SECONDS)
            wanted = {
                "quota_id": self._journal["quota general"],
                "customer_ids": [self.customer_id(number) for number in members],
                "face_value": "15.00",
                "expire_time": end.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "memo": "短期演示",
            }
            path = "/v2/promotions/benefits/partner-coupons"
            answer = await self._wire(step, PROVIDER, "POST", path, wanted)
            if answer["error_details"]:
                raise RuntimeError(f"{step}: {answer['error_details'][0]}")

        await self._once("coupons that run out", do)

    # A distributor's quota

    async def _handed_out(self) -> None:
        """Parts of it are with two resellers; the distributor took one back."""
        for reseller in (HELD_BELOW, GIVEN_BACK):
            await self._once(f"quota handed to {reseller}", self._part_for(reseller))
        await self._once("quota taken back", self._take_back)

    def _part_for(self, reseller: str) -> Do:
        async def do(step: str) -> str:
            parent, reseller_id = self._journal["quota distributor"], self.partner_id(reseller)
            if self._again:
                path = "/v2/partners/issued-coupon-quotas"
                named = f"?parent_quota_id={parent}&indirect_partner_id={reseller_id}"
                found = await self._wire(step, DISTRIBUTOR, "GET", path + named, None)
                if found["quotas"]:
                    return str(found["quotas"][0]["quota_id"])
            wanted = {
                "quota_id": parent,
                "indirect_partner_ids": [reseller_id],
                "quota_amount": "20000.00",
            }
            path = "/v2/partners/coupon-quotas/indirect-partner-adjust"
            made = await self._wire(step, DISTRIBUTOR, "POST", path, wanted)
            return str(made["simple_quota_infos"][0]["quota_id"])

        return do

    async def _take_back(self, step: str) -> None:
        wanted = {"quota_ids": [self._journal[f"quota handed to {GIVEN_BACK}"]], "remark": "演示"}
        path = "/v2/partners/coupon-quotas/indirect-partner-reclaim"
        try:
            await self._wire(step, DISTRIBUTOR, "POST", path, wanted)
        except CommandRefusedError as refusal:
            if not (self._again and refusal.code == _RECLAIMED):
                raise

    # The international site

    async def _abroad(self) -> None:
        """A partner in US dollars with customers, two of them frozen."""
        await self.register(SHOWN_ABROAD)
        key = self.own_key(ABROAD)

        async def brought(step: str) -> list[str]:
            wanted = {
                "customers": [
                    {
                        "xaccount_id": f"demo-abroad-{number}",
                        "xaccount_type": XACCOUNT_TYPE,
                        "domain_name": f"demo-abroad-{number}",
                        "domain_area": "SG",
                    }
                    for number in range(1, 5)
                ]
            }
            answer = await self._native(step, "/api/customers", wanted, key)
            return [str(made["customer_id"]) for made in answer["customers"]]

        ids = await self._once("customers abroad", brought)

        async def paid_for(step: str) -> None:
            wanted = {"customer_id": ids[-1], "amount": "100.00"}
            path = "/v2/accounts/partner-accounts/adjust-amount"
            await self._gateway.call(step, "POST", path, wanted, by=key)

        async def frozen(step: str) -> None:
            wanted = {"customer_ids": ids[:FROZEN], "reason": "demo"}
            path = "/v2/partners/sub-customers/freeze"
            await self._gateway.call(step, "POST", path, wanted, by=key)

        await self._once("money abroad", paid_for)
        await self._once("frozen abroad", frozen)

    def _told(self, path: str, content: Any, by: Any = None) -> Do:
        async def do(step: str) -> None:
            await self._native(step, path, content, by)

        return do
