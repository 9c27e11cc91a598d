"""Billing in this process, on a database of its own for each test."""

from collections.abc import AsyncIterator

import pytest

from billing.settings import BillingSettings
from chassis import copies
from chassis.database import Database
from testkit.databases import ServiceDatabase, service_database
from tests.billing.builders import (
    DISTRIBUTOR,
    OTHER_CUSTOMER,
    OTHER_PARTNER,
    REFERRAL,
    RESELLER,
    RESELLERS_CUSTOMER,
    Caller,
    customer,
    deliver,
    partner_joined,
    running,
)

billing_database = service_database("billing")


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
async def caller(
    settings: BillingSettings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Caller]:
    """A service that knows two partners, a distributor with a reseller, and their customers."""
    monkeypatch.setattr(copies, "WAIT_SECONDS", 0.1)  # nothing is under way in most tests
    await deliver(
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
    async with running(settings) as found:
        yield found
