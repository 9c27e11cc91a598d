"""Bills of partners: their lists, lines and statements, and who sees what of them."""

import io
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zipfile import ZipFile

import pypdfium2
import pytest

from billing.partner_bills.statements import Statement, StatementRow
from billing.partner_bills.write_statement import pdf, workbook
from contracts.partner import PartnerUpdated
from contracts.voucher import VoucherLimits
from testkit.door import ADMINISTRATOR, code_of
from tests.billing.builders import (
    CUSTOMER,
    DISTRIBUTOR,
    OTHER_CUSTOMER,
    OTHER_PARTNER,
    PARTNER,
    REFERRAL,
    RESELLER,
    RESELLERS_CUSTOMER,
    BillingDoor,
    as_customer,
    as_partner,
    hear,
    partner_joined,
)
from tests.billing.settlement_builders import (
    BEGIN,
    MONTH,
    add_lines,
    bill_line,
    granted,
    settled,
    uses_vouchers,
)

KINDS = ("partner", "resellers", "customers", "services", "managers")
pytestmark = pytest.mark.postgres


async def get(door: BillingDoor, path: str, who: Any = ADMINISTRATOR) -> Any:
    answer = await door.get(path, who)
    assert answer.status_code == 200, answer.text
    return answer.json()


def statement_of(kind: str, partner_id: str = PARTNER) -> str:
    return f"/api/partner-bills/{partner_id}/{MONTH}/statements/{kind}"


async def a_bill(door: BillingDoor) -> None:
    """Three customers, one of them a referral; a voucher pays a part."""
    await uses_vouchers(door.database)
    await granted(door.database, "V1", "30.00")
    await add_lines(
        door.database,
        bill_line("100.00", line_id="l1", customer_label="gold", enterprise_project_id="0"),
        bill_line("20.00", line_id="l2", customer_id=OTHER_CUSTOMER, account_manager_id=None),
        bill_line("7.00", line_id="l3", customer_id=REFERRAL, association_type="1"),
        bill_line("-20.00", line_id="l4", customer_id=OTHER_CUSTOMER, bill_type=4, corrects="l2",
                  service_type_code="hws.service.type.ebs", account_manager_id=None),
    )  # fmt: skip
    await settled(door)


async def test_bills_are_listed_and_every_sum_of_a_statement_is_reachable_from_lines(
    door: BillingDoor,
) -> None:
    """Break: count what referral customers are charged into the margin."""
    await a_bill(door)
    [bill] = (await get(door, f"/api/partner-bills?partner_id={PARTNER}&cycle={MONTH}"))["bills"]
    assert (bill["number"], bill["lines"], bill["is_current"]) == (1, 4, True)
    totals = bill["totals"]
    path = f"/api/partner-bills/{PARTNER}/{MONTH}/lines"
    first = await get(door, f"{path}?limit=3", as_partner())
    rest = await get(door, f"{path}?limit=3&after={first['next']}", as_partner())
    lines = first["lines"] + rest["lines"]
    assert [line["line_id"] for line in lines] == ["l1", "l2", "l3", "l4"]
    assert (rest["next"], lines[0]["vouchers"][0]["amount"]) == (None, "30.00")
    for kind in KINDS:
        told = await get(door, statement_of(kind), as_partner())
        for name in ("customer_amount", "settlement_amount", "due_amount", "performance_amount"):
            from_lines = sum(Decimal(line[name]) for line in lines)
            of_rows = sum(Decimal(row[name]) for row in told["rows"])
            assert from_lines == of_rows == Decimal(told["whole"][name]) == Decimal(totals[name])
        assert told["whole"]["margin_amount"] == "15.00", kind
        assert told["digest"] == bill_digest(told)
    managers = (await get(door, statement_of("managers")))["rows"]
    assert {row["id"]: row["margin_amount"] for row in managers} == {
        None: "0.00", "manager-1": "15.00",
    }  # fmt: skip
    customers = (await get(door, statement_of("customers")))["rows"]
    assert {row["name"] for row in customers} == {f"{name} Ltd" for name in (
        CUSTOMER, OTHER_CUSTOMER, REFERRAL)}  # fmt: skip
    path = f"{statement_of('customer')}?customer_id={OTHER_CUSTOMER}"
    one = await get(door, path)
    assert (one["customer_id"], len(one["rows"]), one["whole"]["due_amount"]) == (
        OTHER_CUSTOMER, 2, "0.00",
    )  # fmt: skip


