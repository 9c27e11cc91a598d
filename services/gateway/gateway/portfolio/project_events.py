"""Turn a batch of events into rows: newest version per aggregate, one statement per table."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Table, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.billing import (
    BillingArrearsCleared,
    BillingArrearsOpened,
    BillingFundsMoved,
    BillingLineRecorded,
)
from contracts.customer import CustomerEvent
from contracts.event import Event
from contracts.order import OrderEvent, ResourceEvent
from contracts.voucher import VoucherEvent
from gateway.portfolio.models import (
    AccountRow,
    CouponRow,
    CustomerRow,
    FeedRow,
    LineRow,
    OrderRow,
    PortfolioTables,
    ResourceRow,
)
from gateway.portfolio.names import bigrams

Rows = list[dict[str, Any]]

# Positions of the feed must become visible in their order: one writer at a time.
_ONE_WRITER = select(func.pg_advisory_xact_lock(func.hashtext("gateway.event_feed")))

_SUMMARISE = text("""
    UPDATE portfolio_customers AS c SET
        orders_by_status = coalesce((
            SELECT jsonb_agg(jsonb_build_object('status', o.status, 'orders', o.orders,
                                                'amount', o.amount) ORDER BY o.status)
            FROM (SELECT status, count(*) AS orders, sum(amount_after_discount) AS amount
                  FROM portfolio_orders WHERE customer_id = c.customer_id GROUP BY status) AS o
        ), '[]'),
        balances = coalesce((
            SELECT jsonb_agg(jsonb_build_object(
                'account_type', a.account_type, 'currency', a.currency,
                'balance', a.balance, 'held', a.held,
                'credit_amount', a.credit_amount) ORDER BY a.account_type)
            FROM portfolio_accounts AS a WHERE a.customer_id = c.customer_id
        ), '[]'),
        coupons_by_type = coalesce((
            SELECT jsonb_agg(jsonb_build_object(
                'coupon_type', v.coupon_type, 'usable', v.usable, 'balance', v.balance,
                'reserved_amount', v.reserved) ORDER BY v.coupon_type)
            FROM (SELECT coupon_type, count(*) AS usable, sum(balance) AS balance,
                         sum(reserved_amount) AS reserved
                  FROM portfolio_coupons
                  WHERE customer_id = c.customer_id AND status = 2 GROUP BY coupon_type) AS v
        ), '[]'),
        consumption_cycle = m.bill_cycle,
        consumption_amount = coalesce(m.amount, 0),
        as_of = greatest(c.as_of, t.as_of)
    FROM unnest(cast(:customers AS text[]), cast(:as_of AS timestamptz[])) AS t(customer_id, as_of)
    LEFT JOIN LATERAL (
        SELECT bill_cycle, sum(payment_amount) AS amount FROM portfolio_lines
        WHERE customer_id = t.customer_id
        GROUP BY bill_cycle ORDER BY bill_cycle DESC LIMIT 1
    ) AS m ON true
    WHERE c.customer_id = t.customer_id
""")


async def project_events(session: AsyncSession, events: Sequence[Event]) -> None:
    """Write the batch into the feed and the rows it touches; older versions change nothing."""
    await session.execute(_ONE_WRITER)
    await _insert_new(session, FeedRow, _feed_rows(events))
    touched = _touched(events)
    await _insert_new(session, CustomerRow, _stubs(events))
    await _keep(session, CustomerRow, _customer_rows(events), "customer_id")
    await _keep(session, OrderRow, _rows_of(events, OrderEvent, OrderRow), "order_id")
    await _keep(session, ResourceRow, _rows_of(events, ResourceEvent, ResourceRow), "resource_id")
    await _keep(session, CouponRow, _rows_of(events, VoucherEvent, CouponRow), "coupon_id")
    await _keep(session, AccountRow, _account_rows(events), "account_id")
    await _keep(session, LineRow, _rows_of(events, BillingLineRecorded, LineRow), "line_id")
    await _set_debts(session, events)
    if touched:
        await session.execute(
            _SUMMARISE, {"customers": list(touched), "as_of": list(touched.values())}
        )


def _customer_of(event: Event) -> str | None:
    if isinstance(event, BillingFundsMoved):
        return event.owner_id if event.owner_kind == "customer" else None
    return getattr(event, "customer_id", None)


def _touched(events: Iterable[Event]) -> dict[str, Any]:
    """Each customer of the batch and its newest fact's instant."""
    newest: dict[str, Any] = {}
    for event in events:
        if customer := _customer_of(event):
            newest[customer] = max(newest.get(customer, event.occurred_at), event.occurred_at)
    return dict(sorted(newest.items()))


