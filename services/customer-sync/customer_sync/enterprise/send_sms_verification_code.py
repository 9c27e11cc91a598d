"""send_sms_verification_code: prove the phone of a member that a master is about to make."""

from datetime import datetime, timedelta

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import BadFieldError, UnknownValueError
from chassis.identity import Principal
from customer_sync.codes.code_senders import CodeMessage
from customer_sync.codes.verification_codes import ENTERPRISE_MEMBER, pause_between_codes
from customer_sync.customers.contact_rules import is_mainland_mobile
from customer_sync.customers.send_verification_code import LANGUAGES
from customer_sync.enterprise.find_master import find_master
from customer_sync.enterprise.member_codes import issue_member_code
from customer_sync.settings import CustomerSyncSettings
from wire.times import format_instant
from wire.types import WireRequest

TIMEOUT_MINUTES = 10
TEMPLATE_ARGS_MAX = 10
SUB_CUSTOMER_NAME = "sub_customer_name"  # the one variable of the message


class TemplateArg(WireRequest):
    """A variable of the message and its value."""

    key: str
    value: str


class SendSmsVerificationCode(WireRequest, operation="send_sms_verification_code"):
    """The body."""

    mobile_phone: str
    timeout: int = TIMEOUT_MINUTES  # minutes
    language: str = LANGUAGES[0]
    sm_template_args: list[TemplateArg] = Field(max_length=TEMPLATE_ARGS_MAX)


async def send_sms_verification_code(
    session: AsyncSession,
    principal: Principal,
    wanted: SendSmsVerificationCode,
    settings: CustomerSyncSettings,
    now: datetime,
) -> CodeMessage:
    """Issue a code in place of an older one; the caller sends the message after the commit.

    Raises:
        WrongPrincipalError: no enterprise master.
        BadFieldError: no such phone.
        UnknownValueError: another language, or a variable that the message does not have.
        CodeTooSoonError: the phone was sent a code a moment ago.

    """
    master = await find_master(session, principal)
    if not is_mainland_mobile(wanted.mobile_phone):
        raise BadFieldError("mobile_phone", "a mainland number of 11 digits")
    if wanted.language.lower() not in LANGUAGES:
        raise UnknownValueError("language")
    for index, arg in enumerate(wanted.sm_template_args):
        if arg.key != SUB_CUSTOMER_NAME:
            raise UnknownValueError(f"sm_template_args[{index}].key")
    expires_at = now + timedelta(minutes=wanted.timeout)
    mobile = wanted.mobile_phone
    await pause_between_codes(session, mobile, settings.verification_pause_seconds, now)
    code = await issue_member_code(session, settings.keys, master, mobile, expires_at, now)
    return CodeMessage(
        receiver=wanted.mobile_phone,
        code=code,
        scene=ENTERPRISE_MEMBER,
        language=wanted.language.lower(),
        expires_at=format_instant(expires_at),
        sub_customer_name=wanted.sm_template_args[0].value,
    )
