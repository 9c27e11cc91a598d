"""Compare a bill that was read with our lines of its cycle, and write where they differ."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, Table, delete, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.copies import Customer
from billing.reconciliation.find_surplus import (
    OUR_COLUMNS,
    compare_sums,
    compared,
    find_surplus,
    totals_of,
)
from billing.reconciliation.models import OPEN, Difference, Reconciliation
from billing.reconciliation.name_differences import (
    Found,
    Known,
    Ours,
    Theirs,
    name_differences,
)
from wire.times import add_months, cycle_bounds, cycle_of, format_instant

OTHER_CYCLES = 3  # before and after, looked at for a line that moved
ROWS_AT_ONCE = 1_000
ROWS_SHOWN_MAX = 20  # of a difference between sums


async def write_differences(
    session: AsyncSession, found: Reconciliation
) -> tuple[dict[str, Any], int, int]:
    """The totals, how many lines we have, and how many differences there are.

    Raises:
        TooDifferentError

    """
    await session.execute(
        delete(Difference).where(Difference.reconciliation_id == found.reconciliation_id)
    )
    columns = await _columns_of(session, found)
    totals: dict[str, Any] = {"sums": await totals_of(session, found)}
    if "trade_id" in columns:
        differences = await _by_charge(session, found, columns)
    else:
        differences = await _by_sums(session, found, columns)
    await _write(session, differences)
    totals["kinds"] = dict(Counter(one["kind"] for one in differences))
    lines = sum(int(v["rows"]) for k, v in totals["sums"].items() if k.startswith("ours."))
    return totals, lines, len(differences)


async def _columns_of(session: AsyncSession, found: Reconciliation) -> frozenset[str]:
    """The known columns that every file of the archive has."""
    asked = text("""
        SELECT DISTINCT ON (member) columns FROM vendor_rows
        WHERE reconciliation_id = :id ORDER BY member, number
    """)
    rows = await session.scalars(asked, {"id": found.reconciliation_id})
    each = [frozenset(row) for row in rows]
    return frozenset.intersection(*each) if each else frozenset()


async def _by_charge(
    session: AsyncSession, found: Reconciliation, columns: frozenset[str]
) -> list[dict[str, Any]]:
    left = await find_surplus(session, found, columns)
    theirs = [_theirs(row) for row in left.theirs]
    ours = [_ours(row) for row in left.ours]
    customers = await _customers(session, found, theirs)
    elsewhere = await _elsewhere(session, found, theirs)
    known = Known(frozenset(compared(columns)), customers.__contains__, elsewhere)
    named = name_differences(theirs, ours, known, found.cycle)
    return [_row(found, number, one) for number, one in enumerate(named, 1)]


async def _by_sums(
    session: AsyncSession, found: Reconciliation, columns: frozenset[str]
) -> list[dict[str, Any]]:
    groups = await compare_sums(session, found, columns)
    asked = [row.customer_id for row in groups]
    known = await _known_customers(session, found, asked)
    return [
        _sums_row(found, number, group, is_customer=group.customer_id in known)
        for number, group in enumerate(groups, 1)
    ]


def _theirs(row: Row[Any]) -> Theirs:
    return Theirs(
        number=row.number,
        member=row.member,
        line=row.line,
        customer_id=row.customer_id,
        trade_id=row.trade_id,
        product_id=row.product_id,
        trade_time=row.trade_time,
        region_code=row.region_code,
        charging_mode=row.charging_mode,
        currency=row.currency,
        official=row.official,
        discount=row.discount,
        payment=row.payment,
        columns=row.columns,
        others=row.others,
        copies=row.copies,
        nth=row.nth,
    )


def _ours(row: Row[Any], copies: int | None = None) -> Ours:
    return Ours(
        line_id=row.line_id,
        customer_id=row.customer_id,
        payer_id=row.payer_id,
        bill_cycle=row.bill_cycle,
        bill_type=row.bill_type,
        charging_mode=row.charging_mode,
        trade_id=row.trade_id,
        trade_time=row.trade_time.replace(microsecond=0),
        product_id=row.product_id,
        region_code=row.region_code,
        resource_id=row.resource_id,
        currency=row.currency,
        official=row.official_amount,
        discount=row.official_discount_amount,
        erased=row.erase_amount,
        payment=row.payment_amount,
        coupon=row.coupon_amount,
        flexi=row.flexipurchase_coupon_amount,
        known_at=row.known_at,
        late_for=row.late_for,
        copies=row.copies if copies is None else copies,
    )


async def _customers(
    session: AsyncSession, found: Reconciliation, theirs: Sequence[Theirs]
) -> set[str]:
    return await _known_customers(session, found, [row.customer_id for row in theirs])


async def _known_customers(
    session: AsyncSession, found: Reconciliation, asked: Sequence[str]
) -> set[str]:
    """Those that are the partner's, or have a line with it."""
    ids = sorted(set(asked))
    known = select(Customer.customer_id).where(
        Customer.partner_id == found.partner_id, Customer.customer_id.in_(ids)
    )
    customers = set(await session.scalars(known)) if ids else set()
    with_lines = text("""
        SELECT DISTINCT l.customer_id FROM bill_lines l
        WHERE l.partner_id = :partner AND l.bill_cycle = :cycle AND l.customer_id = ANY(:ids)
    """)
    asked_for = {"partner": found.partner_id, "cycle": found.cycle, "ids": ids}
    return customers | set(await session.scalars(with_lines, asked_for))


