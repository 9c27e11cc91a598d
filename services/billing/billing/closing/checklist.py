"""What should be so before a month is closed, looked at as it stands."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.prove_ledger import LedgerProof, prove_ledger
from billing.closing.lines_without_price import lines_without_price
from billing.cycles.models import Cycle, final_at
from billing.settlement.settlement_prices import SettlementPrices
from chassis.sums import read_tables_once
from wire.native import NativeAnswer
from wire.times import cycle_bounds

FOUND_MAX = 20  # told of each item; the count is of all
ADMINISTRATOR = "administrator"
LEDGER_PROOF = "ledger_proof"
NEVER_WAIVED = frozenset({LEDGER_PROOF})  # money was made or lost: that is mended, not let pass


class Waiver(NativeAnswer):
    """Who let an item pass, and why."""

    reason: str
    by: str
    at: datetime


class ChecklistItem(NativeAnswer):
    """One thing; it is as it should be when `count` is 0."""

    # ledger_proof, meter_gaps, unrated_records, parked_events, open_holds, orders_without_lines,
    # lines_without_price, arrears, vouchers_in_doubt, reconciliation_differences
    item: str
    count: int
    found: list[str]  # at most 20 of them
    link: str
    waived_by: list[str]  # who may let it pass, with a reason: administrator
    waiver: Waiver | None
    passed: bool


class Checklist(NativeAnswer):
    """Every item whose data stand; what cannot be looked at yet is left out."""

    bill_cycle: str
    as_of: datetime
    passed: bool
    items: list[ChecklistItem]


# Each query: the count of all, and of the first some what to tell; `:cycle`, `:begin`, `:end`,
# and `:final`, when the cycle closes by itself.
_QUERIES = {
    # Hours that no record of a resource tells of, between two that do.
    "meter_gaps": """
        SELECT resource || ' ' || to_char(before AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI"Z"')
               || ' +' || ceil(extract(epoch FROM used_from - before) / 3600)::int || ' h' AS told,
               ceil(extract(epoch FROM used_from - before) / 3600)::int AS weight
        FROM (
            SELECT coalesce(sub_resource_id, resource_id) AS resource, used_from,
                   max(consume_time) OVER (
                       PARTITION BY coalesce(sub_resource_id, resource_id), usage_type, product_id
                       ORDER BY used_from, consume_time
                       ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
            FROM bill_lines
            WHERE bill_cycle = :cycle AND usage_record_id IS NOT NULL AND used_from IS NOT NULL
        ) AS used
        WHERE used_from > before + interval '1 second'
    """,
    # Rows of files that were refused and did not come again, and files that are not yet charged.
    # A row that does not say when counts in each month that took lines when it came.
    "unrated_records": """
        SELECT min(r.code) || ' ' || coalesce(r.record_id, 'row ' || min(r.number)) || ' of '
               || min(r.file_id) AS told, 1 AS weight
        FROM usage_refusals r JOIN usage_files f USING (file_id)
        LEFT JOIN charged_records c ON c.record_id = r.record_id
        WHERE c.record_id IS NULL
          AND (r.bill_cycle = :cycle
               OR r.bill_cycle IS NULL AND f.created_at >= :begin AND f.created_at < :final)
        GROUP BY r.record_id, CASE WHEN r.record_id IS NULL THEN r.file_id END,
                 CASE WHEN r.record_id IS NULL THEN r.number END
        UNION ALL
        SELECT status || ' ' || file_id, 1 FROM usage_files
        WHERE created_at >= :begin AND created_at < :final
          AND status IN ('receiving', 'queued', 'running', 'failed')
    """,
    # Of each partner's newest comparison: what nobody explained or accepted.
    "reconciliation_differences": """
        SELECT d.partner_id || ' ' || d.kind || ' ' || count(*) AS told, count(*) AS weight
        FROM (
            SELECT DISTINCT ON (partner_id) reconciliation_id FROM reconciliations
            WHERE cycle = :cycle AND status = 'compared'
            ORDER BY partner_id, created_at DESC, reconciliation_id DESC
        ) AS newest
        JOIN reconciliation_differences d USING (reconciliation_id)
        WHERE d.state IN ('open', 'disputed')
        GROUP BY d.partner_id, d.kind
    """,
    "open_holds": """
        SELECT attempt_id AS told, 1 AS weight FROM payment_attempts
        WHERE state = 'held' AND opened_at < :end
    """,
    "orders_without_lines": """
        SELECT a.order_id AS told, 1 AS weight
        FROM payment_attempts a
        LEFT JOIN (SELECT DISTINCT order_id FROM bill_lines WHERE bill_cycle >= :cycle) l
            ON l.order_id = a.order_id
        WHERE a.state = 'captured' AND a.closed_at >= :begin AND a.closed_at < :end
          AND l.order_id IS NULL
    """,
    "arrears": """
        SELECT customer_id || ' ' || sum(debt_amount) || ' ' || currency AS told,
               count(*) AS weight
        FROM bill_lines WHERE bill_cycle = :cycle AND debt_amount > 0
        GROUP BY customer_id, currency
    """,
    "vouchers_in_doubt": """
        SELECT voucher_id AS told, 1 AS weight
        FROM settlement_vouchers v JOIN settlements s USING (settlement_id)
        WHERE s.state = 'settled' AND v.awaited > 0
    """,
}
_LINKS = {
    LEDGER_PROOF: "/api/ledger/proof",
    "meter_gaps": "/api/usage-records",
    "unrated_records": "/api/usage-files",
    "reconciliation_differences": "/api/reconciliations",
    "parked_events": "/ops/parked?service=billing",
    "open_holds": "/api/orders",
    "orders_without_lines": "/ops/parked?service=billing",
    "lines_without_price": "/api/settlements",
    "arrears": "/api/accounts",
    "vouchers_in_doubt": "/ops/parked?service=voucher",
}


async def show_checklist(
    session: AsyncSession,
    cycle: Cycle,
    prices: SettlementPrices,
    parked: Mapping[str, int],
    now: datetime,
) -> Checklist:
    """Look at everything; `parked` is what of billing's own events waits, by type."""
    begin, end = cycle_bounds(cycle.cycle)
    await read_tables_once(session)
    proof = await prove_ledger(session)
    items = [_item(cycle, LEDGER_PROOF, *_breaches(proof))]
    values = {"cycle": cycle.cycle, "begin": begin, "end": end, "final": final_at(cycle.cycle)}
    for name, query in _QUERIES.items():
        items.append(_item(cycle, name, *await _look(session, query, values)))
    found = [f"{kind} {count}" for kind, count in sorted(parked.items())]
    items.append(_item(cycle, "parked_events", sum(parked.values()), found))
    without = await lines_without_price(session, cycle.cycle, prices)
    items.append(_item(cycle, "lines_without_price", len(without), without))
    return Checklist(
        bill_cycle=cycle.cycle,
        as_of=now,
        passed=all(item.passed for item in items),
        items=items,
    )


def _item(cycle: Cycle, name: str, count: int, found: list[str]) -> ChecklistItem:
    told = cycle.waived.get(name)
    waiver = Waiver.model_validate(told) if told else None
    return ChecklistItem(
        item=name,
        count=count,
        found=found[:FOUND_MAX],
        link=_LINKS[name],
        waived_by=[] if name in NEVER_WAIVED else [ADMINISTRATOR],
        waiver=waiver,
        passed=count == 0 or waiver is not None,
    )


def _breaches(proof: LedgerProof) -> tuple[int, list[str]]:
    kinds = {
        "movement": proof.unbalanced_movements,
        "balance": proof.wrong_balances,
        "hold": proof.wrong_holds,
        "arrears": proof.wrong_arrears,
        "charges": proof.wrong_charges,
    }
    found = [f"{kind} {one.id}" for kind, breaches in kinds.items() for one in breaches]
    found += [f"total {total.currency}" for total in proof.totals if total.total]
    return len(found), found


async def _look(
    session: AsyncSession, query: str, values: Mapping[str, object]
) -> tuple[int, list[str]]:
    """Count all and read some, by one statement."""
    used = {name: value for name, value in values.items() if f":{name}" in query}
    statement = text(
        f"WITH found AS ({query}) SELECT (SELECT coalesce(sum(weight), 0) FROM found) AS weight,"
        f" array(SELECT told FROM found ORDER BY told LIMIT {FOUND_MAX}) AS told"
    )
    row = (await session.execute(statement, used)).one()
    return int(row.weight), list(row.told)
