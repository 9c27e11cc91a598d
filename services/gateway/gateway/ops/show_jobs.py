"""Order's bulk work as the console shows it: jobs, what failed of one, and its stop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from gateway.forwarding.destinations import Service
from gateway.ops.peers import Peers
from gateway.ops.sessions import Visitor

JOBS = "/api/order-jobs"
JOBS_SHOWN, ITEMS_SHOWN = 20, 100
LOOK_SECONDS_MAX = 10.0  # the items of twenty jobs are counted


@dataclass(frozen=True, slots=True)
class Jobs:
    """A page of jobs, as order tells them; `older` asks for the next one."""

    jobs: Sequence[Mapping[str, Any]]
    older: str | None


@dataclass(frozen=True, slots=True)
class OneJob:
    """A job, and a page of those of its items that failed."""

    job: Mapping[str, Any]
    failed: Sequence[Mapping[str, Any]]
    more: str | None


@dataclass(frozen=True, slots=True)
class Work:
    """Order's jobs in one person's hands."""

    peers: Peers
    visitor: Visitor
    language: str

    async def jobs(self, after: str) -> Jobs:
        """The newest first.

        Raises:
            OutsideError: order does not answer.
            RefusedByServiceError: it refused.

        """
        answer = await self._ask(JOBS, {"limit": JOBS_SHOWN, **_after(after)})
        return Jobs(answer["jobs"], answer["next"])

    async def job(self, job_id: str, after: str) -> OneJob:
        """Refused as `jobs` is, also where there is no such job."""
        address = f"{JOBS}/{quote(job_id, safe='')}"
        wanted: dict[str, str | int] = {"state": "failed", "limit": ITEMS_SHOWN}
        job = await self._ask(address, {})
        items = await self._ask(f"{address}/items", wanted | _after(after))
        return OneJob(job, items["items"], items["next"])

    async def stop(self, job_id: str) -> None:
        """Refused as `jobs` is, also where all its items are done."""
        address = f"{JOBS}/{quote(job_id, safe='')}/stop"
        commander = self.visitor.commander
        await self.peers.command(Service.ORDER, commander, address, {}, self.language)

    async def _ask(self, address: str, query: dict[str, str | int]) -> dict[str, Any]:
        return await self.peers.ask(
            Service.ORDER,
            self.visitor.commander,
            address,
            query,
            language=self.language,
            seconds_max=LOOK_SECONDS_MAX,
        )


def _after(after: str) -> dict[str, str | int]:
    return {"after": after} if after else {}
