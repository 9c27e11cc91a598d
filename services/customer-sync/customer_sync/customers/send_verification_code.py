"""send_verification_message_code: prove a phone (China) or a mailbox (international site)."""

from datetime import datetime
from typing import ClassVar, Literal

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import BadFieldError, RefusedError, UnknownValueError
from chassis.identity import Principal
from customer_sync.codes.code_senders import CodeMessage
from customer_sync.codes.verification_codes import (
    BANK_CARD,
    REGISTRATION,
    expiry,
    issue_code,
    pause_between_codes,
)
from customer_sync.customers.contact_rules import is_email, is_mainland_mobile
from customer_sync.customers.models import UNLINKED, Customer
from customer_sync.settings import CustomerSyncSettings
from wire.operations import INTERNATIONAL
from wire.times import format_instant
from wire.types import WireRequest

LANGUAGES = ("zh-cn", "en-us")


class SendVerificationCode(WireRequest, operation="send_verification_message_code"):
    """As the China site's SDK sends it."""

    receiver_type: Literal[1]
    mobile_phone: str
    timeout: int | None = None  # minutes
    lang: str = LANGUAGES[0]
    scene: Literal[18, 29] = 29
    customer_id: str | None = None

    @property
    def receiver(self) -> str:
        """The phone."""
        if not is_mainland_mobile(self.mobile_phone):
            raise BadFieldError("mobile_phone", "a mainland number of 11 digits")
        return self.mobile_phone


class SendVerificationCodeAbroad(
    WireRequest, operation="send_verification_message_code", site=INTERNATIONAL
):
    """As the international site's SDK sends it (docs/domain/international-site.md D.4b)."""

    receiver_type: Literal[2]
    email: str
    timeout: int | None = None  # minutes
    lang: str = LANGUAGES[0]

    scene: ClassVar[int] = REGISTRATION
    customer_id: ClassVar[None] = None

    @property
    def receiver(self) -> str:
        """The mailbox."""
        if not is_email(self.email):
            raise BadFieldError("email", "a mailbox with an @")
        return self.email.lower()


class NotYourCustomerError(RefusedError):
    """Somebody else's customer, or nobody's."""

    code = "CBC.99000035"


async def send_verification_code(
    session: AsyncSession,
    principal: Principal,
    wanted: SendVerificationCode | SendVerificationCodeAbroad,
    settings: CustomerSyncSettings,
    now: datetime,
) -> CodeMessage:
    """Issue a code in place of an older one; the caller sends the message after the commit.

    Raises:
        BadFieldError: no such phone or mailbox, or scene 18 without its customer.
        NotYourCustomerError: scene 18 for somebody else's customer.
        CodeTooSoonError: the receiver was sent a code a moment ago.

    """
    if wanted.lang.lower() not in LANGUAGES:
        raise UnknownValueError("lang")
    receiver = wanted.receiver
    if wanted.scene == BANK_CARD:
        await _check_customer(session, principal, wanted.customer_id)
    expires_at = expiry(now, wanted.timeout)
    pause = settings.verification_pause_seconds
    await pause_between_codes(session, receiver, pause, now)
    code = await issue_code(
        session, settings.keys, principal.id, wanted.scene, receiver, expires_at, now
    )
    return CodeMessage(
        receiver=receiver,
        code=code,
        scene=wanted.scene,
        language=wanted.lang.lower(),
        expires_at=format_instant(expires_at),
    )


async def _check_customer(
    session: AsyncSession, principal: Principal, customer_id: str | None
) -> None:
    if not customer_id:
        raise BadFieldError("customer_id", "needed for scene 18")
    customer = await session.get(Customer, customer_id)
    owners = (customer.partner_id, customer.distributor_id) if customer else ()
    if customer is None or principal.id not in owners or customer.association_status == UNLINKED:
        raise NotYourCustomerError
