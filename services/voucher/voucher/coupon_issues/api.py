"""The door to issues of coupons to many customers."""

from typing import Annotated

from fastapi import Query, Request, Response

from chassis.answers import JsonAnswer
from chassis.clock import Now
from chassis.database import HttpSession
from chassis.idempotency import CurrentIdempotency
from chassis.identity import CurrentPrincipal
from chassis.jobs import ListJobItems, find_job, page_of_items, progress_of
from chassis.language import spoken_language
from chassis.routes import Router
from voucher.coupon_issues.items_wanted import IssueCoupons
from voucher.coupon_issues.models import CouponIssue, CouponIssueItem
from voucher.coupon_issues.native_answers import (
    CouponIssueAnswer,
    CouponIssueItemsAnswer,
    native_issue,
    native_issue_item,
    native_preview,
)
from voucher.coupon_issues.preview_issue import preview_issue
from voucher.coupon_issues.show_issue import ITEMS, show_issue, stop_issue
from voucher.coupon_issues.start_issue import start_issue

router = Router()


@router.post("/api/coupon-issues", response_model=CouponIssueAnswer)
async def start(
    request: Request,
    wanted: IssueCoupons,
    principal: CurrentPrincipal,
    session: HttpSession,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """Issue a coupon to each of many customers, or tell what that would come to."""
    language = _language(request)
    if wanted.preview:
        preview = await preview_issue(session, principal, wanted, now)
        return await idempotency.answer(native_preview(preview, now, language))
    job = await start_issue(session, principal, wanted, now)
    progress = await progress_of(session, job, CouponIssueItem)
    location = {"Location": f"/api/coupon-issues/{job.job_id}"}
    return await idempotency.answer(native_issue(progress, now, language), location)


@router.get("/api/coupon-issues/{job_id}", response_model=CouponIssueAnswer)
async def show(
    request: Request, job_id: str, principal: CurrentPrincipal, session: HttpSession, now: Now
) -> Response:
    """How far a job is."""
    progress = await show_issue(session, principal, job_id)
    return JsonAnswer(native_issue(progress, now, _language(request)))


@router.get("/api/coupon-issues/{job_id}/items", response_model=CouponIssueItemsAnswer)
async def items(
    request: Request,
    job_id: str,
    wanted: Annotated[ListJobItems, Query()],
    principal: CurrentPrincipal,
    session: HttpSession,
) -> Response:
    """What became of each item."""
    job = await find_job(session, CouponIssue, principal, job_id)
    page, following = await page_of_items(session, job, CouponIssueItem, wanted, ITEMS)
    shown = [native_issue_item(job, item, _language(request)) for item in page]
    return JsonAnswer(CouponIssueItemsAnswer(items=shown, next=following))


@router.post("/api/coupon-issues/{job_id}/stop", response_model=CouponIssueAnswer)
async def stop(
    request: Request,
    job_id: str,
    principal: CurrentPrincipal,
    session: HttpSession,
    idempotency: CurrentIdempotency,
    now: Now,
) -> Response:
    """Begin no further item."""
    progress = await stop_issue(session, principal, job_id, now)
    return await idempotency.answer(native_issue(progress, now, _language(request)))


def _language(request: Request) -> str:
    return spoken_language(request.scope["headers"], is_ours=True)
