"""The real voucher beside billing in this process: what one asks and states, the other hears."""

from collections.abc import Callable
from typing import Any

from chassis.database import Database
from chassis.errors import OutsideError, RefusedError
from chassis.identity import Principal
from chassis.sideways import Sideways
from contracts import billing as of_billing_stream
from contracts import voucher as of_voucher_stream
from contracts.billing import BillingUsageCouponsSettled
from contracts.event import Event
from contracts.voucher import CardEvent, VoucherEvent
from testkit import outbox
from tests.billing import builders as of_billing
from tests.voucher import builders as of_voucher

Json = dict[str, Any]
_CONTRACTS: dict[str, type[Event]] = {
    one.TYPE: one
    for module in (of_billing_stream, of_voucher_stream)
    for one in vars(module).values()
    if isinstance(one, type) and issubclass(one, Event) and "TYPE" in vars(one)
}


class Both:
    """Two services and what stands between them: calls at once, events when the test says so."""

    def __init__(self, billing: of_billing.BillingDoor, voucher: of_voucher.VoucherDoor):
        self.billing, self.voucher = billing, voucher
        self.asked: list[Json] = []
        self.away = False  # whether voucher does not answer, though it may have acted
        self.before: Callable[[], Any] | None = None
        self._heard = {"billing": 0, "voucher": 0}

    async def post(
        self, _sideways: Sideways, _url: str, path: str, principal: Principal, content: Json
    ) -> Json:
        """In the place of `Sideways.post`."""
        if self.before is not None:
            await self.before()
        self.asked.append(content)
        answer = await self.voucher.post(path, content, principal)
        if self.away or answer.status_code >= 500:
            raise OutsideError(path)
        found: Json = answer.json()
        if answer.status_code >= 400:
            raise RefusedError(
                found.get("refusal_detail", ""), code=found["code"], status=answer.status_code
            )
        return found

    async def deliver(self) -> None:
        """What each has stated since, to the other."""
        for_billing = await self._new("voucher", self.voucher.database)
        if for_billing:
            await of_billing.hear(self.billing.database, *for_billing)
        for_voucher = await self._new("billing", self.billing.database)
        if for_voucher:
            await of_voucher.hear(self.voucher.database, *for_voucher)

    async def _new(self, service: str, database: Database) -> list[Event]:
        facts = (await outbox.stated(database))[self._heard[service] :]
        self._heard[service] += len(facts)
        contracts = [(_CONTRACTS[fact.type], fact.body) for fact in facts]
        heard = (VoucherEvent, CardEvent) if service == "voucher" else BillingUsageCouponsSettled
        return [one.model_validate(body) for one, body in contracts if issubclass(one, heard)]
