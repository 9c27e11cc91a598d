"""The steps of the load: each is one command of the system, done once.

A step that the journal knows is left out. One that was under way when an earlier run was killed is
sent again: native commands under the same idempotency key, the vendor's (which know no such keys)
are looked up or answer that it is done already.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from local.demo.gateway import CommandRefusedError, Gateway, Key
from local.demo.journal import Journal
from local.demo.plan import SHOWN_ABROAD, Plan

# What is said of a command that was carried out before: grants, reviews and unlinkings; payments;
# cancellations; recalls.
_DONE_BEFORE = frozenset({"CHB.0409", "CBC.99003106", "CBC.99005010", "CBC.0155"})

Do = Callable[[str], Awaitable[Any]]


class Steps:
    """What the steps of one plan on one system have in common."""

    def __init__(self, plan: Plan, gateway: Gateway, journal: Journal, admin_token: str):
        self._plan, self._gateway, self._journal = plan, gateway, journal
        self._admin_token = admin_token
        self._again = len(journal) > 0
        self._ids: dict[str, str] = {}
        self._order_ids: dict[int, str] = {}
        self._partners = {partner.key: partner for partner in (*plan.partners, SHOWN_ABROAD)}
        self._customers = {customer.number: customer for customer in plan.customers}

    # Who there is by now

    def partner_id(self, key: str) -> str:
        """The id that the system gave the partner."""
        return str(self._journal[f"partner {key}"])

    def partner_key(self, key: str) -> Key:
        """The partner's key; its distributor's for what a reseller does.

        See docs/domain/partners.md B.1.
        """
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

    # How a step is sent

    async def _once(self, step: str, do: Do) -> Any:
        if step in self._journal:
            return self._journal[step]
        try:
            result = await do(step)
        except CommandRefusedError as refusal:
            if not ((self._again or refusal.is_of_a_repeat) and refusal.code in _DONE_BEFORE):
                raise
            result = None
        return self._journal.note(step, result)

    async def _native(self, step: str, path: str, content: Any, by: Key | None = None) -> Any:
        once = f"demo {self._plan.seed} {step}"
        return await self._gateway.call(step, "POST", path, content, by=by, once=once)

    async def _wire(self, step: str, owner: str, method: str, path: str, content: Any) -> Any:
        return await self._gateway.call(step, method, path, content, by=self.partner_key(owner))

    def _acting_on(self, owner: str) -> dict[str, str]:
        """A distributor names the reseller for whom it acts (docs/domain/partners.md B.1)."""
        above = self._partners[owner].above
        return {"indirect_partner_id": self.partner_id(owner)} if above else {}