def _tenant(event: Event) -> dict[str, Any]:
    return {"partner_id": event.partner_id, "distributor_id": event.distributor_id}


def _feed_rows(events: Iterable[Event]) -> Rows:
    return [
        _tenant(event)
        | {
            "event_id": event.event_id,
            "stream": event.STREAM,
            "type": event.TYPE,
            "subject": event.subject,
            "key": event.key,
            "version": event.version,
            "data_schema": event.data_schema,
            "customer_id": _customer_of(event),
            "occurred_at": event.occurred_at,
            "body": event.model_dump_json().encode(),
        }
        for event in events
        if not event.restated  # a restatement is no new fact
    ]


def _customer_rows(events: Iterable[Event]) -> Rows:
    rows = []
    for event in events:
        if isinstance(event, CustomerEvent):
            row = _row(event, CustomerRow)
            row["names"] = bigrams(event.account_name, event.customer_name)
            row["as_of"] = event.occurred_at
            rows.append(row)
    return rows


def _account_rows(events: Iterable[Event]) -> Rows:
    return [
        _row(event, AccountRow) | {"customer_id": event.owner_id}
        for event in events
        if isinstance(event, BillingFundsMoved)
    ]


def _rows_of(events: Iterable[Event], contract: type[Event], table: type[PortfolioTables]) -> Rows:
    return [_row(event, table) for event in events if isinstance(event, contract)]


def _row(event: Event, table: type[PortfolioTables]) -> dict[str, Any]:
    """The event's fields that the table has."""
    return {
        c.name: getattr(event, c.name) for c in table.__table__.columns if hasattr(event, c.name)
    }


def _stubs(events: Iterable[Event]) -> Rows:
    """A row for each customer of the batch, for those whom nobody has introduced yet."""
    stubs = {
        customer: _tenant(event)
        | {"customer_id": customer, "version": 0, "as_of": event.occurred_at}
        for event in events
        if (customer := _customer_of(event))
    }
    return [stubs[customer] for customer in sorted(stubs)]


async def _insert_new(session: AsyncSession, target: type[PortfolioTables], rows: Rows) -> None:
    """Insert what is not there yet; leave the rest alone."""
    if rows:
        table = target.__table__
        assert isinstance(table, Table)
        await session.execute(insert(table).on_conflict_do_nothing(), rows)


async def _keep(session: AsyncSession, target: type[PortfolioTables], rows: Rows, key: str) -> None:
    """Upsert the newest version of each row. An equal version is written again: it is the same,
    and that is how a restatement rebuilds the model in place.
    """
    if not rows:
        return
    newest: dict[str, dict[str, Any]] = {}
    for row in rows:
        known = newest.get(row[key])
        if known is None or row["version"] >= known["version"]:
            newest[row[key]] = row
    table = target.__table__
    assert isinstance(table, Table)
    statement = insert(table)
    columns = [name for name in rows[0] if name != key]
    statement = statement.on_conflict_do_update(
        index_elements=[key],
        set_={name: statement.excluded[name] for name in columns},
        where=table.c.version <= statement.excluded.version,
    )
    await session.execute(statement, [newest[name] for name in sorted(newest)])


async def _set_debts(session: AsyncSession, events: Sequence[Event]) -> None:
    debts = {
        event.customer_id: event.debt_amount
        for event in events
        if isinstance(event, BillingArrearsOpened | BillingArrearsCleared)
    }
    for customer, debt in sorted(debts.items()):
        await session.execute(
            text("UPDATE portfolio_customers SET debt_amount = :debt WHERE customer_id = :id"),
            {"debt": debt, "id": customer},
        )
