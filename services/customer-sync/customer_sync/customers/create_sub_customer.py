"""create_sub_customer: an account for a customer, associated with its partner at once or later."""

import secrets
import string
from datetime import datetime
from typing import ClassVar, Literal

from pydantic import Field
from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, copies, outbox
from chassis.errors import BadFieldError, RefusedError
from chassis.identity import Principal
from chassis.ids import new_id
from chassis.tenancy import DISTRIBUTOR
from customer_sync.codes.verification_codes import use_code
from customer_sync.copies import Partner
from customer_sync.customers.associate_later import associate_later
from customer_sync.customers.contact_rules import (
    MAINLAND,
    NAME_LENGTH_MAX,
    is_email,
    is_login_name,
    is_mainland_mobile,
)
from customer_sync.customers.facts import customer_fact, customer_registered
from customer_sync.customers.models import AT_FIRST, REFERRAL, RESALE, RESALE_ABROAD, Customer
from customer_sync.customers.take_identity import EMAIL, MOBILE, NAME, take_identity
from customer_sync.find_partner import find_partner
from customer_sync.settings import CustomerSyncSettings
from wire.operations import CHINA, INTERNATIONAL
from wire.types import WireRequest

NAME_CHARACTERS = string.ascii_lowercase + string.digits
_RESTRICTED, _DELISTED = "restricted", "delisted"


class LoginNameTakenError(RefusedError):
    """Another account has the login name, also one of another partner."""

    code = "CBC.99000038"


class LoginNameMalformedError(RefusedError):
    """The login name does not follow the rule of docs/domain/customers.md B.2."""

    code = "CBC.99000031"


class MobileMalformedError(RefusedError):
    """Not a bare mainland number."""

    code = "CBC.5017"


class MobileTakenError(RefusedError):
    """The phone has its number of accounts (CBC.99000029 where that number is one)."""

    code = "CBC.99000030"


class EmailTakenError(RefusedError):
    """The mailbox has an account (international site)."""

    code = "CBC.99000051"


class XaccountRepeatedError(RefusedError):
    """The platform's account id has a customer already."""

    code = "CBC.99000039"


class PartnerNotAllowedError(RefusedError):
    """The partner's kind or standing does not allow new customers."""


class CreateSubCustomer(WireRequest, operation="create_sub_customer"):
    """As the China site's SDK sends it.

    A password stays in the gateway, which sends a reference in its place.
    """

    xaccount_id: str
    xaccount_type: str
    domain_name: str | None = None
    mobile_phone: str | None = None
    verification_code: str | None = None
    password: None = None
    credential_ref: str | None = Field(default=None, max_length=64)
    is_close_market_ms: Literal["true", "false"] = "false"
    cooperation_type: str | None = None
    indirect_partner_id: str | None = None
    include_association_result: bool = False  # the answer waits for the association

    email: ClassVar[None] = None
    domain_area: ClassVar[None] = None

    @property
    def receiver(self) -> str | None:
        """The phone that the code must prove."""
        return self.mobile_phone or None

    @property
    def association_type(self) -> str:
        """Anything but "1" makes a resale customer (docs/domain/customers.md B.2)."""
        return REFERRAL if self.cooperation_type == REFERRAL else RESALE


class CreateSubCustomerAbroad(WireRequest, operation="create_sub_customer", site=INTERNATIONAL):
    """As the international site's SDK sends it: a mailbox and a country.

    See docs/domain/international-site.md D.4b.
    """

    xaccount_id: str
    xaccount_type: str
    domain_area: str = Field(pattern=r"^[A-Z]{2}$")  # ISO 3166
    domain_name: str | None = None
    email: str | None = None
    verification_code: str | None = None
    password: None = None
    credential_ref: str | None = Field(default=None, max_length=64)
    is_close_market_ms: Literal["true", "false"] = "false"
    indirect_partner_id: str | None = None
    include_association_result: bool = False

    mobile_phone: ClassVar[None] = None
    association_type: ClassVar[str] = RESALE_ABROAD

    @property
    def receiver(self) -> str | None:
        """The mailbox that the code must prove."""
        return self.email.lower() if self.email else None


AnyNewCustomer = CreateSubCustomer | CreateSubCustomerAbroad


def check_fields(new: AnyNewCustomer) -> None:
    """The rules of docs/domain/customers.md B.2 that need no look at others' accounts.

    Raises:
        LoginNameMalformedError, MobileMalformedError, BadFieldError

    """
    if new.domain_name is not None and not is_login_name(new.domain_name):
        raise LoginNameMalformedError
    if new.mobile_phone and not is_mainland_mobile(new.mobile_phone):
        raise MobileMalformedError
    if new.email and not is_email(new.email):
        raise BadFieldError("email", "a mailbox with an @")
    if new.receiver and new.verification_code is None:
        raise BadFieldError("verification_code", "needed with a phone or mailbox")


async def create_sub_customer(
    session: AsyncSession,
    principal: Principal,
    new: AnyNewCustomer,
    settings: CustomerSyncSettings,
    now: datetime,
    wall_now: datetime,
) -> Customer:
    """Make the account and associate it; states `customer.registered`, `customer.associated`.

    With `association_delay_seconds` the customer is pending, and associated by the schedule.

    The fields and the code were checked before (`check_fields`, `try_code`); the code is spent.

    Raises:
        PartnerNotAllowedError, NotOwnResellerError, LoginNameTakenError, MobileTakenError,
        EmailTakenError, XaccountRepeatedError, CodeExpiredError

    """
    partner = await find_partner(session, principal, new.indirect_partner_id)
    await check_partner(session, partner)
    if new.receiver and new.verification_code:
        await use_code(
            session, settings.keys, principal.id, new.receiver, new.verification_code, wall_now
        )
    return await add_customer(session, principal, partner, new, settings, now)


