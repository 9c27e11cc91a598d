"""What the native API shows of applications for test coupons."""

from datetime import datetime

from voucher.applications.models import Application
from wire.native import Money, NativeAnswer


class ApplicationAnswer(NativeAnswer):
    """An application as it is at the moment."""

    application_id: str
    partner_id: str
    solution_id: str
    # "pending" | "issued" | "rejected" | "withdrawn"; "approved": before coupons were issued
    status: str
    currency: str
    amount: Money
    approved_amount: Money | None
    coupon_id: str | None
    resource_list_url: str
    remark: str | None
    reason: str | None
    created_at: datetime
    decided_at: datetime | None
    version: int


class ApplicationsAnswer(NativeAnswer):
    """A page of applications; `next` goes into `after` for the next page, null on the last one."""

    applications: list[ApplicationAnswer]
    next: str | None


def native_application(application: Application) -> ApplicationAnswer:
    """The application."""
    return ApplicationAnswer.of(application, application_id=application.id)