async def _elsewhere(
    session: AsyncSession, found: Reconciliation, theirs: Sequence[Theirs]
) -> Mapping[tuple[str, str, str], Sequence[Ours]]:
    """Lines of the cycles around with the same charge."""
    charges = sorted({(row.customer_id, row.trade_id) for row in theirs if row.trade_id})
    begin, end = cycle_bounds(found.cycle)
    first = cycle_of(add_months(begin, -OTHER_CYCLES))
    last = cycle_of(add_months(end, OTHER_CYCLES - 1))
    asked = text(f"""
        SELECT {OUR_COLUMNS} FROM unnest(
            CAST(:customers AS text[]), CAST(:trades AS text[])) AS a (customer_id, trade_id)
        JOIN bill_lines l USING (customer_id, trade_id)
        WHERE l.partner_id = :partner AND l.bill_cycle BETWEEN :first AND :last
          AND l.bill_cycle <> :cycle ORDER BY l.line_id
    """)
    rows = await session.execute(
        asked,
        {
            "customers": [one[0] for one in charges],
            "trades": [one[1] for one in charges],
            "partner": found.partner_id,
            "first": first,
            "last": last,
            "cycle": found.cycle,
        },
    )
    lines: defaultdict[tuple[str, str, str], list[Ours]] = defaultdict(list)
    for row in rows:
        line = _ours(row, copies=0)
        lines[line.customer_id, line.trade_id, line.product_id].append(line)
    return lines


def _row(found: Reconciliation, number: int, one: Found) -> dict[str, Any]:
    """A difference as it is stored."""
    of = (one.theirs or one.ours)[0]
    return {
        **_whose(found, number),
        "kind": one.kind,
        "customer_id": of.customer_id,
        "currency": of.currency,
        "difference": one.difference,
        "reason": one.reason,
        "ours": _our_rows(one.ours),
        "theirs": _their_rows(one.theirs),
    }


def _whose(found: Reconciliation, number: int) -> dict[str, Any]:
    return {
        "reconciliation_id": found.reconciliation_id,
        "number": number,
        "partner_id": found.partner_id,
        "distributor_id": found.distributor_id,
        "state": OPEN,
    }


def _our_rows(lines: Sequence[Ours]) -> dict[str, Any] | None:
    """The line; of several the sums, and the first of them by their ids."""
    if not lines:
        return None
    first = lines[0]
    return {
        "rows": len(lines),
        "line_ids": [line.line_id for line in lines[:ROWS_SHOWN_MAX]],
        "bill_cycle": first.bill_cycle,
        "bill_type": first.bill_type,
        "trade_id": first.trade_id,
        "trade_time": format_instant(first.trade_time),
        "product_id": first.product_id,
        "region_code": first.region_code,
        "resource_id": first.resource_id,
        "payer_id": first.payer_id,
        "late_for": first.late_for,
        "currency": first.currency,
        "official": _sum(line.official for line in lines),
        "discount": _sum(line.discount for line in lines),
        "payable": _sum(line.payment for line in lines),
    }


def _their_rows(rows: Sequence[Theirs]) -> dict[str, Any] | None:
    if not rows:
        return None
    first = rows[0]
    officials = [row.official for row in rows if row.official is not None]
    discounts = [row.discount for row in rows if row.discount is not None]
    return {
        "rows": len(rows),
        "member": first.member,
        "lines": [row.line for row in rows[:ROWS_SHOWN_MAX]],
        "trade_id": first.trade_id,
        "trade_time": format_instant(first.trade_time) if first.trade_time else None,
        "product_id": first.product_id,
        "region_code": first.region_code,
        "currency": first.currency,
        "official": _sum(officials) if officials else None,
        "discount": _sum(discounts) if discounts else None,
        "payable": _sum(row.payment for row in rows),
        "columns": dict(first.columns),
        "others": dict(first.others),
    }


def _sum(amounts: Iterable[Decimal]) -> str:
    return f"{sum(amounts, Decimal(0)):f}"


def _sums_row(
    found: Reconciliation, number: int, group: Row[Any], *, is_customer: bool
) -> dict[str, Any]:
    """A difference between sums: no row of either side is named."""
    if group.our_rows is None:
        kind = "missing_here" if is_customer else "customer_unknown"
    elif group.their_rows is None:
        kind = "missing_there"
    elif group.their_payment != group.our_payment:
        kind = "amount"
    else:
        kind = "list_price" if group.their_official != group.our_official else "discount"
    theirs, ours = _side(group, "their"), _side(group, "our")
    return {
        **_whose(found, number),
        "kind": kind,
        "customer_id": group.customer_id,
        "currency": group.currency,
        "difference": (group.their_payment or 0) - (group.our_payment or 0),
        "reason": None,
        "ours": ours and {**ours, "line_ids": []},
        "theirs": theirs and {**theirs, "lines": [], "columns": {}, "others": {}},
    }


def _side(group: Row[Any], side: str) -> dict[str, Any] | None:
    said = group._mapping
    if said[f"{side}_rows"] is None:
        return None
    return {
        "rows": said[f"{side}_rows"],
        "product_id": said.get("product_id"),
        "region_code": said.get("region_code"),
        "currency": said["currency"],
        "official": f"{said[f'{side}_official']:f}",
        "discount": f"{said[f'{side}_discount']:f}",
        "payable": f"{said[f'{side}_payment']:f}",
    }


async def _write(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    table = Difference.__table__
    assert isinstance(table, Table)
    for begin in range(0, len(rows), ROWS_AT_ONCE):
        await session.execute(insert(table), rows[begin : begin + ROWS_AT_ONCE])
