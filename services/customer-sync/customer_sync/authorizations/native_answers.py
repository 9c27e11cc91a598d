"""What the native API shows of customers' grants to their partners."""

from datetime import datetime

from customer_sync.authorizations.models import Authorization
from wire.native import NativeAnswer


class AuthorizationAnswer(NativeAnswer):
    """A grant, asked for, given or ended."""

    authorization_id: str
    customer_id: str
    partner_id: str
    status: str
    requested_at: datetime
    decided_at: datetime | None
    ended_at: datetime | None
    version: int


class AuthorizationsAnswer(NativeAnswer):
    """A page of grants; `next` goes into `after`, null on the last page."""

    authorizations: list[AuthorizationAnswer]
    next: str | None


def native_authorization(authorization: Authorization) -> AuthorizationAnswer:
    """The grant as it is."""
    return AuthorizationAnswer.of(authorization, authorization_id=authorization.id)
