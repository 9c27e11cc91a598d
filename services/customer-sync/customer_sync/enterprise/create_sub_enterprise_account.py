"""create_sub_enterprise_account: a master makes a member, a customer of the master's partner."""

from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from pydantic import Field, model_validator
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import copies
from chassis.errors import BadFieldError, OutsideError, RefusedError
from chassis.identity import Principal
from chassis.ids import new_id
from customer_sync.copies import Partner
from customer_sync.customers.contact_rules import MAINLAND, is_login_name, is_mainland_mobile
from customer_sync.customers.create_sub_customer import (
    LoginNameMalformedError,
    MobileMalformedError,
    check_partner,
    open_account,
)
from customer_sync.customers.models import ASSOCIATED, AT_FIRST, Customer
from customer_sync.enterprise.find_master import find_master, find_organization
from customer_sync.enterprise.member_codes import use_member_code
from customer_sync.enterprise.models import NORMAL, Member
from customer_sync.settings import CustomerSyncSettings
from wire.operations import Operation
from wire.types import WireRequest

PERMISSIONS_MAX = 100
SHOWS_CONSUMPTION = "READ_CONSUME_BILL"
CUSTODY_PERMISSIONS = ["READ_FINANCE_INFO", SHOWS_CONSUMPTION, "SHARE-BIZ-DISCOUNT-TO-SUB"]
_MEMBER, _PASSWORD = "new_sub_customer", "password"


class MasterNotAssociatedError(RefusedError):
    """The master has left its partner; to whom a member would belong is not known."""

    code = "CBC.0155"


class MasterWithoutPhoneError(RefusedError):
    """The member was to have its master's phone, and the master has none."""

    code = "CBC.0155"


class NewMember(WireRequest):
    """The member's account.

    A password stays in the gateway, which sends a reference in its place.
    """

    customer_name: str
    mobile_phone: str | None = None
    use_pri_mobile_phone: Literal["Y", "N"] = "N"
    verification_code: str | None = None
    password: None = None
    credential_ref: str | None = Field(default=None, max_length=64)

    @model_validator(mode="before")
    @classmethod
    def _leave_out_blanks(cls, data: Any) -> Any:
        """An empty text here means that nothing was given; the table refused the others."""
        return {k: v for k, v in data.items() if v != ""} if isinstance(data, dict) else data

    @property
    def proves(self) -> str | None:
        """The phone that the code must prove; with the master's own there is none."""
        return self.mobile_phone if self.use_pri_mobile_phone == "N" else None


class CreateSubEnterpriseAccount(WireRequest, operation="create_sub_enterprise_account"):
    """The body."""

    party_id: str = Field(pattern=r"\A[0-9]+\Z")
    display_name: str = ""
    sub_customer_association_type: Literal[1]  # the same legal entity; there is no other
    permission_ids: list[str] = Field(default_factory=list, max_length=PERMISSIONS_MAX)
    new_sub_customer: NewMember
    financial_custody: Literal[0, 1] = 0

    @classmethod
    def _row(cls) -> Operation | None:
        """The table's row as the gateway leaves it: a reference where the password was."""
        row = super()._row()
        assert row is not None
        assert row.body is not None
        return replace(row, body=tuple(map(_without_password, row.body)))


def _without_password(field: Any) -> Any:
    if field.name != _MEMBER:
        return field
    kept = tuple(part for part in field.fields if part.name != _PASSWORD)
    return replace(field, fields=kept)


def check_fields(wanted: CreateSubEnterpriseAccount) -> None:
    """The rules that need no look at others' accounts.

    Raises:
        LoginNameMalformedError, MobileMalformedError, BadFieldError

    """
    new = wanted.new_sub_customer
    if new.credential_ref is None:
        raise BadFieldError(f"{_MEMBER}.{_PASSWORD}", "missing")
    if not is_login_name(new.customer_name):
        raise LoginNameMalformedError
    if new.use_pri_mobile_phone == "Y":
        return
    if new.mobile_phone is None:
        raise BadFieldError(f"{_MEMBER}.mobile_phone", "needed unless it is the master's")
    if not is_mainland_mobile(new.mobile_phone):
        raise MobileMalformedError
    if new.verification_code is None:
        raise BadFieldError(f"{_MEMBER}.verification_code", "needed with a phone")


async def create_sub_enterprise_account(
    session: AsyncSession,
    principal: Principal,
    wanted: CreateSubEnterpriseAccount,
    settings: CustomerSyncSettings,
    now: datetime,
    wall_now: datetime,
) -> Customer:
    """Make the account, associate it as its master is; as create_sub_customer states it.

    The fields and the code were checked before (`check_fields`, `try_member_code`); the code is
    spent.

    Raises:
        WrongPrincipalError: no enterprise master.
        ForeignOrganizationError: `party_id` is not the caller's.
        MasterNotAssociatedError, MasterWithoutPhoneError, PartnerNotAllowedError,
        LoginNameTakenError, MobileTakenError, CodeExpiredError

    """
    master = await find_master(session, principal, lock=True)
    if master.association_status != ASSOCIATED:
        raise MasterNotAssociatedError
    organization = await find_organization(session, master, wanted.party_id)
    partner = await copies.find(session, Partner, master.partner_id)
    if partner is None:
        raise OutsideError("the partner account is not known here yet")
    await check_partner(session, partner)
    new = wanted.new_sub_customer
    if new.proves and new.verification_code:
        await use_member_code(
            session, settings.keys, master, new.proves, new.verification_code, wall_now
        )
    customer = _customer(master, wanted, now)
    await open_account(session, principal, customer, new.credential_ref, settings, now)
    session.add(_member(customer, wanted, organization.id, now))
    return customer


def _customer(master: Customer, wanted: CreateSubEnterpriseAccount, now: datetime) -> Customer:
    new = wanted.new_sub_customer
    mobile = new.proves or master.mobile
    if mobile is None:
        raise MasterWithoutPhoneError("the master has no phone")
    return Customer(
        id=new_id(),
        partner_id=master.partner_id,
        distributor_id=master.distributor_id,
        site=master.site,
        currency=master.currency,
        account_name=new.customer_name,
        association_type=master.association_type,
        mobile=mobile,
        country_code=MAINLAND,
        domain_area=master.domain_area,
        closes_market_messages=False,
        registered_at=now,
        **{
            **AT_FIRST,
            "enterprise_master_id": master.id,
            "financial_custody": wanted.financial_custody == 1,
            "shows_consumption": wanted.financial_custody == 1
            or SHOWS_CONSUMPTION in wanted.permission_ids,
        },
    )


def _member(
    customer: Customer, wanted: CreateSubEnterpriseAccount, organization_id: str, now: datetime
) -> Member:
    assert customer.enterprise_master_id is not None
    return Member(
        customer_id=customer.id,
        partner_id=customer.partner_id,
        distributor_id=customer.distributor_id,
        master_id=customer.enterprise_master_id,
        organization_id=organization_id,
        display_name=wanted.display_name,
        permission_ids=CUSTODY_PERMISSIONS if customer.financial_custody else wanted.permission_ids,
        status=NORMAL,
        joined_at=now,
        left_at=None,
    )
