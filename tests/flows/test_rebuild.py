"""Copies and the read model rebuilt in place, while commands arrive: they end as the owners are.

To see it fail: let `write_rows._is_due` go by the version alone, let `finish_rebuild` end without
removing anything, or let `chassis.restatement` leave the mark `restated` out.
"""

import asyncio
import signal
import time
from collections import defaultdict
from typing import Any

import asyncpg
import pytest

from testkit.system import System
from tests.flows.cast import Caller, Stage, eventually
from tests.flows.deeds import (
    Customer,
    create_customer,
    issue_coupon,
    pay,
    place_order,
    recall_coupon,
    transfer,
)
from tests.wire.written import quiet_counts

pytestmark = [pytest.mark.kafka, pytest.mark.postgres, pytest.mark.timeout(400)]

KIT = {
    "outbox", "relay_slots", "relay_replicas", "inbox", "consumer_positions", "parked_keys",
    "parked_events", "restatements", "rebuilds", "idempotency_keys", "audit_log", "alembic_version",
}  # fmt: skip
# When, not what; and what credentials and readers do by the way.
ASIDE = ("as_of", "seen_at", "copied_at", "last_used_at")
Tables = dict[str, list[str]]
UNDER_WAY = defaultdict(
    lambda: "SELECT count(*) FROM outbox",
    {
        "customer-sync": "SELECT (SELECT count(*) FROM outbox)"
        " + (SELECT count(*) FROM tally_changes)"  # summed up later
    },
    order="SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM orders"
    " WHERE status = 3 AND provision_at < now() + '1 minute')",  # some take days
)


def sql(system: System, service: str, *statements: str) -> list[Any]:
    """Run statements on a service's own database; the rows of the last one."""

    async def run() -> list[Any]:
        url = system.databases[service].url
        connection = await asyncpg.connect(url)
        try:
            for statement in statements[:-1]:
                assert await connection.execute(statement) != "UPDATE 0", statement
            return list(await connection.fetch(statements[-1]))
        finally:
            await connection.close()

    return asyncio.run(run())


def dump(system: System, service: str, like: str = "%") -> Tables:
    """Every row of the service's own tables."""
    tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename LIKE '{}'"
    names = {row[0] for row in sql(system, service, tables.format(like))} - KIT
    less = "".join(f" - '{name}'" for name in ASIDE)
    return {
        name: [row[0] for row in sql(system, service, f"SELECT (to_jsonb(t){less})::text FROM"
                                                      f' "{name}" AS t ORDER BY 1')]
        for name in sorted(names)
    }  # fmt: skip


def portfolio(system: System) -> Tables:
    """The read model."""
    return dump(system, "gateway", "portfolio_%")


def rebuild(system: System, service: str) -> str:
    """Run it to its end; what it said."""
    process = system.command(service, "rebuild")
    try:
        said, _ = process.communicate(timeout=150)
    finally:
        process.kill()
    assert process.returncode == 0, said
    return said


def interrupt(system: System, service: str) -> None:
    """Begin a rebuild and leave it by Ctrl-C once the first owner was asked."""
    process = system.command(service, "rebuild")
    assert process.stdout is not None
    while " / " not in (line := process.stdout.readline()):
        assert line, "ended before it had begun"
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=30)
    assert process.returncode == 130, rest


def a_paid_order(stage: Stage, partner: Caller, quota: str) -> Customer:
    """A customer with money, a coupon used in part, a completed order and its bill line."""
    customer = create_customer(stage, partner)
    transfer(partner, customer.id, "5000.00")
    stage.authorize(partner, customer.caller)
    coupon = issue_coupon(partner, quota, customer.id, "50.00")
    order = place_order(partner, customer.id)
    pay(customer.caller, order["order_id"], coupon)

    def page() -> Any:
        shown = partner.get(f"/api/customers/{customer.id}")
        return [one["status"] for one in shown["orders"]], shown["next_expiries"]

    eventually(page, lambda seen: seen[0] == [5] and seen[1])
    return customer


def quiet(system: System) -> Tables:
    """The read model once nothing is on its way, to it or between the services."""
    quiet_counts(system)

    def look() -> tuple[int, Tables]:
        waiting = sum(sql(system, name, UNDER_WAY[name])[0][0] for name in system.services)
        time.sleep(0.5)
        return waiting, portfolio(system)

    seen = look()

    def same_again() -> tuple[tuple[int, Tables], bool]:
        nonlocal seen
        before, seen = seen, look()
        return seen, seen == before and seen[0] == 0

    return eventually(same_again, lambda found: found[1])[0][1]


def differences(before: dict[str, Tables], after: dict[str, Tables]) -> dict[str, list[str]]:
    """The rows that only one of the two has, by service and table."""
    found = {
        f"{service}.{table}": sorted(set(rows) ^ set(after[service][table]))
        for service, tables in before.items()
        for table, rows in tables.items()
    }
    return {name: rows for name, rows in found.items() if rows}