async def add_customer(
    session: AsyncSession,
    principal: Principal,
    partner: Partner,
    new: AnyNewCustomer,
    settings: CustomerSyncSettings,
    now: datetime,
    **described: str | None,
) -> Customer:
    """The account and its association; `described` is what the partner says of it."""
    customer = _customer(partner, new, new.domain_name or _random_name(), now)
    for field, value in described.items():
        setattr(customer, field, value)
    await open_account(session, principal, customer, new.credential_ref, settings, now)
    return customer


async def open_account(
    session: AsyncSession,
    principal: Principal,
    customer: Customer,
    credential_ref: str | None,
    settings: CustomerSyncSettings,
    now: datetime,
) -> None:
    """Take its name, phone and mailbox, register it and associate it.

    Raises:
        LoginNameTakenError, MobileTakenError, EmailTakenError, XaccountRepeatedError

    """
    await check_xaccount(session, customer.xaccount_type, customer.xaccount_id)
    try:
        await _take_identities(session, customer, settings.mobile_accounts_max)
    except (LoginNameTakenError, MobileTakenError, EmailTakenError):
        # Taken by the first of two equal requests, for whose end this one has just waited?
        await check_xaccount(session, customer.xaccount_type, customer.xaccount_id)
        raise
    session.add(customer)
    await _insert(session)
    registered = customer_registered(customer, now, credential_ref)
    outbox.publish(session, registered)
    if settings.association_delay_seconds:
        associate_later(session, customer, settings.association_delay_seconds, now)
    else:
        outbox.publish(session, customer_fact(customer.associate(now), customer, now))
    name = customer.account_name
    audit.record(session, principal, "customer.create", customer.id, now, account_name=name)
    await session.flush()


def made_for(xaccount_type: str | None, xaccount_id: str | None) -> ColumnElement[bool]:
    """The account made here for a platform's one; in the words of the index that finds it."""
    return and_(
        Customer.xaccount_type == xaccount_type,
        Customer.xaccount_id == xaccount_id,
        ~Customer.mirrored,  # IS false would read a million rows
    )


async def check_xaccount(
    session: AsyncSession, xaccount_type: str | None, xaccount_id: str | None
) -> None:
    """A retry hears first that the account is there, not that its name is.

    See docs/domain/worked-examples.md F.7.

    Only of accounts that the caller may see; of all it is the index that refuses.

    Raises:
        XaccountRepeatedError

    """
    if xaccount_id is None:  # not made by a platform
        return
    known = select(Customer.id).where(made_for(xaccount_type, xaccount_id))
    if await session.scalar(known.limit(1)) is not None:
        raise XaccountRepeatedError


async def check_partner(session: AsyncSession, partner: Partner) -> None:
    """Who may bring customers (docs/domain/partners.md B.1)."""
    if partner.kind == DISTRIBUTOR:
        raise PartnerNotAllowedError(code="CBC.50010059")
    if partner.is_test_account:
        raise PartnerNotAllowedError(code="CBC.99005035")
    if partner.status == _RESTRICTED:
        raise PartnerNotAllowedError(code="CBC.50010085")
    if partner.distributor_id is None:
        return
    distributor = await copies.find(session, Partner, partner.distributor_id)
    if distributor is not None and distributor.status == _DELISTED:
        raise PartnerNotAllowedError(code="CBC.50010065")
    if distributor is not None and distributor.status == _RESTRICTED:
        raise PartnerNotAllowedError(code="CBC.50010086")


def _random_name() -> str:
    first = secrets.choice(string.ascii_lowercase)
    rest = (secrets.choice(NAME_CHARACTERS) for _ in range(NAME_LENGTH_MAX - 1))
    return first + "".join(rest)


async def _take_identities(session: AsyncSession, new: Customer, mobile_accounts: int) -> None:
    if not await take_identity(session, NAME, new.account_name, 1):
        raise LoginNameTakenError
    if new.mobile and not await take_identity(session, MOBILE, new.mobile, mobile_accounts):
        raise MobileTakenError(code="CBC.99000029" if mobile_accounts == 1 else None)
    if new.email and not await take_identity(session, EMAIL, new.email, 1):
        raise EmailTakenError


def _customer(partner: Partner, new: AnyNewCustomer, name: str, now: datetime) -> Customer:
    return Customer(
        id=new_id(),
        partner_id=partner.id,
        distributor_id=partner.distributor_id,
        site=partner.site,
        currency=partner.currency,
        account_name=name,
        xaccount_id=new.xaccount_id,
        xaccount_type=new.xaccount_type,
        association_type=new.association_type,
        mobile=new.mobile_phone or None,
        country_code=MAINLAND if new.mobile_phone else None,
        email=new.email,
        domain_area=new.domain_area,
        closes_market_messages=new.is_close_market_ms == "true",
        registered_at=now,
        **AT_FIRST,
    )


async def _insert(session: AsyncSession) -> None:
    """The index decides who was first, also when two ask at once."""
    try:
        await session.flush()
    except IntegrityError as error:
        if "customers_xaccount" in str(error.orig):
            raise XaccountRepeatedError from error
        raise


def model_of(site: str) -> type[CreateSubCustomer] | type[CreateSubCustomerAbroad]:
    """The request as the site speaks it."""
    return CreateSubCustomer if site == CHINA else CreateSubCustomerAbroad
