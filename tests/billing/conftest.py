"""Billing in this process, on a database of its own for each test."""

from collections.abc import AsyncIterator

import pytest

from billing.settings import BillingSettings
from chassis.database import Database
from testkit.databases import ServiceDatabase, service_database
from tests.billing.builders import (
    DISTRIBUTOR,
    OTHER_CUSTOMER,
    OTHER_PARTNER,
    REFERRAL,
    RESELLER,
    RESELLERS_CUSTOMER,
    BillingDoor,
    customer,
    hear,
    partner_joined,
    running,
)


async def know_parties(database: Database) -> None:
    """Two partners, a distributor with a reseller, and their customers."""
    await hear(
        database,
        partner_joined(),
        partner_joined(OTHER_PARTNER),
        partner_joined(DISTRIBUTOR, kind="distributor"),
        partner_joined(RESELLER, kind="reseller", distributor_id=DISTRIBUTOR),
        customer(),
        customer(customer_id=OTHER_CUSTOMER),
        customer(customer_id=REFERRAL, association_type="1"),
        customer(customer_id=RESELLERS_CUSTOMER, partner_id=RESELLER, distributor_id=DISTRIBUTOR),
    )


billing_database = service_database("billing", know_parties)


@pytest.fixture
def settings(billing_database: ServiceDatabase) -> BillingSettings:
    return billing_database.settings(BillingSettings)


@pytest.fixture
async def database(settings: BillingSettings) -> AsyncIterator[Database]:
    """The test's database, beside the service's own pool."""
    found = Database(settings, "billing")
    yield found
    await found.close()


@pytest.fixture
async def door(settings: BillingSettings) -> AsyncIterator[BillingDoor]:
    """The service, its clock standing still."""
    async with running(settings) as found:
        yield found
