"""A partner says what solution it has, a draft included."""

from datetime import datetime
from typing import Literal

from pydantic import ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.identity import Principal
from chassis.ids import new_id
from partner.add_operator import PartnerDelistedError
from partner.find_partner import find_partner
from partner.models import DELISTED
from partner.solutions.facts import solution_changed
from partner.solutions.models import Solution
from wire.types import WireRequest


class AddSolution(WireRequest):
    """A solution; the vendor certifies it later."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=128)
    solution_class: Literal[
        "basic_software", "cloud_software", "advanced_cloud_software", "consulting"
    ]


async def add_solution(
    session: AsyncSession, principal: Principal, partner_id: str, new: AddSolution, now: datetime
) -> Solution:
    """Keep the solution and tell who needs it.

    Raises:
        NotFoundError: no such account, or not the caller's.
        PartnerDelistedError: the partner left the programme.

    """
    partner = await find_partner(session, principal, partner_id)
    if partner.status == DELISTED:
        raise PartnerDelistedError
    solution = Solution(
        solution_id=new_id(),
        partner_id=partner.partner_id,
        distributor_id=partner.distributor_id,
        name=new.name,
        solution_class=new.solution_class,
        certification="none",
        created_at=now,
        version=1,
    )
    session.add(solution)
    audit.record(
        session, principal, "solution.add", solution.solution_id, now,
        solution_class=solution.solution_class,
    )  # fmt: skip
    outbox.publish(session, solution_changed(solution, now))
    return solution
