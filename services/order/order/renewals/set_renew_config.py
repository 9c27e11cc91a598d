"""What holds for the renewals of all resources of a customer: set_resources_renew_config.

See docs/domain/resources.md H.8.
"""

from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.errors import UnknownValueError
from chassis.identity import Principal
from order.copies import Customer
from order.renewals.set_auto_renewal import hold_grant
from order.resources.ends import first_try
from order.resources.facts import resource_settings_changed
from order.resources.models import Resource
from order.resources.renewal_settings import DEDUCTION_DAYS, RenewalSettings
from wire.types import WireRequest

DAYS_BEFORE = {str(days): days for days in range(2, 8)}
UNIFIED_DAYS = {str(day): day for day in (*range(1, 29), -1)}
PORTION_RESOURCES = 500


class SetRenewConfig(WireRequest, operation="set_resources_renew_config"):
    """The body of set_resources_renew_config."""

    config_name: Literal["DEDUCTION_DATE", "EXPIRE_DATE"]
    config_value: str


async def set_renew_config(
    session: AsyncSession, principal: Principal, wanted: SetRenewConfig, now: datetime
) -> None:
    """How many days before the end renewals are tried, or on which day all of them end.

    Raises:
        UnknownValueError: the name has no such value.

    """
    values = DAYS_BEFORE if wanted.config_name == "DEDUCTION_DATE" else UNIFIED_DAYS
    value = values.get(wanted.config_value)
    if value is None:
        raise UnknownValueError("config_value", "no such value")
    customer = await hold_grant(session, principal)
    settings = await _settings(session, customer, now)
    settings.updated_at = now
    if wanted.config_name == "EXPIRE_DATE":
        settings.expire_day = value
    elif settings.deduction_days != value:
        settings.deduction_days = value
        await _try_at_other_days(session, customer, value, now)
    audit.record(
        session, principal, "renewal.configure", customer.customer_id, now,
        config_name=wanted.config_name, config_value=wanted.config_value,
    )  # fmt: skip


async def _settings(session: AsyncSession, customer: Customer, now: datetime) -> RenewalSettings:
    """The customer's row, which the first of two that set it makes."""
    key = (customer.customer_id, customer.partner_id)
    made = (
        insert(RenewalSettings)
        .values(
            customer_id=customer.customer_id,
            partner_id=customer.partner_id,
            distributor_id=customer.distributor_id,
            deduction_days=DEDUCTION_DAYS,
            updated_at=now,
        )
        .on_conflict_do_nothing()
    )
    await session.execute(made)
    return await session.get_one(RenewalSettings, key, with_for_update=True, populate_existing=True)


async def _try_at_other_days(
    session: AsyncSession, customer: Customer, days: int, now: datetime
) -> None:
    """Each automatic renewal that has not come to its first try is tried on its new day."""
    after = ""
    while True:
        found = await session.scalars(
            select(Resource)
            .where(
                Resource.customer_id == customer.customer_id,
                Resource.next_renewal_at > now,
                Resource.expire_at > now,
                Resource.resource_id > after,
            )
            .order_by(Resource.resource_id)
            .limit(PORTION_RESOURCES)
            .with_for_update(of=Resource)
            .execution_options(populate_existing=True)
        )
        portion = found.all()
        for resource in portion:
            assert resource.expire_at is not None
            resource.try_renewal_at(first_try(resource.expire_at, days, now), now)
            outbox.publish(session, resource_settings_changed(resource, now))
        if len(portion) < PORTION_RESOURCES:
            return
        after = portion[-1].resource_id
