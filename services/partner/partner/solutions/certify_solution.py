"""The administrator certifies a solution, or takes the certification back (the vendor's side)."""

from datetime import datetime
from typing import Literal

from pydantic import ConfigDict
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.errors import NotFoundError
from chassis.identity import Principal
from partner.solutions.facts import solution_changed
from partner.solutions.models import Solution
from wire.types import WireRequest


class CertifySolution(WireRequest):
    """What it is certified as from now on."""

    model_config = ConfigDict(extra="forbid")

    certification: Literal["none", "cloud_software", "advanced_cloud_software"]


async def certify_solution(
    session: AsyncSession,
    administrator: Principal,
    solution_id: str,
    wanted: CertifySolution,
    now: datetime,
) -> Solution:
    """Certify it and tell who needs it; nothing is told when nothing changes.

    Raises:
        NotFoundError: no such solution.

    """
    known = select(Solution).where(Solution.solution_id == solution_id).with_for_update()
    solution = await session.scalar(known)
    if solution is None:
        raise NotFoundError(solution_id)
    if solution.certification == wanted.certification:
        return solution
    solution.certification = wanted.certification
    solution.version += 1
    audit.record(
        session, administrator, "solution.certify", solution.solution_id, now,
        certification=solution.certification,
    )  # fmt: skip
    outbox.publish(session, solution_changed(solution, now))
    return solution
