"""The door to bulk work with orders."""

from typing import Annotated

from fastapi import Query, Request, Response

from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal
from chassis.jobs import ListJobItems, Progress, find_job, page_of_items
from chassis.language import spoken_language
from chassis.routes import Router
from order.jobs.list_jobs import ListJobs, list_jobs
from order.jobs.models import JobItem, OrderJob
from order.jobs.native_answers import (
    JobAnswer,
    JobItemsAnswer,
    JobsAnswer,
    native_item,
    native_job,
)
from order.jobs.show_job import ITEMS, show_job, stop_job
from order.jobs.start_job import StartJob, start_job
from order.parts import CurrentParts

router = Router()


@router.post("/api/order-jobs", response_model=JobAnswer)
async def start(
    wanted: StartJob,
    principal: CurrentPrincipal,
    session: HttpSession,
    parts: CurrentParts,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """Do the same with many orders, resources or requests."""
    job = await start_job(session, principal, wanted, now)
    parts.jobs.wake()
    progress = Progress(job, succeeded=0, failed=0, waiting=job.total, refused={})
    location = {"Location": f"/api/order-jobs/{job.job_id}"}
    return await idempotency.answer(native_job(progress, now), location)


@router.get("/api/order-jobs", response_model=JobsAnswer)
async def jobs(
    wanted: Annotated[ListJobs, Query()],
    principal: CurrentPrincipal,
    session: HttpSession,
    now: Now,
) -> Response:
    """The jobs that there are, the newest first."""
    page, following = await list_jobs(session, principal, wanted)
    shown = [native_job(one, now) for one in page]
    return JsonAnswer(JobsAnswer(jobs=shown, next=following))


@router.get("/api/order-jobs/{job_id}", response_model=JobAnswer)
async def show(
    job_id: str, principal: CurrentPrincipal, session: HttpSession, now: Now
) -> Response:
    """How far a job is."""
    return JsonAnswer(native_job(await show_job(session, principal, job_id), now))


@router.get("/api/order-jobs/{job_id}/items", response_model=JobItemsAnswer)
async def items(
    request: Request,
    job_id: str,
    wanted: Annotated[ListJobItems, Query()],
    principal: CurrentPrincipal,
    session: HttpSession,
) -> Response:
    """What became of each item."""
    job = await find_job(session, OrderJob, principal, job_id)
    page, following = await page_of_items(session, job, JobItem, wanted, ITEMS)
    language = spoken_language(request.scope["headers"], is_ours=True)
    shown = [native_item(item, language) for item in page]
    return JsonAnswer(JobItemsAnswer(items=shown, next=following))


@router.post("/api/order-jobs/{job_id}/stop", response_model=JobAnswer)
async def stop(
    job_id: str,
    principal: CurrentPrincipal,
    session: HttpSession,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """Begin no further item."""
    progress = await stop_job(session, principal, job_id, now)
    return await idempotency.answer(native_job(progress, now))
