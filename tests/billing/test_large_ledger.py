"""The proof of a large ledger is linear, also behind row-level security (decision 0122)."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from billing.settings import BillingSettings
from chassis.database import Database
from testkit.databases import ServiceDatabase
from tests.billing.builders import BillingDoor, prove, running

pytestmark = pytest.mark.postgres

OWNERS = 10_000
STATEMENT_SECONDS_MAX = 5  # a loop over both tables takes minutes

# Each owner was given 10.00, paid three lines of 1.00, owes a fourth, and 1.00 is held.
_LEDGER = f"""
SET LOCAL session_replication_role = replica;
CREATE TEMP TABLE owners ON COMMIT DROP AS
    SELECT 'owner-' || n AS id FROM generate_series(1, {OWNERS}) AS n;
CREATE TEMP TABLE charges ON COMMIT DROP AS
    SELECT id, k, 'charge-' || id || '-' || k AS movement_id
    FROM owners, generate_series(1, 4) AS k;
INSERT INTO accounts (account_id, owner_id, owner_kind, account_type, partner_id, site, currency,
                      balance, held, designated_amount, version)
    SELECT id || '-' || kind, id, 'customer', kind, 'partner-1', 'china', 'CNY', balance, held, 0, 1
    FROM owners, (VALUES (1, 7, 1), (101, 4, 0), (102, -10, 0), (104, -1, 0))
        AS kinds (kind, balance, held);
INSERT INTO movements (movement_id, at, reason, partner_id, customer_id, site, currency, amount)
    SELECT 'gift-' || id, now(), 'SOURCE_OPERAIION_RECHARGE', 'partner-1', id, 'china', 'CNY', 10
    FROM owners
    UNION ALL
    SELECT movement_id, now(), 'SOURCE_OPERAIION_USAGE', 'partner-1', id, 'china', 'CNY', 1
    FROM charges;
INSERT INTO postings (movement_id, account_id, partner_id, amount, balance_after)
    SELECT 'gift-' || id, id || kind, 'partner-1', amount, 0
    FROM owners, (VALUES ('-1', 10), ('-102', -10)) AS sides (kind, amount)
    UNION ALL
    SELECT movement_id, id || CASE WHEN amount > 0 THEN '-101' WHEN k = 4 THEN '-104' ELSE '-1' END,
           'partner-1', amount, 0
    FROM charges, (VALUES (1), (-1)) AS sides (amount);
INSERT INTO payment_attempts (attempt_id, order_id, customer_id, partner_id, currency, cash_amount,
                              credit_amount, was_resale, state, opened_at)
    SELECT 'a-' || id, 'o-' || id, id, 'partner-1', 'CNY', 1, 0, true, 'held', now() FROM owners;
INSERT INTO bill_lines (line_id, customer_id, partner_id, association_type, site, currency,
        bill_cycle, bill_date, bill_type, charging_mode, trade_id, service_type_code,
        service_type_name, resource_type_code, resource_type_name, resource_spec_code, product_id,
        region_code, trade_time, consume_time, official_amount, official_discount_amount,
        erase_amount, payment_amount, coupon_amount, flexipurchase_coupon_amount,
        stored_value_card_amount, bonus_amount, cash_amount, credit_amount, debt_amount,
        writeoff_amount)
    SELECT 'line-' || movement_id, id, 'partner-1', '2', 'china', 'CNY', '2026-11', '2026-11-23',
           5, 3, movement_id, 'ec2', 'ec2', 'vm', 'vm', 's6', 's6', 'cn-north-4', now(), now(),
           1, 0, 0, 1, 0, 0, 0, 0, CASE k WHEN 4 THEN 0 ELSE 1 END, 0, CASE k WHEN 4 THEN 1 ELSE 0
           END, 0
    FROM charges;
ANALYZE accounts, movements, postings, payment_attempts, bill_lines
"""


@pytest.fixture
async def hurried(billing_database: ServiceDatabase) -> AsyncIterator[BillingDoor]:
    """The service, whose statements end after some seconds."""
    settings = billing_database.settings(BillingSettings)
    hurry = {"statement_timeout_seconds": STATEMENT_SECONDS_MAX}
    async with running(settings.model_copy(update=hurry)) as found:
        yield found


async def test_a_ledger_of_100000_postings_is_proven_in_seconds(
    hurried: BillingDoor, database: Database
) -> None:
    """Break: leave `read_tables_once` out of the proof."""
    async with database.transaction() as session:
        for statement in _LEDGER.split(";"):
            await session.execute(text(statement))
    proof = await prove(hurried)
    assert (proof["postings"], proof["movements"]) == (10 * OWNERS, 5 * OWNERS)
    assert proof["totals"] == [{"currency": "CNY", "total": "0.00"}]
    assert proof["balanced"] is True, proof
