"""Each worked number of orders, resources and vouchers stands in a test that carries its label.

A label, such as F.11, is carried by a test's docstring or by its module's. The numbers are read
from the pages: a new one there needs a test.
"""

import ast
import re
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ORDERS, RESOURCES, EXAMPLES = "orders.md", "resources.md", "worked-examples.md"
COUPONS = "coupons.md"
AMOUNT = re.compile(r"(?<![\w.-])\d+\.\d{2,}(?!\w|\.\d)")
# By label: its page, what is worked there beside amounts, amounts that only explain the rule.
SECTIONS: dict[str, tuple[str, list[str], list[str]]] = {
    "H.1": (ORDERS, ["0.9"], ["0.8999"]),  # which it is not
    "H.3": (ORDERS, [], []),
    "H.7": (RESOURCES, ["2026-12-29", "2027-02-05", "7", "5"], []),
    "H.9": (RESOURCES, ["344", "758", "2024-01-15T18:40", "-100.00"], []),
    "H.16": (COUPONS, ["1000", "250.1"], ["0.01", "0.00"]),  # bounds, and nothing
    "F.2": (EXAMPLES, ["100", "60", "50", "80", "10", "20", "0"], []),
    "F.3": (EXAMPLES, ["300", "0"], []),
    "F.6": (EXAMPLES, ["100", "40", "20", "CBC.99000013", "CBC.99000012"], []),
    "F.8": (EXAMPLES, ["100", "2", "5", "3", "204"], []),
    "F.13": (EXAMPLES, ["4", "302", "1"], []),
    "F.9": (EXAMPLES, ["CBC.99003117", "CBC.99003116"], []),
    "F.11": (EXAMPLES, ["2026-11-23 10:00", "2026-11-25T23:59:59", "2026-11-30T10:00:00"], []),
    "F.12": (EXAMPLES, ["1000", "300", "800", "400", "500", "CBC.99005003"], []),
    "F.14": (EXAMPLES, ["10", "1", "2026-10", "2026-11"], []),
    "F.15": (EXAMPLES, ['{"amount": 100.10}', '{"amount":100.1}', "/a", "/a/", "Host",
                        "User-Agent", "CBC.99000089"], ["100.10"]),
}  # fmt: skip


def worked(label: str) -> set[str]:
    """The numbers that the section works out."""
    page, more, explained = SECTIONS[label]
    text = (ROOT / "docs/domain" / page).read_text("utf-8")
    found = re.search(rf"^#+ {re.escape(label)} .*?(?=^<a id=|\Z)", text, re.MULTILINE | re.DOTALL)
    assert found is not None, f"{page} has no {label}"
    return (set(AMOUNT.findall(found[0])) | set(more)) - set(explained)


@cache
def texts() -> dict[Path, str]:
    paths = (ROOT / "tests").rglob("test_*.py")
    return {path: path.read_text("utf-8") for path in paths if path != Path(__file__)}


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(texts()[path])


def carrying(label: str) -> Iterator[str]:
    """The texts and numbers of tests that carry the label, as they would be written on a page."""
    carried = re.compile(rf"\b{re.escape(label)}(?![\d.]*\d)")
    for path in (path for path, text in texts().items() if carried.search(text)):
        module = parsed(path)
        of_all = carried.search(ast.get_docstring(module) or "")
        named = {
            target.id: one.value
            for one in module.body
            if isinstance(one, ast.Assign)
            for target in one.targets
            if isinstance(target, ast.Name)
        }
        for one in module.body:
            if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and (
                of_all or carried.search(ast.get_docstring(one) or "")
            ):
                nodes = list(chain.from_iterable(map(ast.walk, [*one.decorator_list, *one.body])))
                names = {x.id for x in nodes if isinstance(x, ast.Name)} & set(named)
                nodes += chain.from_iterable(ast.walk(named[name]) for name in names)
                for node in nodes:
                    if isinstance(node, ast.Constant) and node.value is not None:
                        value = node.value
                        yield value.decode() if isinstance(value, bytes) else str(value)


def plain(number: str) -> str:
    """One spelling of a number: 163.9 is 163.90, and F.12's 1000 is 1000.00."""
    return str(Decimal(number).normalize()) if re.fullmatch(r"-?\d+(\.\d+)?", number) else number


@pytest.mark.parametrize("label", SECTIONS)
def test_each_worked_number_stands_in_a_test_that_carries_its_label(label: str) -> None:
    """Break: alter a number on a page, or take a label away."""
    found = {plain(one) for one in carrying(label)}
    missing = sorted(one for one in worked(label) if plain(one) not in found)
    assert missing == [], f"no test of {label} has them"


def test_the_pages_are_read_whole() -> None:
    assert {"214.27", "32.15", "163.90", "24.24", "3.03"} <= worked("H.1")
    assert worked("H.7") >= {"32.20", "39.71"}
    assert worked("H.9") >= {"120.00", "45.38", "44.62", "13.39", "31.23"}
    assert worked("F.9") >= {"0.90", "0.85", "0.95", "0.88"}
    assert worked("F.8") >= {"37.50", "62.50"}
    assert "39.72" not in set(carrying("H.7"))
