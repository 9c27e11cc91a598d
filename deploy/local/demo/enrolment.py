"""Partners with operators, keys and money; customers with names, labels and authorizations."""

import hashlib
import hmac
from typing import Any

from local.demo.gateway import CommandRefusedError
from local.demo.plan import CHINA, PROVIDER, Customer, Partner
from local.demo.steps import Do, Steps
from wire.permissions import PLATFORM_ITEMS

XACCOUNT_TYPE = "CHANNELBUS_IDP"
OPERATOR = "demo-admin"
FAST_REQUESTS_PER_SECOND = 100_000
PASSWORD_CHARACTERS = 20

# What is said of an account that there is already.
TAKEN = frozenset({"CBC.99000038", "CBC.99000039"})
# An account that was made a moment ago, on a machine that is busy.
_NOT_HEARD_YET = frozenset({"CHB.0404"})


class Enrolment(Steps):
    """Everything about who there is."""

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
        if partner.site != CHINA:
            wanted["site"] = partner.site
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
                "permissions": sorted(PLATFORM_ITEMS) if key == PROVIDER else [],
                "password": self.password(key),
            }
            answer = await self._native(step, f"/api/partners/{partner_id}/operators", wanted)
            return str(answer["operator_id"])

        return do

    def _made_key(self, domain_id: str) -> Do:
        async def do(step: str) -> dict[str, str]:
            wanted = {"credential": {"user_id": domain_id, "description": "demo"}}
            answer = await self._gateway.call(
                step, "POST", "/v3.0/OS-CREDENTIAL/credentials", wanted, healing=_NOT_HEARD_YET
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
                if refusal.code not in TAKEN:
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
        """End of the association: its partner applies, the customer agrees with its own key."""
        customer_id = self.customer_id(number)

        async def applied(step: str) -> str:
            path = f"/api/customers/{customer_id}/unlinking"
            by = self.partner_key(self._customers[number].owner)
            return str((await self._native(step, path, {}, by))["application_id"])

        async def agreed(step: str) -> None:
            application = self._journal[f"unlinking of customer {number}"]
            path = f"/api/association-applications/{application}/agree"
            await self._native(step, path, {}, self.customer_key(number))

        await self._once(f"key of customer {number}", self._made_key(customer_id))
        await self._once(f"unlinking of customer {number}", applied)
        await self._once(f"agreement of customer {number}", agreed)


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