WRONG = (
    "UPDATE portfolio_customers SET label = 'wrong', debt_amount = 99, balances = '[]'",
    "UPDATE portfolio_customers SET partner_id = 'nobody', version = version + 1000"
    " WHERE customer_id = '{one}'",
    "UPDATE portfolio_orders SET status = 4, amount_after_discount = 0.01",
    "UPDATE portfolio_coupons SET customer_id = '{other}', version = 1 WHERE customer_id = '{one}'",
    "UPDATE portfolio_accounts SET balance = balance + 1, version = version + 7",
    "DELETE FROM portfolio_customers WHERE customer_id = '{other}'",
    "DELETE FROM portfolio_lines",
    "DELETE FROM portfolio_resources WHERE customer_id = '{one}'",
)


def spoil(system: System, one: str, other: str) -> None:
    """Rows wrong, missing, ahead of their owner, of nobody."""
    for statement in WRONG:
        sql(system, "gateway", statement.format(one=one, other=other), "SELECT 1")
    for table, key in (
        ("orders", "order_id"),
        ("coupons", "coupon_id"),
        ("customers", "customer_id"),
    ):
        _add_ghost(system, f"portfolio_{table}", key, one)
    debt = "INSERT INTO portfolio_debts (customer_id, partner_id, version, currency, debt_amount)"
    sql(system, "gateway", f"{debt} VALUES ('{one}', 'p', 3, 'CNY', 12.50)", "SELECT 1")


def _add_ghost(system: System, table: str, key: str, customer_id: str) -> None:
    """A copy of one of the customer's rows, under an id that no owner has."""
    copy = (
        f'INSERT INTO {table} SELECT (jsonb_populate_record(t, \'{{"{key}": "ghost"}}\')).*'
        f" FROM {table} AS t WHERE customer_id = '{customer_id}' LIMIT 1"
    )
    sql(system, "gateway", copy, "SELECT 1")


def test_the_read_model_is_rebuilt_while_commands_arrive(stage: Stage) -> None:
    system = stage.system
    partner = stage.partner()
    quota = stage.quota(partner.domain_id)
    one, other = (a_paid_order(stage, partner, quota) for _ in range(2))
    recall_coupon(partner, issue_coupon(partner, quota, one.id, "20.00"))
    before = quiet(system)

    spoil(system, one.id, other.id)
    interrupt(system, "gateway")
    process = system.command("gateway", "rebuild")
    third = a_paid_order(stage, partner, quota)
    said, _ = process.communicate(timeout=150)
    assert process.returncode == 0, said
    assert "going on with the rebuild that began at" in said
    assert "ghosts removed" in said
    after = quiet(system)
    own = f'"customer_id": "{partner.domain_id}"'  # its account paid for the third customer
    for table, rows in before.items():
        for row in set(rows) ^ set(after[table]):
            assert third.id in row or own in row, (table, row)

    owned = {name: dump(system, name) for name in system.services if name != "gateway"}
    told = dump(system, "gateway", "event_feed")
    tables = ", ".join(before)
    sql(system, "gateway", f"TRUNCATE {tables}", "SELECT 1")
    said = rebuild(system, "gateway")
    assert portfolio(system) == after, said
    # Nothing followed from it but the copies.
    assert differences(owned, {name: dump(system, name) for name in owned}) == {}
    assert dump(system, "gateway", "event_feed") == told
    assert "mended" not in said
    assert "ghosts" not in said
    assert "nothing had to be changed" in rebuild(system, "gateway")


COPIES = {
    "order": ("customers", "authorizations", "partners"),
    "voucher": ("customers", "partners", "orders"),
    "billing": ("customers", "partners"),
    "customer-sync": ("partners", "placed_orders"),
}


def test_copies_are_rebuilt_and_nothing_else_follows(stage: Stage) -> None:
    system = stage.system
    partner = stage.partner()
    a_paid_order(stage, partner, stage.quota(partner.domain_id))
    quiet(system)
    owned = {name: dump(system, name) for name in COPIES}
    for service, tables in COPIES.items():
        for table in tables:
            one = f"DELETE FROM {table} WHERE ctid = (SELECT max(ctid) FROM {table})"
            sql(system, service, f"UPDATE {table} SET distributor_id = 'wrong'", one, "SELECT 1")
    rebuilds = [system.command(service, "rebuild") for service in COPIES]
    for process in rebuilds:
        said, _ = process.communicate(timeout=150)
        assert process.returncode == 0, said
    quiet(system)
    assert differences(owned, {name: dump(system, name) for name in COPIES}) == {}
    assert stage.admin("GET", "/api/ledger/proof")["balanced"] is True
    assert stage.admin("GET", "/api/vouchers/proof")["balanced"] is True