async def test_a_bill_is_explained_from_its_total_down_to_lines(door: BillingDoor) -> None:
    """Every sum is that of the lines behind its link. Break: leave a filter out of the lines."""
    await a_bill(door)
    bill = f"/api/partner-bills/{PARTNER}/{MONTH}"
    top = await get(door, f"{bill}/explanation", as_partner())
    statement = await get(door, statement_of("services"), as_partner())
    assert top["whole"] == statement["whole"]
    *steps, due = (Decimal(step["amount"]) for step in top["steps"])
    assert sum(steps) == due == Decimal(top["whole"]["due_amount"])
    assert [step["step"] for step in top["steps"]][:2] == ["customers_charged", "partners_price"]
    links, dimensions, parts = [f"{bill}/explanation"], [], 0
    links += [f"{bill}/explanation?by={by}" for by in ("customer", "manager", "project", "label")]
    while links:
        told = await get(door, links.pop(), as_partner())
        dimensions.append(told["by"])
        for part in told["parts"]:
            parts += 1
            await _is_of_its_lines(door, part)
            links += [part["link"]] if part["link"] else []
        for name in ("lines", "customer_amount", "settlement_amount", "due_amount"):
            whole = sum(Decimal(part[name]) for part in told["parts"])
            assert whole == Decimal(told["whole"][name]), (told["chosen"], name)
        await _is_of_its_lines(door, told["whole"] | {"lines_link": told["lines_link"]})
    assert set(dimensions) == {"service", "customer", "manager", "project", "label"}
    assert parts > len(dimensions)
    assert (await door.get(f"{bill}/explanation?customer=nobody", as_partner())).status_code == 404
    refused = await door.get(f"{bill}/explanation?by=colour", as_partner())
    assert code_of(refused)[0] == 400
    assert (await door.get(f"{bill}/explanation", as_partner(OTHER_PARTNER))).status_code == 404


async def _is_of_its_lines(door: BillingDoor, part: dict[str, Any]) -> None:
    lines = (await get(door, part["lines_link"], as_partner()))["lines"]
    assert len(lines) == part["lines"], part
    for name in ("customer_amount", "settlement_amount", "voucher_amount", "due_amount"):
        assert sum(Decimal(line[name]) for line in lines) == Decimal(part[name]), part


def bill_digest(told: dict[str, Any]) -> str:
    """The statement names the lines it was made of."""
    assert len(told["digest"]) == 64
    return str(told["digest"])


