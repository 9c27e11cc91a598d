"""A month that is over: used before the system was here, closed, and settled as a bill.

It is the one before the month that the portfolio's use lies in, so it has no line of its own. It is
held open, gets its use, and closes by its checklist; then its partner's bill is settled.
"""

import asyncio
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from local.demo.plan import PROVIDER
from local.demo.purchases import Product, Usage, used_since
from local.demo.steps import Steps
from wire.times import cycle_of

HOURS = 100
DISK_GB = 40
USERS = 5  # with money, and one without, who owes what it used
SERVER, DISK = "hws.resource.type.vm", "hws.resource.type.volume"
WITHIN_SECONDS = 60.0
POLL_SECONDS = 0.5
_DONE = {"closed", "corrected", "published"}


class LastMonth(Steps):
    """What was before."""

    @property
    def closed_month(self) -> str:
        """Which month that is."""
        return cycle_of(used_since(self._plan.at) - timedelta(days=1))

    async def use_last_month(self) -> None:
        """Servers, each with a disk; then it is closed by hand."""
        path = f"/api/cycles/{self.closed_month}"
        held = {"on_hold": True, "reason": "演示:补录上线前的用量"}

        async def hold(step: str) -> None:
            await self._native(step, f"{path}/holding", held)

        async def use(step: str) -> None:
            records = [one for number in self._users() for one in self._used_by(number)]
            await self._native(step, "/api/usage-records", {"records": records})

        async def close(step: str) -> None:
            waived = [{"item": "arrears", "reason": "演示:欠费客户已催缴"}]
            await self._native(step, f"{path}/closing", {"waived": waived})

        await self._once("last month held", hold)
        await self._once("use of last month", use)
        await self._once("last month closed", close)

    def _users(self) -> Iterator[int]:
        """Who has money and orders nothing, so that no payment fails; and one without money."""
        own = [one for one in self._plan.customers if one.owner == PROVIDER]
        yield from [one.number for one in own if one.spends and not one.authorizes][:USERS]
        yield [one.number for one in own if not one.spends
               and one.number not in self._plan.unlinked][-1]  # fmt: skip

    def _used_by(self, number: int) -> list[dict[str, Any]]:
        until = used_since(self._plan.at) - timedelta(days=3)
        server, disk = self._sold(SERVER), self._sold(DISK)
        mark = f"demo-{self._plan.seed}-{number:05}-before"
        told = [
            Usage(f"{mark}-{place}", number, product, product.regions[0], HOURS, size, until)
            for place, (product, size) in enumerate(((server, None), (disk, DISK_GB)), 1)
        ]
        used, attached = (one.content(self.customer_id(number)) for one in told)
        attached["root_resource_id"] = used["resource_id"]
        attached["root_resource_type_code"] = SERVER
        attached["root_resource_name"] = used["resource_name"]
        return [used, attached]

    def _sold(self, resource_type: str) -> Product:
        used = (one.product for batch in self._plan.usage_batches for one in batch)
        return next(one for one in used if one.resource_type_code == resource_type)

    async def settle_last_month(self) -> None:
        """Its partner's bill, once the month is closed; until it is published."""

        async def settle(step: str) -> str:
            await self._is_done(step, f"/api/cycles/{self.closed_month}")
            wanted = {
                "partner_id": self.partner_id(PROVIDER), "bill_cycle": self.closed_month,
            }  # fmt: skip
            made = await self._native(step, "/api/settlements", wanted)
            await self._is_done(step, f"/api/settlements/{made['settlement_id']}")
            return str(made["settlement_id"])

        await self._once("last month settled", settle)

    async def _is_done(self, step: str, path: str) -> None:
        """Whoever works on it does so by a schedule.

        Raises:
            RuntimeError: it takes too long.

        """
        deadline = time.monotonic() + WITHIN_SECONDS
        while (found := await self._gateway.call(step, "GET", path))["state"] not in _DONE:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{step}: after {WITHIN_SECONDS:.0f} s it is still {found}")
            await asyncio.sleep(POLL_SECONDS)
