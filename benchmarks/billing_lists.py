"""The first page of each bill list, and the monthly sum of a customer with 100,000 lines."""

import statistics
import time
from collections.abc import Mapping
from typing import Any

import aiohttp
import asyncpg
from tests.billing.builders import as_customer, as_partner

from benchmarks.billing_rig import Place, place
from chassis.identity import Principal
from testkit.databases import Templates
from wire.json import dumps

SMALL_LINES = 40_000
LARGE_CUSTOMER_LINES = 100_000
LINES_OF_A_CUSTOMER = 400
PAGE_MS_MAX = 50.0
GROWTH_MAX = 1.3  # of the page over few lines
ASKED = 33  # times of each; the first three fill caches
CYCLE = "2026-11"
PARTNER, CUSTOMER, LARGE = "partner-1", "many-1", "large"

_BILLS, _COSTS = "/v2/bills/customer-bills", "/v2/costs/cost-analysed-bills"
_LISTS: Mapping[str, tuple[str, bytes | None]] = {
    "show_customer_monthly_sum": (f"{_BILLS}/monthly-sum?bill_cycle={CYCLE}", None),
    "list_customer_bills_fee_records": (f"{_BILLS}/fee-records?bill_cycle={CYCLE}", None),
    "list_customerself_resource_records": (f"{_BILLS}/res-fee-records?cycle={CYCLE}", None),
    "list_customerself_resource_record_details": (
        f"{_BILLS}/res-records/query",
        dumps({"cycle": CYCLE}),
    ),
    "list_customer_bills_monthly_break_down": (
        f"{_COSTS}/monthly-breakdown?shared_month={CYCLE}",
        None,
    ),
    "GET /api/bill-lines": (f"/api/bill-lines?cycle={CYCLE}&customer_id={CUSTOMER}", None),
}
# Lines as usage makes them; triggers count them into their sums.
_FILL = """
INSERT INTO bill_lines (line_id, customer_id, partner_id, association_type, site, currency,
        bill_cycle, bill_date, bill_type, charging_mode, trade_id, usage_record_id, resource_id,
        service_type_code, service_type_name, resource_type_code, resource_type_name,
        resource_spec_code, product_id, region_code, trade_time, consume_time, known_at,
        official_amount, official_discount_amount, erase_amount, payment_amount, coupon_amount,
        flexipurchase_coupon_amount, stored_value_card_amount, bonus_amount, cash_amount,
        credit_amount, debt_amount, writeoff_amount)
    SELECT $1 || n, CASE WHEN $2 = 0 THEN $1 ELSE $1 || '-' || n / $2 END, 'partner-1', '2',
        'china', 'CNY', '2026-11', date '2026-11-01' + (n % 22)::int, 5, 3, 'm' || n, $1 || n,
        'resource-' || n % 20, 'service-' || n % 5, 's', 'type-' || n % 5, 't', 'spec', 'product',
        'cn-north-4', timestamptz '2026-11-01T00:00:00Z' + n % 1900000 * interval '1 s', now(),
        now(), 1.5, 0.4, 0.1, 1, 0, 0, 0, 0, 1, 0, 0, 0
    FROM generate_series($3::bigint, $4::bigint) AS n
"""
AT_ONCE = 50_000


async def bill_lists(templates: Templates, arguments: Any) -> bool:
    """Few lines and many in the same month, asked in turn; each list stays as quick."""
    async with place(templates, "few") as few, place(templates, "many") as many:
        for here, lines in ((few, SMALL_LINES), (many, arguments.large)):
            await here.parties("many", 1, 2)
            connection = await here.connect()
            await _fill(connection, "large", 0, 1, LARGE_CUSTOMER_LINES)
            await _fill(connection, "many", LINES_OF_A_CUSTOMER, LINES_OF_A_CUSTOMER, lines)
            await connection.execute("VACUUM ANALYZE bill_lines, bill_sums")
            await connection.execute("CHECKPOINT")
            await connection.close()
            await here.serve()
        return await _beside(few, many, arguments.large)


async def _beside(few: Place, many: Place, large: int) -> bool:
    met = True
    async with aiohttp.ClientSession() as client:
        for name, (path, body, who) in _asked().items():
            took: dict[str, list[float]] = {"few": [], "many": []}
            for _ in range(ASKED):
                for which, here in (("few", few), ("many", many)):
                    took[which].append(await _ask(client, here, path, body, who))
            short, long = (statistics.median(took[which][3:]) for which in ("few", "many"))
            is_met = long <= PAGE_MS_MAX and long <= max(short * GROWTH_MAX, 1.0)
            print(f"{name}: {short:.1f} ms at {SMALL_LINES:,} lines, {long:.1f} ms at {large:,}:"
                  f" {long / short:.2f} x {'met' if is_met else 'MISSED'}", flush=True)  # fmt: skip
            met = met and is_met
    return met


def _asked() -> dict[str, tuple[str, bytes | None, Principal]]:
    customer, large = as_customer(CUSTOMER, PARTNER), as_customer(LARGE, PARTNER)
    asked = {name: (path, body, customer) for name, (path, body) in _LISTS.items()}
    sums, pages = f"{_BILLS}/monthly-sum", f"{_BILLS}/fee-records"
    asked["the sum of 100,000 lines"] = (f"{sums}?bill_cycle={CYCLE}", None, large)
    asked["a page of 100,000 lines"] = (f"{pages}?bill_cycle={CYCLE}", None, large)
    month = "/v2/bills/partner-bills/subcustomer-bills/monthly-sum"
    path = f"{month}?cycle={CYCLE}&charge_mode=3&customer_id={CUSTOMER}"
    asked["a partner's customer's month"] = (path, None, as_partner(PARTNER))
    return asked


async def _fill(connection: asyncpg.Connection, mark: str, each: int, begin: int, end: int) -> None:
    for first in range(begin, end + 1, AT_ONCE):
        await connection.execute(_FILL, mark, each, first, min(first + AT_ONCE - 1, end))


async def _ask(
    client: aiohttp.ClientSession, here: Place, path: str, body: bytes | None, who: Principal
) -> float:
    """Milliseconds of one answer."""
    begin = time.perf_counter()
    await here.ask(client, path, body or b"", who, "GET" if body is None else "POST")
    return (time.perf_counter() - begin) * 1000
