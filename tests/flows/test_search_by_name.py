"""Both searches, the portfolio's and the wire's, find the same names, as people write them."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from chassis.database import Database
from chassis.errors import BadFieldError
from chassis.identity import Principal
from chassis.settings import ServiceSettings
from customer_sync.search.list_sub_customers import ListSubCustomers, list_sub_customers
from gateway.portfolio.find_customers import find_customers
from gateway.portfolio.search_conditions import CustomerSearch
from testkit.databases import ServiceDatabase, service_database
from tests.chassis.test_folding import forms, is_known, written
from tests.gateway.portfolio_builders import NOW

pytestmark = pytest.mark.postgres

SELLER = Principal(id="p1", kind="solution_provider", partner_id="p1")
NAMES_MAX = 12
NEEDLE_MAX = 128  # characters, as the wire's table says

portfolio_store = service_database("gateway")
customers_store = service_database("customer_sync")

_INTO_PORTFOLIO = text(
    "INSERT INTO portfolio_customers (customer_id, partner_id, version, customer_name,"
    " association_status, associated_on, as_of)"
    " VALUES (:id, 'p1', 1, :name, 'associated', :on, :on)"
)
_INTO_CUSTOMERS = text(
    "INSERT INTO customers (id, partner_id, site, currency, account_name, customer_name,"
    " association_type, association_status, associated_on, customer_type, verified_status,"
    " is_frozen, closes_market_messages, mirrored, registered_at, version)"
    " VALUES (:id, 'p1', 'china', 'CNY', '=', :name, '2', 'associated', :on, 1, '2', 0, false,"
    " true, :on, 1)"
)


class Searches:
    """The same customers behind both searches."""

    def __init__(self, runner: asyncio.Runner, portfolio: Database, customers: Database):
        self._runner, self._portfolio, self._customers = runner, portfolio, customers

    def fill(self, names: list[str]) -> None:
        """These and no others."""
        self._runner.run(self._fill(names))

    def find(self, name: str) -> tuple[list[str], list[str]]:
        """The names that the portfolio's search finds, and those that the wire's finds."""
        return self._runner.run(self._find(name))

    async def _fill(self, names: list[str]) -> None:
        rows = [
            {"id": f"c{n:02}", "name": name, "on": NOW + timedelta(seconds=n)}
            for n, name in enumerate(names)
        ]
        for database, table, insert in (
            (self._portfolio, "portfolio_customers", _INTO_PORTFOLIO),
            (self._customers, "customers", _INTO_CUSTOMERS),
        ):
            async with database.transaction() as session:
                await session.execute(text(f"DELETE FROM {table}"))
                await session.execute(insert, rows)

    async def _find(self, name: str) -> tuple[list[str], list[str]]:
        async with self._portfolio.transaction_as(SELLER) as session:
            search = CustomerSearch(name=name, limit=200)
            shown = await find_customers(session, SELLER, search, NOW)
        if any(one.isspace() for one in name):
            return sorted(row["customer_name"] for row in shown["customers"]), []
        wanted = ListSubCustomers.model_construct(customer=name, offset=0, limit=100)
        page, count = await list_sub_customers(self._customers, SELLER, wanted)
        assert count == len(page)
        assert shown["count"] == len(shown["customers"])
        one = sorted(row["customer_name"] for row in shown["customers"])
        return one, sorted(row["customer"] for row in page)


@pytest.fixture
def searches(
    portfolio_store: ServiceDatabase, customers_store: ServiceDatabase
) -> Iterator[Searches]:
    with asyncio.Runner() as runner:

        async def opened() -> list[Database]:
            return [
                Database(portfolio_store.settings(ServiceSettings), "gateway"),
                Database(customers_store.settings(ServiceSettings), "customer_sync"),
            ]

        databases = runner.run(opened())
        yield Searches(runner, *databases)
        for database in databases:
            runner.run(database.close())


KNOWN = (
    "İSTANBUL Ticaret", "深圳（龙瑞）科技有限公司", "ＡＢＣ Trading", "阿凡提・买买提",
    "Cafe\u0301 Élan", "ｶﾞｽ株式会社", "张　三", "Straße 7", "O’Reilly",
    "plain_100%", "Pure Water", "ısparta",
)  # fmt: skip


@pytest.mark.parametrize(
    ("needle", "found"),
    [
        ("İSTANBUL", "İSTANBUL Ticaret"),
        ("istanbul", "İSTANBUL Ticaret"),
        ("ISTANBUL", "İSTANBUL Ticaret"),
        ("(龙瑞)", "深圳（龙瑞）科技有限公司"),
        ("（龙", "深圳（龙瑞）科技有限公司"),
        (")", "深圳（龙瑞）科技有限公司"),
        ("abc", "ＡＢＣ Trading"),
        ("ABC", "ＡＢＣ Trading"),
        ("提·买", "阿凡提・买买提"),
        ("•", "阿凡提・买买提"),
        ("阿凡提‧买买提", "阿凡提・买买提"),
        ("CAFÉ", "Cafe\u0301 Élan"),
        ("e\u0301lan", "Cafe\u0301 Élan"),
        ("ガス", "ｶﾞｽ株式会社"),
        ("STRASSE", "Straße 7"),
        ("o'reilly", "O’Reilly"),
        ("_100%", "plain_100%"),
        ("WATER", "Pure Water"),
        ("\u200bpure\u200b", "Pure Water"),
        ("ISPARTA", "ısparta"),
    ],
)
def test_both_searches_find_a_name_however_it_is_written(
    searches: Searches, needle: str, found: str
) -> None:
    searches.fill(list(KNOWN))
    assert searches.find(needle) == ([found], [found])


def test_every_name_is_found_by_itself_and_both_searches_agree(searches: Searches) -> None:
    names_of_something = written.filter(is_known).map(lambda name: f"名{name}")

    @settings(max_examples=10, deadline=None, derandomize=True)
    @given(st.lists(names_of_something, min_size=1, max_size=NAMES_MAX, unique=True))
    def check(names: list[str]) -> None:
        searches.fill(names)
        for name in names[:3]:
            for form in forms(name):
                assert name in searches.find(form)[0], (ascii(form), ascii(name))
                first_word = form.split()[0][:NEEDLE_MAX]  # the wire refuses blanks
                one, other = searches.find(first_word)
                assert one == other, ascii(first_word)
                assert name in one, (ascii(first_word), ascii(name))

    check()


@pytest.mark.parametrize("needle", ["张  三", "张\u3000三", "张\u00a0\u200b 三"])
def test_blanks_of_any_kind_and_number_are_one(searches: Searches, needle: str) -> None:
    searches.fill(list(KNOWN))
    assert searches.find(needle) == (["张　三"], [])
    assert searches.find("张三") == ([], [])


@pytest.mark.parametrize("needle", ["\u200b", "\ufeff\u00ad"])
def test_a_name_that_shows_nothing_asks_for_nobody(searches: Searches, needle: str) -> None:
    searches.fill(list(KNOWN))
    with pytest.raises(BadFieldError, match="name"):
        searches.find(needle)
