"""The proof of a large ledger is linear (decisions 0122 and 0159)."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from testkit.clock import StandingClock
from testkit.databases import ServiceDatabase
from tests.voucher.builders import NOW, PARTNER, VoucherDoor
from voucher.app import build
from voucher.settings import VoucherSettings

pytestmark = pytest.mark.postgres

QUOTAS = 5_000
STATEMENT_SECONDS_MAX = 5  # a loop over both tables takes minutes

# Each quota was granted 100.00 and gave nine coupons of 10.00.
_LEDGER = f"""
SET LOCAL session_replication_role = replica;
CREATE TEMP TABLE granted ON COMMIT DROP AS
    SELECT 'quota-' || n AS id, 'customer-' || n AS customer_id
    FROM generate_series(1, {QUOTAS}) AS n;
CREATE TEMP TABLE issued ON COMMIT DROP AS
    SELECT id AS quota_id, customer_id, id || '-' || k AS id
    FROM granted, generate_series(1, 9) AS k;
INSERT INTO customers (customer_id, partner_id, association_type, association_status,
                       financial_custody, version)
    SELECT customer_id, 'sp', '2', 'associated', false, 1 FROM granted;
INSERT INTO quotas (id, partner_id, quota_type, quota_status, site, currency, quota_value, balance,
                    effective_at, expire_at, limits, created_at, updated_at, version)
    SELECT id, 'sp', 0, 0, 'china', 'CNY', 100, 10, now(), now() + interval '1 year',
           jsonb_build_object(), now(), now(), 1
    FROM granted;
INSERT INTO coupons (id, quota_id, partner_id, customer_id, coupon_type, status, is_frozen, site,
                     currency, face_value, balance, reserved_amount, returned_amount, limits,
                     effective_at, expire_at, created_at, version)
    SELECT id, quota_id, 'sp', customer_id, 1, 2, false, 'china', 'CNY', 10, 10, 0, 0,
           jsonb_build_object(), now(), now() + interval '1 year', now(), 1
    FROM issued;
INSERT INTO movements (id, kind, partner_id, quota_id, coupon_id, at)
    SELECT 'm-' || id, 'granted', 'sp', id, NULL, now() FROM granted
    UNION ALL
    SELECT 'm-' || id, 'issued', 'sp', quota_id, id, now() FROM issued;
INSERT INTO postings (movement_id, partner_id, account_kind, account_id, currency, amount)
    SELECT 'm-' || id, 'sp', kind, CASE kind WHEN 'quota' THEN id ELSE 'sp' END, 'CNY', amount
    FROM granted, (VALUES ('vendor', -100), ('quota', 100)) AS sides (kind, amount)
    UNION ALL
    SELECT 'm-' || id, 'sp', kind, CASE kind WHEN 'quota' THEN quota_id ELSE id END, 'CNY', amount
    FROM issued, (VALUES ('quota', -10), ('coupon', 10)) AS sides (kind, amount);
ANALYZE customers, quotas, coupons, movements, postings
"""


@pytest.fixture
async def hurried(service_store: ServiceDatabase) -> AsyncIterator[VoucherDoor]:
    """The service, whose statements end after some seconds."""
    settings = service_store.settings(VoucherSettings)
    hurry = {"statement_timeout_seconds": STATEMENT_SECONDS_MAX}
    app = build(settings.model_copy(update=hurry), StandingClock(NOW))
    async with VoucherDoor.of(app, PARTNER) as door:
        yield door
    await app.parts.database.close()


async def test_a_ledger_of_100000_postings_is_proven_in_seconds(
    hurried: VoucherDoor,
) -> None:
    """Break: ask in the request's role, and leave `read_tables_once` out of the proof."""
    async with hurried.database.transaction() as session:
        for statement in _LEDGER.split(";"):
            await session.execute(text(statement))
    proof = await hurried.proof()
    (totals,) = proof["totals"]
    assert (totals["granted"], totals["in_coupons"]) == ("500000.00", "450000.00")
    assert proof["balanced"] is True, proof["differences"][:3]
