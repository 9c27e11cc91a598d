"""The door to solutions."""

from typing import Annotated

from fastapi import Query, Request, Response

from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.etags import etag, tagged
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal
from chassis.routes import Router
from partner.solutions.add_solution import AddSolution, add_solution
from partner.solutions.certify_solution import CertifySolution, certify_solution
from partner.solutions.list_solutions import ListSolutions, find_solution, list_solutions
from partner.solutions.native_answers import SolutionAnswer, SolutionsAnswer

router = Router()


@router.post("/api/partners/{partner_id}/solutions", response_model=SolutionAnswer)
async def add(
    partner_id: str,
    new: AddSolution,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
    idempotency: CurrentIdempotency,
) -> Response:
    """Say what solution the partner has, a draft included."""
    solution = await add_solution(session, principal, partner_id, new, now)
    headers = {
        "Location": f"/api/solutions/{solution.solution_id}",
        "ETag": etag(solution.version),
    }
    return await idempotency.answer(SolutionAnswer.of(solution), headers)


@router.get("/api/partners/{partner_id}/solutions", response_model=SolutionsAnswer)
async def solutions(
    partner_id: str,
    wanted: Annotated[ListSolutions, Query()],
    principal: CurrentPrincipal,
    session: HttpSession,
) -> Response:
    """The solutions of a partner."""
    page, following = await list_solutions(session, principal, partner_id, wanted)
    shown = [SolutionAnswer.of(one) for one in page]
    return JsonAnswer(SolutionsAnswer(solutions=shown, next=following))


@router.get("/api/solutions/{solution_id}", response_model=SolutionAnswer)
async def solution(
    request: Request, solution_id: str, principal: CurrentPrincipal, session: HttpSession
) -> Response:
    """One solution."""
    found = await find_solution(session, principal, solution_id)
    return tagged(request, SolutionAnswer.of(found), etag(found.version))


@router.patch("/api/solutions/{solution_id}", response_model=SolutionAnswer)
async def certify(
    solution_id: str,
    wanted: CertifySolution,
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
) -> Response:
    """Certify a solution, or take its certification back."""
    certified = await certify_solution(session, principal, solution_id, wanted, now)
    answer = JsonAnswer(SolutionAnswer.of(certified))
    answer.headers["ETag"] = etag(certified.version)
    return answer
