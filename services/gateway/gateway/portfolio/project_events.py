"""Turn a batch of events into rows: newest version per aggregate, one statement per table."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.rebuild import running_rebuild
from contracts.billing import (
    BillingArrearsCleared,
    BillingArrearsOpened,
    BillingFundsMoved,
    LineEvent,
)
from contracts.customer import CustomerEvent
from contracts.event import Event
from contracts.order import OrderEvent, ResourceEvent
from contracts.voucher import CardEvent, VoucherEvent
from gateway.portfolio.models import (
    AccountRow,
    CouponRow,
    CustomerRow,
    DebtRow,
    FeedRow,
    LineRow,
    OrderRow,
    PortfolioTables,
    ResourceRow,
)
from gateway.portfolio.summarise_customers import summarise_customers
from gateway.portfolio.write_rows import Rows, insert_new, keep_rows, mend_rows, only_writer
from wire.vocabulary import CouponType

COUPON_STATUS_OF_CARD = {1: 2, 2: 3, 4: 4}  # usable, used up, ended
ZERO = Decimal("0.00")
ARREARS = (BillingArrearsOpened, BillingArrearsCleared)


async def project_events(session: AsyncSession, events: Sequence[Event]) -> None:
    """Write the batch into the feed and the rows it touches; older versions change nothing."""
    await only_writer(session)
    rebuild = await running_rebuild(session)
    await insert_new(session, FeedRow, _feed_rows(events))
    touched = _touched(events)
    await insert_new(session, CustomerRow, _stubs(events))
    for table, rows in _rows_by_table([event for event in events if not event.restated]):
        await keep_rows(session, table, rows, rebuild)
    for table, rows in _rows_by_table([event for event in events if event.restated]):
        for customer in await mend_rows(session, table, rows, rebuild):
            touched.setdefault(customer, None)
    await summarise_customers(session, touched)


def _rows_by_table(events: Sequence[Event]) -> list[tuple[type[PortfolioTables], Rows]]:
    """What the events say of each table's rows, in their order."""
    return [
        (CustomerRow, _customer_rows(events)),
        (OrderRow, _rows_of(events, OrderEvent, OrderRow)),
        (ResourceRow, _rows_of(events, ResourceEvent, ResourceRow)),
        (CouponRow, [*_rows_of(events, VoucherEvent, CouponRow), *_card_rows(events)]),
        (AccountRow, _account_rows(events)),
        (LineRow, _rows_of(events, LineEvent, LineRow)),
        *((DebtRow, _rows_of(events, contract, DebtRow)) for contract in ARREARS),
    ]


def _customer_of(event: Event) -> str | None:
    if isinstance(event, BillingFundsMoved):
        return event.owner_id if event.owner_kind == "customer" else None
    customer = getattr(event, "customer_id", None)
    # A partner may hold a coupon, or a discount for all its customers, itself.
    return None if customer == event.partner_id else customer


def _touched(events: Iterable[Event]) -> dict[str, datetime | None]:
    """Each customer of the batch and its newest fact's instant."""
    newest: dict[str, datetime] = {}
    for event in events:
        if customer := _customer_of(event):
            newest[customer] = max(newest.get(customer, event.occurred_at), event.occurred_at)
    return {**newest}


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
            row["as_of"] = event.occurred_at
            rows.append(row)
    return rows


def _account_rows(events: Iterable[Event]) -> Rows:
    return [
        _row(event, AccountRow) | {"customer_id": event.owner_id}
        for event in events
        if isinstance(event, BillingFundsMoved)
    ]


def _card_rows(events: Iterable[Event]) -> Rows:
    """A stored value card is the holder's like a coupon; of holds nothing is stated."""
    return [
        _row(event, CouponRow)
        | {
            "coupon_id": event.card_id,
            "coupon_type": int(CouponType.STORED_CARD),
            "status": COUPON_STATUS_OF_CARD[event.status],
            "reserved_amount": ZERO,
        }
        for event in events
        if isinstance(event, CardEvent)
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
