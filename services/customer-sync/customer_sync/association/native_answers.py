"""What the native API shows of applications to unlink or to switch a customer."""

from datetime import datetime

from customer_sync.association.models import AssociationApplication
from wire.native import NativeAnswer


class ApplicationAnswer(NativeAnswer):
    """An application, and what became of it."""

    application_id: str
    customer_id: str
    partner_id: str
    kind: str
    association_type: str | None
    applied_by: str
    status: str
    applied_at: datetime
    decided_at: datetime | None
    version: int


class ApplicationsAnswer(NativeAnswer):
    """A page of applications; `next` goes into `after`, null on the last page."""

    applications: list[ApplicationAnswer]
    next: str | None


def native_application(application: AssociationApplication) -> ApplicationAnswer:
    """The application as it is."""
    return ApplicationAnswer.of(application, application_id=application.id)