async def test_a_distributor_sees_totals_of_resellers_and_not_what_their_customers_are_called(
    door: BillingDoor,
) -> None:
    """And a reseller its own part, without its distributor's prices. Break: name everybody."""
    own: dict[str, Any] = {"partner_id": RESELLER, "distributor_id": DISTRIBUTOR}
    named = partner_joined(
        RESELLER, kind="reseller", distributor_id=DISTRIBUTOR, name="Reseller Ltd", version=3
    )
    await hear(door.database, PartnerUpdated(**named.model_dump()))
    await add_lines(door.database, bill_line("100.00", customer_id=RESELLERS_CUSTOMER, **own))
    await settled(door, DISTRIBUTOR)
    distributor = as_partner(DISTRIBUTOR, "distributor")
    reseller = as_partner(RESELLER, "reseller")
    [row] = (await get(door, statement_of("resellers", DISTRIBUTOR), distributor))["rows"]
    assert (row["id"], row["name"], row["margin_amount"]) == (RESELLER, "Reseller Ltd", "15.00")
    [row] = (await get(door, statement_of("customers", DISTRIBUTOR), distributor))["rows"]
    assert (row["id"], row["name"]) == (RESELLERS_CUSTOMER, None)
    seen = await get(door, statement_of("customers", RESELLER), reseller)
    assert seen["rows"][0]["name"] == f"{RESELLERS_CUSTOMER} Ltd"
    assert seen["whole"]["customer_amount"] == "100.00"
    assert {name for name, value in seen["whole"].items() if value is None} >= {
        "settlement_amount", "voucher_amount", "due_amount", "margin_amount",
    }  # fmt: skip
    path = f"/api/partner-bills/{RESELLER}/{MONTH}/lines"
    [line] = (await get(door, path, reseller))["lines"]
    assert (line["customer_amount"], line["settlement_amount"], line["vouchers"]) == (
        "100.00", None, None,
    )  # fmt: skip
    assert (await get(door, "/api/partner-bills", reseller))["bills"] == []
    refused = await door.get(statement_of("partner", DISTRIBUTOR), reseller)
    assert refused.status_code == 404


async def test_who_has_no_bill_and_what_is_asked_wrongly(door: BillingDoor) -> None:
    await a_bill(door)
    foreign = as_partner(OTHER_PARTNER)
    for path in (statement_of("partner"), f"/api/partner-bills/{PARTNER}/{MONTH}/lines"):
        assert (await door.get(path, foreign)).status_code == 404
        assert (await door.get(path.replace(MONTH, "2026-09"), ADMINISTRATOR)).status_code == 404
        assert (await door.get(f"{path}?number=2", ADMINISTRATOR)).status_code == 404
    assert (await get(door, "/api/partner-bills", foreign))["bills"] == []
    for wrong in (
        statement_of("customer"),
        f"{statement_of('partner')}?customer_id=x",
        statement_of("partner").replace(MONTH, "2026-13"),
        f"{statement_of('partner')}/file",
        f"/api/partner-bills/{PARTNER}/{MONTH}/lines?after=x",
    ):
        assert code_of(await door.get(wrong, ADMINISTRATOR))[0] == 400, wrong
    stranger = f"{statement_of('customer')}?customer_id=nobody"
    assert (await door.get(stranger, ADMINISTRATOR)).status_code == 404


async def test_a_statement_is_a_workbook_and_a_pdf_in_both_languages(door: BillingDoor) -> None:
    """Break: leave the font out of `_parts`."""
    await a_bill(door)
    for language, title in (("zh_CN", "伙伴账单"), ("en_US", "Partner bill")):
        headers = {"X-Language": language}
        path = f"{statement_of('partner')}/file?format="
        sheet = await door.get(f"{path}xlsx", ADMINISTRATOR, headers=headers)
        page = await door.get(f"{path}pdf", ADMINISTRATOR, headers=headers)
        assert (sheet.status_code, page.status_code) == (200, 200)
        assert title in text_of_workbook(sheet.content)
        assert f"{title} {MONTH}" in text_of_pdf(page.content)
        again = await door.get(f"{path}pdf", ADMINISTRATOR, headers=headers)
        assert again.content == page.content
        assert page.headers["content-type"] == "application/pdf"


def text_of_workbook(content: bytes) -> str:
    with ZipFile(io.BytesIO(content)) as book:
        return "".join(book.read(name).decode() for name in book.namelist() if "xl/" in name)


def text_of_pdf(content: bytes) -> str:
    document = pypdfium2.PdfDocument(content)
    found = "\n".join(page.get_textpage().get_text_range() for page in document)
    document.close()
    return found


def row(name: str | None, amount: str = "1.00", called: str | None = None) -> StatementRow:
    """A row of one amount everywhere."""
    value = Decimal(amount)
    return StatementRow(
        id=name, name=called, currency="CNY", lines=1, customer_amount=value,
        settlement_amount=value, voucher_amount=value, forfeited_amount=value, due_amount=value,
        margin_amount=value, performance_amount=value,
    )  # fmt: skip


