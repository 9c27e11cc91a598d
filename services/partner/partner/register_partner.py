"""Register a partner account: the administrator's command, with which everything else begins."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.errors import BadFieldError, RefusedError, UnknownValueError
from chassis.identity import Principal
from chassis.ids import new_id
from partner.facts import partner_joined
from partner.models import (
    DELISTED,
    DISTRIBUTOR,
    RESELLER,
    RESTRICTED,
    Partner,
)
from wire.types import Instant, WireRequest
from wire.vocabulary import CURRENCY_OF_SITE

# letters first, as for customers (docs/domain/customers.md B.2)
ACCOUNT_NAME = r"^[A-Za-z_-][A-Za-z0-9_-]*$"


class AccountManager(BaseModel):
    """Who at the distributor looks after a reseller."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    id: str = Field(min_length=1, max_length=64)
    name: str = Field(min_length=1, max_length=64)


class RegisterPartner(WireRequest):
    """What a partner account starts with.

    `partner_id` may be given, so that a connected deployment carries its upstream's; currency
    follows the site; a reseller names its distributor and has that one's site.
    """

    partner_id: str | None = Field(None, pattern=r"^[0-9a-f]{32}$")
    distributor_id: str | None = Field(None, pattern=r"^[0-9a-f]{32}$")
    name: str = Field(min_length=1, max_length=128)
    account_name: str = Field(min_length=2, max_length=64, pattern=ACCOUNT_NAME)
    kind: Literal["solution_provider", "distributor", "reseller", "government"]
    site: Literal["china", "international"] | None = None
    status: Literal["active", "restricted", "delisted"] = "active"
    coupon_mode: Literal["issue_to_customers", "use_vouchers"] = "issue_to_customers"
    is_test_account: bool = False
    verification_enabled: bool = False
    mobile: str | None = Field(None, pattern=r"^\+?[0-9-]{3,20}$")
    email: str | None = Field(None, max_length=128, pattern=r"^[^@\s]+@[^@\s]+$")
    account_manager: AccountManager | None = None
    joined_on: Instant | None = None


class AccountNameInUseError(RefusedError):
    """Another partner account has this account name."""

    code = "CBC.99000038"


class PartnerExistsError(RefusedError):
    """There is an account with the given partner_id."""

    code = "CHB.0409"


class DistributorRestrictedError(RefusedError):
    """A restricted distributor gets no new resellers."""

    code = "CBC.50010086"


class DistributorDelistedError(RefusedError):
    """A distributor that left the programme gets no new resellers."""

    code = "CBC.50010065"


async def register_partner(
    session: AsyncSession, administrator: Principal, new: RegisterPartner, now: datetime
) -> Partner:
    """Register the account and tell the other services.

    Raises:
        BadFieldError, UnknownValueError: the fields contradict each other.
        AccountNameInUseError, PartnerExistsError: the name or the id is taken.
        DistributorRestrictedError, DistributorDelistedError: by the state of the one above.

    """
    if new.joined_on is not None and new.joined_on > now:
        raise BadFieldError("joined_on", "is in the future")
    site = await _site_of(session, new)
    await _refuse_if_taken(session, new)

    manager = new.account_manager
    partner = Partner(
        **new.model_dump(exclude={"partner_id", "site", "account_manager", "joined_on"}),
        partner_id=new.partner_id or new_id(),
        site=site,
        currency=CURRENCY_OF_SITE[site],
        account_manager_id=manager.id if manager else None,
        account_manager_name=manager.name if manager else None,
        joined_on=new.joined_on or now,
        version=1,
    )
    session.add(partner)
    await _flush_unless_taken(session)
    audit.record(
        session, administrator, "partner.register", partner.partner_id, now, kind=partner.kind
    )
    outbox.publish(session, partner_joined(partner, now))
    return partner


async def _site_of(session: AsyncSession, new: RegisterPartner) -> str:
    """The site asked for, or the distributor's, which must be there for a reseller alone."""
    if new.kind != RESELLER:
        if new.distributor_id is not None:
            raise BadFieldError("distributor_id", "only a reseller belongs to a distributor")
        return new.site or "china"
    if new.distributor_id is None:
        raise BadFieldError("distributor_id", "a reseller belongs to one distributor")
    above = await session.get(Partner, new.distributor_id)
    if above is None or above.kind != DISTRIBUTOR:
        raise UnknownValueError("distributor_id", "no such distributor")
    if above.status == RESTRICTED:
        raise DistributorRestrictedError
    if above.status == DELISTED:
        raise DistributorDelistedError
    if new.site not in (None, above.site):
        raise UnknownValueError("site", "a reseller is of its distributor's site")
    return above.site


async def _refuse_if_taken(session: AsyncSession, new: RegisterPartner) -> None:
    if new.partner_id is not None and await session.get(Partner, new.partner_id) is not None:
        raise PartnerExistsError("partner_id")
    named = select(Partner.partner_id).where(Partner.account_name == new.account_name)
    if await session.scalar(named) is not None:
        raise AccountNameInUseError(new.account_name)


async def _flush_unless_taken(session: AsyncSession) -> None:
    """Two registrations at once both found name and id free: the database lets one of them in."""
    try:
        await session.flush()
    except IntegrityError as error:
        if "partners_account_name" in str(error.orig):
            raise AccountNameInUseError from error
        if "partners_pkey" in str(error.orig):
            raise PartnerExistsError("partner_id") from error
        raise
