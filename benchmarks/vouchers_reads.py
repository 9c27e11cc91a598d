"""Lists of coupons over a small and a large table, and the proof beside one bare pass.

A list is asked as its caller asks it, from the application's edge to the answer; of the two sizes
nothing differs but how many rows there are, for each customer has as many in both. The bare pass
is one `SELECT count(*), sum(amount) FROM postings` of asyncpg, with as many of PostgreSQL's
processes as the server's settings allow to it and to the proof.
"""

import asyncio
import statistics
from datetime import timedelta
from typing import Any

from sqlalchemy import text
from tests.voucher.builders import ISSUE, NOW, OWN, PARTNER, RECORDS, customer

from benchmarks.vouchers_rig import NAMES, Rig, timed
from benchmarks.wire import said
from testkit.databases import Templates
from testkit.door import ADMINISTRATOR
from voucher.tallies.keep_tallies import FILL_TALLIES

ASKED = 30
SIZE_BAR, FILTER_BAR_MS, PROOF_BAR = 1.3, 50.0, 1.5
SMALL, COUPONS_OF_ONE = 10_000, 20  # coupons; of each customer, whatever the table's size

# So many coupons of one partner, each with all that its issue wrote, and the customers' copies.
_STORED = """
SET LOCAL session_replication_role = replica;
SET LOCAL statement_timeout = 0;
INSERT INTO customers (customer_id, partner_id, association_type, association_status,
        financial_custody, version)
    SELECT 'c' || n, 'sp', '2', 'associated', false, 1 FROM generate_series(0, {customers} - 1) AS n
    ON CONFLICT DO NOTHING;
CREATE TEMP TABLE issued ON COMMIT DROP AS SELECT 'CP' || md5(n::text) AS id,
    'c' || n % {customers} AS customer_id, now() - n * interval '1 second' AS at
    FROM generate_series(1, {coupons}) AS n;
INSERT INTO coupons (id, quota_id, partner_id, customer_id, coupon_type, status, is_frozen, site,
        currency, face_value, balance, reserved_amount, returned_amount, limits,
        effective_at, expire_at, created_at, version)
    SELECT id, '{quota}', 'sp', customer_id, 1, 2, false, 'china', 'CNY', 0.01, 0.01, 0, 0,
           jsonb_build_object(), at, at + interval '1 year', at, 1 FROM issued;
INSERT INTO coupon_records (id, partner_id, operation_type, quota_id, quota_type, coupon_id,
        customer_id, amount, at, result)
    SELECT md5('r' || id), 'sp', '1', '{quota}', 0, id, customer_id, 0.01, at, '0' FROM issued;
INSERT INTO movements (id, kind, partner_id, quota_id, coupon_id, at)
    SELECT md5('m' || id), 'issued', 'sp', '{quota}', id, at FROM issued;
INSERT INTO postings (movement_id, partner_id, account_kind, account_id, currency, amount)
    SELECT md5('m' || id), 'sp', kind, CASE kind WHEN 'quota' THEN '{quota}' ELSE id END, 'CNY',
           amount
    FROM issued, (VALUES ('quota', -0.01), ('coupon', 0.01)) AS sides (kind, amount);
UPDATE quotas SET balance = balance - {coupons} * 0.01 WHERE id = '{quota}';
DELETE FROM tallies; DELETE FROM tally_changes;
"""


async def store(rig: Rig, coupons: int) -> None:
    """Coupons of many customers, written by the server itself."""
    async with rig.door.database.transaction() as session:
        asked = _STORED.format(
            coupons=coupons, customers=coupons // COUPONS_OF_ONE, quota=rig.quota
        )
        for statement in (*asked.split(";")[:-1], FILL_TALLIES):
            await session.execute(text(statement))
    async with rig.pool.acquire() as connection:
        await connection.execute("VACUUM ANALYZE")  # as autovacuum leaves tables that stand


async def lists(templates: Templates, arguments: Any) -> bool:
    """Each list at both sizes, and the filters at the large one."""
    took: dict[int, dict[str, float]] = {}
    for coupons in (SMALL, arguments.large):
        async with Rig(templates) as rig:
            await store(rig, coupons)
            took[coupons] = await _asked(rig)
    print(f"\nlists, milliseconds at {SMALL:,} and {arguments.large:,} coupons")
    met = []
    for name, small in took[SMALL].items():
        large = took[arguments.large][name]
        right = large <= FILTER_BAR_MS if ":" in name else large <= SIZE_BAR * small
        met.append(right)
        print(f"  {name:<20} {small:8.1f} {large:8.1f}   ratio {large / small:.2f}: {said(right)}")
    return all(met)


async def _asked(rig: Rig) -> dict[str, float]:
    """Milliseconds of each list, and of those with one filter; asked in turn."""
    since = (NOW - timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
    asked = {
        "issued list": (ISSUE, PARTNER), "own list": (OWN, customer("c1")),
        "records": (RECORDS, PARTNER), "issued: customer": (f"{ISSUE}?customer_id=c7", PARTNER),
        "issued: status": (f"{ISSUE}?status=2", PARTNER),
        "issued: created": (f"{ISSUE}?create_time_begin={since}", PARTNER),
        "records: customer": (f"{RECORDS}?customer_id=c7", PARTNER),
    }  # fmt: skip
    took: dict[str, list[float]] = {name: [] for name in asked}
    for _ in range(ASKED):
        for name, (path, who) in asked.items():
            call = rig.call("GET", path, None, who)
            took[name].append(await timed(call.answer(rig.app)) * 1000)
    return {name: statistics.median(times[ASKED // 5 :]) for name, times in took.items()}


async def proof(templates: Templates, arguments: Any) -> bool:
    """The proof of a ledger that balances, beside one bare sum over its postings, in turn."""
    ours, bare, waited = [], [], []
    async with Rig(templates) as rig:
        await store(rig, arguments.large)
        for number in range(arguments.rounds + 1):
            asked = asyncio.ensure_future(_proven(rig))
            waited.append(await _longest_issue(rig, asked) if number == 0 else 0.0)
            took = await timed(asked) if number else 0.0
            async with rig.pool.acquire() as connection:
                its = await timed(connection.fetchrow("SELECT count(*), sum(amount) FROM postings"))
            if number:
                ours.append(took)
                bare.append(its)
    mine, its = statistics.median(ours), statistics.median(bare)
    met = mine / its <= PROOF_BAR
    print(f"\nproof over {arguments.large:,} coupons {mine:.2f} s, one bare pass {its:.2f} s,"
          f" ratio {mine / its:.1f}   bar {PROOF_BAR}: {said(met)}\n"
          f"  an issue beside it waited {waited[0] * 1000:.0f} ms at most")  # fmt: skip
    return met


async def _proven(rig: Rig) -> None:
    answer = await rig.call("GET", "/api/vouchers/proof", None, ADMINISTRATOR).answer(rig.app)
    assert answer["balanced"], answer["differences"]


async def _longest_issue(rig: Rig, proving: asyncio.Future[None]) -> float:
    """Seconds that the slowest of the issues took which were made while the proof looked."""
    longest = 0.0
    body = {"quota_id": rig.quota, "customer_ids": NAMES[:1], "face_value": "0.01"}
    while not proving.done():
        longest = max(longest, await timed(rig.call("POST", ISSUE, body).answer(rig.app)))
    await proving
    return longest