def statement(*rows: StatementRow) -> Statement:
    """Of those rows."""
    return Statement(
        kind="customers", partner_id="p", partner_name="伙伴 Partner", customer_id=None,
        bill_cycle=MONTH, number=1, digest="d" * 64, currency="CNY", rows=list(rows),
        whole=row(None, "12345678901234567.89"),
    )  # fmt: skip


def test_an_amount_of_more_than_15_digits_is_a_text_and_a_formula_none() -> None:
    """Break: write each amount as a number."""
    content = workbook(statement(row("=1+1", "12.30", "=HYPERLINK(1)")), "en_US")
    text = text_of_workbook(content)
    assert "12345678901234567.89" in text
    assert "<f>" not in text
    assert "<v>12.3</v>" in text


def test_a_long_statement_has_its_headings_on_each_page_and_whole_amounts() -> None:
    """Break: leave `_headings` out of `_row`."""
    rows = [row(f"customer-{number:03}", "1.00", "很长的客户名称" * 5) for number in range(90)]
    content = pdf(statement(*rows), "zh_CN")
    document = pypdfium2.PdfDocument(content)
    pages = [page.get_textpage().get_text_range() for page in document]
    document.close()
    assert len(pages) > 2
    assert all("应付金额" in page for page in pages)
    found = "".join(pages)
    assert all(f"customer-{number:03}" in found for number in range(90))
    assert found.count("12345678901234567.89") == 7  # no amount is cut, however long


async def test_a_line_tells_which_voucher_took_how_much_and_why_not_the_others(
    door: BillingDoor,
) -> None:
    """Asked of the library that matched. Break: tell every other one as used up."""
    await uses_vouchers(door.database)
    await granted(door.database, "V1", "30.00", expire_at=datetime(2026, 12, 1, tzinfo=UTC))
    await granted(door.database, "V2", "500.00", limits=VoucherLimits(customer_ids=[CUSTOMER]))
    await granted(door.database, "V3", "500.00", limits=VoucherLimits(customer_ids=["somebody"]))
    await granted(door.database, "V4", "500.00", expire_at=BEGIN)
    await granted(door.database, "V5", "500.00")
    await add_lines(
        door.database,
        bill_line("100.00", line_id="l1"),
        bill_line("200.00", line_id="l2", customer_id=OTHER_CUSTOMER),
        bill_line("-5.00", line_id="l3", bill_type=9, corrects="l1"),
    )
    before = await get(door, "/api/bill-lines/l1/explanation", as_partner())
    assert before["settlement"] is None
    await settled(door)
    told = await _vouchers_of(door, "l1")
    assert told == {
        "V2": "paid", "V1": "line_covered", "V5": "line_covered",
        "V3": "other_customer", "V4": "expired",
    }  # fmt: skip
    told = await _vouchers_of(door, "l2")
    assert told == {
        "V1": "paid", "V5": "paid", "V2": "other_customer", "V3": "other_customer", "V4": "expired",
    }  # fmt: skip
    assert set((await _vouchers_of(door, "l3")).values()) == {"no_voucher_line"}
    own = await get(door, "/api/bill-lines/l1/explanation", as_customer())
    assert own["settlement"] is None
    shown = (await get(door, "/api/bill-lines/l1/explanation"))["settlement"]
    assert Decimal(shown["settlement_amount"]) == Decimal(shown["voucher_amount"])
    assert shown["vouchers"][0]["amount"] == shown["voucher_amount"]


async def _vouchers_of(door: BillingDoor, line_id: str) -> dict[str, str]:
    told = await get(door, f"/api/bill-lines/{line_id}/explanation", as_partner())
    return {one["voucher_id"]: one["why"] for one in told["settlement"]["vouchers"]}
