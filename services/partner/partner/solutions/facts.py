"""The event of solutions, with the whole state after the fact."""

from datetime import datetime

from contracts.partner import PartnerSolutionChanged
from partner.solutions.models import Solution


def solution_changed(solution: Solution, now: datetime) -> PartnerSolutionChanged:
    """The solution is there, or is certified otherwise."""
    return PartnerSolutionChanged(
        occurred_at=now,
        partner_id=solution.partner_id,
        distributor_id=solution.distributor_id,
        version=solution.version,
        solution_id=solution.solution_id,
        name=solution.name,
        solution_class=solution.solution_class,
        certification=solution.certification,
    )
